"""One row per robot episode, with its signals as lists."""

from __future__ import annotations

import pyarrow as pa

from pipelines.release.views import ViewTables, run_offsets, view_schema
from schemas.arrow import table_from_columns

BASE = "robot_steps"
NEEDS = {
    "robot_steps": ("trajectory_id", "step", "timestamp", "state", "action"),
    "trajectories": ("trajectory_id", "task_id", "instruction", "success", "fps", "num_steps"),
}


def derive(given: ViewTables) -> pa.Table:
    """Lists are cut from the flat columns; no value is touched."""
    steps = given.tables["robot_steps"]
    ids, offsets = run_offsets(steps["trajectory_id"])
    headers = given.headers()
    columns = {name: [headers[i][name] for i in ids] for name in NEEDS["trajectories"]}
    bounds = pa.array(offsets, pa.int32())
    lists = {
        name: pa.ListArray.from_arrays(bounds, steps[column].combine_chunks())
        for name, column in (("timestamps", "timestamp"), ("states", "state"), ("actions", "action"))
    }
    return table_from_columns(view_schema("robot_trajectories"), {**columns, **lists}, len(ids))
