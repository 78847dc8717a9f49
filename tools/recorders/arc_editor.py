"""A small editor for ARC grids that writes down what is done in it, as BrainGridGame's history files do.

Grids are plain lists of rows. It shares no code with `annotators.arc`, so that replaying its records is a real check.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

Grid = list[list[int]]


@dataclass
class Panel:
    """The grid of one test: as it was, as it is, what undo and redo would bring back (message, grid), the selection."""

    first: Grid
    answer: Grid
    grid: Grid = field(default_factory=list)
    past: list[tuple[str, Grid]] = field(default_factory=list)
    future: list[tuple[str, Grid]] = field(default_factory=list)
    selection: tuple[int, int, int, int] = (0, 0, 0, 0)
    right: int = 0
    wrong: int = 0
    restarts: int = 0

    def __post_init__(self) -> None:
        """Begin with the first grid, all of it selected."""
        self.show(self.first)

    def show(self, grid: Grid) -> None:
        """Put another grid in place and select all of it."""
        self.grid = [list(row) for row in grid]
        self.selection = (0, 0, len(grid[0]), len(grid))


class Editor:
    """One visit of one puzzle. Each public method is a move and logs its events in `history`.

    `pause(action)` gives the milliseconds that pass before an event. Coordinates: `x` column, `y` row.
    """

    def __init__(self, tests: list[tuple[Grid, Grid]], pause: Callable[[str], int]) -> None:
        self.panels = [Panel(first, answer) for first, answer in tests]
        self.pause = pause
        self.active = 0
        self.chosen = "draw"
        self.current = 0
        self.clipboard: Grid | None = None
        self.overviews = 1
        self.reveals = 0
        self.history: list[dict[str, Any]] = []

    @property
    def panel(self) -> Panel:
        """The grid in the editor."""
        return self.panels[self.active]

    @property
    def summary(self) -> dict[str, int]:
        """Counts of the visit, under the names of the file."""
        solved = sum(panel.right > 0 for panel in self.panels)
        return {
            "history count": len(self.history),
            "reveal count": self.reveals,
            "start over count": sum(panel.restarts for panel in self.panels),
            "test solved count": solved,
            "test unsolved count": len(self.panels) - solved,
            "show overview count": self.overviews,
        }

    def welcome(self) -> None:
        """The page has loaded."""
        self._log("welcome to overview")

    def fits(self) -> None:
        """All pairs fit on one page."""
        self._log("all train pairs fit in overview area", action="pagination-disabled")

    def pages(self, count: int, capacity: int) -> None:
        """The pairs need `count` pages of `capacity`."""
        message = f"1 of {count}, too many train pairs to fit inside overview area, using pagination"
        page = {"pageIndex": 0, "pageCount": count, "pageCapacity": capacity, "trainOffset": 0, "trainCount": capacity}
        self._log(message, action="pagination-action", **page)

    def reveal(self) -> None:
        """The solution is shown for a moment."""
        self.reveals += 1
        self._log("reveal begin")
        self._log("reveal end")

    def editor(self) -> None:
        """From the overview to the grid."""
        self._log_here("hide overview show editor", image=self.panel.grid)

    def overview(self) -> None:
        """From the grid to the overview."""
        self.overviews += 1
        self._log_here("hide editor show overview")

    def panel_of_tools(self) -> None:
        """Open the panel of tools."""
        self._log_here("show tool panel")

    def activate(self, test: int) -> None:
        """Take up another test."""
        before, self.active = self.active, test
        self._log_here("activate test", f"activate test {test}", valueOld=before, valueNew=test)

    def tool(self, name: str) -> None:
        """Take up a tool: draw, fill or select."""
        self.chosen = name
        selected = dict(zip(("selectX", "selectY", "selectWidth", "selectHeight"), self.panel.selection, strict=True))
        self._log_here("pick tool", f"change tool to {name}", toolId=name, **(selected if name == "select" else {}))

    def colour(self, value: int) -> None:
        """Take up a colour; with the select tool it fills the selection."""
        same, self.current = self.current == value, value
        if self.chosen != "select":
            self._log_here("pick color", f"pick color {value}", sameColor=same, color=value)
            return
        x, y, width, height = self.panel.selection
        grid = self._copy()
        for row in range(y, y + height):
            grid[row][x : x + width] = [value] * width
        self._edit("fill selection", grid, {"x": x, "y": y, "width": width, "height": height, "color": value})

    def select(self, x0: int, y0: int, x1: int, y1: int) -> None:
        """Drag a selection from one cell to another, first along the row, then along the column."""
        path = [(x, y0) for x in _steps(x0, x1)] + [(x1, y) for y in _steps(y0, y1)][1:]
        for number, (x, y) in enumerate(path):
            before = self.panel.selection
            self.panel.selection = (min(x0, x), min(y0, y), abs(x - x0) + 1, abs(y - y0) + 1)
            selected = dict(zip(("selectX", "selectY", "selectWidth", "selectHeight"), self.panel.selection, strict=True))
            action = "create selection update" if number else "create selection begin"
            self._log_here(
                action, f"{action}, x: {x} y: {y}", sameSelection=before == self.panel.selection, x=x, y=y, **selected
            )

    def draw(self, *cells: tuple[int, int]) -> None:
        """Draw over cells `(x, y)` in one stroke."""
        for x, y in cells:
            grid = self._copy()
            grid[y][x] = self.current
            self._edit("draw", grid, {"x": x, "y": y, "color": self.current})

    def fill(self, x: int, y: int) -> None:
        """Flood fill from a cell."""
        grid = self._copy()
        old, waiting = grid[y][x], [(x, y)]
        while waiting and old != self.current:
            column, row = waiting.pop()
            if 0 <= row < len(grid) and 0 <= column < len(grid[0]) and grid[row][column] == old:
                grid[row][column] = self.current
                waiting += [(column + 1, row), (column - 1, row), (column, row + 1), (column, row - 1)]
        self._edit("flood fill", grid, {"x": x, "y": y, "color": self.current})

    def move(self, direction: str) -> None:
        """Move the selection, or all of the grid, by one cell around its edge."""
        part = self._part()
        if direction in ("left", "right"):
            moved = [row[1:] + row[:1] if direction == "left" else row[-1:] + row[:-1] for row in part]
        else:
            moved = part[1:] + part[:1] if direction == "up" else part[-1:] + part[:-1]
        self._edit_part(f"move {direction}", moved, comma=False)

    def flip(self, axis: str) -> None:
        """Mirror the columns (x) or the rows (y)."""
        part = self._part()
        self._edit_part(f"flip {axis}", [row[::-1] for row in part] if axis == "x" else part[::-1])

    def rotate(self, direction: str) -> None:
        """Turn the grid, or with the select tool a square selection; another selection stays."""
        part = self._part()
        turned = [list(row) for row in zip(*part[::-1], strict=True)]
        if direction != "clockwise":
            turned = [row[::-1] for row in turned[::-1]]
        if self.chosen != "select":
            self._edit(f"rotate entire image {direction}", turned, {}, resized=True)
        elif len(part) == len(part[0]):
            self._edit_part(f"rotate selection {direction}", turned)
        else:
            self._edit_part(f"rotate selection {direction}", part)

    def resize(self, width: int, height: int) -> None:
        """Give the grid another size; new cells take the current colour."""
        old = self.panel.grid
        grid = [[old[y][x] if y < len(old) and x < len(old[0]) else self.current for x in range(width)] for y in range(height)]
        self._edit("resize", grid, {"width": width, "height": height, "color": self.current}, resized=True)

    def crop(self) -> None:
        """Keep the selection alone."""
        x, y, width, height = self.panel.selection
        self._edit("crop", self._part(), {"x": x, "y": y, "width": width, "height": height}, resized=True)

    def copy(self) -> None:
        """Put the selection, or all of the grid, on the clipboard."""
        part, rectangle = self._part(), self._rectangle()
        same, self.clipboard = part == self.clipboard, part
        self._log_here("copy", f"copy, {_words(rectangle)}", sameClipboard=same, **rectangle)

    def paste_reject(self) -> None:
        """Let the clipboard float, then put it away."""
        self._float()
        self._log_here("paste reject")

    def paste(self, x: int, y: int) -> None:
        """Let the clipboard float and lay it down with its top left at a cell, which may lie outside."""
        clip, grid = self._float(), self._copy()
        for row, cells in enumerate(clip, y):
            for column, value in enumerate(cells, x):
                if 0 <= row < len(grid) and 0 <= column < len(grid[0]):
                    grid[row][column] = value
        at = {"pasteX": x, "pasteY": y, "pasteWidth": len(clip[0]), "pasteHeight": len(clip)}
        left, right = (max(0, min(v, len(grid[0]) - 1)) for v in (x, x + len(clip[0]) - 1))
        top, bottom = (max(0, min(v, len(grid) - 1)) for v in (y, y + len(clip) - 1))
        before, self.panel.selection = self.panel.selection, (left, top, right - left + 1, bottom - top + 1)
        selected = dict(zip(("selectX", "selectY", "selectWidth", "selectHeight"), self.panel.selection, strict=True))
        message = f"paste accept, {_words(at)}"
        same_image, same_selection = grid == self.panel.grid, before == self.panel.selection
        self._log_here(
            "paste accept", message, sameImage=same_image, sameSelection=same_selection, **at, **selected, image=grid
        )
        self._keep(message, grid)

    def undo(self) -> None:
        """Take back the last edit."""
        message, grid = self.panel.past.pop()
        self.panel.future.append((message, self.panel.grid))
        self.panel.grid = grid
        self._log_here("undo", f"undo action: {message}", undoMessage=message, sameImage=False, image=grid)

    def redo(self) -> None:
        """Make an edit again that was taken back."""
        message, grid = self.panel.future.pop()
        self.panel.past.append((message, self.panel.grid))
        self.panel.grid = grid
        self._log_here("redo", f"redo action: {message}", redoMessage=message, sameImage=False, image=grid)

    def start_over(self) -> None:
        """Go back to the first grid and forget what was done."""
        panel = self.panel
        panel.show(panel.first)
        panel.past, panel.future = [], []
        panel.restarts += 1
        self._log_here("start over", sameImage=False, startOverCount=panel.restarts, image=panel.grid)

    def submit(self) -> None:
        """Hand in the grid."""
        panel = self.panel
        correct = panel.grid == panel.answer
        panel.right, panel.wrong = panel.right + correct, panel.wrong + (not correct)
        self._log_here(
            "submit",
            f"submit, {'correct' if correct else 'incorrect'}",
            correct=correct,
            submitCorrectCount=panel.right,
            submitIncorrectCount=panel.wrong,
            startOverCount=panel.restarts,
            showOverviewCount=self.overviews,
            image=panel.grid,
        )

    def _copy(self) -> Grid:
        return [list(row) for row in self.panel.grid]

    def _rectangle(self) -> dict[str, int]:
        """What an operation works on: the selection with the select tool, else all of the grid."""
        grid = self.panel.grid
        chosen = self.panel.selection if self.chosen == "select" else (0, 0, len(grid[0]), len(grid))
        return dict(zip(("x", "y", "width", "height"), chosen, strict=True))

    def _part(self) -> Grid:
        at = self._rectangle()
        return [row[at["x"] : at["x"] + at["width"]] for row in self.panel.grid[at["y"] : at["y"] + at["height"]]]

    def _float(self) -> Grid:
        assert self.clipboard is not None, "paste without a copy: the editor does not offer it"
        width, height = len(self.clipboard[0]), len(self.clipboard)
        self._log_here("paste begin", f"paste begin, width: {width} height: {height}", width=width, height=height)
        return self.clipboard

    def _edit_part(self, action: str, part: Grid, comma: bool = True) -> None:
        """An edit that puts `part` where the rectangle is."""
        at, grid = self._rectangle(), self._copy()
        for row, cells in enumerate(part, at["y"]):
            grid[row][at["x"] : at["x"] + at["width"]] = cells
        self._edit(action, grid, at, comma=comma)

    def _edit(self, action: str, grid: Grid, arguments: dict[str, int], resized: bool = False, comma: bool = True) -> None:
        """Log an edit and, where it changes something, keep it for undo."""
        message = f"{action}{',' if comma else ''} {_words(arguments)}" if arguments else action
        same = grid == self.panel.grid
        self._log_here(action, message, sameImage=same, **arguments, image=grid)
        if not same:
            self._keep(message, grid)
            if resized:
                self.panel.show(grid)

    def _keep(self, message: str, grid: Grid) -> None:
        self.panel.past.append((message, self.panel.grid))
        self.panel.future = []
        self.panel.grid = grid

    def _log_here(self, action: str, message: str | None = None, **context: Any) -> None:
        self._log(message or action, action=action, imageHandle=f"test {self.active} output", **context)

    def _log(self, message: str, **context: Any) -> None:
        """Append an event; the image is copied, since the grid goes on changing."""
        if "image" in context:
            context["image"] = [list(row) for row in context["image"]]
        wait = self.pause(context.get("action", message)) if self.history else 0
        event = {"id": len(self.history), "wait": wait, "message": message}
        self.history.append({**event, "context": context} if context else event)


def _steps(first: int, last: int) -> Iterator[int]:
    """All integers from `first` to `last`, both included, in either direction."""
    return iter(range(first, last + 1) if last >= first else range(first, last - 1, -1))


def _words(arguments: dict[str, int]) -> str:
    """`x: 0 y: 2`, as messages have it."""
    return " ".join(f"{name}: {value}" for name, value in arguments.items())
