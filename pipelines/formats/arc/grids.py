"""ARC grids from parsed JSON, checked, and columns of them.

A grid is a uint8 array of rows x columns, 1 to `MAX_SIDE` each, colours 0 to 9. Most steps show a grid that another
step has shown, so a column is a pool of grids and, per step, which of them: no cell is touched twice.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.sources import Rejected
from schemas.arc_operations import MAX_COLOUR, MAX_SIDE

Grid = npt.NDArray[np.uint8]
Rectangle = tuple[int, int, int, int]
"""x (column), y (row), width, height, in cells."""


def grid_of(value: Any, where: str, max_side: int = MAX_SIDE, max_colour: int = MAX_COLOUR) -> Grid:
    """A parsed JSON value as a grid. `where` names the place in messages, such as `step 4 (draw)`.

    Raises Rejected: `grid_invalid` (not a list of lists), `grid_size`, `grid_ragged`, `grid_colour`.
    """
    if type(value) is not list or not all(type(row) is list for row in value):
        raise Rejected("grid_invalid", f"{where}: the grid is no list of rows: correct the file or leave it out")
    height, width = len(value), len(value[0]) if value else 0
    if not (1 <= height <= max_side and 1 <= width <= max_side):
        message = f"{where}: the grid has {height} rows and {width} columns; 1 to {max_side} of each are possible"
        raise Rejected("grid_size", message, {"rows": height, "columns": width})
    if any(len(row) != width for row in value):
        at = next(i for i, row in enumerate(value) if len(row) != width)
        message = f"{where}: row {at} has {len(value[at])} cells, row 0 has {width}: all rows must be of one length"
        raise Rejected("grid_ragged", message, {"row": at, "cells": len(value[at]), "expected": width})
    cells = list(chain.from_iterable(value))
    if set(map(type, cells)) != {int} or min(cells) < 0 or max(cells) > max_colour:
        at = next(i for i, cell in enumerate(cells) if type(cell) is not int or not 0 <= cell <= max_colour)
        row, column = divmod(at, width)
        message = f"{where}: cell [{row}, {column}] is {str(cells[at])[:80]!r}; a colour is an integer from 0 to {max_colour}"
        raise Rejected("grid_colour", message, {"row": row, "column": column, "value": str(cells[at])[:80]})
    return np.frombuffer(bytes(cells), np.uint8).reshape(height, width)


def grid_column(grids: Sequence[Grid], picks: Sequence[int | None]) -> pa.Array:
    """A column list<list<uint8>>: per row the grid of that number in `grids`, or null."""
    heights = [len(grid) for grid in grids]
    widths = np.repeat([grid.shape[1] for grid in grids], heights)
    cells = np.concatenate([grid.ravel() for grid in grids]) if grids else np.empty(0, np.uint8)
    pool = _lists(heights, _lists(widths, pa.array(cells, pa.uint8())))
    return pool.take(pa.array(picks, pa.int32()))


def selection_column(rectangles: Sequence[Rectangle | None]) -> pa.Array:
    """A column list<list<int16>>: per row the cells [row, column] of a rectangle, row by row, or null."""
    numbers: dict[Hashable, int] = {}
    picks = [None if r is None else numbers.setdefault(r, len(numbers)) for r in rectangles]
    pool = [r for r in dict.fromkeys(rectangles) if r is not None]
    cells = [np.mgrid[y : y + height, x : x + width].reshape(2, -1).T for x, y, width, height in pool]
    flat = np.concatenate(cells).ravel() if cells else np.empty(0)
    pairs = _lists(np.full(len(flat) // 2, 2), pa.array(flat.astype(np.int16), pa.int16()))
    return _lists([len(c) for c in cells], pairs).take(pa.array(picks, pa.int32()))


def _lists(lengths: Sequence[int] | npt.NDArray[Any], values: pa.Array) -> pa.Array:
    offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values)
