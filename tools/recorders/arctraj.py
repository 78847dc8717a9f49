"""Make traces in ARCTraj's layout: a seeded player works on real ARC tasks in an editor with two layers.

    python -m tools.recorders.arctraj OUT.csv --tasks ARC_TASKS_FOLDER --rows 10000 --seed 0

Nobody played them: they are for tests and benchmarks, matched to the real rows in what costs time (length, sizes of grids,
floating cells, mix of operations). Every rule of the editor and everything that is odd about real rows is in a few thousand
of them: `arctraj_cases` lists and counts it. Replayed from the start they all end in the grid that was handed in; their undo
follows a stack of states. What can't be taken or joined (`--odd`) stands in rows of its own.

Without a folder of tasks they are played on drawn ones (`arctraj_tasks`), which are written beside the file.
"""

from __future__ import annotations

import argparse
import csv
import random
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import accumulate, count
from pathlib import Path
from typing import Any

import orjson

from .arctraj_odd_rows import with_odd_rows
from .arctraj_player import Player
from .arctraj_tasks import MadeTask, drawn_tasks, made_tasks, write_tasks
from .o2arc_editor import Action, Cells, Editor, Grid, State, record

HUB = ("logId", "userId", "taskId", "actionSequence", "startedAt", "endedAt")
SCORED = (*HUB, "score")
RAW = ("id", "startedAt", "endedAt", "userId", "taskId", "actionSequence", "parsed_trajectory")

_EPOCH = datetime(2024, 2, 15)
_LONGEST = 225
_MISSING_IDS = frozenset({73, 76})
_PEOPLE = (*range(1, 7), *(7 + n * 154 // 94 for n in range(95)))
_ROWS_OF_PEOPLE = list(accumulate((1673, 1270, 948, 762, 612, 607, *[4798 / 95] * 95)))
"""101 people with ids up to 161, of whom six made 55 % of the rows."""


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
        """Its row, by the names of all layouts; `number` is the task of the older export."""
        entries = self.actions() if actions is None else actions
        return {
            "logId": str(self.log_id),
            "id": str(self.log_id),
            "userId": str(self.user),
            "taskId": self.task.task_id,
            "number": str(self.task.number),
            "actionSequence": orjson.dumps(entries).decode(),
            "startedAt": _naive(self.began),
            "endedAt": _naive(self.ended),
            "score": str(max(0, 90_000 - 500 * len(entries))) if self.solved else "0",
            "parsed_trajectory": "[]",
        }


def made_traces(tasks: Sequence[MadeTask], number: int, seed: int = 0) -> Iterator[MadeTrace]:
    """`number` traces in order of id; the same seed gives the same ones.

    Two of five are another attempt of somebody at the same task, and one of those the same actions over again. Ids are not
    in order of time, and two are missing, as with the real ones.
    """
    dice = random.Random(seed)
    weights = list(accumulate(1 / (700 + len(task.start) * len(task.start[0])) for task in tasks))
    ids = (log_id for log_id in count(1) if log_id not in _MISSING_IDS)
    clock = _EPOCH
    lately: deque[MadeTrace] = deque(maxlen=8)
    for _ in range(number):
        clock += timedelta(milliseconds=int(dice.expovariate(1 / 1_000_000)))
        again = lately[int(dice.random() * len(lately))] if lately and dice.random() < 0.4 else None
        (task,) = (again.task,) if again else dice.choices(tasks, cum_weights=weights)
        if again is not None and dice.random() < 0.11:
            trace = MadeTrace(next(ids), task, again.script, again.states, again.clips, again.start)
        else:
            trace = _played(dice, task, next(ids))
        trace.user = again.user if again else dice.choices(_PEOPLE, cum_weights=_ROWS_OF_PEOPLE)[0]
        _stamp(dice, trace, clock - timedelta(hours=dice.random() < 0.05))
        lately.append(trace)
        yield trace


def _played(dice: random.Random, task: MadeTask, log_id: int) -> MadeTrace:
    kind = dice.random()
    if kind < 0.0114:
        player = Player(dice, task, [[0] * 5] * 5 if dice.random() < 0.15 else None)  # a page that had not come up
        player.submit()
    elif kind < 0.053:
        player = Player(dice, task)
        player.script_paster()
    else:
        player = Player(dice, task)
        player.play(min(_LONGEST, max(1, round(dice.lognormvariate(2.475, 0.857)))))
    return MadeTrace(log_id, task, player.script, player.editor.shown, player.editor.clips, player.start)


def _stamp(dice: random.Random, trace: MadeTrace, began: datetime) -> None:
    """When the attempt began, each of its actions came, and it ended. Somebody in 150 leaves the page open meanwhile."""
    idle = max(0, int((1.3 * dice.random() - 0.3) * len(trace.script))) if dice.random() < 0.0065 else -1
    trace.began = began
    after = int(dice.random() * 5800)
    for step, action in enumerate(trace.script):
        after += 1 + int(dice.random() * 18) if action.quick else int(dice.lognormvariate(6.7, 1.0))
        if step == idle:
            after += 1000 * min(170_000, int(600 * dice.paretovariate(0.9)))
        trace.stamps.append(f"{_milliseconds(began, after)}Z")
    trace.ended = began + timedelta(milliseconds=after + 5 + int(dice.random() * 400))


def _milliseconds(began: datetime, after: int) -> str:
    return (began + timedelta(milliseconds=after)).isoformat(timespec="milliseconds")


def _naive(time: datetime) -> str:
    return time.isoformat(" ", timespec="milliseconds")


def write_rows(path: Path, rows: Iterator[dict[str, str]], columns: Sequence[str] = HUB) -> int:
    """Write rows as a CSV file in one of the layouts; returns how many. The older export counts its tasks."""
    number = 0
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow(row if columns[0] == "logId" else row | {"taskId": row["number"]})
            number += 1
    return number


def main(arguments: list[str] | None = None) -> None:
    """Write a file of made traces."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.recorders.arctraj", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path, help="the CSV file")
    parser.add_argument("--tasks", type=Path, help="folder of ARC-AGI-1's training tasks (default: drawn ones, OUT.tasks)")
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--layout", choices=("hub", "scored", "raw"), default="hub")
    parser.add_argument("--odd", action="store_true", help="also rows that can't be taken or joined, as real files have them")
    given = parser.parse_args(arguments)
    tasks = made_tasks(given.tasks) if given.tasks else drawn_tasks()
    if not tasks:
        parser.error(f"{given.tasks} holds no task: name a folder with ARC-AGI-1's training tasks, <name>.json")
    if not given.tasks:
        write_tasks(given.out.with_suffix(".tasks"), tasks)
    rows = (trace.row() for trace in made_traces(tasks, given.rows, given.seed))
    columns = {"hub": HUB, "scored": SCORED, "raw": RAW}[given.layout]
    print(f"{write_rows(given.out, with_odd_rows(rows, given.seed) if given.odd else rows, columns)} rows in {given.out}")


if __name__ == "__main__":
    main()


__all__ = ["HUB", "RAW", "SCORED", "MadeTask", "MadeTrace", "drawn_tasks", "made_tasks", "made_traces", "write_rows"]
