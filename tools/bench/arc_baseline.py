"""The baseline of `tools.bench.arc_speed`: ARCTraj as the one public converter writes it, from a description of its output.

    python -m tools.bench.arc_baseline TRACES.csv ARC_TASKS_FOLDER OUT.pickle

Per trajectory, of T operations: `states`, `next_states` (T x 30 x 30 int32, -1 outside the grid), `state_masks`,
`next_state_masks`, `selections` (T x 30 x 30 bool), `actions` (T int32: ids of JaxARC), `rewards` (T float32: the gain in
similarity to the answer), `grid_hs`, `grid_ws` (T int32), and `task_id`, `log_id`, `success`, `has_orphan_paste`. All of
it is one list in one pickle. A record's `grid` is taken for the state, without what floats over it; selections, undo and
redo are no operations of their own; nothing is replayed; the last next state is the answer, as there. All rows are parsed,
then converted: that is what the 1.55 GB say which were measured for 9,110 real rows.
"""

from __future__ import annotations

import csv
import json
import pickle
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

SIDE = 30

_MOVES = {"up": 20, "down": 21, "left": 22, "right": 23}
_TURNS = {"clockwise": 24, "counterclockwise": 25}
_FLIPS = {"horizontal": 26, "vertical": 27}
_SELECTIONS = frozenset({"SelectGrid", "SelectCell", "SelectObject", "Undo", "Redo"})

_COLUMNS: dict[str, type[np.generic]] = {
    "states": np.int32,
    "next_states": np.int32,
    "state_masks": np.bool_,
    "next_state_masks": np.bool_,
    "selections": np.bool_,
    "actions": np.int32,
    "rewards": np.float32,
    "grid_hs": np.int32,
    "grid_ws": np.int32,
}

Cells = npt.NDArray[np.int32]


def convert(traces: Path, tasks: Path, out: Path) -> int:
    """Convert a file; returns the trajectories."""
    answers = {path.stem: _outputs(path) for path in sorted(tasks.glob("*.json"))}
    rows = parsed(traces)
    found = [trajectory(row, actions, answers.get(row["taskId"], [])) for row, actions in rows]
    with out.open("wb") as file:
        pickle.dump(found, file, protocol=pickle.HIGHEST_PROTOCOL)
    return len(found)


def parsed(traces: Path) -> list[tuple[dict[str, str], list[dict[str, Any]]]]:
    """The rows of a CSV file with their actions; those without a task, or that are not JSON, are left out."""
    csv.field_size_limit(2**31 - 1)
    found = []
    with traces.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            try:
                actions = json.loads(row["actionSequence"])
            except json.JSONDecodeError:
                continue
            if row["taskId"]:
                found.append((row, actions))
    return found


def trajectory(row: dict[str, str], actions: Sequence[dict[str, Any]], answers: Sequence[Cells]) -> dict[str, Any]:
    """One trajectory: each operation with its state and the next, padded."""
    operations = [action for action in actions if action["operation"] not in _SELECTIONS]
    last = np.array(actions[-1]["grid"], np.int32)
    target = answers[0] if answers else last
    columns: dict[str, list[Any]] = {name: [] for name in _COLUMNS}
    for place, action in enumerate(operations):
        state = np.array(action["grid"], np.int32)
        following = np.array(operations[place + 1]["grid"], np.int32) if place + 1 < len(operations) else target
        columns["states"].append(_padded(state))
        columns["next_states"].append(_padded(following))
        columns["state_masks"].append(columns["states"][-1] >= 0)
        columns["next_state_masks"].append(columns["next_states"][-1] >= 0)
        columns["selections"].append(_selection(action))
        columns["actions"].append(_number(action))
        columns["rewards"].append(_similarity(following, target) - _similarity(state, target))
        columns["grid_hs"].append(state.shape[0])
        columns["grid_ws"].append(state.shape[1])
    return {
        **{name: np.array(values, _COLUMNS[name]) for name, values in columns.items()},
        "task_id": row["taskId"],
        "log_id": int(row["logId"]),
        "success": any(np.array_equal(last, answer) for answer in answers),
        "has_orphan_paste": _orphan(operations),
    }


def _padded(grid: Cells) -> Cells:
    cells = np.full((SIDE, SIDE), -1, np.int32)
    cells[: grid.shape[0], : grid.shape[1]] = grid
    return cells


def _selection(action: dict[str, Any]) -> npt.NDArray[np.bool_]:
    chosen = np.zeros((SIDE, SIDE), np.bool_)
    for cell in action["object"]:
        x, y = cell["x"], cell["y"]
        if x is not None and y is not None and 0 <= x < SIDE and 0 <= y < SIDE:
            chosen[y, x] = True
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
