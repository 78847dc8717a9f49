"""ARC traces in which a person repeats what the same person did before at the same task (layer `duplicate`).

Two traces are the same where their agent is the same and known, and all actions with their arguments, and all grids they
led to, are equal; times are not looked at. So a recording that was published twice is found, and a form that was sent
twice (674 of 9,110 rows of ARCTraj repeat another but for the time). Of equal traces the one that was started first is
the original (the first by id, where the times are not known); each other one names it.

Of an unknown agent nobody can say that it is the same one, so only a trace that also begins in the same instant and
takes as long is taken for a copy.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa

from ..annotation import Annotation
from ..protocol import Requires
from ..trajectory import TaskView, TrajectoryView
from .flags import Flag, flag_row
from .paths import TABLE


def originals(task: TaskView) -> dict[str, str]:
    """trajectory_id → the id of the trace that it repeats; nothing for those that repeat none."""
    groups: dict[Hashable, list[TrajectoryView]] = defaultdict(list)
    for trajectory in task.trajectories:
        header = trajectory.header
        agent = (header["source_name"], header["agent"])
        times = None
        if header["agent"] is None:
            if header["started_at"] is None:
                continue
            times = (header["started_at"], header["duration"])
        groups[agent, times, _content(trajectory)].append(trajectory)
    found: dict[str, str] = {}
    for same in groups.values():
        same.sort(key=_earliest)
        found |= {other.trajectory_id: same[0].trajectory_id for other in same[1:]}
    return found


@dataclass(frozen=True)
class Duplicates:
    """Fills `duplicate`."""

    name: ClassVar[str] = "arc.duplicates"
    version: ClassVar[str] = "1"
    producer_type: ClassVar[str] = "oracle"
    emits: ClassVar[tuple[str, ...]] = ("duplicate",)
    requires: ClassVar[Requires] = Requires("arc", columns=("action_name", "action_args"), tables=(TABLE,), scope="task")
    deterministic: ClassVar[bool] = True

    def propose(self, task: TaskView) -> Iterable[Annotation]:
        """One row per trajectory, empty where it repeats none."""
        repeats = originals(task)
        for trajectory in task.trajectories:
            own = repeats.get(trajectory.trajectory_id)
            flags = [] if own is None else [Flag(0, "duplicate_of", own)]
            row = flag_row("duplicate", self.name, flags, trajectory.num_steps)
            yield Annotation(row.layer, row.payload, row.start, row.end, trajectory_id=trajectory.trajectory_id)


ANNOTATOR = Duplicates()


def _content(trajectory: TrajectoryView) -> bytes:
    """A digest of all actions and of the grids they led to."""
    digest = hashlib.blake2b(digest_size=16)
    steps, states = trajectory.steps, trajectory.tables[TABLE]
    columns = [steps["action_name"], steps["action_args"].cast(pa.string())]
    columns += [states[name] for name in ("step", "test_index", "before", "after")]
    for column in columns:
        digest.update(repr(column.to_pylist()).encode())
    return digest.digest()


def _earliest(trajectory: TrajectoryView) -> tuple[bool, float, str]:
    """Traces in order of start, those without one last."""
    started = trajectory.header["started_at"]
    return started is None, 0.0 if started is None else started.timestamp(), trajectory.trajectory_id
