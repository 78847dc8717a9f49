"""The example that learns from a release learns something about tasks that it has not seen."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from pipelines.release.views import ViewTables, view_module
from schemas.arrow import columns_of, published_schema, stored_schema
from schemas.layers import layers
from schemas.views import VIEWS

from .conftest import ROOT, environment

SCRIPT = ROOT / "examples/learn/behaviour_cloning.py"
CARD = """---
configs:
- config_name: arc_transitions
  data_files: [{split: train, path: arc_transitions/train-*.parquet}, {split: test, path: arc_transitions/test-*.parquet}]
---
"""


@pytest.fixture
def learn(tmp_path: Path) -> Callable[[Path, int], tuple[float, int, float]]:
    """`learn(release, steps)`: run the script; the percent that were right, of how many, and those of the most frequent one."""

    def run(release: Path, steps: int) -> tuple[float, int, float]:
        command = [sys.executable, str(SCRIPT), str(release), str(steps)]
        env = environment(tmp_path / "home") | {"HF_HUB_OFFLINE": "1", "OPENBLAS_NUM_THREADS": "1"}
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, env=env, cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        said = r"(\S+)% of (\d+) operations on tasks never seen are right; the most frequent one: (\S+)%"
        found = re.fullmatch(said, done.stdout.strip())
        assert found is not None, done.stdout
        return float(found[1]), int(found[2]), float(found[3])

    return run


def test_it_is_short() -> None:
    assert len(SCRIPT.read_text().splitlines()) <= 30


def test_on_the_examples_it_only_prints(release: Path, learn: Callable[[Path, int], tuple[float, int, float]]) -> None:
    _, count, _ = learn(release, 20)
    test = pa.concat_tables([pq.read_table(file) for file in release.glob("arc_transitions/test-*.parquet")])
    assert count == test.num_rows - test["arcle_operation"].null_count


def test_it_beats_the_most_frequent_operation_on_tasks_that_it_has_not_seen(
    shared_data: Path, read_source: Any, tmp_path: Path, learn: Callable[[Path, int], tuple[float, int, float]]
) -> None:
    """300 histories; every fifth task is held out. A minute of training is not needed to see it."""
    source = read_source("braingridgame", shared_data / "arc/braingridgame_history")
    empty = {name: stored_schema(layer.kind, columns_of(layer.kind)).empty_table() for name, layer in layers().items()}
    tables = {name: source.table(name).combine_chunks() for name in ("arc_steps", "trajectories")}
    found = view_module("arc_transitions").derive(ViewTables(tables, empty))
    known = found.filter(found["arcle_operation"].is_valid())["operation"].to_pylist()
    assert known.count("draw") / len(known) == pytest.approx(0.65, abs=0.01)
    tasks = sorted(set(found["task_id"].to_pylist()) - {None})
    held_out = pc.is_in(found["task_id"], value_set=pa.array(tasks[::5]))
    schema = published_schema("arc_transitions", VIEWS["arc_transitions"].columns)
    (tmp_path / "release/arc_transitions").mkdir(parents=True)
    (tmp_path / "release/README.md").write_text(CARD)
    for split, rows in (("test", found.filter(held_out)), ("train", found.filter(pc.invert(held_out)))):
        path = tmp_path / f"release/arc_transitions/{split}-00000-of-00001.parquet"
        pq.write_table(rows.replace_schema_metadata(schema.metadata), path)
    right, count, most = learn(tmp_path / "release", 400)
    assert count > 500
    assert right > most + 5
