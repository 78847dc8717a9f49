"""`statistics.json`: of the numbers of `robot_steps`, by split and source, the same however a release is cut into parts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.release.step_statistics import part_statistics, release_statistics

LISTS = pa.list_(pa.float32())


def steps(name: str, states: list[list[float | None] | None], **further: pa.Array) -> pa.Table:
    rows = len(states)
    columns = {"trajectory_id": pa.array([name] * rows), "step": pa.array(range(rows), pa.int32())}
    columns |= {"frames": pa.array([[0]] * rows), "action_name": pa.array(["x"] * rows)}
    return pa.table({**columns, "state": pa.array(states, LISTS), **further})


def said(*parts: tuple[str, pa.Table]) -> dict:
    data = release_statistics((split, part_statistics(table)) for split, table in parts)
    assert data is not None
    return json.loads(data)["splits"]


def test_splits_and_sources_stand_apart_and_parts_together():
    lift = [steps(f"lift/{i}", [[float(i + j), 1.0] for j in range(5)]) for i in range(3)]
    other = steps("arm-2/0", [[9.0] * 3] * 4)
    found = said(("train", pa.concat_tables([other, lift[0]])), ("train", lift[1]), ("test", lift[2]))
    assert {split: sorted(of) for split, of in found.items()} == {"train": ["arm-2", "lift"], "test": ["lift"]}
    state = found["train"]["lift"]["state"]
    assert (state["rows"], state["count"], state["min"], state["max"]) == (10, [10, 10], [0, 1], [5, 1])
    assert state["mean"] == [2.5, 1]
    assert state["std"] == pytest.approx([np.std([0, 1, 2, 3, 4, 1, 2, 3, 4, 5]), 0])
    assert (state["q50"], state["quantile_rank_error"]) == ([2.5, 1], [0, 0])
    assert found["train"]["arm-2"]["state"]["mean"] == [9, 9, 9]
    assert list(found["train"]["lift"]) == ["state"]  # neither keys nor frames nor words


def test_nulls_and_what_is_no_number_are_counted_and_several_lengths_are_said():
    table = steps(
        "s/0",
        [[1.0, float("nan")], None, [3.0, float("inf")], [5.0, None]],
        grip=pa.array([None, 1, 2, 3], pa.int64()),
        ragged=pa.array([[1.0], [1.0, 2.0], None, []], LISTS),
        nothing=pa.array([None] * 4, LISTS),
    )
    found = said(("train", table))["train"]["s"]
    state = found["state"]
    assert (state["rows"], state["count"], state["nan"], state["inf"]) == (4, [3, 0], [0, 2], [0, 1])
    assert (state["mean"], state["q99"][1]) == ([3, None], None)
    assert found["grip"]["count"] == [3]
    assert found["ragged"] == {"rows": 4, "several_lengths": True}
    assert "nothing" not in found
    longer = said(("train", steps("s/0", [[1.0]])), ("train", steps("s/1", [[1.0, 2.0]])))
    assert longer["train"]["s"]["state"] == {"rows": 2, "several_lengths": True}
    assert release_statistics([]) is None


def test_large_parts_merge_within_the_error_that_is_stated():
    random = np.random.default_rng(2)
    values = random.pareto(0.8, 30_000).astype(np.float32)
    parts = [steps(f"s/{i:02d}", [[float(v)] for v in chunk]) for i, chunk in enumerate(np.array_split(values, 5))]
    state = said(*(("train", part) for part in parts))["train"]["s"]["state"]
    ordered = np.sort(values)
    (error,) = state["quantile_rank_error"]
    assert 0 < error < 0.002
    for name, share in (("q01", 0.01), ("q50", 0.5), ("q99", 0.99)):
        off = abs(np.searchsorted(ordered, state[name][0]) / len(values) - share)
        assert off <= error + 2 / len(values), name
    assert state["mean"][0] == pytest.approx(float(values.astype(np.float64).mean()), rel=1e-12)


def test_a_release_carries_them(quickstart: Path):
    release = quickstart / "release"
    found = json.loads((release / "statistics.json").read_text())["splits"]
    assert "statistics.json" in (release / "MANIFEST.sha256").read_text()
    for split, sources in found.items():
        table = pa.concat_tables([pq.read_table(path) for path in sorted(release.glob(f"robot_steps/{split}-*.parquet"))])
        for source, columns in sources.items():
            own = table.filter(pa.array([i.startswith(f"{source}/") for i in table["trajectory_id"].to_pylist()]))
            for name in ("state", "action"):
                values = np.asarray(own[name].to_pylist(), np.float64)
                for quantity, exact in (("min", values.min(0)), ("mean", values.mean(0)), ("std", values.std(0))):
                    assert columns[name][quantity] == pytest.approx(exact, rel=1e-9, abs=1e-12), (split, name, quantity)
    assert not (release / "statistics").exists()
