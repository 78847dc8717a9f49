"""Rows of `gui_steps` and `gui_trees` from the acting calls of a Playwright trace; pictures go to the pack one at a time.

Coordinates are CSS px of the viewport, times seconds from the first step. What a row shows is what was there before its
action; `look_back` makes the last row, which only observes.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from PIL import Image, UnidentifiedImageError

from pipelines.formats.playwright.actions import Action, action_of, columns_of
from pipelines.formats.playwright.snapshots import Snapshot, TreeError, title_of, tree_bytes
from pipelines.formats.playwright.trace import Call, Frame, TraceFile, twins
from pipelines.io.archive import Archive
from pipelines.io.media import MediaWriter
from pipelines.sources import Rejected

_ROUNDING = 2
"""Screenshot px by which the two axes may disagree on the scale; a picture of another shape has none."""


@dataclass(frozen=True, slots=True)
class Step:
    """A call that acts, in its file: wall times in ms, page, and the runner's twin."""

    trace: TraceFile
    call: Call
    action: Action
    start: float
    end: float | None
    page: str | None
    twin: Call | None


@dataclass(frozen=True, slots=True)
class Missing:
    """Why there is no screenshot: a word to count and a sentence."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A screenshot in the pack: size in px, sha256, file type without the dot."""

    width: int
    height: int
    sha256: str
    codec: str


def acting_steps(contexts: Iterable[TraceFile], runners: list[TraceFile]) -> list[Step]:
    """The calls of all contexts that act on a page, by start on the wall clock."""
    steps = []
    for trace in contexts:
        twin_of = twins(trace, runners)
        for call_id, call in trace.calls.items():
            if action := action_of(call):
                offset = trace.wall_offset
                end = None if call.end is None else call.end + offset
                steps.append(Step(trace, call, action, call.start + offset, end, trace.page_of(call), twin_of.get(call_id)))
    return sorted(steps, key=lambda step: step.start)


class RowWriter:
    """Collects the rows of one trajectory.

    `pages`: page id → name of its stream. `zero`: wall time, ms, of the first step. Afterwards `rows` and `trees` are
    the tables, `shown` the pictures of each page, `missing` and `missing_trees` count what is not there, by reason.
    """

    def __init__(
        self, archive: Archive, media: MediaWriter, pages: Mapping[str, str], runners: Iterable[TraceFile], zero: float
    ) -> None:
        self._archive, self._media, self._pages, self._zero = archive, media, pages, zero
        self._runner_calls = {call_id: call for runner in runners for call_id, call in runner.calls.items()}
        self.rows: list[dict[str, Any]] = []
        self.trees: list[dict[str, Any]] = []
        self.shown: dict[str, list[Picture]] = {}
        self.missing: Counter[str] = Counter()
        self.missing_trees: Counter[str] = Counter()

    def act(self, step: Step) -> None:
        """The row of an action."""
        call = step.call
        row = columns_of(call, step.action)
        if error := _error(call, step.twin):
            row["action_args"]["error"] = error
        if step.page:
            row["action_args"]["page"] = self._pages[step.page]
        row["source_action"] = self._source_action(step)
        row["timestamp"] = seconds(step.start - self._zero)
        row["end_timestamp"] = None if step.end is None else seconds(step.end - self._zero)
        snapshot = step.trace.snapshots.before(call.before.call_id)
        self._observe(row, step, snapshot, frame_before(step.trace, call, step.page))

    def look_back(self, last: Step) -> None:
        """The row of what was there after the last action, where the recording has any of it."""
        trace, call = last.trace, last.call
        snapshot = trace.snapshots.after(call.before.call_id)
        frames = [frame for frame in trace.frames.get(last.page or "", []) if frame.timestamp > call.start]
        frame = max(frames, key=lambda frame: _shown_at(trace, frame), default=None)
        if snapshot is None and (frame is None or frame.member not in self._archive):
            return
        moments = [call.end, frame.timestamp if frame else None, snapshot.timestamp if snapshot else None]
        seen = max(moment for moment in moments if moment is not None) + trace.wall_offset
        self._observe({"timestamp": seconds(seen - self._zero)}, last, snapshot, frame or _no_frame(trace, last.page))

    def _observe(self, row: dict[str, Any], step: Step, snapshot: Snapshot | None, frame: Frame | Missing) -> None:
        """Add what the page looked like, and the row itself."""
        viewport = _viewport(step, snapshot, frame)
        row |= {"step": len(self.rows), "app": step.trace.options.browser_name or None}
        row |= {"frame_width": viewport and viewport[0], "frame_height": viewport and viewport[1]}
        if snapshot:
            row |= {"url": snapshot.frame_url or None, "window": self._tree(step.trace, snapshot, row["step"])}
        picture = frame if isinstance(frame, Missing) else self._picture(frame)
        if isinstance(picture, Missing):
            self.missing[picture.code] += 1
            row["screenshot_missing"] = picture.reason
        else:
            row |= {"screenshot": picture.sha256, "screenshot_taken": "before", "scale": _scale(picture, viewport)}
            if step.page:
                self.shown.setdefault(step.page, []).append(picture)
        self.rows.append(row)

    def _picture(self, frame: Frame) -> Picture | Missing:
        name = frame.member
        if name not in self._archive:
            return Missing("not_in_zip", f"frame {name} is not in the zip")
        try:
            data = self._archive.read(name)
            with Image.open(io.BytesIO(data)) as image:
                width, height = image.size
        except (Rejected, UnidentifiedImageError, OSError) as error:
            return Missing("unreadable", f"frame {name} cannot be read ({error})")
        suffix = PurePosixPath(name).suffix.lower()
        return Picture(width, height, self._media.add(data, suffix), suffix.lstrip("."))

    def _tree(self, trace: TraceFile, snapshot: Snapshot, step: int) -> str | None:
        """Keep the DOM of a step; return its title."""
        try:
            tree = trace.snapshots.tree(snapshot)
        except TreeError as error:
            self.missing_trees[str(error)] += 1
            return None
        self.trees.append({"step": step, "format": "dom", "tree": self._media.add(tree_bytes(tree), ".json")})
        return title_of(tree)

    def _source_action(self, step: Step) -> dict[str, Any]:
        """The lines of a call and of its twin as written, without call stacks, and the titles of what it stands in."""
        record: dict[str, Any] = {kind: lines if kind == "input" else lines[0] for kind, lines in step.call.raw.items()}
        if step.twin:
            record["runner"] = {kind: lines[0] for kind, lines in step.twin.raw.items()}
        if groups := self._groups(step):
            record["groups"] = groups
        return {key: _without_stacks(value) for key, value in record.items()}

    def _groups(self, step: Step) -> list[str]:
        """Titles of the test steps and groups around a call, outermost first."""
        titles: dict[str, str] = {}
        parent = (step.twin and step.twin.before.parent_id) or step.call.before.parent_id
        while parent and parent not in titles:
            above = self._runner_calls.get(parent) or step.trace.calls.get(parent)
            if above is None:
                break
            titles[parent] = above.before.title or above.before.api_name or above.before.method
            parent = above.before.parent_id
        return list(reversed(titles.values()))


