"""From a bag to a trajectory: one pass over its messages, a clock per topic, a grid of steps, and what each topic gives a step."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.formats.arrays.places import looked_up
from pipelines.formats.arrays.rotations import quaternions
from pipelines.formats.ros.calibration import Calibrations
from pipelines.formats.ros.cameras import Camera, CameraTrack
from pipelines.formats.ros.clocks import Times, clock_times, gaps, taken
from pipelines.formats.ros.fields import Sampled, Topics
from pipelines.formats.ros.messages import Bag, field_of, numbers, stamp_of
from pipelines.formats.task_ids import task_id
from pipelines.io.media import MediaWriter
from pipelines.sources import Rejected, Trajectory

Row = list[float] | None

EPOCH = 946_684_800 * 10**9
"""Stamps before the year 2000 are no wall clock: a simulation or a machine counts from its own start."""


@dataclass
class Track:
    """The messages of one topic of numbers: its times of each clock, and the fields that are wanted."""

    log: list[int] = field(default_factory=list)
    publish: list[int | None] = field(default_factory=list)
    stamps: list[int | None] = field(default_factory=list)
    values: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    names: list[list[str] | None] = field(default_factory=list)
    times: Times = field(default_factory=lambda: np.array([], np.int64))
    order: npt.NDArray[np.int64] = field(default_factory=lambda: np.array([], np.int64))
    clock: dict[str, Any] = field(default_factory=dict)


@dataclass
class _Pass:
    """What one pass over a bag collects."""

    tracks: dict[str, Track]
    cameras: list[CameraTrack]
    calibrations: Calibrations


def bag_trajectory(bag: Bag, topics: Topics, native_id: str, media: MediaWriter, instruction: str | None = None) -> Trajectory:
    """The trajectory of a bag. Raises Rejected: `topic_missing`, `field_missing`, `clock_missing`, `rotation_unfit`, and as `Bag.messages`."""
    missing = sorted(topic for topic in _needed(topics) if topic not in bag.topics)
    if missing:
        known = ", ".join(f"{name} ({topic.type})" for name, topic in sorted(bag.topics.items())) or "none"
        raise Rejected("topic_missing", f"{bag.name} has no topic {missing[0]}; it has {known}", {"missing": missing})
    with media.scratch() as scratch:
        found = _collect(bag, topics, media, scratch)
        _set_clocks(found, topics)
        steps = _grid(found, topics, bag.name)
        cameras = [track.finish(topics, steps, found.calibrations) for track in found.cameras]
    streams = sorted((camera for camera in cameras if camera), key=lambda camera: str(camera.stream["name"]))
    sampled: dict[str, Any] = {}
    columns, state_names, action_names = _columns(found, topics, steps, streams, sampled)
    completeness: dict[str, Any] = {**bag.notes, **{f"stream {c.stream['name']}": c.said for c in streams}}
    completeness |= {f"stream {t.camera.stream}": {"left_out": t.left_out} for t in found.cameras if t.left_out}
    completeness |= {"sampling": sampled} if sampled else {}
    completeness |= _topics_without_place(bag, topics)
    header = _header(bag, topics, steps, instruction) | {
        "state_names": list(topics.state_names) if topics.state_names else state_names,
        "action_names": list(topics.action_names) if topics.action_names else action_names,
        "streams": [camera.stream for camera in streams],
        "completeness": completeness,
        "extras": _extras(bag, found, streams, steps),
    }
    if header["instruction"]:
        header["task_id"] = task_id(header["instruction"])
    tables: dict[str, Any] = {
        "robot_steps": columns,
        "images": [row for camera in streams for row in camera.images],
        "videos": [row for camera in streams for row in camera.videos],
        "tasks": [{"task_id": header["task_id"], "domain": "robot", "instruction": header["instruction"]}]
        if header["instruction"]
        else [],
    }
    return Trajectory(native_id, header, tables)


def _needed(topics: Topics) -> set[str]:
    """The topics without which there is no trajectory: those of steps, state and action, and the cameras."""
    found = {one.parts[0] for one in (*topics.state, *topics.action)} | {camera.topic for camera in topics.cameras}
    return found | ({topics.steps} if topics.steps else set())


def _collect(bag: Bag, topics: Topics, media: MediaWriter, scratch: Path) -> _Pass:
    """One pass: fields of the topics of numbers, pictures staged as they come, calibrations, transforms."""
    fields: dict[str, set[str]] = defaultdict(set)
    for one in topics.values:
        fields[one.parts[0]].add(one.parts[1])
    if topics.steps:
        fields[topics.steps] |= set()
    found = _Pass({topic: Track() for topic in fields}, [], Calibrations(topics, bag.name))
    found.cameras = [CameraTrack(camera, media, scratch, number) for number, camera in enumerate(topics.cameras)]
    by_topic = defaultdict(list)
    for track in found.cameras:
        by_topic[track.camera.topic].append(track)
    for received in bag.messages(topics.topics):
        topic = received.topic
        for camera in by_topic.get(topic, ()):
            camera.add(received)
        found.calibrations.add(received)
        if topic in found.tracks:
            _keep(found.tracks[topic], received.log_time, received.publish_time, received.message, fields[topic])
    found.calibrations.finish()
    return found


def _keep(track: Track, log: int, publish: int | None, message: Any, wanted: set[str]) -> None:
    track.log.append(log)
    track.publish.append(publish)
    track.stamps.append(stamp_of(message))
    for path in wanted:
        track.values[path].append(field_of(message, path))
    names = field_of(message, "name")
    track.names.append([str(n) for n in names] if isinstance(names, list | tuple) else None)


def _set_clocks(found: _Pass, topics: Topics) -> None:
    for topic, track in found.tracks.items():
        try:
            times, track.clock = clock_times(track.log, track.publish, track.stamps, topics.clocks.get(topic))
        except ValueError as error:
            raise Rejected("clock_missing", f"{topic}: {error}: choose another under `clocks`") from error
        track.order = np.argsort(times, kind="stable")
        track.times = times[track.order]


def _grid(found: _Pass, topics: Topics, name: str) -> Times:
    """The times of the steps, ns: of the messages of one topic, or at a rate over the time in which all topics of numbers speak."""
    if topics.steps:
        steps = found.tracks[topics.steps].times
        if not len(steps):
            raise Rejected("no_steps", f"{name}: {topics.steps}, whose messages are the steps, has none")
        return steps
    spoken = [track.times for track in found.tracks.values() if len(track.times)]
    if not spoken:
        raise Rejected("no_steps", f"{name}: none of the topics of the map has a message")
    first, last = max(int(times[0]) for times in spoken), min(int(times[-1]) for times in spoken)
    if last < first:
        raise Rejected("no_steps", f"{name}: its topics never speak at the same time; are their clocks the same? Set `clocks`")
    interval = 1e9 / (topics.rate or 1)
    count = int((last - first) / interval) + 1
    return first + np.round(np.arange(count) * interval).astype(np.int64)


def _sampled(found: _Pass, one: Sampled, steps: Times, sampled: dict[str, Any]) -> list[Any]:
    """The value of a place at each step, None for none."""
    topic, path, _ = one.parts
    track = found.tracks[topic]
    index, said = taken(steps, track.times, one.policy, one.max_age)
    if said.get("largest_age") or said["steps_without"] or said.get("messages_unused"):
        sampled[f"{topic}:{path}"] = said
    values = track.values[path]
    return [None if at < 0 else values[track.order[at]] for at in index]


def _rows(found: _Pass, one: Sampled, steps: Times, sampled: dict[str, Any]) -> tuple[list[Row], list[str] | None]:
    """Numbers of a place at each step, and the names that a JointState gives them. Values of other names are put in the first's order."""
    topic, path, part = one.parts
    track = found.tracks[topic]
    rows: list[Row] = []
    try:
        rows = [None if value is None else numbers(value) for value in _sampled(found, one, steps, sampled)]
    except TypeError as error:
        raise Rejected("field_missing", f"{one.at}: {error}") from error
    names = next((list(n) for n in track.names if n), None)
    widths = {len(row) for row in rows if row is not None}
    if len(widths) > 1:
        raise Rejected(
            "field_missing", f"{one.at} has {min(widths)} to {max(widths)} numbers; a column has as many in every step"
        )
    if names and any(n is not None and n != names for n in track.names):
        raise Rejected("field_missing", f"{topic}: the names of its values change on the way: {names} at first")
    if widths == {0} or not widths:
        raise Rejected("field_missing", f"{one.at}: the field is not there, or always empty")
    width = next(iter(widths))
    spelled = names if names and len(names) == width else [f"{path}[{i}]" for i in range(width)] if width > 1 else [path]
    if part is not None and part.stop > width:
        raise Rejected("field_missing", f"{one.at}: {path} has {width} numbers")
    chosen = part or slice(None)
    return [None if row is None else row[chosen] for row in rows], spelled[chosen]


