"""An editor with two layers, as O2ARC 3.0 is: what each action makes of the background and of the cells that float over it.

Written for made traces: it plays a script of actions, also again after a fault was put into one of its states. Cells are
(x, y) with x a column; everything is plain Python, so that it shares nothing with what checks the traces.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

Grid = list[list[int]]
Point = tuple[int, int]
Cells = dict[Point, int]

STACKED = frozenset({"Paint", "Move", "Rotate", "Flip", "Paste", "ResizeGrid"})
_MOVES = {"up": (0, -1), "down": (0, 1), "left": (-1, 0), "right": (1, 0)}


@dataclass(frozen=True, slots=True)
class Action:
    """One action with what the player chose, also what a log leaves out: the `cells` of a selection, the `payload` of a paste
    that nothing was copied for, and to which side (0 or 1) half a cell of a turn fell.
    """

    operation: str
    cells: tuple[Point, ...] = ()
    position: Point | None = None
    color: int | None = None
    direction: str | None = None
    source: str = "output"
    payload: tuple[tuple[Point, int], ...] | None = None
    side: int = 0


@dataclass(slots=True)
class State:
    """Background and floating cells."""

    grid: Grid
    floating: Cells = field(default_factory=dict)

    def copy(self) -> State:
        """A state of its own."""
        return State([list(row) for row in self.grid], dict(self.floating))

    @property
    def seen(self) -> Grid:
        """The floating cells over the background: 0 is transparent, what lies outside is hidden."""
        rows = [list(row) for row in self.grid]
        for (x, y), colour in self.floating.items():
            if colour and self.has((x, y)):
                rows[y][x] = colour
        return rows

    def has(self, point: Point) -> bool:
        """Whether a cell lies in the grid."""
        return 0 <= point[1] < len(self.grid) and 0 <= point[0] < len(self.grid[0])


Fault = Callable[[State], None]
"""Changes a state in place."""


class Editor:
    """Plays actions. `shown` holds the state after each, `clips` what was copied then; `panel` is the input panel."""

    def __init__(self, start: Grid) -> None:
        self.panel = start
        self.state = State([list(row) for row in start])
        self.clip: Cells = {}
        self.stack = [self.state.copy()]
        self.at = 0
        self.shown: list[State] = []
        self.clips: list[Cells] = []

    def play(self, action: Action, fault: Fault | None = None, persistent: bool = True) -> None:
        """One action. A fault changes the state it leaves; one that is not persistent only what is shown of it."""
        if action.operation in ("Undo", "Redo"):
            self.at = max(self.at - 1, 0) if action.operation == "Undo" else min(self.at + 1, len(self.stack) - 1)
            self.state = self.stack[self.at].copy()
        else:
            self._play(action)
        shown = self.state.copy()
        if action.operation == "Copy" and action.source == "input":
            shown = State([list(row) for row in self.panel], {p: self.panel[p[1]][p[0]] for p in action.cells})
            for x, y in action.cells:
                shown.grid[y][x] = 0
        if fault is not None:
            fault(shown)
            if persistent:
                self.state = shown.copy()
        if action.operation in STACKED:
            del self.stack[self.at + 1 :]
            self.stack.append(self.state.copy())
            self.at += 1
        self.shown.append(shown)
        self.clips.append(self.clip if action.operation == "Copy" else {})

    def _play(self, action: Action) -> None:
        state, operation = self.state, action.operation
        if operation.startswith("Select"):
            self._lift(action.cells)
        elif operation == "Paint":
            state.floating = dict.fromkeys(state.floating, action.color or 0)
        elif operation == "Move":
            dx, dy = _MOVES[action.direction or ""]
            state.floating = {(x + dx, y + dy): c for (x, y), c in state.floating.items()}
        elif operation == "Flip":
            state.floating = _flipped(state.floating, action.direction or "")
        elif operation == "Rotate":
            state.floating = _turned(state.floating, action.direction or "", action.side)
        elif operation == "Copy":
            self.clip = _from_corner(
                {p: self.panel[p[1]][p[0]] for p in action.cells} if action.source == "input" else state.floating
            )
        elif operation == "Paste":
            x0, y0 = action.position or (0, 0)
            payload = (
                {(x0 + x, y0 + y): c for (x, y), c in self.clip.items()} if action.payload is None else dict(action.payload)
            )
            self.state = State(state.seen, payload)
        elif operation == "ResizeGrid":
            width, height = action.position or (1, 1)
            rows = [(row + [0] * width)[:width] for row in state.seen[:height]]
            self.state = State(rows + [[0] * width for _ in range(height - len(rows))])
        elif operation == "Submit":
            self.state = State(state.seen)
        else:
            raise ValueError(f"no operation {operation!r}")

    def _lift(self, cells: Iterable[Point]) -> None:
        whole = State(self.state.seen)
        for point in cells:
            inside = whole.has(point)
            whole.floating[point] = whole.grid[point[1]][point[0]] if inside else 0
            if inside:
                whole.grid[point[1]][point[0]] = 0
        self.state = whole


def played(
    script: Sequence[Action], start: Grid, at: int | None = None, fault: Fault | None = None, persistent: bool = True
) -> Editor:
    """The editor after a script; a fault at step `at` stays in all that follows, or (not `persistent`) is shown there only."""
    editor = Editor(start)
    for step, action in enumerate(script):
        editor.play(action, fault if step == at else None, persistent)
    return editor


def record(action: Action, state: State, clip: Cells, stamp: str) -> dict[str, Any]:
    """The log's entry of an action: the layers after it, and its arguments as the log has them."""
    entry: dict[str, Any] = {"category": _CATEGORIES[action.operation], "operation": action.operation}
    if action.operation in ("SelectCell", "SelectObject", "Paste") or action.operation == "ResizeGrid":
        entry["position"] = _point(action.position)
    elif action.operation == "Copy":
        size = (max(x for x, _ in clip) + 1, max(y for _, y in clip) + 1) if clip else None
        entry |= {"position": _point(size), "source": action.source, "special": {"clipboard": objects(clip)}}
    elif action.operation == "Paint":
        entry["color"] = action.color
    elif action.operation == "Submit":
        entry["special"] = {"succeed": False}
    if action.direction is not None:
        entry["direction"] = action.direction
    overlapped = action.operation.startswith("Select") or action.operation in ("Paste", "Submit")
    return entry | {"grid": state.grid, "object": objects(state.floating), "overlapped": overlapped, "timestamp": stamp}


