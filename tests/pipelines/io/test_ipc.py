"""Tables on their way between processes come out as they went in."""

from __future__ import annotations

import pickle
from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.io import ipc
from pipelines.io.ipc import received, sent
from pipelines.stages.reading import ReadResult
from schemas.arrow import columns_of, stored_schema, table_from_rows

HEADERS = table_from_rows(
    stored_schema("trajectories", columns_of("trajectories")),
    [{"trajectory_id": f"s/{n}", "streams": [{"name": "front"}] * n, "extras": {"n": n}} for n in range(3)],
)
STEPS = pa.table({"state": pa.array([[float(n)] * 20 for n in range(5000)])})


def test_groups_keep_their_tables_rows_and_schemas() -> None:
    other = pa.table({"x": pa.chunked_array([[1, 2], [3]]), "y": ["a", "b", None]})
    groups = [
        {"trajectories": HEADERS.slice(0, 1), "x": other},
        {},
        {"x": other.schema.empty_table(), "trajectories": HEADERS.slice(2, 1)},
        {"x": pa.table({"x": [1.5]}), "trajectories": HEADERS.slice(1, 1)},
    ]
    found = received(pickle.loads(pickle.dumps(sent(groups))))
    assert found == groups
    assert all(
        found[n][name].schema.equals(table.schema, check_metadata=True) for n in (0, 2, 3) for name, table in groups[n].items()
    )


def test_what_is_large_goes_through_a_file_that_is_gone_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ipc, "SMALL_BYTES", STEPS.slice(0, 100).nbytes)
    staged = tmp_path / "staged"
    assert all(
        isinstance(stream.data, bytes)
        for said in (sent([{"a": STEPS}]), sent([{"a": STEPS.slice(0, 100)}], staged))
        for stream in said.streams
    )
    said = sent([{"a": STEPS.slice(0, 80)}, {"a": STEPS.slice(7, 80)}], staged)
    assert [stream.data.parent for stream in said.streams if isinstance(stream.data, Path)] == [staged]
    found = received(said)
    assert list(staged.iterdir()) == []
    assert found == [{"a": STEPS.slice(0, 80)}, {"a": STEPS.slice(7, 80)}]


def test_what_was_read_is_sent_without_what_it_was_cut_from() -> None:
    result = ReadResult(
        trajectories=[{"robot_steps": STEPS.slice(100, 10), "trajectories": HEADERS.slice(2, 1)}], tasks=[HEADERS]
    )
    data = pickle.dumps(result)
    assert len(data) < STEPS.nbytes / 10
    back = pickle.loads(data)
    assert (back.trajectories, back.tasks, back.rejects, back.media) == (result.trajectories, result.tasks, [], {})
