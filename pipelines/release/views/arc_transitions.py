"""ARC steps as transitions."""

from __future__ import annotations

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.release.current import per_step
from pipelines.release.views import ViewTables, run_lengths, view_schema
from schemas.arrow import table_from_columns
from schemas.views import VIEWS

BASE = "arc_steps"
NEEDS = {
    "arc_steps": (
        "trajectory_id", "step", "action_kind", "action_name", "action_args", "task_id", "test_index", "grid_before", "grid_after",
        "selection",
    ),
}  # fmt: skip


def derive(given: ViewTables) -> pa.Table:
    """Every editor action whose grids are known. `reward` is 1 on a submit that its source found right."""
    steps = given.tables["arc_steps"]
    lengths = run_lengths(steps["trajectory_id"])
    keep = pc.and_(
        pc.equal(steps["action_kind"], "grid_op").fill_null(False),
        pc.and_(steps["grid_before"].is_valid(), steps["grid_after"].is_valid()),
    )
    labels = {}
    for layer, view_column in VIEWS["arc_transitions"].layer_columns:
        values = per_step(given.layers[layer.name], view_column.value, lengths)
        column = pa.array([value for i in lengths for value in values[i]], view_column.column.arrow)
        labels[view_column.column.name] = column.filter(keep.combine_chunks())
    kept = steps.filter(keep)
    owners = kept["trajectory_id"].to_pylist()
    arguments = [orjson.loads(text) if text else {} for text in kept["action_args"].cast(pa.string()).to_pylist()]
    columns = {
        **{name: kept[name] for name in ("trajectory_id", "step", "task_id", "test_index", "selection")},
        "state": kept["grid_before"],
        "next_state": kept["grid_after"],
        "operation": kept["action_name"],
        "arguments": kept["action_args"],
        "reward": [1.0 if argument.get("correct") is True else 0.0 for argument in arguments],
        "done": [i + 1 == len(owners) or owners[i + 1] != owner for i, owner in enumerate(owners)],
        **labels,
    }
    return table_from_columns(view_schema("arc_transitions"), columns, kept.num_rows)
