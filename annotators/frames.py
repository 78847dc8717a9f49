"""Frames of a video by number, decoded one after another.

Frames are counted from 0 in presentation order, as `robot_steps.frames` and `videos.frame_timestamps` count them. The
video is decoded from its beginning and never sought: a seek lands on a key frame whose number the container does not
say. At most one decoded picture is held. One thread decodes: speed comes from many processes, and threads that wait for
each other cost more of a core than they give.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import VideoReformatter

Picture = npt.NDArray[np.uint8]
"""height × width × 3, uint8, RGB, origin top left."""
Grey = npt.NDArray[np.uint8]
"""height × width, uint8, origin top left; of a video its luma as it is coded (16 to 235 where the range is limited)."""

_Array = TypeVar("_Array", Picture, Grey)
_LUMA_FIRST = frozenset(
    f"{name}{layout}p" for name in ("yuv", "yuvj") for layout in ("410", "411", "420", "422", "440", "444")
) | {"gray", "nv12", "nv16", "nv21", "yuva420p", "yuva422p", "yuva444p"}
"""Pixel formats whose first plane is luma of 8 bits."""


class FrameError(ValueError):
    """A frame that cannot be had: the video cannot be decoded, or ends before it."""


def frames(path: Path, numbers: Iterable[int]) -> Iterator[Picture]:
    """The pictures of `numbers` (ascending; a number may repeat) in that order.

    `numbers` may be lazy: decoding stops where the caller stops. Raises ValueError for numbers that are negative or go
    back, FrameError where the video has no such frame or cannot be decoded.
    """
    reformatter = VideoReformatter()  # one for all: making one costs as much as using it

    def rgb(frame: av.VideoFrame) -> Picture:
        rows = _rows(reformatter.reformat(frame, format="rgb24").planes[0])
        return rows[: frame.height, : 3 * frame.width].reshape(frame.height, frame.width, 3)

    return _chosen(path, numbers, rgb)


def greys(path: Path, numbers: Iterable[int]) -> Iterator[Grey]:
    """As `frames`, without colour: the video's own luma, which is not converted."""
    return _chosen(path, numbers, _luma)


def _luma(frame: av.VideoFrame) -> Grey:
    if frame.format.name not in _LUMA_FIRST:
        return np.asarray(frame.to_ndarray(format="gray"), np.uint8)
    return _rows(frame.planes[0])[: frame.height, : frame.width].copy()  # a view would hold the colours as well


def _rows(plane: av.video.plane.VideoPlane) -> Picture:
    """The lines of a plane with what pads them, not copied."""
    return np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)


def _chosen(path: Path, numbers: Iterable[int], picture_of: Callable[[av.VideoFrame], _Array]) -> Iterator[_Array]:
    """The frames of some numbers, each as `picture_of` makes a picture of it."""
    wanted = iter(numbers)
    number = next(wanted, None)
    if number is None:
        return
    if number < 0:
        raise ValueError(f"frame {number}: frames are counted from 0")
    count = 0
    for frame in _decoded(path):
        if number == count:
            picture = picture_of(frame)
            while number == count:
                yield picture
                following = next(wanted, None)
                if following is None:
                    return
                if following < number:
                    raise ValueError(f"frame {following} after frame {number}: numbers must ascend")
                number = following
        count += 1
    raise FrameError(f"{path.name} has no frame {number}: it ends after {count} frames")


def _decoded(path: Path) -> Iterator[av.VideoFrame]:
    """All frames of the first video track, in presentation order."""
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise FrameError(f"{path.name} has no video track")
            track = container.streams.video[0]
            if track.codec_context is None:
                raise FrameError(f"{path.name} is of a codec that is not known: copy it again")
            track.codec_context.thread_count = 1
            yield from container.decode(track)
    except (av.FFmpegError, OSError) as error:
        raise FrameError(f"{path.name} cannot be decoded ({error}): copy it again") from error
