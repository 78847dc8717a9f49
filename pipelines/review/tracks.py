"""Between the frames that a person set, the tracker fills in: straight lines are what the editor draws, not what moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from annotators.robot.flow_track import seeds_of
from annotators.streams import greys_of
from annotators.tracking import fill_between
from annotators.trajectory import TrajectoryView
from pipelines.engine.supervise import ChildDiedError, ChildHungError, supervised
from pipelines.io.store import Store
from pipelines.recipe import Recipe
from pipelines.review.workspace import reviewable
from schemas.identity import annotation_id
from schemas.json_column import json_text
from schemas.layers import layer
from schemas.stored_rows import with_ids

Row = Mapping[str, Any]


def with_tracks_filled(recipe: Recipe, store: Store, rows: Sequence[Row]) -> tuple[list[Row], list[str]]:
    """The rows with people's tracks filled by the tracker, their ids and what names them mended; and what could not be.

    A track whose pictures cannot be followed keeps its straight lines, and a sentence says so.
    """
    tracks: dict[str, dict[str, Row]] = {}
    for row in rows:
        if _is_track(row):
            tracks.setdefault(row["trajectory_id"], {})[row["annotation_id"]] = row
    if not tracks:
        return list(rows), []
    layers = sorted({row["layer"] for of_one in tracks.values() for row in of_one.values()})
    filled: dict[str, Row] = {}
    notes = []
    for found in reviewable(recipe, store, "robot", layers):
        own = tracks.get(found.view.trajectory_id, {})
        proposed = {row["annotation_id"]: row for of_layer in found.rows.values() for row in of_layer} if own else {}
        for name, row in own.items():
            original = proposed.get(row["supersedes"])
            try:
                filled[name] = supervised(track_filled, found.view, row, original)
            except (ChildDiedError, ChildHungError, ValueError, KeyError, OSError) as error:
                notes.append(f"{found.view.trajectory_id}, {row['layer']}: the track keeps its straight lines ({error})")
    return [_renamed(row, filled) for row in rows], notes


def track_filled(view: TrajectoryView, row: Row, original: Row | None = None) -> Row:
    """A track with the frames that nobody set as the tracker gives them; `attributes.set` says which frames a person set.

    `original`: the track that it corrects. Beyond the key frames next to what the person set, its boxes stay as they were.
    The id follows from what the track says then. Raises ValueError where the pictures or the boxes are none.
    """
    before = _boxes(original) if original is not None else {}
    keys = {seed["frame"]: None if seed["box"] is None else tuple(seed["box"]) for seed in seeds_of(row)}
    own = [frame for frame, box in keys.items() if frame not in before or not _same(before[frame], box)]
    found = fill_between(greys_of(view, str(row["stream"])), keys)
    boxes, visible = list(row["boxes"]), list(row["visible"])
    for place, (frame, between) in enumerate(zip(row["frames"], row["interpolated"], strict=True)):
        if not between or not visible[place]:
            continue
        left = max((key for key in keys if key < frame), default=None)
        right = min((key for key in keys if key > frame), default=None)
        moved = left in own or right in own or frame not in before
        box = found.boxes[frame] if moved else before[frame]
        boxes[place], visible[place] = (None if box is None else list(box)), box is not None
    kind = layer(row["layer"]).kind
    said = {**row, "boxes": boxes, "visible": visible, "attributes": json_text({"set": own})}
    (stored,) = with_ids(kind, [said])
    return stored | {"annotation_id": annotation_id(kind, stored)}


def _boxes(row: Row) -> dict[int, tuple[float, ...] | None]:
    """Frame → its box."""
    return {frame: None if box is None else tuple(box) for frame, box in zip(row["frames"], row["boxes"], strict=True)}


def _same(one: Sequence[float] | None, other: Sequence[float] | None) -> bool:
    """Whether two boxes are one, to a hundredth of a pixel and what percents lose."""
    if one is None or other is None:
        return one is other
    return all(abs(a - b) <= 0.02 for a, b in zip(one, other, strict=True))


def _is_track(row: Row) -> bool:
    """A person's boxes on several frames, some of which lie between those that were set."""
    own = row["producer_type"] == "human" and row["status"] != "rejected" and row.get("shape") == "box"
    return own and row["stream"] is not None and any(row.get("interpolated") or ())


def _renamed(row: Row, filled: Mapping[str, Row]) -> Row:
    """A row with the ids that filled tracks have now; every state of a track says what the tracker said."""
    new = filled.get(row["annotation_id"])
    changed = dict(row)
    if new is not None:
        changed |= {name: new[name] for name in ("annotation_id", "boxes", "visible", "attributes")}
    for name in ("supersedes", "target", "source", "destination"):
        if changed.get(name) in filled:
            changed[name] = filled[str(changed[name])]["annotation_id"]
    return changed
