"""Regions and paths of annotations for a page that draws them over pictures, in pixels of the frames they refer to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np

from annotators.label_studio.pictures.masks import decode_mask

from .said import Json
from .stored import Stored

Row = Mapping[str, Any]

_POINTS = 60
"""Points of an outline that a page keeps, about."""


def overlays(stored: Stored) -> list[Json]:
    """All regions (but cells) and pixel paths, each with its layer, stream, and the frames or steps that it is about."""
    found = []
    for entry in stored.of_kind("regions", "traces"):
        row = entry.row
        made = _region(row) if entry.kind == "regions" else _path(row)
        if made is not None:
            size = [row["frame_width"], row["frame_height"]]
            found.append(
                {"layer": row["layer"], "stream": row["stream"], "start": row["start"], "end": row["end"], "size": size} | made
            )
    return found


def _region(row: Row) -> Json | None:
    shape = row["shape"]
    values: list[Any] | None
    if shape == "box":
        values = [None if box is None else _short(box) for box in row["boxes"] or ()]
    elif shape in ("point", "polygon"):
        values = [None if flat is None else _short(flat) for flat in row["points"] or ()]
    elif shape == "mask":
        values = [None if mask is None or mask["counts"] is None else _outline(mask) for mask in row["masks"] or ()]
    else:
        return None
    if not values:
        return None
    words = " ".join(str(word) for word in (row["label"], row["role"]) if word)
    hidden = [i for i, seen in enumerate(row["visible"] or ()) if seen is False]
    return {"shape": shape, "words": words, "frames": row["frames"], "values": values, "hidden": hidden}


def _path(row: Row) -> Json | None:
    if row["space"] != "pixel" or not row["points"]:
        return None
    known = row["valid"] or [True] * len(row["points"])
    values = [_short(p[:2]) if p is not None and ok else None for p, ok in zip(row["points"], known, strict=True)]
    return {"shape": "path", "words": row["label"] or "", "steps": row["steps"], "values": values}


def _outline(mask: Row) -> Json:
    """The borders of a mask as flat x, y lists; `size` is the mask's own."""
    covered = decode_mask(mask["height"], mask["width"], mask["counts"]).astype(np.uint8)
    borders, _ = cv2.findContours(covered, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    rings = []
    for border in borders:
        flat = np.asarray(cv2.approxPolyDP(border, max(0.5, len(border) / _POINTS / 8), True)).reshape(-1, 2) + 0.5
        rings.append(_short(flat.ravel().tolist()))
    return {"rings": rings, "size": [mask["width"], mask["height"]]}


def _short(numbers: list[float]) -> list[float]:
    return [round(float(n), 1) for n in numbers]
