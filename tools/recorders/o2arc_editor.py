"""An editor with two layers, as O2ARC 3.0 is: what each action makes of the background and of the cells that float over it.

Written for made traces: it plays a script of actions, also again after a fault was put into one of its states. Cells are
(x, y) with x a column; everything is plain Python, so that it shares nothing with what checks the traces. Nothing changes a
grid in place, so that states share what an action leaves as it was.
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
SIDES: Sequence[Point] = ((1, 0), (-1, 0), (0, 1), (0, -1))
CORNERS: Sequence[Point] = (*SIDES, (1, 1), (1, -1), (-1, 1), (-1, -1))
_MOVES = {"up": (0, -1), "down": (0, 1), "left": (-1, 0), "right": (1, 0)}
_OVERLAPPED = frozenset({"SelectGrid", "SelectCell", "SelectObject", "Paste", "Submit"})


@dataclass(frozen=True, slots=True)
class Action:
    """One action with what the player chose, also what a log leaves out: the `cells` of a selection, the `payload` of a paste
    that nothing was copied for, and to which side (0 or 1) half a cell of a turn fell.

    How it is logged: a paste without a `position` went nowhere; `late` is a click whose record was taken when its cells were
    put down again; `doubled` records a floating cell twice, the last rightly; `quick` is within 20 ms of the one before.
    """

    operation: str
    cells: tuple[Point, ...] = ()
    position: Point | None = None
    color: int | None = None
    direction: str | None = None
    source: str = "output"
    payload: tuple[tuple[Point, int], ...] | None = None
    side: int = 0
    late: bool = False
    doubled: bool = False
    quick: bool = False


@dataclass(slots=True)
class State:
    """Background and floating cells; `placeless` are the colours of floating cells that a paste to nowhere left."""

    grid: Grid
    floating: Cells = field(default_factory=dict)
    placeless: tuple[int, ...] = ()
    shown: Grid | None = field(default=None, compare=False, repr=False)

    def copy(self) -> State:
        """A state of its own, which may be changed in place."""
        return State([list(row) for row in self.grid], dict(self.floating), self.placeless)

    @property
    def seen(self) -> Grid:
        """The floating cells over the background: 0 is transparent, what lies outside is hidden."""
        if self.shown is None:
            self.shown = self._over()
        return self.shown

    def _over(self) -> Grid:
        rows = list(self.grid)
        height, width = len(rows), len(rows[0])
        for (x, y), colour in self.floating.items():
            if colour and 0 <= y < height and 0 <= x < width:
                if rows[y] is self.grid[y]:
                    rows[y] = list(rows[y])
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
        self.state = State(start)
        self.clip: Cells = {}
        self.stack = [self.state]
        self.at = 0
        self.shown: list[State] = []
        self.clips: list[Cells] = []

    def play(self, action: Action, fault: Fault | None = None, persistent: bool = True) -> None:
        """One action. A fault changes the state it leaves; one that is not persistent only what is shown of it."""
        if action.operation in ("Undo", "Redo"):
            self.at = max(self.at - 1, 0) if action.operation == "Undo" else min(self.at + 1, len(self.stack) - 1)
            self.state = self.stack[self.at]
        else:
            self._play(action)
        shown = self.state
        if action.operation == "Copy" and action.source == "input":
            shown = lifted(State(self.panel), action.cells)
        elif action.late:
            shown = State(shown.seen, dict.fromkeys(shown.floating, 0))
        if fault is not None:
            shown = shown.copy()
            fault(shown)
            if persistent:
                self.state = shown
        if action.operation in STACKED:
            del self.stack[self.at + 1 :]
            kept = State(self.state.grid, self.state.floating)  # no undo of a real row brings back cells without a place
            self.stack.append(kept)
            self.at += 1
        self.shown.append(shown)
        self.clips.append(self.clip if action.operation == "Copy" else {})

    def _play(self, action: Action) -> None:
        state, operation = self.state, action.operation
        if operation.startswith("Select"):
            kept = state.placeless if operation == "SelectGrid" and state.floating.keys() <= set(action.cells) else ()
            self.state = lifted(state, action.cells, kept)
        elif operation == "Copy":
            source = lifted(State(self.panel), action.cells) if action.source == "input" else state
            self.clip = _from_corner(source.floating)
        elif operation == "Paste":
            self.state = self._pasted(action)
        elif operation == "ResizeGrid":
            width, height = action.position or (1, 1)
            rows = [(row + [0] * width)[:width] for row in state.seen[:height]]
            self.state = State(rows + [[0] * width for _ in range(height - len(rows))])
        elif operation == "Submit":
            self.state = State(state.seen)
        else:
            colour = action.color or 0
            placeless = (colour,) * len(state.placeless) if operation == "Paint" else state.placeless
            self.state = State(state.grid, _changed(state.floating, action), placeless)

    def _pasted(self, action: Action) -> State:
        under = self.state.seen
        if action.payload is not None:
            return State(under, dict(action.payload))
        if action.position is None:
            return State(under, {}, tuple(self.clip.values()))
        x0, y0 = action.position
        return State(under, {(x0 + x, y0 + y): colour for (x, y), colour in self.clip.items()})


def lifted(state: State, cells: Iterable[Point], placeless: tuple[int, ...] = ()) -> State:
    """What floats is put down, and `cells` are lifted with the colours that are seen; outside the grid they have none."""
    under = state.seen
    rows = list(under)
    height, width = len(rows), len(rows[0])
    floating = {}
    for x, y in cells:
        inside = 0 <= y < height and 0 <= x < width
        floating[x, y] = under[y][x] if inside else 0
        if inside and under[y][x]:
            if rows[y] is under[y]:
                rows[y] = list(under[y])
            rows[y][x] = 0
    return State(rows, floating, placeless, under)


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
    cells = objects(state.floating) + [{"x": None, "y": None, "color": colour} for colour in state.placeless]
    if action.operation in ("SelectCell", "SelectObject", "Paste", "ResizeGrid"):
        entry["position"] = _point(action.position)
    elif action.operation == "Copy":
        size = (max(x for x, _ in clip) + 1, max(y for _, y in clip) + 1) if clip and not state.placeless else None
        copied = objects(clip) + cells[len(state.floating) :]
        entry |= {"position": _point(size), "source": action.source, "special": {"clipboard": copied}}
    elif action.operation == "Paint":
        entry["color"] = action.color
    elif action.operation == "Submit":
        entry["special"] = {"succeed": False}
    if action.direction is not None:
        entry["direction"] = action.direction
    if action.doubled and state.floating:
        cells = [cells[0] | {"color": (cells[0]["color"] + 1) % 10}, *cells]
    entry["grid"], entry["object"], entry["overlapped"] = state.grid, cells, action.operation in _OVERLAPPED
    entry["timestamp"] = stamp
    return entry


def objects(cells: Cells) -> list[dict[str, Any]]:
    """Cells as the log writes them."""
    return [{"x": x, "y": y, "color": colour} for (x, y), colour in cells.items()]


def component(grid: Grid, point: Point, near: Sequence[Point] = SIDES) -> list[Point]:
    """The cells of the colour at a point that hang together with it, by their sides if not said otherwise."""
    colour, todo, found = grid[point[1]][point[0]], [point], []
    known = {point}
    while todo:
        x, y = todo.pop()
        found.append((x, y))
        for dx, dy in near:
            cell = x + dx, y + dy
            inside = 0 <= cell[1] < len(grid) and 0 <= cell[0] < len(grid[0])
            if inside and cell not in known and grid[cell[1]][cell[0]] == colour:
                known.add(cell)
                todo.append(cell)
    return found


def box(cells: Iterable[Point]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom, inclusive."""
    xs, ys = zip(*cells, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def _changed(cells: Cells, action: Action) -> Cells:
    """The floating cells after an action that changes them alone."""
    if action.operation == "Paint":
        return dict.fromkeys(cells, action.color or 0)
    if action.operation == "Move":
        dx, dy = _MOVES[action.direction or ""]
        return {(x + dx, y + dy): c for (x, y), c in cells.items()}
    if action.operation == "Flip":
        return _flipped(cells, action.direction or "")
    if action.operation == "Rotate":
        return _turned(cells, action.direction or "", action.side)
    raise ValueError(f"no operation {action.operation!r}")


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
