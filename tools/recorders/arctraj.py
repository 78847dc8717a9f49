"""Make traces in ARCTraj's layout: a seeded player works on real ARC tasks in an editor with two layers.

    python -m tools.recorders.arctraj ARC_TASKS_FOLDER OUT.csv --rows 10000 --seed 0

Nobody played them: they are for tests and benchmarks, matched to the real rows in what costs time (length, sizes of grids,
floating cells, mix of operations). The player selects, edits and takes back at random, and then paints the rest of the
answer, colour by colour; some rows stop before, some paste a whole answer that they never copied, a few only submit. What is
odd about real rows is in these too: cells outside the grid, cells without a place, cells twice, a click that is logged late.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from .o2arc_editor import Action, Cells, Editor, Grid, Point, State, component, objects, record

HUB = ("logId", "userId", "taskId", "actionSequence", "startedAt", "endedAt")
SCORED = (*HUB, "score")
RAW = ("id", "startedAt", "endedAt", "userId", "taskId", "actionSequence", "parsed_trajectory")

_MIX = {
    "SelectGrid": 337, "SelectCell": 300, "SelectObject": 15, "Paint": 172, "Paste": 80, "Copy": 34, "Move": 57, "Flip": 9,
    "Rotate": 6, "ResizeGrid": 14, "Undo": 8, "Redo": 1,
}  # fmt: skip
"""How often a player does what, in parts of about 900: ARCTraj's counts, less what the end of a trace adds."""

_EPOCH = datetime(2024, 2, 15)
_MOVES, _FLIPS, _TURNS = ("up", "down", "left", "right"), ("horizontal", "vertical"), ("clockwise", "counterclockwise")


@dataclass(frozen=True, slots=True)
class MadeTask:
    """A task to play: what test 0 begins with, and its answer."""

    task_id: str
    start: Grid
    answer: Grid


@dataclass(slots=True)
class MadeTrace:
    """One attempt: its script, the states it shows, and the row it makes."""

    log_id: int
    task: MadeTask
    script: list[Action]
    states: list[State]
    clips: list[Cells]
    start: Grid
    user: int = 1
    began: datetime = _EPOCH
    stamps: list[str] = field(default_factory=list)
    ended: datetime = _EPOCH

    @property
    def solved(self) -> bool:
        """Whether the grid handed in is the answer."""
        return self.states[-1].seen == self.task.answer

    def actions(self, editor: Editor | None = None) -> list[dict[str, Any]]:
        """The log's entries; of another editor, where a fault was put in."""
        states, clips = (self.states, self.clips) if editor is None else (editor.shown, editor.clips)
        return [
            record(action, state, clip, stamp)
            for action, state, clip, stamp in zip(self.script, states, clips, self.stamps, strict=True)
        ]

    def row(self, actions: Sequence[dict[str, Any]] | None = None) -> dict[str, str]:
        """Its row, by the names of all layouts."""
        entries = self.actions() if actions is None else actions
        return {
            "logId": str(self.log_id),
            "id": str(self.log_id),
            "userId": str(self.user),
            "taskId": self.task.task_id,
            "actionSequence": json.dumps(entries, separators=(",", ":")),
            "startedAt": _naive(self.began),
            "endedAt": _naive(self.ended),
            "score": str(max(0, 90_000 - 500 * len(entries))) if self.solved else "0",
            "parsed_trajectory": "[]",
        }


def made_tasks(folder: Path) -> list[MadeTask]:
    """The tasks of a folder of ARC-AGI-1 in order of name."""
    found = []
    for path in sorted(folder.glob("*.json")):
        test = json.loads(path.read_text())["test"][0]
        found.append(MadeTask(path.stem, test["input"], test["output"]))
    return found


def made_traces(tasks: Sequence[MadeTask], number: int, seed: int = 0) -> Iterator[MadeTrace]:
    """`number` traces; the same seed gives the same ones."""
    dice = random.Random(seed)
    weights = [1 / (700 + len(task.start) * len(task.start[0])) for task in tasks]
    for log_id in range(1, number + 1):
        (task,) = dice.choices(tasks, weights)
        yield made_trace(dice, task, log_id)


