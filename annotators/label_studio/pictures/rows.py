"""A picture of one row of any layer, for the verdict view: what it says, drawn where it says it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from annotators.frames import Picture

from .facts import facts
from .lettering import FAINT, INK, MARK, PAPER, SHADE, fit, font, line_height, tag, wrap, write
from .marks import draw_region, fitted
from .plots import code_strip, line_plot
from .sheet import contact_sheet
from .space import Lens, arms, draw_axes, draw_path, three_views

Row = Mapping[str, Any]

WIDTH = 1100
_ROOM = (WIDTH, 560)
_MOST = 6
"""Pictures of one row at most; of a longer series they are spread evenly."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What there is to draw on.

    `pictures`: by frame of the stream, or by step for screenshots and grids. `of_step`: the key into `pictures` of each
    step. `size`: width and height of the frames that pixel coordinates refer to. `grid`: where the main grid lies in
    pictures of ARC steps. `lens`: the camera, where it is known. `names`: of dimensions, for joints.
    """

    pictures: Mapping[int, Picture]
    of_step: Sequence[int]
    size: tuple[int, int]
    grid: tuple[int, int, int, int, int] | None = None
    lens: Lens | None = None
    names: Sequence[str] = ()

    def picture(self, key: int | None) -> Picture | None:
        """The picture of a frame (or step), None where there is none."""
        return None if key is None else self.pictures.get(key)

    def key(self, step: int | None) -> int | None:
        """The key of a step's picture."""
        return None if step is None or not 0 <= step < len(self.of_step) else self.of_step[step]


def wanted(kind: str, row: Row, of_step: Sequence[int]) -> tuple[int, ...]:
    """The keys of the pictures (frames of the stream, or steps) that the picture of a row shows, ascending."""
    if kind == "regions" and row["frames"]:
        return tuple(sorted({row["frames"][i] for i in _spread(len(row["frames"]))}))
    steps = _steps_shown(kind, row)
    return tuple(sorted({of_step[s] for s in steps if s is not None and 0 <= s < len(of_step)}))


def _steps_shown(kind: str, row: Row) -> list[int | None]:
    if kind == "segments":
        return [*_ends(row)]
    if kind == "links":
        return [row["source_step"], row["destination_step"]]
    if kind == "texts" and row["steps"]:
        return [row["steps"][i] for i in _spread(len(row["steps"]))]
    if kind == "nodes" and row["step"] is not None:
        return [row["step"]]
    if kind == "traces" and row["start"] is None and row["steps"]:
        return [row["steps"][0]]
    return [row["start"]]


def row_picture(kind: str, row: Row, scene: Scene, doc: str = "") -> Picture:
    """The picture of a row: what it is about, what it says, and, where it lies in a picture or in space, where.

    `doc`: what the layer means. Raises ValueError for a mask that is no mask.
    """
    drawn = [_head(row, doc), *_BODIES.get(kind, _pictures)(row, scene), _table(facts(kind, row))]
    parts = [part for part in drawn if part is not None]
    gap = 10
    image = np.full((sum(len(p) for p in parts) + gap * (len(parts) - 1), WIDTH, 3), PAPER, np.uint8)
    y = 0
    for part in parts:
        image[y : y + part.shape[0], : part.shape[1]] = part
        y += part.shape[0] + gap
    return image


def _head(row: Row, doc: str) -> Picture:
    """Layer, interval and camera in one line; below it what the layer means."""
    large, small = font(26, True), font(16)
    lines = wrap(doc, small, WIDTH - 24, 2) if doc else []
    image = Image.new("RGB", (WIDTH, 46 + len(lines) * line_height(small) + 4 * bool(lines)), SHADE)
    draw = ImageDraw.Draw(image)
    title = fit(str(row["layer"]).replace("_", " "), large, 560)
    draw.text((12, 6), title, fill=MARK, font=large)
    where = [_interval(row), *(str(row[name]) for name in ("stream",) if row[name])]
    at = 12 + large.getlength(title) + 20
    draw.text((at, 13), fit("  ·  ".join(w for w in where if w), font(19), int(WIDTH - at - 12)), fill=INK, font=font(19))
    write(draw, (12, 42), lines, small, FAINT)
    return np.asarray(image)


