"""What `arc.success` found stands in the published rows of `trajectories`; what it could not know is flagged there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.pipelines.sources import arctraj_rows as rows

RECIPE = """
sources:
  - {{name: traj, reader: arctraj, uri: rows.csv, license: cc-by-4.0, options: {{tasks: tasks}}}}
annotators: [{annotators}]
release: {{version: 0.1.0, splits: {{train: 1}}}}
"""


@pytest.fixture
def published(run_recipe: Callable[[str], Path], tmp_path: Path) -> Callable[[str], dict[str, dict[str, Any]]]:
    """The published rows of `trajectories` of four attempts: right, wrong, the answer of another test, an unknown task."""

    def publish(annotators: str) -> dict[str, dict[str, Any]]:
        rows.write_tasks(tmp_path / "tasks")
        resize = rows.action("ResizeGrid", [[2]], position={"x": 1, "y": 1})
        rows.write_csv(
            tmp_path / "rows.csv",
            [
                rows.row(1, rows.solved()),
                rows.row(2, [rows.submit(rows.START)]),
                rows.row(3, [resize, rows.submit([[2]])]),
                rows.row(4, rows.solved(), taskId="ffff0000"),
            ],
        )
        release = run_recipe(RECIPE.format(annotators=annotators))
        found: list[dict[str, Any]] = pq.read_table(release / "trajectories").to_pylist()
        return {row["native_id"]: row for row in found}

    return publish


def test_the_release_says_what_the_oracle_found(published: Callable[[str], dict[str, dict[str, Any]]]) -> None:
    found = published("arc.success, arc.replay")

    assert {name: (row["success"], row["success_by"]) for name, row in found.items()} == {
        "1": (True, "oracle:arc.success"),
        "2": (False, "oracle:arc.success"),
        "3": (False, "oracle:arc.success"),
        "4": (None, None),
    }
    assert json.loads(found["4"]["completeness"])["task_unknown"] == "no source of the recipe holds this task"
    assert found["1"]["completeness"] is None
