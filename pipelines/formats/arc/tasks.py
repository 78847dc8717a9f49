"""ARC tasks from their JSON files, as ARC-AGI-1 and ARC-AGI-2 publish them.

    007bbfb7.json: {"train": [{"input": [[0, 7, 7], …], "output": […]}, …], "test": [{"input": …, "output": …}]}

The name of the file is the id of the task. A test without `output` (or with null) is one whose answer is not known.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.formats.arc.grids import Grid, grid_of
from pipelines.io.exact_json import exact_loads
from pipelines.io.files import list_files, read_file
from pipelines.shard import SourceFile
from pipelines.sources import Rejected

MAX_TASK_SIDE = 30
"""Rows and columns of a task's grid (ARC-AGI-1, ARC-AGI-2)."""


@dataclass(frozen=True, slots=True)
class TaskFile:
    """One parsed task: id, `demonstrations` and `tests` as (input, output); an unknown output is None."""

    task_id: str
    demonstrations: Sequence[tuple[Grid, Grid | None]]
    tests: Sequence[tuple[Grid, Grid | None]]
    extras: Mapping[str, Any]

    def row(self, collection: str | None) -> dict[str, Any]:
        """Its row of `tasks`."""
        return {
            "task_id": self.task_id,
            "domain": "arc",
            "collection": collection,
            "demonstrations": [_pair(pair) for pair in self.demonstrations],
            "tests": [_pair(pair) for pair in self.tests],
            "extras": dict(self.extras) or None,
        }


def task_of(task_id: str, data: bytes) -> TaskFile:
    """The task in a file's bytes.

    Raises Rejected: `json_invalid`, `not_a_task`, `pair_invalid`, and what `grid_of` raises; `grid_size` above 30.
    """
    try:
        document = exact_loads(data)
    except json.JSONDecodeError as error:
        message = f"{task_id}: no JSON at line {error.lineno}, column {error.colno}: {error.msg}; copy it again"
        raise Rejected("json_invalid", message, {"position": error.pos, "bytes": len(data)}) from error
    if not isinstance(document, dict) or not isinstance(document.get("test"), list) or not document["test"]:
        raise Rejected("not_a_task", f"{task_id}: no ARC task: it holds no list `test`; nothing is lost by leaving it out")
    train = document.get("train", [])
    if not isinstance(train, list):
        raise Rejected("not_a_task", f"{task_id}: `train` is no list of pairs: copy the file again")
    return TaskFile(
        task_id,
        [_grids(pair, f"{task_id}, train {i}") for i, pair in enumerate(train)],
        [_grids(pair, f"{task_id}, test {i}") for i, pair in enumerate(document["test"])],
        {key: value for key, value in document.items() if key not in ("train", "test")},
    )


def list_tasks(uri: str) -> list[SourceFile]:
    """The files of a folder of tasks (or a glob) in order of name. Raises Rejected as `list_files` does."""
    return sorted(list_files(uri, "*.json"), key=lambda file: id_of(file))


def id_of(file: SourceFile) -> str:
    """The id of the task in a file."""
    return file.name.rsplit("/", 1)[-1].removesuffix(".json")


def read_task(file: SourceFile) -> TaskFile:
    """The task of a file. Raises Rejected as `read_file` and `task_of` do."""
    return task_of(id_of(file), read_file(file))


def _grids(pair: Any, where: str) -> tuple[Grid, Grid | None]:
    if not isinstance(pair, dict) or pair.get("input") is None:
        raise Rejected("pair_invalid", f"{where} is no pair with an `input`: copy the file again")
    output = pair.get("output")
    return _grid(pair["input"], f"{where} input"), None if output is None else _grid(output, f"{where} output")


def _grid(value: Any, where: str) -> Grid:
    grid = grid_of(value, where)
    if max(grid.shape) > MAX_TASK_SIDE:
        message = f"{where}: the grid is {grid.shape[0]} x {grid.shape[1]}; the grids of a task are up to 30 x 30"
        raise Rejected("grid_size", message, {"rows": grid.shape[0], "columns": grid.shape[1]})
    return grid


def _pair(pair: tuple[Grid, Grid | None]) -> dict[str, Any]:
    given, output = pair
    return {"input": given.tolist(), "output": None if output is None else output.tolist()}
