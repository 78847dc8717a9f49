"""Tasks planted for annotators of task scope: ways through grids that are named by letters, without any grid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from annotators.trajectory import TaskView, TrajectoryView
from schemas.arrow import columns_of, stored_schema, table_from_rows


def trace(name: str, way: str, **further: Any) -> TrajectoryView:
    """A trace through the states of `way`, one letter a state: `+` and `-` hand in a right or wrong answer, `?` one that nobody
    judged, a space breaks the record off. Step numbers are the places in `way`; the first letter is seen before step 1.

    `further`: `agent`, `success` of the header; `operations` and `regions`, one per letter; `test`.
    """
    rows: list[dict[str, Any]] = []
    here: str | None = None
    operations: Sequence[str] = further.get("operations") or ["draw"] * len(way)
    for step, mark in enumerate(way):
        row = {"trajectory_id": name, "step": step, "test_index": further.get("test", 0), "region": None, "correct": None}
        if mark in "+-?":
            verdict = {"+": True, "-": False, "?": None}[mark]
            rows.append(row | {"operation": "submit", "before": here, "after": here, "correct": verdict})
        elif mark == " ":
            here = None
        elif here is None:
            here = mark
            if not rows:
                rows.append(row | {"operation": "show_editor", "before": None, "after": mark})
        else:
            region = (further.get("regions") or {}).get(step)
            rows.append(row | {"operation": operations[step], "before": here, "after": mark, "region": region})
            here = mark
    header = {
        "trajectory_id": name, "domain": "arc", "task_id": "t", "num_steps": len(way), "agent": further.get("agent"),
        "success": further.get("success"),
    }  # fmt: skip
    states = table_from_rows(stored_schema("arc_states", columns_of("arc_states")), rows)
    steps = pa.table({"trajectory_id": [name] * len(way), "step": pa.array(range(len(way)), pa.int32())})
    return TrajectoryView(header, {"arc_states": states, "arc_steps": steps}, _no_media, _no_media)


def task(*traces: TrajectoryView) -> TaskView:
    return TaskView("t", traces)


def _no_media(_: str) -> Any:
    raise AssertionError("annotators of task scope read no media")
