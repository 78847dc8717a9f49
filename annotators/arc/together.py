"""The recorded steps of many ARC trajectories at once, decoded once for all annotators of a shard.

What `recorded_steps` and `states_of` give of one trajectory, as columns over all: the same grids in the same order, numbered
through. Decoding a trajectory by itself costs ten times as much, and an object per step more than what is asked of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from schemas.arc_operations import OPERATIONS, Operation
from schemas.plain_values import plain_values

from ..trajectory import Trajectories
from .objects import Objects, objects_of
from .recorded import Grid
from .states import Panel, States

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Together:
    """An entry per step of all trajectories, one after another; trajectory t has the steps from `first[t]`, `lengths[t]`.

    `words`, `word`: the distinct action names and which one a step has; `texts`: its arguments as JSON. `states`: the
    distinct grids per trajectory and panel, numbered through all; trajectory t has those from `first_grid[t]`.
    """

    lengths: Ints
    words: Sequence[str | None]
    word: Ints
    texts: Sequence[str | None]
    panels: Sequence[Panel]
    states: States
    first_grid: Ints
    known: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def first(self) -> Ints:
        """The first step of each trajectory."""
        return np.cumsum(self.lengths) - self.lengths

    @cached_property
    def names(self) -> list[str | None]:
        """The action of each step."""
        return [self.words[i] for i in self.word.tolist()]

    @cached_property
    def before(self) -> Ints:
        """The number of the grid before each step; -1 where it is not recorded."""
        return _numbers(self.states.before)

    @cached_property
    def after(self) -> Ints:
        """The number of the grid after each step; -1 where it is not recorded."""
        return _numbers(self.states.after)

    @cached_property
    def steps(self) -> Ints:
        """The number of each step in its trajectory."""
        return np.asarray(np.arange(len(self.word)) - np.repeat(self.first, self.lengths))

    @cached_property
    def owners(self) -> Ints:
        """The trajectory of each step."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)

    @cached_property
    def objects(self) -> Objects:
        """The objects of all grids."""
        return objects_of(self.states.grids)

    def runs(self) -> Iterator[tuple[int, int]]:
        """First step and step after the last of each trajectory."""
        yield from zip(self.first.tolist(), (self.first + self.lengths).tolist(), strict=True)

    @cached_property
    def light(self) -> list[LightStep]:
        """Each step by itself, without its grids."""
        operations = [None if name is None else OPERATIONS.get(name) for name in self.words]
        return [
            LightStep(step, self.words[word], operations[word], panel, text)
            for step, word, panel, text in zip(self.steps.tolist(), self.word.tolist(), self.panels, self.texts, strict=True)
        ]


class LightStep:
    """What `RecordedStep` says of a step, without its grids; the arguments are parsed when they are asked for."""

    __slots__ = ("_text", "name", "operation", "panel", "step")

    def __init__(self, step: int, name: str | None, operation: Operation | None, panel: Panel, text: str | None) -> None:
        self.step, self.name, self.operation, self.panel, self._text = step, name, operation, panel, text

    @property
    def arguments(self) -> Mapping[str, Any]:
        """The arguments by name."""
        parsed = {} if self._text is None else orjson.loads(self._text)
        return parsed if isinstance(parsed, dict) else {}


def together(trajectories: Trajectories) -> Together:
    """The steps of some trajectories, decoded once. Raises ValueError for a ragged grid."""
    found: Together | None = trajectories.known.get("together")
    if found is None:
        found = trajectories.known["together"] = _together(trajectories)
    return found


def lists(values: Any, counts: Any, type_: pa.DataType | None = None) -> pa.ListArray:
    """A list column of flat values, `counts` of them in each row."""
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    flat = values if isinstance(values, pa.Array) else pa.array(values, type_)
    return pa.ListArray.from_arrays(pa.array(offsets), flat)


@dataclass(frozen=True, slots=True)
class FlatGrids:
    """Grids as one run of bytes: where each begins, its size and its width; one that is not recorded has size 0."""

    cells: bytes
    at: list[int]
    sizes: list[int]
    widths: list[int]


