"""Cells of a drawn grid, as rectangles over it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.layers import Layer

from ..project import Project, ReviewTask, Surface
from .geometry import image_keys, percent_box, pixel_box
from .reading import Reading
from .regions import Entry, joined, one_label
from .statement import Piece, Statement, Unreadable
from .timeline import item_of_frame
from .words import shown_word

Cell = tuple[int, int]
"""row, column"""


@dataclass(frozen=True, slots=True)
class Lattice:
    """Where the grid lies in a picture: top left corner and size of a cell in pixels, rows and columns."""

    x: float
    y: float
    cell: float
    rows: int
    columns: int

    def box(self, rectangle: tuple[int, int, int, int]) -> list[float]:
        """The pixels of cells `[row, row_end) x [column, column_end)`."""
        top, left, bottom, right = rectangle
        corners = ((self.x, left), (self.y, top), (self.x, right), (self.y, bottom))
        return [origin + self.cell * cells for origin, cells in corners]

    def inside(self, box: Sequence[float]) -> list[Cell]:
        """The cells whose centre lies in a box."""
        left, top, right, bottom = (
            math.ceil((at - origin) / self.cell - 0.5 - 1e-6)
            for at, origin in zip(box, (self.x, self.y, self.x, self.y), strict=True)
        )
        rows, columns = range(max(top, 0), min(bottom, self.rows)), range(max(left, 0), min(right, self.columns))
        return [(row, column) for row in rows for column in columns]


def lattice(task: ReviewTask, item: int) -> Lattice:
    """The grid of a picture, from `data.grid`: `[x, y, cell, rows, columns]`, or one such list per picture.

    Raises KeyError where the task says nothing of a grid.
    """
    grid = task.data["grid"]
    return Lattice(*(grid[item] if isinstance(grid[0], Sequence) else grid))


def rectangles(cells: Sequence[Sequence[int]]) -> list[tuple[int, int, int, int]]:
    """Cells as `[row, row_end) x [column, column_end)`: each time the first cell left, as far right and then down as goes."""
    left = {(int(row), int(column)) for row, column in cells}
    found = []
    while left:
        row, column = min(left)
        right = column + 1
        while (row, right) in left:
            right += 1
        bottom = row + 1
        while all((bottom, c) in left for c in range(column, right)):
            bottom += 1
        left -= {(r, c) for r in range(row, bottom) for c in range(column, right)}
        found.append((row, column, bottom, right))
    return found


def encode(_project: Project, task: ReviewTask, layers: Sequence[Layer]) -> Iterator[Piece]:
    """The rectangles of a row on the picture of its first frame."""
    for layer in layers:
        for row in task.rows.get(layer.name, ()):
            item = item_of_frame(task.surface, row["frames"][0] if row["frames"] else row["start"])
            label = shown_word(layer, row["label"])
            if item is None or label is None or not row["cells"]:
                continue
            grid = lattice(task, item)
            for n, rectangle in enumerate(rectangles(row["cells"])):
                region = f"{row['annotation_id']}.{n}"
                value = {**percent_box(grid.box(rectangle), task.surface), "rectanglelabels": [label]}
                where = {"id": region, "from_name": layer.name, "to_name": "media", "type": "rectanglelabels"}
                result = {**image_keys(task.surface, item), **where, "value": value}
                yield Piece(region, (result,), ((layer.name, str(row["annotation_id"]), n),))


def decode(reading: Reading, layers: Sequence[Layer]) -> Iterator[Statement]:
    """A statement per row. Rectangles that a person drew with one label on one picture are one row."""
    for layer in layers:
        rows: dict[tuple[str, int, str], list[Entry]] = {}
        for base, entries in joined(reading, layer, _pixels).items():
            with reading.place(base):
                new = entries[0].part.number is None
                key = ("", entries[0].item, entries[0].label) if new else (base, -1, one_label(layer, entries))
                rows.setdefault(key, []).extend(entries)
        for entries in rows.values():
            with reading.place(entries[0].region):
                yield _statement(reading.task, layer, entries)


def _pixels(reading: Reading, _region: str, value: Mapping[str, Any]) -> list[float]:
    return pixel_box(value, reading.surface)[0]


def _statement(task: ReviewTask, layer: Layer, entries: Sequence[Entry]) -> Statement:
    surface: Surface = task.surface
    item, base = entries[0].item, entries[0].part.base
    if any(entry.item != item for entry in entries):
        raise Unreadable("region_twice", f"the cells of one {layer.name} lie on two pictures; draw them again on one")
    cells = sorted({cell for entry in entries for cell in lattice(task, item).inside(entry.values)})
    if not cells:
        raise Unreadable("cells_none", f"a {layer.name} has no cell inside; draw it over the cells of the first grid")
    payload = {
        "shape": "cells",
        "label": entries[0].label,
        "frames": [surface.frames[item]],
        "cells": [list(cell) for cell in cells],
    }
    step, regions = surface.steps[item], tuple(entry.region for entry in entries)
    return Statement(layer.name, base, ("region", base), payload, step, step + 1, surface.stream, regions)
