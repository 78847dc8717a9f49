"""Charts of the card: how long trajectories are, and which share of them each layer covers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PIL import ImageDraw

from annotators.label_studio.pictures.lettering import FAINT, INK, SHADE, Colour, fit
from data_cards.facts import LayerFacts

from .canvas import LINE, WIDTH, heading, letters, paper, png

LENGTHS, COVERAGE = 20_000, 62_000
"""Bytes of a chart at most; with the previews (`previews.BUDGETS`) under 300 KB."""

_BAR: Colour = (86, 150, 200)
_SURE: Colour = (0, 92, 150)
_BINS = 24


def lengths_chart(lengths: Mapping[str, Sequence[int]]) -> bytes:
    """A histogram of steps per trajectory for each domain, below each other."""
    high, gap = 190, 74
    image, draw = paper(len(lengths) * (high + gap) + 10)
    for number, (domain, steps) in enumerate(sorted(lengths.items())):
        top = number * (high + gap) + 6
        many = f"{len(steps)} {'trajectory' if len(steps) == 1 else 'trajectories'}"
        heading(draw, (20, top), domain, f"steps per trajectory, {many}")
        _histogram(draw, (90, top + 40, WIDTH - 30, top + high), steps)
    return png(image, LENGTHS)


def bins(steps: Sequence[int]) -> tuple[int, int, list[int]]:
    """First edge, width of a bin in whole steps, and how many trajectories lie in each bin."""
    low, high = min(steps), max(steps)
    width = max(1, -(-(high - low + 1) // _BINS))
    counts = [0] * ((high - low) // width + 1)
    for value in steps:
        counts[(value - low) // width] += 1
    return low, width, counts


def _histogram(draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int], steps: Sequence[int]) -> None:
    left, top, right, bottom = box
    low, width, counts = bins(steps)
    small = letters(18)
    slots = max(len(counts), 8)  # one lonely length is a bar, not a wall
    across = (right - left) / slots
    most = max(counts)
    for value in sorted({0, most // 2, most}):
        y = bottom - (bottom - top) * value / most
        draw.line((left, y, right, y), fill=LINE)
        draw.text((left - 10, y), str(value), fill=FAINT, font=small, anchor="rm")
    every = max(1, -(-slots // 12))
    for i, count in enumerate(counts):
        x = left + i * across
        if count:
            draw.rectangle((x + 2, bottom - (bottom - top) * count / most, x + across - 2, bottom), fill=_BAR)
        if i % every == 0:
            edge = low + i * width
            text = str(edge) if width == 1 else f"{edge}–{edge + width - 1}"
            draw.text((x + across / 2, bottom + 6), text, fill=FAINT, font=small, anchor="ma")


def coverage_chart(layers: Sequence[LayerFacts]) -> bytes:
    """A bar per layer: the share of its domain's trajectories that have it, dark where somebody confirmed a row."""
    each, top = 44, 56
    image, draw = paper(top + each * len(layers) + 20)
    face, small = letters(22), letters(19)
    left, right = 330, WIDTH - 330
    draw.text((left, 10), "share of the trajectories of its domain", fill=FAINT, font=small)
    for share, x in ((0, left), (0.5, (left + right) / 2), (1, right)):
        draw.line((x, top - 8, x, top + each * len(layers)), fill=LINE)
        draw.text((x, top - 26), f"{share:.0%}", fill=FAINT, font=small, anchor="ma" if share else "ra")
    for number, layer in enumerate(layers):
        y = top + number * each
        draw.text((left - 14, y + 16), fit(f"{layer.name}", face, 220), fill=INK, font=face, anchor="rm")
        draw.text((12, y + 16), fit(layer.domain, small, 90), fill=FAINT, font=small, anchor="lm")
        draw.rectangle((left, y, right, y + each - 12), fill=SHADE)
        of = max(1, layer.of)
        for count, colour in ((layer.trajectories, _BAR), (layer.confirmed, _SURE)):
            if count:
                draw.rectangle((left, y, left + (right - left) * min(1.0, count / of), y + each - 12), fill=colour)
        said = f"{layer.trajectories} of {layer.of}" + (f", {layer.confirmed} confirmed" if layer.confirmed else "")
        draw.text((right + 14, y + 16), fit(said, small, WIDTH - right - 20), fill=INK, font=small, anchor="lm")
    return png(image, COVERAGE)
