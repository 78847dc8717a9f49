"""The pictures of one camera of a trajectory, whether its source kept them as video or one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import pyarrow.compute as pc

from .frames import FrameError, Picture, frames
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
    for name, read in (("videos", _of_video), ("images", _of_images)):
        table = trajectory.tables.get(name)
        if table is not None and stream in table["stream"].to_pylist():
            return read(trajectory, stream, numbers)
    raise KeyError(f"{trajectory.trajectory_id}: stream {stream!r} has no pictures")


def _of_video(trajectory: TrajectoryView, stream: str, numbers: Sequence[int] | None) -> Iterator[Picture]:
    table = trajectory.tables["videos"]
    own = table.filter(pc.equal(table["stream"], stream)).select(["part", "video", "num_frames"]).to_pylist()
    first = 0
    for part in sorted(own, key=lambda row: row["part"]):
        end = first + part["num_frames"]
        wanted = range(part["num_frames"]) if numbers is None else [n - first for n in numbers if first <= n < end]
        if wanted:
            with trajectory.open_media(part["video"]) as path:
                yield from frames(path, wanted)
        first = end
    if numbers and numbers[-1] >= first:
        raise FrameError(f"{trajectory.trajectory_id}: {stream} has no frame {numbers[-1]}: it ends after {first} frames")


def _of_images(trajectory: TrajectoryView, stream: str, numbers: Sequence[int] | None) -> Iterator[Picture]:
    table = trajectory.tables["images"]
    own = table.filter(pc.equal(table["stream"], stream)).select(["frame", "image"]).to_pylist()
    images = {row["frame"]: row["image"] for row in own}
    for number in sorted(images) if numbers is None else numbers:
        if images.get(number) is None:
            raise FrameError(f"{trajectory.trajectory_id}: {stream} has no frame {number}")
        coded = np.frombuffer(trajectory.read_media(images[number]), np.uint8)
        decoded = cv2.imdecode(coded, cv2.IMREAD_COLOR)
        if decoded is None:
            raise FrameError(f"{trajectory.trajectory_id}: frame {number} of {stream} cannot be decoded: copy it again")
        yield np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8)
