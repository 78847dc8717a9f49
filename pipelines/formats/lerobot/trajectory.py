"""One LeRobot episode as a trajectory: its checked rows and cameras as stored columns, its header, what is amiss with it.

What its columns become is said in `pipelines.sources.lerobot`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.formats.lerobot.episode import Episode
from pipelines.formats.lerobot.features import EVENTS, LANGUAGE, MEDIA_TYPES, PERSISTENT, Feature, column_of, mapped
from pipelines.formats.lerobot.fields import EEF_POSE, GRIPPER, POSES, TIMES, FieldMap, entries_of, feature_of, opening, poses
from pipelines.formats.lerobot.language import annotations_of, said_rows
from pipelines.formats.lerobot.parquet import DataFile, embedded_images, language_column, matrix, read_columns, undeclared
from pipelines.formats.lerobot.streams import UNIT_KEYS, Camera, VideoFiles, image_camera, video_camera
from pipelines.formats.task_ids import task_id
from pipelines.io.media import MediaWriter
from pipelines.sources import Rejected, Trajectory

Columns = dict[str, pa.Array]

_RESTORED = (
    "agent", "agent_type", "score", "attempt", "scene", "group", "action_space", "reference_frame", "success", "success_by",
    "started_at",
)  # fmt: skip
"""Columns of `trajectories` that an export of ours carries in its index."""


def read_episode(
    data: DataFile, episode: Episode, fields: FieldMap, videos: VideoFiles, media: MediaWriter, looked_at: int
) -> Trajectory:
    """One episode of an open data file. Raises Rejected."""
    if not data.rows_of(episode):
        if episode.shared:
            message = f"{data.name} holds no row of {episode.native_id}, which has {episode.length} in the index: the file is of another copy"
            raise Rejected("length_mismatch", message, {"rows": 0, "length": episode.length})
        return Trajectory(episode.native_id, {"domain": "robot"}, {"robot_steps": []})
    columns = read_columns(data, episode, fields)
    check_rows(columns, data.name, episode)
    cameras = _cameras(data, episode, columns, videos, media, looked_at)
    language = _language(data, episode)
    return trajectory(columns, cameras, episode, fields, language, undeclared(data, episode))


def check_rows(columns: Columns, name: str, episode: Episode) -> None:
    """Refuse rows that are not this episode's in order.

    Raises Rejected: `length_mismatch`, `frame_index_gap`, `episode_mismatch`, `timestamp_back`.
    """
    rows = len(columns["timestamp"])
    if rows != episode.length:
        raise Rejected(
            "length_mismatch",
            f"{name} holds {rows} rows of {episode.native_id}, the index says length {episode.length}{_range_said(episode)}: "
            "copy the file again, or mend the index",
            {"rows": rows, "length": episode.length},
        )
    for key, wanted, code in (
        ("frame_index", np.arange(rows), "frame_index_gap"),
        ("episode_index", np.full(rows, episode.episode_index), "episode_mismatch"),
    ):
        if key in columns:
            wrong = np.flatnonzero(np.asarray(columns[key]) != wanted)
            if len(wrong):
                row, found = int(wrong[0]), columns[key][int(wrong[0])].as_py()
                raise Rejected(
                    code, f"{name}: row {row} has {key} {found}, it should be {wanted[row]}", {"step": row, "found": found}
                )
    back = np.flatnonzero(np.diff(_times(columns)) < 0)
    if len(back):
        row = int(back[0]) + 1
        before, after = (columns["timestamp"][i].as_py() for i in (row - 1, row))
        raise Rejected(
            "timestamp_back",
            f"{name}: the timestamp goes back from {before:.6g} s in row {row - 1} to {after:.6g} s in row {row}",
            {"step": row, "before": before, "after": after},
        )


def trajectory(
    columns: Columns,
    cameras: list[Camera],
    episode: Episode,
    fields: FieldMap,
    language: Mapping[str, list[list[dict[str, Any]]]],
    further: list[str],
) -> Trajectory:
    """The trajectory of checked columns; `further`: columns of the file that info.json does not declare."""
    times = _times(columns)
    regular, completeness = _regularity(times, episode.fps)
    completeness |= dict(episode.amiss) | _index_shifted(columns, episode)
    completeness |= {f"stream {camera.stream['name']}": camera.amiss for camera in cameras if camera.amiss}
    completeness |= {"columns_not_declared": further} if further else {}
    known = (*MEDIA_TYPES, LANGUAGE)
    left_out = sorted(k for k, f in episode.features.items() if f.element is None and f.dtype not in known)
    completeness |= {"features_left_out": {k: episode.features[k].dtype for k in left_out}} if left_out else {}
    unknown = [task for task in episode.tasks if task not in episode.task_indices]
    completeness |= {"tasks_not_in_tasks_jsonl": unknown} if unknown else {}
    ours = episode.rest.get("cairn")
    restored = _restored(ours)
    instruction = "\n".join(task for task in episode.tasks if task) or _said_in(columns, fields)
    identifier = task_id(instruction) if instruction else None
    outcome = None if fields.success is None else columns.get(fields.success)
    success = outcome[-1].as_py() if outcome is not None and outcome.type == pa.bool_() else None
    header = {
        "domain": "robot",
        "task_id": identifier,
        "instruction": instruction,
        "embodiment": episode.robot_type or None,
        "success": success,
        "success_by": None if success is None else "source",
        "fps": episode.fps if regular else None,
        "state_names": _names(episode, fields.state),
        "action_names": _names(episode, fields.action),
        "action_space": fields.action_space,
        "reference_frame": fields.reference_frame,
        "streams": _streams(cameras, ours),
        "completeness": completeness,
        "extras": _extras(columns, episode, regular, language),
    } | restored
    tables: dict[str, Any] = {
        "robot_steps": step_columns(columns, cameras, episode, fields, language),
        "videos": [row for camera in cameras for row in camera.videos],
        "images": [row for camera in cameras for row in camera.images],
        "tasks": [{"task_id": identifier, "domain": "robot", "instruction": instruction}] if identifier else [],
    }
    statements = annotations_of((language.get(PERSISTENT) or [[]])[0], times)
    return Trajectory(episode.native_id, header, tables, tuple(statements))


def step_columns(
    columns: Columns,
    cameras: list[Camera],
    episode: Episode,
    fields: FieldMap,
    language: Mapping[str, list[list[dict[str, Any]]]],
) -> dict[str, Any]:
    """Columns of `robot_steps`, native ones among them."""
    times = _recorded_times(columns)
    rows = len(times)
    steps = np.arange(rows)

    def take(place: str) -> npt.NDArray[np.float64]:
        feature = feature_of(place)
        if feature not in columns or not episode.features[feature].numeric:
            raise Rejected(
                "field_map_wrong", f"the field map names {feature!r}, and the dataset has no such feature of numbers"
            )
        values, entries = matrix(columns[feature]), entries_of(place)
        return values if entries is None else values[:, entries]

    ours = episode.rest.get("cairn")
    made_up = isinstance(ours, Mapping) and ours.get("times_recorded") is False  # of an export of ours, whose source had none
    found: dict[str, Any] = {
        "step": pa.array(steps, pa.int32()),
        "timestamp": None if made_up else pa.array(times - times[0]),
        "is_first": pa.array(steps == 0),
        "is_last": pa.array(steps == rows - 1),
        "frames": [list(frames) for frames in zip(*(camera.frames for camera in cameras), strict=True)] or None,
        "state": _joined(columns, episode, fields.state, take),
        "action": _joined(columns, episode, fields.action, take),
    }
    for key, target in ((fields.reward, "reward"), (fields.terminal, "is_terminal")):
        if key is not None and key in columns and mapped(key, episode.features[key], fields):
            found[target] = columns[key]
    if found["action"] is not None:
        found["action_kind"] = pa.repeat("control", rows)
    if fields.gripper is not None:
        found["gripper"] = pa.array(opening(fields.gripper, take), pa.float32())
    if (posed := poses(fields, take)) is not None:
        found["eef_pose"] = _lists(posed)
    for key, target in ((GRIPPER, "gripper"), (EEF_POSE, "eef_pose")):
        found |= {target: columns[key]} if key in columns else {}
    if any(key.startswith(POSES) for key in columns):
        moving = [columns.get(f"{POSES}{camera.stream['name']}") for camera in cameras]
        found["camera_poses"] = [[None if pose is None else pose[row].as_py() for pose in moving] for row in range(rows)]
    for key, feature in episode.features.items():
        column = column_of(key, feature, fields)
        if column is not None:
            found[column] = [said or None for said in language[key]] if key in language else columns.get(key)
    return found


def _joined(columns: Columns, episode: Episode, places: tuple[str, ...], take: Any) -> pa.Array | None:
    """State or action: the feature itself where it is one, else the entries of all places side by side; None where absent."""
    if len(places) == 1 and entries_of(places[0]) is None:
        feature = episode.features.get(places[0])
        return (
            _vectors(columns[places[0]]) if feature is not None and mapped(places[0], feature, FieldMap(state=places)) else None
        )
    return _lists(np.hstack([take(place) for place in places])) if places else None


def _cameras(
    data: DataFile, episode: Episode, columns: Columns, videos: VideoFiles, media: MediaWriter, looked_at: int
) -> list[Camera]:
    """All cameras in order of feature name."""
    times = _times(columns)
    cameras = []
    for key in sorted(episode.features):
        feature = episode.features[key]
        if feature.dtype == "video":
            clip = episode.clips[key]
            cameras.append(video_camera(videos, clip, key, feature, times, episode.fps, media, looked_at))
        elif feature.dtype == "image":
            pictures = embedded_images(data, episode, key)
            cameras.append(image_camera(pictures, key, feature, times - times[0], episode.fps, media))
    return cameras


def _language(data: DataFile, episode: Episode) -> dict[str, list[list[dict[str, Any]]]]:
    """What each language column says, row by row; of `language_persistent` the first row, which all others repeat."""
    found = {}
    for key, feature in episode.features.items():
        if feature.dtype == LANGUAGE and (column := language_column(data, episode, key)) is not None:
            found[key] = said_rows(column.slice(0, 1) if key == PERSISTENT else column)
        elif feature.dtype == LANGUAGE and key == EVENTS:
            found[key] = [[]] * data.rows_of(episode)
    return found


def _extras(
    columns: Columns, episode: Episode, regular: bool, language: Mapping[str, list[list[dict[str, Any]]]]
) -> dict[str, Any]:
    extras: dict[str, Any] = {
        "episode_index": episode.episode_index,
        "codebase_version": episode.codebase_version,
        "split": episode.split,
        "task_index": None,
    }
    if "task_index" in columns:
        indices = np.asarray(columns["task_index"])
        starts = [0, *(np.flatnonzero(np.diff(indices)) + 1).tolist()]
        extras["task_index"] = int(indices[0])
        if len(starts) > 1:
            extras["task_index"] = [{"start": start, "task_index": int(indices[start])} for start in starts]
    if len(episode.tasks) > 1:
        extras["tasks"] = [{"task": task, "task_index": episode.task_indices.get(task)} for task in episode.tasks]
    if not regular:
        extras["fps"] = episode.fps
    if columns["timestamp"][0].as_py() != 0:
        extras["first_timestamp"] = columns["timestamp"][0].as_py()
    if persistent := (language.get(PERSISTENT) or [[]])[0]:
        extras[PERSISTENT] = persistent
    if depth := {k: said for k, f in episode.features.items() if f.declared("is_depth_map") and (said := _depth_said(f))}:
        extras["depth"] = depth
    ours = episode.rest.get("cairn")
    rest = {key: value for key, value in episode.rest.items() if key not in ("cairn", "dataset_from_index")}
    if isinstance(ours, Mapping) and ours.get("extras"):
        extras["before_export"] = ours["extras"]
    return extras | ({"episode": rest} if rest else {})


def _depth_said(feature: Feature) -> dict[str, Any]:
    """How the numbers of a depth map become metres, as the info block says it."""
    return {key: feature.declared(key) for key in UNIT_KEYS if feature.declared(key) is not None}


def _restored(ours: Any) -> dict[str, Any]:
    """Columns of `trajectories` that an export of ours kept in the index."""
    return {key: ours[key] for key in _RESTORED if key in ours} if isinstance(ours, Mapping) else {}


def _streams(cameras: list[Camera], ours: Any) -> list[dict[str, Any]]:
    """Entries of `trajectories.streams`, with the calibration that an export of ours kept per episode."""
    said = ours.get("streams", {}) if isinstance(ours, Mapping) else {}
    kept = ("intrinsics", "extrinsics", "depth_unit")
    return [c.stream | {k: v for k, v in said.get(c.stream["name"], {}).items() if k in kept} for c in cameras]


def _said_in(columns: Columns, fields: FieldMap) -> str | None:
    """The instruction in columns of words, of the first row; several are lines. An empty text is no instruction."""
    said = [columns[name][0].as_py() for name in fields.instruction if name in columns]
    return "\n".join(dict.fromkeys(text for text in said if isinstance(text, str) and text.strip())) or None


def _index_shifted(columns: Columns, episode: Episode) -> dict[str, Any]:
    """Whether the rows' `index` is not what the index of episodes says: readers that go by it get other rows."""
    first = episode.rest.get("dataset_from_index")
    if first is None or "index" not in columns or columns["index"][0].as_py() == first:
        return {}
    return {"index_shifted": {"dataset_from_index": first, "found": columns["index"][0].as_py()}}


