"""One picture per step of an ARC trace: what the task shows, the grid before and after, and what was done.

The grids before and after lie at the same place, with the same cells, in all pictures of a trace, whatever their size at a
step: a region drawn over cells means the same cells everywhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from annotators.frames import Picture

from .lettering import FAINT, INK, MARK, PAPER, SHADE, Colour, fit, font, wrap, write

Grid = npt.NDArray[np.uint8]
"""rows × columns, colours 0 to 9."""
Row = Mapping[str, Any]

COLOURS: tuple[Colour, ...] = (
    (0, 0, 0),
    (0, 116, 217),
    (255, 65, 54),
    (46, 204, 64),
    (255, 220, 0),
    (170, 170, 170),
    (240, 18, 190),
    (255, 133, 27),
    (127, 219, 255),
    (135, 12, 37),
)
"""Colours 0 to 9 as the ARC testing interface draws them."""
FURTHER: tuple[Colour, ...] = (
    (255, 255, 255), (64, 64, 64), (0, 90, 90), (150, 220, 170), (110, 70, 190), (245, 200, 170),
)  # fmt: skip
"""Colours 10 to 15, which games have and puzzles have not: ours, each unlike the ten."""

LINE: Colour = (85, 85, 85)
CELL = (12, 72)
"""Pixels of a cell of the main grids, least and most; pictures grow where the least does not fit."""

_WIDTH, _HEIGHT = 1280, 720
_CAPTION, _GAP, _HEAD, _RULER = 76, 16, 28, 18
_TITLE, _ARROW = 21, 34
_PANEL = (250, 390)
"""Pixels of the left panel: without demonstrations, and at most."""


@dataclass(frozen=True, slots=True)
class Board:
    """Where things lie in all pictures of a trace, pixels.

    `width`, `height`: of the picture. `panel`: width of the left panel, which holds the pairs of the task. `before`,
    `after`: top left corners of the two main grids; `cell`: pixels of a cell; `rows`, `columns`: of the largest grid.
    """

    width: int
    height: int
    panel: int
    before: tuple[int, int]
    after: tuple[int, int]
    cell: int
    rows: int
    columns: int

    @property
    def grid(self) -> tuple[int, int, int, int, int]:
        """`x, y, cell, rows, columns` of the main grid, the one before the action."""
        return (*self.before, self.cell, self.rows, self.columns)


def board(steps: Iterable[Row], task: Row | None) -> Board:
    """The layout for a trace: `steps`, rows of `arc_steps`, `task`, its row of `tasks` or None.

    The two main grids lie side by side or one above the other, whichever gives larger cells.
    """
    grids = [g for row in steps for g in (as_grid(row["grid_before"]), as_grid(row["grid_after"])) if g is not None]
    rows = max((len(grid) for grid in grids), default=1)
    columns = max((grid.shape[1] for grid in grids), default=1)
    panel = _panel(task)
    head = _HEAD + _RULER
    left, top = panel + _GAP + _RULER, _CAPTION + head
    wide, high = _WIDTH - left - _GAP, _HEIGHT - top - _GAP
    beside = min((wide - _GAP - _RULER) // 2 // columns, high // rows)
    above = min(wide // columns, (high - _GAP - head) // 2 // rows)
    cell = max(CELL[0], min(CELL[1], max(beside, above)))
    step = (columns * cell + _GAP + _RULER, 0) if beside >= above else (0, rows * cell + _GAP + head)
    width = max(_WIDTH, left + step[0] + columns * cell + _GAP)
    height = max(_HEIGHT, top + step[1] + rows * cell + _GAP)
    if beside >= above:
        step = (max(step[0], (wide + _GAP + _RULER) // 2), 0)
    after = (left + step[0], top + step[1])
    return Board(width + width % 2, height + height % 2, panel, (left, top), after, cell, rows, columns)


def step_pictures(steps: Sequence[Row], task: Row | None, start: int = 0, end: int | None = None) -> Iterator[Picture]:
    """The pictures of steps `[start, end)` of a whole trace, one at a time; what the task shows is drawn once per test."""
    place = board(steps, task)
    bases: dict[int, Picture] = {}
    for row in steps[start:end]:
        test = row["test_index"] or 0
        if test not in bases:
            bases[test] = _base(place, task, row["task_id"], test)
        yield step_picture(place, row, len(steps), bases[test])


def step_picture(place: Board, row: Row, count: int, base: Picture) -> Picture:
    """The picture of one step of `count`; `base` holds what the task shows."""
    image = Image.fromarray(base)
    draw = ImageDraw.Draw(image)
    before, after = as_grid(row["grid_before"]), as_grid(row["grid_after"])
    _caption(draw, place, row, count)
    _main(draw, place, place.before, before, "Before")
    changed = _changed(before, after)
    _main(draw, place, place.after, after, "After" + _what_changed(before, after, changed))
    for cell in changed:
        _corner(draw, place.after, place.cell, cell)
    selected = {(r, c) for r, c in row["selection"] or ()}
    outline(draw, place.before, place.cell, selected)
    arguments = _arguments(row)
    if not selected and {"x", "y"} <= arguments.keys() and "width" not in arguments:
        outline(draw, place.before, place.cell, {(int(arguments["y"]), int(arguments["x"]))})
    return np.asarray(image)


def as_grid(value: Any) -> Grid | None:
    """A stored grid (list of rows) as an array, or None. Raises ValueError for a grid with rows of several lengths."""
    return None if value is None else np.array(value, np.uint8)


def paint(draw: ImageDraw.ImageDraw, at: tuple[int, int], cell: int, grid: Grid) -> None:
    """Draw a grid with its top left corner at `at`; lines between the cells where they have four pixels or more."""
    x0, y0 = at
    line = cell >= 4
    for (row, column), colour in np.ndenumerate(grid):
        x, y = x0 + column * cell, y0 + row * cell
        draw.rectangle(
            (x, y, x + cell - 1, y + cell - 1), fill=(*COLOURS, *FURTHER)[int(colour)], outline=LINE if line else None
        )
    rows, columns = grid.shape
    draw.rectangle((x0 - 1, y0 - 1, x0 + columns * cell, y0 + rows * cell), outline=LINE)


def outline(draw: ImageDraw.ImageDraw, at: tuple[int, int], cell: int, cells: set[tuple[int, int]]) -> None:
    """Draw a line around the cells `[row, column]`, white between black, so that it is seen on every colour."""
    edges = [
        ((column + x, row + y), (column + x + dx, row + y + dy), (row + r, column + c))
        for row, column in cells
        for x, y, dx, dy, r, c in ((0, 0, 1, 0, -1, 0), (0, 1, 1, 0, 1, 0), (0, 0, 0, 1, 0, -1), (1, 0, 0, 1, 0, 1))
    ]
    inner = 2 if cell < 20 else 3
    for width, colour in ((inner + 4, (0, 0, 0)), (inner, (255, 255, 255))):
        reach = width // 2
        for (xa, ya), (xb, yb), neighbour in edges:
            if neighbour not in cells:
                x, y = at[0] + xa * cell, at[1] + ya * cell
                u, v = at[0] + xb * cell, at[1] + yb * cell
                draw.rectangle((x - reach, y - reach, u + reach, v + reach), fill=colour)


def _panel(task: Row | None) -> int:
    """The width of the left panel: what its pairs need, or the sentence that there are none."""
    shown = _shown(task, 0)
    if not shown:
        return _PANEL[0]
    high = (_HEIGHT - _CAPTION - 6 - _GAP) // len(shown)
    needed = []
    for _, grids in shown:
        cell = _pair_cell(grids, (_PANEL[1] - 2 * _GAP, high))
        needed.append(sum(cell * (3 if g is None else g.shape[1]) for g in grids) + _ARROW * (len(grids) - 1))
    return max(_PANEL[0] - 50, min(_PANEL[1], max(needed) + 2 * _GAP))


def _shown(task: Row | None, test: int) -> list[tuple[str, tuple[Grid | None, ...]]]:
    """What the left panel shows, with titles: the demonstration pairs and the input of a test; [] where none is known."""
    if task is None:
        return []
    pairs = [(as_grid(pair["input"]), as_grid(pair["output"])) for pair in task["demonstrations"] or ()]
    tests = task["tests"] or ()
    given = as_grid(tests[test]["input"]) if test < len(tests) else None
    if not pairs and given is None:
        return []
    title = "Test input" if len(tests) < 2 else f"Test input {test + 1} of {len(tests)}"
    return [*((f"Pair {i}", pair) for i, pair in enumerate(pairs, 1)), (title, (given,))]


def _base(place: Board, task: Row | None, task_id: str | None, test: int) -> Picture:
    """Paper, and on the left what the task shows: its demonstration pairs and the test input."""
    image = Image.new("RGB", (place.width, place.height), PAPER)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, place.width, _CAPTION - 1), fill=SHADE)
    draw.line((place.panel, _CAPTION, place.panel, place.height), fill=(200, 200, 205))
    top = _CAPTION + 6
    wide = place.panel - 2 * _GAP
    shown = _shown(task, test)
    if not shown:
        words = font(17)
        text = f"The pairs of {f'task {task_id}' if task_id else 'the task'} are not recorded: judge by what was done."
        write(draw, (_GAP, top), ["Demonstrations"], font(18, True))
        write(draw, (_GAP, top + _HEAD), wrap(text, words, wide, 12), words, FAINT)
        return np.asarray(image)
    high = (place.height - top - _GAP) // len(shown)
    for number, (title, grids) in enumerate(shown):
        _pair(draw, (_GAP, top + number * high), (wide, high), title, grids)
    return np.asarray(image)


def _pair_cell(grids: tuple[Grid | None, ...], room: tuple[int, int]) -> int:
    """Pixels of a cell so that grids in a row, their title and the arrows between them fit into `room`."""
    wide = (room[0] - _ARROW * (len(grids) - 1)) // len(grids)
    high = room[1] - _TITLE - 10
    return max(1, min([28, *(min(wide // g.shape[1], high // len(g)) for g in grids if g is not None)]))


def _pair(
    draw: ImageDraw.ImageDraw, at: tuple[int, int], room: tuple[int, int], title: str, grids: tuple[Grid | None, ...]
) -> None:
    """Grids in a row, joined by arrows, as large as the room allows; a missing one is said."""
    x, y = at
    cell = _pair_cell(grids, room)
    draw.text((x, y), title, fill=INK, font=font(15, True))
    y += _TITLE
    highest = max((len(g) for g in grids if g is not None), default=1)
    for number, grid in enumerate(grids):
        if number:
            middle = y + highest * cell // 2
            arrow(draw, (x + 5, middle), (x + _ARROW - 7, middle))
            x += _ARROW
        if grid is None:
            draw.text((x, y), "not recorded", fill=FAINT, font=font(15))
            x += 3 * cell
            continue
        paint(draw, (x, y), cell, grid)
        x += grid.shape[1] * cell


def _caption(draw: ImageDraw.ImageDraw, place: Board, row: Row, count: int) -> None:
    """Step, action and its arguments, in two lines over the whole width."""
    large, small = font(28, True), font(19)
    wide = place.width - 2 * _GAP
    name = row["action_name"] or "no action"
    head = f"Step {row['step']} of {count - 1}"
    draw.text((_GAP, 6), head, fill=FAINT, font=large)
    x = _GAP + large.getlength(head) + 24
    draw.text((x, 6), fit(name.replace("_", " "), large, int(wide - x)), fill=MARK, font=large)
    said = [f"{key} {value}" for key, value in sorted(_arguments(row).items()) if key != "imageHandle"]
    if row["selection"]:
        said.append(f"{len(row['selection'])} cells selected (outlined)")
    if row["grids_between"]:
        said.append(f"{len(row['grids_between'])} frames in between")
    if row["timestamp"] is not None:
        said.append(f"at {row['timestamp']:.1f} s")
    draw.text((_GAP, 44), fit("  ·  ".join(said), small, wide), fill=INK, font=small)


def _main(draw: ImageDraw.ImageDraw, place: Board, at: tuple[int, int], grid: Grid | None, title: str) -> None:
    """One of the two large grids with its title and numbers along its edges."""
    x, y = at
    draw.text((x, y - _RULER - _HEAD + 3), title, fill=INK, font=font(18, True))
    if grid is None:
        room = (place.columns * place.cell, place.rows * place.cell)
        draw.rectangle((x, y, x + room[0] - 1, y + room[1] - 1), fill=SHADE, outline=(200, 200, 205))
        words = font(15)
        write(draw, (x + 6, y + 6), wrap("not recorded", words, max(100, room[0] - 12)), words, FAINT)
        return
    paint(draw, at, place.cell, grid)
    rows, columns = grid.shape
    every = 1 if place.cell >= 18 else 5
    small = font(11)
    for column in range(0, columns, every):
        draw.text((x + column * place.cell + place.cell / 2, y - 3), str(column), fill=FAINT, font=small, anchor="mb")
    for row in range(0, rows, every):
        draw.text((x - 4, y + row * place.cell + place.cell / 2), str(row), fill=FAINT, font=small, anchor="rm")


def _changed(before: Grid | None, after: Grid | None) -> list[tuple[int, int]]:
    """Cells [row, column] that differ; none where a grid is unknown or the size changed."""
    if before is None or after is None or before.shape != after.shape:
        return []
    return [(int(r), int(c)) for r, c in np.argwhere(before != after)]


def _what_changed(before: Grid | None, after: Grid | None, changed: Sequence[tuple[int, int]]) -> str:
    if before is None or after is None:
        return ""
    if before.shape != after.shape:
        return f": now {len(after)} × {after.shape[1]}"
    if not changed:
        return ": nothing changed"
    return f": {len(changed)} cell{'s' * (len(changed) > 1)} changed (corner marked)"


def _corner(draw: ImageDraw.ImageDraw, at: tuple[int, int], cell: int, place: tuple[int, int]) -> None:
    """A small triangle in the corner of a cell, white with a black edge; the middle of the cell stays free."""
    x, y = at[0] + place[1] * cell + 1, at[1] + place[0] * cell + 1
    size = max(4, cell // 3)
    draw.polygon(((x, y), (x + size, y), (x, y + size)), fill=(255, 255, 255), outline=(0, 0, 0))


def arrow(draw: ImageDraw.ImageDraw, start: tuple[int, int], end: tuple[int, int]) -> None:
    """Draw an arrow; fonts need not have one."""
    (x, y), (u, v) = start, end
    draw.line((x, y, u - 6, v), fill=INK, width=3)
    draw.polygon(((u, v), (u - 9, v - 6), (u - 9, v + 6)), fill=INK)


def _arguments(row: Row) -> dict[str, Any]:
    """The named arguments of a step's action; {} where it has none."""
    value = row["action_args"]
    found = json.loads(value) if isinstance(value, str) else value
    return dict(found) if isinstance(found, Mapping) else {}
