"""What is drawn on a picture at a step, as Rerun's boxes, points and lines, in pixels of the picture that is shown."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np

from .said import Json

Size = tuple[int, int]


def marks_of_step(
    rerun: ModuleType, overlays: Sequence[Json], frame: int | None, step: int, of: Size, size: Size
) -> dict[str, Any]:
    """Layer → archetype for all layers of `overlays` (see `overlays.py`); one of which nothing holds at the step is empty.

    `of`: width and height of the frames, to which overlays without a size of their own refer; `size`: of the pictures shown.
    A layer of boxes is Boxes2D, of points Points2D; polygons, outlines of masks, and traces are LineStrips2D.
    """
    found: dict[str, Any] = {}
    for layer in dict.fromkeys(overlay["layer"] for overlay in overlays):
        own = [overlay for overlay in overlays if overlay["layer"] == layer]
        for shape in dict.fromkeys(_SHAPES[overlay["shape"]] for overlay in own):
            several = len({_SHAPES[overlay["shape"]] for overlay in own}) > 1
            here = [overlay for overlay in own if _SHAPES[overlay["shape"]] == shape]
            drawn = [mark for overlay in here for mark in _marks(overlay, frame, step, of, size)]
            found[f"{layer} ({shape})" if several else layer] = _archetype(rerun, shape, drawn)
    return found


_SHAPES = {"box": "boxes", "point": "points", "polygon": "lines", "mask": "lines", "path": "lines"}


def entries(overlay: Json, frame: int | None, step: int) -> list[int]:
    """Which values of an overlay are about a picture: by frame where it names frames, else by its steps."""
    start, end = overlay["start"], overlay["end"]
    if overlay["shape"] == "path":
        return [0] if start is None or start <= step < max(end or 0, start + 1) else []
    if overlay["frames"]:
        return [i for i, number in enumerate(overlay["frames"]) if number == frame]
    first = start or 0
    here = first <= step and (end is None or step < max(end, first + 1))
    return list(range(len(overlay["values"]))) if here else []


def _marks(overlay: Json, frame: int | None, step: int, of: Size, size: Size) -> list[tuple[Any, str]]:
    """(points [N, 2] in pixels of the shown picture, words) of what an overlay says about a picture."""
    own = overlay["size"]
    scale = np.divide(size, [own[0] or of[0], own[1] or of[1]])
    found = []
    for entry in entries(overlay, frame, step):
        if overlay["shape"] == "path":
            values = [[point for point in overlay["values"] if point is not None]]
        else:
            value = overlay["values"][entry]
            if value is None:
                continue
            values = value["rings"] if overlay["shape"] == "mask" else [value]
            if overlay["shape"] == "mask":
                scale = np.divide(size, value["size"])
        for flat in values:
            points = np.reshape(np.asarray(flat, np.float64), (-1, 2)) * scale
            closed = np.concatenate([points, points[:1]]) if overlay["shape"] in ("polygon", "mask") else points
            found.append((closed, overlay["words"] or overlay["layer"]))
    return found


def _archetype(rerun: ModuleType, shape: str, drawn: Sequence[tuple[Any, str]]) -> Any:
    points, words = [mark[0] for mark in drawn], [mark[1] for mark in drawn]
    if shape == "boxes":
        corners = np.reshape(np.array([np.concatenate([p.min(axis=0), p.max(axis=0)]) for p in points]), (-1, 4))
        return rerun.Boxes2D(array=corners, array_format=rerun.Box2DFormat.XYXY, labels=words)
    if shape == "points":
        labels = [word for mark, word in drawn for _ in mark]
        return rerun.Points2D(np.concatenate(points) if points else np.zeros((0, 2)), labels=labels, radii=4.0)
    return rerun.LineStrips2D(points, labels=words)
