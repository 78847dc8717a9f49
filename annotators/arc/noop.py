"""Which edits of an ARC grid changed nothing.

Looked at are the steps whose action edits the grid (`schemas.arc_operations`) and whose grids before and after are both
recorded. A selection, a colour that is picked or a submission is no edit, and its step is not in the row.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.arc_operations import OPERATIONS

from ..annotation import Annotation, Statements
from ..protocol import Requires
from ..trajectory import Trajectories, TrajectoryView
from .recorded import RecordedStep, recorded_steps
from .together import lists, together


@dataclass(frozen=True)
class Noop:
    """The no-op oracle."""

    name: ClassVar[str] = "arc.noop"
    version: ClassVar[str] = "1"
    producer_type: ClassVar[str] = "oracle"
    emits: ClassVar[tuple[str, ...]] = ("noop",)
    requires: ClassVar[Requires] = Requires(domain="arc", columns=("action_name", "grid_after"))
    deterministic: ClassVar[bool] = True

    def propose(self, trajectory: TrajectoryView) -> Iterable[Annotation]:
        """One row: the edits and whether each changed the grid."""
        found = noops(recorded_steps(trajectory))
        payload = {
            "name": "noop",
            "function": self.name,
            "evaluator": self.name,
            "steps": [step for step, _ in found],
            "outcomes": [outcome for _, outcome in found],
            "observed": [None] * len(found),
        }
        yield Annotation("noop", payload, start=0, end=trajectory.num_steps)

    def propose_many(self, trajectories: Trajectories) -> Iterable[Statements]:
        """The same of many trajectories at once."""
        steps = together(trajectories)
        edits = np.array([name in _EDITS for name in steps.words], np.bool_)
        rows = np.flatnonzero(edits[steps.word] & (steps.before >= 0) & (steps.after >= 0))
        counts = np.bincount(steps.owners[rows], minlength=len(steps.lengths))
        changed = pa.array((steps.before != steps.after)[rows])
        every = len(steps.lengths)
        payload = {
            "name": ["noop"] * every,
            "function": [self.name] * every,
            "evaluator": [self.name] * every,
            "steps": lists(steps.steps[rows].astype(np.int32), counts),
            "outcomes": lists(pc.if_else(changed, "changed", "noop"), counts),
            "observed": lists(pa.nulls(len(rows), pa.string()), counts),
        }
        yield Statements("noop", np.arange(every), payload, [0] * every, steps.lengths.astype(np.int32))


ANNOTATOR = Noop()

_EDITS = frozenset(name for name, operation in OPERATIONS.items() if operation.edits)


def noops(steps: Iterable[RecordedStep]) -> list[tuple[int, str]]:
    """(step, `changed` or `noop`) of each edit whose grids are both recorded."""
    return [
        (step.step, "changed" if step.changed else "noop")
        for step in steps
        if step.operation is not None and step.operation.edits and step.before is not None and step.after is not None
    ]
