"""Sound tables, in which each test plants one fault."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pytest

from schemas.arrow import columns_of, stored_schema, table_from_rows
from schemas.layers import layer, layers
from schemas.tables import KINDS

Row = dict[str, Any]


@dataclass
class Planted:
    """Rows by table, to be changed in place, and the tables they make."""

    rows: dict[str, list[Row]] = field(default_factory=dict)

    def row(self, table: str, at: int = 0) -> Row:
        """One row, to be changed."""
        return self.rows[table][at]

    def of(self, table: str, trajectory_id: str) -> list[Row]:
        """The rows of one trajectory."""
        return [row for row in self.rows[table] if row["trajectory_id"] == trajectory_id]

    def tables(self) -> dict[str, pa.Table]:
        """All tables, in the stored schema."""
        return {name: table_from_rows(stored_schema(name, columns_of(name)), rows) for name, rows in self.rows.items()}


def steps(trajectory_id: str, number: int, **columns: Sequence[Any]) -> list[Row]:
    own = [{name: values[i] for name, values in columns.items()} for i in range(number)]
    return [{"trajectory_id": trajectory_id, "step": i, "timestamp": i / 10} | row for i, row in enumerate(own)]


def stream(name: str, kind: str, frames: int | None) -> Row:
    return {"name": name, "kind": kind, "num_frames": frames}


@pytest.fixture
def happened() -> Planted:
    """Two robot episodes (one with two cameras, one without recorded times), an ARC trace and a screen recording."""
    grid = [[0, 1, 2], [3, 4, 15]]
    header: dict[str, Row] = {
        "r/0": {"domain": "robot", "agent_type": "human", "num_steps": 4},
        "r/1": {"domain": "robot", "agent_type": "model", "num_steps": 2},
        "a/0": {"domain": "arc", "num_steps": 3},
        "g/0": {"domain": "gui", "agent_type": "script", "num_steps": 2},
    }
    header["r/0"]["streams"] = [stream("front", "video", 8), stream("wrist", "video", 4), stream("depth", "depth", None)]
    header["g/0"]["streams"] = [stream("screen", "images", 2)]
    robot = steps(
        "r/0", 4,
        action_kind=["control"] * 3 + [None],
        state=[[0.0, 1.0], [], None, [0.5, None]],
        camera_poses=[None, [[1.0, 0.0], None], [], [None]],
        frames=[[0, 0, 0], [2, None, 1], None, [7, 3, 9]],
    )  # fmt: skip
    robot += steps("r/1", 2, action_kind=["control", None], timestamp=[None, None])
    arc = steps(
        "a/0", 3,
        action_kind=["grid_op", "grid_op", "system"],
        grid_before=[grid, [[5]], None],
        grid_after=[[[5]], grid, None],
        grids_between=[None, [grid, [[1]], grid], []],
        background=[None, None, [[0] * 100] * 100],
    )  # fmt: skip
    videos = [
        {"stream": "front", "part": 0, "num_frames": 5, "frame_timestamps": [i / 10 for i in range(5)]},
        {"stream": "front", "part": 1, "num_frames": 3, "frame_timestamps": [0.5, 0.6, 0.7]},
        {"stream": "wrist", "part": 0, "num_frames": 4, "frame_timestamps": [0.0, 0.1, 0.2, 0.3]},
    ]
    return Planted(
        {
            "trajectories": [{"trajectory_id": trajectory_id} | row for trajectory_id, row in header.items()],
            "robot_steps": robot,
            "arc_steps": arc,
            "gui_steps": steps("g/0", 2, action_kind=["gui", "speak"], timestamp=[0.0, 0.0]),
            "videos": [{"trajectory_id": "r/0"} | row for row in videos],
        }
    )


@pytest.fixture
def said() -> Planted:
    """Annotations of every kind about the trajectories `r/0` (6 steps), `a/0` (3) and `g/0` (2, of unknown length `u/0`)."""
    number = itertools.count()

    def row(kind: str, name: str, trajectory_id: str | None, start: int | None, end: int | None, **payload: Any) -> None:
        found.setdefault(kind, []).append(
            {
                "annotation_id": f"id-{next(number)}", "trajectory_id": trajectory_id, "layer": name,
                "level": layer(name).level if name in layers() else "span", "start": start, "end": end, "producer": "p",
                "producer_type": "signal", "status": "proposed", "quality": "secondary", **payload,
            }
        )  # fmt: skip

    found: dict[str, list[Row]] = {}
    for start, end, label in ((0, 2, "still"), (2, 5, "move"), (5, 6, "close")):
        row("segments", "motion", "r/0", start, end, label=label)
    row("segments", "motion", "r/0", 0, 6, label="open", producer="another")
    found["segments"][1]["parent"] = "id-0"
    row("texts", "caption", "g/0", 0, 2, steps=[0, 1], texts=["a", None])
    row("scalars", "change", "g/0", 0, 1, steps=[0], values=[None], n=None, std=[])
    found["scalars"][0]["std"] = [0.5]
    row("regions", "changed_region", "g/0", 0, 1, shape="box", label="changed", frames=[0], boxes=[[0.0, 0.0, 64.0, 48.0]])
    found["regions"][0] |= {"frame_width": 64, "frame_height": 48}
    row("regions", "target", "g/0", 1, 2, shape="box", label="any role", frames=[0, 1], boxes=[None, [1.0, 2.0, 3.0, 4.0]])
    row("regions", "target", "u/0", None, None, shape=None, boxes=None)
    row("checks", "replay", "a/0", None, None, steps=[0, 1, 2], outcomes=["exact", None, "visible"], observed=["", "", ""])
    row("checks", "noop", None, None, None, task_id="t", outcomes=None)
    found["trajectories"] = [
        {"trajectory_id": "r/0", "num_steps": 6, "domain": "robot"},
        {"trajectory_id": "a/0", "num_steps": 3, "domain": "arc"},
        {"trajectory_id": "g/0", "num_steps": 2, "domain": "gui"},
        {"trajectory_id": "u/0", "num_steps": None, "domain": "gui"},
    ]
    return Planted(found)


@pytest.fixture
def empty_tables() -> Callable[[Mapping[str, Any]], dict[str, pa.Table]]:
    """The same tables without rows, and all kinds."""

    def make(tables: Mapping[str, Any]) -> dict[str, pa.Table]:
        return {name: stored_schema(name, columns_of(name)).empty_table() for name in (*tables, *KINDS)}

    return make
