"""Raw recordings of AgentNetTool (OpenCUA): a folder with a screen video and the logs of pointer, keys and elements.

A source is a folder that is a recording or holds recordings at any depth, or a glob; one folder is one trajectory.

Taken from the files: actions from `reduced_events_complete.jsonl`, what a person called them from
`reduced_events_vis.jsonl` (`agentnet_events`), the accessibility tree of each action, the element under the pointer from
`element.jsonl`, the application in front from `top_window.jsonl`, clocks and screen size from `metadata.json`. Actions
that the reviewer deleted stay out. A `terminate` step is added last, as the format's authors add it; its time is that of
its frame, since the recorder writes none.

Coordinates are pixels of the screen of `metadata.json`, never moved into it. `scale` is video pixels per such pixel,
across; the factor down is in `completeness.video_scale`. Which frame of the stream `screen` a step shows is listed in
`completeness.screenshots` (`agentnet_frames` says how it was found).

Not published: audio, which `store_video` drops; folder names of the pattern `<date>_<account>_<uuid>`, of which date and
uuid are kept; model, processor and host from the metadata. `started_at` is null: the metadata has a local time without a
zone, kept in `extras`.
"""

from __future__ import annotations

import bisect
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar, Literal

import cv2
import orjson

from annotators.annotation import Annotation
from annotators.frames import FrameError, frames
from annotators.gui.trees import TreeError, accessibility_nodes
from pipelines.formats.agentnet.events import (
    COMPLETE,
    POINTER_ACTIONS,
    VIS,
    Event,
    read_events,
    read_labels,
    read_object,
    read_timed,
)
from pipelines.formats.agentnet.frames import bind, look_of
from pipelines.formats.agentnet.gaps import Sight, geometry, holes, outside, sight_of
from pipelines.io.files import filesystem, fixed_part, is_glob, list_files
from pipelines.io.media import MediaWriter
from pipelines.io.video import StoredVideo, store_video
from pipelines.shard import Ref, Reject, SourceFile
from pipelines.sources import LocalFiles, Options, Rejected, Source, Trajectory

STREAM = "screen"
REQUIRED = ("metadata.json", "task_name.json", COMPLETE, VIS, "events.jsonl")
OPTIONAL = ("element.jsonl", "top_window.jsonl")
_ACCOUNT = re.compile(r"(\d{14})_.+_([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})")
_KEPT_METADATA = (
    "system",
    "release",
    "version",
    "screen_width",
    "screen_height",
    "scroll_direction",
    "start_time",
    "stop_time",
)
_ELEMENT_AGE = 0.5
"""Seconds that an element may have been recorded before the press it belongs to (measured: up to 0.213)."""


class AgentNetOptions(Options):
    """`clock`: the recorded time that is taken as the start of the video."""

    clock: Literal["video_start_timestamp", "OBS_WEBSOCKET_OUTPUT_STARTING", "OBS_WEBSOCKET_OUTPUT_STARTED"] = (
        "video_start_timestamp"
    )


