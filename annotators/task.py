"""The ARC task that a trajectory works on, as annotators get it: demonstrations and tests with their grids.

A row of the table `tasks`, whoever stored it: a source of tasks alone (`arc_tasks`) or the trajectory's own source.
Trajectories join it by `task_id`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

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


class Tasks(Mapping[str, Task]):
    """Tasks by id, from a stored table `tasks`; a task is made when it is first asked for.

    Of several rows with one id the first of these counts: one whose tests are known, then one that names its
    collection, then the order of collections.
    """

    def __init__(self, table: pa.Table | None = None) -> None:
        self._table = table
        self._rows: dict[str, int] = {}
        self._made: dict[str, Task] = {}
        if table is None:
            return
        ids, collections = table["task_id"].to_pylist(), table["collection"].to_pylist()
        unknown = table["tests"].is_null().to_pylist()
        for row in sorted(range(len(ids)), key=lambda i: (unknown[i], collections[i] is None, collections[i] or "", i)):
            self._rows.setdefault(ids[row], row)

    def __getitem__(self, task_id: str) -> Task:
        if task_id not in self._made:
            if self._table is None:
                raise KeyError(task_id)
            (row,) = self._table.slice(self._rows[task_id], 1).to_pylist()
            self._made[task_id] = _task(row)
        return self._made[task_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


def _task(row: Mapping[str, Any]) -> Task:
    pairs = {
        name: tuple(Pair(_grid(pair["input"]), _grid(pair["output"])) for pair in row[name] or ())
        for name in ("demonstrations", "tests")
    }
    return Task(row["task_id"], row["collection"], row["instruction"], **pairs)


def _grid(rows: list[list[int]] | None) -> TaskGrid | None:
    if rows is None:
        return None
    grid = np.array(rows, np.uint8)
    grid.flags.writeable = False
    return grid
