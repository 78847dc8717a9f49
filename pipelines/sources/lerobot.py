"""LeRobot datasets, v2.0 and v2.1: a folder with `meta/info.json`, local or at any fsspec URI (`hf://datasets/org/name@rev`).

An episode is its parquet file and a video per camera. What its columns become:

* `observation.state`, `action` → `state`, `action`, in the source's own units, which LeRobot does not declare. For the same
  reason `eef_pose`, `gripper`, `action_space` and `reference_frame` are null. An action of every row is of kind `control`.
* `timestamp` → seconds from the first row, float64 of the float32 that was recorded. `fps` is null where the times do
  not follow info.json's; extras then hold its number.
* `next.reward` → `reward`; `next.done` → `is_terminal`, row by row. `is_first` and `is_last` are the first and the last row.
* `next.success` of the last row → `trajectories.success`, decided by the source; it stays a native column as well.
* `frame_index` must count 0, 1, 2, …; `episode_index` must be the episode's; `index` is the row's place in the dataset
  and is not kept (appending elsewhere moves it); `task_index` goes to extras.
* Every other feature is a native column (`pipelines.formats.lerobot.index.column_of`).

Streams carry the feature's whole name (`observation.images.top`), in order of name. LeRobot saves the observation before
the action of the same row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.formats.lerobot.index import (
    ACTION,
    DONE,
    EPISODES,
    INFO,
    MEDIA_TYPES,
    REWARD,
    STATE,
    SUCCESS,
    Episode,
    Index,
    column_of,
    mapped,
    meta_file,
    native_columns,
    native_id,
    parse_info,
    read_index,
    task_id,
)
from pipelines.formats.lerobot.parquet import embedded_images, open_parquet, read_columns, undeclared
from pipelines.formats.lerobot.streams import Camera, image_camera, video_camera
from pipelines.io.files import find_file, list_files, read_file
from pipelines.io.media import MediaWriter
from pipelines.shard import Ref, Reject, SourceFile
from pipelines.sources import LocalFiles, Options, Rejected, Source, Trajectory

Columns = dict[str, pa.Array]


class LeRobot:
    """Reads LeRobot v2.0 and v2.1. One instance reads a source's info.json for its native columns once."""

    version: ClassVar[str] = "1"
    native: ClassVar[bool] = True
    options: ClassVar[type[Options]] = Options

    def __init__(self) -> None:
        self._native: dict[str, Mapping[str, str]] = {}

    def plan(self, source: Source) -> Iterator[Ref | Reject]:
        """A ref per episode in order of episode_index, from one listing and the index.

        Rejects: `episode_files_missing` for an episode of the index whose files are not there, `episode_not_listed` for
        a parquet file that no episode of the index names, `meta_damaged` and `native_id_clash` for a line of the index
        that is broken or repeats another. Raises Rejected for an index that cannot be read.
        """
        yield from plan_listed(source, {file.name: file for file in list_files(source.uri)})

    def native_columns(self, source: Source) -> Mapping[str, str]:
        """Features beyond those of `robot_steps`, from info.json alone. Raises Rejected as `plan` does."""
        if source.uri not in self._native:
            found = find_file(source.uri, INFO)
            info = parse_info(read_file(meta_file({INFO: found} if found else {}, INFO)))
            self._native[source.uri] = native_columns(info)
        return self._native[source.uri]

    def read(self, source: Source, ref: Ref, files: LocalFiles, media: MediaWriter) -> Iterable[Trajectory | Reject]:
        """The one trajectory of an episode. Raises Rejected: see `pipelines.formats.lerobot.parquet`, `pipelines.io.video`, and below."""
        episode = Episode.from_selector(ref.selector)
        data, *videos = ref.files
        with open_parquet(files[data.name], data.name) as parquet:
            if not parquet.metadata.num_rows:
                yield Trajectory(episode.native_id, {"domain": "robot"}, {"robot_steps": []})
                return
            columns = read_columns(parquet, data.name, episode)
            check_rows(columns, data.name, episode)
            paths = [files[video.name] for video in videos]
            cameras = _cameras(parquet, data.name, paths, episode, columns, media)
            yield trajectory(columns, cameras, episode, undeclared(parquet, episode))


READER = LeRobot


def plan_listed(source: Source, files: Mapping[str, SourceFile]) -> Iterator[Ref | Reject]:
    """What `LeRobot.plan` gives for a listing, name → file: of the files themselves only the index is opened."""
    index = read_index(files)
    for episode, rejected in index.broken:
        yield Reject("plan", source.name, EPISODES, episode, rejected.code, rejected.message, rejected.detail)
    named: set[str] = set()
    for line in index.lines:
        names = index.files(line)
        named.update(names)
        missing = [name for name in names if name not in files]
        if missing:
            yield _files_missing(source, native_id(line.episode_index), names, missing, files)
        else:
            yield Ref(native_id(line.episode_index), tuple(files[name] for name in names), index.selector(line), line.length)
    if all(rejected.code == "native_id_clash" for _, rejected in index.broken):  # else a broken line may name them
        yield from _not_listed(source, index, named, files)


