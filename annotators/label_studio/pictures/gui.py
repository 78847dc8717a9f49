"""One picture per step of a screen recording: the screenshot with the action drawn on it, a caption above.

All pictures of a trajectory have one size. Frames (what points refer to) are drawn at one scale from one corner, so a step
with a smaller window leaves the rest grey.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageDraw

from annotators.frames import Picture

from .lettering import FAINT, INK, MARK, SECOND, SHADE, Colour, fit, font, wrap, write

Row = Mapping[str, Any]

_CAPTION, _MARGIN = 72, 12
_REST: Colour = (188, 188, 192)
UNKNOWN = (1280, 720)
"""The size taken where nothing says one."""


@dataclass(frozen=True, slots=True)
class Canvas:
    """The frame that holds every frame of a trajectory: `width`, `height` in frame pixels, drawn `scale` times as large."""

    width: int
    height: int
    scale: float

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the drawn frame, even pixels."""
        return (_even(self.width * self.scale), _even(self.height * self.scale))


def canvas(steps: Iterable[Row], largest: tuple[int, int] = (1280, 800), unsaid: tuple[int, int] = UNKNOWN) -> Canvas:
    """The canvas for the rows of `gui_steps`, drawn no larger than `largest` and never enlarged.

    `unsaid`: the size taken where no step says one.
    """
    sizes = [(row["frame_width"], row["frame_height"]) for row in steps if row["frame_width"] and row["frame_height"]]
    width = max((w for w, _ in sizes), default=unsaid[0])
    height = max((h for _, h in sizes), default=unsaid[1])
    return Canvas(width, height, min(1.0, largest[0] / width, largest[1] / height))


def action_picture(place: Canvas, row: Row, screenshot: Picture | None, count: int) -> Picture:
    """The picture of one step of `count`: caption, screenshot (or why there is none) and where the action went."""
    frame = framed(place, row, screenshot)
    image = Image.new("RGB", (frame.shape[1], frame.shape[0] + _CAPTION), SHADE)
    over = Image.fromarray(frame)
    _action(ImageDraw.Draw(over), row, place.scale)
    image.paste(over, (0, _CAPTION))
    _caption(ImageDraw.Draw(image), row, count, frame.shape[1])
    return np.asarray(image)


def framed(place: Canvas, row: Row, screenshot: Picture | None) -> Picture:
    """The screenshot at the place and scale of the canvas, grey where its frame ends; a missing one says why."""
    width, height = place.size
    if screenshot is None:
        return missing((width, height), row["screenshot_missing"])
    wide = row["frame_width"] or place.width
    high = row["frame_height"] or place.height
    size = (min(width, max(1, round(wide * place.scale))), min(height, max(1, round(high * place.scale))))
    smaller = size[0] < screenshot.shape[1]
    shown = cv2.resize(screenshot, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)
    picture = np.full((height, width, 3), _REST, np.uint8)
    picture[: size[1], : size[0]] = shown
    return picture


def missing(size: tuple[int, int], reason: str | None) -> Picture:
    """A grey picture (width, height) that says why there is no screenshot."""
    image = Image.new("RGB", size, _REST)
    draw = ImageDraw.Draw(image)
    large, small = font(26, True), font(18)
    y = write(draw, (24, 24), wrap("No screenshot of this step", large, size[0] - 48, 2), large)
    write(draw, (24, y + 6), wrap(reason or "The source does not say why.", small, size[0] - 48, 6), small)
    return np.asarray(image)


def said(row: Row) -> str:
    """What the step's action is, in words: typed text, keys, scroll distance, or its remaining arguments."""
    parts = []
    if row["text"] is not None:
        parts.append(f"“{row['text']}”")
    if row["keys"]:
        parts.append(" + ".join(row["keys"]))
    if row["scroll"]:
        dx, dy = row["scroll"]
        parts.append(" ".join(w for w in (_way(dy, "down", "up"), _way(dx, "right", "left")) if w) or "by nothing")
    if row["point"]:
        parts.append("at {:.0f}, {:.0f}".format(*row["point"]))
    if row["end_point"]:
        parts.append("to {:.0f}, {:.0f}".format(*row["end_point"]))
    if not parts or row["action_kind"] != "gui":
        known = ("box", "page", "timeout", "strict", "waitUntil", "value", "key", "deltaX", "deltaY")
        parts += [f"{key} {_plain(value)}" for key, value in sorted(_arguments(row).items()) if key not in known]
    return "  ·  ".join(parts)


