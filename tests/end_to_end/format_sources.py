"""A source per robot format, each a small recording in its writer's own layout, for one recipe over all of them.

Generated here: all but `lift21` and `lift20` (two episodes of our own simulation, see examples/README.md), and, where the real
inputs are on the machine, `lift_hdf5`, `lift_mcap`, `lift_zarr` (the same simulation) and `talker` (bags that rosbag2 wrote).
"""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tests.pipelines import lerobot_v30
from tests.pipelines.sources import robot_samples as samples
from tests.pipelines.sources.robointer_samples import FRAMES, dataset, frame_notes

ROOT = Path(__file__).resolve().parents[2]
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"


def arm(letter: str) -> dict[str, Any]:
    """The topic map of the messages of `ros_messages`; `letter` is CameraInfo's field of intrinsics, `K` in ROS 1."""
    camera = {"topic": "/camera", "name": "hand", "intrinsics": f"/camera_info:{letter}", "extrinsics": "tf"}
    return {"steps": "/joint_states", "state": "/joint_states:position", "reference_frame": "base_link", "cameras": [camera]}


PACKETS = {"steps": "/joints", "state": "/joints:position", "cameras": [{"topic": "/video", "name": "eye"}]}
NUMBERS = {"steps": "/arm", "state": "/arm:joints", "gripper": {"at": "/arm:width", "closed": 0, "open": 0.08}}
TALKER = {"steps": "/topic", "columns": {"text": {"at": "/topic:data", "type": "string"}}}
OWN = {
    "state": "pose[0:3]", "action": "command", "eef_position": "pose[0:3]", "eef_rotation": "pose[3:7]", "rotation": "wxyz",
    "timestamp": "clock", "timestamp_unit": "ms", "gripper": {"key": "grip", "closed": 0, "open": 80},
    "cameras": [
        {"key": "front", "colours": "bgr", "intrinsics": "lens", "extrinsics": "place", "extrinsics_are": "reference_to_camera",
         "camera_axes": "opengl"},
        {"key": "deep", "kind": "depth", "depth_unit": 0.001},
    ],
    "columns": {"label": {"key": "label", "type": "string"}},
}  # fmt: skip
LIFT = {
    "steps": "/joint_states", "state": "/joint_states:position", "action": "/joint_states:action", "reference_frame": "world",
    "instruction": "@episode.task", "success": "@episode.success",
    "cameras": [{
        "topic": "/camera/agentview/compressed", "name": "agentview",
        "intrinsics": "/camera/agentview/calibration:K", "extrinsics": "/camera/agentview/calibration:T_world_cam",
    }],
}  # fmt: skip
VIEW = {"key": "obs/agentview_image", "name": "agentview", "intrinsics": "@K_agentview", "extrinsics": "@cam2world_agentview"}


def generated(folder: Path) -> list[dict[str, Any]]:
    """Sources of all formats, made in a folder."""
    for name in ("aloha", "libero", "robomimic", "own", "umi", "umi3", "zip", "jxl", "json"):
        (folder / name).mkdir()
    lerobot_v30.dataset(folder / "set30")
    _older(folder / "lift20")
    samples.aloha(folder / "aloha/episode_2.hdf5", compressed=True)
    (folder / "aloha/episode_10.hdf5").write_bytes(POINTER)  # the one fault of all sources
    samples.libero(folder / "libero/drawer_demo.hdf5")
    samples.robomimic(folder / "robomimic/lift.hdf5")
    own_layout(folder / "own/own.h5")
    samples.droid(folder / "droid/a")
    _buffers(folder)
    samples.cdr_mcap(folder / "run.mcap")
    samples.protobuf_mcap(folder / "packets.mcap")
    json_mcap(folder / "json/arm.mcap")
    samples.db3(folder / "run.db3")
    samples.ros1_bag(folder / "run.bag")
    samples.rlds(folder / "rlds")
    dataset(folder / "robointer", [[frame_notes(frame) for frame in range(FRAMES)]], ["3072_exterior_image_1_left"])
    return [
        {"name": "lift20", "reader": "lerobot", "uri": "lift20"},
        {"name": "lift21", "reader": "lerobot", "uri": str(ROOT / "examples/data/lift")},
        {"name": "set30", "reader": "lerobot", "uri": "set30"},
        {"name": "aloha", "reader": "hdf5", "uri": "aloha", "options": {"preset": "aloha", "colours": "bgr"}},
        {"name": "libero", "reader": "hdf5", "uri": "libero"},
        {"name": "robomimic", "reader": "hdf5", "uri": "robomimic"},
        {"name": "own", "reader": "hdf5", "uri": "own", "options": {"preset": "generic", "episodes": "runs/*", "fields": OWN}},
        {"name": "droid", "reader": "droid", "uri": "droid"},
        *({"name": name, "reader": "zarr_buffer", "uri": name} for name in ("umi", "umi3", "zip", "jxl")),
        {"name": "cdr", "reader": "mcap", "uri": "run.mcap", "options": {"topics": arm("k")}},
        {"name": "packets", "reader": "mcap", "uri": "packets.mcap", "options": {"topics": PACKETS}},
        {"name": "json", "reader": "mcap", "uri": "json", "options": {"topics": NUMBERS}},
        {"name": "db3", "reader": "rosbag2", "uri": "run.db3", "options": {"topics": arm("k")}},
        {"name": "bag", "reader": "rosbag1", "uri": "run.bag", "options": {"topics": arm("K")}},
        {"name": "rlds", "reader": "rlds", "uri": "rlds", "options": {"last_action": "dummy", "fps": 5}},
        {"name": "robointer", "reader": "robointer", "uri": "robointer"},
    ]


