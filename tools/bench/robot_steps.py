"""Step tables as they are measured: through our ingest job, and as rows of Python dicts. `robot_formats` calls it.

python -m tools.bench.robot_steps ours|plain DATASET FOLDER REPEATS
"""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.io.store import Store
from pipelines.recipe import Recipe
from pipelines.stages.ingest import Ingest
from tools.bench.made_robot import DIMENSIONS
from tools.bench.turns import Cost, median, once


def apart(what: str, source: Path, folder: Path, repeats: int) -> Cost:
    """Median cost of one way in a process of its own, the first time not counted: imports and the child's start are no part of it."""
    command = [sys.executable, "-m", "tools.bench.robot_steps", what, str(source), str(folder), str(repeats)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return Cost(**json.loads(done.stdout.splitlines()[-1]))


def main(what: str, source: str, folder: str, repeats: str) -> None:
    """Measure one way in this process and print the median."""

    def work() -> None:
        if what == "ours":
            ingested(Path(source), Path(folder, "workspace"))
        else:
            rows_as_dicts(Path(source), Path(folder, "rows.parquet"))

    work()
    print(json.dumps(asdict(median([once(work) for _ in range(int(repeats))]))))


def ingested(source: Path, workspace: Path) -> int:
    """Every shard of a LeRobot dataset read, worked on, checked and written; the steps. The workspace is deleted."""
    one = {"name": "made", "reader": "lerobot", "uri": str(source), "license": "cc0-1.0"}
    recipe = Recipe.model_validate({"name": "bench", "license": "cc0-1.0", "workspace": str(workspace), "sources": [one]})
    job = Ingest(recipe, Store(str(workspace)))
    steps = 0
    for key in job.plan().keys:
        outcome = job.write(job.check(job.work(job.read(key))))
        if outcome.rejects:
            raise AssertionError(f"what was made is not sound: {outcome.rejects[0].message}")
        steps += outcome.counts["steps"]
    shutil.rmtree(workspace)
    return steps


def rows_as_dicts(source: Path, target: Path) -> int:
    """The plain work: rows as Python dicts, checked one by one, made into a table and written as zstd; the steps."""
    rows: list[dict[str, Any]] = []
    before: dict[str, Any] | None = None
    for path in sorted(source.glob("data/*/*.parquet")):
        for row in pq.read_table(path).to_pylist():
            _check(row, before)
            rows.append(row)
            before = row
    pq.write_table(pa.Table.from_pylist(rows), target, compression="zstd")
    return len(rows)


def _check(row: dict[str, Any], before: dict[str, Any] | None) -> None:
    """Whether a row follows the one before it and holds numbers."""
    first = before is None or before["episode_index"] != row["episode_index"]
    if row["frame_index"] != (0 if first or before is None else before["frame_index"] + 1):
        raise ValueError(f"row {row['index']} is not the next one")
    if not first and before is not None and row["timestamp"] < before["timestamp"]:
        raise ValueError(f"row {row['index']}: time goes back")
    for name in ("observation.state", "action"):
        if len(row[name]) != DIMENSIONS or not all(map(math.isfinite, row[name])):
            raise ValueError(f"row {row['index']}: {name}")


if __name__ == "__main__":
    main(*sys.argv[1:])
