"""Rows as a person leaves them: the original with another status, a correction, something new, or nothing there.

A correction keeps what says what the row is about, and what the person left as it was, to the bit; what only the producer
could say (attributes, path of the element, confidence, evidence) is dropped.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from schemas.json_column import json_text
from schemas.layers import Layer
from schemas.tables import KINDS

from ..annotation import Producer
from .codec import Statement, same
from .project import Project, ReviewTask, Row, Submission

_ABOUT: Mapping[str, tuple[str, ...]] = {
    "segments": ("depth", "parent", "char_start", "char_end"),
    "texts": ("channel",),
    "regions": ("shape", "role", "track", "frame_width", "frame_height"),
    "traces": ("space", "reference", "horizon", "frame_width", "frame_height"),
    "checks": ("required", "position"),
    "verdicts": ("rubric", "scale_min", "scale_max"),
    "choices": ("context",),
}
"""Kind → columns that say what a row is about."""

_PARALLEL: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "regions": ("frames", ("points", "boxes", "masks", "visible", "interpolated")),
    "traces": ("steps", ("points", "rotations", "gripper", "valid")),
}
"""Kind → the column that says where, and the lists that run in parallel to it."""


@dataclass(frozen=True, slots=True)
class Author:
    """Whose submission it is, and what the rows say of it."""

    project: Project
    task: ReviewTask
    submission: Submission

    @property
    def producer(self) -> Producer:
        """The person as a producer of this project's rows."""
        return Producer("human", f"review.{self.project.name}", "1")

    def signed(self, row: Row, status: str) -> dict[str, Any]:
        """A row with the six columns that a person's decision sets."""
        stamp = datetime.fromisoformat(self.submission.created_at)
        return {
            **row,
            "status": status,
            "quality": "primary",
            "annotator": self.submission.annotator,
            "submission": self.submission.submission,
            "seconds": self.submission.seconds,
            "created_at": stamp.replace(tzinfo=UTC) if stamp.tzinfo is None else stamp.astimezone(UTC),
        }

    def _own(self, declared: Layer, status: str, payload: Mapping[str, Any], **envelope: Any) -> dict[str, Any]:
        by = self.producer
        row = {
            "annotation_id": None,
            "trajectory_id": self.task.trajectory_id,
            "layer": declared.name,
            "level": declared.level,
            "producer_type": by.type,
            "producer": by.name,
            "producer_version": by.version,
            "run": by.run,
            **{column.name: None for column in KINDS[declared.kind]},
            **payload,
            **envelope,
        }
        return self.signed(row, status)

    def corrected(
        self, declared: Layer, original: Row, payload: Mapping[str, Any], interval: tuple[int | None, int | None]
    ) -> dict[str, Any]:
        """A new row that supersedes `original`."""
        kept = {name: original[name] for name in _ABOUT.get(declared.kind, ())}
        about = {name: original[name] for name in ("task_id", "level", "stream", "target")}
        envelope = {**about, "start": interval[0], "end": interval[1], "supersedes": original["annotation_id"]}
        return self._own(declared, "corrected", {**kept, **payload}, **envelope)

    def added(self, declared: Layer, payload: Mapping[str, Any], start: int | None, end: int | None) -> dict[str, Any]:
        """A row that nobody proposed."""
        stream = self.task.surface.stream if declared.kind in ("regions", "traces") else None
        named = {"texts": {"channel": declared.name}, "verdicts": {"rubric": declared.name}}.get(declared.kind, {})
        return self._own(declared, "accepted", {**named, **payload}, start=start, end=end, stream=stream)

    def empty(self, declared: Layer, start: int, end: int) -> dict[str, Any]:
        """Looked at, and nothing is there: a row without content over the steps that the task decides."""
        return self._own(declared, "accepted", empty_payload(declared), start=start, end=end)


