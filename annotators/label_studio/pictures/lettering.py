"""Words in pictures: which font, where lines break, and how they are drawn.

Text is drawn glyph by glyph and is never markup. What the font cannot draw is written as its code (such as u4e2d behind a backslash), so that a
person sees that something is there; `CAIRN_FONT` names a TrueType file for other scripts.
"""

from __future__ import annotations

import importlib.util
import os
import unicodedata
from functools import cache
from pathlib import Path
from typing import TypeAlias

from PIL import ImageDraw, ImageFont

Font: TypeAlias = ImageFont.FreeTypeFont
Colour: TypeAlias = tuple[int, int, int]

INK: Colour = (32, 32, 36)
FAINT: Colour = (112, 112, 120)
PAPER: Colour = (255, 255, 255)
SHADE: Colour = (238, 238, 241)
MARK: Colour = (213, 94, 0)
"""Orange-red and blue are told apart by colour-blind people (Okabe and Ito)."""
SECOND: Colour = (0, 114, 178)

_ROBOTO = "core/static_build/fonts/roboto/roboto-v20-latin_cyrillic-{}.ttf"


@cache
def font(size: int, strong: bool = False) -> Font:
    """The font at `size` pixels: `CAIRN_FONT`, else the Roboto that Label Studio brings, else Pillow's own.

    Raises OSError where `CAIRN_FONT` names no font.
    """
    named = font_file(strong)
    if named is not None:
        return ImageFont.truetype(str(named), size, layout_engine=ImageFont.Layout.BASIC)
    own = ImageFont.load_default(size)
    if not isinstance(own, ImageFont.FreeTypeFont):
        raise OSError("Pillow was built without FreeType: install the wheel, or text cannot be drawn")
    return own.font_variant(layout_engine=ImageFont.Layout.BASIC)


@cache
def font_file(strong: bool = False) -> Path | None:
    """The file of the font, or None for Pillow's own."""
    if named := os.environ.get("CAIRN_FONT"):
        return Path(named)
    found = importlib.util.find_spec("label_studio")
    if found is None or found.origin is None:
        return None
    file = Path(found.origin).parent / _ROBOTO.format("500" if strong else "regular")
    return file if file.is_file() else None


def drawable(text: str, of: Font) -> str:
    """`text` with newlines as line ends, other control characters gone, and what the font lacks as its code."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").expandtabs(4)
    return "".join(character if character == "\n" else _drawable(character, of) for character in lines)


def wrap(text: str, of: Font, width: int, most: int | None = None) -> list[str]:
    """Lines of `text` no wider than `width` pixels, broken at blanks, within a word where it must be.

    Of more than `most` lines the last ends in an ellipsis.
    """
    lines: list[str] = []
    for paragraph in drawable(text, of).split("\n"):
        line = ""
        for word in paragraph.split(" "):
            joined = f"{line} {word}" if line else word
            if of.getlength(joined) <= width:
                line = joined
                continue
            if line:
                lines.append(line)
            *whole, line = _pieces(word, of, width)
            lines += whole
        lines.append(line)
        if most is not None and len(lines) > most:
            break
    if most is not None and len(lines) > most:
        lines = [*lines[: most - 1], fit(f"{lines[most - 1]} …", of, width)]
    return lines


def fit(text: str, of: Font, width: int) -> str:
    """`text` on one line, its end left out where it is wider than `width` pixels."""
    line = drawable(text, of).replace("\n", " ")
    if of.getlength(line) <= width:
        return line
    line = line.removesuffix("…").rstrip()
    while line and of.getlength(f"{line}…") > width:
        line = line[:-1]
    return f"{line}…"


def line_height(of: Font) -> int:
    """Pixels from one line to the next."""
    ascent, descent = of.getmetrics()
    return round((ascent + descent) * 1.12)


def write(draw: ImageDraw.ImageDraw, at: tuple[float, float], lines: list[str], of: Font, fill: Colour = INK) -> float:
    """Draw lines below each other from the top left corner `at`; returns y below the last one."""
    x, y = at
    for line in lines:
        draw.text((x, y), line, fill=fill, font=of)
        y += line_height(of)
    return y


def tag(draw: ImageDraw.ImageDraw, at: tuple[float, float], text: str, of: Font, fill: Colour = INK) -> None:
    """A word on a patch of its own, readable on any picture; `at` is the patch's top left corner, kept inside the picture."""
    line = drawable(text, of).replace("\n", " ")
    width, height = of.getlength(line) + 8, line_height(of) + 2
    x = max(0.0, min(at[0], draw.im.size[0] - width))
    y = max(0.0, min(at[1], draw.im.size[1] - height))
    draw.rectangle((x, y, x + width, y + height), fill=fill)
    draw.text((x + 4, y + 1), line, fill=(255, 255, 255), font=of)


def _pieces(word: str, of: Font, width: int) -> list[str]:
    """A word cut so that each piece is no wider than `width`, at least one character each."""
    pieces = [""]
    for character in word:
        if pieces[-1] and of.getlength(pieces[-1] + character) > width:
            pieces.append("")
        pieces[-1] += character
    return pieces


def _drawable(character: str, of: Font) -> str:
    category = unicodedata.category(character)
    if category in ("Cc", "Cf"):
        return ""
    if category == "Zs":
        return " "
    return character if _has(character, of) else f"\\u{ord(character):04x}"


@cache
def _has(character: str, of: Font) -> bool:
    """Whether the font draws the character: an absent one is drawn as the glyph for no glyph."""
    return bytes(of.getmask(character)) != bytes(of.getmask("\uffff"))
