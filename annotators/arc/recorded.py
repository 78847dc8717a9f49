"""The recorded steps of an ARC trajectory with their grids as numpy arrays.

What annotators of grids start from: `arc_steps` alone, so that they serve every source that has it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from schemas.arc_operations import OPERATIONS, Operation

from ..grids import Grid, grids_of
from ..trajectory import TrajectoryView

__all__ = ["Grid", "RecordedStep", "grids_of", "recorded_steps"]


@dataclass(frozen=True, slots=True)
class RecordedStep:
    """One row: `step`, the action `name` and its `arguments`, the grid `before` and `after` it (None: not recorded).

    `panel` tells apart the grids that a person works on: the test, and `imageHandle` where the source names one.
    """

    step: int
    name: str | None
    arguments: Mapping[str, Any]
    panel: tuple[int | None, str | None]
    before: Grid | None
    after: Grid | None

    @property
    def operation(self) -> Operation | None:
        """The action's entry in the vocabulary; None for a name that is not in it."""
        return None if self.name is None else OPERATIONS.get(self.name)

    @property
    def changed(self) -> bool:
        """Whether both grids are recorded and differ."""
        return self.before is not None and self.after is not None and not np.array_equal(self.before, self.after)


def recorded_steps(trajectory: TrajectoryView) -> Sequence[RecordedStep]:
    """All steps in order, decoded once for all annotators of a trajectory. Raises ValueError for a ragged grid."""
    found: Sequence[RecordedStep] | None = trajectory.known.get("recorded_steps")
    if found is None:
        found = trajectory.known["recorded_steps"] = _recorded_steps(trajectory.steps)
    return found


def _recorded_steps(table: pa.Table) -> list[RecordedStep]:
    steps = []
    for step, name, text, test, before, after in zip(
        table["step"].to_pylist(),
        table["action_name"].to_pylist(),
        table["action_args"].cast(pa.string()).to_pylist(),
        table["test_index"].to_pylist(),
        grids_of(table["grid_before"]),
        grids_of(table["grid_after"]),
        strict=True,
    ):
        parsed = orjson.loads(text) if text is not None else {}
        arguments = parsed if isinstance(parsed, dict) else {}
        handle = arguments.get("imageHandle")
        steps.append(RecordedStep(step, name, arguments, (test, handle if isinstance(handle, str) else None), before, after))
    return steps
