"""The `arctraj` reader on made rows with all that is odd about real ones: what was put in is what it notes, no more, no less."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.annotators.arc.made_tasks import small_tasks
from tools.recorders.arctraj import HUB, RAW, made_traces, write_rows
from tools.recorders.arctraj_cases import count_cases
from tools.recorders.arctraj_odd_rows import with_odd_rows
from tools.recorders.arctraj_tasks import made_tasks, write_tasks

Read = Callable[..., tuple[Any, Counter[str]]]


@pytest.fixture
def read_made(read_source: Callable[..., Any], tmp_path: Path) -> Read:
    """What the reader makes of made rows in a layout, and what was put into them."""

    def read(columns: tuple[str, ...]) -> tuple[Any, Counter[str]]:
        write_tasks(tmp_path / "tasks", small_tasks(400))
        tasks = made_tasks(tmp_path / "tasks")
        rows = list(with_odd_rows(trace.row() for trace in made_traces(tasks, 600, seed=5)))
        path = tmp_path / "made.csv"
        write_rows(path, iter(rows), columns)
        put_in = count_cases(rows, tasks)
        put_in["rows"] = len(rows)
        return read_source("arctraj", path, tasks=str(tmp_path / "tasks")), put_in

    return read


def test_what_was_put_in_is_noted_and_nothing_else_is_lost(read_made: Read) -> None:
    found, put_in = read_made(HUB)
    notes = Counter[str]()
    for trajectory_id in found.trajectories:
        (header,) = found.rows(trajectory_id, "trajectories")
        if header["task_id"] == "ffff0000":
            continue
        for name, note in json.loads(header["completeness"] or "{}").items():
            notes[name] += 1 if isinstance(note, str) or name in ("orphan_paste", "page_not_loaded") else len(note["steps"])

    assert Counter(reject.code for reject in found.rejects) == {
        "actions_invalid": put_in["no JSON"],
        "task_missing": put_in["no task"],
    }
    assert len(found.trajectories) == put_in["rows"] - len(found.rejects)
    assert notes == {
        "orphan_paste": put_in["an orphan paste"],
        "page_not_loaded": put_in["nothing but a submit of a page that had not come up"],
        "cells_doubled": put_in["Paste, a cell twice"],
        "cells_without_place": _all(put_in, "cells without a place") + put_in["Paste to nowhere"],
        "cells_outside": sum(_all(put_in, f"{name}, cells outside") for name in ("SelectGrid", "SelectCell", "Paint", "Copy")),
    }
    assert min(notes.values()) > 0


def _all(put_in: Counter[str], ending: str) -> int:
    return sum(number for name, number in put_in.items() if name.endswith(ending))


def test_the_older_export_says_the_same(read_made: Read) -> None:
    hub, _ = read_made(HUB)
    raw, put_in = read_made(RAW)
    codes = Counter(reject.code for reject in raw.rejects)

    assert codes == {
        "actions_invalid": put_in["no JSON"],
        "task_missing": put_in["no task"],
        "task_number": put_in["a task that is not in the table"],
    }
    for trajectory_id in raw.trajectories:
        assert raw.trajectories[trajectory_id]["arc_steps"].equals(hub.trajectories[trajectory_id]["arc_steps"])
