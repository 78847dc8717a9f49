"""The recorded steps of traces with two layers, as flat bytes: many trajectories at once, straight from Arrow's buffers."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar, overload

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from .layers import SELECTIONS, State

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class LayeredTrace:
    """One trajectory: an entry per step, of its layers and of what was seen after it.

    `start`: what was seen before the first step, None where it is not recorded; `start_recorded` False where the reader took
    it from the first step itself. `follows`: whether a selection, a painting or a submission follows from the record before
    it in both layers; False for any other step.
    """

    names: Sequence[str]
    arguments: Sequence[str | None]
    sources: Sequence[str | None]
    states: Sequence[State]
    views: Sequence[bytes]
    follows: Sequence[bool]
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
    layers = _layers(steps, np.asarray(lengths, np.int64))
    words = steps["action_name"].combine_chunks().dictionary_encode()
    arguments = _texts(steps["action_args"])
    follows = _follows(layers, words, arguments).tolist()
    names = words.dictionary.to_pylist()
    called = [names[number] for number in words.indices.to_pylist()]
    texts = arguments.to_pylist()
    copied = "copy" in names
    sources = _texts(steps["source_action"])
    first = 0
    for length, guessed in zip(lengths, inferred, strict=True):
        end = first + length
        own = called[first:end]
        said = sources.slice(first, length).to_pylist() if copied and "copy" in own else [None] * length
        states, views = Lazy(layers.state, first, end), Lazy(layers.view, first, end)
        yield LayeredTrace(own, texts[first:end], said, states, views, follows[first:end], layers.start(first), not guessed)
        first = end


Item = TypeVar("Item")


class Lazy(Sequence[Item]):
    """Entries `first` to `end` of a shard; one is made when it is asked for, and kept."""

    __slots__ = ("_first", "_known", "_length", "_make")

    def __init__(self, make: Callable[[int], Item], first: int, end: int) -> None:
        self._make, self._first, self._length = make, first, end - first
        self._known: dict[int, Item] = {}

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, place: int) -> Item: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Item]: ...

    def __getitem__(self, place: int | slice) -> Item | Sequence[Item]:
        if isinstance(place, slice):
            return [self[at] for at in range(*place.indices(self._length))]
        found = self._known.get(place)
        if found is None:
            if not -self._length <= place < self._length:
                raise IndexError(place)
            found = self._known[place] = self._make(self._first + place % self._length)
        return found


@dataclass(frozen=True, slots=True)
class _Layers:
    """The layers of the steps of a shard: what was seen `after` each and `before` it, the `ground`, and the floating cells,
    `bounds` where those of each begin (and the last end), also as `offsets`. `firsts`: the first step of each trajectory.
    """

    after: _Grids
    before: _Grids
    ground: _Grids
    floating: npt.NDArray[np.int16]
    offsets: Ints
    bounds: list[int]
    places: bytes
    colours: bytes
    firsts: Ints

    def state(self, step: int) -> State:
        """The layers after a step."""
        start, end = self.bounds[step], self.bounds[step + 1]
        return State(self.ground.widths[step], self.ground[step], self.places[4 * start : 4 * end], self.colours[start:end])

    def view(self, step: int) -> bytes:
        """What was seen after a step."""
        return self.after[step]

    def start(self, step: int) -> State | None:
        """What was seen before a step; None where it is not recorded."""
        return State(self.before.widths[step], self.before[step]) if self.before.sizes[step] else None


def _layers(steps: pa.Table, lengths: Ints) -> _Layers:
    floating, offsets = _cells(steps["floating"])
    return _Layers(
        _grids(steps["grid_after"]),
        _grids(steps["grid_before"]),
        _grids(steps["background"]),
        floating,
        offsets,
        offsets.tolist(),
        np.ascontiguousarray(floating[:, :2]).tobytes(),
        floating[:, 2].astype(np.uint8).tobytes(),
        np.cumsum(lengths) - lengths,
    )


def _texts(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks().storage if isinstance(column.type, pa.BaseExtensionType) else column.combine_chunks()


def _follows(layers: _Layers, words: pa.DictionaryArray, arguments: pa.Array) -> npt.NDArray[np.bool_]:
    """`LayeredTrace.follows` of all steps."""
    names = words.dictionary.to_pylist()
    word = words.indices.to_numpy()
    counts = np.diff(layers.offsets)
    widths, sizes = np.array(layers.ground.widths, np.int64), np.array(layers.ground.sizes, np.int64)
    is_first = np.zeros(len(word), np.bool_)
    is_first[layers.firsts] = True
    starts = np.where(is_first, np.array(layers.before.widths, np.int64), 0)
    same_size = np.where(is_first, starts == widths, np.append(-1, widths[:-1]) == widths)
    same_size &= np.where(is_first, np.array(layers.before.sizes), np.append(-1, sizes[:-1])) == sizes

    def called(chosen: Collection[str]) -> npt.NDArray[np.bool_]:
        return np.isin(word, [number for number, name in enumerate(names) if name in chosen])

    after, before, ground = layers.after, layers.before, layers.ground
    found = np.zeros(len(word), np.bool_)
    # Nothing is seen to change, and the grid is 0 under what floats: so the cells have the colours that were seen.
    for step in np.flatnonzero(called(SELECTIONS) & same_size & _lifted(layers)).tolist():
        found[step] = after[step] == (before[step] if is_first[step] else after[step - 1])
    for step in np.flatnonzero(called({"submit"}) & same_size & (counts == 0)).tolist():
        found[step] = ground[step] == (before[step] if is_first[step] else after[step - 1])
    painted = called({"paint"}) & same_size & ~is_first & (np.append(-1, counts[:-1]) == counts)
    for step in np.flatnonzero(painted & _in_one_colour(layers, arguments)).tolist():
        start, middle, end = layers.bounds[step - 1 : step + 2]
        same_places = layers.places[4 * start : 4 * middle] == layers.places[4 * middle : 4 * end]
        found[step] = same_places and ground[step] == ground[step - 1]
    return found


_COLOUR = re.compile(r'\{"color":(\d)\}')


def _in_one_colour(layers: _Layers, arguments: pa.Array) -> npt.NDArray[np.bool_]:
    """Whether all floating cells have the colour that the arguments name."""
    texts = arguments.dictionary_encode()
    named = [_COLOUR.fullmatch(text) for text in texts.dictionary.to_pylist()]
    by_text = np.array([*(-1 if match is None else int(match[1]) for match in named), -1], np.int16)
    colour = by_text[pc.fill_null(texts.indices, len(named)).to_numpy()]
    counts = np.diff(layers.offsets)
    other = layers.floating[:, 2] != np.repeat(colour, counts)
    owner = np.repeat(np.arange(len(counts)), counts)
    return np.asarray((np.bincount(owner[other], minlength=len(counts)) == 0) & (colour >= 0))


@dataclass(frozen=True, slots=True)
class _Grids:
    """Grids as one run of bytes: where each begins, its size and width; a null one has size 0."""

    cells: bytes
    at: list[int]
    sizes: list[int]
    widths: list[int]

    def __getitem__(self, step: int) -> bytes:
        """The cells of one grid, row after row."""
        at = self.at[step]
        return self.cells[at : at + self.sizes[step]]


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


def _lifted(layers: _Layers) -> npt.NDArray[np.bool_]:
    """Whether the grid of each step is 0 under all floating cells, and those outside it are transparent: as a selection
    leaves them.
    """
    floating, ground = layers.floating, layers.ground
    counts = np.diff(layers.offsets)
    owner = np.repeat(np.arange(len(counts)), counts)
    widths, sizes = np.array(ground.widths, np.int64), np.array(ground.sizes, np.int64)
    row, column = floating[:, 0].astype(np.int64), floating[:, 1].astype(np.int64)
    width = widths[owner]
    inside = (row >= 0) & (column >= 0) & (column < width) & (row * width < sizes[owner])
    at = np.array(ground.at, np.int64)[owner] + row * width + column
    under = floating[:, 2].astype(np.int64)
    under[inside] = np.frombuffer(ground.cells, np.uint8)[at[inside]]
    return np.asarray(np.bincount(owner[under != 0], minlength=len(counts)) == 0)
