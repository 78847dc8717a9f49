"""Tries of an agent at a task are counted over the whole workspace, and only where all of them can be ordered."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq

from pipelines.engine.job import Job
from pipelines.recipe import Recipe
from pipelines.release.attempts import numbered
from pipelines.session import Session
from pipelines.stages.ingest import Ingest
from pipelines.stages.propose import Propose
from pipelines.stages.release import Release


def header(name: str, minute: int | None, agent: str | None = "ann", task: str | None = "t", **said: Any) -> dict[str, Any]:
    started = None if minute is None else datetime(2026, 1, 1, 0, minute, tzinfo=UTC)
    known = {"trajectory_id": name, "source_name": "s", "agent": agent, "task_id": task, "started_at": started, "attempt": None}
    return known | said


def test_tries_are_in_order_of_start_and_not_of_name() -> None:
    headers = [header("s/1", 9), header("s/2", 3), header("s/3", 5), header("s/4", 1, task="other")]

    assert numbered(headers) == {"s/2": 0, "s/3": 1, "s/1": 2, "s/4": 0}


def test_agents_are_their_sources() -> None:
    assert numbered([header("s/1", 1), header("r/1", 2, source_name="r")]) == {"s/1": 0, "r/1": 0}


def test_what_cannot_be_known_stays_null() -> None:
    unknown = [header("s/1", 1, agent=None), header("s/2", 1, task=None), header("s/3", None), header("s/4", 1)]

    assert numbered(unknown) == {}  # of ann's two tries at t one has no start


def test_one_start_is_ordered_by_name_and_a_sources_own_count_stays() -> None:
    assert numbered([header("s/2", 1), header("s/1", 1), header("s/3", None, attempt=7)]) == {"s/1": 0, "s/2": 1}


def test_a_release_numbers_tries_across_shards(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    for name, minute in (("a", 5), ("b", 2), ("c", 8)):
        begin = {"record": "trajectory", "version": 1, "id": "x", "task_id": "t", "agent": "ann"}
        lines = [begin | {"started_at": f"2026-01-01T00:0{minute}:00Z"}, {"record": "step", "id": "x", "action": "undo"}]
        (folder / f"{name}.jsonl").write_bytes(b"\n".join(orjson.dumps(line) for line in lines))
    recipe = Recipe.model_validate(
        {
            "name": "tries", "license": "cc0-1.0", "workspace": str(tmp_path / "out"), "annotators": [],
            "sources": [{"name": "s", "reader": "arc_jsonl", "uri": str(folder), "license": "cc0-1.0"}],
            "shards": {"steps": 1},
        }
    )  # fmt: skip
    session = Session(recipe)
    jobs: list[Job] = [job(recipe, session.store) for job in (Ingest, Propose, Release)]
    for job in jobs:
        for key in job.plan().keys:
            job.write(job.check(job.work(job.read(key))))
    assert len(jobs[0].plan().keys) == 3
    parts = [path for path in session.store.list("parts/trajectories") if path.endswith(".parquet")]
    rows = [row for path in parts for row in pq.read_table(f"{session.store.root}/{path}").to_pylist()]

    assert {row["trajectory_id"]: row["attempt"] for row in rows} == {"s/a/x": 1, "s/b/x": 0, "s/c/x": 2}
