"""Everything that ARCTraj's rows are known to hold, counted in rows of its layout: each rule of its editor, each oddity.

The tables say of each case what it is and how often it stands in the 9,110 rows with 157,399 actions that were measured (None
where it was not counted). They look at rows alone, not at how those were made, so that they also count a file of real ones.

What made rows leave out, on purpose, since no replay could follow it: a selection that was not logged (it is a fault that can
be planted, `arctraj_faults`), and an undo to another state than the one before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

import orjson

from .arctraj_tasks import MadeTask
from .o2arc_editor import CORNERS, Cells, Grid, Point, State, box, component

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Step:
    """One action of a row: the state before it, its `entry`, and the state that its record shows.

    `nulls`: floating cells without a place; `seconds` since the action before; `copied`: what was copied last, None before.
    """

    before: State
    entry: Mapping[str, Any]
    after: State
    nulls: int
    seconds: float
    copied: Cells | None

    @property
    def point(self) -> Point:
        """Its position."""
        return self.entry["position"]["x"], self.entry["position"]["y"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One row that can be taken, with its steps and its task."""

    row: Row
    task: MadeTask
    steps: Sequence[Step]

    @property
    def last(self) -> Grid:
        """The grid that was handed in."""
        return self.steps[-1].after.grid

    @property
    def seconds(self) -> float:
        """How long it took."""
        return (_time(self.row["endedAt"]) - _time(self.row["startedAt"])).total_seconds()


@dataclass(frozen=True, slots=True)
class Case:
    """How `often` it was measured; whether it is so of a step or an attempt."""

    often: int | None
    holds: Callable[[Any], bool]


def count_cases(rows: Iterable[Row], tasks: Sequence[MadeTask]) -> Counter[str]:
    """How often each case of `STEPS`, `ATTEMPTS` and `FILES` stands in rows."""
    known = {task.task_id: task for task in tasks}
    found: Counter[str] = Counter()
    taken: list[Attempt] = []
    for row in rows:
        wrong = _refused(row, known)
        if wrong is not None:
            found[wrong] += 1
            continue
        attempt = Attempt(row, known[row["taskId"]], list(_steps(row, known[row["taskId"]])))
        for step in attempt.steps:
            cases = STEPS[step.entry["operation"]]
            found.update(name for name, case in cases.items() if case.holds(step))
        found.update(name for name, case in ATTEMPTS.items() if case.holds(attempt))
        taken.append(attempt)
    found.update(_between_rows(taken))
    return found


def expected() -> dict[str, int | None]:
    """Every case, and how often it was measured."""
    steps = {name: case.often for cases in STEPS.values() for name, case in cases.items()}
    return {**steps, **{name: case.often for name, case in ATTEMPTS.items()}, **FILES}


def _refused(row: Row, known: Mapping[str, MadeTask]) -> str | None:
    if not row["actionSequence"].startswith("["):
        return "no JSON"
    if not row["taskId"]:
        return "no task"
    return None if row["taskId"] in known else "a task that is not in the table"


def _steps(row: Row, task: MadeTask) -> Iterator[Step]:
    entries = orjson.loads(row["actionSequence"])
    blank = len(entries) == 1 and entries[0]["grid"] == [[0] * 5] * 5
    state = State([[0] * 5] * 5 if blank else task.start)
    came = _time(row["startedAt"])
    copied: Cells | None = None
    for entry in entries:
        cells = {(c["x"], c["y"]): c["color"] for c in entry["object"] if c["x"] is not None}
        after = State(entry["grid"], cells)
        time = _time(entry["timestamp"])
        nulls = sum(c["x"] is None for c in entry["object"])
        yield Step(state, entry, after, nulls, (time - came).total_seconds(), copied)
        came = time
        if entry["operation"] == "Copy":
            copied = {(c["x"], c["y"]): c["color"] for c in entry["special"]["clipboard"] if c["x"] is not None}
        if entry.get("source") != "input":
            state = after


def _between_rows(attempts: Sequence[Attempt]) -> Iterator[str]:
    """What only shows between rows; a name per time."""
    seen: set[tuple[Any, ...]] = set()
    people: Counter[tuple[str, str]] = Counter()
    ids = sorted(int(attempt.row["logId"]) for attempt in attempts)
    yield from ("an id is missing" for a, b in pairwise(ids) if b == a + 2)
    for before, attempt in pairwise([attempts[0], *attempts]):
        row = attempt.row
        who = row["userId"], row["taskId"]
        doing = (*who, *(orjson.dumps({**step.entry, "timestamp": ""}) for step in attempt.steps))
        if doing in seen:
            yield "a row over again"
        seen.add(doing)
        people[who] += 1
        if people[who] > 1:
            yield "another attempt"
        if row["startedAt"] < before.row["startedAt"]:
            yield "begun before the row before"


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.removesuffix("Z"))


