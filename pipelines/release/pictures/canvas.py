"""What the card's pictures are drawn with: one font everywhere, the bands of a timeline, and PNG bytes within a budget.

The font is the one that Pillow carries, so that pictures do not depend on what else is installed.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise

from PIL import Image, ImageDraw, ImageFont

from annotators.label_studio.pictures.lettering import FAINT, INK, PAPER, SHADE, Colour, Font, fit

WIDTH = 1500
"""Pixels of a picture's width; a page shows it at half of that or so."""

LINE: Colour = (206, 206, 212)
COLOURS: tuple[Colour, ...] = (
    (0, 114, 178), (230, 159, 0), (0, 158, 115), (204, 121, 167), (86, 180, 233), (213, 94, 0), (150, 150, 158), (240, 228, 66),
)  # fmt: skip
"""Told apart by colour-blind people (M. Okabe, K. Ito, 2002)."""

Span = tuple[int, int, str]
"""First step, step after the last, and a word."""

BAND = 34
_NAMES = 230


@cache
def letters(size: int) -> Font:
    """Pillow's own font at `size` pixels. Raises OSError where Pillow was built without FreeType."""
    own = ImageFont.load_default(size)
    if not isinstance(own, ImageFont.FreeTypeFont):
        raise OSError("Pillow was built without FreeType: install the wheel, or text cannot be drawn")
    return own.font_variant(layout_engine=ImageFont.Layout.BASIC)


def paper(height: int, width: int = WIDTH) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """An empty picture and what draws on it."""
    image = Image.new("RGB", (width, height), PAPER)
    return image, ImageDraw.Draw(image)


def heading(draw: ImageDraw.ImageDraw, at: tuple[int, int], strong: str, faint: str = "", size: int = 26) -> None:
    """A title with a fainter remark behind it, on one line."""
    face = letters(size)
    draw.text(at, fit(strong, face, WIDTH - at[0] - 10), fill=INK, font=face)
    left = at[0] + face.getlength(strong) + 18
    if faint and left < WIDTH - 60:
        small = letters(size - 5)
        draw.text((left, at[1] + 4), fit(faint, small, int(WIDTH - left - 10)), fill=FAINT, font=small)


def bands_height(layers: Sequence[tuple[str, Sequence[Span]]]) -> int:
    """Pixels that `bands` takes."""
    return len(layers) * (BAND + 6) + 34 if layers else 0


def bands(
    draw: ImageDraw.ImageDraw, top: int, count: int, layers: Sequence[tuple[str, Sequence[Span]]], marks: Sequence[int] = ()
) -> None:
    """Layers below each other over `count` steps: coloured spans with their words; `marks`: steps shown above as pictures."""
    left, right = _NAMES, WIDTH - 12
    across = (right - left) / max(1, count)
    small, name_face = letters(17), letters(19)
    if not layers:
        return
    y = top
    for name, spans in layers:
        draw.text((8, y + 6), fit(name, name_face, _NAMES - 20), fill=INK, font=name_face)
        draw.rectangle((left, y, right, y + BAND), fill=SHADE)
        colour_of = _colours(spans)
        for start, end, word in spans:
            box = (left + start * across, y, max(left + start * across + 3, left + end * across - 1), y + BAND)
            draw.rectangle(box, fill=colour_of[word])
            if (room := int(box[2] - box[0]) - 8) > 24:
                shown = fit(word, small, room)
                if len(shown) > 2:
                    draw.text((box[0] + 5, y + 8), shown, fill=_ink_on(colour_of[word]), font=small)
        y += BAND + 6
    for step in marks:
        x = left + (step + 0.5) * across
        draw.polygon(((x, top - 3), (x - 7, top - 14), (x + 7, top - 14)), fill=INK)
    for step in _ticks(count):
        draw.text((left + (step + 0.5) * across, y + 2), str(step), fill=FAINT, font=small, anchor="ma")
    draw.text((8, y + 2), "step", fill=FAINT, font=small)


def _ticks(count: int) -> list[int]:
    """Up to about a dozen steps that are round numbers."""
    every = next(n for e in range(12) for n in (10**e, 2 * 10**e, 5 * 10**e) if count / n <= 12)
    ticks = list(range(0, count, every))
    assert all(b - a == every for a, b in pairwise(ticks))
    return ticks


def _colours(spans: Sequence[Span]) -> Mapping[str, Colour]:
    """A colour per word, in order of first use."""
    words = dict.fromkeys(word for _, _, word in spans)
    return {word: COLOURS[number % len(COLOURS)] for number, word in enumerate(words)}


def _ink_on(colour: Colour) -> Colour:
    return INK if 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2] > 140 else PAPER


def png(image: Image.Image, most: int) -> bytes:
    """The picture as PNG of at most `most` bytes: with fewer colours first, then smaller. Same picture, same bytes."""
    shown = image
    while True:
        for colours in (256, 128, 64, 32, 16):
            data = _encoded(shown, colours)
            if len(data) <= most:
                return data
        if shown.width < 200:
            return data
        shown = shown.resize((shown.width * 4 // 5, shown.height * 4 // 5), Image.Resampling.LANCZOS)


def _encoded(image: Image.Image, colours: int) -> bytes:
    sink = io.BytesIO()
    flat = image.quantize(colours, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    flat.save(sink, "PNG", compress_level=9)
    return sink.getvalue()
