"""LeRobot datasets, v2.0, v2.1 and v3.0: a folder with `meta/info.json`, local or at any fsspec URI (`hf://datasets/org/name@rev`).

In v2 an episode is its parquet file and a video per camera; in v3.0 it is some rows of a shared parquet file and a clip of a
shared video per camera. What its columns become is a field map (`pipelines.formats.lerobot.fields`; options `preset` and
`fields`), by default:

* `observation.state`, `action` → `state`, `action`, in the source's own units, which LeRobot does not declare. For the same
  reason `eef_pose`, `gripper`, `action_space` and `reference_frame` are null unless the map says where they stand. An action
  of every row is of kind `control`.
* `timestamp` → seconds from the first row, float64 of the float32 that was recorded. `fps` is null where the times do
  not follow info.json's; extras then hold its number.
* `next.reward` → `reward`; `next.done` → `is_terminal`, row by row. `is_first` and `is_last` are the first and the last row.
* `next.success` of the last row → `trajectories.success`, decided by the source; it stays a native column as well.
* `frame_index` must count 0, 1, 2, …; `episode_index` must be the episode's; `index` is the row's place in the dataset
  and is not kept (appending elsewhere moves it); `task_index` goes to extras.
* `language_persistent`, `language_events`: see `pipelines.formats.lerobot.language`.
* Every other feature is a native column (`pipelines.formats.lerobot.features.column_of`).
* What `cairn export` wrote (features and index columns called `cairn…`) becomes again what it was.

Streams carry the feature's whole name (`observation.images.top`), in order of name. LeRobot saves the observation before
the action of the same row. Of each video the first and last frame and one at random are decoded (option `frames_looked_at`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, ClassVar

from pydantic import Field, model_validator

from pipelines.formats.lerobot.episode import Episode, episodes_of
from pipelines.formats.lerobot.features import INFO, native_columns, parse_info
from pipelines.formats.lerobot.fields import FieldMap, field_map
from pipelines.formats.lerobot.index import meta_file, plan_v2, read_info
from pipelines.formats.lerobot.index_v3 import plan_v3
from pipelines.formats.lerobot.parquet import DataFile
from pipelines.formats.lerobot.streams import VideoFiles
from pipelines.formats.lerobot.trajectory import read_episode
from pipelines.io.files import find_file, list_files, read_file
from pipelines.io.media import MediaWriter
from pipelines.shard import Ref, Reject, SourceFile
from pipelines.sources import LocalFiles, Options, Rejected, Source, Trajectory


class LeRobotOptions(Options):
    """`preset`: a field map by name; `fields`: a field map, or what differs from the preset; both see `FieldMap`.

    `frames_looked_at`: how many frames of each video are decoded to see that they can be.
    """

    preset: str | None = None
    fields: dict[str, Any] = {}
    frames_looked_at: int = Field(default=3, ge=0)

    @model_validator(mode="after")
    def _known(self) -> LeRobotOptions:
        field_map(self.preset, self.fields)
        return self

    @cached_property
    def map(self) -> FieldMap:
        """The field map that both make."""
        return field_map(self.preset, self.fields)


class LeRobot:
    """Reads LeRobot v2.0, v2.1 and v3.0. One instance reads a source's info.json for its native columns once."""

    version: ClassVar[str] = "2"
    native: ClassVar[bool] = True
    options: ClassVar[type[Options]] = LeRobotOptions

    def __init__(self) -> None:
        self._native: dict[tuple[str, FieldMap], Mapping[str, str]] = {}

    def plan(self, source: Source) -> Iterator[Ref | Reject]:
        """A ref per episode (v3.0: per run of episodes that share their files), from one listing and the index.

        Rejects: `episode_files_missing` for an episode of the index whose files are not there, `episode_not_listed` for
        a parquet file that no episode of the index names, `meta_damaged` and `native_id_clash` for a line of the index
        that is broken or repeats another. Raises Rejected for an index that cannot be read.
        """
        yield from plan_listed(source, {file.name: file for file in list_files(source.uri)})

    def native_columns(self, source: Source) -> Mapping[str, str]:
        """Features beyond those of `robot_steps`, from info.json alone. Raises Rejected as `plan` does."""
        key = source.uri, fields_of(source)
        if key not in self._native:
            found = find_file(source.uri, INFO)
            info = parse_info(read_file(meta_file({INFO: found} if found else {}, INFO)))
            self._native[key] = native_columns(info, fields_of(source))
        return self._native[key]

    def read(self, source: Source, ref: Ref, files: LocalFiles, media: MediaWriter) -> Iterable[Trajectory | Reject]:
        """The trajectories of a ref. Raises Rejected: see `pipelines.formats.lerobot.parquet`, `pipelines.io.video`, and below.

        What is wrong with one of several episodes costs that one alone.
        """
        episodes = episodes_of(ref.selector)
        videos = VideoFiles(files.paths, files.digests)
        looked_at = source.options.frames_looked_at if isinstance(source.options, LeRobotOptions) else 0
        try:
            data = DataFile(files[episodes[0].data], episodes[0].data)
        except Rejected as rejected:
            yield from (_rejected(source, ref, episode, rejected) for episode in episodes)
            return
        for episode in episodes:
            try:
                yield read_episode(data, episode, fields_of(source), videos, media, looked_at)
            except Rejected as rejected:
                yield _rejected(source, ref, episode, rejected)
        data.close()


READER = LeRobot


def fields_of(source: Source) -> FieldMap:
    """The field map of a source's options."""
    return source.options.map if isinstance(source.options, LeRobotOptions) else FieldMap()


def plan_listed(source: Source, files: Mapping[str, SourceFile]) -> Iterator[Ref | Reject]:
    """What `LeRobot.plan` gives for a listing, name → file: of the files themselves only the index is opened."""
    info = read_info(files)
    plan = (plan_v3 if info.codebase_version == "v3.0" else plan_v2)(info, files, fields_of(source))
    for lost in plan.lost:
        said = lost.rejected
        yield Reject("plan", source.name, lost.file, lost.native_id, said.code, said.message, said.detail)
    for planned in plan.planned:
        name = planned.episodes[0] if len(planned.episodes) == 1 else f"{planned.episodes[0]}_and_following"
        yield Ref(name, tuple(files[file] for file in planned.files), planned.selector, planned.steps)
    if plan.named is not None:  # else a broken line may name them
        folder = info.data_path.split("{")[0].split("/")[0]
        for file in sorted(files):
            if file.endswith(".parquet") and file.startswith(f"{folder}/") and file not in plan.named:
                message = f"{file} is there and no line of {plan.index} names it: a recording that broke off, or an index of another copy"
                yield Reject("plan", source.name, file, None, "episode_not_listed", message)


def _rejected(source: Source, ref: Ref, episode: Episode, rejected: Rejected) -> Reject:
    place = episode.data if episode.shared else ref.files[0].name
    return Reject("read", source.name, place, episode.native_id, rejected.code, rejected.message, rejected.detail)
