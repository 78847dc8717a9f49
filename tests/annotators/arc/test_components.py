"""Objects and their ids on planted changes, against a flood fill in Python, and on recorded traces."""

from __future__ import annotations

import numpy as np
import pytest

from annotators.arc.components import ANNOTATOR, components, identities
from annotators.arc.objects import objects_of
from annotators.arc.recorded import Grid, RecordedStep, recorded_steps
from annotators.arc.states import states_of
from tests.annotators.arc.traces import grid, layered, proposed, trace, view


def flood(cells: Grid) -> list[tuple[int, frozenset[tuple[int, int]]]]:
    """Objects by hand: (colour, cells), by the first cell in reading order."""
    found, seen = [], set()
    for start in np.ndindex(cells.shape):
        if start in seen or not cells[start]:
            continue
        todo, own = [start], set()
        while todo:
            row, column = todo.pop()
            inside = 0 <= row < cells.shape[0] and 0 <= column < cells.shape[1]
            if inside and (row, column) not in own and cells[row, column] == cells[start]:
                own.add((row, column))
                todo += [(row + 1, column), (row - 1, column), (row, column + 1), (row, column - 1)]
        seen |= own
        found.append((int(cells[start]), frozenset(own)))
    return found


def test_objects_of_many_grids_at_once_are_those_of_a_flood_fill() -> None:
    random = np.random.default_rng(7)
    shapes = [(1, 1), (1, 9), (9, 1), (3, 3), (12, 7), (30, 30), (5, 8), (2, 2)]
    grids = [random.integers(0, 3, shape).astype(np.uint8) for shape in shapes] + [np.zeros((4, 4), np.uint8)]
    objects = objects_of(grids)
    for place, cells in enumerate(grids):
        numbers = [n for n in range(1, len(objects.area)) if objects.grid[n] == place]
        mine = []
        for number in numbers:
            rows, columns = np.nonzero(objects.of_grid(place) == number)
            mine.append((int(objects.colour[number]), frozenset(zip(rows.tolist(), columns.tolist(), strict=True))))
            assert objects.area[number] == len(rows)
            assert objects.box[number].tolist() == [rows.min(), columns.min(), rows.max() + 1, columns.max() + 1]
            assert objects.mask(number).sum() == len(rows)
        assert mine == flood(cells)


def test_objects_that_are_labelled_in_several_calls_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(3)
    grids = [random.integers(0, 4, (6, 5)).astype(np.uint8) for _ in range(9)]
    whole = objects_of(grids)
    monkeypatch.setattr("annotators.arc.objects._AT_ONCE", 60)
    parts = objects_of(grids)
    for name in ("labels", "first_row", "grid", "colour", "area", "box"):
        assert np.array_equal(getattr(whole, name), getattr(parts, name)), name


def ids(steps: list[RecordedStep]) -> list[str]:
    """The ids of each listed grid, a row apart by a space."""
    states = states_of(steps)
    found = []
    for step, cells in zip(*components(steps)[:2], strict=True):
        after = states.after[[one.step for one in steps].index(step)]
        assert after is not None
        width = states.grids[after].shape[1]
        rows = [cells[at : at + width] for at in range(0, len(cells), width)]
        found.append(" ".join("".join(map(str, row)) for row in rows))
    return found


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("1100 0000 0020", "0011 0000 0020", "0011 0000 0020"),  # moved
        ("1100 0000 0020", "3300 0000 0020", "1100 0000 0020"),  # recoloured
        ("1100 0000 0020", "0001 0001 0020", "0001 0001 0020"),  # turned
        ("1200 1000 0000", "2000 0011 0000", "2000 0011 0000"),  # two at once: one turned, one moved
        ("1100 0000 0020", "1110 0000 0020", "1110 0000 0020"),  # grew
        ("1110 0000 0020", "1100 0000 0020", "1100 0000 0020"),  # shrank
        ("1100 0000 0020", "1100 0030 0020", "1100 0030 0020"),  # one more, in reading order before a known one
        ("1011 0000 0000", "1111 0000 0000", "3333 0000 0000"),  # two became one: none of them goes on
        ("1111 0000 0000", "1011 0000 0000", "2033 0000 0000"),  # one fell apart: it does not go on
        ("1010 0000 0000", "0000 0000 1010", "0000 0000 3040"),  # two of one shape went: which is which, nobody knows
        ("1000 0000 0000", "0000 0000 1010", "0000 0000 2030"),  # one became two
        ("1000 0000 0000", "0000 0002 0000", "0000 0002 0000"),  # went and took another colour: not the same
    ],
)
def test_an_object_keeps_its_id_where_one_reading_is_possible(before: str, after: str, expected: str) -> None:
    steps = trace(before, ("select_begin", None), ("draw", after))
    first, second = ids(steps)
    assert list(dict.fromkeys(n for n in first if n not in " 0")) == list("123")[: len(set(first) - set(" 0"))]
    assert second == expected


def test_a_grid_that_comes_back_has_the_ids_it_had() -> None:
    steps = trace("10 00", ("draw", "11 00"), ("draw", "11 02"), ("undo", "11 00"), ("draw", "11 03"), ("redo", "11 02"))
    assert ids(steps) == ["11 00", "11 02", "11 00", "11 03", "11 02"]


def test_only_steps_that_show_another_grid_are_listed_and_panels_have_objects_of_their_own() -> None:
    steps = [
        *trace("10", ("draw", None), ("draw", "11"), ("draw", None)),
        *trace("10", ("draw", "11"), test=1, first=3),
        RecordedStep(4, "resize", {}, (1, None), grid("11"), None),
    ]
    shown, cells, count = components(steps)
    assert (shown, cells, count) == ([0, 1, 3], [[1, 0], [1, 1], [2, 2]], 2)


def test_a_floating_object_keeps_its_id_over_the_edge_of_another_and_back() -> None:
    square = [(0, 0), (0, 1), (1, 0), (1, 1)]
    steps, _ = layered(
        "11000 11020 00000", ("select_object", square), ("move_right",), ("move_right",), ("paint", 3), ("submit",)
    )
    assert ids(steps) == ["11000 11020 00000", "01100 01120 00000", "00110 00110 00000", "00110 00110 00000"]


def test_the_row_says_what_its_numbers_mean() -> None:
    steps = trace("10 00", ("draw", "10 02"), ("submit", None))
    (said,) = proposed(ANNOTATOR, view(steps))["component"]
    assert said.payload["steps"] == [0]
    assert said.payload["codes"] == [[1, 0, 0, 2]]
    assert said.payload["codebook_size"] == 3
    (nothing,) = proposed(ANNOTATOR, view([RecordedStep(0, "crop", {}, (0, None), grid("1"), None)]))["component"]
    assert nothing.payload["steps"] == []


def test_on_recorded_traces_cells_of_one_object_have_one_id_and_ids_are_not_shared(shared_data, read_source) -> None:
    source = read_source("braingridgame", f"{shared_data}/arc/braingridgame/**/*.json")
    kept = 0
    for name in source.trajectories:
        states = states_of(recorded_steps(source.view(name)))
        objects = objects_of(states.grids)
        given = identities(states, objects)
        for place in range(len(states.grids)):
            own = given[objects.grid == place]
            assert len(set(own.tolist())) == len(own)
            assert (own > 0).all()
        kept += len(given) - 1 - int(given.max())
        proposed(ANNOTATOR, source.view(name))
    assert kept > 100
