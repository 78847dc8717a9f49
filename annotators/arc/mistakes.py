"""Cells that an action got wrong (layer `marked`, word `mistake`): they were changed again later.

For each action on an object (`annotators.arc.object_actions`) the cells that it changed are compared with the same cells of
the last grid of that panel. Those that are others there were mistakes; where the answer is known, a cell that agreed with it
is none. An action that changed the size of the grid is left out, and so is one after which the size changed, since there a
cell's place says nothing. They stand at the action's last step, in cells of the grid before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..annotation import Annotation
from ..protocol import Requires
from ..task import Task
from ..trajectory import TrajectoryView
from .object_actions import object_actions
from .recorded import RecordedStep, recorded_steps
from .states import answers_of, states_of

_TAKES_BACK = frozenset({"undo", "redo", "reset"})


@dataclass(frozen=True)
class Mistakes:
    """Proposes `marked`."""

    name: ClassVar[str] = "arc.mistakes"
    version: ClassVar[str] = "1"
    producer_type: ClassVar[str] = "signal"
    emits: ClassVar[tuple[str, ...]] = ("marked",)
    requires: ClassVar[Requires] = Requires("arc", columns=("grid_before", "grid_after"), task=True)
    deterministic: ClassVar[bool] = True

    def propose(self, trajectory: TrajectoryView) -> Iterable[Annotation]:
        """A region per action with mistakes."""
        for step, cells in mistakes(recorded_steps(trajectory), trajectory.task):
            payload = {"shape": "cells", "label": "mistake", "frames": [step], "cells": cells}
            yield Annotation("marked", payload, step, step + 1)


ANNOTATOR = Mistakes()


def mistakes(steps: Sequence[RecordedStep], task: Task | None = None) -> list[tuple[int, list[list[int]]]]:
    """(step, its cells as [row, column]) in order of step."""
    states = states_of(steps)
    answers = answers_of(states, task)
    rows = {step.step: row for row, step in enumerate(steps)}
    ends = {step.panel: step.after for step in steps if step.after is not None}
    found = []
    for action in object_actions(steps, states):
        first, last = steps[rows[action.start]], steps[rows[action.end - 1]]
        end = ends.get(last.panel)
        if action.label in _TAKES_BACK or first.before is None or last.after is None or end is None:
            continue
        if not first.before.shape == last.after.shape == end.shape or first.panel != last.panel:
            continue
        wrong = (first.before != last.after) & (last.after != end)
        answer = answers.get(last.panel)
        if answer is not None and answer.shape == end.shape:
            wrong &= last.after != answer
        if wrong.any():
            found.append((last.step, np.argwhere(wrong).tolist()))
    return found
