"""Calibration in one convention, however the source has it: on our own simulation the projected gripper stays where it is."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from PIL import Image

from pipelines.formats.arrays.fields import Fields
from pipelines.formats.arrays.rotations import camera_poses
from pipelines.formats.ros.fields import Topics

STEPS = 8
OPENGL = np.diag([1.0, -1, -1, 1])
BODY = np.array([[0.0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1]])  # x forward, y left, z up


def test_frames_of_cameras():
    """A camera at (2, 0, 1) that looks along -x, up is z: the same pose told in each of the ways."""
    opencv = np.array([[0, 0, -1, 2], [1, 0, 0, 0], [0, -1, 0, 1], [0, 0, 0, 1.0]])
    opengl = np.array([[0, 0, 1, 2], [1, 0, 0, 0], [0, 1, 0, 1], [0, 0, 0, 1.0]])
    body = np.array([[-1, 0, 0, 2], [0, -1, 0, 0], [0, 0, 1, 1], [0, 0, 0, 1.0]])
    for told, axes in ((opencv, "opencv"), (opengl, "opengl"), (body, "body")):
        assert np.allclose(camera_poses(told[None], axes=axes), opencv.reshape(1, 16))
        assert np.allclose(camera_poses(np.linalg.inv(told)[None], inverse=True, axes=axes), opencv.reshape(1, 16))
    assert np.allclose(camera_poses(np.array([[2, 0, 1, np.pi, 0, 0]]))[0], [1, 0, 0, 2, 0, -1, 0, 0, 0, 0, -1, 1, 0, 0, 0, 1])
    with pytest.raises(ValueError, match="column by column"):
        camera_poses(opencv.T[None])


@pytest.fixture
def recording(shared_data: Path, tmp_path: Path) -> Path:
    """The first steps of our recording, each camera told in several ways; its last view is stored upside down."""
    with (
        h5py.File(shared_data / "robot/lift_sim/lift_robomimic_layout.hdf5") as whole,
        h5py.File(tmp_path / "cut.hdf5", "w") as cut,
    ):
        episode = whole["data/demo_0"]
        cut.create_group("data").attrs.update(whole["data"].attrs)
        cut.create_group("data/demo_0").attrs.update({**episode.attrs, "num_samples": STEPS})
        cut["data/demo_0/actions"] = episode["actions"][:STEPS]
        for name in (
            "robot0_joint_pos",
            "robot0_gripper_qpos",
            "robot0_eef_pos",
            "robot0_eef_quat",
            "agentview_eef_px",
            "cube_pos",
        ):
            cut[f"data/demo_0/obs/{name}"] = episode["obs"][name][:STEPS]
        obs = cut["data/demo_0/obs"]
        fixed = np.asarray(episode.attrs["cam2world_agentview"])
        obs["a_image"] = episode["obs/agentview_image"][:STEPS]
        obs["z_image"] = episode["obs/agentview_image"][:STEPS][:, ::-1]
        obs["b_image"] = obs["a_image"]  # a hard link
        obs["w_image"] = episode["obs/robot0_eye_in_hand_image"][:STEPS]
        moving = episode["obs/robot0_eye_in_hand_cam2world"][:STEPS]
        for name, turn in (("opencv", np.eye(4)), ("opengl", OPENGL), ("body", np.linalg.inv(BODY))):
            obs[f"fixed_{name}"], obs[f"moving_{name}"] = fixed @ turn, moving @ turn
            obs[f"fixed_{name}_inverse"], obs[f"moving_{name}_inverse"] = (
                np.linalg.inv(fixed @ turn),
                np.linalg.inv(moving @ turn),
            )
    return tmp_path / "cut.hdf5"


WAYS = [
    (axes, inverse) for axes in ("opencv", "opengl", "body") for inverse in ("", "_inverse")
]  # fmt: skip


@pytest.mark.parametrize(("axes", "inverse"), WAYS)
def test_the_projected_gripper_and_the_red_cube_are_where_they_are_seen(recording, read_source, axes, inverse):
    way = {"camera_axes": axes, "extrinsics_are": "reference_to_camera" if inverse else "camera_to_reference"}
    lens, view = {"intrinsics": "@K_agentview"}, {"extrinsics": f"obs/fixed_{axes}{inverse}"}
    cameras = [
        {"key": "obs/a_image", "name": "a", **lens, **view, **way},
        {"key": "obs/w_image", "name": "w", "intrinsics": "@K_robot0_eye_in_hand", "extrinsics": f"obs/moving_{axes}{inverse}", **way},
        {"key": "obs/z_image", "name": "z", "turn": "flip_vertical", "calibration_of": "upright", **lens, **view, **way},
    ]  # fmt: skip
    columns = {"px": "obs/agentview_eef_px", "cube": "obs/cube_pos"}
    found = read_source("hdf5", recording, preset="robomimic", fields={"cameras": cameras, "columns": columns})
    assert found.rejects == []
    (key,) = found.trajectories
    steps, streams = found.rows(key, "robot_steps"), found.rows(key, "trajectories")[0]["streams"]
    gripper, cube = (np.array([row[name] for row in steps], np.float64)[:, :3] for name in ("eef_pose", "cube"))
    for place in (0, 2):
        pose = np.tile(np.reshape(streams[place]["extrinsics"], (4, 4)), (STEPS, 1, 1))
        assert np.abs(projected(streams[place], pose, gripper) - [row["px"] for row in steps]).max() <= 1e-4
    assert streams[1]["extrinsics"] is None
    poses = np.array([np.reshape(row["camera_poses"][1], (4, 4)) for row in steps])
    assert [row["camera_poses"][0] for row in steps] == [None] * STEPS
    pictures = {name: [row for row in found.rows(key, "images") if row["stream"] == name] for name in ("w", "z")}
    seen = {"w": projected(streams[1], poses, cube), "z": projected(streams[2], pose, cube)}
    for name, pixels in seen.items():
        for row, (x, y) in zip(pictures[name], pixels, strict=True):
            red, green, blue = np.asarray(Image.open(io.BytesIO(found.media.read(row["image"]))))[round(y), round(x)].astype(
                int
            )
            assert red > 2 * max(green, blue), (name, x, y)


@pytest.mark.parametrize(("form", "doubted"), [("xyzw", False), ("wxyz", True)])
def test_quaternions_in_the_wrong_order_and_swapped_colours_are_found(recording, read_source, form, doubted):
    """The order by the camera on the wrist, which keeps its place on the hand; the colours by the red cube."""
    fixed = {"intrinsics": "@K_agentview", "extrinsics": "@cam2world_agentview"}
    cameras = [
        {"key": "obs/a_image", "name": "right", **fixed}, {"key": "obs/b_image", "name": "swapped", "colours": "bgr", **fixed},
        {"key": "obs/w_image", "name": "w", "extrinsics": "obs/moving_opencv"},
    ]  # fmt: skip
    fields = {"cameras": cameras, "rotation": form, "columns": {"cube": "obs/cube_pos"}}
    found = read_source("hdf5", recording, preset="robomimic", fields=fields)
    (key,) = found.trajectories
    header, steps = found.rows(key, "trajectories")[0], found.rows(key, "robot_steps")
    said = json.loads(header["completeness"])
    assert ("rotation_order" in said) is doubted
    if doubted:
        assert "say `rotation: xyzw`" in said["rotation_order"]
    cube = np.array([row["cube"] for row in steps], np.float64)
    pose = np.tile(np.reshape(header["streams"][0]["extrinsics"], (4, 4)), (STEPS, 1, 1))
    (x, y), *_ = projected(header["streams"][0], pose, cube)
    for name, channel in (("right", 0), ("swapped", 2)):
        row = next(row for row in found.rows(key, "images") if row["stream"] == name)
        colour = np.asarray(Image.open(io.BytesIO(found.media.read(row["image"]))))[round(y), round(x)].astype(int)
        assert colour.argmax() == channel
        assert colour.max() > 2 * np.delete(colour, channel).max()


def projected(stream: dict[str, Any], poses: Any, points: Any) -> Any:
    """Pixels [T, 2] of points [T, 3] by a stream's intrinsics and poses [T, 4, 4]."""
    seen = np.einsum("tij,tj->ti", np.linalg.inv(poses), np.c_[points, np.ones(len(points))])
    fx, fy, cx, cy = stream["intrinsics"]
    assert (seen[:, 2] > 0).all()
    return np.c_[fx * seen[:, 0] / seen[:, 2] + cx, fy * seen[:, 1] / seen[:, 2] + cy]


