"""Actions on objects: planted runs, and recorded traces whose every edit stands in exactly one of them."""

from __future__ import annotations

from typing import Any

import pytest

from annotators.arc.object_actions import ANNOTATOR, LABELS, object_actions
from annotators.arc.recorded import RecordedStep, recorded_steps
from annotators.arc.states import states_of
from schemas.arc_operations import OPERATIONS
from schemas.layers import layer
from tests.annotators.arc.traces import layered, proposed, trace, view


def told(steps: list[RecordedStep]) -> list[tuple[str, int, int]]:
    return [(one.label, one.start, one.end) for one in object_actions(steps, states_of(steps))]


def attributes(steps: list[RecordedStep]) -> list[dict[str, Any]]:
    return [one.attributes for one in object_actions(steps, states_of(steps))]


def of(*names: str) -> list[RecordedStep]:
    return trace("0", *((name, None) for name in names))


def test_a_run_of_selections_belongs_to_the_operation_that_it_serves() -> None:
    steps = of("select_begin", "select_update", "pick_color", "fill_selection", "select_begin", "flip_x", "submit")
    assert told(steps) == [("paint", 0, 4), ("flip", 4, 6), ("submit", 6, 7)]
    first, second, third = attributes(steps)
    assert first == {"operations": 1, "selections": 2, "changed": False}
    assert second == {"operations": 1, "selections": 1, "axis": "x", "changed": False}
    assert third["selections"] == 0


def test_a_selection_that_serves_nothing_is_an_action_of_its_own() -> None:
    assert told(of("select_cell", "select_cell")) == [("select", 0, 2)]
    assert told(of("pick_color")) == []
    steps = [*of("select_begin"), *trace("0", ("flip_x", None), test=1, first=1)]
    assert told(steps) == [("select", 0, 1), ("flip", 1, 2)]


def test_a_run_of_moves_is_one_displacement() -> None:
    steps, _ = layered(
        "100 000 000",
        ("select_object", [(0, 0)]),
        ("move_right",),
        ("move_right",),
        ("move_down",),
        ("move_left",),
        ("select_object", [(1, 1)]),
        ("move_up",),
        ("submit",),
    )
    assert told(steps) == [("move", 0, 5), ("move", 5, 7), ("submit", 7, 8)]
    first, second, _ = attributes(steps)
    assert first == {"operations": 4, "selections": 1, "dx": 1, "dy": 1, "k": 0, "changed": True}
    assert (second["dx"], second["dy"]) == (0, -1)


def test_quarter_turns_add_up_and_with_moves_they_are_one_displacement() -> None:
    clockwise, back = "rotate_selection_clockwise", "rotate_selection_counterclockwise"
    assert told(of(clockwise, clockwise, back)) == [("rotate", 0, 3)]
    assert [one["k"] for one in attributes(of(clockwise, clockwise, back))] == [1]
    assert [one["k"] for one in attributes(of(back))] == [3]
    assert told(of("move_up", clockwise)) == [("displace", 0, 2)]
    assert attributes(of("move_up", clockwise))[0]["k"] == 1
    assert told(of("rotate_grid_clockwise", "rotate_grid_clockwise")) == [("rotate", 0, 1), ("rotate", 1, 2)]


def test_there_and_back_changed_nothing() -> None:
    steps, _ = layered("10", ("select_object", [(0, 0)]), ("move_right",), ("move_left",))
    (only,) = attributes(steps)
    assert (only["dx"], only["operations"], only["changed"]) == (0, 2, False)


def test_single_cells_in_one_colour_are_a_stroke() -> None:
    steps = trace(
        "0000",
        ("draw", "3000", {"color": 3}),
        ("draw", "3300", {"color": 3}),
        ("draw", "3340", {"color": 4}),
        ("pick_tool", None),
        ("draw", "3344", {"color": 4}),
        ("undo", "3340"),
        ("undo", "3300"),
    )
    assert told(steps) == [("draw", 0, 2), ("draw", 2, 3), ("draw", 3, 5), ("undo", 5, 7)]
    assert [one.get("color") for one in attributes(steps)] == [3, 4, 4, None]


def test_a_look_elsewhere_ends_a_run_and_not_a_selection() -> None:
    assert told(of("move_up", "show_overview", "move_up")) == [("move", 0, 1), ("move", 2, 3)]
    assert told(of("select_begin", "show_overview", "fill_selection")) == [("paint", 0, 3)]


def test_copy_and_paste_are_two_actions_with_what_floats_between() -> None:
    steps = of("select_begin", "copy", "paste_begin", "paste_accept")
    assert told(steps) == [("copy", 0, 2), ("paste", 2, 4)]


def test_edits_that_nobody_knows_are_other_ones() -> None:
    assert told(of("sparkle", "game_action_1")) == [("other", 0, 1), ("other", 1, 2)]


def test_every_word_is_one_of_the_layer_and_every_operation_one_of_the_vocabulary() -> None:
    assert set(LABELS.values()) | {"displace", "select", "other"} == layer("object_action").words
    assert set(LABELS) <= set(OPERATIONS)


def test_each_edit_of_recorded_traces_is_in_one_action(shared_data, read_source) -> None:
    source = read_source("braingridgame", f"{shared_data}/arc/braingridgame/**/*.json")
    merged = 0
    for name in source.trajectories:
        view_of = source.view(name)
        spans = [(one.start, one.end) for one in proposed(ANNOTATOR, view_of)["object_action"]]
        assert spans == sorted(spans)
        for step in recorded_steps(view_of):
            if step.operation is not None and step.operation.edits:
                assert sum(start <= step.step < end for start, end in spans) == 1
        merged += view_of.num_steps - len(spans)
    assert merged > 50


@pytest.mark.parametrize("unknown", ["before", "after"])
def test_changed_is_absent_where_a_grid_is_not_recorded(unknown: str) -> None:
    (step,) = trace("0", ("draw", "1"))
    grids = {"before": step.before, "after": step.after} | {unknown: None}
    (only,) = attributes([RecordedStep(0, "draw", {}, (0, None), **grids)])
    assert "changed" not in only
    assert proposed(ANNOTATOR, view([RecordedStep(0, "draw", {}, (0, None), **grids)]))
