"""One simulation, recorded as HDF5, MCAP and Zarr: what the three readers make of it is the same, and what one lacks is null."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image

CAMERA = {"key": "obs/agentview_image", "name": "agentview", "intrinsics": "@K_agentview", "extrinsics": "@cam2world_agentview"}
WRIST = {"key": "obs/robot0_eye_in_hand_image", "name": "wrist", "intrinsics": "@K_robot0_eye_in_hand",
         "extrinsics": "obs/robot0_eye_in_hand_cam2world"}  # fmt: skip
HDF5 = {"fields": {"cameras": [CAMERA], "columns": {"px": "obs/agentview_eef_px"}}}
ZARR = {
    "fields": {"state": [], "eef_position": "robot0_eef_pos", "eef_rotation": "robot0_eef_quat", "cameras": [{"key": "*_rgb"}]}
}
TOPICS = {
    "steps": "/joint_states", "state": "/joint_states:position", "action": "/joint_states:action", "reference_frame": "world",
    "instruction": "@episode.task", "success": "@episode.success",
    "cameras": [{
        "topic": "/camera/agentview/compressed", "name": "agentview",
        "intrinsics": "/camera/agentview/calibration:K", "extrinsics": "/camera/agentview/calibration:T_world_cam",
    }],
}  # fmt: skip
EPISODES = ("s/lift_robomimic_layout/demo_000000", "s/lift_robomimic_layout/demo_000001")


def read(read_source, name, path, **options):
    """What a reader gives, and the frames of each trajectory: the next reading stages its media in the same place."""
    found = read_source(name, path, **options)
    assert found.rejects == []
    return found, {key: frames(found, key) for key in found.trajectories}


def column(found, keys, name):
    return np.array([row[name] for key in keys for row in found.rows(key, "robot_steps")], np.float64)


def frames(found, key):
    return [np.asarray(Image.open(io.BytesIO(found.media.read(row["image"])))) for row in found.rows(key, "images")]


def header(found, key):
    row = found.rows(key, "trajectories")[0]
    return row | {name: json.loads(row[name]) for name in ("completeness", "extras")}


def test_the_three_recordings_agree(shared_data, read_source):
    folder = shared_data / "robot/lift_sim"
    hdf5, of_hdf5 = read(read_source, "hdf5", folder / "lift_robomimic_layout.hdf5", **HDF5)
    mcap, of_mcap = read(read_source, "mcap", folder / "lift_ep0.mcap", topics=TOPICS)
    zarr, of_zarr = read(read_source, "zarr_buffer", folder / "replay_buffer.zarr", **ZARR)
    buffers = list(zarr.trajectories)
    joints = column(mcap, ["s/lift_ep0"], "state")
    assert joints.shape == (70, 7)
    assert np.abs(column(hdf5, EPISODES[:1], "state")[:, :7] - joints).max() <= 1e-6
    assert np.abs(column(hdf5, EPISODES[:1], "action") - column(mcap, ["s/lift_ep0"], "action")).max() <= 1e-6
    for name in ("eef_pose", "action"):
        assert len(column(zarr, buffers, name)) == 140
        assert np.abs(column(hdf5, EPISODES, name) - column(zarr, buffers, name)).max() <= 1e-6
    for key, buffer in zip(EPISODES, buffers, strict=True):
        assert all(np.array_equal(a[::2, ::2], b) for a, b in zip(of_hdf5[key], of_zarr[buffer], strict=True))
    times = [row["timestamp"] for row in mcap.rows("s/lift_ep0", "images")]
    assert len(times) == 34
    for time, picture in zip(times, of_mcap["s/lift_ep0"], strict=True):
        original = of_hdf5[EPISODES[0]][round((time - 0.007) / 0.05)]
        noise = np.mean((original.astype(float) - picture.astype(float)) ** 2)
        assert 10 * np.log10(255**2 / noise) >= 44
    for key in EPISODES:  # calibration: the gripper projected by it is where the simulator says
        stream = header(hdf5, key)["streams"][0]
        assert stream["intrinsics"] == header(mcap, "s/lift_ep0")["streams"][0]["intrinsics"]
        assert stream["extrinsics"] == pytest.approx(header(mcap, "s/lift_ep0")["streams"][0]["extrinsics"])
        fx, fy, cx, cy = stream["intrinsics"]
        points = (
            np.c_[column(hdf5, [key], "eef_pose")[:, :3], np.ones(70)]
            @ np.linalg.inv(np.reshape(stream["extrinsics"], (4, 4))).T
        )
        pixels = np.c_[fx * points[:, 0] / points[:, 2] + cx, fy * points[:, 1] / points[:, 2] + cy]
        assert np.abs(pixels - column(hdf5, [key], "px")).max() <= 1e-4
    # what a format does not hold is null
    assert {row["timestamp"] for key in buffers for row in zarr.rows(key, "robot_steps")} == {None}
    assert (header(zarr, buffers[0])["instruction"], header(zarr, buffers[0])["fps"], header(zarr, buffers[0])["success"]) == (
        None,
    ) * 3
    assert header(zarr, buffers[0])["streams"][0]["intrinsics"] is None
    assert "fps" in header(zarr, buffers[0])["completeness"]
    assert {row["eef_pose"] is None and row["gripper"] is None for row in mcap.rows("s/lift_ep0", "robot_steps")} == {True}
    assert (
        header(hdf5, EPISODES[0])["instruction"],
        header(hdf5, EPISODES[0])["duration"],
        header(hdf5, EPISODES[0])["fps"],
    ) == (None, None, 20.0)
    # and what is odd is said
    said = header(mcap, "s/lift_ep0")
    assert (said["instruction"], said["success"], said["success_by"]) == ("lift the red cube", True, "source")
    camera = said["completeness"]["stream agentview"]
    assert camera["dropped"] == {"count": 1, "gaps": [{"after_frame": 9, "at": 0.907, "missing": 1}]}
    assert camera["after_nearest_step"] == pytest.approx(0.007)
    assert said["extras"]["clocks"]["/joint_states"] == {"clock": "log time", "messages": 70}
    assert said["extras"]["clocks"]["/camera/agentview/compressed"] == {"clock": "message stamp", "messages": 34}
    assert [row["frames"] for row in mcap.rows("s/lift_ep0", "robot_steps")][18:24] == [
        [9], [9], [None], [None], [10], [10],
    ]  # fmt: skip
