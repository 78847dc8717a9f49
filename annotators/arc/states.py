"""The distinct grids of an ARC trajectory, and which of them each step started from and led to.

Most steps leave the grid as it was, and undo brings earlier ones back: what depends on a grid alone is computed once
per distinct grid, over all of them at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..task import Task
from .recorded import Grid, RecordedStep

Panel = tuple[int | None, str | None]
"""Which of the grids that a person works on: `RecordedStep.panel`."""


@dataclass(frozen=True, slots=True)
class States:
    """`grids`: the distinct ones of each panel in order of first appearance, and `panels`, whose each is.

    `before`, `after`: the number of the grid per step, None where it is not recorded. `came_from`: per grid the number of
    the one that a step made it from, None for a grid that nothing recorded led to.
    """

    grids: list[Grid]
    panels: list[Panel]
    before: list[int | None]
    after: list[int | None]
    came_from: list[int | None]

    def changed(self, row: int) -> bool:
        """Whether both grids of that row are recorded and differ."""
        before, after = self.before[row], self.after[row]
        return before is not None and after is not None and before != after


def states_of(steps: Sequence[RecordedStep]) -> States:
    """The distinct grids of a trace. Grids of different panels are never the same."""
    numbers: dict[tuple[Panel, int, bytes], int] = {}
    found = States([], [], [], [], [])

    def number(grid: Grid | None, panel: Panel, source: int | None) -> int | None:
        if grid is None:
            return None
        key = panel, grid.shape[1], grid.tobytes()
        known = numbers.get(key)
        if known is None:
            known = numbers[key] = len(found.grids)
            found.grids.append(grid)
            found.panels.append(panel)
            found.came_from.append(source)
        return known

    for step in steps:
        before = number(step.before, step.panel, None)
        found.before.append(before)
        found.after.append(number(step.after, step.panel, before))
    return found


def answers_of(states: States, task: Task | None) -> dict[Panel, Grid]:
    """The answer of each panel's test, where it is known. A panel without a number is of a task's only test."""
    found = {}
    for panel in dict.fromkeys(states.panels):
        index = 0 if panel[0] is None and task is not None and len(task.tests) == 1 else panel[0]
        test = None if task is None else task.test(index)
        if test is not None and test.output is not None:
            found[panel] = test.output
    return found


def stacked(grids: Sequence[Grid], fill: int) -> npt.NDArray[np.uint8]:
    """Grids as one array (grids x rows x columns) of the largest size, `fill` where a grid has no cell."""
    shapes = {grid.shape for grid in grids}
    if len(shapes) == 1:
        return np.array(grids)
    rows, columns = max(shape[0] for shape in shapes), max(shape[1] for shape in shapes)
    made = np.full((len(grids), rows, columns), fill, np.uint8)
    for place, grid in enumerate(grids):
        made[place, : grid.shape[0], : grid.shape[1]] = grid
    return made