def _is_rectangle(cells: Cells) -> bool:
    if not cells:
        return False
    x0, y0, x1, y1 = box(cells)
    return len(cells) == (x1 - x0 + 1) * (y1 - y0 + 1)


def _outside(step: Step) -> bool:
    return any(not step.after.has(cell) for cell in step.after.floating)


def _shows_through(step: Step) -> bool:
    """A transparent cell lies over one that is not."""
    grid = step.after.grid
    return any(not c and step.after.has((x, y)) and grid[y][x] for (x, y), c in step.after.floating.items())


def _came_back(step: Step) -> bool:
    return any(not step.before.has(p) for p in step.before.floating) and not _outside(step)


def _is_object(step: Step, near: Sequence[Point] | None = None, more: bool = False) -> bool:
    """Whether it selects what hangs together with its position, and `more` that was selected before."""
    sides = set(component(step.before.seen, step.point))
    cells, chosen = set(step.after.floating), sides if near is None else set(component(step.before.seen, step.point, near))
    if near is not None and chosen == sides:
        return False
    return cells > chosen and cells == chosen | set(step.before.floating) if more else cells == chosen


def _turned_by(step: Step) -> float | None:
    """How far the box's centre moved on either axis: 0, or half a cell; None where nothing floats."""
    if not step.before.floating:
        return None
    before, after = box(step.before.floating), box(step.after.floating)
    return (after[0] + after[2] - before[0] - before[2]) / 2


def _same_again(step: Step) -> bool:
    """A selection or colour that changes neither layer."""
    return step.before.floating == step.after.floating and step.before.grid == step.after.grid


def _is_late(step: Step) -> bool:
    cells = step.after.floating
    return bool(cells) and all(not c and step.after.grid[y][x] for (x, y), c in cells.items() if step.after.has((x, y)))


def _doubled(step: Step) -> bool:
    return len(step.entry["object"]) - step.nulls > len(step.after.floating)


def _size(step: Step) -> tuple[int, int]:
    return len(step.after.grid) - len(step.before.grid), len(step.after.grid[0]) - len(step.before.grid[0])