def check_rows(columns: Columns, name: str, episode: Episode) -> None:
    """Refuse rows that are not this episode's in order.

    Raises Rejected: `length_mismatch`, `frame_index_gap`, `episode_mismatch`, `timestamp_back`.
    """
    rows = len(columns["timestamp"])
    if rows != episode.length:
        raise Rejected(
            "length_mismatch",
            f"{name} holds {rows} rows, {EPISODES} says length {episode.length}: copy the file again, or mend the index",
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


def trajectory(columns: Columns, cameras: list[Camera], episode: Episode, further: list[str]) -> Trajectory:
    """The trajectory of checked columns; `further`: columns of the file that info.json does not declare."""
    regular, completeness = _regularity(_times(columns), episode.fps)
    completeness |= {f"stream {camera.stream['name']}": camera.amiss for camera in cameras if camera.amiss}
    completeness |= {"columns_not_declared": further} if further else {}
    left_out = sorted(k for k, f in episode.features.items() if f.element is None and f.dtype not in MEDIA_TYPES)
    completeness |= {"features_left_out": {k: episode.features[k].dtype for k in left_out}} if left_out else {}
    unknown = [task for task in episode.tasks if task not in episode.task_indices]
    completeness |= {"tasks_not_in_tasks_jsonl": unknown} if unknown else {}
    instruction = "\n".join(task for task in episode.tasks if task) or None
    identifier = task_id(instruction) if instruction else None
    success = columns[SUCCESS][-1].as_py() if SUCCESS in columns and columns[SUCCESS].type == pa.bool_() else None
    header = {
        "domain": "robot",
        "task_id": identifier,
        "instruction": instruction,
        "embodiment": episode.robot_type or None,
        "success": success,
        "success_by": None if success is None else "source",
        "fps": episode.fps if regular else None,
        "state_names": _names(episode, STATE),
        "action_names": _names(episode, ACTION),
        "streams": [camera.stream for camera in cameras],
        "completeness": completeness,
        "extras": _extras(columns, episode, regular),
    }
    tables: dict[str, Any] = {
        "robot_steps": step_columns(columns, cameras, episode),
        "videos": [row for camera in cameras for row in camera.videos],
        "images": [row for camera in cameras for row in camera.images],
        "tasks": [{"task_id": identifier, "domain": "robot", "instruction": instruction}] if identifier else [],
    }
    return Trajectory(episode.native_id, header, tables)


def step_columns(columns: Columns, cameras: list[Camera], episode: Episode) -> dict[str, Any]:
    """Columns of `robot_steps`, native ones among them."""
    times = _times(columns)
    rows = len(times)
    steps = np.arange(rows)
    found: dict[str, Any] = {
        "step": pa.array(steps, pa.int32()),
        "timestamp": pa.array(times - times[0]),
        "is_first": pa.array(steps == 0),
        "is_last": pa.array(steps == rows - 1),
        "frames": [list(frames) for frames in zip(*(camera.frames for camera in cameras), strict=True)] or None,
    }
    for key, target in ((STATE, "state"), (ACTION, "action"), (REWARD, "reward"), (DONE, "is_terminal")):
        if key in columns and mapped(key, episode.features[key]):
            found[target] = _vectors(columns[key]) if key in (STATE, ACTION) else columns[key]
    if "action" in found:
        found["action_kind"] = pa.repeat("control", rows)
    for key, feature in episode.features.items():
        column = column_of(key, feature)
        if column is not None:
            found[column] = columns[key]
    return found


def _cameras(
    parquet: pq.ParquetFile, name: str, paths: list[Path], episode: Episode, columns: Columns, media: MediaWriter
) -> list[Camera]:
    """All cameras in order of feature name; `paths` are the videos in that order."""
    times = _times(columns)
    waiting = iter(paths)
    cameras = []
    for key in sorted(episode.features):
        feature = episode.features[key]
        if feature.dtype == "video":
            cameras.append(video_camera(next(waiting), key, feature, times, media))
        elif feature.dtype == "image":
            pictures = embedded_images(parquet, name, key)
            cameras.append(image_camera(pictures, key, feature, times - times[0], episode.fps, media))
    return cameras


def _extras(columns: Columns, episode: Episode, regular: bool) -> dict[str, Any]:
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
    return extras | ({"episode": dict(episode.rest)} if episode.rest else {})


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


def _names(episode: Episode, key: str) -> list[str] | None:
    feature = episode.features.get(key)
    return feature.dimension_names if feature is not None and mapped(key, feature) else None


def _vectors(column: pa.Array) -> pa.Array:
    """Numbers as vectors of one dimension; vectors as they are."""
    if isinstance(column, pa.ListArray):
        return column
    return pa.ListArray.from_arrays(pa.array(np.arange(len(column) + 1), pa.int32()), column)


def _times(columns: Columns) -> npt.NDArray[np.float64]:
    return np.asarray(columns["timestamp"]).astype(np.float64)


def _files_missing(
    source: Source, episode: str, names: list[str], missing: list[str], files: Mapping[str, SourceFile]
) -> Reject:
    folder = missing[0].split("/")[0]
    folders = sorted({name.split("/")[0] for name in files if "/" in name})
    hint = "" if folder in folders else f"; there is no folder {folder}/ at all, only {', '.join(f'{f}/' for f in folders)}"
    return Reject(
        "plan",
        source.name,
        missing[0],
        episode,
        "episode_files_missing",
        f"{EPISODES} lists {episode} and {missing[0]} is not there ({len(missing)} of its {len(names)} files are missing){hint}: "
        "copy them, or take the episode out of the index",
        {"missing": missing},
    )


def _not_listed(source: Source, index: Index, named: set[str], files: Mapping[str, SourceFile]) -> Iterator[Reject]:
    """Recordings that the index does not know."""
    folder = index.info.data_path.split("{")[0].rsplit("/", 1)[0]
    for name in sorted(files):
        if name.endswith(".parquet") and name.startswith(f"{folder.split('/')[0]}/") and name not in named:
            message = (
                f"{name} is there and no line of {EPISODES} names it: a recording that broke off, or an index of another copy"
            )
            yield Reject("plan", source.name, name, None, "episode_not_listed", message)
