"""DROID as its makers recorded it (https://droid-dataset.github.io): per episode a folder with `trajectory.h5`, `metadata_<id>.json`
and `recordings/MP4/<serial>.mp4`. Stereo videos and SVO files are not read.

* A step is a row of trajectory.h5, its time `observation/timestamp/control/step_start` (milliseconds).
* `state`: joints and gripper as measured; `action`: joints and gripper as commanded. The source's gripper is 0 open, 1 closed;
  `gripper` is 1 open. The end effector's pose is x y z and Euler angles about the fixed axes, in the robot's base.
* A video's frame belongs to the step whose capture time is nearest where `<serial>_timestamps.json` is there, else frame n to
  step n; a difference in number is said.
* Extrinsics are those of the left eye, camera to base; the makers say themselves that they are noisy.
* People's names and paths of the recording machine stay out; `agent` is the recorder's own pseudonym.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field, field_validator

from pipelines.extras import library
from pipelines.formats.arrays.cameras import poses_per_step
from pipelines.formats.arrays.episode import episode_trajectory
from pipelines.formats.arrays.fields import Fields, Gripper, replaced
from pipelines.formats.arrays.rotations import camera_poses
from pipelines.formats.hdf5.file import EXTRA, Hdf5Episode, bytes_beyond_end, open_hdf5
from pipelines.formats.video.look import store_looked_at
from pipelines.io.files import list_files
from pipelines.io.media import MediaWriter
from pipelines.io.video import nearest_frames
from pipelines.shard import Ref, Reject, SourceFile
from pipelines.sources import LocalFiles, Options, Rejected, Source, Trajectory

DATA = "trajectory.h5"
ROLES = ("wrist", "ext1", "ext2")
STEP_START = "observation/timestamp/control/step_start"
FIELDS = Fields(
    state=("observation/robot_state/joint_positions", "observation/robot_state/gripper_position"),
    state_names=(*(f"joint{i}" for i in range(1, 8)), "gripper_closed"),
    action=("action/joint_position", "action/gripper_position"),
    action_names=(*(f"joint{i}" for i in range(1, 8)), "gripper_closed"),
    action_space="absolute joint positions, radians; gripper 0 open, 1 closed",
    reference_frame="base",
    eef_position="observation/robot_state/cartesian_position[0:3]",
    eef_rotation="observation/robot_state/cartesian_position[3:6]",
    rotation="euler_xyz",
    gripper=Gripper(key="observation/robot_state/gripper_position", closed=1.0, open=0.0),
    timestamp=STEP_START,
    timestamp_unit="ms",
)

_PRIVATE = ("user", "hdf5_path", "svo_path", "mp4_path")


class DroidOptions(Options):
    """`fields`: entries of the field map in place of `FIELDS`."""

    fields: dict[str, Any] = Field(default_factory=dict)

    @field_validator("fields")
    @classmethod
    def _known(cls, value: dict[str, Any]) -> dict[str, Any]:
        replaced(FIELDS, value)
        return value


class Droid:
    """Reads raw DROID episodes."""

    version: ClassVar[str] = "2"
    native: ClassVar[bool] = True
    options: ClassVar[type[Options]] = DroidOptions

    def plan(self, source: Source) -> Iterator[Ref | Reject]:
        """A ref per folder with a trajectory.h5. Rejects `metadata_missing`: such an episode was never completed; `trajectory_missing`.

        Raises Rejected (`extra_missing`).
        """
        library("h5py", EXTRA, "reading DROID's HDF5")
        files = list_files(source.uri)
        for data in files:
            if posixpath.basename(data.name) != DATA:
                continue
            folder = posixpath.dirname(data.name)
            own = [file for file in files if posixpath.dirname(file.name) == folder and _is_metadata(file)]
            if not own:
                message = f"{data.name} has no metadata_<id>.json beside it: the episode was not completed; leave it out"
                yield Reject("plan", source.name, data.name, folder or None, "metadata_missing", message)
                continue
            yield Ref(_named(own[0]), (data, own[0], *_videos(files, folder)))
        whole = {posixpath.dirname(file.name) for file in files if posixpath.basename(file.name) == DATA}
        for file in files:
            if _is_metadata(file) and posixpath.dirname(file.name) not in whole:
                message = (
                    f"{file.name} has no {DATA} beside it: the episode was not copied whole; copy it again, or leave it out"
                )
                yield Reject("plan", source.name, file.name, _named(file), "trajectory_missing", message)

    def native_columns(self, source: Source) -> Mapping[str, str]:
        """The further columns of the field map."""
        return _fields(source).native

    def read(self, source: Source, ref: Ref, files: LocalFiles, media: MediaWriter) -> Iterable[Trajectory | Reject]:
        """The one trajectory of a folder. Raises Rejected: `metadata_damaged`, `length_mismatch`, and of HDF5 and video."""
        data, metadata, *rest = ref.files
        said = _metadata(files[metadata.name].read_bytes(), metadata.name)
        with open_hdf5(files[data.name], data.name) as opened:
            arrays = Hdf5Episode(opened, "", ref.native_id)
            extras = {key: value for key, value in said.items() if not key.endswith(_PRIVATE)}
            found = episode_trajectory(arrays, _fields(source), media, {"metadata": extras}, _header(said, arrays))
            arrays.check_the_rest(set())
            if beyond := bytes_beyond_end(files[data.name]):
                found.header["completeness"]["bytes_beyond_end"] = beyond
            yield _with_videos(found, arrays, said, {file.name: files[file.name] for file in rest}, media)


READER = Droid


def _fields(source: Source) -> Fields:
    return replaced(FIELDS, source.options.fields) if isinstance(source.options, DroidOptions) else FIELDS


def _is_metadata(file: SourceFile) -> bool:
    name = posixpath.basename(file.name)
    return name.startswith("metadata_") and name.endswith(".json")


def _named(metadata: SourceFile) -> str:
    return posixpath.basename(metadata.name).removeprefix("metadata_").removesuffix(".json")


def _videos(files: list[SourceFile], folder: str) -> list[SourceFile]:
    place = posixpath.join(folder, "recordings/MP4")
    own = [file for file in files if posixpath.dirname(file.name) == place]
    return [f for f in own if f.name.endswith("_timestamps.json") or (f.name.endswith(".mp4") and "stereo" not in f.name)]


def _metadata(data: bytes, name: str) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Rejected("metadata_damaged", f"{name} is not JSON ({error}): copy it again") from error
    if not isinstance(found, dict):
        raise Rejected("metadata_damaged", f"{name} is no object: it is not DROID's metadata")
    return found


def _header(said: Mapping[str, Any], arrays: Hdf5Episode) -> dict[str, Any]:
    """Header columns from the metadata; the task's words are those that its collector chose."""
    steps = len(arrays.array(STEP_START)) if STEP_START in arrays.names() else None
    declared = said.get("trajectory_length")
    if isinstance(declared, int) and steps is not None and declared != steps:
        message = f"{arrays.native_id}: trajectory_length is {declared}, trajectory.h5 holds {steps} steps: copy it again"
        raise Rejected("length_mismatch", message, {"rows": steps, "trajectory_length": declared})
    started = [int(time) for time in arrays.array(STEP_START).reshape(-1)[:1]] if steps else []
    success = said.get("success")
    return {
        "instruction": said.get("current_task") if isinstance(said.get("current_task"), str) else None,
        "success": success if isinstance(success, bool) else None,
        "success_by": "source" if isinstance(success, bool) else None,
        "embodiment": "Franka Panda, Robotiq 2F-85",
        "agent": said.get("user_id"),
        "agent_type": "human",
        "scene": None if said.get("scene_id") is None else str(said["scene_id"]),
        "started_at": datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=started[0]) if started else None,
    }


