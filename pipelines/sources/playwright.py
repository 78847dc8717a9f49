"""Playwright traces (`trace.zip`), versions 4 to 10, as screen recordings: one zip is one trajectory.

`uri` is a zip, a glob, or a folder whose zips are taken, however deep. What else lies in a folder is passed over; a
file that a glob or the recipe names and that is no `.zip` is rejected. The native id is the path below the fixed part
of the uri without `.zip`, so that `test-results/*/trace.zip` gives `<test>/trace`. Two files that differ only in how
they write `.zip` would clash: the second is rejected.

*Steps* are the calls that act on a page (`pipelines.formats.playwright.actions`), in the order in which they started. A test
runner writes a twin of each call into a file of its own; a twin adds its error and the titles of the steps around it,
never a step. Where the recording goes on after the last action, a last step without an action shows what was there.

*Time* is wall time, computed per file from its own clock; a runner's clock is never used. `timestamp` is in seconds from
the first step's start; `end_timestamp` is when the call returned.

*Observation before action.* The screenshot is the one taken for the call, where the recorder was told to; else the
newest screencast frame that had been received when the call started (of those, the one swapped in last). Where its
JPEG is not in the zip the step stays and `screenshot_missing` says which. Points and boxes are CSS px of the viewport
(`frame_width`, `frame_height`); `scale` is screenshot px per CSS px, null where the two axes disagree (a frame that was
taken while the window changed). `url` and `window` are address and title of the main frame before the action, `tree`
is its DOM (`pipelines.formats.playwright.snapshots`), without the documents of iframes.

*Not read*: `.network` (requests with cookies), `.stacks`, resources other than frames, sources. From what is kept as
`source_action`, call stacks are left out: they are paths on the machine that recorded.

*Private data.* Typed values, passwords too, stand in clear in `text`, `action_args`, `source_action` and in the DOM
(`__playwright_value_`); addresses may carry tokens. Scrub all of these before a release.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import urlsplit

from pipelines.formats.playwright.rows import RowWriter, Step, acting_steps
from pipelines.formats.playwright.trace import TraceFile, read_trace
from pipelines.io.archive import Archive, open_archive
from pipelines.io.files import fixed_part, is_glob, list_files
from pipelines.io.media import MediaWriter
from pipelines.shard import Ref, Reject
from pipelines.sources import LocalFiles, Options, Rejected, Source, Trajectory

_OPTIONS = (
    "baseURL",
    "viewport",
    "deviceScaleFactor",
    "isMobile",
    "hasTouch",
    "locale",
    "timezoneId",
    "colorScheme",
    "userAgent",
)
"""Options of a context that say how pages looked. Others hold paths, credentials or cookies."""
_PLACE = re.compile(r"^[^›]*:\d+$")
"""How a test's title starts: the file and line that it stands in."""


class Playwright:
    """Reads Playwright traces."""

    version: ClassVar[str] = "2"
    native: ClassVar[bool] = False
    options: ClassVar[type[Options]] = Options

    def plan(self, source: Source) -> Iterator[Ref | Reject]:
        """One ref per zip. Raises Rejected where there is none."""
        is_folder = not is_glob(source.uri) and fixed_part(source.uri) == source.uri.rstrip("/")
        taken: set[str] = set()
        for file in list_files(source.uri):
            native_id, suffix = file.name[:-4], file.name[-4:]
            if suffix.lower() != ".zip":
                if not is_folder:
                    message = f"{file.name} is no .zip: name the traces alone, as in `traces/**/*.zip`"
                    yield Reject("plan", source.name, file.name, None, "not_a_zip", message)
                continue
            if native_id in taken:
                message = f"{file.name}: another zip has the id {native_id!r} already; rename one of them"
                yield Reject("plan", source.name, file.name, native_id, "native_id_clash", message)
                continue
            taken.add(native_id)
            yield Ref(native_id, (file,))
        if is_folder and not taken:
            raise Rejected("source_empty", f"{source.uri} holds no .zip; check the folder")

    def native_columns(self, source: Source) -> Mapping[str, str]:
        """None: screen recordings have fixed columns."""
        return {}

    def read(self, source: Source, ref: Ref, files: LocalFiles, media: MediaWriter) -> Iterator[Trajectory]:
        """The trajectory of one zip.

        Raises Rejected: `trace_version_unsupported`, `trace_damaged`, `trace_no_context`, `trace_no_actions`, and what
        `open_archive` raises.
        """
        with open_archive(files.only) as archive:
            contexts, runners = _traces(archive, files.only.name)
            steps = acting_steps(contexts, runners)
            if not steps:
                calls = sum(len(context.calls) for context in contexts)
                raise Rejected(
                    "trace_no_actions", f"none of its {calls} calls acts on a page; record clicks, typing or navigation"
                )
            yield _trajectory(ref.native_id, archive, contexts, runners, steps, media)


