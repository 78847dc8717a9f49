"""BrainGridGame: what people did in a browser editor for ARC tasks, one JSON file per visit of one task.

    {"fileType", "startTime", "user", "dataset", "task", "summary",
     "history": [{"id", "wait", "message", "context"?: {"action", "imageHandle", "image"?, …}}]}

An event with `context.action` is a step; the others (`welcome to overview`, `reveal begin`) are counted in `extras`.
`wait` is milliseconds since the event before. Events that change the image carry it as it is *after* them, so
`grid_before` is the last recorded state of the same `imageHandle`, of which there is one per test. An event without an
image left the grid as it was; an edit that should have an image and has none leaves the state unknown (null) until the
next image. `source_action` is the event without its image, which is `grid_after`.

Success is the source's: every test that was handed in was right at the last try. Where none was, nobody decided.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any, ClassVar, Literal, cast

from pipelines.formats.arc.grids import Grid, Rectangle, grid_column, grid_of, selection_column
from pipelines.formats.arc.tasks import MAX_TASK_SIDE
from pipelines.io.exact_json import exact_loads
from pipelines.io.files import list_files
from pipelines.io.media import MediaWriter
from pipelines.shard import Ref, Reject
from pipelines.sources import LocalFiles, Options, Rejected, Source, Trajectory
from schemas.arc_operations import MAX_SIDE, OPERATIONS

NAMES: Mapping[str, str] = {
    "draw": "draw",
    "flood fill": "flood_fill",
    "fill selection": "fill_selection",
    "move up": "move_up",
    "move down": "move_down",
    "move left": "move_left",
    "move right": "move_right",
    "flip x": "flip_x",
    "flip y": "flip_y",
    "rotate selection clockwise": "rotate_selection_clockwise",
    "rotate selection counter-clockwise": "rotate_selection_counterclockwise",
    "rotate entire image clockwise": "rotate_grid_clockwise",
    "rotate entire image counter-clockwise": "rotate_grid_counterclockwise",
    "resize": "resize",
    "crop": "crop",
    "copy": "copy",
    "paste begin": "paste_begin",
    "paste accept": "paste_accept",
    "paste reject": "paste_reject",
    "undo": "undo",
    "redo": "redo",
    "start over": "start_over",
    "submit": "submit",
    "create selection begin": "select_begin",
    "create selection update": "select_update",
    "pick color": "pick_color",
    "pick tool": "pick_tool",
    "hide overview show editor": "show_editor",
    "hide editor show overview": "show_overview",
    "show tool panel": "show_tool_panel",
    "activate test": "activate_test",
    "pagination-disabled": "show_all_pairs",
}
"""The source's names → `schemas.arc_operations`. Other names that begin with `pagination-` are `show_page`."""

_EFFECTS = frozenset(
    {"action", "sameImage", "sameSelection", "sameColor", "sameClipboard", "undoMessage", "redoMessage"}
    | {"selectX", "selectY", "selectWidth", "selectHeight"}
    | {"submitCorrectCount", "submitIncorrectCount", "startOverCount", "showOverviewCount"}
)
"""What an event says about its effect or about the visit so far; everything else in its context is an argument."""

_HANDLE = re.compile(r"test (\d{1,6}) output")


BYTES_PER_EVENT = 690
"""410 MB of histories hold 593,271 events (measured): how many steps a file has, for cutting shards without reading it."""


class BrainGridGameOptions(Options):
    """`agent_type`: who played; the game itself only knows people."""

    agent_type: Literal["human", "model", "script"] = "human"


@dataclass
class _Steps:
    """The columns of the step table, filled event by event; grids as numbers in `grids`."""

    grids: list[Grid] = field(default_factory=list)
    state: dict[str, int | None] = field(default_factory=dict)
    before: list[int | None] = field(default_factory=list)
    after: list[int | None] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    arguments: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    tests: list[int | None] = field(default_factory=list)
    selections: list[Rectangle | None] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    without_image: list[int] = field(default_factory=list)

    def add(self, place: int, event: Mapping[str, Any]) -> None:
        """Take up the event at `place` of the history. Raises Rejected for a bad grid or selection."""
        context = dict(event["context"])
        step, source_name, image = len(self.names), context["action"], context.pop("image", None)
        where = f"step {step} ({source_name})"
        name = action_name(source_name)
        handle = context.get("imageHandle")
        handle = handle if isinstance(handle, str) else None
        before = self.state.get(handle) if handle is not None else None
        after = before
        if image is not None:
            after = self._number(grid_of(image, where), before)
        elif name in OPERATIONS and OPERATIONS[name].edits:
            after = None
            self.without_image.append(step)
        if handle is not None:
            self.state[handle] = after
        self.before.append(before)
        self.after.append(after)
        self.names.append(name)
        self.arguments.append({key: value for key, value in context.items() if key not in _EFFECTS})
        self.events.append({**event, "context": context})
        self.tests.append(test_index(handle))
        self.selections.append(rectangle_of(context, where))
        self.places.append(place)

    def _number(self, grid: Grid, before: int | None) -> int:
        """The number of a grid: that of the state before, where it is the same."""
        if before is not None and self.grids[before].shape == grid.shape and (self.grids[before] == grid).all():
            return before
        self.grids.append(grid)
        return len(self.grids) - 1