def _joined(
    found: _Pass, places: tuple[Sampled, ...], steps: Times, sampled: dict[str, Any]
) -> tuple[list[Row] | None, list[str] | None]:
    """Places side by side; a step of which one is missing has none."""
    if not places:
        return None, None
    parts = [_rows(found, one, steps, sampled) for one in places]
    rows: list[Row] = []
    for values in zip(*(rows for rows, _ in parts), strict=True):
        whole = [value for value in values if value is not None]
        rows.append([number for value in whole for number in value] if len(whole) == len(values) else None)
    return rows, [name for _, names in parts for name in names or ()]


def _columns(
    found: _Pass, topics: Topics, steps: Times, cameras: list[Camera], sampled: dict[str, Any]
) -> tuple[dict[str, Any], list[str] | None, list[str] | None]:
    rows = len(steps)
    state, state_names = _joined(found, topics.state, steps, sampled)
    action, action_names = _joined(found, topics.action, steps, sampled)
    columns: dict[str, Any] = {
        "step": pa.array(np.arange(rows), pa.int32()),
        "timestamp": pa.array((steps - steps[0]) / 1e9),
        "state": state,
        "action": action,
        "action_kind": None if action is None else [None if value is None else "control" for value in action],
        "eef_pose": _eef(found, topics, steps, sampled),
        "is_first": pa.array(np.arange(rows) == 0),
        "is_last": pa.array(np.arange(rows) == rows - 1),
    }
    if topics.gripper:
        shut, wide = topics.gripper.closed, topics.gripper.open
        values, _ = _rows(found, topics.gripper, steps, sampled)
        columns["gripper"] = [None if value is None else (value[0] - shut) / (wide - shut) for value in values]
    if cameras:
        columns["frames"] = [[camera.frames[step] for camera in cameras] for step in range(rows)]
    if any(camera.poses for camera in cameras):
        columns["camera_poses"] = [[camera.poses[step] if camera.poses else None for camera in cameras] for step in range(rows)]
    for name, column in topics.columns.items():
        if column.type.startswith("list<"):
            columns[name] = _rows(found, column, steps, sampled)[0]
        else:
            columns[name] = _sampled(found, column, steps, sampled)
    return columns, state_names, action_names