def _interval(row: Row) -> str:
    start, end = row["start"], row["end"]
    if start is None:
        return "the whole trajectory"
    return f"step {start}" if end is None or end <= start + 1 else f"steps {start} to {end - 1}"


def _regions(row: Row, scene: Scene) -> list[Picture | None]:
    """Every picture in question with the region on it."""
    frames = list(row["frames"] or ())
    size = (row["frame_width"] or scene.size[0], row["frame_height"] or scene.size[1])
    if not frames:
        backdrop = scene.picture(scene.key(row["start"]))
        return [_missing() if backdrop is None else draw_region(backdrop, row, 0, size, _ROOM, scene.grid)]
    shown = _spread(len(frames))
    room = _ROOM if len(shown) == 1 else (WIDTH // 2, 420)
    drawn, labels = [], []
    for entry in shown:
        backdrop = scene.picture(frames[entry])
        drawn.append(_missing(room) if backdrop is None else draw_region(backdrop, row, entry, size, room, scene.grid))
        labels.append(f"{frames[entry]}" + (" filled in" if row["interpolated"] and row["interpolated"][entry] else ""))
    if len(drawn) == 1:
        return [drawn[0]]
    return [contact_sheet(drawn, [f"frame {label}" for label in labels], 2 if len(drawn) < 5 else 3, WIDTH)]


def _traces(row: Row, scene: Scene) -> list[Picture | None]:
    """A path in the picture, in space, or over time, as its space says."""
    points = [list(p or ()) for p in row["points"] or ()]
    known = list(row["valid"]) if row["valid"] else [True] * len(points)
    start = row["start"] if row["start"] is not None else (row["steps"] or [None])[0]
    backdrop = scene.picture(scene.key(start))
    if row["space"] == "pixel":
        size = (row["frame_width"] or scene.size[0], row["frame_height"] or scene.size[1])
        return [_on_picture(backdrop, points, known, size)]
    if row["space"] == "joint":
        deep = max((len(p) for p in points), default=0)
        names = [*scene.names[:deep], *(f"joint {i}" for i in range(len(scene.names), deep))]
        series = [[p[i] if ok and i < len(p) else None for p, ok in zip(points, known, strict=True)] for i in range(deep)]
        return [line_plot(_steps(row, len(points)), series, names, None)]
    space = np.array([[*p, *[np.nan] * 3][:3] for p in points], float).reshape(-1, 3)
    rotations = np.array(row["rotations"], float) if row["rotations"] else None
    parts: list[Picture | None] = []
    if backdrop is not None and scene.lens is not None:
        parts.append(_projected(backdrop, space, known, rotations, scene))
    elif backdrop is not None:
        parts.append(fitted(backdrop, (WIDTH, 400))[0])
    return [*parts, three_views(space, known, rotations, WIDTH)]


def _on_picture(
    backdrop: Picture | None, points: Sequence[Sequence[float]], known: Sequence[bool], size: tuple[int, int]
) -> Picture:
    if backdrop is None:
        return _missing()
    shown, _ = fitted(backdrop, _ROOM)
    image = Image.fromarray(shown)
    scale = (shown.shape[1] / size[0], shown.shape[0] / size[1])
    path = [(p[0] * scale[0], p[1] * scale[1]) if p else None for p in points]
    draw_path(ImageDraw.Draw(image), path, known)
    return np.asarray(image)


def _projected(backdrop: Picture, space: Any, known: Sequence[bool], rotations: Any, scene: Scene) -> Picture:
    """The path as the camera sees it."""
    assert scene.lens is not None
    shown, _ = fitted(backdrop, _ROOM)
    image = Image.fromarray(shown)
    draw = ImageDraw.Draw(image)
    scale = np.array([shown.shape[1] / scene.size[0], shown.shape[0] / scene.size[1]])
    flat = scene.lens.project(space) * scale
    draw_path(draw, flat.tolist(), known)
    if rotations is not None and len(space) <= 4:
        draw_axes(draw, [scene.lens.project(pose) * scale for pose in arms(space, rotations)])
    tag(draw, (6, 6), "as this camera sees it", font(16, True))
    return np.asarray(image)


def _scalars(row: Row, scene: Scene) -> list[Picture | None]:
    values = list(row["values"] or ())
    return [line_plot(_steps(row, len(values)), [values], [str(row["layer"])], row["unit"])] if values else [None]


def _codes(row: Row, scene: Scene) -> list[Picture | None]:
    codes = [list(c) for c in row["codes"] or ()]
    return [code_strip(_steps(row, len(codes)), codes, WIDTH)] if codes else [None]


def _segments(row: Row, scene: Scene) -> list[Picture | None]:
    return _strip([(f"step {s}", scene.picture(scene.key(s))) for s in _ends(row)])


def _links(row: Row, scene: Scene) -> list[Picture | None]:
    ends = (("from", row["source_step"]), ("to", row["destination_step"]))
    return _strip([(f"{word} step {step}", scene.picture(scene.key(step))) for word, step in ends if step is not None])


def _texts(row: Row, scene: Scene) -> list[Picture | None]:
    steps = [row["steps"][i] for i in _spread(len(row["steps"] or ()))] or [row["start"]]
    return _strip([(f"step {s}", scene.picture(scene.key(s))) for s in steps if s is not None])


def _pictures(row: Row, scene: Scene) -> list[Picture | None]:
    """The picture of the step that the row is about, where it is about one."""
    step = row["step"] if row.get("step") is not None else row["start"]
    return [] if step is None else _strip([(f"step {step}", scene.picture(scene.key(step)))])


_BODIES = {
    "regions": _regions,
    "traces": _traces,
    "scalars": _scalars,
    "codes": _codes,
    "segments": _segments,
    "links": _links,
    "texts": _texts,
}


def _strip(labelled: Sequence[tuple[str, Picture | None]]) -> list[Picture | None]:
    """Pictures beside each other with their labels; none where there is no picture at all."""
    there = [(label, picture) for label, picture in labelled if picture is not None]
    if not there:
        return []
    if len(there) == 1:
        shown = fitted(there[0][1], (WIDTH, 480))[0]
        image = Image.fromarray(shown)
        tag(ImageDraw.Draw(image), (0, 0), there[0][0], font(20, True))
        return [np.asarray(image)]
    columns = 2 if there[0][1].shape[1] >= WIDTH else 3
    return [contact_sheet([p for _, p in there], [label for label, _ in there], columns, WIDTH)]


def _table(lines: Sequence[tuple[str, str]]) -> Picture | None:
    """Names and values below each other, wrapped; None where there are none."""
    if not lines:
        return None
    words, strong = font(19), font(17, True)
    left, each = 210, line_height(words)
    wrapped = [(name, wrap(value, words, WIDTH - left - 12, 14)) for name, value in lines]
    image = Image.new("RGB", (WIDTH, 12 + sum(len(value) * each + 6 for _, value in wrapped)), PAPER)
    draw = ImageDraw.Draw(image)
    y = 6.0
    for name, value in wrapped:
        draw.text((12, y + 2), fit(name, strong, left - 24), fill=FAINT, font=strong)
        y = write(draw, (left, y), value, words) + 6
    return np.asarray(image)


def _missing(room: tuple[int, int] = (WIDTH, 200)) -> Picture:
    image = Image.new("RGB", room, (188, 188, 192))
    write(ImageDraw.Draw(image), (16, 16), wrap("There is no picture of this frame.", font(20), room[0] - 32), font(20))
    return np.asarray(image)


def _ends(row: Row) -> list[int]:
    """Up to six steps of the row's interval, first and last among them."""
    if row["start"] is None:
        return []
    end = row["end"] if row["end"] is not None else row["start"] + 1
    return [row["start"] + i for i in _spread(max(1, end - row["start"]))]


def _steps(row: Row, count: int) -> list[int]:
    first = row["start"] or 0
    return list(row["steps"]) if row["steps"] else list(range(first, first + count))


def _spread(count: int) -> list[int]:
    """Up to `_MOST` of `count` positions, evenly, first and last among them."""
    return sorted({round(i) for i in np.linspace(0, count - 1, min(count, _MOST))}) if count else []
