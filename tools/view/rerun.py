"""`cairn view --rerun`: a trajectory as a recording of Rerun (https://rerun.io), to be looked at there in time and in space.

Two timelines: `step`, and `time` in seconds where the source recorded times. Pictures are below `cameras` (or `screen`, `grid`), what
was drawn on them below each picture; numbers are scalars, segments and texts a log. A camera whose calibration is known stands in
3-D where its extrinsics are (camera to reference, OpenCV axes), beside the path of the end effector.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np

from pipelines.errors import ConfigurationError
from pipelines.extras import library
from pipelines.sources import Rejected

from . import gui, robot
from .arc import PALETTE
from .overlays import overlays
from .pictures import Limits
from .rerun_marks import marks_of_step
from .said import Json, table_of
from .stored import Stored

EXTRA = "rerun"
_TEXTS = ("segments", "texts", "verdicts", "checks", "links")
"""Kinds that become lines of a log."""


@dataclass(frozen=True, slots=True)
class Recorder:
    """Writes to a recording at a step. `times`: seconds per step, None where the source recorded none."""

    rerun: ModuleType
    stream: Any
    times: Sequence[float | None]

    def at(self, step: int) -> None:
        """What is put next belongs to this step."""
        self.stream.reset_time()
        self.stream.set_time("step", sequence=step)
        if (time := self.times[step]) is not None:
            self.stream.set_time("time", duration=float(time))

    def put(self, place: list[str], *what: Any) -> None:
        """Something of the step at hand."""
        self.stream.log(place, *what, strict=True)

    def fixed(self, place: list[str], *what: Any) -> None:
        """Something that holds for the whole trajectory."""
        self.stream.log(place, *what, static=True, strict=True)


def write_recording(stored: Stored, path: Path, limits: Limits) -> list[str]:
    """Write a .rrd file; sentences about what is not shown.

    Raises ConfigurationError where the library is not installed (it names the extra).
    """
    try:
        rerun = library("rerun", EXTRA, "a recording of Rerun")
    except Rejected as error:
        raise ConfigurationError(error.message) from error
    view = stored.view
    stream = rerun.RecordingStream("cairn", recording_id=view.trajectory_id, send_properties=False)
    stream.set_log_tick_enabled(False)
    stream.set_log_time_enabled(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    stream.save(path)
    recorder = Recorder(rerun, stream, view.steps["timestamp"].to_pylist())
    recorder.fixed(["about"], rerun.TextDocument(_about(stored), media_type="text/markdown"))
    shown: dict[str, Callable[[Stored, Recorder, Limits], list[str]]] = {"robot": _robot, "gui": _gui, "arc": _arc}
    notes = shown[stored.domain](stored, recorder, limits)
    _words(stored, recorder)
    stream.flush()
    stream.disconnect()
    return notes


def _about(stored: Stored) -> str:
    """The header as a short text."""
    header = stored.view.header
    names = ("instruction", "task_id", "agent", "embodiment", "success", "source_name", "native_id", "license", "input_sha256")
    lines = [f"- **{name.replace('_', ' ')}**: {header[name]}" for name in names if header[name] is not None]
    return "\n".join([f"# {stored.view.trajectory_id}", "", *lines, *(f"- {sentence}" for sentence in stored.lacking)])


def _robot(stored: Stored, recorder: Recorder, limits: Limits) -> list[str]:
    """Cameras with what was drawn on them, numbers, the end effector."""
    streams = stored.view.header["streams"] or ()
    drawn, notes = overlays(stored), []
    for number, stream in enumerate(streams):
        try:
            found = robot.camera_pictures(stored, stream["name"], limits, len(streams))
        except robot.NOT_SHOWN as error:
            notes.append(f"{stream['name']} is not shown: {error}")
            continue
        notes += found.notes
        size = _size(next(iter(found.kept.values())))
        _calibration(stored, recorder, number, size)
        own = [mark for mark in drawn if mark["stream"] in (None, stream["name"])]
        for step, frame in enumerate(found.of_step):
            recorder.at(step)
            if frame is not None and frame in found.kept:
                picture = recorder.rerun.EncodedImage(contents=found.kept[frame], media_type="image/jpeg")
                recorder.put(_camera(stream), picture)
            _marks(recorder, _camera(stream), own, frame, step, found.size, size)
    _numbers(stored, recorder)
    return notes


def _camera(stream: Json) -> list[str]:
    return ["cameras", stream["name"]]


def _size(jpeg: bytes) -> tuple[int, int]:
    """Width and height of a picture that we encoded."""
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_UNCHANGED)
    if picture is None:
        raise ValueError("no JPEG")
    return int(picture.shape[1]), int(picture.shape[0])


def _marks(
    recorder: Recorder,
    place: list[str],
    own: list[Json],
    frame: int | None,
    step: int,
    of: tuple[int, int],
    size: tuple[int, int],
) -> None:
    """What is drawn on a picture at a step; a layer of which nothing holds now is emptied."""
    for layer, mark in marks_of_step(recorder.rerun, own, frame, step, of, size).items():
        recorder.put([*place, layer], mark)


def _calibration(stored: Stored, recorder: Recorder, number: int, size: tuple[int, int]) -> None:
    """Where a camera is and what it sees, for the size of the pictures that are shown."""
    stream = stored.view.header["streams"][number]
    if stream["intrinsics"]:
        fx, fy, cx, cy = stream["intrinsics"]
        x, y = size[0] / stream["width"], size[1] / stream["height"]
        lens = recorder.rerun.Pinhole(
            focal_length=[fx * x, fy * y],
            principal_point=[(cx + 0.5) * x - 0.5, (cy + 0.5) * y - 0.5],
            width=size[0],
            height=size[1],
        )
        recorder.fixed(_camera(stream), lens)
    if stream["extrinsics"]:
        recorder.fixed(_camera(stream), _pose(recorder.rerun, stream["extrinsics"]))
    for step, poses in enumerate(stored.view.steps["camera_poses"].to_pylist()):
        if poses and poses[number] is not None:
            recorder.at(step)
            recorder.put(_camera(stream), _pose(recorder.rerun, poses[number]))


def _pose(rerun: ModuleType, numbers: Sequence[float]) -> Any:
    matrix = np.reshape(numbers, (4, 4))
    return rerun.Transform3D(translation=matrix[:3, 3], mat3x3=matrix[:3, :3])


def _numbers(stored: Stored, recorder: Recorder) -> None:
    """State, action, gripper and reward as scalars, the end effector as a frame in space and its path."""
    header, steps, rerun = stored.view.header, stored.view.steps, recorder.rerun
    vectors = {name: steps[name].to_pylist() for name in ("state", "action")}
    vectors |= {name: [None if v is None else [v] for v in steps[name].to_pylist()] for name in ("gripper", "reward")}
    for name, rows in vectors.items():
        if all(row is None for row in rows):
            continue
        if names := header.get(f"{name}_names"):
            recorder.fixed([name], rerun.SeriesLines(names=names))
        for step, row in enumerate(rows):
            if row is not None:
                recorder.at(step)
                recorder.put([name], rerun.Scalars([np.nan if value is None else value for value in row]))
    path = [pose[:3] for pose in steps["eef_pose"].to_pylist() if pose is not None]
    if path:
        recorder.fixed(["end effector", "path"], rerun.LineStrips3D([path]))
    for step, pose in enumerate(steps["eef_pose"].to_pylist()):
        if pose is not None:
            recorder.at(step)
            quaternion = rerun.Quaternion(xyzw=pose[3:])
            recorder.put(["end effector", "now"], rerun.Transform3D(translation=pose[:3], quaternion=quaternion))


def _gui(stored: Stored, recorder: Recorder, limits: Limits) -> list[str]:
    """Screenshots, with where the action went and what was drawn on them."""
    rerun, rows, drawn = recorder.rerun, stored.view.steps.to_pylist(), overlays(stored)
    kept, notes = gui.screenshots(stored, rows, limits)
    for row in rows:
        step, own = row["step"], (row["frame_width"] or 1, row["frame_height"] or 1)
        recorder.at(step)
        size = _size(kept[step]) if step in kept else own
        if step in kept:
            recorder.put(["screen"], rerun.EncodedImage(contents=kept[step], media_type="image/jpeg"))
        points = [row["point"]] if row["point"] else []
        scale = np.divide(size, own)
        recorder.put(["screen", "action"], rerun.Points2D(np.reshape(points, (-1, 2)) * scale, radii=6.0))
        _marks(recorder, ["screen"], drawn, None, step, own, size)
    return notes


def _arc(stored: Stored, recorder: Recorder, limits: Limits) -> list[str]:
    """The grids before and after each operation, a pixel per cell."""
    palette = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in PALETTE], np.uint8)
    for row in stored.view.steps.to_pylist():
        recorder.at(row["step"])
        for side in ("before", "after"):
            if row[f"grid_{side}"]:
                recorder.put(["grid", side], recorder.rerun.Image(palette[np.array(row[f"grid_{side}"])]))
    return []


def _words(stored: Stored, recorder: Recorder) -> None:
    """Names of actions, segments and texts, as lines of a log at the step where each begins."""
    names = stored.view.steps["action_name"].to_pylist()
    for step, name in enumerate(names):
        if name is not None:
            recorder.at(step)
            recorder.put(["actions"], recorder.rerun.TextLog(name))
    rows = [entry.row for entry in stored.said]
    for entry, row, said in zip(stored.said, rows, table_of(stored.said), strict=True):
        if entry.kind not in _TEXTS or not said["says"]:
            continue
        start, end = row["start"] or 0, row["end"]
        until = f"  (until step {end - 1})" if end is not None and end - start > 1 else ""
        recorder.at(min(start, stored.view.num_steps - 1))
        recorder.put([entry.kind, row["layer"]], recorder.rerun.TextLog(f"{said['says']}{until}", level=row["status"]))
