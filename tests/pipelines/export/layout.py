"""A strict check of a LeRobot dataset's layout: what lerobot's loader relies on, file by file, independent of our reader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import av
import numpy as np
import pandas as pd
import pyarrow.parquet as pq

QUANTITIES = ("min", "max", "mean", "std", "count")


def check_layout(folder: Path) -> None:
    """Assert everything; the first thing that is wrong fails."""
    info = json.loads((folder / "meta/info.json").read_text())
    new = info["codebase_version"] == "v3.0"
    entries = _entries_v30(folder, info) if new else _entries_v21(folder, info)
    assert [e["episode_index"] for e in entries] == list(range(info["total_episodes"]))
    assert sum(e["length"] for e in entries) == info["total_frames"]
    words = _tasks(folder, new)
    assert len(words) == info["total_tasks"]
    place = 0
    for entry in entries:
        data = pq.read_table(folder / entry["data"])
        rows = data.filter(np.asarray(data["episode_index"]) == entry["episode_index"])
        length = entry["length"]
        assert rows.num_rows == length
        assert rows["index"].to_pylist() == list(range(place, place + length))
        assert rows["frame_index"].to_pylist() == list(range(length))
        assert np.abs(np.asarray(rows["timestamp"]) - np.arange(length) / info["fps"]).max() < 1e-4
        assert {words[i] for i in rows["task_index"].to_pylist()} <= set(entry["tasks"])
        assert set(data.column_names) == {name for name, f in info["features"].items() if f["dtype"] != "video"}
        for name in data.column_names:
            assert rows[name].null_count == 0, name
        for name, feature in info["features"].items():
            if feature["dtype"] == "video":
                _check_clip(folder, feature, entry["videos"][name], length, info["fps"])
        place += length
    _check_stats(folder, info, new)


def _entries_v30(folder: Path, info: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    place = 0
    for path in sorted(folder.glob("meta/episodes/*/*.parquet")):
        for row in pq.read_table(path).to_pylist():
            assert (row["dataset_from_index"], row["dataset_to_index"]) == (place, place + row["length"])
            place += row["length"]
            videos = {}
            for name, feature in info["features"].items():
                if feature["dtype"] == "video":
                    said = {
                        k: row[f"videos/{name}/{k}"] for k in ("chunk_index", "file_index", "from_timestamp", "to_timestamp")
                    }
                    assert abs(said["to_timestamp"] - said["from_timestamp"] - row["length"] / info["fps"]) < 1e-6
                    path_of = info["video_path"].format(video_key=name, **said)
                    videos[name] = (path_of, said["from_timestamp"])
            data = info["data_path"].format(chunk_index=row["data/chunk_index"], file_index=row["data/file_index"])
            found.append({k: row[k] for k in ("episode_index", "tasks", "length")} | {"data": data, "videos": videos})
    files = {entry["data"] for entry in found}
    groups = sum(pq.ParquetFile(folder / name).metadata.num_row_groups for name in files)
    assert groups == len(found)  # one row group per episode
    return found


def _entries_v21(folder: Path, info: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for line in (folder / "meta/episodes.jsonl").read_text().splitlines():
        row = json.loads(line)
        place = {"episode_index": row["episode_index"], "episode_chunk": row["episode_index"] // info["chunks_size"]}
        videos = {
            name: (info["video_path"].format(video_key=name, **place), 0.0)
            for name, feature in info["features"].items()
            if feature["dtype"] == "video"
        }
        found.append(row | {"data": info["data_path"].format(**place), "videos": videos})
    assert info["total_videos"] == sum(len(entry["videos"]) for entry in found)
    return found


def _tasks(folder: Path, new: bool) -> dict[int, str]:
    if new:
        frame = pd.read_parquet(folder / "meta/tasks.parquet")
        return {int(index): str(task) for task, index in frame["task_index"].items()}
    rows = [json.loads(line) for line in (folder / "meta/tasks.jsonl").read_text().splitlines()]
    return {row["task_index"]: row["task"] for row in rows}


def _check_clip(folder: Path, feature: dict[str, Any], place: tuple[str, float], length: int, fps: float) -> None:
    """A frame within lerobot's tolerance of every row's time, and the file what info.json says."""
    path, start = place
    with av.open(str(folder / path)) as container:
        track = container.streams.video[0]
        times = np.sort([float(p.pts * track.time_base) for p in container.demux(track) if p.size])
        info = feature["info"]
        assert (track.codec_context.width, track.codec_context.height) == (info["video.width"], info["video.height"])
        assert feature["shape"][:2] == [info["video.height"], info["video.width"]]
    wanted = start + np.arange(length) / fps
    nearest = np.abs(times[np.clip(np.searchsorted(times, wanted - 1e-4), 0, len(times) - 1)] - wanted)
    assert nearest.max() < 1e-4


def _check_stats(folder: Path, info: dict[str, Any], new: bool) -> None:
    skipped = ("video", "image", "string", "language")
    numeric = {name for name, feature in info["features"].items() if feature["dtype"] not in skipped}
    if new:
        every = [json.loads((folder / "meta/stats.json").read_text())]
    else:
        every = [json.loads(line)["stats"] for line in (folder / "meta/episodes_stats.jsonl").read_text().splitlines()]
    for stats in every:
        assert numeric <= set(stats)
        for name in numeric:
            for quantity in QUANTITIES:
                shape = [1] if quantity == "count" else info["features"][name]["shape"]
                assert list(np.shape(stats[name][quantity])) == shape, (name, quantity)