def _traces(archive: Archive, name: str) -> tuple[list[TraceFile], list[TraceFile]]:
    """Browser contexts and runners of a zip, by member name."""
    members = sorted(member for member in archive.names if member.endswith(".trace"))
    if not members:
        raise Rejected(
            "trace_no_context", f"{name} holds no .trace file: it is no Playwright trace, or its tracing never stopped"
        )
    traces = [read_trace(member, archive.read(member)) for member in members]
    contexts = [trace for trace in traces if not trace.is_runner]
    if not contexts:
        found = ", ".join(members)
        raise Rejected(
            "trace_no_context", f"{name} holds no browser context, only a test runner's {found}: the test opened no page"
        )
    return contexts, [trace for trace in traces if trace.is_runner]


def _trajectory(
    native_id: str, archive: Archive, contexts: list[TraceFile], runners: list[TraceFile], steps: list[Step], media: MediaWriter
) -> Trajectory:
    pages = dict.fromkeys(page for context in contexts for page in context.pages)
    names = {page: f"page_{i}" for i, page in enumerate(pages)}
    writer = RowWriter(archive, media, names, runners, steps[0].start)
    for step in steps:
        writer.act(step)
    writer.look_back(steps[-1])
    header = {
        **_header(contexts, steps, writer),
        "streams": _streams(names, writer),
        "completeness": _completeness(archive, contexts, steps, writer),
        "extras": _extras(contexts, runners, names),
    }
    return Trajectory(native_id, header, {"gui_steps": writer.rows, "gui_trees": writer.trees})


def _header(contexts: list[TraceFile], steps: list[Step], writer: RowWriter) -> dict[str, Any]:
    options = contexts[0].options
    title = _title(contexts)
    times = [row[name] for row in writer.rows for name in ("timestamp", "end_timestamp") if row.get(name) is not None]
    end_is_known = steps[-1].end is not None or len(writer.rows) > len(steps)
    return {
        "domain": "gui",
        "task_id": title,
        "instruction": _instruction(title),
        "agent_type": "script",
        "embodiment": "/".join(part for part in (options.browser_name, options.platform) if part) or None,
        "started_at": datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=steps[0].start),
        "scene": _scene(steps, writer),
        **({"duration": max(times)} if end_is_known else {}),
    }


def _title(contexts: list[TraceFile]) -> str | None:
    return next((context.options.title for context in contexts if context.options.title), None)


def _instruction(title: str | None) -> str | None:
    """A test's title without the file and line before it."""
    parts = [part.strip() for part in (title or "").split("›")]
    if len(parts) > 1 and _PLACE.match(parts[0]):
        parts = parts[1:]
    return " › ".join(part for part in parts if part) or None


def _scene(steps: list[Step], writer: RowWriter) -> str | None:
    """Host of the first page with an address on the web."""
    for step, row in zip(steps, writer.rows, strict=False):
        goto = step.call.before.params.get("url") if step.action.name == "goto" else None
        for url in (row.get("url"), goto):
            if isinstance(url, str) and url.startswith(("http://", "https://")):
                return urlsplit(url).hostname
    return None


def _streams(names: Mapping[str, str], writer: RowWriter) -> list[dict[str, Any]]:
    """One per page with a screenshot; `num_frames` counts the steps that have one. A size or type that changed is null."""
    streams = []
    for page in (page for page in names if page in writer.shown):
        shown = writer.shown[page]
        sizes = {(picture.width, picture.height) for picture in shown}
        codecs = {picture.codec for picture in shown}
        width, height = sizes.pop() if len(sizes) == 1 else (None, None)
        codec = codecs.pop() if len(codecs) == 1 else None
        stream = {"name": names[page], "kind": "images", "codec": codec, "width": width, "height": height}
        streams.append({**stream, "num_frames": len(shown)})
    return streams


def _completeness(archive: Archive, contexts: list[TraceFile], steps: list[Step], writer: RowWriter) -> dict[str, Any]:
    members = {frame.member for context in contexts for frames in context.frames.values() for frame in frames}
    return {
        "screenshots": sum("screenshot" in row for row in writer.rows),
        "screenshots_missing": dict(sorted(writer.missing.items())),
        "frames_listed": len(members),
        "frames_present": sum(member in archive for member in members),
        "trees": len(writer.trees),
        "trees_missing": dict(sorted(writer.missing_trees.items())),
        "actions_without_end": sum(step.end is None for step in steps),
        "actions_with_runner_twin": sum(step.twin is not None for step in steps),
    }


def _extras(contexts: list[TraceFile], runners: list[TraceFile], names: Mapping[str, str]) -> dict[str, Any]:
    options = contexts[0].options
    return {
        "versions": sorted({context.options.version for context in contexts}),
        "title": _title(contexts),
        "playwright_version": options.playwright_version,
        "sdk_language": options.sdk_language,
        "channel": options.channel,
        "options": {key: options.options[key] for key in _OPTIONS if options.options.get(key) is not None},
        "contexts": len(contexts),
        "pages": len(names),
        "failures": [failure for runner in runners for failure in runner.failures],
    }


READER = Playwright
