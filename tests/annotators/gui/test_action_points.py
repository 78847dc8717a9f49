"""`gui.action_points`: the recorded point, the middle of a typed field, and what has no place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from annotators.annotation import annotation_tables
from annotators.gui.action_points import label_of, point_of
from annotators.protocol import annotator, producer_of
from schemas.invariants import check_annotations

SHOP = Path(__file__).resolve().parents[3] / "examples/data/web"


def row(name: str | None, point: Any = None, **arguments: Any) -> dict[str, Any]:
    return {"action_name": name, "point": point, "action_args": orjson.dumps(arguments).decode()}


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("click", "click"),
        ("doubleClick", "click"),
        ("tap", "click"),
        ("drag", "drag"),
        ("dragAndDrop", "drag"),
        ("hscroll", "scroll"),
        ("fill", "type"),
        ("hover", "point"),
        ("check", "point"),
    ],
)
def test_an_action_has_a_word_of_the_layer(name, label):
    assert label_of(name) == label


def test_the_recorded_point_counts_and_of_a_typed_field_its_middle():
    assert point_of(row("click", [3.0, 4.0], box=[0, 0, 100, 100])) == ((3.0, 4.0), "recorded")
    assert point_of(row("fill", box=[10, 20, 30, 60])) == ((20.0, 40.0), "middle of the recorded box")
    assert point_of(row("select", box=[10, 20, 30, 60])) is None
    assert point_of(row("fill")) is None
    assert point_of(row(None)) is None
    assert point_of({"action_name": "type", "point": None, "action_args": None}) is None


def test_the_shop_recording_has_a_point_per_pointer_action_and_typed_field(read_source):
    view = read_source("playwright", str(SHOP / "*.zip")).view("s/buy_one")
    found = annotator("gui.action_points")
    tables = annotation_tables(view.trajectory_id, producer_of(found), found.propose(view))
    assert check_annotations({**view.tables, **tables}) == []
    rows = sorted(tables["regions"].to_pylist(), key=lambda own: own["start"])
    assert [(own["start"], own["label"]) for own in rows] == [
        (1, "type"), (2, "type"), (3, "point"), (4, "click"), (6, "type"), (7, "type"), (9, "point"), (10, "click"),
    ]  # fmt: skip
    assert rows[0]["points"] == [[pytest.approx(531.27, abs=0.01), 30.0]]
    assert (rows[3]["points"], rows[3]["frames"]) == ([[125.0, 371.75]], [4])


def test_a_point_outside_the_frame_has_no_row(shared_data, read_source):
    found = annotator("gui.action_points")
    source = read_source("playwright", shared_data / "gui/playwright")
    for name in source.trajectories:
        view = source.view(name)
        for annotation in found.propose(view):
            (x, y), payload = annotation.payload["points"][0], annotation.payload
            assert 0 <= x < payload["frame_width"]
            assert 0 <= y < payload["frame_height"]
