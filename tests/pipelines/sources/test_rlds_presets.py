"""Datasets of Open-X by name, in the features that their makers publish, and what TFDS says beside the records."""

from __future__ import annotations

import json
import zlib

import numpy as np
import pytest

from pipelines.formats.tfrecord.presets import PRESETS
from tests.pipelines.sources.rlds_samples import image, tensor, text, write_rlds
from tests.pipelines.sources.robot_samples import jpeg, pictures

T = 3
FLAGS = {"is_first": [1, 0, 0], "is_last": [0, 0, 1], "is_terminal": [0, 0, 1]}
FLAG_FEATURES = {name: tensor("bool") for name in FLAGS}


def floats(*shape: int, start: float = 0.0) -> list[float]:
    return [start + i / 8 for i in range(int(np.prod(shape)))]


def read_one(found):
    (key,) = found.trajectories
    header = found.rows(key, "trajectories")[0]
    return header | {n: json.loads(header[n]) for n in ("completeness", "extras")}, found.rows(key, "robot_steps"), key


def test_droid(tmp_path, read_source):
    shown = [jpeg(picture) for picture in pictures(T)]
    inside = {
        "observation/joint_position": tensor("float64", 7),
        "observation/gripper_position": tensor("float64", 1),
        "observation/cartesian_position": tensor("float64", 6),
        "observation/wrist_image_left": image(24, 32),
        "action": tensor("float64", 7, said="Robot action, consists of 6 joint velocities and the gripper position."),
        "action_dict/joint_position": tensor("float64", 7),
        "action_dict/gripper_velocity": tensor("float64", 1),
        **{f"language_instruction{n}": text() for n in ("", "_2", "_3")},
        **FLAG_FEATURES,
    }
    record = {
        "observation/joint_position": floats(T, 7),
        "observation/gripper_position": [0.0, 0.25, 1.0],
        "observation/cartesian_position": [0.5, 0.0, 0.25, 0.0, 0.0, np.pi / 2] * T,
        "observation/wrist_image_left": shown,
        "action": floats(T, 7, start=2.0),
        "action_dict/joint_position": floats(T, 7, start=1.0),
        "action_dict/gripper_velocity": [0.0, 0.5, 0.0],
        "language_instruction": [b"put the pen away"] * T,
        "language_instruction_2": [b"pen into the cup"] * T,
        "language_instruction_3": [b""] * T,
        **FLAGS,
    }
    write_rlds(tmp_path / "droid", "droid", inside, [record])
    found = read_source("rlds", tmp_path / "droid", preset="droid", last_action="real")
    assert found.rejects == []
    header, steps, key = read_one(found)
    assert (header["instruction"], header["extras"]["instructions"]) == ("put the pen away", ["pen into the cup"])
    assert (header["fps"], header["reference_frame"]) == (15.0, "base")
    assert header["action_space"].startswith("Robot action, consists of")
    assert {k: header["extras"][k] for k in ("dataset", "dataset_version", "split")} == {
        "dataset": "droid",
        "dataset_version": "1.0.1",
        "split": "train",
    }
    assert [s["gripper"] for s in steps] == [1.0, 0.75, 0.0]  # the source counts the other way
    assert steps[2]["eef_pose"] == pytest.approx([0.5, 0, 0.25, 0, 0, 0.5**0.5, 0.5**0.5], abs=1e-6)
    assert steps[1]["state"] == pytest.approx([*floats(T, 7)[7:14], 0.25])
    assert steps[1]["action.joint_position"] == pytest.approx(floats(T, 7, start=1.0)[7:14])
    assert steps[1]["action.gripper_velocity"] == [0.5]
    assert [found.media.read(row["image"]) for row in found.rows(key, "images")] == shown
    lacking = {place for place in header["completeness"]["arrays_absent"] if place.startswith("action_dict/")}
    assert lacking == {
        f"action_dict/{n}" for n in ("cartesian_position", "cartesian_velocity", "gripper_position", "joint_velocity")
    }


