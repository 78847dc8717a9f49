"""Between the frames that a person set, the tracker fills in: straight lines are what the editor draws, not what moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from annotators.robot.flow_track import seeds_of
from annotators.streams import pictures_of
from annotators.tracking import fill_between
from annotators.trajectory import TrajectoryView
from pipelines.engine.supervise import ChildDiedError, ChildHungError, supervised
from pipelines.io.store import Store
from pipelines.recipe import Recipe
from pipelines.review.workspace import reviewable
from schemas.identity import annotation_id
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
    filled: dict[str, Row] = {}
    notes = []
    for found in reviewable(recipe, store, "robot", ()):
        for name, row in tracks.get(found.view.trajectory_id, {}).items():
            try:
                filled[name] = supervised(track_filled, found.view, row)
            except (ChildDiedError, ChildHungError, ValueError, KeyError, OSError) as error:
                notes.append(f"{found.view.trajectory_id}, {row['layer']}: the track keeps its straight lines ({error})")
    return [_renamed(row, filled) for row in rows], notes


def track_filled(view: TrajectoryView, row: Row) -> Row:
    """A track with `boxes` and `visible` of the frames that nobody set as the tracker gives them.

    Its own id follows from what it says then. Raises ValueError where the pictures or the boxes are none.
    """
    set_by_person = {seed["frame"]: None if seed["box"] is None else tuple(seed["box"]) for seed in seeds_of(row)}
    found = fill_between(pictures_of(view, str(row["stream"])), set_by_person)
    boxes, visible = list(row["boxes"]), list(row["visible"])
    for place, (frame, between) in enumerate(zip(row["frames"], row["interpolated"], strict=True)):
        if between and visible[place]:
            box = found.boxes[frame]
            boxes[place], visible[place] = (None if box is None else list(box)), box is not None
    kind = layer(row["layer"]).kind
    (stored,) = with_ids(kind, [{**row, "boxes": boxes, "visible": visible}])
    return stored | {"annotation_id": annotation_id(kind, stored)}


def _is_track(row: Row) -> bool:
    """A person's boxes on several frames, some of which lie between those that were set."""
    own = row["producer_type"] == "human" and row["status"] != "rejected" and row.get("shape") == "box"
    return own and row["stream"] is not None and any(row.get("interpolated") or ())


def _renamed(row: Row, filled: Mapping[str, Row]) -> Row:
    """A row with the ids that filled tracks have now; every state of a track says what the tracker said."""
    new = filled.get(row["annotation_id"])
    changed = dict(row)
    if new is not None:
        changed |= {name: new[name] for name in ("annotation_id", "boxes", "visible")}
    for name in ("supersedes", "target", "source", "destination"):
        if changed.get(name) in filled:
            changed[name] = filled[str(changed[name])]["annotation_id"]
    return changed