def empty_payload(declared: Layer) -> dict[str, Any]:
    """The payload that says that nothing is there: empty lists where the kind has lists, else null."""
    shape = declared.review.shape if declared.review else None
    match declared.kind:
        case "texts":
            return {"channel": declared.name, "steps": [], "texts": []}
        case "regions":
            lists = {"box": "boxes", "cells": "cells", "mask": "masks"}.get(str(shape), "points")
            return {"shape": shape, "frames": [], lists: []}
        case "traces":
            return {"space": "pixel", "steps": [], "points": []}
        case "checks":
            return {"steps": [], "outcomes": []}
        case "verdicts":
            return {"rubric": declared.name}
        case "choices":
            return {"candidates": []}
    return {}


def is_empty(declared: Layer, row: Row) -> bool:
    """Whether a row says that nothing is there."""
    lists = [row[name] for name in empty_payload(declared) if isinstance(row[name], list)]
    if lists:
        return not any(lists)
    word = {"segments": "label", "links": "relation", "verdicts": "value"}.get(declared.kind)
    return word is not None and row[word] is None and row.get("text") is None


def grafted(declared: Layer, original: Row, pushed: Mapping[str, Any], returned: Mapping[str, Any]) -> dict[str, Any]:
    """The payload of a correction: what came back as it was pushed has the original's own value, the rest what was saved."""
    key, columns = _PARALLEL.get(declared.kind, ("", ()))
    lists = {key, *columns} & returned.keys() if returned.get(key) is not None and original.get(key) is not None else set()
    found = {
        name: original[name] if name in pushed and same(pushed[name], value) else value
        for name, value in returned.items()
        if name not in lists
    }
    if lists:
        found.update(_entries(key, columns, original, pushed, returned))
    if "args" in returned and found["args"] != original["args"]:
        found["args"] = _arguments(original["args"], returned["args"])
    if "candidates" in returned:
        found["candidates"] = _ranked(original["candidates"] or [], returned["candidates"])
    return found


def _entries(
    key: str, columns: Sequence[str], original: Row, pushed: Mapping[str, Any], returned: Mapping[str, Any]
) -> dict[str, Any]:
    """Parallel lists, entry by entry; entries of the original that were not shown stay."""

    def by_key(row: Mapping[str, Any]) -> dict[int, dict[str, Any]]:
        there = [name for name in columns if row.get(name) is not None]
        return {at: {name: row[name][i] for name in there} for i, at in enumerate(row[key] or ())}

    old, was, now = by_key(original), by_key(pushed), by_key(returned)
    entries = {at: entry for at, entry in old.items() if at not in was}
    for at, entry in now.items():
        entries[at] = old[at] if at in old and at in was and same(was[at], entry) else entry
        if original.get("visible") is not None:  # what a person drew can be seen, unless the control says otherwise
            entries[at] = {"visible": True, **entries[at]}
    order = sorted(entries)
    found: dict[str, Any] = {key: order}
    for name in columns:
        values = [entries[at].get(name) for at in order]
        found[name] = values if any(value is not None for value in values) else None
    return found


def _arguments(original: str | None, returned: str | None) -> str | None:
    """The arguments of a check with the key that was typed; further ones stay."""
    before = json.loads(original) if original is not None else {}
    further = {name: value for name, value in before.items() if name != "key"} if isinstance(before, dict) else {}
    typed = json.loads(returned) if returned is not None else {}
    return json_text({**further, **typed}) if further or typed else None


def _ranked(original: Sequence[Mapping[str, Any]], returned: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    ranks = {candidate["id"]: candidate["rank"] for candidate in returned}
    known = [{**candidate, "rank": ranks.pop(candidate["id"], None)} for candidate in original]
    return known + [{"id": name, "rank": rank} for name, rank in ranks.items()]


def units(statement: Statement) -> list[Statement]:
    """A statement per picture: a series of texts comes apart."""
    if statement.slot[0] != "items":
        return [statement]
    steps, texts = statement.payload["steps"], statement.payload["texts"]
    return [
        Statement(statement.layer, region, ("item", item), {"steps": [step], "texts": [text]}, step, step + 1, None, (region,))
        for item, step, text, region in zip(statement.slot[1:], steps, texts, statement.regions, strict=True)
    ]
