"""Somebody who plays ARC tasks in an editor with two layers, by dice: what they do is the script of a made ARCTraj trace.

They select, edit and take back at random, about as often as ARCTraj's people did each of it, and then paint the rest of the
answer, colour by colour. A few stop before; some only submit; some are scripts that paste an answer which was never copied.
What is rare in real rows (see `arctraj_cases`) is not much rarer here, so that a few thousand traces hold all of it.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import TypeVar

from .arctraj_tasks import MadeTask
from .o2arc_editor import CORNERS, SIDES, Action, Editor, Grid, Point, component

T = TypeVar("T")

_MIX = {
    "SelectGrid": 298, "SelectCell": 272, "SelectObject": 26, "Paint": 110, "Paste": 145, "Copy": 14, "Move": 90, "Flip": 15,
    "Rotate": 10, "ResizeGrid": 13, "Undo": 11,
}  # fmt: skip
"""How often a player does what, in thousandths: ARCTraj's counts, less what else brings it about."""

_OPERATIONS, _TIMES = list(_MIX), list(accumulate(_MIX.values()))
_NEEDS_CELLS: Mapping[str, float] = {"Paint": 0.45, "Move": 0.02, "Flip": 0.02, "Rotate": 0.02, "Copy": 0.8}
"""What makes sense where something floats alone, and how often it is done anyway where nothing does."""
_MOVES, _FLIPS, _TURNS = ("up", "down", "left", "right"), ("horizontal", "vertical"), ("clockwise", "counterclockwise")
_PLACELESS: Mapping[str, int] = {"SelectCell": 60, "SelectGrid": 90, "Copy": 95, "Paint": 100}
"""What follows a paste to nowhere, in hundredths, added up."""


