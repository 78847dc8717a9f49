"""The recorded steps of traces with two layers, as flat bytes: many trajectories at once, straight from Arrow's buffers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from .layers import State

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class LayeredTrace:
    """One trajectory: an entry per step, of its layers and of what was seen after it.

    `start`: what was seen before the first step, None where it is not recorded; `start_recorded` False where the reader took
    it from the first step itself. `lifted`: whether the grid is 0 under all
    floating cells, and those outside it are transparent, as a selection leaves them.
    """

    names: Sequence[str]
    arguments: Sequence[str | None]
    sources: Sequence[str | None]
    states: Sequence[State]
    views: Sequence[bytes]
    lifted: Sequence[bool]
    start: State | None
    start_recorded: bool = True


def has_layers(steps: pa.Table) -> bool:
    """Whether the trace was recorded with layers."""
    return bool(len(steps)) and steps["background"].null_count == 0 and steps["floating"].null_count == 0


def layered_traces(steps: pa.Table, lengths: Sequence[int], inferred: Sequence[bool]) -> Iterator[LayeredTrace]:
    """The traces that stand one after another in rows of `arc_steps`, with `lengths` steps each. All have layers.

    `inferred`: whether the start of each was taken from its first step.

    Raises ValueError for a ragged grid, or one without a size.
    """
    after = _grids(steps["grid_after"])
    ground = _grids(steps["background"])
    before = _grids(steps["grid_before"])
    floating, offsets = _cells(steps["floating"])
    places = np.ascontiguousarray(floating[:, :2]).tobytes()
    colours = floating[:, 2].astype(np.uint8).tobytes()
    lifted = _lifted(ground, floating, offsets).tolist()
    bounds = offsets.tolist()
    names = steps["action_name"].to_pylist()
    arguments = steps["action_args"].cast(pa.string()).to_pylist()
    sources = steps["source_action"].cast(pa.string())
    states = [
        State(width, ground.cells[at : at + size], places[4 * a : 4 * b], colours[a:b])
        for width, at, size, a, b in zip(ground.widths, ground.at, ground.sizes, bounds, bounds[1:], strict=False)
    ]
    views = [after.cells[at : at + size] for at, size in zip(after.at, after.sizes, strict=True)]
    first = 0
    for length, guessed in zip(lengths, inferred, strict=True):
        end = first + length
        size, at = before.sizes[first], before.at[first]
        start = State(before.widths[first], before.cells[at : at + size]) if size else None
        copies = [name == "copy" for name in names[first:end]]
        texts = sources.slice(first, length).to_pylist() if any(copies) else [None] * length
        yield LayeredTrace(
            names[first:end],
            arguments[first:end],
            texts,
            states[first:end],
            views[first:end],
            lifted[first:end],
            start,
            not guessed,
        )
        first = end


@dataclass(frozen=True, slots=True)
class _Grids:
    """Grids as one run of bytes: where each begins, its size and width; a null one has size 0."""

    cells: bytes
    at: list[int]
    sizes: list[int]
    widths: list[int]


def _grids(column: pa.ChunkedArray) -> _Grids:
    chunk = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    rows = chunk.values
    outer, inner = np.asarray(chunk.offsets), np.asarray(rows.offsets)
    cells = np.asarray(rows.values)
    heights = np.diff(outer)
    lengths = np.diff(inner)
    widths = np.zeros(len(heights), np.int64)
    filled = heights > 0
    widths[filled] = lengths[outer[:-1][filled]]
    if not np.array_equal(np.repeat(widths, heights), lengths[outer[0] : outer[-1]]):
        raise ValueError("a grid is ragged: its rows have different lengths")
    starts = inner[outer[:-1]]
    base = int(starts[0]) if len(starts) else 0
    end = int(inner[outer[-1]])
    return _Grids(cells[base:end].tobytes(), (starts - base).tolist(), (widths * heights).tolist(), widths.tolist())


def _cells(column: pa.ChunkedArray) -> tuple[npt.NDArray[np.int16], Ints]:
    """The floating cells as rows, and where those of each step begin (and the last end)."""
    chunk = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    outer, inner = np.asarray(chunk.offsets).astype(np.int64), np.asarray(chunk.values.offsets)
    if (np.diff(inner[outer[0] : outer[-1] + 1]) != 3).any():
        raise ValueError("a floating cell is not [row, column, colour]")
    values = np.asarray(chunk.values.values)[inner[outer[0]] : inner[outer[-1]]]
    return values.reshape(-1, 3), outer - outer[0]


def _lifted(ground: _Grids, floating: npt.NDArray[np.int16], offsets: Ints) -> npt.NDArray[np.bool_]:
    counts = np.diff(offsets)
    owner = np.repeat(np.arange(len(counts)), counts)
    widths, sizes = np.array(ground.widths, np.int64), np.array(ground.sizes, np.int64)
    row, column = floating[:, 0].astype(np.int64), floating[:, 1].astype(np.int64)
    width = widths[owner]
    inside = (row >= 0) & (column >= 0) & (column < width) & (row * width < sizes[owner])
    at = np.array(ground.at, np.int64)[owner] + row * width + column
    under = floating[:, 2].astype(np.int64)
    under[inside] = np.frombuffer(ground.cells, np.uint8)[at[inside]]
    return np.asarray(np.bincount(owner[under != 0], minlength=len(counts)) == 0)
