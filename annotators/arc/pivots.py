"""Pivots: the moves of an ARC trace that changed most what was to be expected of it.

The change is the value of the state after the move minus that of the state before it (`annotators.arc.step_values`). A gain
is a move after which more people succeed, a loss one after which fewer do. Of each trace the `most` largest changes count,
where they are at least `least` and both states have at least `samples` known outcomes: with fewer, a value is luck.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field, PositiveInt

from ..annotation import Annotation
from ..protocol import Requires
from ..trajectory import TaskView
from .paths import TABLE, paths_of
from .state_graph import state_graph
from .step_values import MoveValue, move_values


@dataclass(frozen=True, slots=True)
class Pivot:
    """The move of a `step`, and the values of the states before and after it."""

    step: int
    before: float
    after: float

    @property
    def label(self) -> str:
        """`gain` or `loss`."""
        return "gain" if self.after > self.before else "loss"


def pivots(values: Sequence[MoveValue], least: float = 0.2, samples: int = 2, most: int = 1) -> list[Pivot]:
    """The pivots of one trace in order of step; of equal changes the first counts."""
    found = [
        Pivot(one.step, one.before, one.after)
        for one in values
        if one.before is not None and one.after is not None and min(one.samples_before, one.samples_after) >= samples
    ]
    large = [one for one in found if abs(one.after - one.before) >= max(least, 1e-9)]
    largest = sorted(large, key=lambda one: (-abs(one.after - one.before), one.step))[:most]
    return sorted(largest, key=lambda one: one.step)


@dataclass(frozen=True)
class Pivots:
    """Proposes `pivot`: `least` change of value, `samples` behind both values, `most` pivots of a trace."""

    least: Annotated[float, Field(ge=0, le=1)] = 0.2
    samples: PositiveInt = 2
    most: PositiveInt = 1

    name: ClassVar[str] = "arc.pivots"
    version: ClassVar[str] = "1"
    producer_type: ClassVar[str] = "signal"
    emits: ClassVar[tuple[str, ...]] = ("pivot",)
    requires: ClassVar[Requires] = Requires("arc", tables=(TABLE,), scope="task", task=True)
    deterministic: ClassVar[bool] = True

    def propose(self, task: TaskView) -> Iterable[Annotation]:
        """An event per pivot, about the trajectory that made the move."""
        paths = paths_of(task)
        graph = state_graph(paths)
        values: dict[str, list[MoveValue]] = {}
        for path in paths:
            values.setdefault(path.trajectory_id, []).extend(move_values(path, graph))
        for trajectory_id, own in values.items():
            for one in pivots(own, self.least, self.samples, self.most):
                said = {"before": one.before, "after": one.after}
                payload = {"label": one.label, "attributes": said}
                yield Annotation("pivot", payload, one.step, one.step + 1, trajectory_id=trajectory_id)


ANNOTATOR = Pivots()