class Player:
    """Somebody at a task. `script` is what they did, `editor` what came of it; they work towards `aim`."""

    def __init__(self, dice: random.Random, task: MadeTask, start: Grid | None = None) -> None:
        self.dice, self.task = dice, task
        self.start = task.start if start is None else start
        self.editor = Editor(self.start)
        self.editor.panel = task.start
        self.script: list[Action] = []
        self.aim = dice.choice(task.later) if task.later and dice.random() < 0.15 else task.answer
        self.most_left = 1 + 2 * len({colour for row in self.aim for colour in row})
        self.turns = int(dice.random() * 2)

    def do(self, action: Action) -> None:
        """One action."""
        self.editor.play(action)
        self.script.append(action)

    def play(self, length: int) -> None:
        """About `length` actions, to the answer where that leaves room for it."""
        stop = self.dice.random() < 0.245
        while len(self.script) < length - 1:
            room = length - 1 - len(self.script)
            if not stop and room <= self.most_left and self._left() >= room:
                break
            self._one()
        if not stop:
            for action in self._rest():
                self.do(action)
        self.do(Action("Submit"))

    def submit(self) -> None:
        """Nothing but the submission."""
        self.do(Action("Submit"))

    def script_paster(self) -> None:
        """A script that pastes the answer, which it never copied."""
        answer = self.task.answer
        height, width = len(answer), len(answer[0])
        if (height, width) != (len(self.start), len(self.start[0])):
            self.do(Action("ResizeGrid", position=(width, height), quick=True))
        self.do(Action("SelectCell", cells=((0, 0),), position=(0, 0), quick=True))
        everything = tuple((x, y) for y in range(height) for x in range(width))
        if self.dice.random() < 0.7:
            self.do(Action("SelectGrid", cells=everything, quick=True))
            self.do(Action("Paint", color=0, quick=True))
        payload = tuple(((x, y), answer[y][x]) for x, y in everything)
        self.do(Action("Paste", position=(0, 0), payload=payload, quick=True))
        self.do(Action("Submit", quick=True))

    def _one(self) -> None:
        """One action of chance, or several that come together."""
        dice = self.dice
        last = self.script[-1] if self.script else None
        if last is not None and last.operation in ("SelectGrid", "SelectCell", "Paint") and dice.random() < 0.075:
            self.do(last if not last.late else Action("SelectGrid", cells=last.cells, quick=True))  # the same once more
            return
        operation = self._operation()
        if operation == "SelectObject":
            self._double_click()
        elif operation == "SelectGrid":
            self._rectangle()
        elif operation == "Copy" and not self.editor.state.floating:
            self._copy_of_nothing()
        elif operation == "Paste":
            self._paste()
        else:
            self.do(self._chosen(operation))

    def _operation(self) -> str:
        """What comes next, or a selection where that would make no sense."""
        dice, state = self.dice, self.editor.state
        if state.placeless:
            part = dice.random() * 100
            return next(name for name, most in _PLACELESS.items() if part < most)
        operation = dice.choices(_OPERATIONS, cum_weights=_TIMES)[0]
        if not state.floating and dice.random() > _NEEDS_CELLS.get(operation, 1):
            return "SelectGrid"
        if operation == "Paste" and not self.editor.clip and dice.random() < 0.978:
            return "Copy" if state.floating else "SelectGrid"
        if self.script and self.script[-1].operation == "Undo" and dice.random() < 0.04:
            return "Redo" if self.editor.at < len(self.editor.stack) - 1 else "Undo"
        return operation

    def _chosen(self, operation: str) -> Action:
        """An action of that name with arguments."""
        dice = self.dice
        if operation == "SelectCell":
            return self._cell()
        if operation == "Paint":
            return Action(operation, color=0 if dice.random() < 0.1 else self._of(self._of(self.aim)))
        if operation == "Move":
            return Action(operation, direction=self._of(_MOVES))
        if operation == "Flip":
            return Action(operation, direction=self._of(_FLIPS))
        if operation == "Rotate":
            self.turns += dice.random() < 0.9  # the side of half a cell alternates, roughly
            return Action(operation, direction=self._of(_TURNS), side=self.turns % 2)
        if operation == "Copy":
            if dice.random() < 0.047 and not self.editor.state.placeless:
                x, y = self._below(len(self.task.start[0])), self._below(len(self.task.start))
                right, bottom = min(x + 3, len(self.task.start[0])), min(y + 3, len(self.task.start))
                return Action(operation, cells=tuple((a, b) for b in range(y, bottom) for a in range(x, right)), source="input")
            return Action(operation)
        if operation == "ResizeGrid":
            if dice.random() < 0.5:
                return Action(operation, position=(len(self.aim[0]), len(self.aim)))
            return Action(operation, position=(1 + self._below(12), 1 + self._below(12)))
        return Action(operation)

    def _cell(self) -> Action:
        """A click on a cell, also on one that is selected."""
        point, floating, kind = self._point(), self.editor.state.floating, self.dice.random()
        quick = self.dice.random() < 0.1
        if kind < 0.09 and floating:
            if kind < 0.065:
                return Action("SelectCell", position=self._of(list(floating)), quick=quick)
            point = self._of(list(floating))
            cells = tuple(cell for cell in floating if cell != point)
            return Action("SelectCell", cells=cells, position=point, quick=quick)
        if kind < 0.69:
            return Action("SelectCell", cells=(point,), position=point, quick=quick)
        return Action("SelectCell", cells=tuple(dict.fromkeys([*floating, point])), position=point, quick=quick)

    def _rectangle(self) -> None:
        """A rectangle, alone or with what is selected; seldom nothing, or a click that is logged late."""
        dice, seen = self.dice, self.editor.state.seen
        x, y = self._point()
        kind = dice.random()
        if kind < 0.06 and seen[y][x]:
            self.do(Action("SelectGrid", cells=((x, y),), late=True))
            self.do(Action("SelectCell", position=(x, y), quick=True))
            return
        width, height = (1, 1) if dice.random() < 0.45 else (1 + self._below(6), 1 + self._below(5))
        right, bottom = min(x + width, len(seen[0])), min(y + height, len(seen))
        cells = [(a, b) for b in range(y, bottom) for a in range(x, right)]
        floating = self.editor.state.floating
        if floating and kind < 0.7:
            cells = list(dict.fromkeys([*floating, *cells]))
        elif kind > 0.986:
            cells = []
        self.do(Action("SelectGrid", cells=tuple(cells), quick=dice.random() < 0.1))

    def _double_click(self) -> None:
        """A double click on an object, logged as three selections, or one selection alone."""
        dice, seen, point = self.dice, self.editor.state.seen, self._point()
        kind = dice.random()
        state = self.editor.state
        near, more = (CORNERS if kind < 0.12 else SIDES), [p for p in state.floating if kind > 0.87 and state.has(p)]
        if not more and dice.random() < 0.7:
            self.do(Action("SelectCell", cells=(point,), position=point))
            self.do(Action("SelectCell", position=point, quick=True))
        cells = tuple(dict.fromkeys([*more, *component(seen, point, near)]))
        self.do(Action("SelectObject", cells=cells, position=point, quick=True))

    def _copy_of_nothing(self) -> None:
        """A copy of an empty selection; what is pasted then is known from the record alone."""
        self.do(Action("Copy"))
        if self.dice.random() < 0.15:
            self._paste()

    def _paste(self) -> None:
        """What was copied, where a click has just said so; seldom to nowhere, and seldom what nobody copied."""
        dice = self.dice
        kind = dice.random()
        if self.editor.clip and kind < 0.02:
            self.do(Action("Paste"))
            return
        at = self._point()
        if self.editor.clip:
            self.do(Action("Paste", position=at, doubled=kind > 0.996))
            return
        payload = tuple(((at[0] + i, at[1]), self._below(10)) for i in range(1 + self._below(4)))
        self.do(Action("Paste", position=at, payload=payload))

    def _left(self) -> int:
        """How many actions are left to do, about: two for each colour of cells that are wrong, and the size."""
        seen = self.editor.state.seen
        wrong: set[int] = set()
        for row, shown in zip(self.aim, seen, strict=False):
            if row != shown[: len(row)]:
                wrong.update(a for a, b in zip(row, shown, strict=False) if a != b)
        return 2 * len(wrong) + ((len(self.aim), len(self.aim[0])) != (len(seen), len(seen[0])))

    def _rest(self) -> list[Action]:
        """What is left to do: the size, then colour by colour."""
        aim, seen = self.aim, self.editor.state.seen
        actions = []
        if (len(aim), len(aim[0])) != (len(seen), len(seen[0])):
            width = len(aim[0])
            actions.append(Action("ResizeGrid", position=(width, len(aim))))
            seen = [(row + [0] * width)[:width] for row in seen[: len(aim)]]
            seen += [[0] * width for _ in range(len(aim) - len(seen))]
        wrong: dict[int, list[Point]] = {}
        for y, (row, shown) in enumerate(zip(aim, seen, strict=True)):
            if row != shown:
                for x, colour in enumerate(row):
                    if shown[x] != colour:
                        wrong.setdefault(colour, []).append((x, y))
        for colour, cells in wrong.items():
            actions += [Action("SelectGrid", cells=tuple(cells)), Action("Paint", color=colour)]
        return actions

    def _point(self) -> Point:
        grid = self.editor.state.grid
        return self._below(len(grid[0])), self._below(len(grid))

    def _below(self, number: int) -> int:
        return int(self.dice.random() * number)

    def _of(self, choices: Sequence[T]) -> T:
        return choices[int(self.dice.random() * len(choices))]
