"""Frames of a video by number, decoded one after another.

Frames are counted from 0 in presentation order, as `robot_steps.frames` and `videos.frame_timestamps` count them. The
video is decoded from its beginning and never sought: a seek lands on a key frame whose number the container does not
say. At most one decoded picture is held.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]
"""height × width × 3, uint8, RGB, origin top left."""


class FrameError(ValueError):
    """A frame that cannot be had: the video cannot be decoded, or ends before it."""


def frames(path: Path, numbers: Iterable[int]) -> Iterator[Picture]:
    """The pictures of `numbers` (ascending; a number may repeat) in that order.

    `numbers` may be lazy: decoding stops where the caller stops. Raises ValueError for numbers that are negative or go
    back, FrameError where the video has no such frame or cannot be decoded.
    """
    wanted = iter(numbers)
    number = next(wanted, None)
    if number is None:
        return
    if number < 0:
        raise ValueError(f"frame {number}: frames are counted from 0")
    count = 0
    for frame in _decoded(path):
        if number == count:
            picture = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
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
            yield from container.decode(container.streams.video[0])
    except (av.FFmpegError, OSError) as error:
        raise FrameError(f"{path.name} cannot be decoded ({error}): copy it again") from error
