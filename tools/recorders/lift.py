"""Make the example `examples/data/lift` of a simulated recording: robomimic's HDF5 layout in, a LeRobot v2.1 dataset out.

    python -m tools.recorders.lift lift_robomimic_layout.hdf5 examples/data/lift

What the recording holds, found in its data: observation t was taken before action t (the gripper's command changes in row
25, its fingers move from row 26), reward t is what action t led to (the cube passes the height of success between rows 38
and 39, the reward is 1 from row 38), images stand upright, quaternions are x y z w. So rows are kept as they are.

The same recording and the same libraries give the same bytes. Needs h5py (the extra `record`).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import av
import cv2
import h5py
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

FPS = 20
TASK = "lift the red cube"
ROBOT = "Panda"
CAMERAS = ("agentview", "robot0_eye_in_hand")
CRF, KEY_FRAME_EVERY = "28", 10

_ENCODER = {"crf": CRF, "preset": "medium", "threads": "1", "bf": "0", "g": str(KEY_FRAME_EVERY), "x264-params": "asm=0"}
_XYZ = ("x", "y", "z")

Array = npt.NDArray[Any]

FEATURES: dict[str, tuple[str, list[str] | None]] = {
    "observation.state": ("float32", [*(f"panda_joint{i}" for i in range(1, 8)), "gripper_opening"]),
    "action": ("float32", [*(f"eef_delta_{axis}" for axis in (*_XYZ, "rx", "ry", "rz")), "gripper_command"]),
    "observation.eef_pos": ("float32", list(_XYZ)),
    "observation.eef_quat": ("float32", ["qx", "qy", "qz", "qw"]),
    "observation.cube_pos": ("float32", list(_XYZ)),
    "next.reward": ("float32", None),
    "next.done": ("bool", None),
    "next.success": ("bool", None),
    "timestamp": ("float32", None),
    "frame_index": ("int64", None),
    "episode_index": ("int64", None),
    "index": ("int64", None),
    "task_index": ("int64", None),
}
"""Columns of an episode's parquet: element type, and names of the dimensions of a vector. Units stand in the README."""


def record(recording: Path, folder: Path) -> None:
    """Write the dataset into `folder`. Raises OSError where the recording cannot be read, KeyError where it has another layout."""
    lengths: list[int] = []
    statistics: list[dict[str, Any]] = []
    with h5py.File(recording, "r") as file:
        demos = sorted(file["data"], key=lambda name: int(name.removeprefix("demo_")))
        height, width = file["data"][demos[0]][f"obs/{CAMERAS[0]}_image"].shape[1:3]
        for number, name in enumerate(demos):
            demo = file["data"][name]
            columns = episode_columns(demo, number, sum(lengths))
            stats = {key: column_statistics(values) for key, values in columns.items()}
            write_parquet(columns, folder / f"data/chunk-000/episode_{number:06d}.parquet")
            for camera in CAMERAS:
                pictures = demo[f"obs/{camera}_image"][:]
                key = f"observation.images.{camera}"
                write_video(pictures, folder / f"videos/chunk-000/{key}/episode_{number:06d}.mp4")
                stats[key] = picture_statistics(pictures)
            lengths.append(len(columns["timestamp"]))
            statistics.append({"episode_index": number, "stats": stats})
    write_meta(folder / "meta", lengths, statistics, (height, width))


def episode_columns(demo: Mapping[str, Any], number: int, first_index: int) -> dict[str, Array]:
    """The columns of one demonstration, [rows] or [rows, dimensions], in the types of `FEATURES`.

    The gripper's opening is the distance of its fingers, metres; the recording has one finger above zero and one below.
    """
    observation = demo["obs"]
    fingers = observation["robot0_gripper_qpos"][:]
    reward = demo["rewards"][:]
    rows = len(reward)
    columns = {
        "observation.state": np.column_stack([observation["robot0_joint_pos"][:], fingers[:, 0] - fingers[:, 1]]),
        "action": demo["actions"][:],
        "observation.eef_pos": observation["robot0_eef_pos"][:],
        "observation.eef_quat": observation["robot0_eef_quat"][:],
        "observation.cube_pos": observation["cube_pos"][:],
        "next.reward": reward,
        "next.done": demo["dones"][:] != 0,
        "next.success": reward >= 1,
        "timestamp": np.arange(rows) / FPS,
        "frame_index": np.arange(rows),
        "episode_index": np.full(rows, number),
        "index": first_index + np.arange(rows),
        "task_index": np.zeros(rows),
    }
    return {name: columns[name].astype(dtype) for name, (dtype, _) in FEATURES.items()}