def _with_videos(
    found: Trajectory, arrays: Hdf5Episode, said: Mapping[str, Any], paths: Mapping[str, Path], media: MediaWriter
) -> Trajectory:
    """The trajectory with a stream per video, named by the camera's role, else by its serial number."""
    steps: dict[str, Any] = found.tables["robot_steps"]  # type: ignore[assignment]
    rows = len(steps["step"])
    roles = {str(said.get(f"{role}_cam_serial")): role for role in ROLES}
    by_stem = {posixpath.basename(name): path for name, path in paths.items()}
    streams, videos, frames, moving = [], [], [], []
    used: set[str] = set()
    serials = {roles.get(stem[:-4], stem[:-4]): stem[:-4] for stem in by_stem if stem.endswith(".mp4")}
    for name, serial in sorted(serials.items()):
        stored, odd = store_looked_at(by_stem[f"{serial}.mp4"], f"recordings/MP4/{serial}.mp4", name, media)
        own, amiss = _frames(arrays, serial, by_stem.get(f"{serial}_timestamps.json"), len(stored.frame_timestamps), rows, used)
        poses = _extrinsics(arrays, serial, stored.stream, rows, used)
        streams.append(stored.stream)
        videos += stored.rows
        frames.append(own)
        moving.append(poses)
        if amiss | odd:
            found.header["completeness"][f"stream {name}"] = amiss | odd
    _take_out(found.header["completeness"], used)
    lacking = [role for serial, role in roles.items() if serial != "None" and role not in serials]
    if lacking:
        found.header["completeness"]["videos_absent"] = lacking
    columns = {
        **steps,
        "frames": [list(row) for row in zip(*frames, strict=True)] or None,
        "camera_poses": poses_per_step(moving, rows),
    }
    header = {**found.header, "streams": streams}
    header["extras"] = {**header["extras"], "serials": serials}
    return Trajectory(found.native_id, header, {**found.tables, "robot_steps": columns, "videos": videos})


