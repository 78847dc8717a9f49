"""Pixels of the frame and percent of the picture: the one place that converts between them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..project import Surface
from .fields import number
from .statement import Part, Piece, Unreadable

TOLERANCE = 0.01
"""Pixels that do not count as a difference."""

Box = list[float]
"""x_min, y_min, x_max, y_max in pixels."""


def image_keys(surface: Surface, item: int) -> dict[str, Any]:
    """What every region on a picture carries besides its value."""
    size = {"original_width": surface.width, "original_height": surface.height}
    return {**size, "image_rotation": 0, "item_index": item}


def percent_point(x: float, y: float, surface: Surface) -> tuple[float, float]:
    """Pixels as percent of the frame."""
    return x / surface.width * 100, y / surface.height * 100


def pixel_point(x: float, y: float, surface: Surface) -> tuple[float, float]:
    """Percent of the frame as pixels."""
    return x * surface.width / 100, y * surface.height / 100


def percent_box(box: Sequence[float], surface: Surface) -> dict[str, float]:
    """A box as the editor saves it: top left corner and size in percent."""
    left, top = percent_point(box[0], box[1], surface)
    right, bottom = percent_point(box[2], box[3], surface)
    return {"x": left, "y": top, "width": right - left, "height": bottom - top, "rotation": 0}


def pixel_box(value: Mapping[str, Any], surface: Surface) -> tuple[Box, bool]:
    """A saved box in pixels, and whether it stuck out of the frame and was cut to it.

    Raises Unreadable for a box that lies turned, or of which nothing is left inside the frame.
    """
    if abs(math.remainder(float(value.get("rotation") or 0), 360)) > 0.01:
        raise Unreadable("box_turned", f"a box lies turned by {value['rotation']} degrees; boxes stand upright: draw it again")
    left, top = pixel_point(number(value, "x"), number(value, "y"), surface)
    wide, high = pixel_point(number(value, "width"), number(value, "height"), surface)
    box = [left, top, left + wide, top + high]
    inside = [max(box[0], 0.0), max(box[1], 0.0), min(box[2], float(surface.width)), min(box[3], float(surface.height))]
    if inside[2] - inside[0] < TOLERANCE or inside[3] - inside[1] < TOLERANCE:
        raise Unreadable("box_empty", f"the box {[round(v, 1) for v in box]} has no part inside the frame; draw it again")
    return inside, max(abs(a - b) for a, b in zip(box, inside, strict=True)) >= TOLERANCE


def smallest_first(pieces: Sequence[Piece]) -> list[Piece]:
    """Pieces by how much of its picture a row covers with a box or polygon; points and paths cover nothing.

    The parts of one row, and rows of one size, stay in the order they were in.
    """
    areas: dict[str, float] = {}
    for piece in pieces:
        area = max((_area(result["value"]) for result in piece.results if "original_width" in result), default=0.0)
        base = Part.of(piece.region).base
        areas[base] = max(area, areas.get(base, 0.0))
    return sorted(pieces, key=lambda piece: areas[Part.of(piece.region).base])


def _area(value: Mapping[str, Any]) -> float:
    if "points" in value:
        across, down = zip(*value["points"], strict=True)
        return float((max(across) - min(across)) * (max(down) - min(down)))
    return float(value["width"] * value["height"]) if "height" in value else 0.0


def same(one: Any, other: Any) -> bool:
    """Whether two decoded values are equal: pixels within `TOLERANCE`, everything else exactly, 10.0 as 10."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, float) or isinstance(other, float):
        numbers = isinstance(one, (int, float)) and isinstance(other, (int, float))
        return numbers and abs(one - other) < TOLERANCE
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    return bool(one == other)
