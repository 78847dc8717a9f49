"""The ARC task that a trajectory works on, as annotators get it: demonstrations and tests with their grids.

A row of the table `tasks`, whoever stored it: a source of tasks alone (`arc_tasks`) or the trajectory's own source.
Trajectories join it by `task_id`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from .grids import grids_of

TaskGrid = npt.NDArray[np.uint8]
"""Rows x columns of colours; read-only."""


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """A grid and what becomes of it; None where it is not known."""

    input: TaskGrid | None
    output: TaskGrid | None


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """One task: its id, the set it belongs to, what is asked in words, and its grids."""

    task_id: str
    collection: str | None = None
    instruction: str | None = None
    demonstrations: tuple[Pair, ...] = ()
    tests: tuple[Pair, ...] = ()

    def test(self, index: int | None) -> Pair | None:
        """The test of that number, from 0; None where the task has none of it."""
        return self.tests[index] if index is not None and 0 <= index < len(self.tests) else None


_COLUMNS = ("collection", "instruction", "demonstrations", "tests")


class Tasks(Mapping[str, Task]):
    """Tasks by id, from a stored table `tasks`; a task is made when it is first asked for.

    Of several rows with one id the first of these counts: one whose tests are known, then one that names its
    collection, then the order of collections.
    """

    def __init__(self, table: pa.Table | None = None) -> None:
        self._table = table
        self._rows: dict[str, int] = {}
        self._made: dict[str, Task] = {}
        self._columns: dict[str, Sequence[Any]] = {}
        if table is None:
            return
        ids, collections = table["task_id"].to_pylist(), table["collection"].to_pylist()
        unknown = table["tests"].is_null().to_pylist()
        for row in sorted(range(len(ids)), key=lambda i: (unknown[i], collections[i] is None, collections[i] or "", i)):
            self._rows.setdefault(ids[row], row)

    def __getitem__(self, task_id: str) -> Task:
        if task_id not in self._made:
            row = self._rows[task_id]
            self._made[task_id] = Task(task_id, *(self._column(name)[row] for name in _COLUMNS))
        return self._made[task_id]

    def _column(self, name: str) -> Sequence[Any]:
        """A column of the table, decoded for all tasks when the first is asked for."""
        if name not in self._columns:
            assert self._table is not None
            column = self._table[name]
            self._columns[name] = column.to_pylist() if pa.types.is_string(column.type) else _Pairs(column)
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


class _Pairs(Sequence[tuple[Pair, ...]]):
    """The pairs of each row of a column list<Pair>; decoded all at once, or one by one where a grid in it is ragged."""

    def __init__(self, column: pa.ChunkedArray) -> None:
        self._column = column
        try:
            self._all: list[tuple[Pair, ...]] | None = _pairs(column)
        except ValueError:
            self._all = None

    def __getitem__(self, row: Any) -> Any:
        return _pairs(self._column.slice(row, 1))[0] if self._all is None else self._all[row]

    def __len__(self) -> int:
        return len(self._column)


def _pairs(column: pa.ChunkedArray) -> list[tuple[Pair, ...]]:
    """The pairs of each row of a column list<Pair>. Raises ValueError for a ragged grid."""
    array = column.combine_chunks()
    inputs, outputs = (grids_of(pa.chunked_array([side])) for side in array.flatten().flatten())
    pairs = [Pair(own, other) for own, other in zip(inputs, outputs, strict=True)]
    ends = np.cumsum(array.value_lengths().fill_null(0).to_numpy()).tolist()
    return [tuple(pairs[start:end]) for start, end in zip([0, *ends], ends, strict=False)]
