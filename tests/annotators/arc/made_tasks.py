"""Small tasks of our own for made ARCTraj traces, and the traces as the replay reads them."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from itertools import chain

import pyarrow as pa

from annotators.arc.layered import LayeredTrace, layered_traces
from annotators.arc.layered_replay import LayeredVerdicts, replay_layers
from pipelines.formats.arc.arctraj_batch import KnownTasks, batch_of
from pipelines.formats.arc.arctraj_rows import Rows
from tools.recorders.arctraj import MadeTask, MadeTrace
from tools.recorders.o2arc_editor import Grid


def small_tasks(number: int = 12, seed: int = 0) -> list[MadeTask]:
    """Random grids with a frame of zeros that a player can reach."""
    dice = random.Random(seed)

    def grid(height: int, width: int) -> Grid:
        return [[dice.choice([0, 0, 0, dice.randint(1, 9)]) for _ in range(width)] for _ in range(height)]

    tasks = []
    for n in range(number):
        start = grid(dice.randint(2, 9), dice.randint(2, 9))
        tasks.append(MadeTask(f"{n:08x}", start, grid(dice.randint(2, 6), dice.randint(2, 6))))
    return tasks


def read(rows: Sequence[dict[str, str]], tasks: Iterable[MadeTask]) -> list[LayeredTrace]:
    """Rows as the reader makes them and the replay takes them up."""
    known = {t.task_id: (bytes(chain.from_iterable(t.start)), len(t.start), len(t.start[0])) for t in tasks}
    columns = {name: [row[name] for row in rows] for name in ("logId", "userId", "taskId", "startedAt", "endedAt")}
    actions = [row["actionSequence"].encode() for row in rows]
    table = Rows(*(columns[n] for n in ("logId", "userId", "taskId")), actions, columns["startedAt"], columns["endedAt"], None)
    batch, refused = batch_of(table, KnownTasks(sorted(known), known), "human")
    assert not refused
    assert batch is not None
    steps = pa.table(dict(batch.steps))
    return list(layered_traces(steps, batch.lengths, [False] * len(rows)))


def verdicts(traces: Sequence[MadeTrace], rows: Sequence[dict[str, str]] | None = None) -> list[LayeredVerdicts]:
    """What the replay says of made traces, or of other rows for them."""
    tasks = {trace.task.task_id: trace.task for trace in traces}
    return [replay_layers(one) for one in read([t.row() for t in traces] if rows is None else rows, tasks.values())]
