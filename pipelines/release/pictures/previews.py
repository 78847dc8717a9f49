"""Previews of the card: one trajectory of a domain with what was said about it. Plain values in, PNG bytes out.

These run in the decoding child, since they open videos and screenshots.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from annotators.frames import Picture
from annotators.label_studio.pictures.arc import arrow as grid_arrow
from annotators.label_studio.pictures.arc import as_grid, outline, paint
from annotators.label_studio.pictures.gui import arrow, canvas, framed, said, target
from annotators.label_studio.pictures.lettering import FAINT, INK, MARK, SECOND, fit, line_height, tag, wrap, write
from annotators.label_studio.pictures.marks import draw_region
from annotators.label_studio.pictures.space import draw_path
from pipelines.review.footage import Part, read_frames

from .canvas import LINE, WIDTH, Span, bands, bands_height, heading, letters, paper, png

Row = Mapping[str, Any]

BUDGETS = {"robot": 100_000, "arc": 36_000, "gui": 80_000}
"""Bytes of a preview."""


@dataclass(frozen=True, slots=True)
class Story:
    """What a preview shows of a trajectory.

    `title`, `remark`: its heading. `count`: steps. `layers`: spans by layer. `rows`: further annotations by kind, those that
    lie in pictures. `shown`: steps that are shown as pictures.
    """

    title: str
    remark: str
    count: int
    layers: Sequence[tuple[str, Sequence[Span]]]
    rows: Mapping[str, Sequence[Row]]
    shown: Sequence[int]


def robot_preview(story: Story, parts: Sequence[Part], frames: Sequence[int], size: tuple[int, int]) -> bytes:
    """Frames of a stored video, one per shown step. `size`: of the frames that annotations refer to, pixels."""
    return robot_picture(story, list(read_frames(parts, frames)), frames, size)


def robot_picture(story: Story, pictures: Sequence[Picture], frames: Sequence[int], size: tuple[int, int]) -> bytes:
    """Frames in a row with regions and paths drawn on them, and below them the layers over all steps."""
    gap = 8
    wide = (WIDTH - gap * (len(pictures) - 1)) // len(pictures)
    high = max(1, round(pictures[0].shape[0] * wide / pictures[0].shape[1]))
    top = 48
    image, draw = paper(top + high + 26 + bands_height(story.layers))
    heading(draw, (8, 8), story.title, story.remark)
    for number, (picture, frame, step) in enumerate(zip(pictures, frames, story.shown, strict=True)):
        cell = overlaid(_sized(picture, (wide, high)), story.rows, frame, step, size)
        tag(ImageDraw.Draw(cell), (0, 0), f"step {step}", letters(18))
        image.paste(cell, (number * (wide + gap), top))
    bands(draw, top + high + 20, story.count, story.layers, story.shown)
    return png(image, BUDGETS["robot"])


def overlaid(picture: Picture, rows: Mapping[str, Sequence[Row]], frame: int, step: int, size: tuple[int, int]) -> Image.Image:
    """The picture with the regions of a frame and the paths of a step on it. `rows`: annotations by kind."""
    high, wide = picture.shape[:2]
    for row in rows.get("regions", ()):
        for entry, of_row in enumerate(row["frames"] or ()):
            if of_row == frame:
                plain = {**row, "label": None, "role": None}
                of = (row["frame_width"] or size[0], row["frame_height"] or size[1])
                picture = draw_region(picture, plain, entry, of, (wide, high))
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    for row in rows.get("traces", ()):
        if row["space"] == "pixel" and row["points"] and _covers(row, step):
            scale = (wide / (row["frame_width"] or size[0]), high / (row["frame_height"] or size[1]))
            known = row["valid"] or [True] * len(row["points"])
            path = [None if p is None else (p[0] * scale[0], p[1] * scale[1]) for p in row["points"]]
            draw_path(draw, path, known, 2)
    return image


def _covers(row: Row, step: int) -> bool:
    first = row["start"] if row["start"] is not None else 0
    return bool(first <= step and (row["end"] is None or step < max(row["end"], first + 1)))


def arc_preview(story: Story, steps: Sequence[Row], task: Row | None) -> bytes:
    """The pairs of a task, then the trace as a strip: the grid before each shown step, what was selected, what was done."""
    pairs = _pairs(task)
    top, high, gap = 48, 0, 14
    pair_high = 190 if pairs else 0
    columns = len(story.shown) + 1
    wide = (WIDTH - gap * (columns + 1)) // columns
    shown = [steps[step] for step in story.shown]
    grids = [as_grid(row["grid_before"]) for row in shown] + [as_grid(shown[-1]["grid_after"])]
    there = [grid for grid in grids if grid is not None]
    cell = max(2, min([34, *(wide // g.shape[1] for g in there), *(260 // g.shape[0] for g in there)]))
    high = cell * max((len(g) for g in there), default=1)
    image, draw = paper(top + pair_high + high + 84 + bands_height(story.layers))
    heading(draw, (8, 8), story.title, story.remark)
    if pairs:
        _draw_pairs(draw, (gap, top), pairs, pair_high)
    y = top + pair_high + 30
    small = letters(18)
    words = [f"{row['step']}  {str(row['action_name'] or '').replace('_', ' ')}" for row in shown] + ["the end"]
    for number, (grid, word) in enumerate(zip(grids, words, strict=True)):
        x = gap + number * (wide + gap)
        draw.text((x, y - 26), fit(word, small, wide), fill=INK if number < len(shown) else MARK, font=small)
        if grid is not None:
            paint(draw, (x, y), cell, grid)
            if number < len(shown):
                outline(draw, (x, y), cell, {(r, c) for r, c in shown[number]["selection"] or ()})
    bands(draw, y + high + 26, story.count, story.layers, story.shown)
    return png(image, BUDGETS["arc"])


def _pairs(task: Row | None) -> list[tuple[str, Any, Any]]:
    """Title, input and output of the task's pairs, at most four, and of its first test."""
    if task is None:
        return []
    found = [(f"pair {n}", p["input"], p["output"]) for n, p in enumerate(task["demonstrations"] or (), 1)][:4]
    return found + [("test input", p["input"], None) for p in (task["tests"] or ())[:1]]


