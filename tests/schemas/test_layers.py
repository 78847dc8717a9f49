"""The declared layers are complete, and an incomplete declaration is refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import schemas.layers
from schemas.layers import Layer, Review, Term, Tiling, ViewColumn, layer, layers
from schemas.tables import KINDS, STEP_TABLES, TABLES
from schemas.types import Column
from schemas.views import VIEWS, View
from schemas.vocabularies import DOMAINS, LEVELS, STREAM_KINDS

SOUND: dict[str, Any] = {
    "name": "grasp", "domain": "robot", "kind": "segments", "level": "span", "doc": "When the hand holds the thing.",
    "vocabulary": (Term("held", "the thing does not touch the table"),), "stream": "video",
    "tiling": Tiling(overlap=False, gaps=True), "review": Review("robot_language", "clip"),
}  # fmt: skip
EVERY = pytest.mark.parametrize("declared", layers().values(), ids=layers())
VIEW_ROW = {"robot_labels": "robot_steps", "arc_transitions": "arc_steps", "gui_grounding": "gui_steps"}
"""View → the step table whose rows its layers' columns run beside."""


def test_every_file_declares_the_layer_of_its_name() -> None:
    files = {path.stem for path in Path(schemas.layers.__file__).parent.glob("*.py")} - {"__init__"}
    assert set(layers()) == files
    assert list(layers()) == sorted(files)
    assert all(layer(name).name == name for name in files)


@EVERY
def test_a_declaration_names_what_exists(declared: Layer) -> None:
    assert declared.domain in DOMAINS
    assert declared.domain in STEP_TABLES
    assert declared.kind in KINDS
    assert declared.level in LEVELS
    assert declared.stream is None or declared.stream in STREAM_KINDS
    assert declared.doc.endswith(".")


@EVERY
def test_a_vocabulary_has_words_with_a_meaning_each_and_no_word_or_hotkey_twice(declared: Layer) -> None:
    if declared.vocabulary is None:
        assert declared.open_because
        assert declared.words is None
        return
    assert not declared.open_because
    assert declared.words == {term.value for term in declared.vocabulary}
    assert len(declared.words) == len(declared.vocabulary) > 0
    assert all(term.value and term.meaning for term in declared.vocabulary)
    for looks in ([term.hotkey for term in declared.vocabulary], [term.colour for term in declared.vocabulary]):
        given = [look for look in looks if look is not None]
        assert len(given) == len(set(given))
        assert len(given) in (0, len(declared.vocabulary))
    assert all(re.fullmatch("[0-9a-z]", term.hotkey) for term in declared.vocabulary if term.hotkey)
    assert all(re.fullmatch("#[0-9a-f]{6}", term.colour) for term in declared.vocabulary if term.colour)


@EVERY
def test_a_vocabulary_is_of_a_kind_that_has_words(declared: Layer) -> None:
    has_words = {"label", "outcomes", "value", "relation"} & {column.name for column in KINDS[declared.kind]}
    assert declared.vocabulary is None or has_words


@EVERY
def test_intervals_tile_only_where_the_level_has_time(declared: Layer) -> None:
    assert declared.tiling is None or declared.level in ("span", "prefix")


@EVERY
def test_a_review_says_where_and_what_an_absent_row_means(declared: Layer) -> None:
    if declared.review is None:
        assert declared.unreviewed_because
        return
    assert not declared.unreviewed_because
    assert declared.review.absent not in ("", "rejected")
    assert not declared.review.absent.endswith(".")
    assert declared.review.view == "verdict" or declared.review.view.startswith(f"{declared.domain}_")


@EVERY
def test_what_is_seen_on_frames_names_their_kind_of_stream(declared: Layer) -> None:
    """ARC has grids in its steps and no stream; everything else that a person reviews is seen on one."""
    if declared.review is not None:
        assert (declared.stream is None) == (declared.domain == "arc")


@EVERY
def test_a_review_says_what_is_drawn_typed_and_chosen(declared: Layer) -> None:
    review = declared.review
    if review is None:
        return
    assert (review.shape is not None) == (declared.kind == "regions")
    assert review.shape in (None, "point", "box", "polygon", "mask", "cells")
    assert (review.shape == "mask") <= (review.view == "verdict")
    assert review.text <= (declared.kind == "segments")
    assert (review.region is not None) <= (declared.kind == "segments")
    if declared.kind == "segments":
        assert review.text or declared.vocabulary or review.words


@EVERY
def test_words_to_choose_from_are_given_where_the_labels_of_the_layer_are_open(declared: Layer) -> None:
    words = declared.review.words if declared.review else ()
    if words:
        assert declared.vocabulary is None
        assert len({term.value for term in words}) == len(words)
        assert all(term.value and term.meaning and term.hotkey and term.colour for term in words)
    drawn = declared.kind in ("regions", "checks") and declared.review is not None and declared.review.view != "verdict"
    assert not drawn or declared.vocabulary or words


def test_the_keys_of_a_view_are_all_different_for_its_layers_may_stand_together() -> None:
    by_view: dict[str, list[str]] = {}
    for declared in layers().values():
        if declared.review is not None and declared.review.view != "verdict" and declared.kind != "links":
            for term in declared.review.words or declared.vocabulary or ():
                assert term.hotkey, f"{declared.name}: {term.value} has no key in {declared.review.view}"
                assert re.fullmatch("[0-9a-z]", term.hotkey)
                by_view.setdefault(declared.review.view, []).append(term.hotkey)
    assert by_view
    for view, keys in by_view.items():
        assert sorted(keys) == sorted(set(keys)), view


