"""The measures of `annotators.arc.progress` for the grids of many trajectories at once, each with the answer of its test.

The same numbers, bit for bit: what is compared with an answer by itself there is here counted over all cells of all grids.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ..trajectory import Trajectories
from .objects import objects_of
from .recorded import Grid
from .states import Panel, States, answers_of
from .together import Together

Ints = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]

_OUTSIDE = 255
_AT_ONCE = 2048
"""Grids of another size than their answer that are laid over it at once."""


def paired(steps: Together, trajectories: Trajectories) -> Paired:
    """The grids of all steps with the answers of their tests."""
    answers: list[Grid] = []
    numbers: dict[int, int] = {}
    answer = np.full(len(steps.states.grids), -1, np.int64)
    borders = [*steps.first_grid.tolist(), len(steps.states.grids)]
    for view, first, end in zip(trajectories.views, borders, borders[1:], strict=False):
        panels = steps.states.panels[first:end]
        found = answers_of(States([], panels, [], [], []), view.task)
        of_panel: dict[Panel, int] = {}
        for panel, grid in found.items():
            if id(grid) not in numbers:
                numbers[id(grid)] = len(answers)
                answers.append(grid)
            of_panel[panel] = numbers[id(grid)]
        answer[first:end] = [of_panel.get(panel, -1) for panel in panels]
    return Paired(steps, answers, answer)


@dataclass(frozen=True, eq=False)
class Paired:
    """`answer`: per grid of `steps` the number of its answer in `answers`, -1 where it is not known."""

    steps: Together
    answers: Sequence[Grid]
    answer: Ints
    _values: dict[str, Values] = field(default_factory=dict)

    def values(self, measure: str) -> Values:
        """The similarity of each grid by that measure; NaN where its answer is not known."""
        found = np.full(len(self.answer), np.nan)
        found[self._known] = getattr(self, f"_{measure}")()
        return found

    @cached_property
    def _known(self) -> Ints:
        return np.flatnonzero(self.answer >= 0)

    @cached_property
    def _grids(self) -> list[Grid]:
        return [self.steps.states.grids[number] for number in self._known.tolist()]

    @cached_property
    def _of(self) -> Ints:
        return self.answer[self._known]

    @cached_property
    def _shapes(self) -> tuple[Ints, Ints]:
        """Of the grids and of their answers."""
        answers = np.array([grid.shape for grid in self.answers], np.int64).reshape(-1, 2)
        return np.array([grid.shape for grid in self._grids], np.int64).reshape(-1, 2), answers[self._of]

    @cached_property
    def _larger(self) -> Ints:
        """Cells of the larger of the two."""
        own, others = self._shapes
        return np.asarray(np.maximum(own.prod(axis=1), others.prod(axis=1)))

    @cached_property
    def _agreement(self) -> tuple[Ints, Ints, Ints]:
        """Per pair: cells that agree, those of them that are not 0, and cells that are not 0 in one of the two."""
        own, others = self._shapes
        same = (own == others).all(axis=1)
        counts = np.zeros((3, len(same)), np.int64)
        alike = np.flatnonzero(same)
        if len(alike):
            sizes = own[alike].prod(axis=1)
            cells = np.concatenate([self._grids[i].ravel() for i in alike.tolist()])
            answers = np.concatenate([self.answers[i].ravel() for i in self._of[alike].tolist()])
            counts[:, alike] = _counted(cells == answers, cells != 0, answers != 0, np.cumsum(sizes) - sizes)
        unlike = np.flatnonzero(~same)
        for start in range(0, len(unlike), _AT_ONCE):
            some = unlike[start : start + _AT_ONCE]
            counts[:, some] = self._laid(some)
        return counts[0], counts[1], counts[2]

    def _laid(self, some: Ints) -> Ints:
        """The same counts of pairs of different sizes, laid on one canvas."""
        rows, columns = np.maximum(*(shapes[some].max(axis=0) for shapes in self._shapes)).tolist()
        cells, answers = (np.full((len(some), rows, columns), _OUTSIDE, np.uint8) for _ in range(2))
        for place, pair in enumerate(some.tolist()):
            for canvas, grid in ((cells, self._grids[pair]), (answers, self.answers[self._of[pair]])):
                canvas[place, : grid.shape[0], : grid.shape[1]] = grid
        inside, answered = cells != _OUTSIDE, answers != _OUTSIDE
        agree, shown, wanted = (cells == answers) & inside, inside & (cells != 0), answered & (answers != 0)
        return _counted(agree.ravel(), shown.ravel(), wanted.ravel(), np.arange(len(some)) * rows * columns)

    def _cells(self) -> Values:
        return np.asarray(self._agreement[0] / self._larger)

    def _foreground(self) -> Values:
        return _share(self._agreement[1], self._agreement[2])

    def _colours(self) -> Values:
        colours = 1 + max((int(grid.max(initial=0)) for grid in self.answers), default=0)
        wanted = np.array([np.bincount(grid.ravel(), minlength=colours) for grid in self.answers]).reshape(-1, colours)
        cells = np.concatenate([np.zeros(0, np.uint8), *(grid.ravel() for grid in self._grids)])
        sizes = self._shapes[0].prod(axis=1)
        owner = np.repeat(np.arange(len(sizes)), sizes)
        there = cells < colours
        shown = np.bincount(owner[there] * colours + cells[there], minlength=len(sizes) * colours).reshape(-1, colours)
        return np.asarray(np.minimum(shown, wanted[self._of]).sum(axis=1) / self._larger)

    def _objects(self) -> Values:
        grids = len(self.steps.states.grids)
        found = self.steps.objects.joined(objects_of(self.answers))
        numbers = np.bincount(found.grid[1:], minlength=grids + len(self.answers))
        one, other, counts = found.overlaps(self._known, self._of + grids)
        whole = (counts == found.area[one]) & (counts == found.area[other]) & (found.colour[one] == found.colour[other])
        equal = np.bincount(found.grid[one[whole]], minlength=grids)[self._known]
        return _share(equal, numbers[self._known] + numbers[self._of + grids] - equal)

    def _size(self) -> Values:
        own, others = self._shapes
        common = np.minimum(own, others).prod(axis=1)
        return np.asarray(common / (own.prod(axis=1) + others.prod(axis=1) - common))


def _counted(
    agree: npt.NDArray[np.bool_], shown: npt.NDArray[np.bool_], wanted: npt.NDArray[np.bool_], starts: Ints
) -> npt.NDArray[np.int64]:
    """Of each run of cells: how many agree, agree and are shown, are shown or wanted."""
    return np.stack([np.add.reduceat(what, starts, dtype=np.int64) for what in (agree, agree & shown, shown | wanted)])


def _share(part: Ints, whole: Ints) -> Values:
    return np.where(whole > 0, part / np.maximum(whole, 1), 1.0)
