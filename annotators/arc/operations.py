"""What the operations of `schemas.arc_operations` do to a grid: pure functions (grid, arguments) → new grid.

Grids are uint8, rows x columns; `x` is a column, `y` a row. Operations that depend on more than the grid (`undo`,
`redo`, `start_over`, `paste_accept`) are the business of `annotators.arc.replay`, which calls `paste` here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import cv2
import numpy as np

from schemas.arc_operations import MAX_SIDE

from .recorded import Grid

Arguments = Mapping[str, Any]


class ArgumentError(ValueError):
    """An argument is missing or points outside the grid: what the operation gives cannot be said."""


def integer(arguments: Arguments, name: str) -> int:
    """The integer argument of that name. Raises ArgumentError."""
    value = arguments.get(name)
    if type(value) is not int:
        raise ArgumentError(f"argument {name} is {'not recorded' if value is None else 'no integer'}")
    return value


def colour(arguments: Arguments) -> int:
    """The argument `color`, 0 to 255. Raises ArgumentError."""
    value = integer(arguments, "color")
    if not 0 <= value <= 255:
        raise ArgumentError(f"color {value} is no colour")
    return value


def cell(grid: Grid, arguments: Arguments) -> tuple[int, int]:
    """Row and column of the cell `x, y`. Raises ArgumentError where it lies outside the grid."""
    x, y = integer(arguments, "x"), integer(arguments, "y")
    if not (0 <= y < grid.shape[0] and 0 <= x < grid.shape[1]):
        raise ArgumentError(f"cell x {x}, y {y} lies outside {size(grid)}")
    return y, x


def region(grid: Grid, arguments: Arguments) -> tuple[slice, slice]:
    """Rows and columns of the rectangle `x, y, width, height`. Raises ArgumentError where it is not inside the grid."""
    x, y, width, height = (integer(arguments, name) for name in ("x", "y", "width", "height"))
    if not (0 <= x < x + width <= grid.shape[1] and 0 <= y < y + height <= grid.shape[0]):
        raise ArgumentError(f"rectangle x {x}, y {y}, width {width}, height {height} is not inside {size(grid)}")
    return slice(y, y + height), slice(x, x + width)


def size(grid: Grid) -> str:
    """Its size in words: `3x4` is 3 rows, 4 columns."""
    return f"{grid.shape[0]}x{grid.shape[1]}"


def draw(grid: Grid, arguments: Arguments) -> Grid:
    """One cell takes a colour."""
    at, made = cell(grid, arguments), grid.copy()
    made[at] = colour(arguments)
    return made


def flood_fill(grid: Grid, arguments: Arguments) -> Grid:
    """The 4-connected cells of one colour around a cell take another."""
    (y, x), made = cell(grid, arguments), grid.copy()
    cv2.floodFill(made, None, (x, y), colour(arguments), flags=4)
    return made


def fill_selection(grid: Grid, arguments: Arguments) -> Grid:
    """Every cell of a rectangle takes a colour."""
    at, made = region(grid, arguments), grid.copy()
    made[at] = colour(arguments)
    return made


def crop(grid: Grid, arguments: Arguments) -> Grid:
    """The grid becomes one of its rectangles; also what `copy` puts on the clipboard."""
    return grid[region(grid, arguments)].copy()


def resize(grid: Grid, arguments: Arguments) -> Grid:
    """A grid of another size: the top left stays, new cells take `color`."""
    width, height = integer(arguments, "width"), integer(arguments, "height")
    if not (1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE):
        raise ArgumentError(f"width {width}, height {height} is no size: 1 to {MAX_SIDE} are possible")
    return paste(np.full((height, width), colour(arguments), np.uint8), grid, 0, 0)


def paste(grid: Grid, clip: Grid, x: int, y: int) -> Grid:
    """`clip` laid over the grid with its top left at column `x`, row `y`, which may lie outside; what hangs out is cut."""
    made = grid.copy()
    rows = slice(max(y, 0), max(min(y + clip.shape[0], grid.shape[0]), 0))
    columns = slice(max(x, 0), max(min(x + clip.shape[1], grid.shape[1]), 0))
    if rows.start < rows.stop and columns.start < columns.stop:
        made[rows, columns] = clip[rows.start - y : rows.stop - y, columns.start - x : columns.stop - x]
    return made


def _inside(change: Callable[[Grid], Grid]) -> Callable[[Grid, Arguments], Grid]:
    """An operation that changes the cells of a rectangle among themselves; one that changes its shape changes nothing."""

    def operation(grid: Grid, arguments: Arguments) -> Grid:
        at, made = region(grid, arguments), grid.copy()
        changed = change(grid[at])
        if changed.shape == made[at].shape:
            made[at] = changed
        return made

    return operation


def _whole(quarter_turns: int) -> Callable[[Grid, Arguments], Grid]:
    """The whole grid, turned counter-clockwise."""
    return lambda grid, _: np.ascontiguousarray(np.rot90(grid, quarter_turns))


OPERATIONS: Mapping[str, Callable[[Grid, Arguments], Grid]] = MappingProxyType(
    {
        "draw": draw,
        "flood_fill": flood_fill,
        "fill_selection": fill_selection,
        "move_up": _inside(lambda cells: np.roll(cells, -1, axis=0)),
        "move_down": _inside(lambda cells: np.roll(cells, 1, axis=0)),
        "move_left": _inside(lambda cells: np.roll(cells, -1, axis=1)),
        "move_right": _inside(lambda cells: np.roll(cells, 1, axis=1)),
        "flip_x": _inside(lambda cells: cells[:, ::-1]),
        "flip_y": _inside(lambda cells: cells[::-1]),
        "rotate_selection_clockwise": _inside(lambda cells: np.rot90(cells, -1)),
        "rotate_selection_counterclockwise": _inside(lambda cells: np.rot90(cells, 1)),
        "rotate_grid_clockwise": _whole(-1),
        "rotate_grid_counterclockwise": _whole(1),
        "resize": resize,
        "crop": crop,
    }
)
"""Operations that depend on the grid and their arguments alone. Each raises ArgumentError."""