def made_trace(dice: random.Random, task: MadeTask, log_id: int) -> MadeTrace:
    """One trace of one task."""
    length = min(225, max(1, round(dice.lognormvariate(2.47, 0.88))))
    kind = dice.random()
    if kind < 0.05:
        player = _Player(dice, task)
        player.script_paster()
    elif kind < 0.06:
        player = _Player(dice, task, [[0] * 5 for _ in range(5)] if dice.random() < 0.15 else None)
        player.do(Action("Submit"))
    else:
        player = _Player(dice, task)
        player.play(length)
    trace = MadeTrace(log_id, task, player.script, player.editor.shown, player.editor.clips, player.start)
    trace.user = min(1 + int(dice.paretovariate(0.6)), 161)
    trace.began = _EPOCH + timedelta(milliseconds=dice.randrange(200_000_000_000 // 10))
    clock = trace.began + timedelta(milliseconds=dice.randrange(200, 6000))
    for action in trace.script:
        quick = action.operation.startswith("Select") and dice.random() < 0.2
        clock += timedelta(milliseconds=dice.randrange(1, 20) if quick else int(dice.lognormvariate(6.8, 1.0)))
        trace.stamps.append(f"{clock.isoformat(timespec='milliseconds')}Z")
    trace.ended = clock + timedelta(milliseconds=dice.randrange(5, 400))
    return trace


class _Player:
    """Somebody who works on a task; what they do is a script."""

    def __init__(self, dice: random.Random, task: MadeTask, start: Grid | None = None) -> None:
        self.dice, self.task = dice, task
        self.start = task.start if start is None else start
        self.editor = Editor(self.start)
        self.editor.panel = task.start
        self.script: list[Action] = []

    def do(self, action: Action) -> None:
        """One action."""
        self.editor.play(action)
        self.script.append(action)

    def play(self, length: int) -> None:
        """About `length` actions, to the answer where that leaves room for it."""
        operations = list(_MIX)
        weights = [_MIX[name] for name in operations]
        stop = self.dice.random() < 0.24
        while len(self.script) < length - 1:
            if not stop and len(self.script) + len(self._rest()) >= length - 1:
                break
            self.do(self._chosen(self.dice.choices(operations, weights)[0]))
        if not stop:
            for action in self._rest():
                self.do(action)
        self.do(Action("Submit"))

    def script_paster(self) -> None:
        """A script that pastes the answer, which it never copied."""
        answer = self.task.answer
        height, width = len(answer), len(answer[0])
        if (height, width) != (len(self.start), len(self.start[0])):
            self.do(Action("ResizeGrid", position=(width, height)))
        self.do(Action("SelectCell", cells=((0, 0),), position=(0, 0)))
        payload = tuple(((x, y), answer[y][x]) for y in range(height) for x in range(width))
        if self.dice.random() < 0.7:
            everything = tuple((x, y) for y in range(height) for x in range(width))
            self.do(Action("SelectGrid", cells=everything))
            self.do(Action("Paint", color=0))
        self.do(Action("Paste", position=(0, 0), payload=payload))
        self.do(Action("Submit"))

    def _rest(self) -> list[Action]:
        """What is left to do: the size, then colour by colour."""
        answer, seen = self.task.answer, self.editor.state.seen
        actions = []
        if (len(answer), len(answer[0])) != (len(seen), len(seen[0])):
            width = len(answer[0])
            actions.append(Action("ResizeGrid", position=(width, len(answer))))
            seen = [(row + [0] * width)[:width] for row in seen[: len(answer)]]
            seen += [[0] * width for _ in range(len(answer) - len(seen))]
        wrong: dict[int, list[Point]] = {}
        for y, row in enumerate(answer):
            for x, colour in enumerate(row):
                if seen[y][x] != colour:
                    wrong.setdefault(colour, []).append((x, y))
        for colour, cells in wrong.items():
            actions += [Action("SelectGrid", cells=tuple(cells)), Action("Paint", color=colour)]
        return actions

    def _chosen(self, operation: str) -> Action:
        """An action of that name with arguments, or a selection where it would make no sense."""
        dice, state = self.dice, self.editor.state
        if operation in ("Paint", "Move", "Flip", "Rotate", "Copy") and not state.floating and dice.random() < 0.97:
            operation = "SelectGrid"
        if operation == "Paste" and not self.editor.clip:
            operation = "Copy" if state.floating else "SelectGrid"
        if self.script and self.script[-1].operation == "Undo" and dice.random() < 0.1:
            operation = "Redo"
        if operation == "Redo" and self.editor.at == len(self.editor.stack) - 1:
            operation = "Undo"
        match operation:
            case "SelectGrid":
                return self._rectangle()
            case "SelectCell":
                return self._cell()
            case "SelectObject":
                point = self._point()
                return Action(operation, cells=tuple(component(state.seen, point)), position=point)
            case "Paint":
                return Action(operation, color=dice.choice([0, *(c for row in self.task.answer for c in row)]))
            case "Move":
                return Action(operation, direction=dice.choice(_MOVES))
            case "Flip":
                return Action(operation, direction=dice.choice(_FLIPS))
            case "Rotate":
                return Action(operation, direction=dice.choice(_TURNS), side=dice.randrange(2))
            case "Copy":
                if dice.random() < 0.05:
                    x, y = dice.randrange(len(self.task.start[0])), dice.randrange(len(self.task.start))
                    return Action(operation, cells=((x, y),), source="input")
                return Action(operation)
            case "Paste":
                x, y = self._point()
                return Action(operation, position=(x, y))
            case "ResizeGrid":
                if dice.random() < 0.5:
                    return Action(operation, position=(len(self.task.answer[0]), len(self.task.answer)))
                return Action(operation, position=(dice.randint(1, 12), dice.randint(1, 12)))
            case _:
                return Action(operation)

    def _rectangle(self) -> Action:
        dice, seen = self.dice, self.editor.state.seen
        x, y = self._point()
        width, height = (1, 1) if dice.random() < 0.36 else (dice.randint(1, 6), dice.randint(1, 6))
        right, bottom = min(x + width, len(seen[0])), min(y + height, len(seen))
        cells = [(a, b) for b in range(y, bottom) for a in range(x, right)]
        kind = dice.random()
        if kind < 0.5:
            cells = list(dict.fromkeys([*self.editor.state.floating, *cells]))
        elif kind < 0.51:
            cells = []
        return Action("SelectGrid", cells=tuple(cells))

    def _cell(self) -> Action:
        point, floating = self._point(), self.editor.state.floating
        kind = self.dice.random()
        if kind < 0.105:
            return Action("SelectCell", cells=(), position=point)
        cells = [point] if kind < 0.65 else list(dict.fromkeys([*floating, point]))
        return Action("SelectCell", cells=tuple(cells), position=point)

    def _point(self) -> Point:
        grid = self.editor.state.grid
        return self.dice.randrange(len(grid[0])), self.dice.randrange(len(grid))


def write_rows(path: Path, rows: Iterator[dict[str, str]], columns: Sequence[str] = HUB) -> int:
    """Write rows as a CSV file in one of the layouts; returns how many."""
    number = 0
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow(row)
            number += 1
    return number


def _naive(time: datetime) -> str:
    return time.isoformat(" ", timespec="milliseconds")


def main(arguments: list[str] | None = None) -> None:
    """Write a file of made traces."""
    parser = argparse.ArgumentParser(prog="python -m tools.recorders.arctraj", description=__doc__)
    parser.add_argument("tasks", type=Path, help="folder of ARC-AGI-1's training tasks")
    parser.add_argument("out", type=Path, help="the CSV file")
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    traces = made_traces(made_tasks(given.tasks), given.rows, given.seed)
    print(f"{write_rows(given.out, (trace.row() for trace in traces))} rows in {given.out}")


if __name__ == "__main__":
    main()


__all__ = ["HUB", "RAW", "SCORED", "MadeTask", "MadeTrace", "made_tasks", "made_traces", "objects", "write_rows"]
