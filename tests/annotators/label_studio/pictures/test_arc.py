"""Pictures of ARC steps: every cell in its colour at its place, in every picture of a trace, whatever the sizes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from annotators.label_studio.pictures.arc import CELL, COLOURS, board, step_pictures

EXAMPLES = Path(__file__).resolve().parents[4] / "examples/data/arc"


def step(**columns: Any) -> dict[str, Any]:
    names = ("step", "timestamp", "action_name", "action_args", "task_id", "test_index", "grid_before", "grid_after")
    return dict.fromkeys((*names, "grids_between", "selection")) | {"step": 0, "action_name": "draw"} | columns


def centres(picture: np.ndarray, corner: tuple[int, int], cell: int, rows: int, columns: int) -> np.ndarray:
    x, y = corner
    return picture[y + cell // 2 : y + rows * cell : cell, x + cell // 2 : x + columns * cell : cell]


def random_grid(rows: int, columns: int, seed: int = 0) -> list[list[int]]:
    return np.random.default_rng(seed).integers(0, 10, (rows, columns)).tolist()


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (3, 6), (10, 10), (30, 30), (30, 4), (2, 30), (100, 100)])
def test_every_cell_in_its_colour(rows: int, columns: int) -> None:
    before, after = random_grid(rows, columns), random_grid(rows, columns, 1)
    selection = [[0, 0], [rows - 1, columns - 1]]
    row = step(grid_before=before, grid_after=after, selection=selection)
    place = board([row], None)
    (picture,) = step_pictures([row], None)
    assert picture.shape == (place.height, place.width, 3)
    assert place.cell >= CELL[0]
    palette = np.array(COLOURS)
    assert (centres(picture, place.before, place.cell, rows, columns) == palette[before]).all()
    assert (centres(picture, place.after, place.cell, rows, columns) == palette[after]).all()


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (4, 4), (10, 10), (12, 9)])
def test_cells_of_usual_grids_are_large(rows: int, columns: int) -> None:
    row = step(grid_before=random_grid(rows, columns), grid_after=random_grid(rows, columns))
    place = board([row], None)
    assert place.cell >= 40
    assert (place.width, place.height) == (1280, 720)


def test_the_grid_stays_where_it_is_when_its_size_changes() -> None:
    rows = [
        step(grid_before=random_grid(3, 3), grid_after=random_grid(12, 5), action_name="resize"),
        step(step=1, grid_before=random_grid(12, 5), grid_after=random_grid(2, 9), action_name="crop"),
    ]
    place = board(rows, None)
    assert place.grid == (*place.before, place.cell, 12, 9)
    for row, picture in zip(rows, step_pictures(rows, None), strict=True):
        grid = np.array(row["grid_before"])
        assert (centres(picture, place.before, place.cell, *grid.shape) == np.array(COLOURS)[grid]).all()


def test_selection_and_changes_are_seen_without_hiding_colours() -> None:
    grid = [[3] * 4 for _ in range(4)]
    other = [list(line) for line in grid]
    other[2][1] = 4
    plain = step(grid_before=grid, grid_after=grid)
    marked = step(grid_before=grid, grid_after=other, selection=[[1, 1], [1, 2]])
    place = board([plain, marked], None)
    a, b = step_pictures([plain, marked], None)
    x, y = place.before
    border = (y + place.cell + place.cell // 2, x + place.cell)
    assert tuple(a[border]) != (255, 255, 255)
    assert tuple(b[border]) == (255, 255, 255)
    inside = (y + place.cell + place.cell // 2, x + 2 * place.cell)
    assert tuple(b[inside]) != (255, 255, 255), "no line runs through a selection"
    u, v = place.after
    corner = (slice(v + 2 * place.cell + 2, v + 2 * place.cell + 6), slice(u + place.cell + 2, u + place.cell + 6))
    assert (b[corner] == 255).any()
    assert not (a[corner] == 255).all(axis=-1).any()


def test_pairs_of_the_task_are_drawn(shared_data: Path) -> None:
    path = sorted((shared_data / "arc/arc_agi_1/training").glob("*.json"))[0]
    found = json.loads(path.read_text())
    task = {"demonstrations": found["train"], "tests": found["test"]}
    row = step(grid_before=random_grid(5, 5), grid_after=random_grid(5, 5), task_id=path.stem)
    with_pairs, without = next(iter(step_pictures([row], task))), next(iter(step_pictures([row], None)))
    panel = board([row], task).panel
    for colour in {value for pair in found["train"] for line in pair["output"] for value in line}:
        assert (with_pairs[80:, :panel] == COLOURS[colour]).all(axis=-1).any()
    assert not (without[80:, : board([row], None).panel] == COLOURS[2]).all(axis=-1).any()


def test_an_unknown_output_and_an_unknown_state_are_said() -> None:
    pair = {"input": [[1]], "output": None}
    row = step(grid_before=None, grid_after=[[2]])
    task = {"demonstrations": [pair], "tests": [{"input": [[5]], "output": None}]}
    (picture,) = step_pictures([row], task)
    place = board([row], task)
    x, y = place.before
    assert len(np.unique(picture[y + 4 : y + 30, x : x + 60].reshape(-1, 3), axis=0)) > 1, "words stand where the grid would be"


def test_examples_the_same_twice(read_source: Callable[..., Any]) -> None:
    found = read_source("braingridgame", EXAMPLES)
    for name in sorted(found.trajectories)[::4]:
        steps = found.view(name).steps.to_pylist()
        once, twice = ([p.tobytes() for p in step_pictures(steps, None)] for _ in range(2))
        assert once == twice
        assert len(once) == len(steps)