def _eef(found: _Pass, topics: Topics, steps: Times, sampled: dict[str, Any]) -> list[Row] | None:
    if not topics.eef_position or not topics.eef_rotation:
        return None
    position, _ = _rows(found, topics.eef_position, steps, sampled)
    rotation, _ = _rows(found, topics.eef_rotation, steps, sampled)
    there = [i for i, (p, r) in enumerate(zip(position, rotation, strict=True)) if p is not None and r is not None]
    rows: list[Row] = [None] * len(steps)
    if not there:
        return rows
    try:
        turned = quaternions(np.array([rotation[i] for i in there]), topics.rotation)
    except ValueError as error:
        raise Rejected("rotation_unfit", f"{topics.eef_rotation.at}: {error}: say its form with `rotation`") from error
    for i, quaternion in zip(there, turned, strict=True):
        rows[i] = [*(position[i] or ()), *quaternion.tolist()]
    return rows


def _topics_without_place(bag: Bag, topics: Topics) -> dict[str, Any]:
    rest = {name: topic.declared for name, topic in sorted(bag.topics.items()) if name not in topics.topics and topic.declared}
    return {"topics_left_out": rest} if rest else {}


def _header(bag: Bag, topics: Topics, steps: Times, instruction: str | None) -> dict[str, Any]:
    said = {key: _attribute(bag.attributes, getattr(topics, key)) for key in ("instruction", "success", "embodiment")}
    success = said["success"]
    if isinstance(success, str):
        success = {"true": True, "1": True, "false": False, "0": False}.get(success.lower())
    intervals = np.diff(steps) / 1e9
    median = float(np.median(intervals)) if len(intervals) else 0.0
    regular = median > 0 and bool((np.abs(intervals - median) <= 1e-3 * median).all())
    return {
        "domain": "robot",
        "instruction": instruction or said["instruction"],
        "embodiment": said["embodiment"],
        "success": success if isinstance(success, bool) else None,
        "success_by": "source" if isinstance(success, bool) else None,
        "fps": round(1 / median, 6) if regular else None,
        "started_at": datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(steps[0]) // 1000)
        if steps[0] > EPOCH
        else None,
        "action_space": topics.action_space,
        "reference_frame": topics.reference_frame,
    }


def _attribute(attributes: Mapping[str, Any], place: str | None) -> Any:
    if place is None or not place.startswith("@"):
        return place
    return looked_up(attributes, place)


def _extras(bag: Bag, found: _Pass, cameras: list[Camera], steps: Times) -> dict[str, Any]:
    """The clocks of each topic, the first step's time on them, metadata of the bag, and gaps of the topics of numbers."""
    clocks = {topic: track.clock for topic, track in found.tracks.items()}
    clocks |= {
        track.camera.topic: camera.clock
        for track in found.cameras
        for camera in cameras
        if camera.stream["name"] == track.camera.stream
    }
    lost = {topic: said for topic, track in found.tracks.items() if (said := gaps(track.times, int(steps[0])))}
    return {
        "clocks": clocks,
        "first_step_ns": int(steps[0]),
        **({"gaps": lost} if lost else {}),
        **({"attributes": dict(bag.attributes)} if bag.attributes else {}),
    }
