"""Words in pictures: lines within their width, nothing lost, nothing run as markup."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from annotators.label_studio.pictures.lettering import drawable, fit, font, line_height, tag, wrap, write

TEXTS = [
    "Pick up the red cube and place it on the plate to the left of the bowl.",
    "<script>alert('x')</script><b>bold</b> &amp; {{ value }}",
    "a" * 300,
    "first line\nsecond line\r\nthird",
    "tabs\tand   blanks",
    "",
]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("width", [60, 300])
def test_lines_fit_and_keep_every_character(text: str, width: int) -> None:
    of = font(18)
    lines = wrap(text, of, width)
    assert all(of.getlength(line) <= width for line in lines)
    kept = "".join("".join(lines).split())
    assert kept == "".join(drawable(text, of).split())


def test_too_many_lines_end_in_an_ellipsis() -> None:
    lines = wrap("one two three four five six seven", font(18), 60, most=2)
    assert len(lines) == 2
    assert lines[-1].endswith("…")
    assert font(18).getlength(lines[-1]) <= 60


def test_fit_is_one_line() -> None:
    assert fit("short\nline", font(18), 500) == "short line"
    assert font(18).getlength(fit("a long line " * 20, font(18), 200)) <= 200


def test_what_the_font_lacks_is_written_as_its_code() -> None:
    assert drawable("\U0001f600", font(18)) == "\\u1f600"
    assert drawable("a\x00b\u202ec", font(18)) == "abc"


def test_markup_is_drawn_as_it_stands() -> None:
    """Every character of a tag takes room: it was drawn, not obeyed."""
    of = font(18)
    assert of.getlength(drawable("<b>x</b>", of)) > of.getlength("x") * 3


def test_a_named_font(monkeypatch: pytest.MonkeyPatch) -> None:
    from annotators.label_studio.pictures import lettering

    for cached in (lettering.font, lettering.font_file):
        cached.cache_clear()
    monkeypatch.setenv("CAIRN_FONT", "/nowhere/font.ttf")
    with pytest.raises(OSError, match="cannot open"):
        lettering.font(18)
    monkeypatch.undo()
    for cached in (lettering.font, lettering.font_file):
        cached.cache_clear()
    assert lettering.font(18).getlength("x") > 0


def test_a_tag_stays_in_the_picture() -> None:
    image = Image.new("RGB", (120, 60), (255, 255, 255))
    tag(ImageDraw.Draw(image), (200, -50), "word", font(16), (200, 0, 0))
    drawn = np.argwhere((np.asarray(image) == (200, 0, 0)).all(axis=-1))
    assert len(drawn) > 50
    assert drawn[:, 1].max() <= 119


def test_write_returns_where_it_ended() -> None:
    image = Image.new("RGB", (200, 200))
    assert write(ImageDraw.Draw(image), (0, 10), ["a", "b", "c"], font(16)) == 10 + 3 * line_height(font(16))
