"""Videos that hold nothing: RoboInter's converter writes black frames where a recording has no wrist camera."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

BLACK = 24
"""Brightest value (0 to 255) of a frame that counts as black; encoded black is 16 in limited range."""


def is_black(path: Path) -> bool:
    """Whether no frame of a video shows anything; a video with a picture costs the decoding of its first frame.

    A video that cannot be decoded to its end may show something there.
    """
    seen = False
    try:
        with av.open(str(path)) as container:
            for frame in container.decode(video=0):
                if int(np.asarray(frame.to_ndarray(format="gray")).max()) > BLACK:
                    return False
                seen = True
    except av.FFmpegError:
        return False
    return seen
