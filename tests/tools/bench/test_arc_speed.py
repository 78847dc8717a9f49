"""The benchmark of ARC traces measures what it says: both sides take all rows, and the baseline writes the known format."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from tests.annotators.arc.made_tasks import small_tasks
from tools.bench.arc_baseline import SIDE, convert
from tools.bench.arc_speed import ANNOTATORS, measure_ours
from tools.recorders.arctraj import made_traces, write_rows

ROWS = 12


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("rows")
    tasks = small_tasks(4, seed=1)
    write_rows(place / "rows.csv", (trace.row() for trace in made_traces(tasks, ROWS, seed=2)))
    (place / "tasks").mkdir()
    for task in tasks:
        pairs = {"train": [], "test": [{"input": task.start, "output": task.answer}]}
        (place / "tasks" / f"{task.task_id}.json").write_text(json.dumps(pairs))
    return place


def test_the_baseline_writes_padded_states(folder: Path) -> None:
    assert convert(folder / "rows.csv", folder / "tasks", folder / "out.pickle") == ROWS
    found = pickle.loads((folder / "out.pickle").read_bytes())
    for one in found:
        steps = len(one["actions"])
        assert one["actions"][-1] == 34  # submit
        for name, dtype in (("states", "int32"), ("next_states", "int32"), ("state_masks", "bool"), ("selections", "bool")):
            assert (one[name].shape, one[name].dtype) == ((steps, SIDE, SIDE), np.dtype(dtype))
        assert ((one["states"] >= 0) == one["state_masks"]).all()
        assert (one["state_masks"].sum(axis=(1, 2)) == one["grid_hs"] * one["grid_ws"]).all()
    assert {one["success"] for one in found} == {True, False}


def test_ours_takes_every_row_through_every_annotator(folder: Path) -> None:
    cost = measure_ours(folder / "rows.csv", folder / "tasks")
    assert cost.rows == ROWS
    assert cost.of_jobs.keys() == {"ingest", "plans", *ANNOTATORS}
    assert cost.written > 0
