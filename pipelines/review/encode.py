"""Pictures to a video that Label Studio can seek in frame by frame, and whether a stored file is one already.

Which source frame stands where is decided by the caller, picture by picture: nothing is dropped or doubled on the way. The
file has a constant rate, starts at 0, holds no sound, and its index comes first (Label Studio seeks to (frame - 1) / fps).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from annotators.frames import Picture

_PLAYABLE = ("h264", "vp9", "av1")
"""What Chromium plays in an MP4 file (measured); it refuses HEVC."""
_LOSSY = {"crf": "21", "g": "15", "keyint_min": "15"}
_EXACT = {"crf": "10", "g": "1", "keyint_min": "1"}
_BT709 = 1
"""Declared, since browsers guess the matrix of a video that says nothing by its height."""


class MediaFault(ValueError):
    """Media that cannot be shown: what, where, and the remedy. It costs the trajectory its tasks, nothing else."""


def write_video(path: Path, pictures: Iterable[Picture], fps: float, largest: tuple[int, int], exact: bool) -> int:
    """Write pictures of one size to `path` as H.264, in order, `fps` a second; returns how many.

    They are drawn smaller where they exceed `largest` (width, height), and to even numbers of pixels. `exact`: every
    picture stands for itself and keeps its colours within a few levels; else a key picture comes every 15. One thread, so
    that the same pictures give the same bytes. Raises MediaFault for no picture, or where the file came out otherwise.
    """
    rate = rational(fps)
    partial = path.with_name(f".{os.getpid()}.{path.name}")
    options = {"preset": "veryfast", "profile": "high", "bf": "0", "sc_threshold": "0", **(_EXACT if exact else _LOSSY)}
    count = 0
    try:
        with av.open(str(partial), "w", format="mp4", options={"fflags": "+bitexact", "movflags": "+faststart"}) as file:
            stream = file.add_stream("libx264", rate=rate, options=options)
            coder = stream.codec_context
            coder.thread_count = 1
            coder.colorspace = coder.color_primaries = coder.color_trc = _BT709
            coder.color_range = ColorRange.MPEG
            coder.pix_fmt = "yuv420p"
            size: tuple[int, int] | None = None
            for count, picture in enumerate(pictures, 1):
                if size is None:
                    size = even_size(picture.shape[1], picture.shape[0], largest)
                    coder.width, coder.height = size
                frame = av.VideoFrame.from_ndarray(resized(picture, size), format="rgb24")
                frame = frame.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG)
                frame.pts, frame.time_base = count - 1, 1 / rate
                file.mux(stream.encode(frame))
            if count:
                file.mux(stream.encode())
        if not count:
            raise MediaFault(f"{path.name}: there is no picture to show")
        _verify(partial, count, rate)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    return count


def frame_exact(path: Path) -> tuple[int, float] | None:
    """Frames and rate of a file that Label Studio shows frame by frame as it is; None for every other one.

    It must be an MP4 file that a browser plays, upright, with square pixels, without sound, its index first, from time 0
    at a constant rate. Raises MediaFault where it cannot be opened.
    """
    try:
        with av.open(str(path)) as file:
            stream = file.streams.video[0]
            ok = (
                "mp4" in file.format.name
                and len(file.streams) == 1
                and stream.codec_context.codec.canonical_name in _PLAYABLE
                and stream.codec_context.pix_fmt in ("yuv420p", "yuvj420p")
                and (stream.sample_aspect_ratio or 1) == 1
                and stream.time_base is not None
                and index_first(path)
            )
            if not ok:
                return None
            times = sorted(packet.pts or 0 for packet in file.demux(stream) if packet.size)
            rate = _constant(times, stream.time_base or Fraction(1))
        with av.open(str(path)) as file:
            upright = next(iter(file.decode(video=0))).rotation == 0
    except (av.FFmpegError, OSError, IndexError, StopIteration) as error:
        raise MediaFault(f"{path.name} cannot be opened as a video ({error}): copy it again") from error
    return (len(times), float(rate)) if rate is not None and upright else None


def rational(fps: float) -> Fraction:
    """The rate as containers write it: 29.97002997 is 30000/1001. Raises ValueError for a rate that is not positive."""
    if not fps > 0:
        raise ValueError(f"{fps} frames per second: a rate is above 0")
    return Fraction(fps).limit_denominator(1001)


def even_size(width: int, height: int, largest: tuple[int, int]) -> tuple[int, int]:
    """Width and height within `largest` in the same proportion, down to even numbers."""
    scale = min(1.0, largest[0] / width, largest[1] / height)
    return max(2, int(width * scale) // 2 * 2), max(2, int(height * scale) // 2 * 2)


def resized(picture: Picture, size: tuple[int, int]) -> Picture:
    """The picture at `size` (width, height): all of it, so that percents of it stay percents of it."""
    if (picture.shape[1], picture.shape[0]) == size:
        return np.ascontiguousarray(picture)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def index_first(path: Path) -> bool:
    """Whether an MP4 file's index (`moov`) lies before its frames (`mdat`), so that a browser can start at once."""
    with path.open("rb") as file:
        while len(head := file.read(8)) == 8:
            length, name = struct.unpack(">I4s", head)
            if name in (b"moov", b"mdat"):
                return bool(name == b"moov")
            if length == 1:
                length = struct.unpack(">Q", file.read(8))[0] - 8
            if length < 8:
                return False
            file.seek(length - 8, os.SEEK_CUR)
    return False


def _constant(times: list[int], unit: Fraction) -> Fraction | None:
    """Frames per second where times (in units) start at 0 and lie within half a unit of an even grid; else None."""
    if not times or times[0] != 0:
        return None
    if len(times) == 1:
        return Fraction(1)
    step = Fraction(times[-1], len(times) - 1)
    even = all(abs(time - i * step) <= 1 for i, time in enumerate(times))
    return rational(float(1 / (step * unit))) if step > 0 and even else None


def _verify(path: Path, count: int, rate: Fraction) -> None:
    """What was written is what Label Studio will count. Raises MediaFault."""
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        times = [
            packet.pts * (stream.time_base or 1) for packet in file.demux(stream) if packet.size and packet.pts is not None
        ]
        start, declared = stream.start_time, stream.frames
    expected = [i / rate for i in range(count)]
    if times != expected or start != 0 or declared != count:
        raise MediaFault(f"{path.name} came out with {declared} frames from {start}; {count} from 0 were written")
