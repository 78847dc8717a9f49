"""The tasks that made ARCTraj traces are played on: those of a folder of ARC-AGI-1, or, where nobody has one, drawn ones.

Drawn tasks stand in for real ones where a folder is missing: grids as large as ARC's (a median of 10 to 13 a side, 30 at most,
a third not square), rectangles of a few colours on 0, and as answer the same grid with some cells in other colours, or a part
of it. Two of twenty have a second test. They cost what real ones cost; they are no puzzles.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .o2arc_editor import Grid

_SIDE = 30


@dataclass(frozen=True, slots=True)
class MadeTask:
    """A task to play: what test 0 begins with, its answer, those of later tests, and its place in the sorted names from 1."""

    task_id: str
    start: Grid
    answer: Grid
    later: tuple[Grid, ...] = ()
    number: int = 0


def made_tasks(folder: Path) -> list[MadeTask]:
    """The tasks of a folder of ARC-AGI-1 in order of name."""
    found = []
    for number, path in enumerate(sorted(folder.glob("*.json")), 1):
        first, *later = json.loads(path.read_text())["test"]
        answers = tuple(test["output"] for test in later if test["output"] != first["output"])
        found.append(MadeTask(path.stem, first["input"], first["output"], answers, number))
    return found


def drawn_tasks(number: int = 400, seed: int = 0) -> list[MadeTask]:
    """`number` tasks that nobody made; the same seed gives the same ones."""
    dice = random.Random(seed)
    return [_drawn(dice, n) for n in range(1, number + 1)]


def write_tasks(folder: Path, tasks: Iterable[MadeTask]) -> None:
    """The tasks as files in ARC's layout, each with one demonstration, for whoever joins traces to them."""
    folder.mkdir(parents=True, exist_ok=True)
    for task in tasks:
        tests = [{"input": task.start, "output": answer} for answer in (task.answer, *task.later)]
        text = json.dumps({"train": tests[:1], "test": tests}, separators=(",", ":"))
        (folder / f"{task.task_id}.json").write_text(text, encoding="utf-8")


def _drawn(dice: random.Random, number: int) -> MadeTask:
    height = _side(dice)
    width = height if dice.random() < 0.68 else _side(dice)
    start = _rectangles(dice, height, width, 2 + height * width // 40)
    answer = _answer(dice, start)
    later = (_answer(dice, start),) if dice.random() < 0.1 else ()
    return MadeTask(f"{number:08x}", start, answer, tuple(grid for grid in later if grid != answer), number)


def _side(dice: random.Random) -> int:
    return min(_SIDE, max(3, round(dice.lognormvariate(2.42, 0.5))))


def _answer(dice: random.Random, start: Grid) -> Grid:
    """Some cells in other colours; of a third of the tasks a part alone."""
    answer = [list(row) for row in start]
    colours = [dice.randint(0, 9) for _ in range(dice.randint(2, 6))]
    for _ in range(dice.randint(2, 9)):
        _paint(dice, answer, dice.choice(colours))
    if dice.random() < 0.67:
        return answer
    height, width = dice.randint(1, len(answer)), dice.randint(1, len(answer[0]))
    return [row[:width] for row in answer[:height]]


def _rectangles(dice: random.Random, height: int, width: int, number: int) -> Grid:
    grid = [[0] * width for _ in range(height)]
    for _ in range(number):
        _paint(dice, grid, dice.randint(1, 9))
    return grid


def _paint(dice: random.Random, grid: Grid, colour: int) -> None:
    top, left = dice.randrange(len(grid)), dice.randrange(len(grid[0]))
    bottom, right = top + dice.randint(1, 4), left + dice.randint(1, 4)
    for row in grid[top:bottom]:
        row[left:right] = [colour] * len(row[left:right])
