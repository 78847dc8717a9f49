"""The pictures of a camera by frame number, wherever they lie: parts of a video, or images."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from annotators.frames import FrameError, Picture, frames
from annotators.trajectory import TrajectoryView

from .encode import MediaFault

Part = tuple[Path, int]
"""A file and how many frames it holds."""


@dataclass(frozen=True, slots=True)
class Footage:
    """One stream of a robot trajectory, as its tables describe it.

    `of_step`: the frame of each step; a step without one has the nearest earlier one, the first ones the first there is.
    `times`: seconds of each frame, or None. `fps`: frames per second. `sources`: sha256 of its parts or images, in order.
    `counts`: frames per part; None for images.
    """

    place: str
    name: str
    of_step: tuple[int, ...]
    times: tuple[float, ...] | None
    fps: float
    width: int
    height: int
    sources: tuple[str, ...]
    counts: tuple[int, ...] | None

    @property
    def num_frames(self) -> int:
        """Frames of the stream."""
        return sum(self.counts) if self.counts is not None else len(self.sources)

    def step_at(self, frame: int) -> int:
        """The step that a frame shows: the first step with this frame, else the last step before it."""
        right = bisect_right(self.of_step, frame)
        if not right:
            return 0
        shown = self.of_step[right - 1]
        return next(s for s in range(right) if self.of_step[s] == shown) if shown == frame else right - 1


def footage(view: TrajectoryView, stream: str) -> Footage:
    """A stream of a robot trajectory. Raises MediaFault where there is none, or no step has a frame of it."""
    place = f"{view.trajectory_id}, camera {stream}"
    streams = list(view.header["streams"] or ())
    names = [entry["name"] for entry in streams]
    if stream not in names:
        raise MediaFault(f"{place}: there is no such camera; there are {', '.join(names) or 'none'}")
    number = names.index(stream)
    listed = [None if row is None else row[number] for row in view.steps["frames"].to_pylist()]
    of_step = _filled(listed)
    if of_step is None:
        raise MediaFault(f"{place}: no step has a frame of it: review another camera")
    parts = _rows(view, "videos", stream, "part")
    images = _rows(view, "images", stream, "frame")
    if not parts and not images:
        raise MediaFault(f"{place}: the stream has neither videos nor images: ingest it again")
    if parts:
        times = tuple(t for part in parts for t in part["frame_timestamps"])
        sources, counts = tuple(p["video"] for p in parts), tuple(p["num_frames"] for p in parts)
    else:
        stamps = [row["timestamp"] for row in images]
        times = () if any(t is None for t in stamps) else tuple(stamps)
        sources, counts = tuple(row["image"] for row in images), None
    first = (parts or images)[0]
    fps = streams[number]["fps"] or _rate(times) or view.header["fps"] or 10.0
    size = (streams[number]["width"] or first["width"], streams[number]["height"] or first["height"])
    return Footage(place, stream, of_step, times or None, float(fps), *size, sources, counts)


def read_frames(parts: Sequence[Part], numbers: Iterable[int]) -> Iterator[Picture]:
    """The pictures of `numbers` (ascending, may repeat, counted over all parts), one decoded part after another.

    Raises FrameError where a part cannot be decoded or ends too early.
    """
    wanted = list(numbers)
    first = 0
    for path, count in parts:
        own = [number - first for number in wanted if first <= number < first + count]
        yield from frames(path, own)
        first += count
    if wanted and wanted[-1] >= first:
        raise FrameError(f"frame {wanted[-1]}: the stream ends after {first} frames")


def read_images(view: TrajectoryView, found: Footage, numbers: Iterable[int]) -> Iterator[Picture]:
    """The pictures of `numbers` of a camera that is kept as images. Raises MediaFault for one that cannot be decoded."""
    for number in numbers:
        if not 0 <= number < len(found.sources):
            raise MediaFault(f"{found.place}: there is no frame {number}, it ends after {len(found.sources)} frames")
        yield decoded(view.read_media(found.sources[number]), f"{found.place}, frame {number}")


def decoded(data: bytes, place: str) -> Picture:
    """PNG, JPEG or WebP as a picture; grey and depth (16 bit, dark to bright over what occurs) as grey.

    Raises MediaFault with `place` where it is no picture.
    """
    found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) if data else None
    if found is None:
        raise MediaFault(f"{place}: the {len(data)} bytes are no picture: read the source again")
    if found.dtype != np.uint8:
        seen = found[found > 0]
        low, high = (int(seen.min()), int(seen.max())) if seen.size else (0, 1)
        found = np.where(found > 0, 32 + 223.0 * (found.astype(np.float64) - low) / max(1, high - low), 0).astype(np.uint8)
    if found.ndim == 2:
        return np.asarray(cv2.cvtColor(found, cv2.COLOR_GRAY2RGB), np.uint8)
    if found.shape[2] == 4:
        opaque = found[:, :, 3:].astype(np.uint16)
        found = ((found[:, :, :3] * opaque + 255 * (255 - opaque)) // 255).astype(np.uint8)
    return np.asarray(cv2.cvtColor(found, cv2.COLOR_BGR2RGB), np.uint8)


@contextmanager
def opened(view: TrajectoryView, found: Footage) -> Iterator[tuple[Part, ...]]:
    """The parts of a video as local files for the time of the `with`. Raises MediaFault where one is gone."""
    with ExitStack() as stack:
        try:
            paths = [stack.enter_context(view.open_media(sha)) for sha in found.sources]
        except (KeyError, OSError) as error:
            raise MediaFault(f"{found.place}: a part of the video is gone ({error}): ingest again") from error
        yield tuple(zip(paths, found.counts or (), strict=True))


def _filled(listed: Sequence[int | None]) -> tuple[int, ...] | None:
    """A frame for every step, never going back; None where no step has one."""
    first = next((frame for frame in listed if frame is not None), None)
    if first is None:
        return None
    found, last = [], first
    for frame in listed:
        last = last if frame is None else max(last, frame)
        found.append(last)
    return tuple(found)


def _rows(view: TrajectoryView, table: str, stream: str, order: str) -> list[Mapping[str, Any]]:
    if table not in view.tables:
        return []
    return sorted((row for row in view.tables[table].to_pylist() if row["stream"] == stream), key=lambda row: row[order])


def _rate(times: Sequence[float]) -> float | None:
    """Frames per second from the median distance of frames; None where there are not two."""
    if len(times) < 2:
        return None
    gap = float(np.median(np.diff(times)))
    return 1 / gap if gap > 0 else None
