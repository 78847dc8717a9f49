"""Regions of a row drawn on the pictures that they lie in: boxes, points, polygons, masks, cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageDraw

from annotators.frames import Picture

from .arc import outline
from .lettering import MARK, Colour, font, tag
from .masks import decode_mask

Row = Mapping[str, Any]

EDGE: Colour = (255, 255, 255)


def fitted(picture: Picture, room: tuple[int, int]) -> tuple[Picture, float]:
    """The picture as large as `room` (width, height) allows, at most three times its size; and the factor."""
    factor = min(room[0] / picture.shape[1], room[1] / picture.shape[0], 3.0)
    size = (max(1, round(picture.shape[1] * factor)), max(1, round(picture.shape[0] * factor)))
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, size, interpolation=way), np.uint8), factor


def draw_region(
    picture: Picture,
    row: Row,
    entry: int,
    frame_size: tuple[int, int],
    room: tuple[int, int],
    grid: tuple[int, int, int, int, int] | None = None,
) -> Picture:
    """The picture within `room` with entry `entry` of a regions row on it; a box that is null is not drawn.

    `frame_size`: of the pixels the row is in.
    `grid`: for cells, where the grid lies in the picture: x, y, cell, rows, columns.
    """
    if row["shape"] == "mask" and row["masks"]:
        picture = _masked(picture, row["masks"][entry])
    shown, factor = fitted(picture, room)
    image = Image.fromarray(shown)
    draw = ImageDraw.Draw(image)
    scale = (shown.shape[1] / frame_size[0], shown.shape[0] / frame_size[1])
    words = " ".join(str(w) for w in (row["label"], row["role"]) if w)
    if row["shape"] == "cells" and row["cells"] is not None and grid is not None:
        x, y, cell, _, _ = grid
        outline(draw, (round(x * factor), round(y * factor)), round(cell * factor), {(r, c) for r, c in row["cells"]})
    elif row["shape"] == "box" and row["boxes"] and row["boxes"][entry] is not None:
        _box(draw, [v * s for v, s in zip(row["boxes"][entry], (*scale, *scale), strict=True)], words)
    elif row["shape"] in ("point", "polygon") and row["points"] and row["points"][entry] is not None:
        flat = row["points"][entry]
        pairs = [(flat[i] * scale[0], flat[i + 1] * scale[1]) for i in range(0, len(flat) - 1, 2)]
        (_polygon if row["shape"] == "polygon" else _points)(draw, pairs, words)
    if row["visible"] and row["visible"][entry] is False:
        tag(draw, (6, image.height - 40), "cannot be seen here", font(16, True), MARK)
    return np.asarray(image)


def _masked(picture: Picture, mask: Mapping[str, Any] | None) -> Picture:
    """The picture with a mask tinted and outlined; what lies under it stays visible."""
    if mask is None or mask["counts"] is None:
        return picture
    covered = decode_mask(mask["height"], mask["width"], mask["counts"]).astype(np.uint8)
    if covered.shape != picture.shape[:2]:
        covered = np.asarray(cv2.resize(covered, (picture.shape[1], picture.shape[0]), interpolation=cv2.INTER_NEAREST))
    inside = covered.astype(bool)
    tinted = picture.copy()
    tinted[inside] = (picture[inside] * 0.55 + np.array(MARK) * 0.45).astype(np.uint8)
    borders, _ = cv2.findContours(covered, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(tinted, borders, -1, EDGE, 1)
    return tinted


def _box(draw: ImageDraw.ImageDraw, box: Sequence[float], words: str) -> None:
    x0, y0, x1, y1 = min(box[0], box[2]), min(box[1], box[3]), max(box[0], box[2]), max(box[1], box[3])
    for grow, width, colour in ((1, 5, EDGE), (0, 3, MARK)):
        draw.rectangle((x0 - grow, y0 - grow, x1 + grow, y1 + grow), outline=colour, width=width)
    if words:
        tag(draw, (x0, y0 - 28), words, font(16, True), MARK)


def _points(draw: ImageDraw.ImageDraw, points: Sequence[tuple[float, float]], words: str) -> None:
    for x, y in points:
        for grow, colour in ((2, EDGE), (0, MARK)):
            draw.ellipse((x - 12 - grow, y - 12 - grow, x + 12 + grow, y + 12 + grow), outline=colour, width=3 + grow)
        draw.line((x - 5, y, x + 5, y), fill=MARK, width=2)
        draw.line((x, y - 5, x, y + 5), fill=MARK, width=2)
    if words and points:
        tag(draw, (points[0][0] + 16, points[0][1] - 12), words, font(16, True), MARK)


def _polygon(draw: ImageDraw.ImageDraw, points: Sequence[tuple[float, float]], words: str) -> None:
    ring = [*points, points[0]] if points else []
    for width, colour in ((7, EDGE), (3, MARK)):
        draw.line(ring, fill=colour, width=width, joint="curve")
    for x, y in points:
        draw.ellipse((x - 4, y - 4, x + 4, y + 4), fill=MARK, outline=EDGE)
    if words and points:
        tag(draw, (points[0][0] + 8, points[0][1] - 28), words, font(16, True), MARK)