class AgentNet:
    """Reads recordings of AgentNetTool."""

    version: ClassVar[str] = "1"
    native: ClassVar[bool] = True
    options: ClassVar[type[Options]] = AgentNetOptions

    def plan(self, source: Source) -> Iterator[Ref | Reject]:
        """One ref per folder, in order of name; a folder that lacks a file is rejected with the file's name.

        Raises Rejected `source_empty` where no folder is a recording, and as `list_files` does.
        """
        folders = _folders(source.uri)
        if not folders:
            raise Rejected("source_empty", f"{source.uri} holds no AgentNetTool recording: no folder in it has {COMPLETE}")
        for folder, files in sorted(folders.items()):
            name = pseudonym(folder or posixpath.basename(fixed_part(source.uri).rstrip("/")))
            renamed = {key: replace(f, name=posixpath.join(pseudonym(folder), key)) for key, f in files.items()}
            videos = [key for key in renamed if key.endswith(".mp4")]
            missing = [key for key in REQUIRED if key not in renamed] + ([] if videos else ["the screen video (*.mp4)"])
            if missing:
                message = f"{name} lacks {', '.join(missing)}: copy the whole recording folder"
                yield Reject("plan", source.name, name, name, "file_missing", message, {"missing": missing})
            elif len(videos) > 1:
                message = f"{name} holds {len(videos)} videos ({', '.join(videos)}): keep the recorder's own one"
                yield Reject("plan", source.name, name, name, "video_ambiguous", message, {"videos": videos})
            else:
                wanted = [*REQUIRED, *videos, *(key for key in OPTIONAL if key in renamed and renamed[key].size)]
                yield Ref(name, tuple(renamed[key] for key in wanted))

    def native_columns(self, source: Source) -> Mapping[str, str]:
        """None: GUI steps have no columns of their own."""
        return {}

    def read(self, source: Source, ref: Ref, files: LocalFiles, media: MediaWriter) -> Iterator[Trajectory | Reject]:
        """The one trajectory of a folder. Raises Rejected for what is wrong in it, naming file and line."""
        yield _Recording(ref, files, media, str(getattr(source.options, "clock", "video_start_timestamp"))).trajectory()


def pseudonym(folder: str) -> str:
    """A folder name without the account: `<date>_<account>_<uuid>` becomes `<date>_<uuid>`, at every level of a path."""
    return "/".join(_ACCOUNT.sub(r"\1_\2", part) if _ACCOUNT.fullmatch(part) else part for part in folder.split("/"))


