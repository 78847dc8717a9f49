"""What each step contributed to the outcome (layer `attribution`): differences of a potential, so that they telescope.

The outcome is 1 where the last submission of every submitted test is its answer, else 0. The potential of a state is the
way to the answer that lies behind it: (s - s0) / (1 - s0), where s is its similarity by `cells` (`annotators.arc.progress`)
and s0 that of the grid that the test began with; of several tests it is the mean. It is 0 at the start and 1 at the
answer, and below 0 where a step leads away from it. A step contributes the potential after it minus the one before it;
the last submission contributes what is missing to the outcome: nothing where the answer was reached, and where it was not,
it takes back what the steps had gained. What comes after it contributes nothing and is not listed.

The sum over a trajectory is the outcome *exactly*, in any order, in float32 too: potentials are rounded to a power of two
that leaves every difference 24 bits. (Stepwise progress attribution: SPA-RL, 2025, where the sum is learned and comes
near the outcome; potential-based rewards: Ng, Harada, Russell 1999.)

Where no submission or not every answer is known, there is no outcome and no row.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..annotation import Annotation
from ..protocol import Requires
from ..trajectory import TrajectoryView
from .progress import similarities
from .recorded import Grid, RecordedStep, recorded_steps
from .states import Panel, States, answers_of, states_of


@dataclass(frozen=True)
class Attribution:
    """The attribution by similarity."""

    name: ClassVar[str] = "arc.attribution"
    version: ClassVar[str] = "1"
    producer_type: ClassVar[str] = "oracle"
    emits: ClassVar[tuple[str, ...]] = ("attribution",)
    requires: ClassVar[Requires] = Requires("arc", columns=("action_name", "grid_after"), task=True)
    deterministic: ClassVar[bool] = True

    def propose(self, trajectory: TrajectoryView) -> Iterable[Annotation]:
        """One row: every step up to the last submission and its contribution. None without an outcome."""
        steps = recorded_steps(trajectory)
        states = states_of(steps)
        contributions = attributed(steps, states, answers_of(states, trajectory.task))
        if contributions is not None:
            payload = {
                "steps": [step.step for step in steps[: len(contributions)]],
                "values": contributions,
                "unit": "share of the outcome",
                "estimator": f"{self.name}: differences of the similarity by cells, from the start to the answer",
            }
            yield Annotation("attribution", payload, 0, trajectory.num_steps)


ANNOTATOR = Attribution()


def attributed(steps: Sequence[RecordedStep], states: States, answers: Mapping[Panel, Grid]) -> list[float] | None:
    """The contribution of each step up to the last submission; None where there is no outcome.

    Each is a float32, and their sum in float32 is the outcome.
    """
    submitted = {step.panel: row for row, step in enumerate(steps) if step.name == "submit"}
    if not submitted or not submitted.keys() <= answers.keys():
        return None
    last = max(submitted.values())
    outcome = float(all(_is_answer(steps[row], answers[panel]) for panel, row in submitted.items()))
    near = similarities(states, answers, "cells")
    starts: dict[Panel, float] = {}
    behind = dict.fromkeys(submitted, 0.0)
    potentials: list[float] = []
    for row, step in enumerate(steps[: last + 1]):
        for number in (states.before[row], states.after[row]):
            if number is not None and step.panel in behind:
                start = starts.setdefault(step.panel, near[number])
                behind[step.panel] = (near[number] - start) / (1 - start if start < 1 else 1)
        potentials.append(sum(behind.values()) / len(behind))
    potentials[-1] = outcome
    return _differences(potentials)


def _is_answer(step: RecordedStep, answer: Grid) -> bool:
    handed_in = step.before if step.before is not None else step.after
    return handed_in is not None and np.array_equal(handed_in, answer)


def _differences(potentials: Sequence[float]) -> list[float]:
    """Differences from 0 on that float32 holds and adds without rounding: multiples of 2^-20, or of more for large ones."""
    largest = max(abs(potential) for potential in potentials)
    unit = 2.0 ** (max(3, math.ceil(math.log2(largest)) if largest else 0) - 23)
    rounded = [round(potential / unit) for potential in potentials]
    return [(after - before) * unit for before, after in zip([0, *rounded[:-1]], rounded, strict=True)]
