"""A release of any size, made of noise by our own writer: for measurements of reading and writing."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import yaml

from pipelines.io.media import MediaReader, MediaWriter
from pipelines.io.parquet import row_groups, write_parquet
from pipelines.stages.release import embedded_groups
from schemas.arrow import columns_of, published_schema, stored_schema, table_from_columns
from schemas.types import Column

STEPS = 300
"""Steps of one episode."""
EPISODES_PER_TASK = 10
DIMENSIONS = 14
VIDEO_BYTES = 120_000
SCREENSHOT_BYTES = 250_000
_EPISODE_BYTES, _EPISODE_MEMORY = 52_000, 60_000
"""Of `robot_steps` in a file and as Arrow data, measured."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much of what: episodes (each with a video) and screens, in files of at most `file_bytes`."""

    episodes: int
    screens: int
    file_bytes: int = 256_000_000

    @staticmethod
    def of(megabytes: float) -> Size:
        """About so many MB: a fifth are screenshots, the rest episodes with their videos."""
        return Size(
            episodes=round(megabytes * 0.8e6 / (VIDEO_BYTES + _EPISODE_BYTES)),
            screens=round(megabytes * 0.2e6 / SCREENSHOT_BYTES),
        )


def make_release(folder: Path, size: Size) -> None:
    """Write `trajectories`, `robot_steps`, `videos`, `robot_labels`, `segments/motion` and `gui_steps`, split train."""
    per_file = max(1, size.file_bytes // _EPISODE_MEMORY)
    starts = range(0, size.episodes, per_file)
    runs = [range(start, min(start + per_file, size.episodes)) for start in starts]
    for number, run in enumerate(runs):
        place = f"train-{number:05d}-of-{len(runs):05d}.parquet"
        _write(folder / "robot_steps" / place, "robot_steps", _steps(run))
        _write(folder / "robot_labels" / place, "robot_labels", _labels(run), _LABELS)
        _write(folder / "segments/motion" / place, "segments", _segments(run))
    _write(folder / "trajectories/train-00000-of-00001.parquet", "trajectories", _trajectories(range(size.episodes)))
    _write_media(folder, "videos", size.episodes, VIDEO_BYTES, ".mp4", size.file_bytes)
    _write_media(folder, "gui_steps", size.screens, SCREENSHOT_BYTES, ".png", size.file_bytes)
    configs = {"motion": "segments/motion"} | {
        name: name for name in ("trajectories", "robot_steps", "robot_labels", "videos", "gui_steps")
    }
    files = [
        {"config_name": name, "data_files": [{"split": "train", "path": f"{at}/train-*.parquet"}]}
        for name, at in configs.items()
    ]
    (folder / "README.md").write_text(f"---\n{yaml.safe_dump({'configs': files})}---\n")


_LABELS = (Column("motion", "string", "the motion"),)


def task_of(episode: int) -> str:
    """The task of an episode; episodes were recorded task by task."""
    return f"task_{episode // EPISODES_PER_TASK:04d}"


def _id(episode: int) -> str:
    return f"made/episode_{episode:06d}"


def _trajectories(run: range) -> dict[str, Any]:
    return {
        "trajectory_id": [_id(i) for i in run],
        "domain": ["robot"] * len(run),
        "task_id": [task_of(i) for i in run],
        "instruction": [f"do {task_of(i)}" for i in run],
        "num_steps": [STEPS] * len(run),
        "fps": [20.0] * len(run),
    }


def _steps(run: range) -> dict[str, Any]:
    rows = len(run) * STEPS
    random = np.random.default_rng(run.start)
    offsets = pa.array(np.arange(0, (rows + 1) * DIMENSIONS, DIMENSIONS, dtype=np.int32))
    walks = (random.standard_normal((rows, DIMENSIONS), np.float32).cumsum(axis=0) / 100 for _ in range(2))
    state, action = (pa.ListArray.from_arrays(offsets, pa.array(walk.ravel())) for walk in walks)
    step = np.tile(np.arange(STEPS, dtype=np.int32), len(run))
    return {
        "trajectory_id": pa.array([_id(i) for i in run]).take(pa.array(np.repeat(np.arange(len(run)), STEPS))),
        "step": step,
        "timestamp": step / 20.0,
        "action_kind": pa.array(["control"] * rows),
        "state": state,
        "action": action,
        "is_first": step == 0,
        "is_last": step == STEPS - 1,
    }


def _labels(run: range) -> dict[str, Any]:
    words = pa.array(["move", "close", "open"])
    return {"motion": words.take(pa.array(np.tile(np.arange(STEPS) * 3 // STEPS, len(run))))}


def _segments(run: range) -> dict[str, Any]:
    rows = [(i, part) for i in run for part in range(3)]
    return {
        "annotation_id": [hashlib.sha256(f"{i} {part}".encode()).hexdigest()[:36] for i, part in rows],
        "trajectory_id": [_id(i) for i, _ in rows],
        "layer": ["motion"] * len(rows),
        "start": [part * STEPS // 3 for _, part in rows],
        "end": [(part + 1) * STEPS // 3 for _, part in rows],
        "label": [("move", "close", "open")[part] for _, part in rows],
        "status": ["proposed"] * len(rows),
    }


def _write_media(folder: Path, name: str, count: int, length: int, suffix: str, file_bytes: int) -> None:
    random = np.random.default_rng(length)
    columns = columns_of(name)
    per_file = max(1, file_bytes // length)
    cuts = range(0, count, per_file)
    for number, start in enumerate(cuts):
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            writer = MediaWriter(Path(scratch), "pack")
            keys = [writer.add(random.bytes(length), suffix) for _ in range(start, min(start + per_file, count))]
            rows = table_from_columns(stored_schema(name, columns), _media_rows(name, keys, start), len(keys))
            groups = embedded_groups(rows, name, columns, MediaReader(scratch, writer.added))
            _put(folder / name / f"train-{number:05d}-of-{len(cuts):05d}.parquet", name, columns, groups)


def _media_rows(name: str, keys: list[str], start: int) -> dict[str, Any]:
    values: dict[str, Any] = {"trajectory_id": [_id(i) for i in range(start, start + len(keys))]}
    if name == "gui_steps":
        return values | {"step": [0] * len(keys), "action_name": ["click"] * len(keys), "screenshot": keys}
    return values | {
        "stream": ["front"] * len(keys),
        "frame_timestamps": [list(np.arange(STEPS) / 20.0)] * len(keys),
        "video": keys,
    }


def _write(path: Path, name: str, values: dict[str, Any], columns: tuple[Column, ...] | None = None) -> None:
    columns = columns_of(name) if columns is None else columns
    table = table_from_columns(published_schema(name, columns), values, len(next(iter(values.values()))))
    _put(path, name, columns, row_groups(table))


def _put(path: Path, name: str, columns: tuple[Column, ...], groups: Iterable[pa.Table]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_parquet(path, published_schema(name, columns), groups, columns)
