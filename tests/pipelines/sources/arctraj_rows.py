"""Small ARCTraj rows, written action by action, for the tests of its reader and its replay."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

HUB = ("logId", "userId", "taskId", "actionSequence", "startedAt", "endedAt")
START = [[0, 0, 0], [0, 5, 0], [0, 0, 0]]
ANSWER = [[0, 0, 0], [0, 7, 0], [0, 0, 0]]
TASK = {"train": [], "test": [{"input": START, "output": ANSWER}, {"input": [[1]], "output": [[2]]}]}


def action(operation: str, grid: Any, floating: Iterable[tuple[Any, ...]] = (), **more: Any) -> dict[str, Any]:
    """An entry: `floating` as (x, y, color)."""
    return {
        "category": "Any",
        "operation": operation,
        "grid": grid,
        "object": [{"x": x, "y": y, "color": c} for x, y, c in floating],
        "overlapped": True,
        **more,
    }


def timed(actions: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Entries with stamps a second apart, where they have none."""
    return [{"timestamp": f"2024-02-15T02:35:{number:02d}.250Z", **entry} for number, entry in enumerate(actions)]


def select(grid: Any, floating: Iterable[tuple[Any, ...]]) -> dict[str, Any]:
    return action("SelectGrid", grid, floating)


def submit(grid: Any) -> dict[str, Any]:
    return action("Submit", grid, special={"succeed": False})


def solved() -> list[dict[str, Any]]:
    """Select the 5, paint it 7, hand it in."""
    return [select([[0] * 3] * 3, [(1, 1, 5)]), action("Paint", [[0] * 3] * 3, [(1, 1, 7)], color=7), submit(ANSWER)]


def row(log_id: Any, actions: Any, **more: Any) -> dict[str, Any]:
    """A row of the Hub's layout."""
    text = actions if isinstance(actions, str) else json.dumps(timed(actions), separators=(",", ":"))
    return {
        "logId": log_id,
        "userId": 7,
        "taskId": "aaaa1111",
        "actionSequence": text,
        "startedAt": "2024-02-15 02:35:00.001",
        "endedAt": "2024-02-15 02:36:00.001",
        **more,
    }


def write_tasks(folder: Path, tasks: Mapping[str, Any] | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    for name, task in ({"aaaa1111": TASK} if tasks is None else tasks).items():
        (folder / f"{name}.json").write_text(json.dumps(task))
    return folder


def write_csv(path: Path, rows: Iterable[dict[str, Any]], columns: tuple[str, ...] = HUB) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path