def _range_said(episode: Episode) -> str:
    said = episode.amiss.get("index_range")
    return f" (dataset_to_index - dataset_from_index = {said['dataset_to_index'] - said['dataset_from_index']})" if said else ""


def _regularity(times: npt.NDArray[np.float64], fps: float) -> tuple[bool, dict[str, Any]]:
    """Whether all intervals are 1 / fps within 0.1 ms (LeRobot's own tolerance) or what float32 can tell, and if not, how not."""
    tolerance = max(1e-4, 2 * float(np.spacing(np.float32(np.abs(times).max()))))
    intervals = np.diff(times)
    off = np.flatnonzero(np.abs(intervals - 1 / fps) > tolerance)
    if not len(off):
        return True, {}
    first = int(off[0])
    said = {
        "count": len(off),
        "first_step": first + 1,
        "found": round(float(intervals[first]), 6),
        "expected": round(1 / fps, 6),
    }
    return False, {"irregular_intervals": said}


def _names(episode: Episode, places: tuple[str, ...]) -> list[str] | None:
    """Names of the joined entries; None unless each place has names."""
    names: list[str] = []
    for place in places:
        feature = episode.features.get(feature_of(place))
        found = feature.dimension_names if feature is not None else None
        if feature is None or not feature.numeric or len(feature.shape) > 1 or found is None:
            return None
        names += found[entries_of(place) or slice(None)]
    return names


def _vectors(column: pa.Array) -> pa.Array:
    """Numbers as vectors of one dimension; vectors as they are."""
    if isinstance(column, pa.ListArray):
        return column
    return pa.ListArray.from_arrays(pa.array(np.arange(len(column) + 1), pa.int32()), column)


def _lists(values: npt.NDArray[np.float64]) -> pa.Array:
    """A matrix [rows, dimensions] as lists of float32."""
    offsets = pa.array(np.arange(len(values) + 1) * values.shape[1], pa.int32())
    return pa.ListArray.from_arrays(offsets, pa.array(values.astype(np.float32).ravel()))


def _times(columns: Columns) -> npt.NDArray[np.float64]:
    return np.asarray(columns["timestamp"]).astype(np.float64)


def _recorded_times(columns: Columns) -> npt.NDArray[np.float64]:
    """The times of the steps: those that an export of ours kept beside LeRobot's even ones, where there are such."""
    return np.asarray(columns[TIMES]).astype(np.float64) if TIMES in columns else _times(columns)
