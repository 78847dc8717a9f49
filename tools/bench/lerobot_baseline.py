"""LeRobot v2.1 to v3.0 as it is straightforwardly done: every frame is decoded and encoded again, rows go through Python.

It is what `robot_formats` holds our conversion against. One video file per camera and one data file; AV1 with a key frame every
other frame, as LeRobot encodes by default. No statistics, nothing checked, nothing that LeRobot has no column for.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pyarrow as pa
import pyarrow.parquet as pq

ENCODER = "libsvtav1"
OPTIONS = {"preset": "12", "crf": "30"}
GROUP = 2


def convert(source: Path, target: Path) -> int:
    """Convert the episodes whose files are there; returns how many."""
    os.environ.setdefault("SVT_LOG", "1")  # errors only
    info = json.loads((source / "meta/info.json").read_text())
    lines = [json.loads(line) for line in (source / "meta/episodes.jsonl").read_text().splitlines()]
    cameras = [name for name, feature in info["features"].items() if feature["dtype"] == "video"]
    there = [line for line in lines if _file(source, info, line, "data_path").exists()]
    first = 0
    index: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    for line in there:
        own = pq.read_table(_file(source, info, line, "data_path")).to_pylist()
        rows += own
        index.append({**line, "dataset_from_index": first, "dataset_to_index": first + len(own)})
        first += len(own)
    for camera in cameras:
        path = target / f"videos/{camera}/chunk-000/file-000.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        starts = join([_file(source, info, line, "video_path", camera) for line in there], path, info["fps"])
        for entry, start in zip(index, starts, strict=True):
            entry[f"videos/{camera}/from_timestamp"] = start
    _put(target / "data/chunk-000/file-000.parquet", rows)
    _put(target / "meta/episodes/chunk-000/file-000.parquet", index)
    (target / "meta/info.json").write_text(json.dumps({**info, "codebase_version": "v3.0"}))
    return len(there)


def join(films: Sequence[Path], target: Path, fps: int) -> list[float]:
    """Encode all frames of some films into one; the second at which each begins."""
    starts = []
    number = 0
    with av.open(str(target), "w") as output:
        track = output.add_stream(ENCODER, rate=fps, options=OPTIONS)
        assert isinstance(track, av.VideoStream)
        track.pix_fmt = "yuv420p"
        track.codec_context.gop_size = GROUP
        for film in films:
            starts.append(number / fps)
            with av.open(str(film)) as source:
                for frame in source.decode(source.streams.video[0]):
                    if not number:
                        track.width, track.height = frame.width, frame.height
                    again = av.VideoFrame.from_ndarray(frame.to_ndarray(format="rgb24"), "rgb24")
                    again.pts, again.time_base = number, Fraction(1, fps)
                    output.mux(track.encode(again))
                    number += 1
        output.mux(track.encode())
    return starts


def _file(source: Path, info: dict[str, Any], line: dict[str, Any], template: str, camera: str = "") -> Path:
    chunk = line["episode_index"] // info["chunks_size"]
    return source / str(info[template]).format(episode_chunk=chunk, episode_index=line["episode_index"], video_key=camera)


def _put(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), path)
