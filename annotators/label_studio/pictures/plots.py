"""Numbers over steps as pictures: lines for values, a strip for codes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from annotators.frames import Picture

from .lettering import FAINT, INK, MARK, PAPER, SECOND, SHADE, Colour, drawable, fit, font

LINES: tuple[Colour, ...] = (
    SECOND,
    MARK,
    (0, 158, 115),
    (204, 121, 167),
    (86, 180, 233),
    (230, 159, 0),
    (119, 119, 119),
    (0, 0, 0),
)
"""Colours of lines, told apart by colour-blind people (Okabe and Ito)."""

_LEFT, _RIGHT, _TOP, _BOTTOM = 86, 24, 24, 54


def line_plot(
    steps: Sequence[int],
    series: Sequence[Sequence[float | None]],
    names: Sequence[str],
    unit: str | None,
    size: tuple[int, int] = (1100, 420),
) -> Picture:
    """Values over steps, a line each; a null or a number that is not finite leaves a gap. `size`: width, height, pixels."""
    image = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(image)
    width, height = size
    known = [v for values in series for v in values if v is not None and np.isfinite(v)]
    low, high = _bounds(known)
    first, last = (min(steps), max(steps)) if steps else (0, 1)
    across = (width - _LEFT - _RIGHT) / max(1, last - first)
    up = (height - _TOP - _BOTTOM) / (high - low)
    small = font(14)
    for value in np.linspace(low, high, 5):
        y = height - _BOTTOM - (value - low) * up
        draw.line((_LEFT, y, width - _RIGHT, y), fill=(225, 225, 230))
        draw.text((_LEFT - 8, y), f"{value:.4g}", fill=FAINT, font=small, anchor="rm")
    for step in sorted({round(s) for s in np.linspace(first, last, min(12, last - first + 1))}):
        draw.text((_LEFT + (step - first) * across, height - _BOTTOM + 8), str(step), fill=FAINT, font=small, anchor="ma")
    draw.text((width - _RIGHT, height - 22), "step", fill=FAINT, font=small, anchor="ra")
    if unit:
        draw.text((8, 2), fit(unit, small, 300), fill=FAINT, font=small)
    for number, values in enumerate(series):
        colour = LINES[number % len(LINES)]
        _line(
            draw, [(_LEFT + (s - first) * across, _y(v, low, up, height)) for s, v in zip(steps, values, strict=True)], colour
        )
    x = float(_LEFT)
    for number, name in enumerate(names):
        text = drawable(name, small).replace("\n", " ")
        if x + 30 + small.getlength(text) > width - 60:
            break
        draw.line((x, height - 16, x + 18, height - 16), fill=LINES[number % len(LINES)], width=4)
        draw.text((x + 24, height - 24), text, fill=INK, font=small)
        x += 44 + small.getlength(text)
    return np.asarray(image)


def code_strip(steps: Sequence[int], codes: Sequence[Sequence[int]], width: int = 1100) -> Picture:
    """A column per step and a box per code of it, coloured and numbered, wrapped into rows."""
    wide, high = 46, 30
    deep = max((len(of_step) for of_step in codes), default=1) or 1
    per_row = (width - 8) // wide
    rows = max(1, -(-len(codes) // per_row))
    block = 24 + deep * high + 12
    image = Image.new("RGB", (width, rows * block + 8), PAPER)
    draw = ImageDraw.Draw(image)
    for number, (step, of_step) in enumerate(zip(steps, codes, strict=True)):
        x, y = 4 + number % per_row * wide, 4 + number // per_row * block
        draw.text((x + wide / 2, y + 2), str(step), fill=FAINT, font=font(13), anchor="ma")
        for depth, code in enumerate(of_step):
            box = (x + 1, y + 22 + depth * high, x + wide - 2, y + 22 + (depth + 1) * high - 2)
            draw.rectangle(box, fill=_code_colour(code), outline=FAINT)
            draw.text(((box[0] + box[2]) / 2, (box[1] + box[3]) / 2), str(code), fill=INK, font=font(14), anchor="mm")
        if not of_step:
            draw.rectangle((x + 1, y + 22, x + wide - 2, y + 20 + high), fill=SHADE)
    return np.asarray(image)


def _line(draw: ImageDraw.ImageDraw, points: Sequence[tuple[float, float | None]], colour: Colour) -> None:
    last: tuple[float, float] | None = None
    for x, y in points:
        if y is None:
            last = None
            continue
        if last is not None:
            draw.line((*last, x, y), fill=colour, width=3)
        draw.ellipse((x - 3, y - 3, x + 3, y + 3), fill=colour)
        last = (x, y)


def _y(value: float | None, low: float, up: float, height: int) -> float | None:
    return None if value is None or not np.isfinite(value) else height - _BOTTOM - (value - low) * up


def _bounds(known: Sequence[float]) -> tuple[float, float]:
    """The least and greatest value to draw, never the same; round numbers where they are near."""
    if not known:
        return 0.0, 1.0
    low, high = float(min(known)), float(max(known))
    if low == high:
        return low - 0.5, high + 0.5
    return low, high


def _code_colour(code: int) -> Colour:
    """A light colour that is the same for the same code everywhere."""
    mixed = (code * 2654435761 + 0x9E37) & 0xFFFFFF
    return 150 + (mixed >> 16) % 100, 150 + (mixed >> 8 & 255) % 100, 150 + (mixed & 255) % 100
