"""ARC sources of several kinds in one release: verdicts, flags, words and tries of each come out where readers look for them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipelines.engine.job import Job
from pipelines.recipe import Recipe
from pipelines.release.assemble import assemble
from pipelines.release.check import check_release
from pipelines.session import Session
from pipelines.stages.ingest import Ingest
from pipelines.stages.propose import Propose
from pipelines.stages.release import Release

ANNOTATORS = ["arc.replay", "arc.noop", "arc.success", "arc.flags", "arc.duplicates"]


def jsonl(path: Path, lines: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(map(json.dumps, lines)))


def neutral(folder: Path) -> None:
    """A solved try, sent twice."""
    for name, second in (("b", 1), ("a", 2)):
        begin = {"record": "trajectory", "version": 1, "id": "x", "task_id": "67a3c6ac", "agent": "ann"}
        step = {"record": "step", "id": "x", "test": 0}
        answer = [[1, 6, 7], [6, 7, 6], [2, 2, 6]]
        jsonl(
            folder / f"{name}.jsonl",
            [
                begin | {"started_at": f"2026-01-01T00:00:0{second}Z"},
                step | {"action": "copy_from_input", "before": [[0]], "after": [[7, 6, 1], [6, 7, 6], [6, 2, 2]], "time": 0},
                step | {"action": "flip_x", "args": {"x": 0, "y": 0, "width": 3, "height": 3}, "time": 700},
                step | {"action": "submit", "before": answer, "after": answer, "time": 701},
            ],
        )


def game(folder: Path) -> None:
    """A game of two moves on a grid with colours above 9."""
    lines = [
        {"timestamp": f"2026-01-02T00:00:0{n}+00:00", "data": {"game_id": "g1", "frame": [[[15, n]]], "state": "WIN", "action_input": {"id": n}}}
        for n in range(3)
    ]  # fmt: skip
    jsonl(folder / "g1.random.9.guid.recording.jsonl", lines)


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Path:
    folder = tmp_path_factory.mktemp("arc")
    neutral(folder / "ours")
    game(folder / "games")
    uris = {"larc": ("larc", shared_data / "arc" / "larc"), "ours": ("arc_jsonl", folder / "ours"), "games": ("arc_agi_3", folder / "games")}  # fmt: skip
    sources = [{"name": name, "reader": reader, "uri": str(uri), "license": "cc0-1.0"} for name, (reader, uri) in uris.items()]
    workspace = {"workspace": str(folder / "out"), "annotators": ANNOTATORS, "sources": sources}
    session = Session(Recipe.model_validate({"name": "arc", "license": "cc0-1.0", **workspace}))
    jobs: list[Job] = [job(session.recipe, session.store) for job in (Ingest, Propose, Release)]
    for job in jobs:
        for key in job.plan().keys:
            job.write(job.check(job.work(job.read(key))))
    assert isinstance(jobs[2], Release)
    published = assemble(jobs[2], *(session.last(job) for job in jobs))
    return Path(published.folder)


def rows(release: Path, folder: str) -> list[dict[str, Any]]:
    return [row for file in sorted((release / folder).glob("*.parquet")) for row in pq.read_table(file).to_pylist()]


def test_the_release_is_valid(release: Path) -> None:
    assert check_release(release) == []


def test_every_source_is_judged(release: Path) -> None:
    said = {row["trajectory_id"]: Counter(row["outcomes"]) for row in rows(release, "checks/replay")}

    assert sum((found for name, found in said.items() if name.startswith("larc/")), Counter()) == {"exact": 139}
    assert said["games/g1.random.9.guid"] == {"unverifiable": 3}
    # Two files of the neutral format leave out what was seen after the flip: the copy is checked, and the submission.
    assert said["ours/a/x"] == said["ours/b/x"] == {"exact": 2}


def test_flags_and_duplicates_are_one_row_a_trace(release: Path) -> None:
    found = [*rows(release, "checks/flag"), *rows(release, "checks/duplicate")]
    said = {
        (row["trajectory_id"], word): seen for row in found for word, seen in zip(row["outcomes"], row["observed"], strict=True)
    }

    assert Counter(row["function"] for row in found) == {"arc.flags": 23, "arc.duplicates": 23}
    assert said == {
        ("ours/a/x", "idle"): "700 s passed before this step",
        ("ours/b/x", "idle"): "700 s passed before this step",
        ("ours/a/x", "duplicate_of"): "ours/b/x",
    }


def test_tries_and_words(release: Path) -> None:
    headers = {row["trajectory_id"]: row for row in rows(release, "trajectories")}
    words = rows(release, "texts/description")

    assert [headers[f"ours/{name}/x"]["attempt"] for name in ("a", "b")] == [1, 0]
    assert headers["games/g1.random.9.guid"]["attempt"] == 0
    assert {headers[row["trajectory_id"]]["source_name"] for row in words} == {"larc"}
    assert {(row["status"], row["producer_type"]) for row in words} == {("accepted", "import")}
    assert len({row["trajectory_id"] for row in words}) == 20
    assert {row["grid_after"][0][0] for row in rows(release, "arc_steps") if row["trajectory_id"].startswith("games/")} == {15}
