"""A change rebuilds what depends on it, and nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from .conftest import ROOT, Workplace, place_in


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A folder with a finished run, an episode per shard and a trace per shard, and a copy of the whole folder."""
    folder, copy = tmp_path_factory.mktemp("finished"), tmp_path_factory.mktemp("copy") / "of"
    shutil.copytree(ROOT / "examples/data/lift", folder / "lift")
    shutil.copytree(ROOT / "examples/data/arc", folder / "arc")
    place_in(
        folder,
        [
            {"name": "lift", "reader": "lerobot", "uri": "lift"},
            {"name": "puzzles", "reader": "braingridgame", "uri": "arc"},
        ],
        [{"name": "robot.motion_segments", "parameters": {}}, "arc.noop", "arc.replay"],
        shards={"steps": 5},
    ).run()
    shutil.copytree(folder, copy)
    return folder, copy


@pytest.fixture
def two_sources(finished: tuple[Path, Path]) -> Workplace:
    """The finished run, as it was, in the same place: inputs are known by their place and time."""
    folder, copy = finished
    shutil.rmtree(folder)
    shutil.copytree(copy, folder)
    return Workplace(folder / "recipe.yaml")


def stamps(workplace: Workplace, folder: str) -> dict[str, int]:
    return {
        p.relative_to(workplace.workspace).as_posix(): p.stat().st_mtime_ns
        for p in (workplace.workspace / folder).rglob("*.parquet")
    }


def changed(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def test_a_changed_episode_rebuilds_its_shard_only(two_sources: Workplace) -> None:
    before = {folder: stamps(two_sources, folder) for folder in ("ingest", "propose")}
    episode = two_sources.recipe.parent / "lift/data/chunk-000/episode_000001.parquet"
    table = pq.read_table(episode)
    action = table["action"].combine_chunks()
    doubled = pc.multiply(action.flatten(), pa.scalar(2, pa.float32()))
    index = table.schema.get_field_index("action")
    values = (
        pa.FixedSizeListArray.from_arrays(doubled, action.type.list_size)
        if pa.types.is_fixed_size_list(action.type)
        else pa.ListArray.from_arrays(action.offsets, doubled)
    )
    pq.write_table(table.set_column(index, table.schema.field(index), values), episode)
    said = two_sources.run()
    assert "their source has changed, and they were built anew: lift/episode_000001\n" in said
    rebuilt = changed(before["ingest"], stamps(two_sources, "ingest"))
    assert {Path(name).stem for name in rebuilt} == {_shard_of(two_sources, "lift/episode_000001")}
    proposed = changed(before["propose"], stamps(two_sources, "propose"))
    assert {Path(name).stem for name in proposed} == {_shard_of(two_sources, "lift/episode_000001")}


def test_a_changed_parameter_rebuilds_the_files_of_its_annotator_only(two_sources: Workplace) -> None:
    before = {folder: stamps(two_sources, folder) for folder in ("ingest", "propose", "parts")}
    two_sources.change(lambda r: r["annotators"][0]["parameters"].update(min_seconds=0.5))
    two_sources.run()
    assert changed(before["ingest"], stamps(two_sources, "ingest")) == set()
    proposed = changed(before["propose"], stamps(two_sources, "propose"))
    assert proposed
    assert {name.split("/")[1] for name in proposed} == {"robot.motion_segments"}
    parts = changed(before["parts"], stamps(two_sources, "parts"))
    touched = {name.split("/")[1] if name.split("/")[1] != "segments" else "segments/motion" for name in parts}
    assert touched <= {"segments/motion", "robot_labels", "annotation_history", "runs"}


def test_an_appended_trace_keeps_the_shards_that_were_there(two_sources: Workplace) -> None:
    before = stamps(two_sources, "ingest")
    arc = two_sources.recipe.parent / "arc"
    shutil.copy(arc / "mirror_straight.json", arc / "zzz.json")
    two_sources.run()
    after = stamps(two_sources, "ingest")
    assert changed(before, after) == set(after) - set(before)
    assert len({Path(name).stem for name in set(after) - set(before)}) == 1


def test_a_removed_trace_leaves_nothing_behind(two_sources: Workplace) -> None:
    shard = _shard_of(two_sources, "puzzles/mirror_straight")
    (two_sources.recipe.parent / "arc/mirror_straight.json").unlink()
    two_sources.run()
    assert [p for p in two_sources.workspace.rglob("*") if shard in p.name] == []
    ids = pq.read_table(two_sources.release / "trajectories", columns=["trajectory_id"])["trajectory_id"].to_pylist()
    assert "puzzles/mirror_straight" not in ids


def test_a_removed_source_and_annotator_are_in_no_release(two_sources: Workplace) -> None:
    two_sources.change(lambda r: (r["sources"].pop(1), r["annotators"].pop(1)))
    early = two_sources.cairn("release")
    assert early.returncode == 0, early.stderr
    assert {p.name for p in two_sources.release.iterdir()}.isdisjoint(
        {"arc_steps", "arc_transitions", "arc_sequences", "checks"}
    )
    assert two_sources.cairn("ingest").returncode == 0
    assert two_sources.cairn("release").returncode == 0
    ids = pq.read_table(two_sources.release / "trajectories", columns=["trajectory_id"])["trajectory_id"].to_pylist()
    assert {i.split("/")[0] for i in ids} == {"lift"}


def test_another_recipe_does_not_get_the_workspace(two_sources: Workplace) -> None:
    two_sources.change(lambda r: r.update(name="other"))
    refused = two_sources.cairn("run")
    assert refused.returncode == 2
    assert "belongs to the recipe 'test'" in refused.stderr


def test_a_folder_with_other_files_is_no_workspace(workplace: Callable[..., Workplace], tmp_path: Path) -> None:
    (tmp_path / "out/tmp").mkdir(parents=True)
    (tmp_path / "out/tmp/mine.txt").write_text("mine")
    refused = workplace([{"name": "lift", "reader": "lerobot", "uri": str(ROOT / "examples/data/lift")}]).cairn("run")
    assert refused.returncode == 2
    assert "files that are not Cairn's (tmp/mine.txt)" in refused.stderr
    assert (tmp_path / "out/tmp/mine.txt").read_text() == "mine"


def _shard_of(workplace: Workplace, trajectory_id: str) -> str:
    for file in workplace.workspace.glob("ingest/trajectories/*.parquet"):
        if trajectory_id in pq.read_table(file, columns=["trajectory_id"])["trajectory_id"].to_pylist():
            return file.stem
    raise AssertionError(f"{trajectory_id} is in no shard")