def flat_grids(column: pa.ChunkedArray | pa.Array) -> FlatGrids:
    """A column list<list<uint8>> as bytes. Raises ValueError for a ragged grid."""
    chunk = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    outer, inner = np.asarray(chunk.offsets), np.asarray(chunk.values.offsets)
    heights, lengths = np.diff(outer), np.diff(inner)
    widths = np.zeros(len(heights), np.int64)
    filled = heights > 0
    widths[filled] = lengths[outer[:-1][filled]]
    if not np.array_equal(np.repeat(widths, heights), lengths[outer[0] : outer[-1]]):
        raise ValueError("a grid is ragged: its rows have different lengths")
    base, end = int(inner[outer[0]]), int(inner[outer[-1]])
    cells = np.asarray(chunk.values.values)[base:end].tobytes()
    return FlatGrids(cells, (inner[outer[:-1]] - base).tolist(), (widths * heights).tolist(), widths.tolist())


def _together(trajectories: Trajectories) -> Together:
    table, lengths = trajectories.steps, trajectories.lengths
    names = table["action_name"].combine_chunks().dictionary_encode(null_encoding="encode")
    arguments = table["action_args"].combine_chunks().storage
    panels = _panels(plain_values(table["test_index"]), arguments)
    states, first_grid = _states(lengths, panels, flat_grids(table["grid_before"]), flat_grids(table["grid_after"]))
    words = names.dictionary.to_pylist()
    word = names.indices.to_numpy().astype(np.int64)
    return Together(lengths, words, word, plain_values(arguments), panels, states, first_grid)


def _panels(tests: Sequence[int | None], arguments: pa.Array) -> list[Panel]:
    panels: list[Panel] = list(zip(tests, [None] * len(tests), strict=True))
    for row in np.flatnonzero(pc.match_substring(arguments, '"imageHandle"').fill_null(False).to_numpy(zero_copy_only=False)):
        parsed = orjson.loads(arguments[row].as_py())
        handle = parsed.get("imageHandle") if isinstance(parsed, dict) else None
        if isinstance(handle, str):
            panels[row] = tests[row], handle
    return panels


def _states(
    lengths: Ints, panels: Sequence[Panel], all_before: FlatGrids, all_after: FlatGrids
) -> tuple[States, npt.NDArray[np.int64]]:
    """The distinct grids, as `states_of` numbers them for each trajectory, and the first number of each."""
    found = States([], [], [], [], [])
    first_grid = np.zeros(len(lengths), np.int64)
    numbers_before, numbers_after = found.before, found.after
    rows = zip(
        panels, all_before.at, all_before.sizes, all_before.widths, all_after.at, all_after.sizes, all_after.widths, strict=True
    )
    cells_before, cells_after = all_before.cells, all_after.cells
    for trajectory, length in enumerate(lengths.tolist()):
        first_grid[trajectory] = len(found.grids)
        known: dict[tuple[Panel, int, bytes], int] = {}
        last: tuple[Panel, int, bytes] | None = None
        number: int | None = None
        for _ in range(length):
            panel, at, size, width, then, later_size, later_width = next(rows)
            before = after = None
            if size:
                key = panel, width, cells_before[at : at + size]
                if key != last:
                    last, number = key, _number(found, known, key, None)
                before = number
            if later_size:
                key = panel, later_width, cells_after[then : then + later_size]
                if key != last:
                    last, number = key, _number(found, known, key, before)
                after = number
            numbers_before.append(before)
            numbers_after.append(after)
    return found, first_grid


def _number(
    found: States, known: dict[tuple[Panel, int, bytes], int], key: tuple[Panel, int, bytes], source: int | None
) -> int:
    number = known.get(key)
    if number is None:
        number = known[key] = len(found.grids)
        panel, width, cells = key
        grid: Grid = np.frombuffer(cells, np.uint8).reshape(-1, width)
        found.grids.append(grid)
        found.panels.append(panel)
        found.came_from.append(source)
    return number


def _numbers(numbers: Sequence[int | None]) -> Ints:
    return np.array([-1 if number is None else number for number in numbers], np.int64)
