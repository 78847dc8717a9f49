"""Objects of ARC grids: 4-connected cells of one colour other than 0, as `SelectObject` of O2ARC selects them.

Any number of grids is labelled in one call: they stand below each other with an empty row between, each cell becomes a
pixel of a picture of twice the size, and the pixel between two neighbours is set where they have one colour. Colour 0 is
the ground in ARC (black) and no object.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from .recorded import Grid

Ints = npt.NDArray[np.int32]
Places = Sequence[int] | npt.NDArray[np.int64]

_AT_ONCE = 1 << 18
"""Cells that are labelled in one call: 6 MB of pictures."""
_PAIRS = 2048
"""Pairs of grids that are compared at once."""


@dataclass(frozen=True, slots=True)
class Objects:
    """The objects of several grids, numbered from 1: grid by grid, in each by the first cell in reading order.

    `labels`: rows of all grids, one below the other, x the largest width: the number of the object that a cell belongs to,
    0 = none; grid g has the rows from `first_row[g]`, `shapes[g]` is its size. By number (0 stands for none): `grid`, the
    place of its grid; `colour`; `area` in cells; `box`, n x 4: [top, left, bottom, right).
    """

    labels: Ints
    first_row: npt.NDArray[np.int64]
    shapes: npt.NDArray[np.int64]
    grid: Ints
    colour: Ints
    area: Ints
    box: Ints

    def of_grid(self, grid: int) -> Ints:
        """The numbers in one grid, rows x columns."""
        start, (rows, columns) = int(self.first_row[grid]), self.shapes[grid].tolist()
        return self.labels[start : start + rows, :columns]

    def mask(self, number: int) -> npt.NDArray[np.bool_]:
        """The cells of an object inside its box."""
        top, left, bottom, right = self.box[number].tolist()
        start = int(self.first_row[self.grid[number]])
        return np.equal(self.labels[start + top : start + bottom, left:right], number)

    def joined(self, other: Objects) -> Objects:
        """These objects and those of further grids, whose grids and numbers go on from these."""
        width = max(self.labels.shape[1], other.labels.shape[1])
        labels = np.zeros((len(self.labels) + len(other.labels), width), np.int32)
        labels[: len(self.labels), : self.labels.shape[1]] = self.labels
        own = len(self.area) - 1
        labels[len(self.labels) :, : other.labels.shape[1]] = np.where(other.labels, other.labels + own, 0)
        grid = np.concatenate([self.grid, other.grid[1:] + np.int32(len(self.shapes))])
        return Objects(
            labels,
            np.concatenate([self.first_row, other.first_row + len(self.labels)]),
            np.concatenate([self.shapes, other.shapes]),
            grid,
            np.concatenate([self.colour, other.colour[1:]]),
            np.concatenate([self.area, other.area[1:]]),
            np.concatenate([self.box, other.box[1:]]),
        )

    def overlaps(self, ones: Places, others: Places) -> tuple[Ints, Ints, Ints]:
        """Objects of `ones[i]` and `others[i]` (places of grids) that share cells: their numbers and how many cells.

        In order of their numbers; no pair of grids may stand there twice.
        """
        if not len(ones):
            return (np.zeros(0, np.int32),) * 3
        parts = [self._overlaps(ones[i : i + _PAIRS], others[i : i + _PAIRS]) for i in range(0, len(ones), _PAIRS)]
        pairs, counts = (np.concatenate(column) for column in zip(*parts, strict=True))
        order = np.argsort(pairs)
        number, its = np.divmod(pairs[order], len(self.area))
        return number.astype(np.int32), its.astype(np.int32), counts[order].astype(np.int32)

    def _overlaps(self, ones: Places, others: Places) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Pairs (the first number times the number of all, plus the second), and their common cells."""
        rows = np.minimum(self.shapes[ones, 0], self.shapes[others, 0])
        within = np.arange(int(rows.sum())) - np.repeat(np.cumsum(rows) - rows, rows)
        one = self.labels[within + np.repeat(self.first_row[ones], rows)]
        other = self.labels[within + np.repeat(self.first_row[others], rows)]
        both = (one != 0) & (other != 0)
        return np.unique(one[both].astype(np.int64) * len(self.area) + other[both], return_counts=True)


def objects_of(grids: Sequence[Grid]) -> Objects:
    """The objects of all grids."""
    shapes = np.array([grid.shape for grid in grids], np.int64).reshape(-1, 2)
    first_row = np.cumsum(shapes[:, 0] + 1) - shapes[:, 0] - 1
    rows, columns = int(shapes[:, 0].sum()) + len(grids), int(shapes[:, 1].max(initial=0))
    cells = np.zeros((rows, columns), np.uint8)
    for row, grid in zip(first_row.tolist(), grids, strict=True):
        cells[row : row + grid.shape[0], : grid.shape[1]] = grid
    labels, first, box = _labelled(cells, first_row, shapes)
    row = first // max(columns, 1)
    grid_of = np.searchsorted(first_row, row, side="right") - 1
    box[:, ::2] -= first_row[grid_of][:, None]
    area = np.bincount(labels.ravel(), minlength=len(first) + 1).astype(np.int32)
    area[0] = 0
    none = np.zeros(1, np.int32)
    return Objects(
        labels,
        first_row,
        shapes,
        np.concatenate([none - 1, grid_of.astype(np.int32)]),
        np.concatenate([none, cells.ravel()[first].astype(np.int32)]),
        area,
        np.concatenate([np.zeros((1, 4), np.int32), box.astype(np.int32)]),
    )