def test_a_calibration_is_not_put_beside_a_picture_that_it_is_not_of():
    for told in ({"intrinsics": "k"}, {"extrinsics": "e"}):
        with pytest.raises(ValueError, match="calibration_of: upright"):
            Fields.model_validate({"cameras": [{"key": "a", "turn": "half_turn", **told}]})
    camera = {"topic": "/c", "turn": "half_turn", "intrinsics": "/i:k"}
    with pytest.raises(ValueError, match="calibration_of: upright"):
        Topics.model_validate({"rate": 1, "cameras": [camera]})
    Topics.model_validate({"rate": 1, "cameras": [camera | {"calibration_of": "upright"}]})
    camera = {"topic": "/c", "extrinsics": "tf", "extrinsics_are": "reference_to_camera"}
    with pytest.raises(ValueError, match="tf says itself"):
        Topics.model_validate({"rate": 1, "reference_frame": "base", "cameras": [camera]})


# Bags


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    """Six steps at 10 Hz, a raw picture with each; of three cameras the poses come every second step, after the first."""
    from mcap.writer import Writer

    with (tmp_path / "x.mcap").open("wb") as file:
        writer = Writer(file)
        writer.start()
        ids = {name: writer.register_channel(name, "json", 0) for name in ("/n", "/info", "/pose", "/matrix", "/eye")}
        for number in range(6):
            time = number * 10**8

            def send(topic: str, said: dict[str, Any], time: int = time) -> None:
                writer.add_message(ids[topic], time, json.dumps(said).encode(), time)

            send("/n", {"n": number})
            send("/eye", {"encoding": "mono8", "width": 4, "height": 2, "step": 4, "data": "AAAAAAAAAAA="})
            send("/info", {"K": [8 + (number > 3), 0, 2, 0, 8, 1, 0, 0, 1]})
            if number % 2:
                where = {"x": number, "y": 0, "z": 1}
                send("/pose", {"pose": {"position": where, "orientation": {"x": 1, "y": 0, "z": 0, "w": 0}}})
                matrix = np.diag([1.0, -1, -1, 1])
                matrix[:3, 3] = number, 0, 1
                send("/matrix", {"T": np.linalg.inv(matrix @ OPENGL).ravel().tolist()})
        writer.finish()
    return tmp_path