def write_parquet(columns: Mapping[str, Array], path: Path) -> None:
    """One row group, vectors as fixed-size lists, and the features in the metadata, as LeRobot writes them."""
    arrays: list[pa.Array] = []
    features: dict[str, Any] = {}
    for name, values in columns.items():
        element = {"dtype": FEATURES[name][0], "_type": "Value"}
        if values.ndim == 1:
            arrays.append(pa.array(values))
            features[name] = element
        else:
            arrays.append(pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), values.shape[1]))
            features[name] = {"feature": element, "length": values.shape[1], "_type": "Sequence"}
    table = pa.table(dict(zip(columns, arrays, strict=True)))
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})}), path)


def write_video(pictures: Array, path: Path) -> None:
    """RGB pictures uint8 [frames, height, width, 3] as h264 in mp4, a frame every 1 / FPS seconds from 0.

    No B frames, so that the first frame is shown at 0 without an edit list; one thread, no assembler (with it, x264
    gives other bytes now and then) and no version strings, so that the bytes depend on the pictures and the encoder alone.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", options={"fflags": "+bitexact", "movflags": "+faststart"}) as output:
        track = output.add_stream("libx264", rate=FPS, options={**_ENCODER, "flags": "+bitexact"})
        track.height, track.width = pictures.shape[1:3]
        track.pix_fmt = "yuv420p"
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(cv2.cvtColor(picture, cv2.COLOR_RGB2YUV_I420), format="yuv420p")
            frame.pts = number
            output.mux(track.encode(frame))
        output.mux(track.encode(None))


def column_statistics(values: Array) -> dict[str, list[float | int | bool]]:
    """Minimum, maximum, mean, standard deviation per dimension, and the count, as LeRobot v2.1 keeps them per episode."""
    rows = values.reshape(len(values), -1)
    exact = rows.astype(np.float64)
    return {
        "min": rows.min(axis=0).tolist(),
        "max": rows.max(axis=0).tolist(),
        "mean": exact.mean(axis=0).tolist(),
        "std": exact.std(axis=0).tolist(),
        "count": [len(rows)],
    }


def picture_statistics(pictures: Array) -> dict[str, Any]:
    """The same per colour, of all pixels as 0..1, each as [[[value]]] per colour."""
    scaled = column_statistics(pictures.reshape(-1, pictures.shape[-1]).astype(np.float64) / 255)
    per_colour = {name: [[[value]] for value in values] for name, values in scaled.items() if name != "count"}
    return {**per_colour, "count": [len(pictures)]}


def write_meta(folder: Path, lengths: list[int], statistics: list[dict[str, Any]], size: tuple[int, int]) -> None:
    """info.json and the three indexes, line by line. `size`: height, width of the pictures."""
    features: dict[str, Any] = {f"observation.images.{camera}": _video_feature(*size) for camera in CAMERAS}
    for name, (dtype, names) in FEATURES.items():
        features[name] = {"dtype": dtype, "shape": [len(names) if names else 1], "names": names}
    info = {
        "codebase_version": "v2.1",
        "robot_type": ROBOT,
        "total_episodes": len(lengths),
        "total_frames": sum(lengths),
        "total_tasks": 1,
        "total_videos": len(lengths) * len(CAMERAS),
        "total_chunks": 1,
        "chunks_size": 1000,
        "fps": FPS,
        "splits": {"train": f"0:{len(lengths)}"},
        "data_path": "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet",
        "video_path": "videos/chunk-{episode_chunk:03d}/{video_key}/episode_{episode_index:06d}.mp4",
        "features": features,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "info.json").write_text(json.dumps(info, indent=4) + "\n")
    episodes = [{"episode_index": i, "tasks": [TASK], "length": length} for i, length in enumerate(lengths)]
    for name, rows in (
        ("episodes.jsonl", episodes),
        ("tasks.jsonl", [{"task_index": 0, "task": TASK}]),
        ("episodes_stats.jsonl", statistics),
    ):
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))


def _video_feature(height: int, width: int) -> dict[str, Any]:
    said = {
        "height": height,
        "width": width,
        "codec": "h264",
        "pix_fmt": "yuv420p",
        "is_depth_map": False,
        "fps": FPS,
        "channels": 3,
    }
    return {
        "dtype": "video",
        "shape": [height, width, 3],
        "names": ["height", "width", "channels"],
        "info": {**{f"video.{key}": value for key, value in said.items()}, "has_audio": False},
    }


def main(arguments: list[str]) -> int:
    """`HDF5 OUT`: 0, or 2 where the arguments are others."""
    if len(arguments) != 2:
        print("usage: python -m tools.recorders.lift HDF5 OUT", file=sys.stderr)
        return 2
    record(Path(arguments[0]), Path(arguments[1]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
