"""Bytes that no checksum covers: the sha256 of a source is recorded, and one that has changed is built anew and said."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from pipelines.engine.job import finished, outcome_path, read_table
from pipelines.io.store import Store
from pipelines.recipe import load_recipe
from pipelines.shard import Outcome
from pipelines.stages.ingest import Ingest
from tests.end_to_end.conftest import ROOT, place_in
from tests.pipelines.sources.robot_samples import flipped, replay_buffer

VIDEO = "lift/videos/chunk-000/observation.images.agentview/episode_000001.mp4"
CHUNK = "buffer/replay_buffer.zarr/data/camera0_rgb/4.0.0.0"


@pytest.fixture
def job(tmp_path: Path) -> Ingest:
    """Ingest of a LeRobot dataset, an episode per shard, and of a replay buffer."""
    shutil.copytree(ROOT / "examples/data/lift", tmp_path / "lift")
    (tmp_path / "buffer").mkdir()
    replay_buffer(tmp_path / "buffer/replay_buffer.zarr", compressors=None)
    sources = [
        {"name": "lift", "reader": "lerobot", "uri": "lift"},
        {"name": "buffer", "reader": "zarr_buffer", "uri": "buffer"},
    ]
    recipe = load_recipe(place_in(tmp_path, sources, shards={"steps": 5}).recipe)
    return Ingest(recipe, Store(recipe.workspace_uri))


def built(job: Ingest) -> list[Outcome]:
    """Build what is not finished, as a run does."""
    present = job.store.sizes(job.folder)
    todo = [key for key in job.plan().keys if finished(job.store, job.name, key, present) is None]
    for key in todo:
        job.store.delete(outcome_path(job.name, key.name))
    return [job.write(job.check(job.work(job.read(key)))) for key in todo]


def digests(job: Ingest, outcomes: list[Outcome]) -> dict[str, str]:
    tables = [read_table(job.store, outcome.files["trajectories"].path) for outcome in outcomes]
    return {row["trajectory_id"]: row["input_sha256"] for table in tables for row in table.to_pylist()}


def test_a_changed_video_and_a_changed_chunk_are_built_anew_and_said(job: Ingest, tmp_path: Path) -> None:
    first = built(job)
    before = digests(job, first)
    assert {identifier.split("/")[0] for identifier in before} == {"lift", "buffer"}
    assert [outcome.facts.get("changed") for outcome in first] == [None] * len(first)
    assert built(job) == []
    flipped(tmp_path / VIDEO, (tmp_path / VIDEO).stat().st_size // 2)  # in the packets: nothing else tells
    flipped(tmp_path / CHUNK, 99)
    again = built(job)
    after = digests(job, again)
    assert {outcome.facts["changed"] for outcome in again} == {
        "lift/episode_000001",
        "buffer/replay_buffer/episode_000000\nbuffer/replay_buffer/episode_000001",  # one store, one sha256
    }
    assert not [outcome.rejects for outcome in again if outcome.rejects]
    assert "lift/episode_000000" not in after
    assert {identifier for identifier in after if after[identifier] == before[identifier]} == set()
    assert built(job) == []


def test_a_file_that_was_only_touched_is_read_again_and_not_said(job: Ingest, tmp_path: Path) -> None:
    built(job)
    os.utime(tmp_path / VIDEO, (1, 1))
    (again,) = built(job)
    assert "changed" not in again.facts
    assert list(digests(job, [again])) == ["lift/episode_000001"]
