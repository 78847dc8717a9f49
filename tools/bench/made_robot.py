"""Inputs of the benchmark of robot formats, made from a seed: LeRobot step tables without cameras, and clips of video.

The tables have the columns and types that LeRobot writes (lists of float32, one row group per episode in v3.0), the clips
a moving picture with noise, so that neither rows nor packets repeat.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

FPS = 30
DIMENSIONS = 26
"""Entries of state and of action, as many as a Unitree G1 with hands has."""
TASK = "put the bottle on the table"


def made_v21(folder: Path, episodes: int, rows: int) -> Path:
    """A LeRobot v2.1 dataset: a Parquet file per episode."""
    for episode, table in enumerate(_tables(episodes, rows)):
        path = folder / f"data/chunk-{episode // 1000:03d}/episode_{episode:06d}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, path, compression="snappy")
    template = "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet"
    _info(folder, "v2.1", template, episodes, rows)
    lines = [{"episode_index": episode, "tasks": [TASK], "length": rows} for episode in range(episodes)]
    (folder / "meta/episodes.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    (folder / "meta/tasks.jsonl").write_text(json.dumps({"task_index": 0, "task": TASK}) + "\n")
    return folder


def made_v30(folder: Path, episodes: int, rows: int) -> Path:
    """A LeRobot v3.0 dataset: all episodes in one Parquet file, a row group each."""
    path = folder / "data/chunk-000/file-000.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    writer: pq.ParquetWriter | None = None
    for table in _tables(episodes, rows):
        writer = writer or pq.ParquetWriter(path, table.schema, compression="snappy")
        writer.write_table(table)
    assert writer is not None
    writer.close()
    _info(folder, "v3.0", "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet", episodes, rows)
    index = {
        "episode_index": pa.array(range(episodes), pa.int64()),
        "tasks": pa.array([[TASK]] * episodes),
        "length": pa.array([rows] * episodes, pa.int64()),
        "data/chunk_index": pa.array([0] * episodes, pa.int64()),
        "data/file_index": pa.array([0] * episodes, pa.int64()),
        "dataset_from_index": pa.array(range(0, episodes * rows, rows), pa.int64()),
        "dataset_to_index": pa.array(range(rows, (episodes + 1) * rows, rows), pa.int64()),
    }
    (folder / "meta/episodes/chunk-000").mkdir(parents=True)
    pq.write_table(pa.table(index), folder / "meta/episodes/chunk-000/file-000.parquet")
    pq.write_table(pa.table({"task_index": pa.array([0], pa.int64()), "task": [TASK]}), folder / "meta/tasks.parquet")
    return folder


def made_clip(path: Path, codec: str, frames: int, group: int, width: int = 640, height: int = 480) -> Path:
    """A clip of yuv420p pictures, encoded in one thread: a picture that drifts, under noise."""
    options = {"libx264": {"preset": "veryfast", "crf": "23"}, "libsvtav1": {"preset": "12", "crf": "30"}}[codec]
    noise = np.random.default_rng(0)
    grain = noise.integers(0, 24, (height + 64, width + 64), np.uint8)
    ramp = (np.add.outer(np.arange(height * 3 // 2), np.arange(width)) // 5 % 160 + 40).astype(np.uint8)
    with av.open(str(path), "w") as output:
        track = output.add_stream(codec, rate=FPS, options=options)
        assert isinstance(track, av.VideoStream)
        track.width, track.height, track.pix_fmt = width, height, "yuv420p"
        track.codec_context.gop_size, track.codec_context.thread_count = group, 1
        for number in range(frames):
            picture = np.roll(ramp, 3 * number, axis=1)
            x, y = noise.integers(0, 64, 2)
            picture[:height] += grain[y : y + height, x : x + width]
            frame = av.VideoFrame.from_ndarray(picture, "yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            output.mux(track.encode(frame))
        output.mux(track.encode())
    return path


def _tables(episodes: int, rows: int) -> Iterator[pa.Table]:
    """The rows of each episode: joints that wander, with the noise of sensors."""
    noise = np.random.default_rng(0)
    number = np.arange(rows)
    for episode in range(episodes):
        way = np.cumsum(noise.normal(0, 0.01, (rows, DIMENSIONS)), axis=0).astype(np.float32)
        command = (way + noise.normal(0, 0.001, way.shape)).astype(np.float32)
        yield pa.table(
            {
                "observation.state": _vectors(way),
                "action": _vectors(command),
                "timestamp": pa.array((number / FPS).astype(np.float32)),
                "frame_index": pa.array(number, pa.int64()),
                "episode_index": pa.array(np.full(rows, episode), pa.int64()),
                "index": pa.array(episode * rows + number, pa.int64()),
                "task_index": pa.array(np.zeros(rows), pa.int64()),
            }
        )


def _vectors(values: np.ndarray[Any, np.dtype[np.float32]]) -> pa.Array:
    return pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), values.shape[1])


def _info(folder: Path, version: str, template: str, episodes: int, rows: int) -> None:
    vector = {"dtype": "float32", "shape": [DIMENSIONS], "names": [f"joint_{i}" for i in range(DIMENSIONS)]}
    counted = ("frame_index", "episode_index", "index", "task_index")
    features: dict[str, Any] = {"observation.state": vector, "action": vector}
    features["timestamp"] = {"dtype": "float32", "shape": [1], "names": None}
    features |= {name: {"dtype": "int64", "shape": [1], "names": None} for name in counted}
    info = {
        "codebase_version": version,
        "robot_type": "made",
        "total_episodes": episodes,
        "total_frames": episodes * rows,
        "chunks_size": 1000,
        "fps": FPS,
        "splits": {"train": f"0:{episodes}"},
        "data_path": template,
        "features": features,
    }
    (folder / "meta").mkdir(parents=True, exist_ok=True)
    (folder / "meta/info.json").write_text(json.dumps(info))
