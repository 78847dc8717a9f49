"""What the editors that grew out of ARC's testing page (LARC, H-ARC) do to a grid, beside what all editors do.

Their words in `schemas.arc_operations` are about lists of cells: each is a pure function (grid, arguments) → new grid, as
in `annotators.arc.operations`. `copy_from_input` needs the test's input besides (`annotators.arc.replay`). Pasting lays the
copied cells with their least row and their least column at the target and drops what falls outside (measured on LARC: 99.42 %
of 142,324 events are so).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from .operations import ArgumentError, Arguments, colour, integer, size
from .recorded import Grid

BLANK_SIDE = 3
"""Rows and columns of the grid that the page shows at first and after a reset."""


def reset_grid(grid: Grid, arguments: Arguments) -> Grid:
    """3x3 cells of colour 0, whatever was there."""
    return np.zeros((BLANK_SIDE, BLANK_SIDE), np.uint8)


def fill_cells(grid: Grid, arguments: Arguments) -> Grid:
    """Listed cells take a colour. Raises ArgumentError, also for a cell outside the grid."""
    cells, made = listed(arguments, 2), grid.copy()
    outside = (cells < 0).any(axis=1) | (cells >= grid.shape).any(axis=1)
    if outside.any():
        raise ArgumentError(f"cell {cells[outside][0].tolist()} lies outside {size(grid)}")
    made[cells[:, 0], cells[:, 1]] = colour(arguments)
    return made


def paste_cells(grid: Grid, arguments: Arguments) -> Grid:
    """Listed cells laid over the grid, their least row at `y` and least column at `x`. Raises ArgumentError."""
    cells, made = listed(arguments, 3), grid.copy()
    if (cells[:, 2] < 0).any() or (cells[:, 2] > 255).any():
        raise ArgumentError("a copied cell has no colour")
    places = cells[:, :2] - cells[:, :2].min(axis=0) + (integer(arguments, "y"), integer(arguments, "x"))
    inside = (places >= 0).all(axis=1) & (places < grid.shape).all(axis=1)
    made[places[inside, 0], places[inside, 1]] = cells[inside, 2]
    return made


def listed(arguments: Arguments, length: int) -> npt.NDArray[np.int64]:
    """The argument `cells` as an array, cells x `length`. Raises ArgumentError where it is no list of such, or empty."""
    value = arguments.get("cells")
    if value is None:
        raise ArgumentError("argument cells is not recorded")
    whole = isinstance(value, list) and all(isinstance(cell, list) and len(cell) == length for cell in value)
    if not whole or not value or not all(type(part) is int and abs(part) < 10_000 for cell in value for part in cell):
        raise ArgumentError(f"argument cells is no list of {length} integers each")
    return np.array(value, np.int64)


RULES: Mapping[str, Callable[[Grid, Arguments], Grid]] = MappingProxyType(
    {"reset_grid": reset_grid, "fill_cells": fill_cells, "paste_cells": paste_cells}
)
"""Operations that depend on the grid and their arguments alone. Each raises ArgumentError."""
