"""RoboInter-Data (https://github.com/InternRobotics/RoboInter): a LeRobot v2.1 dataset whose columns `annotation.*` and
`Q_annotation.*` hold annotations as text, and what lies beside it (options `annotations`, `qsheet`, `range_nop`, `masks`).

Steps, videos and the other columns are read as by `lerobot`: `state` x y z rx ry rz gripper, `action` their delta. RoboInter
says neither frame nor units nor convention of rotation, so `eef_pose`, `gripper` and `reference_frame` are null unless `fields`
says them. Its annotations become imported ones, `quality` being its own rating (Primary, Secondary, none):

* `time_clip`, `substask`, `primitive_skill` → segments of `subtask` and `primitive_skill`; frames between clips stay unlabelled;
* `contact_frame` → an event of the layer `contact`; `affordance_box`, `contact_points`, `state_affordance` stand in its frame.
  The -1 and [] that follow a contact say the same again and are derived on export;
* `object_box`, `gripper_box` → a track each, `placement_proposal` → a box at a clip's last step, `trace` → paths of 10 steps,
  all in pixels of the primary camera's stream, scaled from `origin_shape`; without that they are refused;
* `instruction_add` → a layer of that name; the instruction is that of the table of tasks.

What is amiss is in `completeness.annotations`, with how often and the first case. Columns that the converter filled with zeros,
and a wrist video that is black, are missing, and said. Views of one recording share `group`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from annotators.annotation import Annotation
from pipelines.formats.lerobot.episode import episodes_of
from pipelines.formats.lerobot.fields import FieldMap, field_map
from pipelines.formats.robointer.black import is_black
from pipelines.formats.robointer.clips import at_contacts, clips_of, contact_events, contacts, language
from pipelines.formats.robointer.names import (
    ACTION,
    CAMERA_VIEW,
    COLUMNS,
    EPISODE_NAME,
    PIXELS,
    PRIMARY,
    STATE,
    WRIST,
    ZEROS_FROM,
)
from pipelines.formats.robointer.notes import Findings, Notes, notes_of_columns
from pipelines.formats.robointer.pixels import Screen, finger_points, gripper_path, one_box, placements, tracks
from pipelines.formats.robointer.sidecars import MASK_MAP, range_of, rated, read_sheet, segmentation
from pipelines.formats.robointer.stores import stored_notes
from pipelines.io.files import list_files
from pipelines.io.media import MediaWriter
from pipelines.shard import Ref, Reject
from pipelines.sources import LocalFiles, Options, Rejected, Source, Trajectory
from pipelines.sources.lerobot import LeRobot, LeRobotOptions
from schemas.identity import digest

FIELDS: Mapping[str, Any] = {
    "state": STATE,
    "action": ACTION,
    "action_space": "delta end-effector pose (x y z rx ry rz) and gripper command, as RoboInter derived it",
}

_ANNOTATIONS = frozenset(COLUMNS)


class RoboInterOptions(LeRobotOptions):
    """`fields`: entries of LeRobot's field map in place of `FIELDS`.

    `annotations`: the frame LMDB's folder, or a raw pickle, in place of the columns; `qsheet`, `range_nop`: those files;
    `masks`: the folder with `VideoID_2_SegmentationNPZ.json` and the npz files that it names.
    """

    uris: ClassVar[tuple[str, ...]] = ("annotations", "qsheet", "range_nop", "masks")
    annotations: str | None = None
    qsheet: str | None = None
    range_nop: str | None = None
    masks: str | None = None

    @property
    def map(self) -> FieldMap:
        """The field map that preset, `FIELDS` and recipe make."""
        return field_map(self.preset, {**FIELDS, **self.fields})


class RoboInter(LeRobot):
    """Reads RoboInter-Data."""

    version: ClassVar[str] = "2"
    options: ClassVar[type[Options]] = RoboInterOptions
    import_parameters: ClassVar[Mapping[str, Any]] = {
        "primary": "RoboInter's Primary: more stable",
        "secondary": "RoboInter's Secondary: acceptable, may have minor errors",
        "rubric": "its makers publish no written criteria",
    }
    """What the ratings mean, for the row of `runs`."""

    def plan(self, source: Source) -> Iterator[Ref | Reject]:
        """As `LeRobot.plan`; a ref changes with the files that the options name. Raises Rejected where one is not there."""
        beside = _beside(_options(source))
        for item in super().plan(source):
            if isinstance(item, Ref) and beside:
                yield replace(item, selector=f"{item.selector[:-1]},{json.dumps('beside')}:{json.dumps(beside)}}}")
            else:
                yield item

    def native_columns(self, source: Source) -> Mapping[str, str]:
        """LeRobot's but for the annotations and the episode's name and view."""
        found = super().native_columns(source)
        return {k: v for k, v in found.items() if k not in _ANNOTATIONS and k not in (EPISODE_NAME, CAMERA_VIEW)}

    def read(self, source: Source, ref: Ref, files: LocalFiles, media: MediaWriter) -> Iterable[Trajectory | Reject]:
        """The trajectories of a ref with their annotations. Raises Rejected as `LeRobot.read` and the readers of sidecars do."""
        stamp = json.loads(ref.selector).get("beside", "")
        videos = {episode.native_id: episode.clips for episode in episodes_of(ref.selector)}
        for item in super().read(source, ref, files, media):
            if isinstance(item, Reject):
                yield item
                continue
            clip = videos[item.native_id].get(WRIST)
            if clip is not None and clip.start is None and is_black(files[clip.file]):
                item = _without_stream(item, WRIST)
            try:
                yield annotated(item, _options(source), stamp)
            except Rejected as error:
                place = ref.files[0].name
                yield Reject("read", source.name, place, item.native_id, error.code, error.message, error.detail)


READER = RoboInter


def annotated(found: Trajectory, options: RoboInterOptions, stamp: str) -> Trajectory:
    """A LeRobot trajectory with RoboInter's columns as annotations."""
    findings = Findings()
    steps: dict[str, Any] = dict(found.tables["robot_steps"])  # type: ignore[arg-type]
    columns = {name: steps.pop(name) for name in list(steps) if name in _ANNOTATIONS}
    name, view = (_constant(steps.pop(key, None), key, findings) for key in (EPISODE_NAME, CAMERA_VIEW))
    length = len(steps["step"]) if "step" in steps else 0
    completeness = dict(found.header.get("completeness") or {})
    if zeros := _zero_filled(steps):
        completeness["zero_filled"] = zeros
        steps |= dict.fromkeys(zeros)
    notes = notes_of_columns(columns, findings) if columns and options.annotations is None else Notes({})
    known = name or found.native_id
    if options.annotations is not None and length:
        stored = stored_notes(options.annotations, stamp, known, length, findings)
        if stored is None:
            findings.add("not_in_annotations", f"{known} is not in {options.annotations.rsplit('/', 1)[-1]}")
        notes = stored or notes
    if options.qsheet is not None:
        notes = rated(notes, read_sheet(options.qsheet, stamp).get(known), known, findings)
    extras = {**(found.header.get("extras") or {}), "episode_name": name, "camera_view": view}
    extras |= {key: notes.first(key) for key in ("origin_shape", "segmentation")}
    if options.range_nop is not None and known in (ranges := read_sheet(options.range_nop, stamp)):
        extras["range_nop"] = range_of(ranges[known], length, findings)
    said = statements_of(notes, found, steps, length, options, stamp, known, findings)
    statements = {(one.layer, one.start, repr(one.payload)): one for one in said}.values()  # said twice is said once
    if findings.said:
        completeness["annotations"] = findings.said
    header = {**found.header, "completeness": completeness, "extras": {k: v for k, v in extras.items() if v is not None}}
    if name:
        header["group"] = found.header.get("group") or _recording(name, view)  # an export of ours says it
    return replace(
        found, header=header, tables={**found.tables, "robot_steps": steps}, annotations=(*found.annotations, *statements)
    )


