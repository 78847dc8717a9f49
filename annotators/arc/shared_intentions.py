"""Shared intentions of an ARC task: the same operation on the same region by several people (ARCTraj, arXiv 2511.11079, RQ3).

The region is the rectangle around the cells that the step worked on: its selection, else its cell. Counted are moves, since
what changed nothing served no intention; a person counts once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from pydantic import PositiveInt

from ..annotation import Annotation
from ..protocol import Requires
from ..trajectory import TaskView
from .paths import TABLE, Path, Region, paths_of


@dataclass(slots=True)
class Shared:
    """Who did it: `people`, `trajectories`, and the `steps` it was done in, as (trajectory, step)."""

    people: set[str] = field(default_factory=set)
    trajectories: set[str] = field(default_factory=set)
    steps: list[tuple[str, int]] = field(default_factory=list)


def shared_intentions(paths: Sequence[Path], people: int = 2) -> dict[tuple[int | None, Region, str], Shared]:
    """(test, region, operation) → who did it, of those that at least so many people did, the most shared first."""
    found: dict[tuple[int | None, Region, str], Shared] = {}
    for path in paths:
        for move in path.moves:
            if move.region is None or move.operation is None:
                continue
            one = found.setdefault((path.test, move.region, move.operation), Shared())
            one.people.add(path.person)
            one.trajectories.add(path.trajectory_id)
            one.steps.append((path.trajectory_id, move.step))
    kept = [(key, one) for key, one in found.items() if len(one.people) >= people]
    return dict(sorted(kept, key=lambda item: (-len(item[1].people), -len(item[1].trajectories))))


@dataclass(frozen=True)
class SharedIntentions:
    """Proposes `shared_intention`. `people`: how many must have done it."""

    people: PositiveInt = 2

    name: ClassVar[str] = "arc.shared_intentions"
    version: ClassVar[str] = "1"
    producer_type: ClassVar[str] = "signal"
    emits: ClassVar[tuple[str, ...]] = ("shared_intention",)
    requires: ClassVar[Requires] = Requires("arc", tables=(TABLE,), scope="task", task=True)
    deterministic: ClassVar[bool] = True

    def propose(self, task: TaskView) -> Iterable[Annotation]:
        """A region per shared intention, about the task."""
        total = len(task.trajectories)
        for (test, (top, left, bottom, right), operation), one in shared_intentions(paths_of(task), self.people).items():
            said = {
                "test_index": test,
                "people": len(one.people),
                "trajectories": len(one.trajectories),
                "share": len(one.trajectories) / total,
                "first": list(min(one.steps)),
            }
            cells = [[row, column] for row in range(top, bottom) for column in range(left, right)]
            yield Annotation("shared_intention", {"shape": "cells", "label": operation, "cells": cells, "attributes": said})


ANNOTATOR = SharedIntentions()