def test_words_that_share_a_control_are_all_different() -> None:
    """All segments of a view stand in one control, and so do all boxes on a video: the word tells the layers apart."""
    by_control: dict[tuple[str, str], list[str]] = {}
    for declared in layers().values():
        shares = declared.kind in ("segments", "links") or (declared.review and declared.review.view == "robot_tracks")
        if declared.review is not None and shares:
            words = [term.value for term in declared.review.words or declared.vocabulary or ()]
            by_control.setdefault((declared.review.view, declared.kind), []).extend(words)
    for control, words in by_control.items():
        assert sorted(words) == sorted(set(words)), control


def test_words_of_the_target_are_roles_and_the_last_stands_for_all_others() -> None:
    review = layer("target").review
    assert review is not None
    assert {"button", "link", "textbox"} < {term.value for term in review.words}
    assert review.words[-1].value == "other"


@EVERY
def test_a_layer_becomes_columns_of_existing_views_of_its_domain_from_existing_payload_columns(declared: Layer) -> None:
    payload = {column.name: column for column in KINDS[declared.kind]}
    for column in declared.columns:
        assert VIEWS[column.view].domain == declared.domain
        given = payload[column.value].arrow
        assert column.column.arrow in (given, given.value_type if pa.types.is_list(given) else given)
        assert column.column.doc
        assert column.column.name not in {own.name for own in VIEWS[column.view].own}
        assert column.column.name not in {own.name for own in TABLES[VIEW_ROW[column.view]]}
    assert len({column.view for column in declared.columns}) == len(declared.columns)


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_a_view_has_its_own_columns_and_then_one_per_layer(view: View) -> None:
    assert VIEWS[view.name] is view
    assert view.doc
    assert view.domain in DOMAINS
    of_layers = [column for declared in layers().values() for column in declared.columns if column.view == view.name]
    assert [column for _, column in view.layer_columns] == of_layers
    assert view.columns == (*view.own, *(column.column for column in of_layers))
    names = [column.name for column in view.columns]
    assert len(names) == len(set(names)) > 0


def test_layers_that_share_a_region_share_the_way_they_tile() -> None:
    shared: dict[tuple[str, str], set[Tiling | None]] = {}
    for declared in layers().values():
        if declared.review is not None and declared.review.region is not None:
            shared.setdefault((declared.review.view, declared.review.region), set()).add(declared.tiling)
    assert all(len(tilings) == 1 for tilings in shared.values())


def test_a_sound_declaration_is_taken() -> None:
    declared = Layer(**SOUND, columns=(ViewColumn("robot_labels", Column("grasp", "string", "held"), "label"),))
    assert declared.words == {"held"}


FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"domain": "web"}, "layer 'grasp': domain 'web' is none of ('robot', 'arc', 'gui', 'agent')"),
    ({"kind": "segment"}, "layer 'grasp': kind 'segment' is none of ('segments', 'texts',"),
    ({"level": "episode"}, "layer 'grasp': level 'episode' is none of ('trajectory', 'prefix',"),
    ({"name": "regions"}, "layer 'regions': the name is a table's or a kind's; configs need names of their own"),
    ({"name": "robot_steps"}, "layer 'robot_steps': the name is a table's or a kind's"),
    ({"name": "annotation_history"}, "layer 'annotation_history': the name is a table's or a kind's"),
    ({"name": "data"}, "layer 'data': name is not [a-z][a-z0-9_]*, or is `data`"),
    ({"name": "Grasp"}, "layer 'Grasp': name is not [a-z][a-z0-9_]*"),
    ({"name": "_grasp"}, "layer '_grasp': name is not [a-z][a-z0-9_]*"),
    ({"name": "2grasp"}, "layer '2grasp': name is not [a-z][a-z0-9_]*"),
    ({"name": "größe"}, "layer 'größe': name is not [a-z][a-z0-9_]*"),
    ({"name": "grasp\n"}, "layer 'grasp\\n': name is not [a-z][a-z0-9_]*"),
    ({"name": "grasp-pose"}, "layer 'grasp-pose': name is not [a-z][a-z0-9_]*"),
    ({"name": ""}, "layer '': name is not [a-z][a-z0-9_]*"),
    ({"doc": ""}, "layer 'grasp': doc is empty: say what the layer means"),
    ({"vocabulary": None}, "layer 'grasp': no vocabulary: say why in open_because"),
    ({"review": None}, "layer 'grasp': no review: say why in unreviewed_because"),
    ({"vocabulary": (Term("held", ""),)}, "layer 'grasp': a word of the vocabulary has no meaning"),
]


@pytest.mark.parametrize(("change", "sentence"), FAULTS, ids=[str(change) for change, _ in FAULTS])
def test_an_incomplete_declaration_is_refused_with_the_field_and_the_remedy(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}"):
        Layer(**(SOUND | change))


def test_a_layer_that_nobody_declared_is_refused_with_those_that_are() -> None:
    with pytest.raises(
        KeyError, match=r"no layer 'grasp'; declared are action_point, activity, .*\(one file each in schemas/layers\)"
    ):
        layer("grasp")