class BrainGridGame:
    """Reads history files of BrainGridGame (ARC-Interactive, version 0.1.0)."""

    version: ClassVar[str] = "2"
    native: ClassVar[bool] = False
    options: ClassVar[type[Options]] = BrainGridGameOptions

    def plan(self, source: Source) -> Iterator[Ref | Reject]:
        """A ref per file; of a folder the *.json files alone. Raises Rejected where there is none."""
        for file in list_files(source.uri, "**/*.json"):
            yield Ref(file.name.removesuffix(".json"), (file,), steps=file.size // BYTES_PER_EVENT)

    def native_columns(self, source: Source) -> Mapping[str, str]:
        """None: the columns of `arc_steps` hold it all."""
        return {}

    def read(self, source: Source, ref: Ref, files: LocalFiles, media: MediaWriter) -> Iterator[Trajectory | Reject]:
        """The one trajectory of a file. Raises Rejected where the file cannot be taken."""
        document = _document(files.only.read_bytes())
        yield trajectory_of(ref.native_id, document, cast(BrainGridGameOptions, source.options).agent_type)


READER = BrainGridGame


def trajectory_of(native_id: str, document: Mapping[str, Any], agent_type: str) -> Trajectory:
    """The trajectory of one parsed history file.

    Raises Rejected: `event_invalid`, `wait_invalid`, `selection_invalid`, and what `grid_of` raises.
    """
    history: list[Any] = document["history"]
    steps, others = _Steps(), Counter[str]()
    for place, event in enumerate(history):
        if _is_action(place, event):
            steps.add(place, event)
        else:
            others[str(event.get("message"))] += 1
    clock = _milliseconds(history)
    first = clock[steps.places[0]] if clock and steps.places else 0
    task = document.get("task") if isinstance(document.get("task"), str) else None
    started, note = _started_at(document.get("startTime"), first if clock else None)
    user = document.get("user")
    header = {
        "domain": "arc",
        "task_id": task,
        "agent": user if isinstance(user, str) and user != "anonymous" else None,
        "agent_type": agent_type,
        **_outcome(steps),
        "started_at": started,
        "completeness": (_missing(history, steps, clock is None) | note) or None,
        "extras": {k: v for k, v in document.items() if k not in ("history", "user", "task")}
        | ({"events_without_action": dict(sorted(others.items()))} if others else {}),
    }
    number = len(steps.names)
    columns = {
        "step": list(range(number)),
        "timestamp": [(clock[place] - first) / 1000 for place in steps.places] if clock else [None] * number,
        "action_kind": [OPERATIONS[name].kind if name in OPERATIONS else "grid_op" for name in steps.names],
        "action_name": steps.names,
        "action_args": steps.arguments,
        "source_action": steps.events,
        "task_id": [task] * number,
        "test_index": steps.tests,
        "grid_before": grid_column(steps.grids, steps.before),
        "grid_after": grid_column(steps.grids, steps.after),
        "selection": selection_column(steps.selections),
    }
    dataset = document.get("dataset")
    collection = dataset if isinstance(dataset, str) else None
    tasks = [{"task_id": task, "domain": "arc", "collection": collection}] if task is not None else []
    return Trajectory(native_id, header, {"arc_steps": columns, "tasks": tasks})


def action_name(source_name: str) -> str:
    """Cairn's word for the source's name; a name that nobody has met stays as it is."""
    return NAMES.get(source_name) or ("show_page" if source_name.startswith("pagination-") else source_name)


def test_index(handle: str | None) -> int | None:
    """`test 1 output` → 1; None for anything else."""
    found = _HANDLE.fullmatch(handle or "")
    return int(found[1]) if found else None


def rectangle_of(context: Mapping[str, Any], where: str) -> Rectangle | None:
    """The select rectangle of an event: `selectX …` where logged, else the rectangle it works on, else None.

    Raises Rejected (`selection_invalid`) where it has a part that is no cell count.
    """
    for names in (("selectX", "selectY", "selectWidth", "selectHeight"), ("x", "y", "width", "height")):
        if all(name in context for name in names):
            x, y, width, height = values = [context[name] for name in names]
            if not all(type(value) is int and 0 <= value <= MAX_SIDE for value in values):
                message = f"{where}: the selection {', '.join(names)} is {values}; integers from 0 to {MAX_SIDE} are possible"
                raise Rejected("selection_invalid", message, {"values": values})
            return x, y, width, height
    return None


def _document(data: bytes) -> Mapping[str, Any]:
    """The parsed file. Raises Rejected: `json_invalid`, `not_a_trace`, `history_invalid`."""
    try:
        document = exact_loads(data)
    except json.JSONDecodeError as error:
        message = (
            f"the file is no JSON at line {error.lineno}, column {error.colno}: {error.msg}; copy it again from where it came"
        )
        raise Rejected("json_invalid", message, {"position": error.pos, "bytes": len(data)}) from error
    if not isinstance(document, dict) or "history" not in document:
        raise Rejected("not_a_trace", "index file, not a trace: it holds no `history`; nothing is lost by leaving it out")
    if not isinstance(document["history"], list):
        raise Rejected("history_invalid", "`history` is no list of events: export the history again")
    return document


def _is_action(place: int, event: Any) -> bool:
    """Whether an event of the history is a step. Raises Rejected (`event_invalid`) where it is no event at all."""
    context = event.get("context") if isinstance(event, dict) else None
    action = context.get("action") if isinstance(context, dict) else None
    if not isinstance(event, dict) or not isinstance(context, dict | None) or not isinstance(action, str | None):
        message = f"event {place} of `history` is no object whose `context`, if any, is an object with a named action"
        raise Rejected("event_invalid", message, {"event": place})
    return action is not None


def _milliseconds(history: list[Any]) -> list[float] | None:
    """Milliseconds of each event since the first one; None where a `wait` was not recorded. Raises `wait_invalid`."""
    waits = [event.get("wait") for event in history]
    for place, wait in enumerate(waits):
        if wait is not None and not (type(wait) in (int, float) and math.isfinite(wait) and wait >= 0):
            message = f"event {place}: `wait` is {str(wait)[:80]!r}; it must be milliseconds since the event before, 0 or more"
            raise Rejected("wait_invalid", message, {"event": place, "wait": wait})
    return None if None in waits else list(accumulate(waits))


def _started_at(text: Any, offset: float | None) -> tuple[datetime | None, dict[str, str]]:
    """Wall clock of the first step (`offset` milliseconds after `startTime`), or None and why."""
    if text is None:
        return None, {}
    try:
        start = datetime.fromisoformat(text)
        if start.tzinfo is None:
            return None, {"started_at": f"startTime {text!r} has no time zone"}
        return (None if offset is None else start.astimezone(UTC) + timedelta(milliseconds=offset)), {}
    except (TypeError, ValueError, OverflowError):
        return None, {"started_at": f"startTime {str(text)[:80]!r} is no ISO time"}


def _outcome(steps: _Steps) -> dict[str, Any]:
    """`success`: every test that was submitted was right at its last submission; None where none was."""
    last = {
        event["context"].get("imageHandle"): event["context"].get("correct") is True
        for name, event in zip(steps.names, steps.events, strict=True)
        if name == "submit"
    }
    return {"success": all(last.values()), "success_by": "source"} if last else {"success": None, "success_by": None}


def _missing(history: list[Any], steps: _Steps, untimed: bool) -> dict[str, Any]:
    """What the record lacks, and what is odd about it, for `completeness`."""
    notes: dict[str, Any] = {}
    ids = [event.get("id") for event in history]
    if ids != list(range(len(ids))):
        at = next(i for i, id_ in enumerate(ids) if id_ != i)
        notes["history"] = f"ids are not 0, 1, 2, …: event {at} has id {ids[at]!r}; events may be lost"
    if steps.without_image:
        notes["grid_after"] = {"reason": "these edits were recorded without an image", "steps": steps.without_image}
    if any(max(grid.shape) > MAX_TASK_SIDE for grid in steps.grids):
        large = [n for n, at in enumerate(steps.after) if at is not None and max(steps.grids[at].shape) > MAX_TASK_SIDE]
        notes["grid_size"] = {"reason": f"larger than {MAX_TASK_SIDE} x {MAX_TASK_SIDE}, as no task's grid is", "steps": large}
    if untimed:
        notes["timestamp"] = "an event has no `wait`"
    return notes