class _Recording:
    """One folder on its way to a trajectory."""

    def __init__(self, ref: Ref, files: LocalFiles, media: MediaWriter, clock: str) -> None:
        self.ref, self.media, self.clock = ref, media, clock
        self.paths = {posixpath.basename(file.name): (files[file.name], file.name) for file in ref.files}
        self.metadata = read_object(*self.paths["metadata.json"])
        self.width, self.height = (_whole(self.metadata, key) for key in ("screen_width", "screen_height"))
        self.clocks = clock_candidates(self.metadata)
        if clock not in self.clocks:
            raise Rejected(
                "clock_missing", f"metadata.json has no {clock}; it has {', '.join(self.clocks) or 'none'}: set option `clock`"
            )
        self.origin = self.clocks[clock]
        self.windows, self.elements = self._windows(), self._elements()

    def trajectory(self) -> Trajectory:
        """The header, the steps, trees and video, and the person's labels."""
        task = read_object(*self.paths["task_name.json"])
        path, name = self.paths[next(key for key in self.paths if key.endswith(".mp4"))]
        labels = read_labels(*self.paths[VIS])
        events, sights, trees = self._events(labels)
        beyond = outside(read_timed(*self.paths["events.jsonl"]), self.width, self.height, self.origin)
        video = store_video(path, STREAM, self.media)
        try:
            numbers, end, images = self._screenshots(path, video, events)
        except FrameError as error:
            raise Rejected("video_damaged", f"{name}: {error}") from error
        steps = self._steps(events, numbers, end, images, video)
        header = {
            "domain": "gui",
            "instruction": str(task.get("task_name") or "") or None,
            "embodiment": " ".join(str(self.metadata[key]) for key in ("system", "release") if self.metadata.get(key)) or None,
            "agent_type": "human",
            "streams": [video.stream],
            "completeness": self._completeness(events, sights, trees, [*numbers, end], steps, video, beyond),
            "extras": {"metadata": {key: self.metadata[key] for key in _KEPT_METADATA if key in self.metadata}, "task": task},
        }
        tables = {"gui_steps": steps, "gui_trees": trees, "videos": video.rows}
        captions = (
            Annotation("caption", {"channel": "label", "steps": [i], "texts": [event.label]}, i, i + 1)
            for i, event in enumerate(events)
            if event.label is not None
        )
        return Trajectory(self.ref.native_id, header, tables, tuple(captions))

    def _events(self, labels: Mapping[int, str]) -> tuple[list[Event], list[Sight], list[dict[str, Any]]]:
        """The events without their trees, what the trees tell of the display, and the rows of `gui_trees`."""
        events: list[Event] = []
        sights: list[Sight] = []
        trees: list[dict[str, Any]] = []
        for event in read_events(*self.paths[COMPLETE], labels):
            try:
                found = accessibility_nodes(event.tree) if event.tree else ()
            except TreeError as error:
                raise Rejected(
                    "tree_malformed", f"{self.paths[COMPLETE][1]}: the tree of action {event.id}: {error}"
                ) from error
            if found:
                sha256 = self.media.add(orjson.dumps(event.tree), ".json")
                trees.append({"step": len(events), "format": "accessibility", "tree": sha256})
            sights.append(sight_of(event, found))
            events.append(event.without_tree())
        if not events:
            raise Rejected("no_steps", f"{self.paths[COMPLETE][1]} holds no action that the reviewer kept")
        return events, sights, trees

    def _screenshots(
        self, path: Any, video: StoredVideo, events: list[Event]
    ) -> tuple[list[int | None], int | None, dict[int, str]]:
        """The frame of each event and of the end, and frame number → sha256 of its PNG."""
        times = video.frame_timestamps
        looks = [look_of(event, self.origin, times) for event in events]
        numbers, end = bind(looks, events[-1].end - self.origin, times, lambda wanted: frames(path, wanted))
        wanted = sorted({number for number in [*numbers, end] if number is not None})
        images = {}
        for number, picture in zip(wanted, frames(path, wanted), strict=True):
            _, png = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
            images[number] = self.media.add(png.tobytes(), ".png")
        return numbers, end, images

    def _steps(
        self, events: list[Event], numbers: list[int | None], end: int | None, images: Mapping[int, str], video: StoredVideo
    ) -> list[dict[str, Any]]:
        """The rows of `gui_steps`, the added `terminate` last."""
        zero = events[0].start
        scale = video.stream["width"] / self.width

        def shown(number: int | None) -> dict[str, Any]:
            image: dict[str, Any] = {"screenshot": None, "screenshot_missing": "the video does not cover this step"}
            if number is not None:
                image = {"screenshot": images[number], "screenshot_taken": "video"}
            return {**image, "frame_width": self.width, "frame_height": self.height, "scale": scale}

        rows = []
        for step, (event, number) in enumerate(zip(events, numbers, strict=True)):
            times = {
                "timestamp": event.start - zero,
                "end_timestamp": event.end - zero,
                "app": _latest(self.windows, event.start),
            }
            row: dict[str, Any] = {"step": step, "action_kind": "gui", **times, **event.row, **shown(number)}
            if event.action in POINTER_ACTIONS:
                row["action_args"] = {**row["action_args"], **(_latest(self.elements, event.start, _ELEMENT_AGE) or {})}
            rows.append(row)
        stop = {"step": len(rows), "action_kind": "system", "action_name": "terminate", "action_args": {"status": "success"}}
        if end is not None:
            time = float(video.frame_timestamps[end]) + self.origin
            stop |= {"timestamp": time - zero, "app": _latest(self.windows, time)}
        return [*rows, {**stop, **shown(end)}]

    def _windows(self) -> list[tuple[float, Any]]:
        """(time, application in front), in order of time."""
        if "top_window.jsonl" not in self.paths:
            return []
        return [(time, record.get("top_window_name")) for time, record in read_timed(*self.paths["top_window.jsonl"])]

    def _elements(self) -> list[tuple[float, Any]]:
        """(time, role, name and box of the element under the pointer), in order of time."""
        if "element.jsonl" not in self.paths:
            return []
        found = []
        for time, record in read_timed(*self.paths["element.jsonl"]):
            tree = record.get("a11y_tree")
            top = accessibility_nodes({**tree, "Children": []})[0] if isinstance(tree, dict) else None
            if top is not None and top.box is not None:
                found.append((time, {"role": top.role, "name": top.name, "box": list(top.box)}))
        return found

    def _completeness(
        self,
        events: list[Event],
        sights: list[Sight],
        trees: list[dict[str, Any]],
        numbers: list[int | None],
        steps: list[dict[str, Any]],
        video: StoredVideo,
        beyond: dict[str, Any] | None,
    ) -> dict[str, Any]:
        """What is missing, what was chosen among several, and what a consumer must know of the coordinates."""
        with_tree = {row["step"] for row in trees}
        size = {axis: video.stream[axis] for axis in ("width", "height")}
        return {
            "screenshots": {
                "stream": STREAM,
                "frames": numbers,
                "missing_steps": [row["step"] for row in steps if row["screenshot"] is None],
            },
            "trees_missing_steps": [i for i in range(len(steps)) if i not in with_tree],
            "clock": {
                "chosen": self.clock,
                "candidates": {name: round(time - self.origin, 4) for name, time in self.clocks.items()},
                "unit": "seconds after the chosen one",
            },
            "video_scale": {**size, "x": size["width"] / self.width, "y": size["height"] / self.height},
            "geometry": geometry(sights, self.origin),
            "outside_screen": beyond,
            "holes": holes(events, self.origin),
            "person_labels": sum(event.label is not None for event in events),
            "added_steps": [len(events)],
            "absent_files": [name for name in OPTIONAL if name not in self.paths],
            "dropped": ["audio", "account in the folder's name", "model, processor and host in the metadata"],
        }


