"""ARC grids as ids, and the small table of ids that tasks are regrouped by (`arc_states`).

What is said across the trajectories of a task (its state graph, popular states, values) asks only whether two people saw
the same grid. Ingest therefore writes, beside each shard's `arc_steps`, one small row per step that led from one grid to
another, handed one in, or shows the first grid of a test: the ids of the grids before and after it, the operation and where
it worked. Regrouping then moves these rows and never a grid.

The id of a grid is anyone's to compute, `grid` being a list of rows:

    hashlib.blake2b(f"{len(grid)}x{len(grid[0])}:".encode() + bytes(c for row in grid for c in row), digest_size=8).hexdigest()
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from schemas.arrow import columns_of, stored_schema, table_from_columns

from .recorded import Grid

COLUMNS = ("trajectory_id", "step", "action_name", "action_args", "test_index", "grid_before", "grid_after", "selection")
"""The columns of `arc_steps` that `state_rows` reads."""

Ints = npt.NDArray[np.int32]


def grid_id(grid: Grid) -> str:
    """The id of one grid: 16 hex digits."""
    return _id(grid.shape[0], grid.shape[1], grid.tobytes())


def grid_ids(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """The ids of a column list<list<uint8>> as strings, null for null. A grid that occurs again is not hashed again."""
    known: dict[tuple[int, bytes], int] = {}
    numbers: list[int | None] = []
    for chunk in column.chunks if isinstance(column, pa.ChunkedArray) else [column]:
        rows = chunk.values
        cells = np.asarray(rows.values).tobytes()
        inner, outer = np.asarray(rows.offsets), np.asarray(chunk.offsets)
        heights = np.where(chunk.is_valid().to_numpy(zero_copy_only=False), np.diff(outer), -1).tolist()
        bounds = inner[outer].tolist()
        for height, start, end in zip(heights, bounds[:-1], bounds[1:], strict=True):
            numbers.append(known.setdefault((height, cells[start:end]), len(known)) if height >= 0 else None)
    ids = [_id(height, len(grid) // max(height, 1), grid) for height, grid in known]
    return pa.array(ids, pa.string()).take(pa.array(numbers, pa.int32()))


def state_rows(steps: pa.Table) -> pa.Table:
    """The rows of `arc_states` for rows of `arc_steps` (its `COLUMNS`), which are sorted by trajectory and step."""
    steps = steps.select(COLUMNS).combine_chunks()
    cells, judged = _told(steps)
    found = table_from_columns(
        stored_schema("arc_states", columns_of("arc_states")),
        {
            **{name: steps[name] for name in ("trajectory_id", "step", "test_index")},
            "operation": steps["action_name"],
            "before": grid_ids(steps["grid_before"]),
            "after": grid_ids(steps["grid_after"]),
            "region": _lists_of_four(np.where(cells[:, :1] >= 0, cells, _boxes(steps["selection"]))),
            "correct": judged,
        },
        steps.num_rows,
    )
    return found.filter(_says_something(found))


def _says_something(found: pa.Table) -> pa.Array:
    """Which rows lead from one grid to another, hand one in, or are the first with a grid in a run of one test."""
    shows = pc.or_(found["before"].is_valid(), found["after"].is_valid()).to_numpy()
    leads = pc.not_equal(found["before"], found["after"]).fill_null(True).to_numpy()
    submits = pc.equal(found["operation"], "submit").fill_null(False).to_numpy()
    first = np.zeros(len(found), bool)
    rows = np.flatnonzero(shows)
    if len(rows):
        owners, tests = (found[name].take(pa.array(rows)) for name in ("trajectory_id", "test_index"))
        other = pc.not_equal(owners.slice(1), owners.slice(0, len(rows) - 1)).to_numpy()
        numbers = tests.fill_null(-1).to_numpy()
        first[rows] = np.concatenate([[True], other | (numbers[1:] != numbers[:-1])])
    return pa.array(shows & (leads | submits | first))


def _id(rows: int, columns: int, cells: bytes) -> str:
    return hashlib.blake2b(b"%dx%d:" % (rows, columns) + cells, digest_size=8).hexdigest()


def _boxes(column: pa.ChunkedArray) -> Ints:
    """Top, left, bottom, right (half-open) around the cells of each selection, n x 4; -1 where there are none.

    Looks at rows that were not checked yet: where a cell is no pair of numbers, no selection has a box.
    """
    found = np.full((len(column), 4), -1, np.int32)
    if column.null_count == len(column):
        return found
    selections = pa.concat_arrays(column.chunks)
    pairs = selections.flatten()
    if pairs.null_count or pairs.flatten().null_count or not pc.all(pc.equal(pc.list_value_length(pairs), 2)).as_py():
        return found
    lengths = pc.list_value_length(selections).fill_null(0).to_numpy()
    filled = np.flatnonzero(lengths)
    if len(filled):
        cells = pairs.flatten().to_numpy().reshape(-1, 2)
        starts = np.concatenate([[0], np.cumsum(lengths[filled])[:-1]])
        found[filled, :2] = np.minimum.reduceat(cells, starts)
        found[filled, 2:] = np.maximum.reduceat(cells, starts) + 1
    return found


def _told(steps: pa.Table) -> tuple[Ints, pa.Array]:
    """What arguments say: the cell of those that work at one, as a box (n x 4, else -1), and how a submission was judged."""
    cells = np.full((steps.num_rows, 4), -1, np.int32)
    judged: list[bool | None] = [None] * steps.num_rows
    speaks = pc.is_in(steps["action_name"], value_set=pa.array([*_AT_A_CELL, "submit"]))
    places = np.flatnonzero(speaks.to_numpy())
    for place, text in zip(
        places.tolist(), steps["action_args"].cast(pa.string()).take(pa.array(places)).to_pylist(), strict=True
    ):
        arguments: Any = orjson.loads(text) if text is not None else None
        if not isinstance(arguments, dict):
            continue
        x, y, correct = (arguments.get(name) for name in ("x", "y", "correct"))
        if isinstance(correct, bool):
            judged[place] = correct
        elif type(x) is int and type(y) is int and 0 <= min(x, y) <= max(x, y) < 2**15:
            cells[place] = y, x, y + 1, x + 1
    return cells, pa.array(judged, pa.bool_())


_AT_A_CELL = ("draw", "flood_fill")


def _lists_of_four(boxes: Ints) -> pa.Array:
    """list<int32> of each row; null where it is all -1."""
    present = boxes[:, 0] >= 0
    offsets = np.concatenate([[0], np.cumsum(4 * present)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(boxes[present].ravel(), pa.int32()), mask=pa.array(~present))
