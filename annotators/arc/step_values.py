"""What each move of an ARC trace was worth: the Monte-Carlo value of the state that it led to.

Over all trajectories of the task that came through that state and whose outcome is known: the share that handed in a right
answer from there on (`annotators.arc.state_graph`). `n` says how many they are; with one, the value is the trace's own
outcome. A move whose state has no known outcome is not in the row, a trace without any has no row.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt
from typing import ClassVar

from ..annotation import Annotation
from ..protocol import Requires
from ..trajectory import TaskView
from .paths import TABLE, Path, paths_of
from .state_graph import StateGraph, state_graph


@dataclass(frozen=True, slots=True)
class MoveValue:
    """The move of a `step`: the values of the states `before` and after it (None: not known), and the samples behind both."""

    step: int
    before: float | None
    after: float | None
    samples_before: int
    samples_after: int


def move_values(path: Path, graph: StateGraph) -> list[MoveValue]:
    """The moves of a path in order, valued."""
    found = []
    for move in path.moves:
        source, target = graph.states[move.source], graph.states[move.target]
        found.append(MoveValue(move.step, source.value, target.value, source.passed, target.passed))
    return found


@dataclass(frozen=True)
class StepValues:
    """Proposes `step_value`."""

    name: ClassVar[str] = "arc.step_values"
    version: ClassVar[str] = "1"
    producer_type: ClassVar[str] = "signal"
    emits: ClassVar[tuple[str, ...]] = ("step_value",)
    requires: ClassVar[Requires] = Requires("arc", tables=(TABLE,), scope="task", task=True)
    deterministic: ClassVar[bool] = True

    def propose(self, task: TaskView) -> Iterable[Annotation]:
        """One row per trajectory: its moves on all tests, in order of step."""
        paths = paths_of(task)
        graph = state_graph(paths)
        of_trajectory: dict[str, list[MoveValue]] = {}
        for path in paths:
            own = [one for one in move_values(path, graph) if one.after is not None]
            of_trajectory.setdefault(path.trajectory_id, []).extend(own)
        ends = {view.trajectory_id: view.num_steps for view in task.trajectories}
        for trajectory_id, own in of_trajectory.items():
            if own:
                yield _row(trajectory_id, sorted(own, key=lambda one: one.step), ends[trajectory_id])


def _row(trajectory_id: str, own: list[MoveValue], end: int) -> Annotation:
    values = [one.after or 0.0 for one in own]
    payload = {
        "steps": [one.step for one in own],
        "values": values,
        "n": [one.samples_after for one in own],
        "std": [sqrt(value * (1 - value)) for value in values],
        "unit": "share of right answers",
        "estimator": "monte_carlo",
    }
    return Annotation("step_value", payload, 0, end, trajectory_id=trajectory_id)


ANNOTATOR = StepValues()