def objects(cells: Cells) -> list[dict[str, Any]]:
    """Cells as the log writes them."""
    return [{"x": x, "y": y, "color": colour} for (x, y), colour in cells.items()]


def component(grid: Grid, point: Point) -> list[Point]:
    """The 4-connected cells of the colour at a point."""
    colour, todo, found = grid[point[1]][point[0]], [point], []
    known = {point}
    while todo:
        x, y = todo.pop()
        found.append((x, y))
        for near in ((x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)):
            inside = 0 <= near[1] < len(grid) and 0 <= near[0] < len(grid[0])
            if inside and near not in known and grid[near[1]][near[0]] == colour:
                known.add(near)
                todo.append(near)
    return found


def box(cells: Iterable[Point]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom, inclusive."""
    xs, ys = zip(*cells, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def _flipped(cells: Cells, direction: str) -> Cells:
    if not cells:
        return {}
    x0, y0, x1, y1 = box(cells)
    return {(x0 + x1 - x, y) if direction == "horizontal" else (x, y0 + y1 - y): c for (x, y), c in cells.items()}


def _turned(cells: Cells, direction: str, side: int) -> Cells:
    """About the centre of the box; where that lies on half a cell, towards `side` on both axes."""
    if not cells:
        return {}
    x0, y0, x1, y1 = box(cells)
    half = math.ceil if side else math.floor
    turned = {}
    for (x, y), colour in cells.items():
        dx, dy = x - (x0 + x1) / 2, y - (y0 + y1) / 2
        dx, dy = (-dy, dx) if direction == "clockwise" else (dy, -dx)
        turned[half((x0 + x1) / 2 + dx), half((y0 + y1) / 2 + dy)] = colour
    return turned


def _from_corner(cells: Cells) -> Cells:
    if not cells:
        return {}
    x0, y0, _, _ = box(cells)
    return {(x - x0, y - y0): colour for (x, y), colour in cells.items()}


def _point(point: Point | None) -> dict[str, int | None]:
    return {"x": None, "y": None} if point is None else {"x": point[0], "y": point[1]}


_CATEGORIES = {
    **dict.fromkeys(("SelectGrid", "SelectCell", "SelectObject"), "Selection"),
    "Paint": "Coloring",
    **dict.fromkeys(("Copy", "Paste"), "Clipboard"),
    **dict.fromkeys(("Move", "Flip", "Rotate"), "O2"),
    **dict.fromkeys(("ResizeGrid", "Submit"), "Critical"),
    **dict.fromkeys(("Undo", "Redo"), "History"),
}
