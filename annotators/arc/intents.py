"""What each action on an object was for, in plain words (layer `intent`): a draft that a person mends.

A line stands at the step that ends the action (`annotators.arc.object_actions`), because there its effect is seen. It says
what was done and to how many cells, and where an edit changed nothing it says that; why it was done, the record does not
say. A submission says whether the grid is the test's answer, as far as that is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from ..annotation import Annotation
from ..protocol import Requires
from ..task import Task
from ..trajectory import TrajectoryView
from .object_actions import ObjectAction, object_actions
from .recorded import RecordedStep, recorded_steps
from .states import answers_of, states_of

COLOURS = ("black", "blue", "red", "green", "yellow", "grey", "magenta", "orange", "light blue", "maroon")
"""What people call ARC's ten colours."""

_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "draw": "draw{cells}{colour}",
        "paint": "paint{cells}{colour}",
        "flood_fill": "fill connected cells{colour}",
        "move": "move it{way}",
        "rotate": "turn it{turn}",
        "displace": "move it{way} and turn it{turn}",
        "flip": "mirror it {mirror}",
        "copy": "copy what is selected",
        "copy_input": "begin with the test's input",
        "paste": "paste what was copied",
        "resize": "make the grid{size}",
        "crop": "keep one part of the grid{size}",
        "undo": "take back {times}",
        "redo": "make {times} again",
        "reset": "start over",
        "submit": "hand it in{verdict}",
    }
)
"""A word of `object_action` → what it was for; `select` and `other` have none."""

_TURNS = ("", " a quarter to the right", " by a half", " a quarter to the left")
_MIRRORS = {"x": "left to right", "y": "top to bottom"}


@dataclass(frozen=True)
class Intents:
    """Proposes `intent`."""

    name: ClassVar[str] = "arc.intents"
    version: ClassVar[str] = "1"
    producer_type: ClassVar[str] = "signal"
    emits: ClassVar[tuple[str, ...]] = ("intent",)
    requires: ClassVar[Requires] = Requires("arc", columns=("action_name", "grid_after"), task=True)
    deterministic: ClassVar[bool] = True

    def propose(self, trajectory: TrajectoryView) -> Iterable[Annotation]:
        """A line per action."""
        for step, text in intents(recorded_steps(trajectory), trajectory.task):
            payload = {"channel": "intent", "steps": [step], "texts": [text]}
            yield Annotation("intent", payload, step, step + 1)


ANNOTATOR = Intents()


def intents(steps: Sequence[RecordedStep], task: Task | None = None) -> list[tuple[int, str]]:
    """(step, words) in order of step; the words are English and begin with what was done."""
    states = states_of(steps)
    answers = answers_of(states, task)
    rows = {step.step: row for row, step in enumerate(steps)}
    found = []
    for action in object_actions(steps, states):
        words = _WORDS.get(action.label)
        if words is None:
            continue
        first, last = steps[rows[action.start]], steps[rows[action.end - 1]]
        said = words.format(**_arguments(action, first, last, answers.get(last.panel)))
        idle = action.attributes.get("changed") is False and last.operation is not None and last.operation.edits
        found.append((last.step, said + (", which changed nothing" if idle else "")))
    return found


def _arguments(action: ObjectAction, first: RecordedStep, last: RecordedStep, answer: Any) -> dict[str, str]:
    """What the words may name."""
    said = action.attributes
    colour = said.get("color")
    number = said.get("operations", 1)
    return {
        "colour": f" in {COLOURS[colour]}" if isinstance(colour, int) and 0 <= colour < len(COLOURS) else "",
        "cells": _cells(first, last),
        "way": _way(said.get("dx", 0), said.get("dy", 0)),
        "turn": _TURNS[said["k"] % 4 if "k" in said else 1 if str(last.name).endswith("_clockwise") else 3],
        "mirror": _MIRRORS.get(said.get("axis", ""), "over"),
        "size": "" if last.after is None else f" {last.after.shape[0]} high and {last.after.shape[1]} wide",
        "times": "one edit" if number == 1 else f"{number} edits",
        "verdict": _verdict(last, answer),
    }


def _cells(first: RecordedStep, last: RecordedStep) -> str:
    """How many cells are others after the action."""
    if first.before is None or last.after is None or first.before.shape != last.after.shape:
        return " cells"
    number = int(np.count_nonzero(first.before != last.after))
    return " cells" if not number else " one cell" if number == 1 else f" {number} cells"


def _way(dx: int, dy: int) -> str:
    parts = [f"{abs(n)} {way}" for n, way in ((dx, "right" if dx > 0 else "left"), (dy, "down" if dy > 0 else "up")) if n]
    return f" {' and '.join(parts)}" if parts else " to and fro"


def _verdict(last: RecordedStep, answer: Any) -> str:
    if answer is None or last.after is None:
        return ""
    return ": it is the answer" if np.array_equal(last.after, answer) else ": it is not the answer"