def _take_out(completeness: dict[str, Any], used: set[str]) -> None:
    """The arrays that belong to a video were not in the field map, but are not left out."""
    rest = [key for key in completeness.pop("arrays_left_out", ()) if key not in used]
    if rest:
        completeness["arrays_left_out"] = rest


def _frames(
    arrays: Hdf5Episode, serial: str, stamps: Path | None, count: int, rows: int, used: set[str]
) -> tuple[list[int | None], dict[str, Any]]:
    """The frame of each step, and what is odd: by capture time (ms) where the recorder kept the frames' times, else by number."""
    amiss: dict[str, Any] = {} if count == rows else {"rows": rows, "frames": count}
    key = f"observation/timestamp/cameras/{serial}_estimated_capture"
    if stamps is not None and key in arrays.names():
        times = _stamps(stamps.read_bytes())
        if len(times) == count and (np.diff(times) >= 0).all():
            used.add(key)
            half = float(np.median(np.diff(times))) / 2 if len(times) > 1 else 0.0
            found = nearest_frames(arrays.array(key).astype(np.float64), times, half)
            lost = sum(frame is None for frame in found)
            return found, amiss | ({"steps_without_frame": lost} if lost else {})
        amiss["timestamps_unfit"] = {"frames": count, "timestamps": len(times)}
    return [step if step < count else None for step in range(rows)], amiss


def _stamps(data: bytes) -> npt.NDArray[np.float64]:
    """The frames' times of a `<serial>_timestamps.json`; none where it holds no numbers."""
    try:
        times = np.asarray(json.loads(data), np.float64)
    except (ValueError, TypeError, OverflowError, RecursionError):
        return np.array([])  # said by the caller: there are not as many times as frames
    return times if times.ndim == 1 and np.isfinite(times).all() else np.array([])


def _extrinsics(
    arrays: Hdf5Episode, serial: str, stream: dict[str, Any], rows: int, used: set[str]
) -> npt.NDArray[np.float64] | None:
    """Camera to base, of the left eye: into the stream where the camera stands still, else [T, 16]."""
    key = f"observation/camera_extrinsics/{serial}_left"
    if key not in arrays.names() or arrays.shape(key) != (rows, 6):
        return None
    used.add(key)
    poses = camera_poses(arrays.array(key))
    if np.ptp(poses, axis=0).max(initial=0) > 0:
        return poses
    stream["extrinsics"] = poses[0].tolist()
    return None
