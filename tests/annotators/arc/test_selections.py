"""Geometry of selections: each way to fit planted once, and recorded traces against counting by hand."""

from __future__ import annotations

from typing import Any

import pytest

from annotators.arc.recorded import RecordedStep, recorded_steps
from annotators.arc.selections import ANNOTATOR, Selection, selected_cells, selections
from annotators.arc.states import states_of
from schemas.layers import layer
from tests.annotators.arc.test_components import flood
from tests.annotators.arc.traces import Cells, by_step, grid, layered, proposed, trace, view

HOUSE = "0000 0110 0102 0002"


def selection(cells: list[tuple[int, int]]) -> Selection:
    steps = trace(HOUSE, ("select_cell", None))
    (found,) = selections(states_of(steps), *selected_cells(view(steps, selections=[cells]).steps["selection"]))
    return found


@pytest.mark.parametrize(
    ("cells", "fit"),
    [
        ([(1, 1), (1, 2), (2, 1)], "object"),
        ([(1, 1), (1, 2), (2, 1), (2, 3), (3, 3)], "objects"),
        ([(1, 1), (1, 2), (2, 1), (2, 2)], "framed"),
        ([(1, 1), (1, 2)], "part"),
        ([(1, 1), (2, 2)], "mixed"),
        ([(1, 1), (2, 3)], "mixed"),
        ([(0, 0), (3, 0)], "ground"),
    ],
)
def test_how_a_selection_lies_to_the_objects(cells: list[tuple[int, int]], fit: str) -> None:
    assert selection(cells).fit == fit
    assert fit in (layer("selection_fit").words or ())


def test_the_box_the_cells_and_the_colours() -> None:
    found = selection([(2, 1), (2, 2), (2, 3), (3, 3), (3, 3)])  # one cell twice
    assert (found.box, found.cells, found.colours) == ([2, 1, 2, 3], 4, [0, 1, 2])


def test_cells_outside_do_not_count_and_selections_of_nothing_are_not_listed() -> None:
    assert selection([(1, 1), (-1, 1), (1, 9)]).cells == 1
    steps = trace(HOUSE, *[("select_cell", None)] * 4)
    steps[3] = RecordedStep(3, "select_cell", {}, (0, None), None, grid(HOUSE))
    chosen: list[Cells | None] = [[], None, [(9, 9)], [(0, 0)]]
    said = proposed(ANNOTATOR, view(steps, selections=chosen))
    assert said == {} or all(one.payload["steps"] == [] for rows in said.values() for one in rows)


def test_two_rows_hold_all_steps() -> None:
    steps, chosen = layered(HOUSE, ("select_object", [(1, 1), (1, 2), (2, 1)]), ("move_up",), ("move_up",), ("submit",))
    said = proposed(ANNOTATOR, view(steps, selections=chosen))
    assert by_step(said["selection_fit"][0], "outcomes") == {0: "object", 1: "object", 2: "object", 3: "object"}
    assert by_step(said["selection_box"][0], "codes") == {
        0: [1, 1, 2, 2, 3, 1],
        1: [1, 1, 2, 2, 3, 1],
        2: [0, 1, 2, 2, 3, 1],
        3: [0, 1, 1, 1, 1, 1],
    }


def by_hand(step: RecordedStep, cells: set[tuple[int, int]]) -> tuple[list[int], list[int], bool]:
    """Box and cells, colours, and whether it is one object."""
    assert step.before is not None
    rows, columns = [r for r, _ in cells], [c for _, c in cells]
    box = [min(rows), min(columns), max(rows) - min(rows) + 1, max(columns) - min(columns) + 1]
    return [*box, len(cells)], sorted({int(step.before[at]) for at in cells}), cells in [own for _, own in flood(step.before)]


def test_recorded_selections_are_what_counting_by_hand_gives(shared_data: Any, read_source: Any) -> None:
    source = read_source("braingridgame", f"{shared_data}/arc/braingridgame/**/*.json")
    checked = 0
    for name in source.trajectories:
        view_of = source.view(name)
        said = proposed(ANNOTATOR, view_of)
        boxes, fits = by_step(said["selection_box"][0], "codes"), by_step(said["selection_fit"][0], "outcomes")
        chosen = view_of.steps["selection"].to_pylist()
        expected = {}
        for step, own in zip(recorded_steps(view_of), chosen, strict=True):
            inside = {
                (row, column)
                for row, column in own or ()
                if step.before is not None and row < step.before.shape[0] and column < step.before.shape[1]
            }
            if inside:
                expected[step.step] = by_hand(step, inside)
        assert {step: (codes[:5], codes[5:], fits[step] == "object") for step, codes in boxes.items()} == expected
        checked += len(expected)
    assert checked > 20
