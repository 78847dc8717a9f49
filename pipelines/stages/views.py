"""The trajectories of a stored shard as annotators see them.

A shard is asked about by many annotators, one after another in one process: the shard that was read last is kept, and with
it what an annotator decoded of a trajectory (`TrajectoryView.known`), so that the next does not decode it again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from annotators.protocol import Requires, meets
from annotators.task import Tasks
from annotators.trajectory import Trajectories, TrajectoryView
from pipelines.engine.collector import give_memory_back
from pipelines.io.media import MediaEntry, MediaReader
from schemas.plain_values import plain_values
from schemas.tables import STEP_TABLES

Tables = Mapping[str, pa.Table]


class Slices(Mapping[str, pa.Table]):
    """The rows of one trajectory in each table that has some; a table is cut when it is asked for."""

    def __init__(self, tables: Tables, ranges: Mapping[str, tuple[int, int]]) -> None:
        self._tables, self._ranges = tables, ranges
        self._cut: dict[str, pa.Table] = {}

    def __getitem__(self, name: str) -> pa.Table:
        found = self._cut.get(name)
        if found is None:
            found = self._cut[name] = self._tables[name].slice(*self._ranges[name])
        return found

    def __contains__(self, name: object) -> bool:
        return name in self._ranges

    def __iter__(self) -> Iterator[str]:
        return iter(self._ranges)

    def __len__(self) -> int:
        return len(self._ranges)


@dataclass(slots=True)
class ShardViews:
    """The trajectories of a shard in the order of its headers: `headers`, `slices`, and what is `known` of each.

    `of_all`: what is known of all together.
    """

    headers: Sequence[Mapping[str, Any]]
    slices: Sequence[Slices]
    known: Sequence[dict[str, Any]]
    of_all: dict[str, Any] = field(default_factory=dict)
    steps: pa.Table | None = None
    made: tuple[Tasks, Sequence[TrajectoryView]] | None = None

    def meeting(self, requires: Requires, views: Sequence[TrajectoryView]) -> list[bool]:
        """`meets` for each of its views."""
        if self.steps is None or requires.domain != self.headers[0]["domain"]:
            return [meets(requires, view) for view in views]
        if any(name not in self.steps.column_names for name in requires.columns):
            return [False] * len(views)
        found = np.logical_and.reduce([self._with_value(name) for name in ("step", *requires.columns)])
        for name in requires.tables:
            found &= np.array([name in slices for slices in self.slices], np.bool_)
        return list(found.tolist())

    def _with_value(self, column: str) -> npt.NDArray[np.bool_]:
        """Which trajectories have a value in a column of their steps."""
        assert self.steps is not None
        name = f"with a value in {column}"
        if name not in self.of_all:
            valid = self.steps[column].is_valid().to_numpy().astype(np.int64)
            lengths = np.array([header["num_steps"] for header in self.headers], np.int64)
            self.of_all[name] = np.add.reduceat(valid, np.cumsum(lengths) - lengths) > 0
        found: npt.NDArray[np.bool_] = self.of_all[name]
        return found

    def views(self, tasks: Tasks, place: str, entries: Mapping[str, MediaEntry]) -> Sequence[TrajectoryView]:
        """All of them, whose media lie below `place`; the same ones for the next annotator that is given these tasks."""
        if self.made is None or self.made[0] is not tasks:
            none = MediaReader(place, {})
            readers = [MediaReader(place, own) if (own := own_media(s, entries)) else none for s in self.slices]
            self.made = tasks, [self.view(number, tasks, media) for number, media in enumerate(readers)]
        return self.made[1]

    def view(self, number: int, tasks: Tasks, media: MediaReader) -> TrajectoryView:
        """One of them."""
        header = self.headers[number]
        task = tasks.get(header["task_id"])
        return TrajectoryView(header, self.slices[number], media.read, media.open, task, self.known[number])

    def together(self, views: Sequence[TrajectoryView]) -> Trajectories | None:
        """All of them at once; None where their steps don't stand as they do."""
        return None if self.steps is None else Trajectories(tuple(views), self.steps, self.of_all)