Found = tuple[Ints, npt.NDArray[np.int64], npt.NDArray[np.int64]]
"""Labels from 1 in reading order; per object the place of its first cell, and its box in the rows of the picture."""


def _labelled(cells: npt.NDArray[np.uint8], first_row: npt.NDArray[np.int64], shapes: npt.NDArray[np.int64]) -> Found:
    """The objects of all rows. Grids of about one width are labelled together, `_AT_ONCE` cells in a call."""
    columns = cells.shape[1]
    labels = np.zeros(cells.shape, np.int32)
    firsts: list[npt.NDArray[np.int64]] = [np.zeros(0, np.int64)]
    boxes: list[npt.NDArray[np.int64]] = [np.zeros((0, 4), np.int64)]
    count = 0
    for grids, width in _alike_in_width(shapes, columns):
        rows = _rows_of(first_row[grids], shapes[grids, 0] + 1)
        own, first, box = _labelled_part(np.ascontiguousarray(cells[rows, :width]))
        labels[rows, :width] = np.where(own, own + count, 0)
        row, column = np.divmod(first, width)
        firsts.append(rows[row] * columns + column)
        box[:, 0], box[:, 2] = rows[box[:, 0]], rows[box[:, 2] - 1] + 1
        boxes.append(box)
        count += len(first)
    first = np.concatenate(firsts)
    order = np.argsort(first)
    rank = np.zeros(count + 1, np.int32)
    rank[order + 1] = np.arange(1, count + 1, dtype=np.int32)
    return rank[labels], first[order], np.concatenate(boxes)[order]


def _alike_in_width(shapes: npt.NDArray[np.int64], columns: int) -> Iterator[tuple[npt.NDArray[np.int64], int]]:
    """Grids in runs of about one width, of at most `_AT_ONCE` cells where that is more than one grid; and their width."""
    classes = np.minimum(-(-shapes[:, 1] // _STEP) * _STEP, columns)
    for width in np.unique(classes).tolist():
        grids = np.flatnonzero(classes == width)
        piece = (np.cumsum(shapes[grids, 0] + 1) * width) // _AT_ONCE
        for start, end in pairwise([*np.unique(piece, return_index=True)[1].tolist(), len(grids)]):
            yield grids[start:end], max(width, 1)


_STEP = 6
"""Widths are rounded up to a multiple of this."""


def _rows_of(starts: npt.NDArray[np.int64], counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """`starts[0], starts[0] + 1, …` for `counts[0]` numbers, and so on."""
    ends = np.cumsum(counts)
    return np.asarray(np.arange(int(ends[-1]) if len(ends) else 0) + np.repeat(starts - (ends - counts), counts))


def _labelled_part(cells: npt.NDArray[np.uint8]) -> Found:
    rows, columns = cells.shape
    filled = cells != 0
    picture = np.zeros((2 * rows, 2 * columns), np.uint8)
    if not filled.any():
        return np.zeros(cells.shape, np.int32), np.zeros(0, np.int64), np.zeros((0, 4), np.int64)
    picture[::2, ::2] = filled
    picture[1:-1:2, ::2] = (cells[1:] == cells[:-1]) & filled[1:]
    picture[::2, 1:-1:2] = (cells[:, 1:] == cells[:, :-1]) & filled[:, 1:]
    count, pixels, stats = _connected(picture)
    labels = pixels[::2, ::2].ravel()
    first = np.zeros(count, np.int64)
    first[labels[::-1]] = np.arange(labels.size - 1, -1, -1)  # of several the last is kept: the first cell
    first[0] = -1
    order = np.argsort(first)
    rank = np.empty(count, np.int32)
    rank[order] = np.arange(count, dtype=np.int32)
    left, top, width, height, _ = stats[order[1:]].astype(np.int64).T // 2
    box = np.stack((top, left, top + height + 1, left + width + 1), axis=1)
    return rank[labels].reshape(cells.shape), first[order[1:]], box


def _connected(picture: npt.NDArray[np.uint8]) -> tuple[int, Ints, Ints]:
    """Count, labels and statistics, in this thread alone: waking OpenCV's others costs more than the work (measured: 2 x)."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        count, pixels, stats, _ = cv2.connectedComponentsWithStats(picture, connectivity=4)
    finally:
        cv2.setNumThreads(threads)
    return count, pixels.astype(np.int32, copy=False), stats.astype(np.int32, copy=False)