@pytest.mark.parametrize(
    "told",
    [
        {"extrinsics": "/pose:pose"},
        {"extrinsics": "/matrix:T", "extrinsics_are": "reference_to_camera", "camera_axes": "opengl"},
    ],
)
def test_poses_that_a_bag_announces_hold_until_the_next(bag, read_source, told):
    camera = {"topic": "/eye", "name": "eye", "intrinsics": "/info:K", **told}
    found = read_source("mcap", bag, topics={"steps": "/n", "state": "/n:n", "cameras": [camera]})
    assert found.rejects == []
    steps, header = found.rows("s/x", "robot_steps"), found.rows("s/x", "trajectories")[0]
    (stream,) = header["streams"]
    assert (stream["extrinsics"], stream["intrinsics"]) == (None, [8, 8, 2, 1])
    expected = [None, *([1, 0, 0, x, 0, -1, 0, 0, 0, 0, -1, 1, 0, 0, 0, 1] for x in (1, 1, 3, 3, 5))]
    for row, pose in zip(steps, expected, strict=True):
        assert row["camera_poses"] == [None] if pose is None else row["camera_poses"][0] == pytest.approx(pose)
    said = json.loads(header["completeness"])["stream eye"]
    assert said["intrinsics_change"] == "2 of 6 messages have others than the first, which are kept"
    assert said["extrinsics_sampling"]["steps_without"] == 1


def test_poses_that_are_none_are_rejected(bag, read_source):
    for place, code in (
        ("/n:n", "rotation_unfit"),
        ("/eye:encoding", "calibration_unfit"),
        ("/pose:pose.orientation", "rotation_unfit"),
    ):
        camera = {"topic": "/eye", "extrinsics": place}
        (reject,) = read_source("mcap", bag, topics={"steps": "/n", "state": "/n:n", "cameras": [camera]}).rejects
        assert reject.code == code
        assert place.split(":")[0] in reject.message
