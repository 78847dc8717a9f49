"""What was selected (layers `selection_box`, `selection_fit`): where, how many cells, which colours, and whether objects.

Looked at is each step that has selected cells inside the grid before it; cells outside (a floating layer may hang over the
edge) do not count. `selection_box` holds per step [top, left, height, width, cells] and then each colour in it, ascending.
`selection_fit` says how the cells lie to the objects of that grid, 4-connected cells of one colour other than 0.

Sizes, shapes and colours of selections are ARCTraj's first research question (arXiv 2511.11079: boxes mostly under 3x3,
squares and bars; 35.9 % of the selections are one cell, 89.5 % at most 16).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ..annotation import Annotation
from ..protocol import Requires
from ..trajectory import TrajectoryView
from .objects import Objects, objects_of
from .recorded import recorded_steps
from .states import States, states_of

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Selection:
    """One selection at a row of the step table: its `box` [top, left, height, width], `cells`, `colours`, and how it fits."""

    row: int
    box: list[int]
    cells: int
    colours: list[int]
    fit: str


@dataclass(frozen=True)
class Selections:
    """The geometry of selections."""

    name: ClassVar[str] = "arc.selections"
    version: ClassVar[str] = "1"
    producer_type: ClassVar[str] = "oracle"
    emits: ClassVar[tuple[str, ...]] = ("selection_box", "selection_fit")
    requires: ClassVar[Requires] = Requires("arc", columns=("selection", "grid_before"))
    deterministic: ClassVar[bool] = True

    def propose(self, trajectory: TrajectoryView) -> Iterable[Annotation]:
        """Two rows: what was selected at each step with a selection, and how it fits the objects."""
        steps = recorded_steps(trajectory)
        states = states_of(steps)
        found = selections(states, *selected_cells(trajectory.steps["selection"]))
        numbers = [steps[one.row].step for one in found]
        codes = [[*one.box, one.cells, *one.colours] for one in found]
        box = {"steps": numbers, "codes": codes, "codebook": "top, left, height, width, cells, then each colour"}
        yield Annotation("selection_box", box, 0, trajectory.num_steps)
        fit = {
            "name": "selection_fit",
            "function": self.name,
            "evaluator": self.name,
            "steps": numbers,
            "outcomes": [one.fit for one in found],
            "observed": [None] * len(found),
        }
        yield Annotation("selection_fit", fit, 0, trajectory.num_steps)


ANNOTATOR = Selections()


def selected_cells(column: pa.ChunkedArray) -> tuple[Ints, Ints]:
    """Row of the table of each selected cell (n), and [row, column] of the cell (n x 2), of the column `selection`."""
    cells = pa.concat_arrays(column.chunks) if column.num_chunks != 1 else column.chunk(0)
    counts = np.where(cells.is_valid().to_numpy(zero_copy_only=False), np.diff(np.asarray(cells.offsets)), 0)
    places = cells.flatten()
    return np.repeat(np.arange(len(cells)), counts), np.asarray(places.flatten()).reshape(-1, 2).astype(np.int64)


def selections(states: States, rows: Ints, cells: Ints) -> list[Selection]:
    """The selections of a trace, in order; `rows`, `cells` as `selected_cells` gives them."""
    shapes = np.array([grid.shape for grid in states.grids] or [(0, 0)])
    number = np.array([-1 if n is None else n for n in states.before], np.int64)[rows]
    inside = (number >= 0) & (cells >= 0).all(axis=1) & (cells < shapes[number]).all(axis=1)
    if not inside.any():
        return []
    rows, number, cells = rows[inside], number[inside], cells[inside]
    side = int(shapes.max())
    _, once = np.unique((rows * side + cells[:, 0]) * side + cells[:, 1], return_index=True)
    rows, number, cells = rows[once], number[once], cells[once]
    objects = objects_of(states.grids)
    labels = objects.labels[objects.first_row[number] + cells[:, 0], cells[:, 1]]
    starts = np.flatnonzero(np.diff(rows, prepend=-1))
    low, high = np.minimum.reduceat(cells, starts), np.maximum.reduceat(cells, starts)
    boxes = np.concatenate([low, high - low + 1], axis=1).tolist()
    order = np.cumsum(np.diff(rows, prepend=-1) != 0) - 1
    colours = _colours(objects, labels, order, len(starts))
    fits = _fits(objects, labels, order, len(starts))
    return [
        Selection(row, box, size, own, fit)
        for row, box, size, own, fit in zip(
            rows[starts].tolist(), boxes, np.bincount(order).tolist(), colours, fits, strict=True
        )
    ]


def _colours(objects: Objects, labels: npt.NDArray[np.int32], order: Ints, count: int) -> list[list[int]]:
    """The colours of each selection, ascending."""
    found: list[list[int]] = [[] for _ in range(count)]
    for pair in np.unique(order * 256 + objects.colour[labels]).tolist():
        found[pair // 256].append(pair % 256)
    return found


def _fits(objects: Objects, labels: npt.NDArray[np.int32], order: Ints, count: int) -> Sequence[str]:
    """How each selection lies to the objects: a word of the layer `selection_fit`."""
    numbers = len(objects.area)
    pairs, sizes = np.unique(order * numbers + labels, return_counts=True)
    of, label = pairs // numbers, pairs % numbers
    is_object = label > 0
    whole = is_object & (sizes == objects.area[label])
    parts = np.bincount(of[is_object], minlength=count)
    wholes = np.bincount(of[whole], minlength=count)
    ground = np.bincount(of[~is_object], minlength=count) > 0
    words = []
    for all_parts, all_whole, has_ground in zip(parts.tolist(), wholes.tolist(), ground.tolist(), strict=True):
        if not all_parts:
            words.append("ground")
        elif all_parts == all_whole:
            words.append("framed" if has_ground else "object" if all_parts == 1 else "objects")
        else:
            words.append("part" if all_parts == 1 and not has_ground else "mixed")
    return words
