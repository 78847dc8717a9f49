"""Review media of robots: videos and pictures below the media folder, named by what they are made from.

A file that is there is not made again. Which source frame a proxy frame shows is a plain list that the tables give; the
proxy is then written from exactly these frames, in this order. A stored video that a browser seeks frame by frame as it is
is shown itself.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from annotators.frames import FrameError, Picture
from annotators.label_studio.project import Surface
from annotators.trajectory import TrajectoryView
from pipelines.engine.supervise import ChildDiedError, ChildHungError, supervised
from schemas.identity import digest

from .encode import MediaFault, frame_exact, rational, resized, write_video
from .footage import Footage, Part, decoded, footage, opened, read_frames, read_images

VERSION = "1"
"""Raised when the same inputs give other files."""

_PROXY, _FULL = (1280, 960), (1920, 1200)
"""Largest width and height of a slow proxy and of a video at full rate."""


@dataclass(frozen=True, slots=True)
class Media:
    """What a task shows: `files`, one video or a picture per entry of `surface`, below the media folder.

    `fps`: of a video, as `data.fps` must say. `grid`: of ARC pictures, where the main grid lies: x, y, cell, rows, columns
    in pixels of the picture.
    """

    files: tuple[Path, ...]
    surface: Surface
    grid: tuple[int, int, int, int, int] | None = None


def robot_proxy(
    view: TrajectoryView, stream: str, folder: Path, fps: float = 10.0, start: int = 0, end: int | None = None
) -> Media:
    """A video of about `fps` frames a second that shows every k-th of the steps `[start, end)`.

    Raises MediaFault, with the place, where the camera is not there or cannot be decoded.
    """
    found = footage(view, stream)
    end = view.num_steps if end is None else end
    rate = _step_rate(view) or found.fps
    every = max(1, round(rate / fps))
    steps = tuple(range(start, end, every))
    frames = tuple(found.of_step[step] for step in steps)
    shown = _video(view, found, folder, frames, rate / every, _PROXY)
    surface = Surface(steps, frames, end, found.width, found.height, stream, shown[1], _gap(_step_times(view), steps))
    return Media((shown[0],), surface)


def robot_full_rate(view: TrajectoryView, stream: str, folder: Path, start: int = 0, end: int | None = None) -> Media:
    """A video with every frame of the camera from the frame of step `start` to the one before that of step `end`.

    The whole trajectory has all frames of the stream. Raises MediaFault as `robot_proxy` does.
    """
    found = footage(view, stream)
    end = view.num_steps if end is None else end
    first = 0 if start == 0 else found.of_step[start]
    last = found.num_frames if end >= view.num_steps else max(found.of_step[end], first + 1)
    return _every_frame(view, found, folder, range(first, last), end)


def contact_clip(view: TrajectoryView, stream: str, step: int, folder: Path, seconds: float = 1.0) -> Media:
    """A video with every frame within `seconds` of the frame of `step`, by the camera's own clock.

    Raises MediaFault as `robot_proxy` does.
    """
    found = footage(view, stream)
    middle = found.of_step[step]
    if found.times is None:
        reach = round(seconds * found.fps)
        near = range(max(0, middle - reach), min(found.num_frames, middle + reach + 1))
    else:
        times = np.asarray(found.times)
        inside = np.flatnonzero(np.abs(times - times[middle]) <= seconds + 1e-9)
        near = range(int(inside[0]), int(inside[-1]) + 1)
    after = found.step_at(near[-1] + 1) if near[-1] + 1 < found.num_frames else view.num_steps
    return _every_frame(view, found, folder, near, max(after, found.step_at(near[-1]) + 1))


def key_frames(
    view: TrajectoryView, stream: str, steps: Sequence[int], folder: Path, frames: Sequence[int] | None = None
) -> Media:
    """A picture per step (or, where given, per frame of the stream), in order of frame, each once, at the camera's own size.

    Images are shown as they are stored. Raises MediaFault as `robot_proxy` does.
    """
    found = footage(view, stream)
    if frames is None:
        wanted = [(found.of_step[step], step) for step in sorted(set(steps))]
    else:
        wanted = [(frame, found.step_at(frame)) for frame in sorted(set(frames))]
    numbers = tuple(frame for frame, _ in wanted)
    if not numbers:
        raise MediaFault(f"{found.place}: no step was named to be shown")
    if found.counts is None:
        files = tuple(_stored_image(view, found, frame, folder) for frame in numbers)
    else:
        names = [digest([VERSION, "frame", found.sources, found.counts, frame]) for frame in numbers]
        files = tuple(place_of(folder, name, ".jpg") for name in names)
        _make_pictures(view, found, numbers, files)
    surface = Surface(tuple(step for _, step in wanted), numbers, view.num_steps, found.width, found.height, stream)
    return Media(files, surface)


def _every_frame(view: TrajectoryView, found: Footage, folder: Path, frames: range, end: int) -> Media:
    path, fps = _video(view, found, folder, tuple(frames), found.fps, _FULL)
    steps = tuple(found.step_at(frame) for frame in frames)
    gap = _gap(found.times, frames) or round(1 / found.fps, 6)
    return Media((path,), Surface(steps, tuple(frames), end, found.width, found.height, found.name, fps, gap))


def _video(
    view: TrajectoryView, found: Footage, folder: Path, frames: tuple[int, ...], fps: float, largest: tuple[int, int]
) -> tuple[Path, float]:
    """The file that shows `frames` in order, and its rate: the stored part where that is it already, else a proxy."""
    if not frames:
        raise MediaFault(f"{found.place}: the stretch holds no frame")
    fps = float(rational(fps))
    exact = found.counts is None
    path = place_of(folder, digest([VERSION, "video", found.sources, found.counts, frames, fps, largest]), ".mp4")
    if found.counts is not None and len(found.counts) == 1 and frames == tuple(range(found.num_frames)):
        with opened(view, found) as parts:
            stored = _decoding(found, frame_exact, parts[0][0])
            if stored is not None and stored[0] == len(frames):
                return _linked(parts[0][0], place_of(folder, found.sources[0], parts[0][0].suffix)), stored[1]
    if path.exists():
        return path, fps
    if exact:
        write_video(path, _one_size(read_images(view, found, frames), found), fps, largest, exact=True)
    else:
        with opened(view, found) as parts:
            _decoding(found, _write_proxy, parts, frames, path, fps, largest)
    return path, fps


def _write_proxy(parts: Sequence[Part], frames: Sequence[int], path: Path, fps: float, largest: tuple[int, int]) -> None:
    """Decode and encode in one go; runs in the decoding child."""
    write_video(path, read_frames(parts, frames), fps, largest, exact=False)


def _make_pictures(view: TrajectoryView, found: Footage, frames: Sequence[int], files: Sequence[Path]) -> None:
    """Write the pictures that are not there yet."""
    absent = {frame: file for frame, file in zip(frames, files, strict=True) if not file.exists()}
    if absent:
        with opened(view, found) as parts:
            _decoding(found, _write_pictures, parts, list(absent), list(absent.values()))


def _write_pictures(parts: Sequence[Part], frames: Sequence[int], files: Sequence[Path]) -> None:
    """Decode frames and write each as a JPEG of high quality; runs in the decoding child."""
    for picture, file in zip(read_frames(parts, frames), files, strict=True):
        save(picture, file)


def save(picture: Picture, file: Path) -> None:
    """Write a picture as its suffix says (.png, .jpg), whole or not at all."""
    partial = file.with_name(f".{os.getpid()}.{file.name}")
    options: dict[str, Any] = {"quality": 95, "subsampling": 0} if file.suffix == ".jpg" else {"compress_level": 6}
    try:
        Image.fromarray(picture).save(partial, format="JPEG" if file.suffix == ".jpg" else "PNG", **options)
        os.replace(partial, file)
    finally:
        partial.unlink(missing_ok=True)


def _decoding(found: Footage, function: Any, *arguments: Any) -> Any:
    """Call in the decoding child; whatever goes wrong there is a MediaFault with the place."""
    try:
        return supervised(function, *arguments)
    except (FrameError, MediaFault, ChildDiedError, ChildHungError) as error:
        raise MediaFault(f"{found.place}: {error}") from error


def _one_size(pictures: Any, found: Footage) -> Any:
    """Pictures at the stream's declared size."""
    for picture in pictures:
        yield resized(picture, (found.width, found.height))


