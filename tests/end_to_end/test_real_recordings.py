"""Other people's recordings, from files to a release that `datasets` opens: the figures that were measured by hand."""

from __future__ import annotations

import ast
import io
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from PIL import Image

from .conftest import CAIRN


@pytest.fixture(scope="module")
def release(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One run over all real inputs."""
    folder = tmp_path_factory.mktemp("real")
    sources = [
        {"name": "g1", "reader": "lerobot", "uri": str(shared_data / "robot/g1_v21")},
        {"name": "grid", "reader": "braingridgame", "uri": str(shared_data / "arc/braingridgame/*.json")},
        {"name": "history", "reader": "braingridgame", "uri": str(shared_data / "arc/braingridgame_history/**/*.json")},
        {"name": "desktop", "reader": "agentnet", "uri": str(shared_data / "gui/agentnet_raw")},
        {"name": "traces", "reader": "playwright", "uri": str(shared_data / "gui/playwright/*.zip")},
    ]
    recipe = {
        "name": "real", "license": "cc0-1.0", "workspace": "out", "max_reject_ratio": 1.0,
        "sources": [{"license": "mit"} | source for source in sources],
        "annotators": ["robot.motion_segments", "arc.replay", "arc.noop", "gui.target_region", "gui.state_change"],
        "release": {"splits": {"train": 1.0}},
    }  # fmt: skip
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe))
    done = subprocess.run([str(CAIRN), "run", str(path)], capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "out" / "release"


def rows(release: Path, table: str, source: str | None = None, columns: list[str] | None = None) -> list[dict[str, Any]]:
    tables = [pq.read_table(file, columns=columns) for file in sorted(release.glob(f"{table}/*.parquet"))]
    found: list[dict[str, Any]] = pa.concat_tables(tables).to_pylist()
    key = "source_name" if source and "source_name" in found[0] else "trajectory_id"
    return [row for row in found if source is None or row[key].split("/")[0] == source]


def test_lerobot_takes_the_episodes_that_are_there_and_rejects_the_others_with_one_code(release: Path) -> None:
    headers = rows(release, "trajectories", "g1")
    assert [row["num_steps"] for row in headers] == [393, 410, 425]
    assert len(rows(release, "robot_steps", "g1")) == 1228
    assert Counter(row["code"] for row in rows(release, "rejects", "g1")) == {"episode_files_missing": 97}


def test_every_image_event_of_the_arc_traces_replays_exactly(release: Path) -> None:
    assert len(rows(release, "trajectories", "grid")) + len(rows(release, "trajectories", "history")) == 307
    for source, events in (("grid", 66), ("history", 4918)):
        outcomes = Counter(outcome for row in rows(release, "checks/replay", source) for outcome in row["outcomes"])
        assert outcomes == {"exact": events}


def test_the_desktop_recording_equals_what_its_authors_made_of_it(release: Path, shared_data: Path) -> None:
    published = json.loads((shared_data / "gui/agentnet_reduced/raw_example.jsonl").read_text())["traj"]
    steps = rows(release, "gui_steps", "desktop")
    assert len(steps) == 15
    for step, entry in zip(steps, published, strict=True):
        calls = [node.value for node in ast.parse(entry["value"]["code"]).body if isinstance(node, ast.Expr)]
        place = {k.arg: k.value.value for k in calls[0].keywords if isinstance(k.value, ast.Constant)}  # type: ignore[attr-defined]
        if "x" in place:
            ours = step["point"][0] / step["frame_width"], step["point"][1] / step["frame_height"]
            assert ours == pytest.approx((place["x"], place["y"]), abs=1e-4)
        name = calls[-1].func.attr  # type: ignore[attr-defined]
        expected = {"dragTo": "drag", "rightClick": "rightClick", "terminate": "terminate"}.get(name, name)
        assert step["action_name"] == expected
    assert (steps[-1]["action_kind"], steps[-1]["action_name"]) == ("system", "terminate")


def test_each_action_is_bound_to_the_frame_that_its_authors_published(release: Path, shared_data: Path) -> None:
    for step in rows(release, "gui_steps", "desktop"):
        ours = _small(Image.open(io.BytesIO(step["screenshot"]["bytes"])))
        theirs = _small(Image.open(shared_data / f"gui/agentnet_reduced/{step['step']}.png"))
        assert np.abs(ours - theirs).mean() <= 0.6, f"step {step['step']}"


def test_targets_that_a_person_named_otherwise_are_flagged_and_recovered_where_the_scale_changed(release: Path) -> None:
    labels = {
        step["step"]: json.loads(step["source_action"] or "{}").get("label") for step in rows(release, "gui_steps", "desktop")
    }
    assert sum(label is not None for label in labels.values()) == 7
    said = {row["start"]: json.loads(row["attributes"]) for row in rows(release, "regions/target", "desktop")}
    assert {step for step, attributes in said.items() if attributes["agrees"] is False} == {8, 9, 10, 11, 12, 13}
    assert {step for step, attributes in said.items() if attributes["agrees"] is True} == {0}
    assert all(said[step]["agrees"] is None for step in said if labels[step] is None)
    assert [said[step]["recovered"]["scale"] for step in (10, 11, 13)] == [1.5, 1.5, 1.5]  # source ids 10, 20, 22


def test_the_desktop_recording_says_what_is_missing(release: Path) -> None:
    (header,) = rows(release, "trajectories", "desktop")
    said = json.dumps(json.loads(header["completeness"]))
    for expected in ("46.6", "108.", "1.5", "Keep changes", "5 hours"):
        assert expected in said


def test_traces_of_all_versions_are_in_and_one_from_the_future_is_refused(release: Path) -> None:
    headers = {row["native_id"]: row for row in rows(release, "trajectories", "traces")}
    assert len(headers) == 6
    assert all(row["num_steps"] >= 1 for row in headers.values())
    assert headers["trace-remote-time-diff"]["duration"] < 10
    (refused,) = rows(release, "rejects", "traces")
    assert refused["code"] == "trace_version_unsupported"
    assert "10000 is not supported" in refused["message"]


def test_the_release_passes_its_own_check(release: Path) -> None:
    done = subprocess.run([str(CAIRN), "check", str(release)], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout


def test_every_config_and_split_loads_plain_and_streaming_with_the_features_of_its_files(release: Path, tmp_path: Path) -> None:
    loaded = load_all(release, tmp_path)
    assert loaded["failed"] == []
    assert loaded["loads"] >= 50


def load_all(release: Path, home: Path) -> dict[str, Any]:
    """Load every config and split of a card in a fresh process, plain and streaming; compare features and row counts."""
    script = Path(__file__).with_name("load_all.py")
    done = subprocess.run(
        [sys.executable, str(script), str(release), str(home)], capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _small(image: Image.Image) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.asarray(image.convert("RGB").resize((320, 180), Image.Resampling.BILINEAR), np.float64)