def clock_candidates(metadata: Mapping[str, Any]) -> dict[str, float]:
    """Recorded times, in seconds of the recorder's clock, that may be the start of the video, by name."""
    found: dict[str, float] = {}
    start = metadata.get("video_start_timestamp")
    if isinstance(start, (int, float)):
        found["video_start_timestamp"] = float(start)
    states = metadata.get("obs_record_state_timings")
    for name in ("OBS_WEBSOCKET_OUTPUT_STARTING", "OBS_WEBSOCKET_OUTPUT_STARTED"):
        times = states.get(name) if isinstance(states, dict) else None
        for i, time in enumerate(times or []):
            found[name if not i else f"{name}[{i}]"] = float(time)
    return found


def _folders(uri: str) -> dict[str, dict[str, SourceFile]]:
    """Recording folders below a URI: folder relative to the source → file name → file.

    A folder counts where one of the format's own files lies in it, so that one that lacks another is seen.
    """
    files = _listed(uri)
    grouped: dict[str, dict[str, SourceFile]] = {}
    for file in files:
        grouped.setdefault(posixpath.dirname(file.name), {})[posixpath.basename(file.name)] = file
    return {folder: members for folder, members in grouped.items() if members.keys() & {COMPLETE, VIS, "task_name.json"}}


def _listed(uri: str) -> list[SourceFile]:
    """All files of the folders that a URI points at or into, names relative to the source."""
    fs, path = filesystem(uri)
    if uri.endswith("**") or (not is_glob(uri) and (fs.isdir(path) or not fs.exists(path))):
        return list_files(uri)
    root = fs._strip_protocol(fixed_part(uri))
    matches = [path] if not is_glob(uri) else sorted(fs.glob(path))
    folders = sorted({match if fs.isdir(match) else posixpath.dirname(match) for match in matches})
    if not folders:
        raise Rejected("source_empty", f"{uri} matches nothing; check the pattern")
    found: dict[str, SourceFile] = {}
    for folder in folders:
        below = posixpath.relpath(folder, root)
        for file in list_files(str(fs.unstrip_protocol(folder))):
            found[file.uri] = replace(file, name=posixpath.normpath(posixpath.join(below, file.name)))
    return list(found.values())


def _latest(timed: list[tuple[float, Any]], time: float, age: float | None = None) -> Any:
    """The last value at or before a time, if it is not older than `age` seconds; else None."""
    i = bisect.bisect_right([t for t, _ in timed], time) - 1
    return timed[i][1] if i >= 0 and (age is None or time - timed[i][0] <= age) else None


def _whole(metadata: Mapping[str, Any], key: str) -> int:
    value = metadata.get(key)
    if not isinstance(value, (int, float)) or value < 1:
        raise Rejected("metadata_malformed", f"metadata.json needs `{key}`, the screen's size in pixels; it has {value!r}")
    return int(value)


READER = AgentNet
