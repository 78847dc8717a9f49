"""The pictures of one camera of a trajectory, whether its source kept them as video or one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from .frames import FrameError, Grey, Picture, frames, greys
from .trajectory import TrajectoryView


def camera_names(trajectory: TrajectoryView) -> list[str]:
    """The streams with colour pictures, in the order of the trajectory's header."""
    return [stream["name"] for stream in trajectory.header["streams"] or [] if stream["kind"] in ("video", "images")]


def frame_of_steps(trajectory: TrajectoryView, stream: str) -> list[int | None]:
    """The frame of a stream that each step shows, one per step; None where it shows none. Raises KeyError for no stream."""
    names = [own["name"] for own in trajectory.header["streams"] or []]
    if stream not in names:
        raise KeyError(f"{trajectory.trajectory_id} has no stream {stream!r}; it has {', '.join(names) or 'none'}")
    place = names.index(stream)
    return [None if row is None else row[place] for row in trajectory.steps["frames"].to_pylist()]


def pictures_of(trajectory: TrajectoryView, stream: str, numbers: Sequence[int] | None = None) -> Iterator[Picture]:
    """The pictures of `numbers` (ascending, from 0, over all parts of a video; None = all), in that order.

    Raises KeyError where the stream has no pictures, FrameError where one of them cannot be decoded.
    """
    return _pictures(trajectory, stream, numbers, frames, _rgb)


def greys_of(trajectory: TrajectoryView, stream: str, numbers: Sequence[int] | None = None) -> Iterator[Grey]:
    """As `pictures_of`, without colour. Work that needs none takes these: a video's luma is there without a conversion."""
    return _pictures(trajectory, stream, numbers, greys, _grey)


_Frames = Callable[[Path, Iterable[int]], Iterator[Picture]]
_Decode = Callable[[npt.NDArray[np.uint8]], Picture | None]
"""A coded image as a picture; None where it cannot be decoded."""


def _pictures(
    trajectory: TrajectoryView, stream: str, numbers: Sequence[int] | None, of_video: _Frames, of_image: _Decode
) -> Iterator[Picture]:
    for name in ("videos", "images"):
        table = trajectory.tables.get(name)
        if table is not None and stream in table["stream"].to_pylist():
            if name == "videos":
                return _of_video(trajectory, stream, numbers, of_video)
            return _of_images(trajectory, stream, numbers, of_image)
    raise KeyError(f"{trajectory.trajectory_id}: stream {stream!r} has no pictures")


def _rgb(coded: npt.NDArray[np.uint8]) -> Picture | None:
    decoded = cv2.imdecode(coded, cv2.IMREAD_COLOR)
    return None if decoded is None else np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8)


def _grey(coded: npt.NDArray[np.uint8]) -> Grey | None:
    decoded = cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE)
    return None if decoded is None else np.asarray(decoded, np.uint8)


def _of_video(trajectory: TrajectoryView, stream: str, numbers: Sequence[int] | None, read: _Frames) -> Iterator[Picture]:
    table = trajectory.tables["videos"]
    own = table.filter(pc.equal(table["stream"], stream)).select(["part", "video", "num_frames"]).to_pylist()
    first = 0
    for part in sorted(own, key=lambda row: row["part"]):
        end = first + part["num_frames"]
        wanted = range(part["num_frames"]) if numbers is None else [n - first for n in numbers if first <= n < end]
        if wanted:
            with trajectory.open_media(part["video"]) as path:
                yield from read(path, wanted)
        first = end
    if numbers and numbers[-1] >= first:
        raise FrameError(f"{trajectory.trajectory_id}: {stream} has no frame {numbers[-1]}: it ends after {first} frames")


def _of_images(trajectory: TrajectoryView, stream: str, numbers: Sequence[int] | None, decode: _Decode) -> Iterator[Picture]:
    table = trajectory.tables["images"]
    own = table.filter(pc.equal(table["stream"], stream)).select(["frame", "image"]).to_pylist()
    images = {row["frame"]: row["image"] for row in own}
    for number in sorted(images) if numbers is None else numbers:
        if images.get(number) is None:
            raise FrameError(f"{trajectory.trajectory_id}: {stream} has no frame {number}")
        picture = decode(np.frombuffer(trajectory.read_media(images[number]), np.uint8))
        if picture is None:
            raise FrameError(f"{trajectory.trajectory_id}: frame {number} of {stream} cannot be decoded: copy it again")
        yield picture
