"""The recorded steps of an ARC trajectory with their grids as numpy arrays.

What annotators of grids start from: `arc_steps` alone, so that they serve every source that has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa

from schemas.arc_operations import OPERATIONS, Operation

from ..trajectory import TrajectoryView

Grid = npt.NDArray[np.uint8]
"""Rows x columns of colours; read-only."""


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


def recorded_steps(trajectory: TrajectoryView) -> list[RecordedStep]:
    """All steps in order. Raises ValueError for a ragged grid."""
    table = trajectory.steps
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


def grids_of(column: pa.ChunkedArray) -> list[Grid | None]:
    """A column list<list<uint8>> as arrays that share its memory; None for null. Raises ValueError for a ragged grid."""
    grids: list[Grid | None] = []
    for chunk in column.chunks:
        valid = chunk.is_valid().to_numpy(zero_copy_only=False)
        rows = chunk.values
        outer = np.asarray(chunk.offsets)
        inner = np.asarray(rows.offsets)
        cells = np.asarray(rows.values)
        heights, lengths = np.diff(outer), np.diff(inner)
        widths = (
            np.where(heights > 0, lengths[np.minimum(outer[:-1], max(len(lengths) - 1, 0))], 0) if len(lengths) else heights * 0
        )
        shown = lengths[outer[0] : outer[-1]]
        if not np.array_equal(np.repeat(widths, heights), shown):
            raise ValueError("a grid is ragged: its rows have different lengths")
        starts = inner[outer[:-1]]
        for is_grid, start, height, width in zip(
            valid.tolist(), starts.tolist(), heights.tolist(), widths.tolist(), strict=True
        ):
            grids.append(cells[start : start + height * width].reshape(height, width) if is_grid else None)
    return grids
