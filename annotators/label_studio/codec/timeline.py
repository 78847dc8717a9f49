"""Steps and the frames of a proxy: the one place that knows Label Studio's 1-based, inclusive ranges."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any

from ..project import Row, Surface
from .fields import whole
from .statement import Unreadable


def frame_range(surface: Surface, start: int, end: int) -> tuple[int, int]:
    """Steps `[start, end)` as first and last frame, 1-based. A step between two frames of the proxy is shown by the next.

    What lies before or behind the pictures is cut to them.
    """
    first = min(bisect_left(surface.steps, start) + 1, len(surface.steps))
    return first, max(bisect_left(surface.steps, end), first)


def step_range(surface: Surface, first: int, last: int) -> tuple[int, int]:
    """First and last frame, 1-based, as steps `[start, end)`. Raises Unreadable for frames that are not there."""
    if not 1 <= first <= last <= len(surface.steps):
        raise Unreadable(
            "range_invalid",
            f"a region lies on frames {first} to {last} of 1 to {len(surface.steps)}; drag it to where it belongs",
        )
    return surface.steps[first - 1], surface.steps[last] if last < len(surface.steps) else surface.end


def ranges(surface: Surface, start: int, end: int) -> dict[str, Any]:
    """The `ranges` of a timeline region over steps `[start, end)`."""
    first, last = frame_range(surface, start, end)
    return {"ranges": [{"start": first, "end": last}]}


def steps_of(surface: Surface, value: Mapping[str, Any]) -> tuple[int, int]:
    """The steps `[start, end)` of a timeline region. Raises Unreadable unless it has one range on the video."""
    found = value.get("ranges")
    if not isinstance(found, Sequence) or len(found) != 1 or not isinstance(found[0], Mapping):
        raise Unreadable("range_invalid", f"a region has the ranges {found!r} and should have one; draw it again")
    return step_range(surface, whole(found[0], "start"), whole(found[0], "end"))


def shown(surface: Surface, row: Row) -> bool:
    """Whether some of a row's interval lies in the task's stretch."""
    if row["start"] is None or row["end"] is None:
        return False
    return bool(row["start"] < surface.end and row["end"] > surface.start)


def item_of_step(surface: Surface, step: int | None) -> int | None:
    """The picture that shows a step; None where none does."""
    return None if step is None or step not in surface.steps else surface.steps.index(step)


def item_of_frame(surface: Surface, frame: int | None) -> int | None:
    """The picture that shows a frame of the stream; None where none does."""
    return None if frame is None or frame not in surface.frames else surface.frames.index(frame)


def step_end(surface: Surface, item: int) -> int:
    """The step after the one that a picture shows."""
    return surface.steps[item] + 1