def frame_before(trace: TraceFile, call: Call, page: str | None) -> Frame | Missing:
    """The picture of what was there when a call started: the one taken for it, else the newest received by then."""
    call_id = call.before.call_id
    if taken := trace.screens.get((call_id, "before")) or trace.screens.get((call_id, "action")):
        return taken
    frames = [frame for frame in trace.frames.get(page or "", []) if frame.timestamp <= call.start]
    # Frames are not always received in the order in which they were shown (measured: 985 ms before 968 ms).
    return max(frames, key=lambda frame: _shown_at(trace, frame), default=None) or _no_frame(trace, page)


def seconds(milliseconds: float) -> float:
    """Seconds to the microsecond, which is what the source resolves."""
    return round(milliseconds / 1000, 6)


def _shown_at(trace: TraceFile, frame: Frame) -> float:
    """Wall time, ms, at which a frame was shown or, where that is not recorded, received."""
    return frame.frame_swap_wall_time or frame.timestamp + trace.wall_offset


def _no_frame(trace: TraceFile, page: str | None) -> Missing:
    if not trace.frames:
        return Missing("not_recorded", "the trace has no screencast: it was recorded without screenshots")
    if page is None:
        return Missing("page_unknown", f"the trace does not say which of its {len(trace.pages)} pages this was")
    return Missing("no_frame_before", "no frame of this page was received before the action")


def _viewport(step: Step, snapshot: Snapshot | None, frame: Frame | Missing) -> tuple[int, int] | None:
    """CSS px that points refer to: as the DOM says, else the frame, else the context's own setting."""
    if snapshot and snapshot.viewport:
        return snapshot.viewport.width, snapshot.viewport.height
    if isinstance(frame, Frame) and frame.width and frame.height:
        return frame.width, frame.height
    set_to = step.trace.options.options.get("viewport") if step.page else None
    if isinstance(set_to, dict) and isinstance(set_to.get("width"), int) and isinstance(set_to.get("height"), int):
        return set_to["width"], set_to["height"]
    return None


def _scale(picture: Picture, viewport: tuple[int, int] | None) -> float | None:
    """Screenshot px per CSS px; None where the picture is not the viewport scaled."""
    if not viewport or not viewport[0]:
        return None
    scale = picture.width / viewport[0]
    return scale if abs(scale * viewport[1] - picture.height) <= _ROUNDING else None


def _error(call: Call, twin: Call | None) -> dict[str, Any] | None:
    """Name and message of what went wrong, as the browser's side or else the runner says."""
    for side in (call, twin):
        if side and side.after and side.after.error:
            return {key: side.after.error[key] for key in ("name", "message") if key in side.after.error}
    return None


def _without_stacks(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_stacks(child) for key, child in value.items() if key != "stack"}
    return [_without_stacks(child) for child in value] if isinstance(value, list) else value
