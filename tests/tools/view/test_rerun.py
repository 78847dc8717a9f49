"""`cairn view --rerun`: what is drawn when, and the recording read back with Rerun's own reader."""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from tools.cli import app
from tools.view.rerun_marks import entries

from .conftest import refused

CAMERA = "/cameras/observation.images.agentview"
OVERLAY = {"start": 2, "end": 5, "frames": None, "values": ["a", "b"], "shape": "box"}


def test_when_something_is_drawn() -> None:
    assert [entries(OVERLAY, None, step) for step in (1, 2, 4, 5)] == [[], [0, 1], [0, 1], []]
    assert [entries(OVERLAY | {"frames": [7, 9]}, frame, 0) for frame in (7, 8, 9, None)] == [[0], [], [1], []]
    assert [entries(OVERLAY | {"shape": "path"}, None, step) for step in (1, 2, 5)] == [[], [0], []]
    assert entries(OVERLAY | {"start": None, "end": None}, None, 99) == [0, 1]


def test_without_the_library_its_extra_is_named(layered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rerun", None)
    file = tmp_path / "a.rrd"
    assert "cairn-trajectories[rerun]" in refused("two/layers", "--release", layered, "--rerun", file)
    assert not file.exists()
    assert "no recording" in refused("--task", "tiny", "--release", layered, "--rerun", file)


def recorded(release: Path, name: str, file: Path) -> dict[str, list[dict[str, Any]]]:
    """Write a recording, and read it: entity → its rows."""
    chunks = pytest.importorskip("rerun.chunk", reason="rerun-sdk (170 MB, extra `rerun`) is not installed")
    done = CliRunner().invoke(app, ["view", name, "--release", str(release), "--rerun", str(file)])
    assert done.exit_code == 0, done.output
    assert list(file.parent.iterdir()) == [file]  # only what was asked for
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    reader = chunks.RrdReader(file)
    (entry,) = reader.recordings()
    assert entry.recording_id == name
    for chunk in reader.stream():
        found[chunk.entity_path] += chunk.to_record_batch().to_pylist()
    return {entity: sorted(rows, key=lambda row: row.get("step", -1)) for entity, rows in found.items()}


@pytest.mark.slow
def test_a_robot_episode_comes_back(examples: Path, tmp_path: Path) -> None:
    found = recorded(examples / "out", "lift/episode_000000", tmp_path / "lift.rrd")
    pictures = found[CAMERA]
    assert [row["step"] for row in pictures] == list(range(70))
    assert [row["time"].total_seconds() for row in pictures[:3]] == pytest.approx([0, 0.05, 0.1])
    (data,) = pictures[9]["EncodedImage:blob"]
    picture = cv2.imdecode(np.array(data, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape == (240, 320, 3)
    boxes = [row["Boxes2D:centers"] for row in found[f"{CAMERA}/gripper_box"]]
    assert boxes == [[[140 + i, 90]] if i < 10 else [] for i in range(70)]
    strips = [row["LineStrips2D:strips"] for row in found[f"{CAMERA}/trace"]]
    assert [bool(strip) for strip in strips] == [i == 5 for i in range(70)]
    assert strips[5][0][:2] == [[100, 200], [105, 192]]
    outlines = found[f"{CAMERA}/segmentation"][5]["LineStrips2D:strips"]
    assert len(outlines) == 2  # a mask with a hole
    states = [row for row in found["/state"] if "step" in row]
    assert len(states) == 70
    assert all(len(row["Scalars:scalars"]) == len(states[0]["Scalars:scalars"]) for row in states)
    words = [(row["step"], row["TextLog:text"][0].split("  (")[0]) for row in found["/segments/subtask"]]
    assert [text for _, text in words] == ["reach for the red cube", "grasp the red cube", "lift the red cube"]
    assert words[0][0] == 0
    assert "lift the red cube" in found["/about"][0]["TextDocument:text"][0]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["shop/buy_one", "puzzles/fall_cell_by_cell"])
def test_screens_and_puzzles_come_back(examples: Path, tmp_path: Path, name: str) -> None:
    found = recorded(examples / "out", name, tmp_path / "a.rrd")
    if name.startswith("shop"):
        assert len(found["/screen"]) == 12
        assert [row["step"] for row in found["/texts/thought"]] == [0]
        assert found["/texts/thought"][0]["TextLog:text"] == ["first I search (and 1 more)  (until step 11)"]
        assert sum(len(row["Points2D:positions"]) for row in found["/screen/action"]) > 2
    else:
        assert (len(found["/grid/before"]), len(found["/grid/after"])) == (
            17,
            18,
        )  # what was there before step 0 is not recorded
        assert [row["TextLog:text"] for row in found["/actions"]][2] == ["draw"]
