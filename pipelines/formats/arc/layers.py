"""Columns of `arc_steps` for editors with two layers: a background, and cells that float over it.

All steps of many traces at once, on flat arrays: no cell is touched in Python. The visible grid is the background with the
floating cells over it; a floating cell of colour 0 is transparent, one outside the grid is hidden but not lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Ints = npt.NDArray[np.int64]
Cells = npt.NDArray[np.int16]
Flags = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Layers:
    """The layers after each of S steps: `heights`, `widths`, `background` (all cells one after another), and the floating
    cells as rows of `cells` (row, column, colour), `counts` a step.
    """

    heights: Ints
    widths: Ints
    background: Bytes
    cells: Cells
    counts: Ints

    @property
    def sizes(self) -> Ints:
        """Cells of each grid."""
        return self.heights * self.widths


@dataclass(frozen=True, slots=True)
class Starts:
    """What was seen before the first step of each of T trajectories: flat cells; height 0 where it is not known."""

    heights: Ints
    widths: Ints
    cells: Bytes


def in_order(layers: Layers) -> tuple[Layers, Ints]:
    """The floating cells of each step by row and column, of those on one place the last; how many of each step were dropped."""
    owner = np.repeat(np.arange(len(layers.counts)), layers.counts)
    place = layers.cells.astype(np.int64)
    key = (owner << 32) + ((place[:, 0] + 2**15) << 16) + (place[:, 1] + 2**15)
    order = np.argsort(key, kind="stable")
    key = key[order]
    last = np.append(key[1:] != key[:-1], True) if len(key) else np.zeros(0, np.bool_)
    kept = np.bincount(owner[order][last], minlength=len(layers.counts)).astype(np.int64)
    ordered = Layers(layers.heights, layers.widths, layers.background, layers.cells[order[last]], kept)
    return ordered, layers.counts - kept


def visible(layers: Layers) -> Bytes:
    """What is seen at each step, cells one after another."""
    owner = np.repeat(np.arange(len(layers.counts)), layers.counts)
    inside, at = _places(layers, owner)
    shown = inside & (layers.cells[:, 2] != 0)
    seen = layers.background.copy()
    seen[at[shown]] = layers.cells[shown, 2]
    return seen


def outside(layers: Layers) -> Ints:
    """Floating cells of each step that lie outside its grid."""
    owner = np.repeat(np.arange(len(layers.counts)), layers.counts)
    return np.bincount(owner[~_places(layers, owner)[0]], minlength=len(layers.counts)).astype(np.int64)


def layer_columns(layers: Layers, seen: Bytes, starts: Starts, lengths: Ints, selects: Flags) -> dict[str, pa.Array]:
    """`grid_before`, `grid_after`, `background`, `floating` and `selection` of trajectories of `lengths` steps.

    `seen`: `visible(layers)`. A selection is what was taken up, at steps of `selects`; at others what was floating when the
    action was chosen.
    """
    first = np.cumsum(lengths) - lengths
    previous = np.arange(len(selects)) - 1
    previous[first] = -1
    before = _grids_before(layers, seen, starts, lengths, first)
    chosen = np.where(selects, np.arange(len(selects)), previous)
    counts = np.where(chosen < 0, 0, layers.counts[chosen])
    selected = layers.cells[_ranges(np.cumsum(layers.counts)[chosen] - layers.counts[chosen], counts), :2]
    return {
        "grid_before": before,
        "grid_after": _grids(layers.heights, layers.widths, seen),
        "background": _grids(layers.heights, layers.widths, layers.background),
        "floating": _lists(layers.counts, _rows(layers.cells)),
        "selection": _lists(counts, _rows(selected)),
    }


def _grids_before(layers: Layers, seen: Bytes, starts: Starts, lengths: Ints, first: Ints) -> pa.Array:
    """Of each step the grid seen after the one before it, of the first the start."""
    heights, widths = np.roll(layers.heights, 1), np.roll(layers.widths, 1)
    heights[first], widths[first] = starts.heights, starts.widths
    sizes = heights * widths
    is_start = np.zeros(len(heights), np.bool_)
    is_start[first] = True
    is_last = np.zeros(len(heights), np.bool_)
    is_last[first + lengths - 1] = True
    cells = np.empty(int(sizes.sum()), np.uint8)
    from_start = np.repeat(is_start, sizes)
    cells[from_start] = starts.cells
    cells[~from_start] = seen[~np.repeat(is_last, layers.sizes)]
    return _grids(heights, widths, cells, heights == 0)


def _places(layers: Layers, owner: Ints) -> tuple[Flags, Ints]:
    """Whether each floating cell lies in the grid, and where in the flat cells."""
    row, column = layers.cells[:, 0].astype(np.int64), layers.cells[:, 1].astype(np.int64)
    inside = (row >= 0) & (row < layers.heights[owner]) & (column >= 0) & (column < layers.widths[owner])
    starts = np.cumsum(layers.sizes) - layers.sizes
    return inside, starts[owner] + row * layers.widths[owner] + column


def _ranges(starts: Ints, counts: Ints) -> Ints:
    """`starts[0], starts[0] + 1, …` for `counts[0]` numbers, and so on."""
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    return np.asarray(np.arange(total) + np.repeat(starts - (ends - counts), counts), np.int64)


def _grids(heights: Ints, widths: Ints, cells: Bytes, null: Flags | None = None) -> pa.Array:
    return _lists(heights, _lists(np.repeat(widths, heights), pa.array(cells)), null)


def _rows(cells: Cells) -> pa.Array:
    """Rows of numbers as lists of int16."""
    flat = pa.array(np.ascontiguousarray(cells).reshape(-1))
    return _lists(np.full(len(cells), cells.shape[1]), flat)


def _lists(lengths: npt.NDArray[Any], values: pa.Array, null: Flags | None = None) -> pa.Array:
    offsets = np.zeros(len(lengths) + 1, np.int32)
    np.cumsum(lengths, out=offsets[1:])
    mask = pa.array(null) if null is not None and null.any() else None
    return pa.ListArray.from_arrays(pa.array(offsets), values, mask=mask)
