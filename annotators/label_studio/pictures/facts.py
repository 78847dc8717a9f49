"""What a row says in words: the columns of its payload that are not drawn, as names and values."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any

from schemas.tables import KINDS

Row = Mapping[str, Any]

_DRAWN: dict[str, frozenset[str]] = {
    "regions": frozenset(
        {"frames", "points", "boxes", "masks", "cells", "visible", "interpolated", "frame_width", "frame_height"}
    ),
    "traces": frozenset({"steps", "points", "rotations", "valid", "frame_width", "frame_height"}),
    "scalars": frozenset({"steps", "values", "n", "std"}),
    "codes": frozenset({"steps", "codes", "vectors"}),
    "texts": frozenset({"steps", "texts"}),
    "checks": frozenset({"steps", "outcomes", "observed"}),
    "choices": frozenset({"candidates"}),
}
"""Kind → columns that are drawn, or written in a way of their own."""

_LINES = 24


def facts(kind: str, row: Row) -> list[tuple[str, str]]:
    """Names and values of a row, in the order of the table, nulls left out."""
    own = _OWN[kind](row) if kind in _OWN else []
    drawn = _DRAWN.get(kind, frozenset())
    plain = [
        (column.name.replace("_", " "), plain_text(row[column.name]))
        for column in KINDS[kind]
        if column.name not in drawn and row[column.name] is not None
    ]
    about = [("about", str(row["target"]))] if row["target"] else []
    return [*own, *plain, *about]


def plain_text(value: Any) -> str:
    """A value as a person reads it: JSON text indented, lists with commas, numbers short."""
    if isinstance(value, str):
        found = _parsed(value)
        return value if found is None else _readable(found)
    return _readable(value)


def _readable(value: Any, depth: int = 0) -> str:
    if isinstance(value, Mapping):
        lines = [f"{'    ' * depth}{key}: {_readable(v, depth + 1).lstrip()}" for key, v in value.items() if v is not None]
        return ("\n" if depth else "") + "\n".join(lines)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(_readable(v, depth + 1) for v in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    return "" if value is None else str(value)


def _parsed(text: str) -> Any:
    """The object or list that JSON text holds; None for every other text."""
    if not text.startswith(("{", "[")):
        return None
    try:
        return json.loads(text)
    except ValueError:
        return None


def _texts(row: Row) -> list[tuple[str, str]]:
    texts = row["texts"] or ()
    steps = row["steps"] or [None] * len(texts)
    return _shortened([("text" if s is None else f"step {s}", t) for s, t in zip(steps, texts, strict=True)])


def _outcomes(row: Row) -> list[tuple[str, str]]:
    """Outcomes step by step, a run of equal ones in one line."""
    outcomes = row["outcomes"] or ()
    steps = row["steps"] or [None] * len(outcomes)
    observed = row["observed"] or [None] * len(outcomes)
    said = [f"{o}" + ("" if seen is None else f" (found: {seen})") for o, seen in zip(outcomes, observed, strict=True)]
    runs = [[n for n, _ in run] for _, run in groupby(enumerate(said), key=lambda entry: entry[1])]
    return _shortened([(_range(steps[run[0]], steps[run[-1]]), said[run[0]]) for run in runs])


def _range(first: int | None, last: int | None) -> str:
    if first is None:
        return "outcome"
    return f"step {first}" if first == last else f"steps {first} to {last}"


def _shortened(lines: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The first of many lines, and how many follow."""
    return lines if len(lines) <= _LINES else [*lines[:_LINES], ("and", f"{len(lines) - _LINES} more")]


def _candidates(row: Row) -> list[tuple[str, str]]:
    found = []
    for number, candidate in enumerate(row["candidates"] or (), 1):
        rank = f"rank {candidate['rank']}" if candidate["rank"] is not None else ""
        head = ", ".join(w for w in (candidate["id"], rank, "chosen" if candidate["selected"] else "") if w)
        action = plain_text(candidate["action"]) if candidate["action"] else ""
        found.append((f"candidate {number}", "\n".join(w for w in (head, candidate["text"], action) if w)))
    return _shortened(found)


def _poses(row: Row) -> list[tuple[str, str]]:
    """The numbers of a pose, where there is one point alone."""
    points = list(row["points"] or ())
    if len(points) != 1:
        return [("points", str(len(points)))]
    pose = [("position", _readable(list(points[0])))]
    return [*pose, ("rotation x y z w", _readable(list(row["rotations"][0])))] if row["rotations"] else pose


_OWN: dict[str, Callable[[Row], list[tuple[str, str]]]] = {
    "texts": _texts,
    "checks": _outcomes,
    "choices": _candidates,
    "traces": _poses,
}
