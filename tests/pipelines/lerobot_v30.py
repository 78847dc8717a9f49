"""Small LeRobot v3.0 datasets, made to be like those that lerobot 0.6 writes (layout, columns, one row group per episode).

They are generated, not recorded: no small real v3.0 dataset with a licence was at hand.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

FPS = 10
FRONT, WRIST = "observation.images.front", "observation.images.wrist"
INFO = {"video.height": 64, "video.width": 96, "video.codec": "h264", "video.pix_fmt": "yuv420p", "video.is_depth_map": False,
        "video.fps": FPS, "video.channels": 3, "has_audio": False}  # fmt: skip


def film(
    path: Path, frames: int, group: int, rate: int = FPS, seed: int = 0, codec: str = "libx264", pix_fmt: str = "yuv420p"
) -> None:
    """A film whose frames differ, with a key frame every `group`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    options = (
        {"preset": "ultrafast", "bf": "0"} if codec == "libx264" else {"x265-params": "lossless=1:bframes=0:log-level=none"}
    )
    with av.open(str(path), "w") as container:
        track = container.add_stream(codec, rate=rate, options=options)
        assert isinstance(track, av.VideoStream)
        track.width, track.height, track.pix_fmt = 96, 64, pix_fmt
        track.codec_context.gop_size = group
        noise = np.random.default_rng(seed)
        for number in range(frames):
            if pix_fmt == "gray12le":
                frame = av.VideoFrame.from_ndarray(noise.integers(0, 4096, (64, 96), np.uint16), "gray12le")
            else:
                picture = np.full((64, 96, 3), number * 5 % 250, np.uint8)
                picture[:8, : 1 + number % 96] = noise.integers(0, 255, 3, np.uint8)
                frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, rate)
            container.mux(track.encode(frame))
        container.mux(track.encode())


def dataset(
    folder: Path,
    lengths: Sequence[int] = (12, 15, 9, 20),
    indices: Sequence[int] | None = None,
    group: int = 1,
    index_name: str = "task",
    fixed: bool = True,
    further: dict[str, pa.Array] | None = None,
    features: dict[str, Any] | None = None,
) -> Path:
    """A dataset of two cameras; FRONT is one file, WRIST a file per two episodes, data one file per three."""
    indices = list(indices or range(len(lengths)))
    rows = pa.concat_tables(
        [_rows(n, episode, sum(lengths[:i]), fixed) for i, (n, episode) in enumerate(zip(lengths, indices, strict=True))]
    )
    for name, column in (further or {}).items():
        rows = rows.append_column(name, column)
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(int)
    for number, first in enumerate(range(0, len(lengths), 3)):
        path = folder / f"data/chunk-000/file-{number:03d}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        with pq.ParquetWriter(path, rows.schema, compression="snappy") as writer:
            for episode in range(first, min(first + 3, len(lengths))):
                writer.write_table(rows.slice(starts[episode], lengths[episode]))
    film(folder / f"videos/{FRONT}/chunk-000/file-000.mp4", sum(lengths), group)
    for number, first in enumerate(range(0, len(lengths), 2)):
        film(
            folder / f"videos/{WRIST}/chunk-000/file-{number:03d}.mp4", sum(lengths[first : first + 2]), group, seed=number + 1
        )
    _meta(folder, lengths, indices, starts, index_name, features or {})
    return folder


def _rows(length: int, episode: int, first: int, fixed: bool) -> pa.Table:
    noise = np.random.default_rng(episode)
    number = np.arange(length)
    vector = pa.list_(pa.float32(), 3) if fixed else pa.list_(pa.float32())
    return pa.table(
        {
            "observation.state": pa.array(noise.random((length, 3)).astype(np.float32).tolist(), vector),
            "action": pa.array(noise.random((length, 3)).astype(np.float32).tolist(), vector),
            "timestamp": pa.array(number / FPS, pa.float32()),
            "frame_index": pa.array(number, pa.int64()),
            "episode_index": pa.array(np.full(length, episode), pa.int64()),
            "index": pa.array(first + number, pa.int64()),
            "task_index": pa.array(np.full(length, episode % 2), pa.int64()),
        }
    )


def _meta(
    folder: Path, lengths: Sequence[int], indices: Sequence[int], starts: Any, index_name: str, features: dict[str, Any]
) -> None:
    rows = []
    for number, (length, episode) in enumerate(zip(lengths, indices, strict=True)):
        first_of_wrist = starts[number - number % 2]
        rows.append(
            {
                "episode_index": episode, "tasks": ["push" if episode % 2 else "pick"], "length": length,
                "data/chunk_index": 0, "data/file_index": number // 3,
                "dataset_from_index": int(starts[number]), "dataset_to_index": int(starts[number + 1]),
                f"videos/{FRONT}/chunk_index": 0, f"videos/{FRONT}/file_index": 0,
                f"videos/{FRONT}/from_timestamp": starts[number] / FPS, f"videos/{FRONT}/to_timestamp": starts[number + 1] / FPS,
                f"videos/{WRIST}/chunk_index": 0, f"videos/{WRIST}/file_index": number // 2,
                f"videos/{WRIST}/from_timestamp": (starts[number] - first_of_wrist) / FPS,
                f"videos/{WRIST}/to_timestamp": (starts[number + 1] - first_of_wrist) / FPS,
                "stats/action/min": [0.0, 0.0, 0.0], "meta/episodes/chunk_index": 0, "meta/episodes/file_index": 0,
            }
        )  # fmt: skip
    write_episodes(folder, rows)
    pq.write_table(pa.table({"task_index": pa.array([0, 1]), index_name: ["pick", "push"]}), folder / "meta/tasks.parquet")
    vector = {"dtype": "float32", "shape": [3], "names": ["a", "b", "c"]}
    scalars = {
        n: {"dtype": "int64", "shape": [1], "names": None} for n in ("frame_index", "episode_index", "index", "task_index")
    }
    video = {"dtype": "video", "shape": [64, 96, 3], "names": ["height", "width", "channels"], "info": INFO}
    info = {
        "codebase_version": "v3.0", "robot_type": "so100", "total_episodes": len(lengths), "total_frames": sum(lengths),
        "total_tasks": 2, "chunks_size": 1000, "data_files_size_in_mb": 100, "video_files_size_in_mb": 200, "fps": FPS,
        "splits": {"train": f"0:{len(lengths)}"}, "data_path": "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet",
        "video_path": "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4",
        "features": {"observation.state": vector, "action": vector, FRONT: video, WRIST: video,
                     "timestamp": {"dtype": "float32", "shape": [1], "names": None}, **scalars, **features},
    }  # fmt: skip
    (folder / "meta/info.json").write_text(json.dumps(info))


def episodes(folder: Path) -> list[dict[str, Any]]:
    """The rows of the table of episodes."""
    found: list[dict[str, Any]] = pq.read_table(folder / "meta/episodes/chunk-000/file-000.parquet").to_pylist()
    return found


def write_episodes(folder: Path, rows: list[dict[str, Any]]) -> None:
    """Write the table of episodes anew."""
    path = folder / "meta/episodes/chunk-000/file-000.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), path)
