"""The scripts that show how to read a release print what its shards hold."""

from __future__ import annotations

import importlib.util
import io
from collections import Counter
from pathlib import Path
from typing import Any

import av
import numpy as np
import pyarrow.parquet as pq
import pytest

from .conftest import CONSUME, Run, train

Rows = list[dict[str, Any]]
MOST_LINES = 30
SCRIPTS = {
    "plain", "stream", "columns", "one_task", "steps_with_layer", "action_chunks", "side_by_side", "video_frames", "resume",
    "with_torch", "with_polars", "with_duckdb", "padded",
}  # fmt: skip


def test_each_script_is_short_and_tested() -> None:
    scripts = {path.stem: len(path.read_text().splitlines()) for path in CONSUME.glob("*.py")}
    assert scripts.keys() == SCRIPTS
    assert {name: lines for name, lines in scripts.items() if lines > MOST_LINES} == {}


@pytest.mark.parametrize("consume", ["folder", "hub"], indirect=True)
def test_plain(release: Path, consume: Run) -> None:
    lengths = train(release, "trajectories")["num_steps"].to_pylist()
    motion = train(release, "segments/motion").to_pylist()
    assert consume("plain") == [
        f"{len(lengths)} trajectories, {sum(lengths)} steps",
        "started_at is Value('timestamp[us, tz=UTC]'), state_names is List(Value('string'))",
        *(
            f"{row['trajectory_id']} [{row['start']}, {row['end']}) {row['label']}, said by {row['producer']}, {row['status']}"
            for row in motion[:3]
        ),
    ]


def test_stream(release: Path, consume: Run) -> None:
    rows = train(release, "gui_steps").to_pylist()[:5]
    assert any(row["point"] for row in rows)
    assert consume("stream") == [
        f"{row['trajectory_id']} step {row['step']}: {row['action_name']} at {row['point']}, "
        f"screenshot of {len(row['screenshot']['bytes'])} bytes"
        for row in rows
    ]


def test_columns(release: Path, consume: Run) -> None:
    states = np.array(train(release, "robot_steps")["state"].to_pylist())
    (line,) = consume("columns")
    start = f"columns ['trajectory_id', 'state'], {len(states)} steps, mean state "
    assert line.startswith(start)
    printed = [float(number) for number in line.removeprefix(start).strip("[]").split(",")]
    assert printed == pytest.approx(states.mean(axis=0), abs=1e-4)


def test_one_task(release: Path, consume: Run) -> None:
    trajectories = train(release, "trajectories").to_pylist()
    task = "lift-the-red-cube-bee7f4a8"
    chosen = [row["trajectory_id"] for row in trajectories if row["task_id"] == task]
    steps = train(release, "robot_steps").to_pylist()
    assert len(chosen) == 2
    assert consume("one_task") == [
        f"{task}: 'lift the red cube', {len(chosen)} of {len(trajectories)} trajectories",
        *(
            f"{row['trajectory_id']} starts at {[round(x, 3) for x in row['state']]}"
            for row in steps
            if row["step"] == 0 and row["trajectory_id"] in chosen
        ),
    ]


@pytest.mark.parametrize("layer", ["motion", "contact"])
def test_steps_with_layer(release: Path, consume: Run, layer: str) -> None:
    counts = Counter(_labels(release, layer))
    expected = [f"{layer} {label}: {count} steps" for label, count in sorted(counts.items(), key=str)]
    assert len(expected) > 1
    assert consume("steps_with_layer", *([] if layer == "motion" else [layer])) == expected


def test_action_chunks(release: Path, consume: Run) -> None:
    """Two episodes of n steps: n chunks each, of which the last 15 lack 1, 2, … 15 actions."""
    episodes = train(release, "robot_trajectories").to_pylist()
    chunks = sum(episode["num_steps"] for episode in episodes)
    real = 16 * chunks - len(episodes) * sum(range(16))
    assert consume("action_chunks") == [
        *(f"{e['trajectory_id']}: {e['instruction']!r}, state (8,), chunk (16, 7)" for e in episodes),
        f"{chunks} chunks, {real} of {16 * chunks} actions are real, the others pad",
    ]


def test_a_chunk_holds_the_actions_ahead_and_repeats_the_last(monkeypatch: pytest.MonkeyPatch, release: Path) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("sys.argv", ["action_chunks.py", str(release)])
    module = _module("action_chunks")
    states, actions = np.arange(20)[:, None], 10 * np.arange(20)[:, None]
    found = list(module.chunks(states, actions))
    assert [state[0] for state, _, _ in found] == list(range(20))
    assert found[2][1][:, 0].tolist() == list(range(20, 180, 10))
    assert found[2][2].all()
    assert found[17][1][:, 0].tolist() == [170, 180, 190] + [190] * 13
    assert found[17][2].tolist() == [True] * 3 + [False] * 13


