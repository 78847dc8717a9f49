"""Preferences between actions from step values: what people did in one state of an ARC task, ranked by how it went on.

Where trajectories of a task stood in the same state and went on to different states, each way is a candidate; its value is
the share of right answers among the trajectories that took it (first time, outcome known), as in Step-Q's pairs from Q
values. One row per such state, at the step of the first trajectory that went on from it. Ways whose outcome nobody knows
are no candidates, and a state whose candidates differ by less than `margin` has no row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from pydantic import Field

from schemas.json_column import json_text

from ..annotation import Annotation
from ..protocol import Requires
from ..trajectory import TaskView
from .paths import TABLE, Move, Path, paths_of


@dataclass(slots=True)
class Way:
    """One way on from a state: the `outcomes` of those who took it, and the first of them, who made `move`."""

    trajectory_id: str
    move: Move
    outcomes: list[float] = field(default_factory=list)

    @property
    def value(self) -> float:
        """Mean of the outcomes."""
        return sum(self.outcomes) / len(self.outcomes)


def ways_on(paths: Sequence[Path]) -> dict[str, list[Way]]:
    """State → the ways on from it whose outcome is known, the first taken first."""
    found: dict[str, dict[str, Way]] = {}
    for path in paths:
        taken: set[tuple[str, str]] = set()
        for move in path.moves:
            outcome = path.outcome(move.step)
            if outcome is None or (move.source, move.target) in taken:
                continue
            taken.add((move.source, move.target))
            way = found.setdefault(move.source, {}).setdefault(move.target, Way(path.trajectory_id, move))
            way.outcomes.append(outcome)
    return {state: list(ways.values()) for state, ways in found.items()}


@dataclass(frozen=True)
class StepPreferences:
    """Proposes `step_preference`. `margin`: least difference between the best and the worst value of a state's ways."""

    margin: Annotated[float, Field(gt=0, le=1)] = 0.1

    name: ClassVar[str] = "arc.step_preferences"
    version: ClassVar[str] = "1"
    producer_type: ClassVar[str] = "signal"
    emits: ClassVar[tuple[str, ...]] = ("step_preference",)
    requires: ClassVar[Requires] = Requires("arc", tables=(TABLE,), scope="task", task=True)
    deterministic: ClassVar[bool] = True

    def propose(self, task: TaskView) -> Iterable[Annotation]:
        """The candidates of each state that is left in ways of different value, the best first."""
        for state, ways in ways_on(paths_of(task)).items():
            ranked = sorted(ways, key=lambda way: (-way.value, -len(way.outcomes), way.move.target))
            if ranked[0].value - ranked[-1].value < self.margin:
                continue
            first = ways[0]
            payload = {
                "context": {"state": state},
                "candidates": [_candidate(way, rank, way is first) for rank, way in enumerate(ranked)],
            }
            step = first.move.step
            yield Annotation("step_preference", payload, step, step + 1, trajectory_id=first.trajectory_id)


def _candidate(way: Way, rank: int, selected: bool) -> dict[str, Any]:
    """`action` says what was done and where to look it up; ids are the states that the ways lead to."""
    value = way.value
    action = {
        "operation": way.move.operation,
        "region": None if way.move.region is None else list(way.move.region),
        "trajectory_id": way.trajectory_id,
        "step": way.move.step,
    }
    return {
        "id": way.move.target,
        "text": None,
        "action": json_text(action),
        "source": "recorded",
        "selected": selected,
        "rank": rank,
        "reward_mean": value,
        "reward_var": value * (1 - value),
        "n": len(way.outcomes),
    }


ANNOTATOR = StepPreferences()
