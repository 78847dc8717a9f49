"""Boxes on all pictures of a stream from those that were set on a few, each with how sure it is.

The tracker (`annotators.flow`) starts anew wherever a box was set, goes both ways from there, and what the two ways say of
a picture is weighed against each other.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from .flow import Box, Follower
from .frames import Grey


@dataclass(frozen=True, slots=True)
class Filled:
    """What a tracker says, an entry per picture.

    `boxes`: cut to the picture; None where the box was lost, was never followed to, or was set as not visible.
    `points`: the middle of the box before it was cut: where a point that was set has gone.
    `interpolated`: False where the box was set. `confidence`: 0 to 1; 1 where it was set, 0 where there is no box.
    `sources`: "set", "earlier" or "later" key frame, "both", or None.
    """

    boxes: tuple[Box | None, ...]
    points: tuple[tuple[float, float] | None, ...]
    interpolated: tuple[bool, ...]
    confidence: tuple[float, ...]
    sources: tuple[str | None, ...]


def fill_between(
    pictures: Iterable[npt.NDArray[np.uint8]],
    key_frames: Mapping[int, Box | None],
    reach: int = 600,
    withdraw: float = 0.3,
) -> Filled:
    """Boxes on all pictures from those on a few; `pictures` are RGB [height, width, 3] or grey, all of one size.

    `key_frames`: number of the picture, from 0 → its box, or None where somebody said that nothing is to be seen: from
    there on nothing is followed. Between two key frames the box is followed from both and the two are weighed by how near
    they are, so that what was set is met exactly; where they disagree, confidence falls. `reach`: pictures that a box is
    followed for from one key frame at most, which bounds what is held. `withdraw`: confidence below which there is no box.
    Raises ValueError without key frames, for one that is no picture, or for a box that is empty or outside.
    """
    if not key_frames:
        raise ValueError("no key frame is set: give a box on at least one picture")
    said: list[_Said] = []
    held: deque[tuple[int, Grey]] = deque(maxlen=reach)
    tracker: Follower | None = None
    since = 0
    size = (0, 0)
    for number, picture in enumerate(pictures):
        grey = _grey(picture)
        size = grey.shape[1], grey.shape[0]
        if number in key_frames:
            box = key_frames[number]
            following = None if box is None else Follower(grey, _checked(box, number, grey))
            if following is not None:
                _follow_back(said, held, Follower(grey, following.box))
            said.append(_Said(box, 1.0 if box else 0.0, "set"))
            tracker, since = following, number
            held.clear()
            continue
        lost = tracker is None or number - since > reach
        box, confidence = (None, 0.0) if lost or tracker is None else tracker.advance(grey)
        said.append(_Said(box, confidence, "earlier" if box else None))
        held.append((number, grey))
    beyond = [number for number in key_frames if not 0 <= number < len(said)]
    if beyond:
        raise ValueError(f"key frame {beyond[0]}: there are {len(said)} pictures, counted from 0")
    return _finished(said, withdraw, size)


@dataclass(slots=True)
class _Said:
    """What is known of one picture: box (not yet cut), confidence, and from where."""

    box: Box | None
    confidence: float
    source: str | None


def _follow_back(said: list[_Said], held: deque[tuple[int, Grey]], tracker: Follower) -> None:
    """Follow a box from its key frame backwards over the held pictures, and weigh it against what came from before."""
    for steps, (number, grey) in enumerate(reversed(held), 1):
        box, confidence = tracker.advance(grey)
        if box is None:
            return
        known = said[number]
        if known.box is None:
            said[number] = _Said(box, confidence, "later")
            continue
        # `held` begins after the earlier key frame or at `reach`: the weight of the later one falls to 0 at the earlier.
        weight = (len(held) + 1 - steps) / (len(held) + 1)
        said[number] = _mixed(known, _Said(box, confidence, "later"), weight)


def _mixed(earlier: _Said, later: _Said, weight: float) -> _Said:
    """Two opinions on one picture as one, `weight` to the later; the surer of the two counts more."""
    by_earlier, by_later = (1 - weight) * earlier.confidence, weight * later.confidence
    if earlier.box is None or later.box is None or by_earlier + by_later <= 0:
        return _Said(None, 0.0, None)
    share = by_later / (by_earlier + by_later)
    x_min, y_min, x_max, y_max = ((1 - share) * a + share * b for a, b in zip(earlier.box, later.box, strict=True))
    sure = later.confidence if share >= 0.5 else earlier.confidence
    return _Said((x_min, y_min, x_max, y_max), sure * _agreement(earlier.box, later.box), "both")


def _agreement(one: Box, other: Box) -> float:
    """1 where two boxes are the same, falling with the distance of their centres and sizes, in parts of their size."""
    size = np.mean([one[2] - one[0], one[3] - one[1], other[2] - other[0], other[3] - other[1]])
    apart = np.abs(np.subtract(one, other)).max()
    return float(np.exp(-((2.0 * apart / max(size, 1.0)) ** 2)))


def _finished(said: list[_Said], withdraw: float, size: tuple[int, int]) -> Filled:
    """What was said, cut to the picture and without what nobody can rely on."""
    boxes: list[Box | None] = []
    points: list[tuple[float, float] | None] = []
    confidence: list[float] = []
    sources: list[str | None] = []
    for entry in said:
        box = entry.box
        cut = None if box is None or entry.confidence < withdraw else inside(box, *size)
        boxes.append(cut)
        points.append(((box[0] + box[2]) / 2, (box[1] + box[3]) / 2) if cut and box else None)
        confidence.append(min(1.0, entry.confidence) if cut else 0.0)
        sources.append(entry.source if cut or entry.source == "set" else None)
    interpolated = tuple(entry.source != "set" for entry in said)
    return Filled(tuple(boxes), tuple(points), interpolated, tuple(confidence), tuple(sources))


def thinned(boxes: Sequence[Box | None], keep: Iterable[int], tolerance: float = 2.0) -> tuple[int, ...]:
    """The pictures that are enough to draw the others between them on straight lines, within `tolerance` pixels.

    `keep` are among them, the first and last of each stretch with a box, and the first without one. The rule is that of
    Ramer, Douglas and Peucker, over the four sides at once.
    """
    wanted = {n for n in keep if n < len(boxes)}
    present = [box is not None for box in boxes]
    for number in range(len(boxes)):
        begins = number == 0 or present[number - 1] != present[number]
        ends = present[number] and (number + 1 == len(boxes) or not present[number + 1])
        if begins or ends:
            wanted.add(number)
    open_stretches = list(pairwise(sorted(wanted)))
    sides = np.array([box or (np.nan,) * 4 for box in boxes], np.float64).reshape(-1, 4)
    while open_stretches:
        first, last = open_stretches.pop()
        if last - first < 2 or not present[first] or not present[last]:
            continue
        part = np.arange(first + 1, last)
        share = ((part - first) / (last - first))[:, None]
        off = np.abs(sides[part] - (1 - share) * sides[first] - share * sides[last]).max(axis=1)
        if off.max() > tolerance:
            furthest = int(part[off.argmax()])
            wanted.add(furthest)
            open_stretches += [(first, furthest), (furthest, last)]
    return tuple(sorted(wanted))


def inside(box: Box, width: int, height: int) -> Box | None:
    """The part of a box inside a picture; None where less than a tenth of it is, or nothing a pixel wide."""
    cut = max(box[0], 0.0), max(box[1], 0.0), min(box[2], float(width)), min(box[3], float(height))
    across, down = cut[2] - cut[0], cut[3] - cut[1]
    if across < 1 or down < 1 or across * down < 0.1 * (box[2] - box[0]) * (box[3] - box[1]):
        return None
    return cut


def _checked(box: Box, number: int, grey: Grey) -> Box:
    height, width = grey.shape
    x_min, y_min, x_max, y_max = (float(value) for value in box)
    if not (0 <= x_min < x_max <= width and 0 <= y_min < y_max <= height):
        raise ValueError(
            f"key frame {number}: box {list(box)} is not [x_min, y_min, x_max, y_max] inside {width} x {height} pixels"
        )
    return x_min, y_min, x_max, y_max


def _grey(picture: npt.NDArray[np.uint8]) -> Grey:
    return picture if picture.ndim == 2 else np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)