def _draw_pairs(draw: ImageDraw.ImageDraw, at: tuple[int, int], pairs: Sequence[tuple[str, Any, Any]], high: int) -> None:
    x, y = at
    small = letters(18)
    room = (WIDTH - x) // len(pairs) - 24
    for title, before, after in pairs:
        grids = [as_grid(g) for g in (before, after) if g is not None]
        wide = sum(g.shape[1] for g in grids if g is not None)
        tall = max(len(g) for g in grids if g is not None)
        cell = max(2, min(18, (room - 40) // wide, (high - 60) // tall))
        draw.text((x, y), title, fill=FAINT, font=small)
        left = x
        for number, grid in enumerate(grids):
            if grid is None:
                continue
            if number:
                middle = y + 26 + cell * tall // 2
                grid_arrow(draw, (left + 8, middle), (left + 30, middle))
                left += 40
            paint(draw, (left, y + 26), cell, grid)
            left += cell * grid.shape[1]
        x += room + 24
    draw.line((at[0], y + high - 12, WIDTH - 12, y + high - 12), fill=LINE)


def gui_preview(story: Story, steps: Sequence[Row], screenshot: bytes) -> bytes:
    """A screenshot with the action and its target drawn on it; beside it what was asked and what is done."""
    (step,) = story.shown
    row = steps[step]
    side = 440
    with Image.open(io.BytesIO(screenshot)) as opened:
        seen = np.asarray(opened.convert("RGB"), np.uint8)
    place = canvas([row], (WIDTH - side, 900), (seen.shape[1], seen.shape[0]))
    over = Image.fromarray(framed(place, row, seen))
    _act(over, place.scale, row, story.rows.get("regions", ()))
    top = 48
    image, draw = paper(top + max(over.height, 300) + 16 + bands_height(story.layers))
    heading(draw, (8, 8), story.title, story.remark)
    image.paste(over, (8, top))
    draw.rectangle((8, top, 8 + over.width - 1, top + over.height - 1), outline=LINE)
    _told(draw, (over.width + 30, top), WIDTH - over.width - 44, story, steps, step)
    bands(draw, top + max(over.height, 300) + 12, story.count, story.layers, story.shown)
    return png(image, BUDGETS["gui"])


def _act(image: Image.Image, scale: float, row: Row, regions: Iterable[Row]) -> None:
    """The target's box, then the point of the action, a drag as an arrow."""
    draw = ImageDraw.Draw(image)
    for region in regions:
        for box in region["boxes"] or ():
            x0, y0, x1, y1 = (float(v) * scale for v in box)
            draw.rectangle((x0 - 4, y0 - 4, x1 + 4, y1 + 4), outline=(255, 255, 255), width=6)
            draw.rectangle((x0 - 3, y0 - 3, x1 + 3, y1 + 3), outline=SECOND, width=4)
    if row["point"]:
        at = (row["point"][0] * scale, row["point"][1] * scale)
        if row["end_point"]:
            arrow(draw, at, (row["end_point"][0] * scale, row["end_point"][1] * scale), MARK)
        target(draw, at, MARK)


def _told(draw: ImageDraw.ImageDraw, at: tuple[int, int], wide: int, story: Story, steps: Sequence[Row], step: int) -> None:
    x, y = float(at[0]), float(at[1])
    face, small = letters(23), letters(19)
    asked = [str(row["text"]) for row in story.rows.get("instruction", ())]
    for title, lines, colour in (
        ("what was asked", asked, INK),
        (f"step {step} of {story.count - 1}", [str(steps[step]["action_name"] or "no action"), said(steps[step])], MARK),
        ("its target", [str(r["label"] or r["role"] or "") for r in story.rows.get("regions", ())][:1], SECOND),
        ("before it", [_short(row) for row in steps[max(0, step - 4) : step]], FAINT),
    ):
        lines = [line for line in lines if line]
        if lines:
            draw.text((x, y), title, fill=FAINT, font=small)
            y += line_height(small) + 2
            for line in lines:
                y = write(draw, (x, y), wrap(line, face, wide, 4), face, colour)
            y += 18


def _short(row: Row) -> str:
    return f"{row['step']}  {row['action_name'] or 'no action'}  {said(row)}"[:60]


def _sized(picture: Picture, size: tuple[int, int]) -> Picture:
    """The picture at a size, by Pillow's integer arithmetic: the same bytes on every processor."""
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS), np.uint8)
