"""Steps of one ARC trajectory as the columns of `arc_steps`, for readers that take up one step after another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipelines.formats.arc.grids import Grid, grid_column
from schemas.arc_operations import OPERATIONS


@dataclass(frozen=True, slots=True, eq=False)
class ArcStep:
    """One step: what was seen `before`, the action, what was seen `after` it (grids, rows x columns; None = not recorded).

    `name`: Cairn's word, or the source's where there is none; `source`: the action as the source wrote it, without grids.
    `time`: seconds since the first step. `test`: the test input that is worked on. `between`: grids that the action showed
    before the last. `selection`: [row, column] of each marked cell. `background`, `floating` ([row, column, colour] each):
    the two layers, of sources that have them.
    """

    name: str | None
    arguments: Mapping[str, Any]
    source: Mapping[str, Any] | None
    before: Grid | None
    after: Grid | None
    time: float | None = None
    test: int | None = None
    between: Sequence[Grid] | None = None
    selection: Sequence[Sequence[int]] | None = None
    background: Grid | None = None
    floating: Sequence[Sequence[int]] | None = None


def step_columns(steps: Sequence[ArcStep], task_id: str | None) -> dict[str, Any]:
    """The columns of `arc_steps`, without `trajectory_id`; each grid is held once, however many steps show it."""
    pool = _Pool()
    number = len(steps)
    layered = any(step.background is not None or step.floating is not None for step in steps)
    columns = {
        "step": list(range(number)),
        "timestamp": [step.time for step in steps],
        "action_kind": [_kind(step.name) for step in steps],
        "action_name": [step.name for step in steps],
        "action_args": [dict(step.arguments) for step in steps],
        "source_action": [None if step.source is None else dict(step.source) for step in steps],
        "task_id": [task_id] * number,
        "test_index": [step.test for step in steps],
        "grid_before": pool.column(step.before for step in steps),
        "grid_after": pool.column(step.after for step in steps),
        "selection": [None if step.selection is None else [list(cell) for cell in step.selection] for step in steps],
    }
    if any(step.between for step in steps):
        columns["grids_between"] = [[grid.tolist() for grid in step.between] if step.between else None for step in steps]
    if layered:
        columns["background"] = pool.column(step.background for step in steps)
        columns["floating"] = [None if step.floating is None else [list(cell) for cell in step.floating] for step in steps]
    return columns


def _kind(name: str | None) -> str:
    """The kind of an action; one without a word is taken to be about the grid."""
    known = None if name is None else OPERATIONS.get(name)
    return "grid_op" if known is None else known.kind


@dataclass
class _Pool:
    """Grids by what is in them, each once."""

    grids: list[Grid] = field(default_factory=list)
    numbers: dict[tuple[tuple[int, ...], bytes], int] = field(default_factory=dict)

    def column(self, grids: Iterable[Grid | None]) -> Any:
        """A column of grids."""
        return grid_column(self.grids, [None if grid is None else self._number(grid) for grid in grids])

    def _number(self, grid: Grid) -> int:
        number = self.numbers.setdefault((grid.shape, grid.tobytes()), len(self.grids))
        if number == len(self.grids):
            self.grids.append(grid)
        return number
