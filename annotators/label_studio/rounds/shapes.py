"""Region and trace rows as shapes that can be compared: per frame, filled in between a track's key frames."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from ..pictures.masks import decode_mask
from ..project import Row
from .items import Extent
from .measures import area_iou, box_iou


def region_iou(first: Row, second: Row, extent: Extent) -> float:
    """Intersection over union of two regions: the mean over the frames that either has; 0 on a frame that one lacks.

    Boxes of a track are interpolated linearly between their frames, as the editor shows them. Regions of two shapes, and
    points, have 0.
    """
    if first["shape"] != second["shape"] or first["shape"] == "point":
        return 0.0
    if first["shape"] == "cells":
        if first["frames"] != second["frames"]:
            return 0.0
        left, right = ({tuple(cell) for cell in row["cells"] or ()} for row in (first, second))
        return len(left & right) / len(left | right) if left | right else 1.0
    left_frames, right_frames = _visible(first), _visible(second)
    union = sorted(left_frames.keys() | right_frames.keys())
    if not union:
        return 1.0
    total = 0.0
    for frame in union:
        a, b = _at(first, left_frames, frame), _at(second, right_frames, frame)
        if a is not None and b is not None:
            total += box_iou(a, b) if first["shape"] == "box" else area_iou(_mask(first, a, extent), _mask(second, b, extent))
    return total / len(union)


def point_distance(first: Row, second: Row) -> float | None:
    """Mean distance of the points of two regions on the frames that both have, pixels; the points of a frame are paired
    so that it is least. None where they share no frame, or have different numbers of points on one.
    """
    if first["shape"] != "point" or second["shape"] != "point":
        return None
    left, right = _visible(first), _visible(second)
    distances: list[float] = []
    for frame in left.keys() & right.keys():
        a, b = np.reshape(left[frame], (-1, 2)), np.reshape(right[frame], (-1, 2))
        if len(a) != len(b):
            return None
        if len(a):
            straight = np.hypot(*(a - b).T).mean()
            distances.append(float(min(straight, np.hypot(*(a - b[::-1]).T).mean())))
    return float(np.mean(distances)) if distances else None


def trace_distance(first: Row, second: Row) -> float | None:
    """Mean distance of two paths over the steps that either has, pixels or metres; in between they are straight, and
    before the first and after the last point they stand still. None where the spaces differ or one has no point.
    """
    if first["space"] != second["space"]:
        return None
    steps = sorted({*(first["steps"] or ()), *(second["steps"] or ())})
    dimensions = 2 if first["space"] == "pixel" else 3
    paths = [_path(row, steps, dimensions) for row in (first, second)]
    if paths[0] is None or paths[1] is None:
        return None
    return float(np.sqrt(((paths[0] - paths[1]) ** 2).sum(1)).mean())


def _path(row: Row, steps: Sequence[int], dimensions: int) -> npt.NDArray[np.float64] | None:
    valid = row["valid"] or [True] * len(row["steps"] or ())
    known = [(s, p) for s, p, ok in zip(row["steps"] or (), row["points"] or (), valid, strict=True) if ok]
    if not known:
        return None
    at = [s for s, _ in known]
    points = np.array([p[:dimensions] for _, p in known], float)
    return np.stack([np.interp(steps, at, points[:, i]) for i in range(points.shape[1])], axis=1)


def _visible(row: Row) -> dict[int, Any]:
    """Frame → geometry of the entries that can be seen."""
    column = {"box": "boxes", "point": "points", "polygon": "points", "mask": "masks"}[row["shape"]]
    entries = row[column] or ()
    seen = row["visible"] or [True] * len(entries)
    frames = row["frames"] or range(len(entries))
    return {int(f): e for f, e, ok in zip(frames, entries, seen, strict=True) if ok and e is not None}


def _at(row: Row, known: Mapping[int, Any], frame: int) -> Any | None:
    """The geometry on a frame; of a box also between two frames of its track, unless it is hidden in between."""
    if frame in known or row["shape"] != "box":
        return known.get(frame)
    entries = [int(f) for f in row["frames"] or ()]
    before, after = (max((f for f in entries if f < frame), default=None), min((f for f in entries if f > frame), default=None))
    if before not in known or after not in known or before is None or after is None:
        return None
    share = (frame - before) / (after - before)
    return [a + (b - a) * share for a, b in zip(known[before], known[after], strict=True)]


def _mask(row: Row, geometry: Any, extent: Extent) -> npt.NDArray[np.bool_]:
    """A polygon or mask as pixels. Raises ValueError for a polygon in a frame of unknown size."""
    if row["shape"] == "mask":
        mask = json.loads(geometry) if isinstance(geometry, str) else geometry
        return decode_mask(mask["height"], mask["width"], mask["counts"])
    width, height = row["frame_width"] or extent.width, row["frame_height"] or extent.height
    if not width or not height:
        raise ValueError(f"region {row.get('annotation_id')}: a polygon needs the size of its frame")
    filled = np.zeros((height, width), np.uint8)
    cv2.fillPoly(filled, [np.round(np.reshape(geometry, (-1, 2))).astype(np.int32)], 1)
    return filled.astype(bool)
