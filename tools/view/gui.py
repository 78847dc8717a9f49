"""What the panel of a screen recording shows: the screenshot before each action, where the action went, and what was typed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from annotators.label_studio.pictures.gui import said
from pipelines.engine.supervise import ChildDiedError, ChildHungError, supervised
from pipelines.review.encode import MediaFault

from .overlays import overlays
from .pictures import PAGE_BYTES, Limits, encoded_images, spread, thinned, uri, within
from .said import Json
from .stored import Stored

_AT_ONCE = 16
"""Screenshots that are sent to the decoding child together."""
_QUIET = ("changed_region",)
"""Layers that are drawn when asked for: they cover most of a screen."""


def panel(stored: Stored, limits: Limits) -> tuple[Json, list[str]]:
    """What the panel shows, and sentences about what is not shown."""
    rows = stored.view.steps.to_pylist()
    kept, notes = screenshots(stored, rows, limits)
    pictures: dict[bytes, int] = {}
    frames = sorted(kept)
    numbers = [pictures.setdefault(kept[step], len(pictures)) for step in frames]
    return {
        "domain": "gui", "pictures": [uri(data) for data in pictures], "frames": frames, "numbers": numbers,
        "steps": [_step(row) for row in rows], "overlays": overlays(stored), "quiet": _QUIET, "texts": _texts(stored),
    }, notes  # fmt: skip


def screenshots(stored: Stored, rows: list[Any], limits: Limits) -> tuple[dict[int, bytes], list[str]]:
    """Screenshots as JPEG by step, within the limits, and sentences about those that are left out."""
    there = [row["step"] for row in rows if row["screenshot"] is not None]
    wanted = spread(there, limits.pictures)
    notes: list[str] = []
    found: dict[int, bytes] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        found |= _encoded(stored, rows, some, limits.of_screen(), notes)
    kept = within(found, PAGE_BYTES)
    if len(kept) < len(found) or len(wanted) < len(there):
        notes.append(thinned("Screenshots", len(kept), len(there)))
    return kept, notes


def _encoded(stored: Stored, rows: list[Any], steps: list[int], width: int, notes: list[str]) -> dict[int, bytes]:
    """Screenshots of some steps; one that cannot be decoded is left out with a sentence."""
    found: dict[int, bytes] = {}
    images = [(stored.view.read_media(rows[step]["screenshot"]), f"step {step}") for step in steps]
    try:
        return dict(zip(steps, supervised(encoded_images, images, width), strict=True))
    except (MediaFault, ChildDiedError, ChildHungError):
        pass  # which of them it is shows when each is decoded alone
    for step, image in zip(steps, images, strict=True):
        try:
            found[step] = supervised(encoded_images, [image], width)[0]
        except (MediaFault, ChildDiedError, ChildHungError) as error:
            notes.append(f"The screenshot of step {step} is not shown: {error}")
    return found


def _step(row: Mapping[str, Any]) -> Json:
    return {
        "size": [row["frame_width"], row["frame_height"]], "point": row["point"], "end": row["end_point"],
        "scroll": row["scroll"], "box": _box(row), "said": said(row), "text": row["text"], "keys": row["keys"],
        "where": [part for part in (row["app"], row["window"], row["url"]) if part],
        "taken": row["screenshot_taken"], "missing": None if row["screenshot"] is not None else row["screenshot_missing"] or "",
    }  # fmt: skip


def _box(row: Mapping[str, Any]) -> Any:
    """The box that an action's arguments name, where they do."""
    arguments = json.loads(row["action_args"]) if isinstance(row["action_args"], str) else None
    box = arguments.get("box") if isinstance(arguments, dict) else None
    return box if isinstance(box, list) and len(box) == 4 and all(isinstance(v, (int, float)) for v in box) else None


def _texts(stored: Stored) -> list[Json]:
    """Thoughts, captions and further texts that are about steps: `layer`, `start`, `end`, `text`."""
    found = []
    for entry in stored.of_kind("texts"):
        row = entry.row
        texts = row["texts"] or ()
        steps = row["steps"] if row["steps"] is not None and len(row["steps"]) == len(texts) else None
        for place, text in enumerate(texts):
            start = steps[place] if steps is not None else row["start"]
            end = row["end"] if steps is None or len(texts) == 1 else start + 1
            if start is not None and text:
                found.append({"layer": row["layer"], "start": start, "end": end or start + 1, "text": text})
    return found