def shard_views(tables: Tables) -> ShardViews:
    """The trajectories of the tables of a shard, which are sorted by trajectory."""
    headers = header_rows(tables["trajectories"])
    ranges = {name: _ranges(table) for name, table in tables.items() if "trajectory_id" in table.column_names}
    ids = [header["trajectory_id"] for header in headers]
    slices = [Slices(tables, {name: own[i] for name, own in ranges.items() if i in own}) for i in ids]
    found = ShardViews(headers, slices, [{} for _ in headers])
    domains = {header["domain"] for header in headers}
    name = STEP_TABLES.get(next(iter(domains))) if len(domains) == 1 else None
    if name is not None and name in tables:
        stated = [(header["trajectory_id"], header["num_steps"]) for header in headers]
        if [(i, rows) for i, (_, rows) in ranges[name].items()] == stated:
            found.steps = tables[name]
    return found


def trajectories_in(tables: Tables) -> Iterator[dict[str, pa.Table]]:
    """The tables of each trajectory of a shard, by runs of equal ids; the media index belongs to all."""
    ranges = {name: _ranges(table) for name, table in tables.items() if "trajectory_id" in table.column_names}
    for trajectory_id in ranges["trajectories"]:
        yield {name: tables[name].slice(*own[trajectory_id]) for name, own in ranges.items() if trajectory_id in own}


def header_rows(table: pa.Table) -> list[dict[str, Any]]:
    """The rows of `trajectories` as dictionaries."""
    columns = [plain_values(column) for column in table.columns]
    return [dict(zip(table.column_names, row, strict=True)) for row in zip(*columns, strict=True)]


def own_media(tables: Tables, entries: Mapping[str, MediaEntry]) -> dict[str, MediaEntry]:
    """The media entries that a trajectory's packed columns name, so that a call carries no index of the whole shard."""
    own = {}
    for name, column in (("gui_steps", "screenshot"), ("images", "image"), ("videos", "video"), ("gui_trees", "tree")):
        if entries and name in tables:
            own.update({sha: entries[sha] for sha in tables[name][column].to_pylist() if sha is not None})
    return own


def _ranges(table: pa.Table) -> dict[str, tuple[int, int]]:
    """trajectory_id → (first row, rows) of a table that is sorted by it."""
    if not table.num_rows:
        return {}
    encoded = pc.run_end_encode(table["trajectory_id"].combine_chunks())
    ends = encoded.run_ends.to_pylist()
    starts = [0, *ends[:-1]]
    return {value: (start, end - start) for value, start, end in zip(encoded.values.to_pylist(), starts, ends, strict=True)}


class _Last(threading.local):
    """What this thread read last, by what it was read of; views by the table of headers that they are made of."""

    def __init__(self) -> None:
        self.tables: tuple[Any, dict[str, pa.Table]] | None = None
        self.views: tuple[pa.Table, ShardViews] | None = None
        self.tasks: tuple[Any, Tasks] | None = None


_LAST = _Last()
_NO_TASKS = Tasks(None)


def kept_tables(identity: Any, read: Callable[[], dict[str, pa.Table]]) -> dict[str, pa.Table]:
    """The tables that were read last, where they are of the same identity; else those that `read` gives."""
    if _LAST.tables is None or _LAST.tables[0] != identity:
        _LAST.tables = _LAST.views = None
        give_memory_back()
        _LAST.tables = identity, read()
    return _LAST.tables[1]


def forget() -> None:
    """Let go of what was read last."""
    _LAST.tables = _LAST.views = _LAST.tasks = None


def kept_views(tables: Tables) -> ShardViews:
    """`shard_views` of tables, those of the shard before where it is the same."""
    headers = tables["trajectories"]
    if _LAST.tables is None or _LAST.tables[1].get("trajectories") is not headers:
        return shard_views(tables)
    if _LAST.views is None or _LAST.views[0] is not headers:
        _LAST.views = headers, shard_views(_LAST.tables[1])
    return _LAST.views[1]


def kept_tasks(identity: Any, table: pa.Table | None) -> Tasks:
    """The tasks of a shard, those that were decoded before where they are the same."""
    if table is None:
        return _NO_TASKS
    if _LAST.tasks is None or _LAST.tasks[0] != identity:
        _LAST.tasks = identity, Tasks(table)
    return _LAST.tasks[1]
