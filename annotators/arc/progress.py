"""How near each grid comes to the answer, by several measures from 0 to 1 (layers `similarity…`); 1 by `cells` = solved.

Each value is of the grid *after* its step and the answer of the test that the step is about; a step without a grid, or of
a test whose answer is not known, has none. The measures, for grids that lie on each other at the top left:

* `cells`: cells that agree, of the cells of the larger grid. The gain per step is the reward that ARCTraj2JaxARC
  publishes, apart from that it reads the states one layer short;
* `foreground`: cells that agree, of those that are not 0 in one of the two: large grounds do not count;
* `colours`: cells of the same colours wherever they are (histogram intersection), of the cells of the larger grid;
* `objects`: objects of the same colour and cells, of all objects of the two (intersection over union);
* `size`: cells that both have room for, of the cells that one of them has.

Where nothing is compared (no foreground, no objects on either side) the two agree: 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from ..annotation import Annotation, Statements
from ..protocol import Requires
from ..trajectory import Trajectories, TrajectoryView
from .nearness import paired
from .objects import objects_of
from .recorded import Grid, recorded_steps
from .states import Panel, States, answers_of, stacked, states_of
from .together import lists, together

Values = npt.NDArray[np.float64]
Measure = Callable[[Sequence[Grid], Grid], Values]

_OUTSIDE = 255
"""No colour: what a cell is that a grid does not have."""


def cells(grids: Sequence[Grid], answer: Grid) -> Values:
    """Cells that agree, of the cells of the larger grid."""
    both, answers = _laid(grids, answer)
    agree = np.count_nonzero((both == answers) & (both != _OUTSIDE), axis=(1, 2))
    return np.asarray(agree / np.maximum(_sizes(grids), answer.size))


def foreground(grids: Sequence[Grid], answer: Grid) -> Values:
    """Cells that agree, of those that one of the two has and shows in another colour than 0."""
    both, answers = _laid(grids, answer)
    shown = ((both != 0) & (both != _OUTSIDE)) | ((answers != 0) & (answers != _OUTSIDE))
    agree = np.count_nonzero((both == answers) & shown, axis=(1, 2))
    return _share(agree, np.count_nonzero(shown, axis=(1, 2)))


def colours(grids: Sequence[Grid], answer: Grid) -> Values:
    """Cells of the same colours, wherever they are, of the cells of the larger grid."""
    wanted = np.bincount(answer.ravel(), minlength=256)
    common = [np.minimum(np.bincount(grid.ravel(), minlength=256), wanted).sum() for grid in grids]
    return np.asarray(np.array(common) / np.maximum(_sizes(grids), answer.size))


def objects(grids: Sequence[Grid], answer: Grid) -> Values:
    """Objects of the same colour and cells, of all objects of the two."""
    found = objects_of([*grids, answer])
    numbers = np.bincount(found.grid[1:], minlength=len(grids) + 1)
    one, other, counts = found.overlaps(range(len(grids)), [len(grids)] * len(grids))
    whole = (counts == found.area[one]) & (counts == found.area[other]) & (found.colour[one] == found.colour[other])
    equal = np.bincount(found.grid[one[whole]], minlength=len(grids))
    return _share(equal, numbers[:-1] + numbers[-1] - equal)


def size(grids: Sequence[Grid], answer: Grid) -> Values:
    """Cells that both have, of the cells that one of them has."""
    shapes = np.array([grid.shape for grid in grids])
    common = np.minimum(shapes, answer.shape).prod(axis=1)
    return np.asarray(common / (shapes.prod(axis=1) + answer.size - common))


MEASURES: Mapping[str, tuple[str, Measure]] = MappingProxyType(
    {
        "cells": ("similarity", cells),
        "foreground": ("similarity_foreground", foreground),
        "colours": ("similarity_colours", colours),
        "objects": ("similarity_objects", objects),
        "size": ("similarity_size", size),
    }
)
"""Name → its layer and what computes it for many grids and one answer."""


@dataclass(frozen=True)
class Progress:
    """The similarity to the answer. `measures`: which of `MEASURES`."""

    measures: tuple[str, ...] = tuple(MEASURES)

    name: ClassVar[str] = "arc.progress"
    version: ClassVar[str] = "1"
    producer_type: ClassVar[str] = "oracle"
    emits: ClassVar[tuple[str, ...]] = tuple(layer for layer, _ in MEASURES.values())
    requires: ClassVar[Requires] = Requires("arc", columns=("grid_after",), task=True)
    deterministic: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Raises ValueError for a measure that there is not."""
        unknown = [name for name in self.measures if name not in MEASURES]
        if unknown:
            raise ValueError(f"no measure {unknown[0]!r}; there are {', '.join(MEASURES)}")

    def propose(self, trajectory: TrajectoryView) -> Iterable[Annotation]:
        """A row per measure: the steps whose grid and answer are known, and the similarity. None without an answer."""
        steps = recorded_steps(trajectory)
        states = states_of(steps)
        answers = answers_of(states, trajectory.task)
        for name in self.measures:
            layer, _ = MEASURES[name]
            values = similarities(states, answers, name)
            known = [(s.step, values[n]) for s, n in zip(steps, states.after, strict=True) if n is not None and n in values]
            if known:
                payload = {
                    "steps": [step for step, _ in known],
                    "values": [value for _, value in known],
                    "unit": "share",
                    "estimator": f"{self.name}: {name}",
                }
                yield Annotation(layer, payload, 0, trajectory.num_steps)

    def propose_many(self, trajectories: Trajectories) -> Iterable[Statements]:
        """The same of many trajectories at once."""
        steps = together(trajectories)
        pairs = paired(steps, trajectories)
        shown = np.flatnonzero(steps.after >= 0)
        shown = shown[pairs.answer[steps.after[shown]] >= 0]
        counts = np.bincount(steps.owners[shown], minlength=len(steps.lengths))
        owners = np.flatnonzero(counts)
        at = lists(steps.steps[shown].astype(np.int32), counts[owners])
        end = steps.lengths[owners].astype(np.int32)
        for name in self.measures:
            if len(owners):
                payload = {
                    "steps": at,
                    "values": lists(pairs.values(name)[steps.after[shown]], counts[owners]),
                    "unit": ["share"] * len(owners),
                    "estimator": [f"{self.name}: {name}"] * len(owners),
                }
                yield Statements(MEASURES[name][0], owners, payload, [0] * len(owners), end)


ANNOTATOR = Progress()


def similarities(states: States, answers: Mapping[Panel, Grid], measure: str) -> dict[int, float]:
    """By number of a grid its similarity to the answer of its panel, where that is known."""
    _, compute = MEASURES[measure]
    found: dict[int, float] = {}
    for panel, answer in answers.items():
        own = [number for number, of in enumerate(states.panels) if of == panel]
        found |= zip(own, compute([states.grids[number] for number in own], answer).tolist(), strict=True)
    return found


def _laid(grids: Sequence[Grid], answer: Grid) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Grids and the answer on one canvas."""
    laid = stacked([*grids, answer], _OUTSIDE)
    return laid[:-1], laid[-1]


def _sizes(grids: Sequence[Grid]) -> npt.NDArray[np.int64]:
    return np.array([grid.size for grid in grids])


def _share(part: npt.NDArray[np.int64], whole: npt.NDArray[np.int64]) -> Values:
    return np.where(whole > 0, part / np.maximum(whole, 1), 1.0)
