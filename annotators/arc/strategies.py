"""How the answer was made (layer `strategy`): a draft from the actions on objects, which a person confirms or mends.

The rules, of which the first that holds decides:

* *trial*: at least `tries` wrong submissions, or at least half of the edits taken back or started over;
* *copy-edit*: the grid was made the test's input, then edited;
* *object-wise* or *cell-wise*: by which of both more cells were changed: by moves, turns, flips, pastes and parts of the grid,
  or by colours that were drawn, painted and filled.

A trace without edits has none. The four are those of the layer; H-ARC and LARC describe them in words, no rule is published.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from pydantic import PositiveInt

from ..annotation import Annotation
from ..protocol import Requires
from ..task import Task
from ..trajectory import TrajectoryView
from .object_actions import ObjectAction, object_actions
from .recorded import RecordedStep, recorded_steps
from .states import States, answers_of, states_of

_OBJECTS = frozenset({"move", "rotate", "displace", "flip", "paste", "crop"})
_CELLS = frozenset({"draw", "paint", "flood_fill"})
_BACK = frozenset({"undo", "reset"})


@dataclass(frozen=True)
class Strategies:
    """Proposes `strategy`. `tries`: wrong submissions that make it a trial."""

    tries: PositiveInt = 2

    name: ClassVar[str] = "arc.strategies"
    version: ClassVar[str] = "1"
    producer_type: ClassVar[str] = "signal"
    emits: ClassVar[tuple[str, ...]] = ("strategy",)
    requires: ClassVar[Requires] = Requires("arc", columns=("action_name", "grid_after"), task=True)
    deterministic: ClassVar[bool] = True

    def propose(self, trajectory: TrajectoryView) -> Iterable[Annotation]:
        """At most one word."""
        found = strategy(recorded_steps(trajectory), trajectory.task, self.tries)
        if found is not None:
            word, why = found
            yield Annotation("strategy", {"value": word, "rationale": why}, 0, trajectory.num_steps)


ANNOTATOR = Strategies()


def strategy(steps: Sequence[RecordedStep], task: Task | None = None, tries: int = 2) -> tuple[str, str] | None:
    """The word and why; None where nothing was edited."""
    states = states_of(steps)
    actions = object_actions(steps, states)
    edits = sum(one.attributes["operations"] for one in actions if one.label in _OBJECTS | _CELLS | {"resize", "other"})
    back = sum(one.attributes["operations"] for one in actions if one.label in _BACK)
    wrong = _wrong(steps, states, task)
    if wrong >= tries:
        return "trial", f"{wrong} wrong submissions"
    if back and 2 * back >= edits:
        return "trial", f"{back} of {edits} edits were taken back"
    if any(one.label == "copy_input" for one in actions):
        return "copy-edit", "the grid was made the test's input"
    cells = _changed(actions, steps)
    if not cells:
        return None
    objects, single = cells["object-wise"], cells["cell-wise"]
    word = "object-wise" if objects > single else "cell-wise"
    return word, f"{objects} cells changed by moving, turning and pasting, {single} by colours"


def _wrong(steps: Sequence[RecordedStep], states: States, task: Task | None) -> int:
    """Submissions that the source judged wrong, or that are not the answer."""
    answers = answers_of(states, task)
    number = 0
    for step in steps:
        if step.name != "submit":
            continue
        answer, judged = answers.get(step.panel), step.arguments.get("correct")
        if answer is not None and step.after is not None:
            number += not np.array_equal(step.after, answer)
        else:
            number += judged is False
    return number


def _changed(actions: Sequence[ObjectAction], steps: Sequence[RecordedStep]) -> Counter[str]:
    """Cells that were changed by either way of working; of a new size all cells of the larger grid."""
    rows = {step.step: row for row, step in enumerate(steps)}
    found: Counter[str] = Counter()
    for action in actions:
        word = "object-wise" if action.label in _OBJECTS else "cell-wise" if action.label in _CELLS else None
        before, after = steps[rows[action.start]].before, steps[rows[action.end - 1]].after
        if word is None or before is None or after is None:
            continue
        same = before.shape == after.shape
        found[word] += int(np.count_nonzero(before != after)) if same else max(before.size, after.size)
    return +found