def test_an_action_in_parts_and_an_instruction_that_changes(tmp_path, read_source):
    preset = PRESETS["fractal20220817_data"]
    widths = {"observation/base_pose_tool_reached": 7, "observation/gripper_closed": 1}
    widths |= dict(zip(preset.action, (3, 3, 1, 2, 1, 3), strict=True))
    inside = {key: tensor("int32" if key.endswith("terminate_episode") else "float32", width) for key, width in widths.items()}
    inside |= {"observation/natural_language_instruction": tensor("string"), **FLAG_FEATURES}
    record = {key: floats(T, width) for key, width in widths.items()}
    record["observation/base_pose_tool_reached"] = [0.5, 0.0, 0.75, 0.0, 0.0, 0.0, 1.0] * T
    record["action/terminate_episode"] = [0, 1, 0] * T
    record["observation/natural_language_instruction"] = [b"open the drawer", b"open the drawer", b"close it"]
    write_rlds(tmp_path / "rt1", "fractal20220817_data", inside, [record | FLAGS])
    found = read_source("rlds", tmp_path / "rt1", preset="fractal20220817_data", last_action="real")
    header, steps, _ = read_one(found)
    assert (header["fps"], header["instruction"]) == (3.0, "open the drawer")
    assert header["extras"]["texts_that_change"]["observation/natural_language_instruction"] == [
        {"step": 0, "text": "open the drawer"},
        {"step": 2, "text": "close it"},
    ]
    assert len(steps[0]["action"]) == 13
    assert steps[0]["action"][-3:] == [0, 1, 0]
    assert steps[0]["eef_pose"] == [0.5, 0, 0.75, 0, 0, 0, 1]
    (untold,) = read_source("rlds", tmp_path / "rt1").rejects
    assert "name them under `fields`" in untold.message  # nothing is guessed


def test_tensors_that_tfds_packed_and_what_they_may_not_be(tmp_path, read_source):
    state = np.arange(6, dtype=np.float64).reshape(T, 2)
    inside = {"observation/state": tensor("float64", 2, encoding="zlib"), "action": tensor("float32", 2, encoding="bytes")}
    packed = {"observation/state": [zlib.compress(row.tobytes()) for row in state], "action": [b"\0" * 8] * T}
    bomb = {**packed, "observation/state": [zlib.compress(bytes(10_000_000))] * T}
    cut = {**packed, "action": [b"\0" * 8, b"\0" * 7, b"\0" * 8]}
    records = [one | FLAGS for one in (packed, bomb, cut)]
    write_rlds(tmp_path / "packed", "packed", {**inside, **FLAG_FEATURES}, records)
    found = read_source("rlds", tmp_path / "packed")
    assert [step["state"] for step in read_one(found)[1]] == state.tolist()
    assert [(r.code, r.native_id[-1]) for r in found.rejects] == [("array_undecodable", "1"), ("array_undecodable", "2")]


def test_records_and_files_that_dataset_info_knows_and_are_not_there(tmp_path, read_source):
    record = {"observation/state": floats(T, 2), "action": floats(T, 2), **FLAGS}
    inside = {"observation/state": tensor("float32", 2), "action": tensor("float32", 2), **FLAG_FEATURES}
    folder = write_rlds(tmp_path / "d", "d", inside, [record, record])
    path = folder / "d-train.tfrecord-00000-of-00001"
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])  # cut between two records: no checksum can tell
    found = read_source("rlds", folder)
    assert len(found.trajectories) == 1
    (reject,) = found.rejects
    assert (reject.code, reject.detail) == ("length_mismatch", {"records": 1, "expected": 2})
    path.write_bytes(data[:-1])  # inside a record: said once
    assert [r.code for r in read_source("rlds", folder).rejects] == ["tfrecord_truncated"]
    path.rename(folder / "d-train.tfrecord-00000-of-00003")
    (folder / "d-test.array_record-00000-of-00001").touch()
    rejects = read_source("rlds", folder).rejects
    assert [(r.code, r.source_uri) for r in rejects if r.stage == "plan"] == [
        ("shard_missing", "d-train.tfrecord-00001-of-00003"),
        ("shard_missing", "d-train.tfrecord-00002-of-00003"),
        ("format_unsupported", "d-test.array_record-00000-of-00001"),
    ]
    (folder / "dataset_info.json").write_text("[]")
    assert "meta_damaged" in {r.code for r in read_source("rlds", folder).rejects}


def test_a_preset_that_does_not_exist_is_named_with_those_that_do():
    from pipelines.sources.rlds import RldsOptions

    with pytest.raises(ValueError, match="'kuka'; there are droid"):
        RldsOptions(preset="kuka")
