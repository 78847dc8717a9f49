"""COCO's run-length encoded masks: column by column, runs of 0 and 1 in turn, as the compressed string of pycocotools.

A run is written in groups of 5 bits, low ones first, each as one character from code 48 on, bit 6 set where more follow; from
the fourth run on the difference to the run two before is written (`rleToString` and `rleFrString` of cocoapi, maskApi.c).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
"""height × width."""


def decode_mask(height: int, width: int, counts: str) -> Mask:
    """The mask of a run-length string. Raises ValueError where the runs do not fill height × width."""
    runs: list[int] = []
    number = shift = 0
    for character in counts:
        code = ord(character) - 48
        if not 0 <= code < 64:
            raise ValueError(f"{character!r} is no character of a run-length encoded mask")
        number |= (code & 31) << shift
        shift += 5
        if code & 32:
            continue
        if code & 16:
            number -= 1 << shift
        runs.append(number + (runs[-2] if len(runs) > 2 else 0))
        number = shift = 0
    if shift or min(runs, default=0) < 0 or sum(runs) != height * width:
        raise ValueError(f"the runs of the mask cover {sum(runs)} pixels, {height} × {width} are {height * width}")
    flat = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return flat.reshape(width, height).T


def encode_mask(mask: Mask) -> str:
    """The run-length string of a mask."""
    flat = np.asarray(mask, bool).T.ravel()
    borders = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff(np.concatenate([[0], borders, [flat.size]])).tolist()
    if flat.size and flat[0]:
        runs.insert(0, 0)
    text = []
    for i, run in enumerate(runs):
        number = run - runs[i - 2] if i > 2 else run
        more = True
        while more:
            code = number & 31
            number >>= 5
            more = number != (-1 if code & 16 else 0)
            text.append(chr(48 + code + (32 if more else 0)))
    return "".join(text)