def recorded(shared: Path) -> list[dict[str, Any]]:
    """Sources of real recordings: our simulation in three formats, and bags of ROS 2 in both storages."""
    lift = shared / "robot/lift_sim"
    zarr = {"state": [], "eef_position": "robot0_eef_pos", "eef_rotation": "robot0_eef_quat", "cameras": []}
    return [
        {"name": "lift_hdf5", "reader": "hdf5", "uri": str(lift / "lift_robomimic_layout.hdf5"),
         "options": {"fields": {"cameras": [VIEW], "columns": {"px": "obs/agentview_eef_px"}}}},
        {"name": "lift_mcap", "reader": "mcap", "uri": str(lift / "lift_ep0.mcap"), "options": {"topics": LIFT}},
        {"name": "lift_zarr", "reader": "zarr_buffer", "uri": str(lift / "replay_buffer.zarr"), "options": {"fields": zarr}},
        {"name": "talker", "reader": "rosbag2", "uri": str(shared / "robot/rosbag2_talker"), "options": {"topics": TALKER}},
    ]  # fmt: skip


def own_layout(path: Path) -> None:
    """Two runs of four steps in a layout that nobody knows: raw BGR pictures, depth, a clock in ms, the camera's pose inverted.

    The camera stands 2 m before the base, at the height of 1 m, and looks back at it; OpenGL axes, reference to camera.
    """
    to_base = np.array([[0, 0, 1, 2], [1, 0, 0, 0], [0, 1, 0, 1], [0, 0, 0, 1]], np.float64)
    with h5py.File(path, "w") as file:
        for number in (2, 10):
            run = file.create_group(f"runs/{number}")
            run["pose"] = np.tile([0.5, 0, 0.25, 1, 0, 0, 0], (4, 1)) + number * np.eye(7)[0]
            run["command"] = np.arange(8.0).reshape(4, 2)
            run["clock"] = 1000 + np.array([0, 40, 80, 120])
            run["grip"] = np.array([80.0, 40.0, 0.0, 0.0])
            run["front"] = samples.pictures(4)[..., ::-1]
            run["deep"] = np.arange(4 * 24 * 32, dtype=np.uint16).reshape(4, 24, 32)
            run["lens"] = np.array([[50.0, 0, 15.5], [0, 50.0, 11.5], [0, 0, 1]])
            run["place"] = np.linalg.inv(to_base)
            run["label"] = np.array([b"a", b"b", b"c", b"d"])


def json_mcap(path: Path) -> None:
    """Ten messages of JSON without stamps."""
    from mcap.writer import Writer

    with path.open("wb") as file:
        writer = Writer(file)
        writer.start()
        channel = writer.register_channel("/arm", "json", 0)
        for number in range(10):
            time = 10**12 + number * 10**8
            said = {"joints": [number, -number], "width": number * 0.008}
            writer.add_message(channel, time, json.dumps(said).encode(), time)
        writer.finish()


def _older(folder: Path) -> None:
    """The examples' episodes as v2.0: the same files, but one file of statistics in place of a line per episode."""
    shutil.copytree(ROOT / "examples/data/lift", folder, copy_function=shutil.copyfile)
    (folder / "meta/episodes_stats.jsonl").unlink()
    (folder / "meta/stats.json").write_text("{}")
    info = json.loads((folder / "meta/info.json").read_text())
    (folder / "meta/info.json").write_text(json.dumps(info | {"codebase_version": "v2.0"}))


def _buffers(folder: Path) -> None:
    """One replay buffer as Zarr v2, v3, v2 in a zip, and v2 with pictures in JPEG-XL."""
    import imagecodecs.numcodecs

    imagecodecs.numcodecs.register_codecs(verbose=False)
    samples.replay_buffer(folder / "umi/replay_buffer.zarr")
    samples.replay_buffer(folder / "umi3/replay_buffer.zarr", version=3)
    samples.replay_buffer(folder / "jxl/replay_buffer.zarr", compressors=imagecodecs.numcodecs.Jpegxl(lossless=True))
    with zipfile.ZipFile(folder / "zip/replay_buffer.zarr.zip", "w") as archive:
        for path in sorted((folder / "umi/replay_buffer.zarr").rglob("*")):
            archive.write(path, path.relative_to(folder / "umi/replay_buffer.zarr").as_posix())