def _caption(draw: ImageDraw.ImageDraw, row: Row, count: int, width: int) -> None:
    large, small = font(25, True), font(17)
    head = f"Step {row['step']} of {count - 1}"
    wide = width - 2 * _MARGIN
    draw.text((_MARGIN, 5), head, fill=FAINT, font=large)
    x = _MARGIN + large.getlength(head) + 18
    name = (row["action_name"] or "no action").replace("_", " ")
    draw.text((x, 5), fit(name, large, int(width - x - _MARGIN)), fill=MARK, font=large)
    x += large.getlength(fit(name, large, int(width - x - _MARGIN))) + 18
    draw.text((x, 12), fit(said(row), small, max(40, int(width - x - _MARGIN))), fill=INK, font=small)
    where = "  ·  ".join(part for part in (row["app"], row["window"], row["url"]) if part)
    draw.text((_MARGIN, 42), fit(where, small, wide), fill=FAINT, font=small)


def _action(draw: ImageDraw.ImageDraw, row: Row, scale: float) -> None:
    """Where the action went: a ring and cross at a point, an arrow for a drag or a scroll, a frame around a named field."""
    point = _scaled(row["point"], scale)
    if point is None:
        box = _arguments(row).get("box")
        if isinstance(box, list) and len(box) == 4:
            _frame(draw, tuple(float(v) * scale for v in box))
            point = ((box[0] + box[2]) / 2 * scale, (box[1] + box[3]) / 2 * scale) if row["scroll"] else None
    end = _scaled(row["end_point"], scale)
    if row["scroll"]:
        _scroll(draw, point or (draw.im.size[0] / 2, draw.im.size[1] / 2), row["scroll"])
    if point is not None and end is not None:
        arrow(draw, point, end, MARK)
    if point is not None:
        target(draw, point, MARK)


def target(draw: ImageDraw.ImageDraw, at: tuple[float, float], colour: Colour) -> None:
    """A ring with a dot in it; what lies between ring and dot stays visible."""
    x, y = at
    for grow, fill in ((2, (255, 255, 255)), (0, colour)):
        draw.ellipse((x - 18 - grow, y - 18 - grow, x + 18 + grow, y + 18 + grow), outline=fill, width=4 + grow)
    draw.ellipse((x - 4, y - 4, x + 4, y + 4), fill=colour, outline=(255, 255, 255))


def arrow(draw: ImageDraw.ImageDraw, start: tuple[float, float], end: tuple[float, float], colour: Colour) -> None:
    """A thick arrow, edged in white, from one point to another."""
    (x, y), (u, v) = start, end
    angle = math.atan2(v - y, u - x)
    neck = (u - 14 * math.cos(angle), v - 14 * math.sin(angle))
    wings = [(u - 24 * math.cos(angle + a), v - 24 * math.sin(angle + a)) for a in (-0.45, 0.45)]
    draw.line((*start, *neck), fill=(255, 255, 255), width=10)
    draw.polygon((end, *wings), fill=colour, outline=(255, 255, 255), width=3)
    draw.line((*start, *neck), fill=colour, width=5)


def _scroll(draw: ImageDraw.ImageDraw, at: tuple[float, float], by: Iterable[float]) -> None:
    """An arrow in the direction in which the content moves: a wheel that is turned down moves it up."""
    dx, dy = by
    length = math.hypot(dx, dy)
    if length:
        reach = 70
        ux, uy = -dx / length * reach, -dy / length * reach
        arrow(draw, (at[0] - ux, at[1] - uy), (at[0] + ux, at[1] + uy), SECOND)


def _frame(draw: ImageDraw.ImageDraw, box: tuple[float, ...]) -> None:
    x0, y0, x1, y1 = box
    if x1 > x0 and y1 > y0:
        draw.rectangle((x0 - 4, y0 - 4, x1 + 4, y1 + 4), outline=(255, 255, 255), width=6)
        draw.rectangle((x0 - 3, y0 - 3, x1 + 3, y1 + 3), outline=MARK, width=4)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _way(distance: float, forward: str, back: str) -> str:
    return f"{forward if distance > 0 else back} by {abs(distance):g}" if distance else ""


def _scaled(point: Any, scale: float) -> tuple[float, float] | None:
    return None if not point else (float(point[0]) * scale, float(point[1]) * scale)


def _even(length: float) -> int:
    return max(2, round(length / 2) * 2)


def _arguments(row: Row) -> dict[str, Any]:
    value = row["action_args"]
    found = json.loads(value) if isinstance(value, str) else value
    return dict(found) if isinstance(found, Mapping) else {}
