"""Screen actions with what was visible, what was asked, and what came before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import pyarrow as pa

from pipelines.release.current import per_step
from pipelines.release.views import ViewTables, view_schema
from schemas.arrow import table_from_rows
from schemas.json_column import json_text
from schemas.views import VIEWS

BASE = "gui_steps"
NEEDS = {
    "gui_steps": (
        "trajectory_id", "step", "action_kind", "action_name", "screenshot", "frame_width", "frame_height", "scale", "point",
        "end_point", "scroll", "text", "keys", "action_args",
    ),
    "trajectories": ("trajectory_id", "instruction", "num_steps"),
}  # fmt: skip
HISTORY = 4


def derive(given: ViewTables) -> pa.Table:
    """Every action with a screenshot; `previous_actions` counts all actions of the trajectory, also those without one."""
    headers = given.headers()
    lengths = {i: header["num_steps"] for i, header in headers.items()}
    labels = {
        view_column.column.name: per_step(given.layers[layer.name], view_column.value, lengths)
        for layer, view_column in VIEWS["gui_grounding"].layer_columns
    }
    rows: list[dict[str, Any]] = []
    before: list[str] = []
    owner = ""
    for step in given.tables["gui_steps"].to_pylist():
        if step["trajectory_id"] != owner:
            owner, before = step["trajectory_id"], []
        if step["action_name"] is None:
            continue
        action = action_text(step)
        if step["screenshot"] is not None and step["action_kind"] == "gui":
            rows.append(
                {name: step[name] for name in _SAME}
                | {"instruction": headers[owner]["instruction"], "action": action, "previous_actions": before[-HISTORY:]}
                | {name: values[owner][step["step"]] for name, values in labels.items()}
            )
        before.append(action)
    return table_from_rows(view_schema("gui_grounding"), rows)


def action_text(step: Mapping[str, Any]) -> str:
    """An action as JSON text: its name and its arguments as recorded, without what would give its target away.

    Points are frame pixels.
    """
    arguments = orjson.loads(step["action_args"]) if step["action_args"] else {}
    said = {name: value for name, value in arguments.items() if name not in _GIVES_AWAY}
    said |= {name: step[name] for name in _COLUMNS if step[name] is not None}
    return json_text({"name": step["action_name"]} | said) or ""


_COLUMNS = ("point", "end_point", "scroll", "text", "keys")
_GIVES_AWAY = ("box", "end_box", "selector", "role", "name", "page", "error")
_SAME = (
    "trajectory_id", "step", "screenshot", "action_name", "point", "frame_width", "frame_height", "scale",
)  # fmt: skip