def statements_of(
    notes: Notes,
    found: Trajectory,
    steps: Mapping[str, Any],
    length: int,
    options: RoboInterOptions,
    stamp: str,
    name: str,
    findings: Findings,
) -> Iterator[Annotation]:
    """All annotations of an episode."""
    clips = clips_of(notes, length, findings)
    yield from language(notes, length, clips, findings)
    events = contacts(notes, length, clips, findings)
    yield from contact_events(notes, events)
    for step, pose in at_contacts(notes, "state_affordance", length, events, findings):
        if not isinstance(pose, list) or len(pose) != 6 or not all(isinstance(number, int | float) for number in pose):
            findings.add("state_unfit", f"state_affordance: frame {step}: {str(pose)[:60]} is not [x, y, z, rx, ry, rz]")
            continue
        payload = {"space": "metric", "reference": "undeclared", "label": "state_affordance", "steps": [step], "points": [pose]}
        yield Annotation("state_affordance", payload, step, step + 1, quality=notes.quality("state_affordance"))
    screen = _screen(notes, found, steps, length, findings)
    if screen is None:
        return
    yield from tracks(notes, length, screen, findings)
    yield from placements(notes, length, clips, screen, findings)
    yield from gripper_path(notes, length, screen, findings)
    gripper = notes.of("gripper_box", length)
    for step, box in at_contacts(notes, "affordance_box", length, events, findings):
        if gripper[step] and gripper[step] != box:
            said = f"frame {step}: affordance_box is {box}, gripper_box {gripper[step]}; they should be the same at a contact"
            findings.add("affordance_differs", said)
        yield from one_box(notes, "affordance_box", "grasp", step, box, screen, findings)
    for step, points in at_contacts(notes, "contact_points", length, events, findings):
        yield from finger_points(notes, step, points, screen, findings)
    if options.masks is not None:
        yield from segmentation(notes, options.masks, stamp, name, screen, findings)


