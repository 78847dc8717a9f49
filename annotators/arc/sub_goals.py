"""A first draft of what the person was doing, stretch by stretch (layer `sub_goal`), from the kinds of steps.

The rules:

* *explore*: looking around (pages, tests, panels) before anything else is done, and later for at least `looking` steps;
* *repair*: undo, redo and start over, and all that is done after a wrong submission, up to the next one;
* *finish*: a submission;
* *build*: what else is done to the grid, and what prepares it (selecting, copying, taking up a tool).

What shows nothing by itself goes with what follows it, at the end with what came before. No words are proposed: what the
purpose was, the record does not say.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import ClassVar

from ..annotation import Annotation
from ..protocol import Requires
from ..trajectory import TrajectoryView
from .recorded import RecordedStep, recorded_steps

_MENDS = frozenset({"undo", "redo", "start_over"})


def sub_goals(steps: Sequence[RecordedStep], looking: int = 5) -> list[tuple[int, int, str]]:
    """(start, end, label) that tile all steps, in order; neighbours differ in label."""
    own = _meaning([_label(step) for step in steps], looking)
    labels: list[str] = []
    wrong = False
    for label, step in zip(own, steps, strict=True):
        labels.append("repair" if wrong and label == "build" else label)
        if step.name == "submit":
            wrong = step.arguments.get("correct") is False
    borders = [0, *(n for n in range(1, len(labels)) if labels[n] != labels[n - 1]), len(labels)]
    return [(start, end, labels[start]) for start, end in pairwise(borders) if start < end]


def _meaning(own: Sequence[str], looking: int) -> list[str]:
    """The labels of all steps, short looks and preparations given to what follows them."""
    runs = [(label, len(list(group))) for label, group in groupby(own)]
    given: list[str] = []
    following = ""
    for index in reversed(range(len(runs))):
        label, size = runs[index]
        if label == "look":
            label = "explore" if index == 0 or size >= looking else following
        elif label == "prepare":
            label = following if following in ("build", "repair") else "build" if following else ""
        given += [label] * size
        following = label or following
    given.reverse()
    for n, label in enumerate(given):
        given[n] = label or (given[n - 1] if n else "explore")
    return given


def _label(step: RecordedStep) -> str:
    """What one step shows by itself."""
    if step.name == "submit":
        return "finish"
    if step.name in _MENDS:
        return "repair"
    known = step.operation
    if step.changed or (known is not None and known.edits):
        return "build"
    return "look" if known is None or known.kind == "system" else "prepare"


@dataclass(frozen=True)
class SubGoals:
    """Proposes `sub_goal`. `looking`: steps of looking around in a row that count as exploring."""

    looking: int = 5

    name: ClassVar[str] = "arc.sub_goals"
    version: ClassVar[str] = "1"
    producer_type: ClassVar[str] = "signal"
    emits: ClassVar[tuple[str, ...]] = ("sub_goal",)
    requires: ClassVar[Requires] = Requires("arc", columns=("action_name",))
    deterministic: ClassVar[bool] = True

    def propose(self, trajectory: TrajectoryView) -> Iterable[Annotation]:
        """Stretches over all steps."""
        for start, end, label in sub_goals(recorded_steps(trajectory), self.looking):
            yield Annotation("sub_goal", {"label": label}, start, end)


ANNOTATOR = SubGoals()
