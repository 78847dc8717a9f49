"""Pairs of actions from one ARC state, from the ranked candidates of `step_preference`: the best against each worse one.

`state` is the grid of the row's own trajectory; the grids that the actions led to belong to the trajectories that took them,
which may lie in other files: `chosen_action` and `rejected_action` name the rows of `arc_transitions` that hold them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson
import pyarrow as pa

from pipelines.release.views import ViewTables, run_offsets, view_schema
from schemas.arrow import table_from_columns
from schemas.views import VIEWS

BASE = "choices"
LAYERS = ("step_preference",)
NEEDS = {"arc_steps": ("trajectory_id", "step", "task_id", "test_index", "grid_before")}


def derive(given: ViewTables) -> pa.Table:
    """A row per pair whose values differ."""
    steps = given.tables["arc_steps"]
    first = dict(zip(*_starts(steps), strict=True))
    pairs = [pair for row in given.layers["step_preference"].to_pylist() for pair in _pairs(row)]
    at = pa.array([first[pair["trajectory_id"]] + pair["step"] for pair in pairs], pa.int64())
    joined = steps.take(at)
    said = [column.name for column in VIEWS["arc_preferences"].columns if column.name not in ("state", "task_id", "test_index")]
    columns = {
        **{name: [pair[name] for pair in pairs] for name in said},
        "task_id": joined["task_id"],
        "test_index": joined["test_index"],
        "state": joined["grid_before"],
    }
    return table_from_columns(view_schema("arc_preferences"), columns, len(pairs))


def _starts(steps: pa.Table) -> tuple[list[str], list[int]]:
    """Trajectories, and the row of the first step of each."""
    ids, offsets = run_offsets(steps["trajectory_id"])
    return ids, offsets[:-1].tolist()


def _pairs(row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    best, *others = sorted(row["candidates"], key=lambda candidate: candidate["rank"])
    for worse in others:
        if worse["reward_mean"] < best["reward_mean"]:
            yield {
                "trajectory_id": row["trajectory_id"],
                "step": row["start"],
                "margin": best["reward_mean"] - worse["reward_mean"],
                **_side("chosen", best),
                **_side("rejected", worse),
            }


def _side(name: str, candidate: Mapping[str, Any]) -> dict[str, Any]:
    action = orjson.loads(candidate["action"])
    return {
        name: action.pop("operation"),
        f"{name}_action": action,
        f"{name}_value": candidate["reward_mean"],
        f"{name}_n": candidate["n"],
    }
