"""Run-length encoded masks of COCO, read: the text form that `regions.masks` holds."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def run_lengths(counts: str) -> list[int]:
    """The lengths of the runs, background first.

    Six bits per character from `0` on, 5 of them value, little end first, the last with the sign; from the fourth run on
    the difference to the run before last is stored (`rleFrString` in pycocotools). Raises ValueError for a cut text.
    """
    runs: list[int] = []
    value = shift = 0
    for character in counts.encode():
        bits = character - 48
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    if shift:
        raise ValueError("the run lengths end in the middle of a number")
    return runs


def decode(height: int, width: int, counts: str) -> npt.NDArray[np.bool_]:
    """The mask, `[height, width]`. Raises ValueError where the runs do not fill it."""
    runs = run_lengths(counts)
    if sum(runs) != height * width or min(runs, default=0) < 0:
        raise ValueError(f"the runs cover {sum(runs)} pixels of a mask of {height} x {width}")
    flat = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return flat.reshape((width, height)).T
