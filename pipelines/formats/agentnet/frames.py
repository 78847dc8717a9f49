"""Which video frame an action of an AgentNetTool recording was taken on.

The rule is that of the format's authors, so that frames are those of the published AgentNet. A click, a long press or a
drag looks back from 0.5 s before it, in steps of 0.1 s, as long as at least 0.99 of the pixels (grey, exactly equal) are
those of that first look, and not beyond the start of the pointer's way there (`pre_move`), where it ends if nothing
changed. Everything else takes the frame 0.5 s before. The end of the task is the frame 0.1 s after the first change
that follows the last action.

Video time is the recorder's clock minus an origin. Three origins are on record: `video_start_timestamp`, and the times
of OBS's STARTING and STARTED events (0.06 s and 0.50 s later in the public example). With the first, the rule
gives the published screenshots frame for frame (measured: each of the 15 is, of all 3,678 frames, the one nearest to its
screenshot; 14 are within 0.6 of 255 by STARTING, 11 by STARTED), so it is the default. By this clock screens of that
example change up to 0.44 s before the press: the true origin is nearer to STARTED, and the 0.5 s of the rule cover it.

Grey pictures of a look-back are kept packed, and looks go back 30 s at most, so memory does not grow with the recording.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, count, takewhile

import cv2
import numpy as np
import numpy.typing as npt

from annotators.frames import Picture
from pipelines.formats.agentnet.events import POINTER_ACTIONS, Event

LEAD = 0.5
STRIDE = 0.1
SIMILAR = 0.99
MAX_LOOK_BACK = 30.0
"""Seconds; the authors have no bound. Beyond it the frame found is one with the same pixels."""

Grey = npt.NDArray[np.uint8]
Decode = Callable[[Iterable[int]], Iterator[Picture]]
"""Frame numbers, ascending → pictures in that order, as `annotators.frames.frames` gives them."""


@dataclass(frozen=True, slots=True)
class Look:
    """The frames to look at for one action, the reference first, then backwards.

    `floor`: whether the last one ends the look whatever it shows, as the start of the pointer's way does.
    """

    frames: tuple[int, ...]
    floor: bool = False


def look_of(event: Event, origin: float, times: npt.NDArray[np.float64]) -> Look | None:
    """The frames to look at for one action; None where the video does not cover it.

    `origin`: the recorder's clock at video time 0; `times`: seconds of each frame in the video's clock.
    """
    start = event.start - origin
    if not times[0] <= start <= times[-1] + LEAD:
        return None
    first = max(start - LEAD, float(times[0]))
    if event.action not in POINTER_ACTIONS or event.pre_move is None:
        return Look((nearest(first, times),))
    floor = max(event.pre_move - origin, float(times[0]))
    if floor >= first:
        return Look((nearest(min(floor, start), times),))
    bound = max(floor, first - MAX_LOOK_BACK)
    seconds = list(takewhile(lambda t: t >= bound, (first - STRIDE * i for i in count())))
    if bound == floor:
        seconds.append(floor)
    return Look(tuple(nearest(t, times) for t in seconds), bound == floor)


def bind(
    looks: Sequence[Look | None], last_end: float, times: npt.NDArray[np.float64], decode: Decode
) -> tuple[list[int | None], int | None]:
    """The frame of each action, and of the end of the task.

    `looks` in order of time; `last_end`: end of the last action in seconds of the video's clock. The end of the task is
    None where the video does not reach it.
    """
    looked = [look for look in looks if look is not None]
    numbers = sorted({frame for look in looked for frame in look.frames})
    kept: dict[int, bytes] = {}
    chosen: dict[Look, int] = {}
    waiting = sorted(set(looked), key=lambda look: look.frames[0])
    after, seconds = _after(last_end, times)
    pictures = decode(chain(numbers, after))
    for number, picture in zip(numbers, pictures, strict=False):
        kept[number] = zlib.compress(_grey(picture).tobytes(), 1)
        while waiting and waiting[0].frames[0] <= number:
            look = waiting.pop(0)
            chosen[look] = _walk(look, kept)
        oldest = min((min(look.frames) for look in waiting), default=number)
        for stale in [n for n in kept if n < oldest]:
            del kept[stale]
    return [None if look is None else chosen[look] for look in looks], _end(seconds, pictures, times)


def _after(last_end: float, times: npt.NDArray[np.float64]) -> tuple[list[int], list[float]]:
    """The frames to look at after the last action, and their times; none where the video does not reach it."""
    if not times[0] <= last_end <= times[-1]:
        return [], []
    seconds = list(takewhile(lambda t: t <= times[-1], (last_end + STRIDE * i for i in count())))
    return [nearest(t, times) for t in seconds], seconds


def _end(seconds: Sequence[float], pictures: Iterator[Picture], times: npt.NDArray[np.float64]) -> int | None:
    """The frame 0.1 s after the first change among `pictures` (of `seconds`), the first one where nothing changes."""
    first: Grey | None = None
    for second in seconds:
        grey = _grey(next(pictures))
        first = grey if first is None else first
        if similarity(grey, first) < SIMILAR:
            return nearest(second + STRIDE, times)
    return nearest(seconds[0], times) if seconds else None


def nearest(second: float, times: npt.NDArray[np.float64]) -> int:
    """The frame nearest to a time, the first or last one beyond the ends."""
    right = int(np.clip(np.searchsorted(times, second), 1, max(1, len(times) - 1)))
    right = min(right, len(times) - 1)
    left = max(right - 1, 0)
    return left if abs(times[left] - second) <= abs(times[right] - second) else right


def similarity(one: Grey, other: Grey) -> float:
    """Share of equal pixels of two grey pictures of one size."""
    return float(np.count_nonzero(one == other)) / one.size


def _walk(look: Look, kept: dict[int, bytes]) -> int:
    """The last frame of the look that shows what its first shows."""
    reference = _unpack(kept[look.frames[0]])
    last = look.frames[0]
    sampled = look.frames[:-1] if look.floor else look.frames
    for frame in sampled[1:]:
        if frame != last and similarity(_unpack(kept[frame]), reference) < SIMILAR:
            return last
        last = frame
    return look.frames[-1] if look.floor else last


def _grey(picture: Picture) -> Grey:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)


def _unpack(data: bytes) -> Grey:
    return np.frombuffer(zlib.decompress(data), np.uint8)
