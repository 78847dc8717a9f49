"""The cameras of one LeRobot episode: stored media, the frame of every step, and what differs from what info.json declares.

Videos are stream-copied. Embedded images keep their own bytes. A step's frame is the one whose container time is nearest
to the step's recorded timestamp, at most half a frame interval away: LeRobot reads frames by that clock too. A video
whose first frame is not at 0 is therefore not shifted into place; the offset is reported.

A depth map inside a video is kept as the video it is (streams of kind depth are images with a unit), and reported.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from pipelines.formats.lerobot.index import Feature
from pipelines.io.media import MediaWriter
from pipelines.io.video import nearest_frames, store_video
from pipelines.sources import Rejected

_FORMATS = {"PNG": "png", "JPEG": "jpeg"}


@dataclass
class Camera:
    """One stream: its entry of `trajectories.streams`, rows of `videos` or `images`, frame per step, and what is amiss."""

    stream: dict[str, Any]
    frames: list[int | None]
    videos: list[dict[str, Any]] = field(default_factory=list)
    images: list[dict[str, Any]] = field(default_factory=list)
    amiss: dict[str, Any] = field(default_factory=dict)


def video_camera(path: Path, name: str, feature: Feature, times: npt.NDArray[np.float64], media: MediaWriter) -> Camera:
    """The camera of a video feature; `times` are the steps' timestamps as recorded. Raises Rejected as `store_video` does."""
    stored = store_video(path, name, media)
    stamps = stored.frame_timestamps
    interval = float(np.median(np.diff(stamps))) if len(stamps) > 1 else 1 / float(stored.stream["fps"] or 1)
    frames = nearest_frames(times, stamps, interval / 2)
    amiss = {**_counts(frames, len(stamps)), **_differences(feature, stored.stream)}
    if abs(stamps[0]) > 1e-4:
        amiss["first_frame_at"] = round(float(stamps[0]), 6)
    if feature.declared("is_depth_map"):
        amiss["is_depth_map"] = True
    return Camera(stored.stream, frames, videos=stored.rows, amiss=amiss)


def image_camera(
    pictures: Iterable[bytes | None],
    name: str,
    feature: Feature,
    times: npt.NDArray[np.float64],
    fps: float,
    media: MediaWriter,
) -> Camera:
    """The camera of an image feature: a picture per step, or none. `times` in seconds from the trajectory's first step.

    Raises Rejected (`image_unreadable`) for a picture that is neither PNG nor JPEG.
    """
    rows: list[dict[str, Any]] = []
    frames: list[int | None] = []
    for step, data in enumerate(pictures):
        frames.append(len(rows) if data is not None else None)
        if data is not None:
            rows.append(_image_row(data, name, len(rows), step, float(times[step]), media))
    stream: dict[str, Any] = {
        "name": name,
        "kind": "depth" if feature.declared("is_depth_map") else "images",
        "codec": rows[0]["format"] if rows else None,
        "fps": fps,
        "width": rows[0]["width"] if rows else None,
        "height": rows[0]["height"] if rows else None,
        "num_frames": len(rows),
        "start_time": rows[0]["timestamp"] if rows else None,
    }
    amiss = {**_counts(frames, len(rows)), **_differences(feature, stream)}
    sizes = sorted({(row["width"], row["height"]) for row in rows})
    if len(sizes) > 1:
        amiss["sizes"] = [list(size) for size in sizes]
    return Camera(stream, frames, images=rows, amiss=amiss)


def _image_row(data: bytes, name: str, frame: int, step: int, time: float, media: MediaWriter) -> dict[str, Any]:
    try:
        with Image.open(io.BytesIO(data)) as picture:
            form, (width, height) = str(picture.format), picture.size
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise Rejected(
            "image_unreadable", f"{name}: the picture of step {step} is no image ({len(data)} bytes)", {"step": step}
        ) from error
    if form not in _FORMATS:
        raise Rejected(
            "image_unreadable", f"{name}: the picture of step {step} is {form}; PNG and JPEG are taken", {"step": step}
        )
    digest = media.add(data, f".{_FORMATS[form]}")
    return {
        "stream": name,
        "frame": frame,
        "timestamp": time,
        "image": digest,
        "format": _FORMATS[form],
        "width": width,
        "height": height,
        "sha256": digest,
    }


def _counts(frames: list[int | None], found: int) -> dict[str, Any]:
    """Rows against frames, where they are not one to one."""
    without = [step for step, frame in enumerate(frames) if frame is None]
    if found == len(frames) and not without:
        return {}
    said: dict[str, Any] = {"rows": len(frames), "frames": found, "steps_without_frame": len(without)}
    return said | ({"first_step_without_frame": without[0]} if without else {})


def _differences(feature: Feature, stream: Mapping[str, Any]) -> dict[str, Any]:
    """`{what: {declared, found}}` for codec, fps, width and height that info.json declares otherwise than they are."""
    found = {key: stream[key] for key in ("codec", "fps", "width", "height")}
    return {
        key: {"declared": feature.declared(key), "found": value}
        for key, value in found.items()
        if value is not None and feature.declared(key) is not None and not _same(feature.declared(key), value)
    }


def _same(declared: Any, found: Any) -> bool:
    if isinstance(found, str) or not isinstance(declared, (int, float)):
        return bool(declared == found)
    return bool(abs(declared - found) <= 0.001 * abs(found))
