"""One row per robot step, one column per layer."""

from __future__ import annotations

import pyarrow as pa

from pipelines.release.current import per_step
from pipelines.release.views import ViewTables, run_lengths, view_schema
from schemas.arrow import table_from_columns
from schemas.views import VIEWS

BASE = "robot_steps"
NEEDS = {"robot_steps": ("trajectory_id", "step")}


def derive(given: ViewTables) -> pa.Table:
    """Exactly as many rows as `robot_steps`, in its order; no key, so that the two stand side by side."""
    steps = given.tables["robot_steps"]
    lengths = run_lengths(steps["trajectory_id"])
    columns = {}
    for layer, view_column in VIEWS["robot_labels"].layer_columns:
        values = per_step(given.layers[layer.name], view_column.value, lengths)
        columns[view_column.column.name] = [value for i in lengths for value in values[i]]
    return table_from_columns(view_schema("robot_labels"), columns, steps.num_rows)
