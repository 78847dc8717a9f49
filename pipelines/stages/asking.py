"""Asking annotators: what they say about the trajectories of a shard, as tables; a fault in one costs that one alone."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from annotators.annotation import Annotation, Refusal, annotation_tables, tables_about
from annotators.protocol import Annotator, TaskAnnotator, producer_of
from annotators.trajectory import TaskView, Trajectories, TrajectoryView
from pipelines.engine.supervise import ChildDiedError, ChildHungError, supervised
from pipelines.shard import Reject

_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Answers:
    """What was said, as tables by kind, and what went wrong; `failed`: trajectories of which nothing is said for that."""

    tables: dict[str, pa.Table] = field(default_factory=dict)
    rejects: list[Reject] = field(default_factory=list)
    failed: int = 0

    def add(self, other: Answers) -> None:
        """Take up what was said next."""
        parts: dict[str, list[pa.Table]] = defaultdict(list)
        for tables in (self.tables, other.tables):
            for kind, table in tables.items():
                parts[kind].append(table)
        self.tables = {kind: pa.concat_tables(of_kind).combine_chunks() for kind, of_kind in parts.items()}
        self.rejects += other.rejects
        self.failed += other.failed


@dataclass(frozen=True, slots=True)
class Asked:
    """An annotator and the trajectories that have what it requires."""

    found: Annotator
    views: Sequence[TrajectoryView]

    def answers(self, together: Trajectories | None = None) -> Answers:
        """What it says. `together`: the same trajectories at once, for an annotator that can look at them so."""
        many = getattr(self.found, "propose_many", None)
        if together is not None and many is not None and self.views:
            ids = [view.trajectory_id for view in self.views]
            try:
                said = many(together)
                if said is not None:
                    return Answers(tables_about(ids, producer_of(self.found), said))
            except Exception as error:  # noqa: BLE001 - whose fault it is shows when they are asked about one by one
                _LOG.warning("%s stopped when asked about %d at once, asks one by one: %r", self.found.name, len(ids), error)
        return self._one_by_one()

    def _one_by_one(self) -> Answers:
        said: dict[int, list[Annotation]] = {}
        rejects: dict[int, list[Reject]] = {}
        failed = 0
        for place, view in enumerate(self.views):
            try:
                told = list(self.found.propose(view))
            except Exception as error:  # noqa: BLE001 - one annotator on one recording must not stop a run
                rejects[place] = [failure(self.found, view, error)]
                failed += 1
                continue
            said[place] = [one for one in told if isinstance(one, Annotation)]
            refusals = [one for one in told if isinstance(one, Refusal)]
            rejects[place] = [refused(self.found, view, refusal) for refusal in refusals]
        try:
            tables = self._tables(said)
        except Exception:  # noqa: BLE001 - found out below
            for place, annotations in list(said.items()):
                try:
                    self._tables({place: annotations})
                except Exception as error:  # noqa: BLE001 - what was said of this one fits no table
                    rejects[place] = [failure(self.found, self.views[place], error)]
                    failed += 1
                    del said[place]
            tables = self._tables(said)
        return Answers(tables, [reject for place in sorted(rejects) for reject in rejects[place]], failed)

    def _tables(self, said: Mapping[int, Sequence[Annotation]]) -> dict[str, pa.Table]:
        ids = [view.trajectory_id for view in self.views]
        pairs = [(place, annotation) for place, annotations in said.items() for annotation in annotations]
        return tables_about(ids, producer_of(self.found), pairs)


def asked_in_child(found: Annotator, view: TrajectoryView) -> Answers:
    """What an annotator of frames says about one trajectory, asked in the decode child."""
    compact = {name: _compact(table) for name, table in view.tables.items()}
    alone = TrajectoryView(view.header, compact, view.read_media, view.open_media, view.task)
    try:
        return supervised(_asked, found, alone)
    except Exception as error:  # noqa: BLE001 - one recording must not stop a run
        return Answers(rejects=[failure(found, view, error)], failed=1)


def asked_about_tasks(found: TaskAnnotator, tasks: Sequence[TaskView]) -> Answers:
    """What an annotator of task scope says. One with `propose_many` is asked about all at once, unless a task stops it."""
    many = getattr(found, "propose_many", None)
    if many is not None and tasks:
        try:
            ids = [task.task_id for task in tasks]
            return Answers(tables_about([None] * len(tasks), producer_of(found), many(tasks), ids))
        except Exception as error:  # noqa: BLE001 - whose fault it is shows when they are asked about one by one
            _LOG.warning("%s stopped when asked about %d tasks at once, asks one by one: %r", found.name, len(tasks), error)
    said: dict[int, list[Annotation]] = {}
    rejects: dict[int, Reject] = {}
    for place, task in enumerate(tasks):
        try:
            said[place] = list(found.propose(task))
        except Exception as error:  # noqa: BLE001 - one task must not stop a run
            rejects[place] = _task_failure(found, task, error)
    try:
        tables = _task_tables(found, tasks, said)
    except Exception:  # noqa: BLE001 - found out below
        for place, annotations in list(said.items()):
            try:
                _task_tables(found, tasks, {place: annotations})
            except Exception as error:  # noqa: BLE001 - what was said of this one fits no table
                rejects[place] = _task_failure(found, tasks[place], error)
                del said[place]
        tables = _task_tables(found, tasks, said)
    return Answers(tables, [rejects[place] for place in sorted(rejects)], len(rejects))


def failure(found: Annotator, view: TrajectoryView, error: Exception) -> Reject:
    """The reject of a trajectory that an annotator stopped at."""
    place = f"{found.name} on {view.trajectory_id}"
    if isinstance(error, ChildDiedError):
        return _reject(view.header, found.name, "decode_died", f"{place}: {error}")
    if isinstance(error, ChildHungError):
        return _reject(view.header, found.name, "decode_hung", f"{place}: {error}")
    code = getattr(error, "code", None)
    code = code if isinstance(code, str) else "annotator_failed"
    return _reject(view.header, found.name, code, f"{place} stopped with {type(error).__name__}: {error}")


def refused(found: Annotator, view: TrajectoryView, refusal: Refusal) -> Reject:
    """The reject of what an annotator was told and cannot take."""
    return _reject(view.header, found.name, refusal.code, f"{found.name}: {refusal.message}")


def _asked(found: Annotator, view: TrajectoryView) -> Answers:
    """In the child: what goes wrong is raised to whoever waits."""
    told = list(found.propose(view))
    tables = annotation_tables(view.trajectory_id, producer_of(found), [one for one in told if isinstance(one, Annotation)])
    return Answers(tables, [refused(found, view, one) for one in told if isinstance(one, Refusal)])


def _task_tables(
    found: TaskAnnotator, tasks: Sequence[TaskView], said: Mapping[int, Sequence[Annotation]]
) -> dict[str, pa.Table]:
    pairs = [(place, annotation) for place, annotations in said.items() for annotation in annotations]
    return tables_about([None] * len(tasks), producer_of(found), pairs, [task.task_id for task in tasks])


def _task_failure(found: TaskAnnotator, task: TaskView, error: Exception) -> Reject:
    message = f"{found.name} on task {task.task_id} stopped with {type(error).__name__}: {error}"
    return Reject("propose", "", f"task {task.task_id}", None, "annotator_failed", message)


def _reject(header: Mapping[str, Any], what: str, code: str, message: str) -> Reject:
    return Reject(
        "propose", header.get("source_name", ""), header.get("source_uri") or what, header.get("native_id"), code, message
    )


def _compact(table: pa.Table) -> pa.Table:
    """A copy that holds its own rows only: a pickled slice drags the whole table along (measured)."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return pa.ipc.open_stream(sink.getvalue()).read_all()
