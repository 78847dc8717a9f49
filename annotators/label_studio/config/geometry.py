"""Where results lie: frames of the video, pictures of the list, percents of a picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from math import isfinite
from typing import Any

from ..project import Surface
from .parsed import Control

Fault = tuple[str, str]

SLACK = 0.01
"""Percent by which the editor's rounding may carry a point out of its picture."""


def geometry_faults(control: Control, surface: Surface, result: Mapping[str, Any], value: Mapping[str, Any]) -> Iterator[Fault]:
    """Code and sentence for each place of a result that is not on the surface."""
    name = control.name
    if "ranges" in value:
        yield from _range_faults(name, len(surface.steps), value["ranges"])
    if "sequence" in value:
        yield from _track_faults(name, len(surface.steps), value)
    if surface.fps is None and ("item_index" in result or "original_width" in result or _per_item(control)):
        item = result.get("item_index")
        if not isinstance(item, int) or not 0 <= item < len(surface.steps):
            yield "item_outside", f"{name} is on picture {item!r}, counted from 0, of {len(surface.steps)}"
    yield from _shape_faults(name, value)


def _per_item(control: Control) -> bool:
    return control.attributes.get("peritem") == "true"


def _range_faults(name: str, frames: int, ranges: Any) -> Iterator[Fault]:
    if not isinstance(ranges, Sequence) or len(ranges) != 1 or not isinstance(ranges[0], Mapping):
        yield "range_not_one", f"a region of {name} has not one stretch of frames; draw it again"
        return
    start, end = ranges[0].get("start"), ranges[0].get("end")
    if not (isinstance(start, int) and isinstance(end, int)):
        yield "frame_unreadable", f"a region of {name} lies on frames {start!r} to {end!r}; draw it again"
    elif end < start:
        yield "range_reversed", f"a region of {name} ends on frame {end}, before its start on {start}; drag its end"
    elif start < 1 or end > frames:
        yield "frame_outside", f"a region of {name} lies on frames {start} to {end} of 1 to {frames}; drag it into the video"


def _track_faults(name: str, frames: int, value: Mapping[str, Any]) -> Iterator[Fault]:
    count = value.get("framesCount")
    if count is not None and count != frames:
        yield "frames_differ", f"the editor counted {count} frames and the video has {frames}: its frame rate is not the task's"
    keys = value["sequence"] if isinstance(value["sequence"], Sequence) else ()
    numbers = [key["frame"] for key in keys if isinstance(key, Mapping) and isinstance(key.get("frame"), int)]
    if not numbers or len(numbers) < len(keys):
        yield "frame_unreadable", f"a track of {name} has no key frames, or one without a number; draw it again"
        return
    if any(not 1 <= number <= frames for number in numbers):
        yield "frame_outside", f"a track of {name} has a key frame outside 1 to {frames}; delete that key frame"
    if any(later <= earlier for earlier, later in pairwise(numbers)):
        yield "key_frames_unordered", f"key frames of a track of {name} do not follow one another in time; draw it again"
    for key in keys:
        yield from _shape_faults(name, key)


def _shape_faults(name: str, value: Mapping[str, Any]) -> Iterator[Fault]:
    if value.get("rotation"):
        yield "box_turned", f"a box of {name} is turned by {value['rotation']:.0f} degrees; boxes lie straight"
    places: list[tuple[Any, Any]] = []
    if "x" in value:
        x, y, width, height = (value.get(key, 0) for key in ("x", "y", "width", "height"))
        is_box = "height" in value
        if is_box and all(map(_is_number, (x, y, width, height))):
            if not (width > 0 and height > 0):
                yield "box_empty", f"a box of {name} has no width or height; delete it or draw it again"
            places.append((x + width, y + height))
        places.append((x, y))
    places += [tuple(point) for point in value.get("points") or () if len(point) == 2]
    vertices = value.get("vertices") or ()
    places += [(vertex.get("x"), vertex.get("y")) for vertex in vertices]
    if any(not (_is_number(at) and -SLACK <= at <= 100 + SLACK) for place in places for at in place):
        yield "place_outside", f"a shape of {name} reaches out of its picture; drag it back"
    if vertices:
        yield from _path_faults(name, vertices)


def _path_faults(name: str, vertices: Sequence[Mapping[str, Any]]) -> Iterator[Fault]:
    """A path has two points or more, each with an id of its own, and goes from one to the next."""
    ids = [vertex.get("id") for vertex in vertices]
    if len(set(ids)) < len(ids) or None in ids:
        yield "path_broken", f"two points of a path of {name} have one id; draw the path again"
    elif len(ids) < 2:
        yield "path_short", f"a path of {name} has one point; add the others or delete it"
    else:
        before = [vertex.get("prevPointId") for vertex in vertices]
        if before.count(None) != 1 or len(set(before)) < len(before) or not set(before) - {None} <= set(ids):
            yield "path_broken", f"a path of {name} falls into pieces; draw it again"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and isfinite(value)
