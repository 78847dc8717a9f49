"""Tasks as text and back, to the last bit: what was pushed is what later counts as accepted."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from ..project import ReviewTask, Surface

_TIME, _BYTES = "$time", "$bytes"
"""Names of what JSON has no type for. No column and no key of a payload begins with `$`."""


def exact_text(value: Any) -> str:
    """A JSON text of lists, mappings, texts, numbers, times and bytes; NaN and infinities are spelt as Python spells them.

    Python writes the shortest decimal that gives the same float64 again, and every float32 is a float64, so that numbers
    survive. Raises TypeError for anything else.
    """
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"), default=_tagged)


def exact_value(text: str) -> Any:
    """What `exact_text` was given, with lists for tuples."""
    return json.loads(text, object_hook=_untagged)


def task_text(task: ReviewTask) -> str:
    """A task as one line of JSON."""
    value = {field.name: getattr(task, field.name) for field in fields(task)}
    value["surface"] = {field.name: getattr(task.surface, field.name) for field in fields(task.surface)}
    return exact_text(value)


def task_from_text(text: str) -> ReviewTask:
    """The task that `task_text` was given."""
    value = exact_value(text)
    surface = value["surface"]
    surface |= {"steps": tuple(surface["steps"]), "frames": tuple(surface["frames"])}
    value["surface"] = Surface(**surface)
    value["rows"] = {layer: tuple(rows) for layer, rows in value["rows"].items()}
    value["owned"] = tuple(value["owned"]) if value["owned"] is not None else None
    return ReviewTask(**value)


def _tagged(value: Any) -> Any:
    if isinstance(value, datetime):
        return {_TIME: value.isoformat()}
    if isinstance(value, bytes):
        return {_BYTES: base64.b64encode(value).decode()}
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a task holds a {type(value).__name__}, which the ledger cannot keep exactly")


def _untagged(value: dict[str, Any]) -> Any:
    if len(value) == 1:
        if _TIME in value:
            return datetime.fromisoformat(value[_TIME])
        if _BYTES in value:
            return base64.b64decode(value[_BYTES])
    return value