def _screen(notes: Notes, found: Trajectory, steps: Mapping[str, Any], length: int, findings: Findings) -> Screen | None:
    """The primary camera, where anything was said of its pixels; None with a finding where they cannot be placed."""
    origin = notes.first("origin_shape")
    if origin is None and all(notes.first(name) is None for name in PIXELS):
        return None
    if not isinstance(origin, list) or len(origin) != 2 or not all(isinstance(n, int) and n > 0 for n in origin):
        findings.add("origin_shape_missing", "origin_shape missing; pixel coordinates cannot be scaled, and are left out")
        return None
    streams = found.header.get("streams") or []
    place = next((i for i, stream in enumerate(streams) if stream["name"] == PRIMARY), None)
    if place is None or not streams[place].get("width"):
        findings.add("stream_missing", f"there is no {PRIMARY}, which annotations in pixels are about")
        return None
    of_step = steps.get("frames") or [[None] * len(streams)] * length
    frames = [row[place] if row is not None else None for row in of_step]
    stream = streams[place]
    return Screen(PRIMARY, stream["width"], stream["height"], (origin[0], origin[1]), frames)


def _options(source: Source) -> RoboInterOptions:
    return source.options if isinstance(source.options, RoboInterOptions) else RoboInterOptions()


def _beside(options: RoboInterOptions) -> str:
    """A digest of the versions of what the options name; empty where they name nothing."""
    found = []
    for name in options.uris:
        uri = getattr(options, name)
        if uri is not None:
            files = list_files(uri) if name != "masks" else list_files(f"{uri.rstrip('/')}/{MASK_MAP}")
            found += [[name, file.name, file.size, file.stamp] for file in files if not file.name.endswith("lock.mdb")]
    return digest(found)[:16] if found else ""


def _constant(column: pa.Array | None, name: str, findings: Findings) -> str | None:
    """The text that a column repeats."""
    said = sorted({text for text in column.to_pylist() if text}) if column is not None else []
    if len(said) > 1:
        findings.add(f"{name}_differs", f"{name} is {said[0]!r} and {said[1]!r} in one episode; the first counts")
    return said[0] if said else None


def _recording(name: str, view: str | None) -> str:
    """What the views of one recording share: DROID's name without the camera's, RH20T's without the last token, the serial."""
    if view and name.endswith(f"_{view}"):
        return name.removesuffix(f"_{view}")
    return name.rpartition("_")[0] if name.startswith("RH20T_") else name


def _zero_filled(steps: Mapping[str, Any]) -> list[str]:
    """Names of vectors that are zero in every row: poses and joints of which the converter had none."""
    found = []
    for name, column in steps.items():
        measured = name in ("state", "action") or not isinstance(column, pa.ListArray)
        if not measured and len(column) and pa.types.is_floating(column.type.value_type):
            values = np.asarray(column.flatten())
            if len(values) >= ZEROS_FROM * len(column) and not values.any():
                found.append(name)
    return sorted(found)


def _without_stream(found: Trajectory, name: str) -> Trajectory:
    """The trajectory without a stream that shows nothing."""
    streams = list(found.header["streams"])
    place = next(i for i, stream in enumerate(streams) if stream["name"] == name)
    del streams[place]
    steps: dict[str, Any] = dict(found.tables["robot_steps"])  # type: ignore[arg-type]
    steps["frames"] = [[frame for i, frame in enumerate(row) if i != place] for row in steps["frames"]] if streams else None
    completeness = {**(found.header.get("completeness") or {}), f"stream {name}": {"left_out": "all its frames are black"}}
    header = {**found.header, "streams": streams, "completeness": completeness}
    videos = [row for row in found.tables.get("videos") or () if isinstance(row, dict) and row["stream"] != name]
    return replace(found, header=header, tables={**found.tables, "robot_steps": steps, "videos": videos})
