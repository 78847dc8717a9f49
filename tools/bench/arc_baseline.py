"""The baseline of `tools.bench.arc_speed`: ARCTraj as the one public converter writes it, from a description of its output.

    python -m tools.bench.arc_baseline TRACES.csv ARC_TASKS_FOLDER OUT.pickle

Per trajectory, of T operations: `states`, `next_states` (T x 30 x 30 int32, -1 outside the grid), `state_masks`,
`next_state_masks`, `selections` (T x 30 x 30 bool), `actions` (T int32: ids of JaxARC), `rewards` (T float32: the gain in
similarity to the answer), `grid_hs`, `grid_ws` (T int32), and `task_id`, `log_id`, `success`, `has_orphan_paste`. All of
it is one list in one pickle. A record's `grid` is taken for the state, without what floats over it; selections, undo and
redo are no operations of their own; nothing is replayed; the last next state is the answer, as there.
"""

from __future__ import annotations

import csv
import json
import pickle
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

SIDE = 30

_MOVES = {"up": 20, "down": 21, "left": 22, "right": 23}
_TURNS = {"clockwise": 24, "counterclockwise": 25}
_FLIPS = {"horizontal": 26, "vertical": 27}
_SELECTIONS = frozenset({"SelectGrid", "SelectCell", "SelectObject", "Undo", "Redo"})

Cells = npt.NDArray[np.int32]


def convert(traces: Path, tasks: Path, out: Path) -> int:
    """Convert a file; returns the trajectories."""
    answers = {path.stem: _outputs(path) for path in sorted(tasks.glob("*.json"))}
    found = list(trajectories(traces, answers))
    with out.open("wb") as file:
        pickle.dump(found, file, protocol=pickle.HIGHEST_PROTOCOL)
    return len(found)


def trajectories(traces: Path, answers: dict[str, list[Cells]]) -> Iterator[dict[str, Any]]:
    """The trajectories of a CSV file; rows without a task, or that are not JSON, are left out."""
    csv.field_size_limit(2**31 - 1)
    with traces.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            try:
                actions = json.loads(row["actionSequence"])
            except json.JSONDecodeError:
                continue
            if row["taskId"]:
                yield trajectory(row, actions, answers.get(row["taskId"], []))


def trajectory(row: dict[str, str], actions: Sequence[dict[str, Any]], answers: Sequence[Cells]) -> dict[str, Any]:
    """One trajectory, padded."""
    operations = [action for action in actions if action["operation"] not in _SELECTIONS]
    grids = [np.array(action["grid"], np.int32) for action in operations]
    last = np.array(actions[-1]["grid"], np.int32)
    following = [*grids[1:], answers[0] if answers else last]
    states, state_masks = _padded(grids)
    next_states, next_masks = _padded(following)
    near = [_similarity(grid, answers[0]) if answers else 0.0 for grid in (*grids, following[-1])]
    return {
        "states": states,
        "next_states": next_states,
        "state_masks": state_masks,
        "next_state_masks": next_masks,
        "selections": _selections(operations),
        "actions": np.array([_number(action) for action in operations], np.int32),
        "rewards": np.diff(np.array(near, np.float32)),
        "grid_hs": np.array([grid.shape[0] for grid in grids], np.int32),
        "grid_ws": np.array([grid.shape[1] for grid in grids], np.int32),
        "task_id": row["taskId"],
        "log_id": int(row["logId"]),
        "success": any(np.array_equal(last, answer) for answer in answers),
        "has_orphan_paste": _orphan(operations),
    }


def _padded(grids: Sequence[Cells]) -> tuple[Cells, npt.NDArray[np.bool_]]:
    cells = np.full((len(grids), SIDE, SIDE), -1, np.int32)
    for place, grid in enumerate(grids):
        cells[place, : grid.shape[0], : grid.shape[1]] = grid
    return cells, cells >= 0


def _selections(operations: Sequence[dict[str, Any]]) -> npt.NDArray[np.bool_]:
    chosen = np.zeros((len(operations), SIDE, SIDE), np.bool_)
    for place, action in enumerate(operations):
        for cell in action["object"]:
            x, y = cell["x"], cell["y"]
            if x is not None and y is not None and 0 <= x < SIDE and 0 <= y < SIDE:
                chosen[place, y, x] = True
    return chosen


def _number(action: dict[str, Any]) -> int:
    """The operation's id, as JaxARC counts."""
    match action["operation"]:
        case "Paint":
            return int(action["color"])
        case "Move":
            return _MOVES[action["direction"]]
        case "Rotate":
            return _TURNS[action["direction"]]
        case "Flip":
            return _FLIPS[action["direction"]]
        case name:
            return {"Copy": 28, "Paste": 29, "ResizeGrid": 33, "Submit": 34}[name]


def _similarity(grid: Cells, answer: Cells) -> float:
    rows, columns = min(grid.shape[0], answer.shape[0]), min(grid.shape[1], answer.shape[1])
    agree = np.count_nonzero(grid[:rows, :columns] == answer[:rows, :columns])
    return float(agree / max(grid.size, answer.size))


def _orphan(operations: Sequence[dict[str, Any]]) -> bool:
    names = [action["operation"] for action in operations]
    return "Paste" in names and "Copy" not in names[: names.index("Paste")]


def _outputs(path: Path) -> list[Cells]:
    return [np.array(test["output"], np.int32) for test in json.loads(path.read_text())["test"]]


if __name__ == "__main__":
    print(convert(*map(Path, sys.argv[1:])))