def _stored_image(view: TrajectoryView, found: Footage, frame: int, folder: Path) -> Path:
    """An image as it is stored, where a browser shows it; what it does not (16 bit) as PNG."""
    if not 0 <= frame < len(found.sources):
        raise MediaFault(f"{found.place}: there is no frame {frame}, it ends after {len(found.sources)} frames")
    return stored_picture(view, found.sources[frame], folder, f"{found.place}, frame {frame}")


def stored_picture(view: TrajectoryView, sha256: str, folder: Path, place: str) -> Path:
    """A stored PNG, JPEG or WebP below `folder`, byte for byte; one of more than 8 bits as an 8-bit PNG.

    Raises MediaFault with `place` where it is gone or no picture.
    """
    try:
        data = view.read_media(sha256)
    except (KeyError, OSError) as error:
        raise MediaFault(f"{place}: the picture is gone ({error}): ingest again") from error
    picture = decoded(data, place)
    suffix = _suffix(data)
    path = place_of(folder, sha256 if suffix else digest([VERSION, "as png", sha256]), suffix or ".png")
    if path.exists():
        return path
    if suffix is None:
        save(picture, path)
        return path
    partial = path.with_name(f".{os.getpid()}.{path.name}")
    partial.write_bytes(data)
    os.replace(partial, path)
    return path


def _suffix(data: bytes) -> str | None:
    """The suffix of bytes that browsers show as they are, else None."""
    if data.startswith(b"\xff\xd8"):
        return ".jpg"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return ".webp"
    return ".png" if data.startswith(b"\x89PNG") and data[24] <= 8 else None


def _linked(source: Path, target: Path) -> Path:
    """`source` below the media folder, without a copy where the file system allows it."""
    if not target.exists():
        partial = target.with_name(f".{os.getpid()}.{target.name}")
        partial.unlink(missing_ok=True)
        try:
            os.link(source, partial)
        except OSError:
            shutil.copyfile(source, partial)
        os.replace(partial, target)
    return target


def place_of(folder: Path, name: str, suffix: str) -> Path:
    """Where a file of that name belongs; its folder is made."""
    path = folder / name[:2] / f"{name}{suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _step_times(view: TrajectoryView) -> tuple[float, ...] | None:
    times = view.steps["timestamp"].to_pylist()
    return None if any(time is None for time in times) else tuple(times)


def _step_rate(view: TrajectoryView) -> float | None:
    """Steps per second; None where steps have no time."""
    if view.header["fps"]:
        return float(view.header["fps"])
    times = _step_times(view)
    gap = float(np.median(np.diff(times))) if times is not None and len(times) > 1 else 0.0
    return 1 / gap if gap > 0 else None


def _gap(times: Sequence[float] | None, shown: Sequence[int]) -> float | None:
    """Seconds between two pictures, the median; None where there is no time or no second picture."""
    if times is None or len(shown) < 2:
        return None
    return round(float(np.median(np.diff([times[number] for number in shown]))), 6)
