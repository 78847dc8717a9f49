"""One `.trace` member of a Playwright recording: lines of JSON, read into calls, screencast frames and snapshots.

The format is undocumented and changes with the tool; versions 4 (Playwright 1.31) to 10 (1.65) are read here. What
differs between them:

* 4 to 6 have no `monotonicTime`: the clock is fixed by the first call, which carries both times. From 7 on
  `wall = wallTime + (t - monotonicTime)`, per file: two files of one zip may run on two machines.
* A test runner's own file has no header line before 7, `origin: testRunner` since.
* A runner's twin of a browser call is found by (apiName, wallTime) up to 6, by `stepId` in 7 to 9, by `callId` in 10.
* The page of a call and the names of its snapshots stand in `before` up to 9; in 10 its snapshots name them.
* Frames are named `sha1` (a member of `resources/`) up to 8, `file` (a member) since 9.

All times in this module are the source's milliseconds on the file's own monotonic clock, unless a name says wall.
"""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass, field
from typing import Any, NoReturn

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from pipelines.formats.playwright.snapshots import Snapshot, Snapshots
from pipelines.sources import Rejected

OLDEST, NEWEST = 4, 10
"""Trace versions that are read."""

_LONE_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
"""An escape that JSON.stringify writes for half a character only; no UTF-8 text can hold it."""


class _Line(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, alias_generator=to_camel)


class ContextOptions(_Line):
    """The header line of a browser context or, since version 7, of a test runner. Wall time in ms since 1970."""

    version: int
    origin: str = "library"
    browser_name: str = ""
    channel: str | None = None
    platform: str | None = None
    playwright_version: str | None = None
    sdk_language: str | None = None
    title: str | None = None
    wall_time: float | None = None
    monotonic_time: float | None = None
    options: dict[str, Any] = {}


class Point(_Line):
    """CSS px of the viewport."""

    x: float
    y: float


class Rect(_Line):
    """CSS px of the viewport."""

    x: float
    y: float
    width: float
    height: float

    @property
    def box(self) -> list[float]:
        """[x_min, y_min, x_max, y_max]."""
        return [self.x, self.y, self.x + self.width, self.y + self.height]


class Before(_Line):
    """A call starts."""

    call_id: str
    start_time: float
    class_: str = Field(alias="class")
    method: str
    params: dict[str, Any] = {}
    api_name: str | None = None
    title: str | None = None
    step_id: str | None = None
    page_id: str | None = None
    parent_id: str | None = None
    wall_time: float | None = None


class Input(_Line):
    """A call is about to act: where, and on which element."""

    call_id: str
    point: Point | None = None
    box: Rect | None = None


class After(_Line):
    """A call ended."""

    call_id: str
    end_time: float | None = None
    error: dict[str, Any] | None = None
    point: Point | None = None


class Frame(_Line):
    """A picture of a page: `member` of the zip, viewport size in CSS px, when it was received and (wall) swapped in."""

    page_id: str
    sha1: str | None = None
    file: str | None = None
    width: int | None = None
    height: int | None = None
    timestamp: float
    frame_swap_wall_time: float | None = None

    @property
    def member(self) -> str:
        """Its name in the zip."""
        return self.file or f"resources/{self.sha1}"


class ScreenSnapshot(Frame):
    """A screenshot taken for a call (since 9, on request): `phase` before, action or after."""

    call_id: str
    phase: str


class Failure(_Line):
    """A failure that the test runner reports for the whole test."""

    message: str = ""


@dataclass
class Call:
    """One call with its lines, parsed and as written (`raw`: type → lines)."""

    before: Before
    raw: dict[str, list[dict[str, Any]]]
    inputs: list[Input] = field(default_factory=list)
    after: After | None = None

    @property
    def start(self) -> float:
        """When it started."""
        return self.before.start_time

    @property
    def end(self) -> float | None:
        """When it ended; None where the recording stopped first."""
        return self.after.end_time if self.after else None


_HEADLESS_RUNNER = ContextOptions(version=6, origin="testRunner")
"""What a file without a header line is: a runner's, of version 6 or before."""


