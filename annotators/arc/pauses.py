"""Pauses (layer `planning_pause`): steps before which the person did nothing for a while.

*planning*: at least `seconds`, and `times` the median time between two steps of the trace, so that a slow hand is no
thought. *away*: more than `away` seconds; nobody thinks that long over one step, the page stood open. The attribute
`seconds` is the time since the step before. What came before the first step is no step's time and is not looked at.

Time between actions is what ARCTraj's phases (appendix D.1) and H-ARC's time to the first action rest on. Only recorded
times count: without them nothing is proposed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import ClassVar

from ..annotation import Annotation
from ..protocol import Requires
from ..trajectory import TrajectoryView


@dataclass(frozen=True)
class Pauses:
    """Proposes `planning_pause`."""

    seconds: float = 3.0
    times: float = 3.0
    away: float = 300.0

    name: ClassVar[str] = "arc.pauses"
    version: ClassVar[str] = "1"
    producer_type: ClassVar[str] = "signal"
    emits: ClassVar[tuple[str, ...]] = ("planning_pause",)
    requires: ClassVar[Requires] = Requires("arc", columns=("timestamp",))
    deterministic: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Raises ValueError for a threshold below 0."""
        if min(self.seconds, self.times, self.away) < 0:
            raise ValueError("seconds, times and away should be 0 or more")

    def propose(self, trajectory: TrajectoryView) -> Iterable[Annotation]:
        """A span of one step per pause: the step that ended it."""
        times = trajectory.steps["timestamp"].to_pylist()
        for step, seconds, label in pauses(times, self.seconds, self.times, self.away):
            payload = {"label": label, "attributes": {"seconds": round(seconds, 3)}}
            yield Annotation("planning_pause", payload, step, step + 1)


ANNOTATOR = Pauses()


def pauses(times: Sequence[float | None], seconds: float, factor: float, away: float) -> list[tuple[int, float, str]]:
    """(step, seconds since the step before, label) of each pause, from the times of all steps."""
    gaps = [
        (step, after - before)
        for step, (before, after) in enumerate(pairwise(times), 1)
        if before is not None and after is not None
    ]
    if not gaps:
        return []
    least = max(seconds, factor * median(gap for _, gap in gaps))
    return [(step, gap, "away" if gap > away else "planning") for step, gap in gaps if gap >= least or gap > away]