def test_side_by_side(release: Path, consume: Run) -> None:
    """The labels that stand beside the steps are those that the segments say: the order is the same."""
    steps, labels = train(release, "robot_steps"), train(release, "robot_labels")
    motion = _labels(release, "motion")
    closing = [row for row, label in zip(steps.to_pylist(), motion, strict=True) if label == "close"]
    assert closing
    names = f"{len(steps.column_names)} + {len(labels.column_names)} columns: {', '.join(labels.column_names)}"
    assert consume("side_by_side") == [
        f"{len(steps)} rows, {names}",
        *(f"{row['trajectory_id']} step {row['step']}: gripper at {row['state'][-1]:.4f}, motion close" for row in closing),
    ]


def test_video_frames(release: Path, consume: Run) -> None:
    expected = []
    for row in train(release, "videos").to_pylist():
        with av.open(io.BytesIO(row["video"]["bytes"])) as container:
            mean = next(container.decode(video=0)).to_ndarray(format="rgb24").mean()
        times = row["frame_timestamps"]
        assert len(times) == row["num_frames"]
        expected.append(
            f"{row['trajectory_id']} {row['stream']} part {row['part']}: {row['num_frames']} frames "
            f"{(row['height'], row['width'], 3)}, {times[0]:.2f} to {times[-1]:.2f} s, mean {mean:.2f}"
        )
    assert consume("video_frames") == expected


def test_resume(release: Path, consume: Run) -> None:
    rows = [(row["trajectory_id"], row["step"]) for row in train(release, "robot_steps").to_pylist()]
    assert consume("resume") == [
        f"50 rows to {rows[49]}, then {len(rows) - 50} rows from {rows[50]} to {rows[-1]}",
        f"{len(rows)} different rows",
    ]


def test_with_torch(release: Path, consume: Run) -> None:
    if importlib.util.find_spec("torch") is None:
        pytest.skip("PyTorch is not installed: pip install 'cairn-trajectories[consume]' (its wheel has over 500 MB)")
    actions = np.array(train(release, "robot_steps")["action"].to_pylist())
    (line,) = consume("with_torch")
    rest = -(-(len(actions) - 48) // 16)
    start = f"3 + {rest} batches: states ({len(actions)}, 8) torch.float32, actions sum to "
    assert line.startswith(start)
    assert float(line.removeprefix(start)) == pytest.approx(actions.sum(), abs=0.01)


def test_padded(release: Path, consume: Run) -> None:
    traces = train(release, "arc_sequences").to_pylist()
    assert consume("padded") == [
        f"{row['trajectory_id']}: states ({len(row['states'])}, 30, 30), "
        f"{sum(len(line) for grid in row['states'] for line in grid)} cells of grids, return {row['returns_to_go'][0]:g}"
        for row in traces
    ]


def test_a_grid_is_padded_at_its_end_and_never_cut(monkeypatch: pytest.MonkeyPatch, release: Path) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("sys.argv", ["padded.py", str(release)])
    pad = _module("padded").pad
    found = pad([[[0, 1]], [[2], [3]]], 2, 3)
    assert found.tolist() == [[[0, 1, 10], [10, 10, 10]], [[2, 10, 10], [3, 10, 10]]]
    assert found.dtype == np.uint8
    with pytest.raises(ValueError, match="1x4 does not fit 2x3"):
        pad([[[0, 1, 2, 3]]], 2, 3)


@pytest.mark.parametrize("consume", ["folder", "hub"], indirect=True)
def test_with_polars(release: Path, consume: Run) -> None:
    positions: dict[str, list[float]] = {}
    for row, label in zip(train(release, "robot_steps").to_pylist(), _labels(release, "motion"), strict=True):
        if label is not None:
            positions.setdefault(label, []).append(row["state"][-1])
    found = [line.split() for line in consume("with_polars")]
    assert [(words[0], int(words[1])) for words in found] == [(f"{k}:", len(positions[k])) for k in sorted(positions)]
    assert [float(words[5]) for words in found] == pytest.approx([np.mean(positions[k]) for k in sorted(positions)], abs=1e-4)


@pytest.mark.parametrize("consume", ["folder", "hub"], indirect=True)
def test_with_duckdb(release: Path, consume: Run) -> None:
    rows = [row for file in ("train", "test") for row in _split(release, file)]
    tasks = sorted({row["task_id"] for row in rows})
    assert consume("with_duckdb") == [
        f"{task}: {sum(r['success'] is True for r in of_task)} of {len(of_task)} trajectories succeeded, "
        f"{sum(r['num_steps'] for r in of_task)} steps"
        for task in tasks
        if (of_task := [row for row in rows if row["task_id"] == task])
    ]


def _module(script: str) -> Any:
    spec = importlib.util.spec_from_file_location(script, CONSUME / f"{script}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _labels(release: Path, layer: str) -> list[str | None]:
    """The label of each row of robot_steps, from the layer's segments."""
    segments: Rows = train(release, f"segments/{layer}").to_pylist()
    said = {
        (s["trajectory_id"], step): s["label"]
        for s in segments
        if s["start"] is not None
        for step in range(s["start"], s["end"])
    }
    return [said.get((row["trajectory_id"], row["step"])) for row in train(release, "robot_steps").to_pylist()]


def _split(release: Path, split: str) -> Rows:
    return [row for file in sorted(release.glob(f"trajectories/{split}-*.parquet")) for row in pq.read_table(file).to_pylist()]
