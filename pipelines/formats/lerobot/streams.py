"""The cameras of one LeRobot episode: stored media, the frame of every step, and what differs from what info.json declares.

Videos are stream-copied. Embedded images keep their own bytes. A step's frame is the one whose container time is nearest
to the step's recorded timestamp, at most half a frame interval away: LeRobot reads frames by that clock too. A video
whose first frame is not at 0 is therefore not shifted into place; the offset is reported.

In v3.0 an episode's video is a clip of a longer file. Its clock is the container's from the clip's `from_timestamp` on, so
that it reads as if the episode had a file of its own. A clip that does not begin at a key frame is encoded again, alone, and
its rows say so.

A depth map inside a video is kept as the video it is (streams of kind depth are images with a unit), and reported; how its
numbers become metres stands in `extras.depth`.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from pipelines.formats.lerobot.episode import Clip
from pipelines.formats.lerobot.features import Feature
from pipelines.formats.video import clips, timing
from pipelines.formats.video.look import look
from pipelines.io.media import MAX_PART_BYTES, MediaWriter, sha256_of
from pipelines.io.video import Packet, Scan, nearest_frames, scan_video, store_packets
from pipelines.sources import Rejected

_FORMATS = {"PNG": "png", "JPEG": "jpeg"}
_METRES = {"m": 1.0, "mm": 0.001}
UNIT_KEYS = ("depth_unit", "depth_min", "depth_max", "shift", "use_log")


@dataclass
class Camera:
    """One stream: its entry of `trajectories.streams`, rows of `videos` or `images`, frame per step, and what is amiss."""

    stream: dict[str, Any]
    frames: list[int | None]
    videos: list[dict[str, Any]] = field(default_factory=list)
    images: list[dict[str, Any]] = field(default_factory=list)
    amiss: dict[str, Any] = field(default_factory=dict)


@dataclass
class VideoFiles:
    """Video files of a ref, each demuxed and hashed once however many episodes it holds. `digests`: sha256 that are known."""

    paths: Mapping[str, Path]
    digests: dict[str, str] = field(default_factory=dict)
    _scans: dict[str, Scan | Rejected] = field(default_factory=dict)

    def scan(self, name: str, copy_to: Path | None = None) -> Scan:
        """What demuxing tells of a file, which is copied meanwhile (see `scan_video`). Raises Rejected as that does."""
        if name not in self._scans:
            if copy_to is not None and self.paths[name].stat().st_size > MAX_PART_BYTES:
                copy_to = None
            try:
                self._scans[name] = scan_video(self.paths[name], copy_to)
            except Rejected as rejected:
                self._scans[name] = rejected
        found = self._scans[name]
        if isinstance(found, Rejected):
            raise Rejected(found.code, f"{name}: {found.message}", found.detail)
        return found

    def sha256(self, name: str) -> str:
        """Of the whole file."""
        if name not in self.digests:
            self.digests[name] = sha256_of(self.paths[name])
        return self.digests[name]


def video_camera(
    files: VideoFiles,
    clip: Clip,
    name: str,
    feature: Feature,
    times: npt.NDArray[np.float64],
    fps: float,
    media: MediaWriter,
    looked_at: int,
) -> Camera:
    """The camera of a video feature; `times` are the steps' timestamps as recorded.

    `looked_at`: frames that are decoded to see that they can be: first, last, and others at random. Raises Rejected as
    `store_video` does, and `video_undecodable`, `clip_outside`.
    """
    file, start = clip.file, clip.start
    path = files.paths[file]
    origin, reencoded, behind = 0, False, 0
    depth = bool(feature.declared("is_depth_map"))
    with media.scratch() as folder:
        scan = files.scan(file, folder if start is None else None)
        packets: tuple[Packet, ...] | None = scan.packets
        if start is not None:
            origin = round(Fraction(start).limit_denominator(10_000_000) / scan.time_base)
            shown = _shown(scan, origin, times, fps, file, start)
            behind = sum(packet.pts > shown[-1] for packet in scan.packets) if clip.last else 0
            packets = clips.run_between(scan.packets, shown[0], shown[-1])
            if packets is None:
                path = folder / f"clip{clips.lossless_suffix(clips.pixel_format(path)) if depth else '.mp4'}"
                clips.reencode(files.paths[file], scan, shown, path, lossless=depth)
                again = scan_video(path)
                origin = round((origin - shown[0]) * scan.time_base / again.time_base)
                scan, packets, reencoded = again, again.packets, True
        assert packets is not None
        look(path, file, packets, looked_at)
        digest = files.sha256(file)
        stored = store_packets(path, scan, packets, name, media, origin=origin, reencoded=reencoded, media_sha256=digest)
    stamps = stored.frame_timestamps
    interval = float(np.median(np.diff(stamps))) if len(stamps) > 1 else 1 / float(stored.stream["fps"] or fps)
    if not interval > 0:
        raise Rejected("video_unreadable", f"{file}: most frames have the time of the one before them: copy it again")
    frames = nearest_frames(times, stamps, interval / 2)
    declared = feature.declared("fps")
    stated = isinstance(declared, (int, float)) and abs(declared * interval - 1) < 0.01  # else that it is another rate is said
    amiss = timing.binding(frames, len(stamps)) | _differences(feature, stored.stream | {"fps": round(1 / interval, 6)})
    amiss |= timing.timing(stamps, float(declared) if stated else 1 / interval) | timing.groups(packets)
    if depth:
        amiss["is_depth_map"] = True
    if behind:
        amiss["frames_behind_the_last_clip"] = behind  # of no episode: another film may lie there
    if reencoded:
        amiss["reencoded"] = "the clip does not begin at a key frame"
    return Camera(stored.stream | calibration(feature), frames, videos=stored.rows, amiss=amiss)


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
    depth = bool(feature.declared("is_depth_map"))
    stream: dict[str, Any] = {
        "name": name,
        "kind": "depth" if depth else "images",
        "codec": rows[0]["format"] if rows else None,
        "fps": fps,
        "width": rows[0]["width"] if rows else None,
        "height": rows[0]["height"] if rows else None,
        "num_frames": len(rows),
        "start_time": rows[0]["timestamp"] if rows else None,
        "depth_unit": _METRES.get(str(feature.declared("depth_unit"))) if depth else None,
    }
    amiss = timing.binding(frames, len(rows)) | _differences(feature, stream)
    sizes = sorted({(row["width"], row["height"]) for row in rows})
    if len(sizes) > 1:
        amiss["sizes"] = [list(size) for size in sizes]
    return Camera(stream | calibration(feature), frames, images=rows, amiss=amiss)


def calibration(feature: Feature) -> dict[str, list[float]]:
    """Intrinsics (fx fy cx cy) and extrinsics (16, row by row, camera to reference) that the info block states, if it does.

    LeRobot has no slot for them (lerobot#4417): this is where `cairn export` writes them.
    """
    found = {}
    for key, length in (("intrinsics", 4), ("extrinsics", 16)):
        value = feature.declared(key)
        if isinstance(value, list) and len(value) == length and all(isinstance(number, (int, float)) for number in value):
            found[key] = [float(number) for number in value]
    return found


def _shown(scan: Scan, origin: int, times: npt.NDArray[np.float64], fps: float, file: str, start: float) -> list[int]:
    """The stamps (pts) of the clip's frames: those within half an interval of the steps' times. Raises Rejected (`clip_outside`)."""
    base, half = float(scan.time_base), 0.5 / fps
    first, last = (float(times[0]) - half) / base + origin, (float(times[-1]) + half) / base + origin
    shown = sorted(packet.pts for packet in scan.packets if first < packet.pts <= last)
    if not shown:
        ends = float(max(packet.pts for packet in scan.packets)) * base
        message = f"{file}: the episode's clip begins at {start:.6g} s, and the file's last frame is at {ends:.6g} s: no frame is its own"
        raise Rejected("clip_outside", message, {"start": start, "last_frame_at": ends})
    return shown


def _image_row(data: bytes, name: str, frame: int, step: int, time: float, media: MediaWriter) -> dict[str, Any]:
    try:
        with Image.open(io.BytesIO(data)) as picture:
            form, (width, height) = str(picture.format), picture.size
            picture.verify()  # PNG's checksums
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
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
