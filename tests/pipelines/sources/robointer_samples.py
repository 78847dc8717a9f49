"""RoboInter-Data as its converters write it: LeRobot v2.1 with text columns, the LMDB's records, raw pickles and sidecars.

Names, types and shapes are those of the published info.json; values follow the rules of the converter (windows of a path padded
with its last point, -1 and [] after a contact, words of the first clip in gaps).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.pipelines.sources.robot_samples import mp4, pictures

FRAMES = 24
ORIGIN = (640, 360)
CLIPS = [[0, 9], [14, 23]]
CONTACT = 6
TEXTS = ("instruction_add", "substask", "primitive_skill", "segmentation")
FIELDS = (
    "time_clip", "instruction_add", "substask", "primitive_skill", "segmentation", "object_box", "placement_proposal", "trace",
    "gripper_box", "contact_frame", "state_affordance", "affordance_box", "contact_points", "origin_shape",
)  # fmt: skip
RATED = {"substask": "Primary", "trace": "Secondary", "gripper_box": "Primary", "contact_frame": "Primary"}
OTHER = {"action_tcp_pose": 7, "observation_joint_position": 7, "action_gripper_velocity": 1}


def gripper_at(frame: int) -> list[int]:
    """The middle of the gripper, in pixels of ORIGIN."""
    return [100 + 10 * frame, 50 + 4 * frame]


def box_at(frame: int) -> list[list[int]]:
    x, y = gripper_at(frame)
    return [[x - 20, y - 10], [x + 20, y + 10]]


def frame_notes(frame: int, lost: int | None = 17) -> dict[str, Any]:
    """One frame of one episode as the LMDB holds it. The path is not known in frame `lost`."""
    second = frame >= CLIPS[1][0]
    past = frame > CONTACT and not second
    window = [gripper_at(min(f, FRAMES - 1)) for f in range(frame, frame + 10)]
    unknown = lost is not None and frame <= lost < frame + 10
    before = not past and not second
    return {
        "time_clip": CLIPS,
        "instruction_add": "put the red block into the bowl",
        "substask": "put it into the bowl" if second else "pick up the red block",  # in the gap too: the converter's mistake
        "primitive_skill": "place" if second else "pick",
        "segmentation": None,
        "object_box": None if frame == 3 else [[300, 200], [340, 260]],
        "placement_proposal": [[500, 100], [560, 160]] if second else None,
        "trace": None if unknown else window,
        "gripper_box": box_at(frame),
        "contact_frame": (-1 if past else CONTACT) if not second else None,
        "state_affordance": ([] if past else [0.5, 0.1, 0.25, 3.14159, 0.0, 0.1]) if not second else None,
        "affordance_box": (box_at(CONTACT) if before else []) if not second else None,
        "contact_points": ([[150, 74], [170, 74]] if before else []) if not second else None,
        "origin_shape": list(ORIGIN),
    }


def text_of(name: str, value: Any) -> str:
    """A value as its column holds it."""
    if value is None:
        return ""
    return value if name in TEXTS else json.dumps(value)


def dataset(folder: Path, notes: list[list[dict[str, Any]]], names: list[str], black_wrist: int | None = None) -> Path:
    """A LeRobot v2.1 dataset of episodes with those notes per frame; of one the wrist camera is missing, so black."""
    features: dict[str, Any] = {key: _feature("float64", 7) for key in ("action", "state")}
    features |= {f"observation.images.{key}": _video() for key in ("primary", "wrist")}
    strings = ["episode_name", "camera_view", *(f"annotation.{n}" for n in FIELDS)]
    strings += [f"Q_annotation.{n}" for n in FIELDS if n not in ("time_clip", "origin_shape")]
    features |= {name: _feature("string", 1) for name in strings}
    features |= {f"other_information.{name}": _feature("float64", width) for name, width in OTHER.items()}
    features |= {"timestamp": _feature("float32", 1)}
    features |= {name: _feature("int64", 1) for name in ("frame_index", "episode_index", "index", "task_index")}
    info = {
        "codebase_version": "v2.1", "robot_type": "franka_robotiq", "total_episodes": len(notes), "chunks_size": 1000, "fps": 10,
        "splits": {"train": f"0:{len(notes)}"}, "features": features,
        "data_path": "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet",
        "video_path": "videos/chunk-{episode_chunk:03d}/{video_key}/episode_{episode_index:06d}.mp4",
    }  # fmt: skip
    (folder / "meta").mkdir(parents=True)
    (folder / "meta/info.json").write_text(json.dumps(info))
    (folder / "meta/tasks.jsonl").write_text(json.dumps({"task_index": 0, "task": "put the block in the bowl"}) + "\n")
    lines = [{"episode_index": i, "tasks": ["put the block in the bowl"], "length": len(n)} for i, n in enumerate(notes)]
    (folder / "meta/episodes.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    for number, frames in enumerate(notes):
        _episode(folder, number, frames, names[number], black=number == black_wrist)
    return folder


def _episode(folder: Path, number: int, frames: list[dict[str, Any]], name: str, black: bool) -> None:
    rows = len(frames)
    numbers = np.arange(rows)
    columns: dict[str, Any] = {
        "timestamp": pa.array(numbers / 10, pa.float32()),
        "frame_index": pa.array(numbers, pa.int64()),
        "episode_index": pa.array([number] * rows, pa.int64()),
        "index": pa.array(numbers + number * rows, pa.int64()),
        "task_index": pa.array([0] * rows, pa.int64()),
        "state": [[float(frame + i) for i in range(7)] for frame in numbers],
        "action": [[0.5] * 7] * rows,
        "episode_name": [name] * rows,
        "camera_view": ["_".join(name.split("_")[1:]) if name[0].isdigit() else name.rsplit("_", 1)[-1]] * rows,
        "other_information.action_tcp_pose": [[0.0] * 7] * rows,  # filled up with zeros
        "other_information.observation_joint_position": [[0.1] * 7] * rows,
        "other_information.action_gripper_velocity": [0.0] * rows,
    }
    for field in FIELDS:
        columns[f"annotation.{field}"] = [text_of(field, notes[field]) for notes in frames]
        if field not in ("time_clip", "origin_shape"):
            rated = RATED.get(field, "")
            columns[f"Q_annotation.{field}"] = [rated if text else "" for text in columns[f"annotation.{field}"]]
    data = folder / f"data/chunk-000/episode_{number:06d}.parquet"
    data.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), data)
    for camera in ("primary", "wrist"):
        video = folder / f"videos/chunk-000/observation.images.{camera}/episode_{number:06d}.mp4"
        video.parent.mkdir(parents=True, exist_ok=True)
        shown = pictures(rows, 180, 320)
        mp4(video, np.zeros_like(shown) if black and camera == "wrist" else shown, 10)


def raw_item() -> dict[str, Any]:
    """The same episode as an item of the raw pickle, before anything was derived per frame."""
    return {
        "origin_shape": ORIGIN,
        "all_language": {
            "frames": FRAMES,
            "time_clip": [tuple(clip) for clip in CLIPS],
            "instruction": "put the red block into the bowl",
            "task_steps": ["pick up the red block", "put it into the bowl"],
            "action_steps": ["pick", "place"],
        },
        "all_gripper_box": {frame: {"gripper_box": box_at(frame)} for frame in range(FRAMES)},
        "all_grounding_box": {frame: {"obj_box": [[300, 200], [340, 260]]} for frame in range(FRAMES) if frame != 3},
        "all_contact_point": {
            (0, 9): {"contact_frame": CONTACT, "contact_pt": [[150, 74], [170, 74]], "contact_box": box_at(CONTACT)}
        },
        "all_traj": {"trace": np.array([gripper_at(frame) for frame in range(FRAMES)])},
    }


def _feature(dtype: str, *shape: int) -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape), "names": [f"{i}" for i in range(shape[0])]}


def _video() -> dict[str, Any]:
    info = {"video.height": 180, "video.width": 320, "video.codec": "h264", "video.pix_fmt": "yuv420p", "video.fps": 10}
    return {"dtype": "video", "shape": [180, 320, 3], "names": ["height", "width", "channel"], "info": info}