STEPS: Mapping[str, Mapping[str, Case]] = {
    "SelectGrid": {
        "SelectGrid of a rectangle": Case(33_819, lambda s: _is_rectangle(s.after.floating)),
        "SelectGrid of more": Case(
            21_041, lambda s: len(s.before.floating) > 0 and s.before.floating.keys() < s.after.floating.keys()
        ),
        "SelectGrid of nothing": Case(533, lambda s: not s.entry["object"]),
        "SelectGrid, cells without a place": Case(35, lambda s: s.nulls > 0),
        "SelectGrid, cells outside": Case(None, _outside),
        "SelectGrid once more": Case(None, _same_again),
        "SelectGrid that is logged late": Case(None, _is_late),
        "SelectGrid within 20 ms": Case(None, lambda s: s.seconds < 0.02),
    },
    "SelectCell": {
        "SelectCell": Case(17_657, lambda s: s.after.floating.keys() == {s.point}),
        "SelectCell of one more": Case(
            11_172,
            lambda s: (
                len(s.before.floating) > 0
                and s.point not in s.before.floating
                and s.after.floating.keys() == s.before.floating.keys() | {s.point}
            ),
        ),
        "SelectCell to deselect": Case(3_437, lambda s: not s.entry["object"]),
        "SelectCell to take one out": Case(
            432,
            lambda s: (
                len(s.after.floating) > 0
                and s.point in s.before.floating
                and s.after.floating.keys() == s.before.floating.keys() - {s.point}
            ),
        ),
        "SelectCell, cells outside": Case(None, _outside),
        "SelectCell within 20 ms": Case(None, lambda s: s.seconds < 0.02),
    },
    "SelectObject": {
        "SelectObject by the sides": Case(2_293, _is_object),
        "SelectObject by the corners": Case(7, lambda s: _is_object(s, CORNERS)),
        "SelectObject and what was selected": Case(152, lambda s: _is_object(s, more=True)),
        "SelectObject of colour 0": Case(None, lambda s: not s.before.seen[s.point[1]][s.point[0]]),
        "SelectObject by a double click": Case(None, lambda s: s.seconds < 0.02 and not s.before.floating),
    },
    "Paint": {
        "Paint": Case(28_698, lambda s: True),
        "Paint of 0 erases": Case(None, lambda s: s.entry["color"] == 0 and s.before.seen != s.after.seen),
        "Paint of nothing": Case(629, lambda s: not s.entry["object"]),
        "Paint, cells without a place": Case(2, lambda s: s.nulls > 0),
        "Paint, cells outside": Case(None, _outside),
        "Paint once more": Case(None, _same_again),
    },
    "Move": {
        **{
            f"Move {way}": Case(often, lambda s, way=way: s.entry["direction"] == way)  # type: ignore[misc]
            for way, often in {"up": 2_425, "left": 2_167, "right": 1_710, "down": 1_547}.items()
        },
        "Move out of the grid": Case(None, _outside),
        "Move back into the grid": Case(None, _came_back),
        "Move of transparent cells": Case(None, _shows_through),
    },
    "Flip": {
        "Flip horizontal": Case(657, lambda s: s.entry["direction"] == "horizontal"),
        "Flip vertical": Case(568, lambda s: s.entry["direction"] == "vertical"),
        "Flip, cells outside": Case(None, _outside),
    },
    "Rotate": {
        "Rotate clockwise": Case(436, lambda s: s.entry["direction"] == "clockwise"),
        "Rotate counterclockwise": Case(387, lambda s: s.entry["direction"] == "counterclockwise"),
        "Rotate exactly": Case(666, lambda s: _turned_by(s) == 0),
        "Rotate, half a cell forth": Case(None, lambda s: _turned_by(s) == 0.5),
        "Rotate, half a cell back": Case(None, lambda s: _turned_by(s) == -0.5),
        "Rotate, cells outside": Case(None, _outside),
    },
    "Copy": {
        "Copy": Case(4_904, lambda s: s.entry["source"] == "output"),
        "Copy from the input": Case(239, lambda s: s.entry["source"] == "input"),
        "Copy of nothing": Case(137, lambda s: s.entry["position"]["x"] is None),
        "Copy, cells without a place": Case(6, lambda s: s.nulls > 0),
        "Copy, cells outside": Case(None, _outside),
    },
    "Paste": {
        "Paste": Case(9_053, lambda s: True),
        "Paste, cells outside": Case(None, _outside),
        "Paste of transparent cells": Case(None, _shows_through),
        "Paste before any copy": Case(604, lambda s: s.copied is None),
        "Paste after an empty copy": Case(14, lambda s: s.copied == {}),
        "Paste to nowhere": Case(130, lambda s: s.entry["position"]["x"] is None and s.nulls > 0),
        "Paste, a cell twice": Case(5, _doubled),
    },
    "ResizeGrid": {
        "ResizeGrid": Case(3_784, lambda s: True),
        "ResizeGrid to more": Case(None, lambda s: max(_size(s)) > 0),
        "ResizeGrid to less": Case(None, lambda s: min(_size(s)) < 0),
    },
    "Undo": {
        "Undo": Case(1_099, lambda s: True),
        "Undo without change": Case(26, _same_again),
        "Undo, cells outside": Case(None, _outside),
    },
    "Redo": {"Redo": Case(27, lambda s: True)},
    "Submit": {
        "Submit": Case(9_110, lambda s: not s.entry["object"]),
        "Submit that calls itself wrong": Case(9_110, lambda s: s.entry["special"] == {"succeed": False}),
    },
}
"""What an action is, by its operation."""

ATTEMPTS: Mapping[str, Case] = {
    "solved": Case(6_851, lambda a: a.last == a.task.answer),
    "not solved": Case(2_259, lambda a: a.last != a.task.answer),
    "the answer of a later test": Case(20, lambda a: a.last != a.task.answer and a.last in a.task.later),
    "nothing but a submit": Case(104, lambda a: len(a.steps) == 1),
    "nothing but a submit of a page that had not come up": Case(
        16, lambda a: len(a.steps) == 1 and a.last == [[0] * 5] * 5 != a.task.start
    ),
    "an orphan paste": Case(471, lambda a: any(s.entry["operation"] == "Paste" and s.copied is None for s in a.steps)),
    "a script's paste of the answer": Case(
        342,
        lambda a: (
            a.last == a.task.answer
            and a.seconds < 10
            and len(a.steps) <= 6
            and any(s.entry["operation"] == "Paste" for s in a.steps)
            and all(s.entry["operation"] != "Copy" for s in a.steps)
        ),
    ),
    "idle for ten minutes": Case(None, lambda a: any(s.seconds > 600 for s in a.steps)),
    "idle before the first action": Case(None, lambda a: a.steps[0].seconds > 600),
    "more than 131,072 characters": Case(15, lambda a: len(a.row["actionSequence"]) > 131_072),
    "298,865 characters": Case(1, lambda a: len(a.row["actionSequence"]) >= 298_865),
}
"""What a row is."""

FILES: Mapping[str, int | None] = {
    "no JSON": 1,
    "no task": 476,
    "a task that is not in the table": None,
    "an id is missing": 2,
    "a row over again": 674,
    "another attempt": 4_158,
    "begun before the row before": 531,
}
"""What shows in a file of 9,110 rows alone; rows without a task or that are not JSON are counted here, and not taken."""
