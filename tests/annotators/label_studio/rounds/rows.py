"""Rows, items and opinions for the tests of the rounds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from annotators.label_studio.project import Finding, Project
from annotators.label_studio.rounds.items import Extent, Item, Opinion, Purpose, task_uid
from annotators.label_studio.rounds.quality import Quality
from annotators.label_studio.rounds.round import Rules
from schemas.layers import layer
from schemas.tables import ENVELOPE, KINDS

LANGUAGE = Project("language", "robot_language", ("primitive_skill", "subtask"))
EXTENT = Extent(0, 100, 0.1, 1.0, 640, 480)


def row(name: str, id_: str, **columns: Any) -> dict[str, Any]:
    """A row of a layer as Arrow gives it back, proposed by a model unless said otherwise."""
    kind = layer(name).kind
    empty = dict.fromkeys(column.name for column in (*ENVELOPE, *KINDS[kind]))
    given = {
        "annotation_id": id_,
        "trajectory_id": "t",
        "layer": name,
        "level": layer(name).level,
        "producer_type": "model",
        "producer": "model.x",
        "status": "proposed",
        "quality": "secondary",
    }
    return empty | given | columns


def skill(id_: str, start: int, end: int, label: str = "pick", **columns: Any) -> dict[str, Any]:
    return row("primitive_skill", id_, start=start, end=end, label=label, **columns)


def subtask(id_: str, start: int, end: int, text: str, **columns: Any) -> dict[str, Any]:
    return row("subtask", id_, start=start, end=end, text=text, **columns)


def rules(quality: Quality | None = None, project: Project = LANGUAGE) -> Rules:
    return Rules("demo", project, quality or Quality())


def item(key: str, *rows: dict[str, Any], batch: str = "", extent: Extent = EXTENT) -> Item:
    return Item(key, extent, batch, 1.0, by_layer(rows), key)


def by_layer(rows: Sequence[dict[str, Any]]) -> dict[str, tuple[dict[str, Any], ...]]:
    return {name: tuple(r for r in rows if r["layer"] == name) for name in dict.fromkeys(r["layer"] for r in rows)}


def opinion(
    key: str,
    who: str,
    *rows: dict[str, Any],
    purpose: Purpose = "first",
    round_: int = 1,
    at: int = 0,
    skipped: bool = False,
    redo: str = "",
    seconds: float | None = 10.0,
) -> Opinion:
    """What `who` said at minute `at`; the rows are signed with it."""
    uid = task_uid("demo", "language", purpose, round_, key)
    submission = f"{uid}:{who}"
    created = f"2026-01-01T{at // 60:02d}:{at % 60:02d}:00+00:00"
    stamp = {"annotator": who, "submission": submission, "created_at": datetime.fromisoformat(created)}
    signed = [r | stamp for r in rows]
    findings = (Finding("text_twice", redo, uid, redo=True),) if redo else ()
    return Opinion(uid, who, submission, created, by_layer(signed), seconds, skipped, findings)


def accepted(of: dict[str, Any]) -> dict[str, Any]:
    return of | {"status": "accepted", "quality": "primary"}


def rejected(of: dict[str, Any]) -> dict[str, Any]:
    return of | {"status": "rejected"}


def corrected(of: dict[str, Any], id_: str, **columns: Any) -> dict[str, Any]:
    human = {"annotation_id": id_, "supersedes": of["annotation_id"], "status": "corrected", "quality": "primary"}
    return of | human | {"producer_type": "human", "producer": "review.language"} | columns


def added(of: dict[str, Any]) -> dict[str, Any]:
    return of | {"status": "accepted", "quality": "primary", "producer_type": "human", "producer": "review.language"}
