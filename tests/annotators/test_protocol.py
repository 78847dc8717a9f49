"""Annotators are found by name, carry their parameters, and are asked only where they can answer."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import annotators
from annotators.protocol import Requires, UnknownAnnotatorError, annotator, annotator_names, meets, producer_of
from annotators.trajectory import TrajectoryView
from schemas.arrow import columns_of, stored_schema, table_from_rows
from schemas.layers import layers
from schemas.tables import STEP_TABLES, TABLES
from schemas.vocabularies import PRODUCER_TYPES

EVERY = pytest.mark.parametrize("name", annotator_names())


def view(domain: str = "gui", number: int = 2, tables: Mapping[str, Sequence[dict[str, Any]]] | None = None) -> TrajectoryView:
    """A trajectory of a domain; its step table is empty unless given."""
    made: dict[str, pa.Table] = {}
    for name, rows in ({STEP_TABLES[domain]: []} | dict(tables or {})).items():
        made[name] = table_from_rows(stored_schema(name, columns_of(name)), rows)
    header = {"trajectory_id": "t/0", "domain": domain, "num_steps": number}
    return TrajectoryView(header, made, lambda _: b"", lambda _: nullcontext(Path()))


def test_every_module_with_an_annotator_is_found_by_its_place() -> None:
    root = Path(next(iter(annotators.__path__)))
    files = {
        path for path in root.glob("*/*.py") if any(line.startswith("ANNOTATOR = ") for line in path.read_text().splitlines())
    }
    assert annotator_names() == tuple(sorted(f"{path.parent.name}.{path.stem}" for path in files))
    assert len(files) >= 5


@EVERY
def test_an_annotator_declares_what_it_emits_and_what_it_needs(name: str) -> None:
    found = annotator(name)
    assert found.name == name
    assert found.version
    assert found.producer_type in PRODUCER_TYPES
    assert found.emits
    assert isinstance(found.deterministic, bool)
    assert {layers()[layer].domain for layer in found.emits} == {found.requires.domain}
    assert name.split(".")[0] in (found.requires.domain, "models")
    columns = {column.name for column in TABLES[STEP_TABLES[found.requires.domain]]}
    assert set(found.requires.columns) <= columns
    assert set(found.requires.tables) <= {*TABLES, "arc_states"}
    assert inspect.getdoc(found.propose)


@EVERY
def test_an_annotator_is_a_frozen_value_that_signs_with_its_parameters(name: str) -> None:
    found = annotator(name)
    for field in dataclasses.fields(found):  # type: ignore[arg-type]
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(found, field.name, None)
    producer = producer_of(found)
    assert (producer.type, producer.name, producer.version) == (found.producer_type, name, found.version)
    assert annotator(name, producer.parameters) == found
    assert producer_of(annotator(name)).run == producer.run


def test_no_layer_is_filled_by_two_annotators_but_by_a_model_beside_a_signal() -> None:
    signals = [name for name in annotator_names() if not name.startswith("models.")]
    emitted = [layer for name in signals for layer in annotator(name).emits]
    assert len(emitted) == len(set(emitted))


def test_a_parameter_is_replaced_and_makes_another_run() -> None:
    changed = annotator("gui.state_change", {"speck": 5})
    assert producer_of(changed).parameters == {"threshold": 24, "speck": 5}
    assert producer_of(changed).run != producer_of(annotator("gui.state_change")).run
    assert producer_of(annotator("gui.state_change")).parameters["speck"] == 3


def test_an_annotator_that_is_not_there_is_refused_with_those_that_are() -> None:
    for name in ("arc.nop", "noop", "gui.trees", "arc", ""):
        with pytest.raises(
            UnknownAnnotatorError, match=rf"no annotator '{name}'; there are arc\.attribution, arc\.components, "
        ):
            annotator(name)


def test_a_parameter_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(UnknownAnnotatorError, match=r"gui\.state_change has no parameter 'treshold'; it has speck, threshold"):
        annotator("gui.state_change", {"treshold": 3})
    with pytest.raises(UnknownAnnotatorError, match=r"arc\.noop has no parameter 'x'; it has none"):
        annotator("arc.noop", {"x": 3})


@pytest.mark.parametrize(
    ("requires", "trajectory", "enough"),
    [
        (Requires("gui"), view(), True),
        (Requires("gui"), view("arc"), False),
        (Requires("gui"), view(number=0), False),
        (Requires("gui", ("app",)), view(), False),
        (Requires("gui", ("app",)), view(tables={"gui_steps": [{"app": None}, {"app": None}]}), False),
        (Requires("gui", ("app",)), view(tables={"gui_steps": [{"app": None}, {"app": ""}]}), True),
        (Requires("gui", ("app", "url")), view(tables={"gui_steps": [{"app": "a"}]}), False),
        (Requires("gui", ("screenshots",)), view(tables={"gui_steps": [{"app": "a"}]}), False),
        (Requires("gui", tables=("gui_trees",)), view(), False),
        (Requires("gui", tables=("gui_trees",)), view(tables={"gui_trees": []}), False),
        (Requires("gui", tables=("gui_trees",)), view(tables={"gui_trees": [{"step": 0}]}), True),
        (Requires("gui", tables=("gui_trees", "images")), view(tables={"gui_trees": [{"step": 0}]}), False),
    ],
)
def test_a_trajectory_is_asked_about_only_where_it_has_what_is_required(
    requires: Requires, trajectory: TrajectoryView, enough: bool
) -> None:
    assert meets(requires, trajectory) is enough
