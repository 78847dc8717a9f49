"""Boxes on a video: a row is a whole track, of which Label Studio holds the key frames."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from schemas.layers import Layer

from ..project import Project, ReviewTask, Row, Surface
from .fields import number, one_word, region_of, value_of, whole
from .geometry import percent_box, pixel_box
from .reading import Reading
from .statement import Piece, Result, Statement, Unreadable
from .words import shown_word, words_of

_SIDES = ("x", "y", "width", "height")


@dataclass(frozen=True, slots=True)
class Key:
    """A key frame: 1-based `frame`, percent box, and whether the box stays beyond it."""

    frame: int
    box: Mapping[str, float]
    enabled: bool


def encode(_project: Project, task: ReviewTask, layers: Sequence[Layer]) -> Iterator[Piece]:
    """A region per track that shows itself on the video, with its key frames."""
    for layer in layers:
        for row in task.rows.get(layer.name, ()):
            sequence = list(_sequence(row, task.surface))
            label = shown_word(layer, row["label"])
            if not sequence or label is None:
                continue
            region, frames = str(row["annotation_id"]), len(task.surface.steps)
            value = {"framesCount": frames, "duration": frames / (task.surface.fps or 1.0), "labels": [label]}
            where = {"id": region, "from_name": "track", "to_name": "media", "type": "videorectangle"}
            result = {**where, "value": {**value, "sequence": sequence}}
            yield Piece(region, (result,), ((layer.name, region, None),))


def decode(reading: Reading, layers: Sequence[Layer]) -> Iterator[Statement]:
    """A statement per track, with a box for each frame of the video on which it can be seen."""
    words = {word: layer for layer in layers for word in words_of(layer)}
    labels = {str(r.get("id")): r for r in reading.of("track_label")}
    seen: set[str] = set()
    for result in reading.of("track"):
        with reading.place(result.get("id")):
            region = region_of(result)
            if region in seen:
                raise Unreadable("region_twice", "two tracks have one id; draw one of them again")
            seen.add(region)
            said = result if value_of(result).get("labels") else labels.get(region, result)
            label = one_word(said, "labels", list(words))
            payload = {"shape": "box", "label": label, **track(reading, region, result)}
            yield _statement(reading.surface, words[label], region, payload)


def expand(keys: Sequence[Key], frames: int) -> list[tuple[int, dict[str, float] | None, bool]]:
    """(0-based frame, percent box or None where it cannot be seen, whether it is interpolated), first to last seen frame.

    As the editor plays it: linear from a key frame that is enabled to the next; one that is not is the last seen (source:
    the editor's code). Behind the last enabled one the box stays as it is.
    """
    found: list[tuple[int, dict[str, float] | None, bool]] = []
    for key, after in pairwise([*keys, None]):
        assert key is not None
        found.append((key.frame - 1, dict(key.box), False))
        until = frames + 1 if after is None else after.frame
        if not key.enabled and after is None:
            break
        for frame in range(key.frame + 1, until):
            if not key.enabled:
                found.append((frame - 1, None, True))
                continue
            share = 0.0 if after is None else (frame - key.frame) / (after.frame - key.frame)
            end = key.box if after is None else after.box
            found.append((frame - 1, {side: key.box[side] + (end[side] - key.box[side]) * share for side in _SIDES}, True))
    return found


def keys_of(value: Mapping[str, Any], frames: int) -> list[Key]:
    """The key frames of a saved track, in order. Raises Unreadable for one outside the video, or two on one frame."""
    sequence = value.get("sequence")
    if not isinstance(sequence, Sequence) or not sequence:
        raise Unreadable("track_empty", "a track has no key frame; delete it or draw it again")
    keys = [Key(whole(k, "frame"), {side: number(k, side) for side in _SIDES}, bool(k.get("enabled", True))) for k in sequence]
    for entry in sequence:
        pixel_turn = float(entry.get("rotation") or 0)
        if abs(pixel_turn) > 0.01:
            raise Unreadable(
                "box_turned", f"a box lies turned by {pixel_turn} degrees on frame {entry['frame']}; set it upright"
            )
    keys.sort(key=lambda key: key.frame)
    for key in keys:
        if not 1 <= key.frame <= frames:
            raise Unreadable("frame_outside", f"a key frame lies at {key.frame} of 1 to {frames}; delete it")
    for key, after in pairwise(keys):
        if key.frame == after.frame:
            raise Unreadable("key_frame_twice", f"a track has two key frames at {key.frame}; delete one of them")
    return keys


def track(reading: Reading, region: str, result: Result) -> dict[str, Any]:
    """The payload of a saved track besides shape and label."""
    surface = reading.surface
    frames, boxes, visible, interpolated = [], [], [], []
    for index, percent, between in expand(keys_of(value_of(result), len(surface.steps)), len(surface.steps)):
        box, cut = (None, False) if percent is None else pixel_box(percent, surface)
        if cut and not between:
            reading.note("box_cut", f"the box at frame {index + 1} stuck out of the frame and was cut to it", region)
        frames.append(surface.frames[index])
        boxes.append(box)
        visible.append(box is not None)
        interpolated.append(between)
    size = {"frame_width": surface.width, "frame_height": surface.height}
    return {"frames": frames, "boxes": boxes, "visible": visible, "interpolated": interpolated, **size}


def _statement(surface: Surface, layer: Layer, region: str, payload: Mapping[str, Any]) -> Statement:
    start, end = surface.start, surface.end
    if layer.level != "trajectory":
        first, last = (surface.frames.index(payload["frames"][i]) for i in (0, -1))
        start, end = surface.steps[first], surface.steps[last] + 1
    return Statement(layer.name, region, ("region", region), payload, start, end, surface.stream, (region,))


def _sequence(row: Row, surface: Surface) -> Iterator[dict[str, Any]]:
    """The key frames of a row: those that were set, and the first and last of each stretch in which it can be seen."""
    entries = list(_entries(row, surface))
    for position, (index, box, between) in enumerate(entries):
        if box is None:
            continue
        first = position == 0 or entries[position - 1][1] is None
        last = position + 1 == len(entries) or entries[position + 1][1] is None
        if between and not first and not last:
            continue
        time = (index + 1) / surface.fps if surface.fps else 0.0
        yield {"frame": index + 1, "enabled": not last, **percent_box(box, surface), "time": time}


def _entries(row: Row, surface: Surface) -> Iterator[tuple[int, Sequence[float] | None, bool]]:
    """(picture, box or None where it cannot be seen, interpolated) of a row, in order, one per picture."""
    taken = -1
    length = len(row["frames"] or ())
    visible = row["visible"] or [True] * length
    between = row["interpolated"] or [False] * length
    found = sorted(zip(row["frames"] or (), row["boxes"] or (), visible, between, strict=True), key=lambda entry: int(entry[0]))
    for frame, box, seen, interpolated in found:
        index = bisect_left(surface.frames, frame)
        if frame < surface.frames[0] or index >= len(surface.frames) or index == taken:
            continue
        taken = index
        yield index, None if seen is False else box, bool(interpolated)
