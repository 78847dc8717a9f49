"""The 14 fields of RoboInter, frame by frame, from the rows of our layers about one trajectory.

What our layers say once is repeated as RoboInter has it: clips on all frames, words and places over their clip, and after a
contact -1 and `[]`. A frame between two clips belongs to none and holds nothing (RoboInter's own converter repeats the first
clip's words there).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from pipelines.export.report import Report
from pipelines.export.robointer.pixels import Origin, Row, tracked, windows
from pipelines.formats.robointer.clips import Span
from pipelines.formats.robointer.names import NAMES, PIXELS
from pipelines.formats.robointer.pixels import TRACKS

Rows = Mapping[str, Sequence[Row]]
"""Field → rows of its layer, confirmed ones first, then in order of step."""
Values = dict[str, list[Any]]
Places = dict[int, Any]
"""Step of a contact → what is there."""
_POINTS = 2
_POSE = 6


def field_values(rows: Rows, frames: int, origin: Origin | None, report: Report) -> Values:
    """Field → value of each frame, in pixels of `origin` (None: nothing was said of pixels); what has no place is reported."""
    values: Values = {name: [None] * frames for name in NAMES}
    words = {name: _apart(rows[name], name, report) for name in ("subtask", "primitive_skill")}
    clips = _clips(words, frames)
    if clips:
        values["time_clip"] = [[[start, end - 1] for start, end in clips]] * frames
    for name, of in words.items():
        for row in of:
            _fill(values[name], row["start"], row["end"], _word(name, row))
    said = [text for row in rows["instruction_add"] for text in row["texts"] or () if text]
    values["instruction_add"] = [said[0] if said else None] * frames
    report.lose("texts of instruction_add", len(said[1:]), "RoboInter has one per episode")
    places = {"state_affordance": _poses(rows["state_affordance"], report), "affordance_box": {}, "contact_points": {}}
    if origin is not None:
        places |= _in_pixels(values, rows, clips, origin, report)
    _follow_contacts(values, _contacts(rows["contact_frame"], report), places, clips or [(0, frames)], report)
    return values


def _in_pixels(values: Values, rows: Rows, clips: Sequence[Span], origin: Origin, report: Report) -> dict[str, Places]:
    """Fill what is said of the picture; the places of contacts, which follow these, by field."""
    shown = {name: origin.shown(rows[name], name, report) for name in PIXELS}
    values["origin_shape"] = [list(origin.size)] * len(origin.frames)
    for name, label in TRACKS.items():
        values[name] = tracked(shown[name], name, label, origin, report)
    values["trace"] = windows(shown["trace"], len(origin.frames), origin, report)
    for row in shown["placement_proposal"]:
        for box in (row["boxes"] or [])[:1]:
            _fill(values["placement_proposal"], *_meant_for(row, clips), origin.box(box, row, row["start"]))
    return {
        "affordance_box": _grasps(shown["affordance_box"], origin, report),
        "contact_points": _fingers(shown["contact_points"], origin, report),
    }


def _apart(rows: Sequence[Row], name: str, report: Report) -> list[Row]:
    """Rows that do not overlap, in order: of two that do, the one that stands first."""
    taken: list[Row] = []
    for row in rows:
        if all(row["end"] <= other["start"] or other["end"] <= row["start"] for other in taken):
            taken.append(row)
    report.lose(f"rows of {name} over others", len(rows) - len(taken), "a frame of RoboInter has one")
    return sorted(taken, key=lambda row: int(row["start"]))


def _clips(words: Mapping[str, Sequence[Row]], frames: int) -> list[Span]:
    """Clips: what subtasks cover, and skills where there is no subtask."""
    found: list[Span] = []
    for name in ("subtask", "primitive_skill"):
        for row in words[name]:
            span = row["start"], min(row["end"], frames)
            if span[0] < span[1] and all(span[1] <= start or end <= span[0] for start, end in found):
                found.append(span)
    return sorted(found)


def _word(name: str, row: Row) -> str | None:
    """The text of a subtask, or the source's own word for a skill."""
    if name == "subtask":
        text: str | None = row["text"] or None
        return text
    word: str | None = (row["attributes"] or {}).get("source_label", row["label"])
    return word


def _contacts(rows: Sequence[Row], report: Report) -> list[int]:
    found = sorted({row["start"] for row in rows if row["label"] == "contact"})
    releases = sum(row["label"] != "contact" for row in rows)
    report.lose("releases of contact", releases, "RoboInter knows when a thing is taken hold of, and not when it is let go")
    return found


def _follow_contacts(
    values: Values, contacts: Sequence[int], places: Mapping[str, Places], clips: Sequence[Span], report: Report
) -> None:
    """Until a contact its frame and its places, after the last one of a clip -1 and `[]`."""
    held: set[int] = set()
    for start, end in clips:
        inside = [frame for frame in contacts if start <= frame < end]
        border = start
        for frame in inside:
            _fill(values["contact_frame"], border, frame + 1, frame)
            for name, at in places.items():
                _fill(values[name], border, frame + 1, at.get(frame))
            border = frame + 1
        if inside:
            for name in ("contact_frame", *places):
                _fill(values[name], border, end, -1 if name == "contact_frame" else [])
        held.update(inside)
    report.lose("contacts between clips", len(set(contacts) - held), "RoboInter has contacts of clips")
    for name, at in places.items():
        for frame, value in at.items():
            if frame in held:
                continue
            free = frame < len(values[name]) and values["contact_frame"][frame] is None
            _fill(values[name], frame, frame + 1 if free else frame, value)
            report.lose(f"rows of {name} at no contact", int(not free), "RoboInter has them until a contact")


def _poses(rows: Sequence[Row], report: Report) -> Places:
    """Step → x y z rx ry rz, with the digits that float32 has."""
    found: Places = {}
    for row in rows:
        for point in (row["points"] or [])[:1]:
            if point is not None and len(point) == _POSE:
                found.setdefault(row["start"], [float(str(np.float32(number))) for number in point])
    report.lose("rows of state_affordance", len(rows) - len(found), "RoboInter has one pose per contact")
    return found


def _grasps(rows: Sequence[Row], origin: Origin, report: Report) -> Places:
    """Step → box."""
    found: Places = {}
    for row in rows:
        for box in (row["boxes"] or [])[:1]:
            if box is not None:
                found.setdefault(row["start"], origin.box(box, row, row["start"]))
    report.lose("rows of affordance_box", len(rows) - len(found), "RoboInter has one box per contact")
    return found


def _fingers(rows: Sequence[Row], origin: Origin, report: Report) -> Places:
    """Step → two points, whether one row holds both or two rows one each."""
    points: dict[int, list[list[int]]] = {}
    for row in rows:
        for flat in row["points"] or ():
            pairs = zip(flat[::2], flat[1::2], strict=True) if flat else ()
            points.setdefault(row["start"], []).extend(origin.point(x, y, row) for x, y in pairs)
    found = {step: of for step, of in points.items() if len(of) == _POINTS}
    report.lose("contact points", len(points) - len(found), f"RoboInter has {_POINTS} points per contact")
    return found


def _meant_for(row: Row, clips: Iterable[Span]) -> Span:
    """The frames for which a placement was said: as its source had it, else the clip that it ends."""
    said = (row["attributes"] or {}).get("steps")
    if said:
        return int(said[0]), int(said[1])
    return next((clip for clip in clips if clip[0] <= row["start"] < clip[1]), (row["start"], row["end"]))


def _fill(values: list[Any], start: int, end: int, value: Any) -> None:
    end = min(end, len(values))
    if start < end:
        values[start:end] = [value] * (end - start)
