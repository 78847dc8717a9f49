"""Boxes, points and polygons on pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.layers import Layer

from ..project import Project, ReviewTask, Row, Surface
from .fields import item_of, number, one_word, region_of, value_of
from .geometry import image_keys, percent_box, percent_point, pixel_box, pixel_point
from .reading import Reading
from .statement import Part, Piece, Result, Statement, Unreadable, part_id
from .timeline import item_of_frame
from .words import shown_word, words_of

DOT = 0.8
"""Size of a key point's dot, percent of the picture's width. It says nothing."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One drawn region: its part of the row, the picture, its label, and the coordinates in pixels."""

    region: str
    part: Part
    item: int
    label: str
    values: list[float]


def encode(_project: Project, task: ReviewTask, layers: Sequence[Layer]) -> Iterator[Piece]:
    """A region per box, polygon or point of a row on the pictures that show its frames."""
    for layer in layers:
        for row in task.rows.get(layer.name, ()):
            drawn = list(_drawn(row))
            for n, (frame, values) in enumerate(drawn):
                item = item_of_frame(task.surface, frame)
                label = shown_word(layer, row["label"])
                if item is None or label is None:
                    continue
                region = part_id(str(row["annotation_id"]), n, len(drawn))
                result = _result(layer, region, item, label, values, row["shape"], task.surface)
                yield Piece(region, (result,), ((layer.name, str(row["annotation_id"]), n if len(drawn) > 1 else None),))


def decode(reading: Reading, layers: Sequence[Layer]) -> Iterator[Statement]:
    """A statement per row: regions with one base are the parts of one."""
    for layer in layers:
        shape = layer.review.shape if layer.review else None
        read = {"box": _box, "point": _point, "polygon": _polygon}[str(shape)]
        for base, entries in joined(reading, layer, read).items():
            with reading.place(base):
                yield _statement(layer, str(shape), base, entries, reading.surface)


def joined(
    reading: Reading, layer: Layer, read: Callable[[Reading, str, Mapping[str, Any]], list[float]]
) -> dict[str, list[Entry]]:
    """Base → the drawn regions of a layer, in order of picture and number. Unreadable ones become findings."""
    key = {"point": "keypointlabels", "polygon": "polygonlabels"}.get(
        str(layer.review and layer.review.shape), "rectanglelabels"
    )
    rows: dict[str, list[Entry]] = {}
    seen: set[str] = set()
    for result in reading.of(layer.name):
        with reading.place(result.get("id")):
            region = region_of(result)
            if region in seen:
                raise Unreadable("region_twice", f"{layer.name} has two regions with one id; draw one of them again")
            seen.add(region)
            part, item = Part.of(region), item_of(result, len(reading.surface.steps))
            label = one_word(result, key, words_of(layer))
            values = read(reading, region, value_of(result))
            rows.setdefault(part.base, []).append(Entry(region, part, item, label, values))
    for entries in rows.values():
        entries.sort(key=lambda e: (e.item, -1 if e.part.number is None else e.part.number))
    return rows


def one_label(layer: Layer, entries: Sequence[Entry]) -> str:
    """The label that the parts of a row share. Raises Unreadable where they differ."""
    labels = {entry.label for entry in entries}
    if len(labels) > 1:
        raise Unreadable(
            "words_two", f"the parts of one {layer.name} carry the labels {', '.join(sorted(labels))}; give them one"
        )
    return entries[0].label


def _drawn(row: Row) -> Iterator[tuple[int | None, list[float]]]:
    """(frame, coordinates) of each region that a row is drawn as: an entry with several points is one per point."""
    points = row["shape"] == "point"
    values = row["boxes"] if row["shape"] == "box" else row["points"]
    frames = row["frames"] if row["frames"] is not None else [row["start"]] * len(values or ())
    visible = row["visible"] if row["visible"] is not None else [True] * len(frames)
    for frame, value, seen in zip(frames, values or (), visible, strict=True):
        if value is None or seen is False:
            continue
        for part in [value[i : i + 2] for i in range(0, len(value), 2)] if points else [value]:
            yield frame, list(part)


def _result(layer: Layer, region: str, item: int, label: str, values: list[float], shape: str, surface: Surface) -> Result:
    value: dict[str, Any]
    if shape == "box":
        type_, value = "rectanglelabels", percent_box(values, surface)
    elif shape == "point":
        x, y = percent_point(values[0], values[1], surface)
        type_, value = "keypointlabels", {"x": x, "y": y, "width": DOT}
    else:
        corners = [list(percent_point(x, y, surface)) for x, y in zip(values[::2], values[1::2], strict=True)]
        type_, value = "polygonlabels", {"points": corners, "closed": True}
    where = {"id": region, "from_name": layer.name, "to_name": "media", "type": type_}
    return {**image_keys(surface, item), **where, "value": {**value, type_: [label]}}


def _box(reading: Reading, region: str, value: Mapping[str, Any]) -> list[float]:
    box, cut = pixel_box(value, reading.surface)
    if cut:
        reading.note("box_cut", "a box stuck out of the frame and was cut to it", region)
    return box


def _point(reading: Reading, _region: str, value: Mapping[str, Any]) -> list[float]:
    return list(pixel_point(number(value, "x"), number(value, "y"), reading.surface))


def _polygon(reading: Reading, _region: str, value: Mapping[str, Any]) -> list[float]:
    corners = value.get("points")
    if not isinstance(corners, Sequence) or len(corners) < 3:
        raise Unreadable("polygon_open", f"a polygon has the corners {corners!r} and should have three or more; draw it again")
    return [v for x, y in corners for v in pixel_point(float(x), float(y), reading.surface)]


def _statement(layer: Layer, shape: str, base: str, entries: Sequence[Entry], surface: Surface) -> Statement:
    frames: dict[int, list[float]] = {}
    for entry in entries:
        frame = surface.frames[entry.item]
        if frame in frames and shape != "point":
            raise Unreadable("region_twice", f"a {layer.name} has two regions on one picture; delete one of them")
        frames[frame] = frames.get(frame, []) + entry.values
    payload = {
        "shape": shape,
        "label": one_label(layer, entries),
        "frames": list(frames),
        "boxes" if shape == "box" else "points": list(frames.values()),
        "frame_width": surface.width,
        "frame_height": surface.height,
    }
    start, end = surface.steps[entries[0].item], surface.steps[entries[-1].item] + 1
    regions = tuple(entry.region for entry in entries)
    return Statement(layer.name, base, ("region", base), payload, start, end, surface.stream, regions)