@dataclass
class TraceFile:
    """One member. Calls keep the order of the file."""

    name: str
    snapshots: Snapshots
    options: ContextOptions = _HEADLESS_RUNNER
    calls: dict[str, Call] = field(default_factory=dict)
    frames: dict[str, list[Frame]] = field(default_factory=dict)
    screens: dict[tuple[str, str], ScreenSnapshot] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    @property
    def is_runner(self) -> bool:
        """Whether a test runner wrote it, so that its calls are twins and hooks."""
        return self.options.origin == "testRunner"

    @property
    def pages(self) -> tuple[str, ...]:
        """Pages by first appearance in calls, snapshots and frames."""
        named = [call.before.page_id for call in self.calls.values()]
        return tuple(dict.fromkeys(page for page in [*named, *self.snapshots.pages, *self.frames] if page))

    @property
    def wall_offset(self) -> float:
        """Milliseconds to add to this file's times to get wall time. Raises Rejected (`trace_damaged`)."""
        options = self.options
        if options.wall_time is not None and options.monotonic_time is not None:
            return options.wall_time - options.monotonic_time
        for call in self.calls.values():
            if call.before.wall_time is not None:
                return call.before.wall_time - call.start
        raise Rejected("trace_damaged", f"{self.name}: no line carries a wall time, so its clock cannot be read")

    def page_of(self, call: Call) -> str | None:
        """The page a call is about: named by it, by its snapshots, or the only one there is."""
        named = call.before.page_id or self.snapshots.page_of(call.before.call_id)
        return named or (self.pages[0] if len(self.pages) == 1 else None)


def read_trace(name: str, data: bytes) -> TraceFile:
    """Read one `.trace` member.

    Raises Rejected: `trace_damaged` with file and line, `trace_version_unsupported`.
    """
    trace = TraceFile(name, Snapshots(data))
    start = 0
    for number, raw in enumerate(io.BytesIO(data), 1):
        end = start + len(raw)
        if raw.strip():
            record = _loads(name, number, raw)
            try:
                _take(trace, record, start, end)
            except ValidationError as error:
                first = error.errors()[0]
                place = ".".join(str(part) for part in first["loc"])
                _damaged(
                    name, number, f"{record.get('type')!r} line, {place}: {first['msg']}", "it was not written by Playwright"
                )
        start = end
    return trace


def _take(trace: TraceFile, record: dict[str, Any], start: int, end: int) -> None:
    """Put one line where it belongs. Lines of other types (log, event, console, …) tell nothing that a step needs."""
    match record.get("type"):
        case "context-options":
            trace.options = ContextOptions.model_validate(record)
            _check_version(trace.name, trace.options.version)
        case "before":
            before = Before.model_validate(record)
            trace.calls[before.call_id] = Call(before, {"before": [record]})
        case "input":
            given = Input.model_validate(record)
            if call := trace.calls.get(given.call_id):
                call.inputs.append(given)
                call.raw.setdefault("input", []).append(record)
        case "after":
            after = After.model_validate(record)
            # A call that began before the recording has an end and no beginning; what it did is unknown.
            if call := trace.calls.get(after.call_id):
                call.after = after
                call.raw["after"] = [record]
        case "screencast-frame":
            frame = Frame.model_validate(record)
            trace.frames.setdefault(frame.page_id, []).append(frame)
        case "screenshot":
            screen = ScreenSnapshot.model_validate(record)
            trace.screens[screen.call_id, screen.phase] = screen
        case "frame-snapshot":
            trace.snapshots.add(Snapshot.model_validate(record.get("snapshot")), start, end)
        case "error":
            trace.failures.append(Failure.model_validate(record).message)


def _check_version(name: str, version: int) -> None:
    if not OLDEST <= version <= NEWEST:
        raise Rejected(
            "trace_version_unsupported",
            f"{name}: trace format version {version} is not supported; {OLDEST} to {NEWEST} are",
            {"version": version, "oldest": OLDEST, "newest": NEWEST},
        )


def _loads(name: str, number: int, raw: bytes) -> dict[str, Any]:
    try:
        record = json.loads(raw)
        if _LONE_SURROGATE.search(raw):
            text = json.dumps(record, ensure_ascii=False)
            record = json.loads(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    except (ValueError, RecursionError) as error:
        _damaged(name, number, f"not a whole line of JSON ({error})", "the recording was cut off; record it again")
    if not isinstance(record, dict):
        _damaged(name, number, "not a JSON object", "it was not written by Playwright")
    return record


def _damaged(name: str, number: int, what: str, remedy: str) -> NoReturn:
    raise Rejected("trace_damaged", f"{name} line {number}: {what}: {remedy}", {"file": name, "line": number})


def twins(context: TraceFile, runners: list[TraceFile]) -> dict[str, Call]:
    """The runner's twin of each browser call that has one, by the browser's call id."""
    by_id: dict[str, Call] = {}
    by_name: dict[tuple[str | None, float | None], Call] = {}
    for call in (call for runner in runners for call in runner.calls.values()):
        by_id[call.before.call_id] = call
        if call.before.step_id:
            by_id[call.before.step_id] = call
        if call.before.wall_time is not None:
            by_name[call.before.api_name, call.before.wall_time] = call
    version = context.options.version
    found = {}
    for call_id, call in context.calls.items():
        before = call.before
        if version >= 10:
            twin = by_id.get(call_id)
        elif version >= 7:
            twin = by_id.get(before.step_id) if before.step_id else None
        else:
            twin = by_name.get((before.api_name, before.wall_time)) if before.api_name and before.wall_time else None
        if twin:
            found[call_id] = twin
    return found
