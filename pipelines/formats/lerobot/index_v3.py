"""The index of a LeRobot v3.0 dataset: `meta/episodes/**/*.parquet` and `meta/tasks.parquet` beside info.json.

Many episodes share a data file, and each camera's videos are joined into files of their own, which roll over at other
episodes than the data does. Episodes in order that share all their files are read as one ref, so that a file is opened
(and its sha256 computed) once per run of episodes and not once per episode.

Of the table of episodes only the columns that say where things are get read, never its statistics. Positions in it mean
nothing here: an episode is what its episode_index says, and a gap in them is said, since readers that go by position
return the wrong episode there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, pairwise
from typing import Any

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from pipelines.formats.lerobot.episode import Clip, episode_text, gap_before, info_text_of, native_id, selector_of, split_of
from pipelines.formats.lerobot.features import Info, parsed_json, validated
from pipelines.formats.lerobot.fields import FieldMap
from pipelines.formats.lerobot.index import Finder, Lost, Plan, Planned, fill, meta_file, moved, video_template
from pipelines.formats.video.timing import TOLERANCE
from pipelines.io.files import filesystem, read_file
from pipelines.io.parquet import open_parquet
from pipelines.shard import SourceFile
from pipelines.sources import Rejected

EPISODES, TASKS = "meta/episodes/", "meta/tasks.parquet"
_NOT_KEPT = ("stats/", "data/", "videos/", "meta/")


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True)

    episode_index: int = Field(ge=0)
    length: int = Field(ge=0)
    tasks: tuple[str, ...] = ()
    first: int | None = Field(default=None, alias="dataset_from_index")
    stop: int | None = Field(default=None, alias="dataset_to_index")
    data_chunk: int = Field(alias="data/chunk_index")
    data_file: int = Field(alias="data/file_index")

    @property
    def rest(self) -> dict[str, Any]:
        """Columns that are nobody's: kept as the source's own words."""
        found = {key: value for key, value in (self.model_extra or {}).items() if not key.startswith(_NOT_KEPT)}
        if isinstance(text := found.get("cairn"), str):  # an export of ours says there what LeRobot has no column for
            found["cairn"] = parsed_json(text.encode(), EPISODES, f" {native_id(self.episode_index)}: cairn")
        return found

    def video(self, key: str) -> tuple[int, int, float, float]:
        """Chunk, file, from and to of a camera. Raises Rejected (`meta_damaged`)."""
        names = [f"videos/{key}/{part}" for part in ("chunk_index", "file_index", "from_timestamp", "to_timestamp")]
        found = [(self.model_extra or {}).get(name) for name in names]
        if not all(isinstance(value, (int, float)) for value in found):
            name = names[next(i for i, value in enumerate(found) if not isinstance(value, (int, float)))]
            raise Rejected("meta_damaged", f"{EPISODES}: {native_id(self.episode_index)} has no {name}: write the index anew")
        chunk, file, start, end = found
        return int(chunk), int(file), float(start), float(end)  # type: ignore[arg-type] # just seen to be numbers


def plan_v3(info: Info, files: Mapping[str, SourceFile], fields: FieldMap) -> Plan:
    """A ref per run of episodes that share all their files, in order of episode_index.

    Raises Rejected: `meta_missing`, `meta_damaged`, `parquet_unreadable`.
    """
    rows, lost = _rows(files)
    tasks = read_tasks(meta_file(files, TASKS))
    info_text, finder = info_text_of(info, fields), Finder(files)
    offsets, lasts = _overlaps(rows, info.media("video")), _lasts(rows, info.media("video"))
    ready: list[tuple[tuple[str, ...], str, _Row]] = []
    named: set[str] = set()
    before: _Row | None = None
    for row in rows:
        name = native_id(row.episode_index)
        try:
            clips, data = _files(info, row)
            named.add(data)
            found = finder.find([data, *(clip.file for clip in clips.values())])
            missing = [file for file in (data, *(clip.file for clip in clips.values())) if file not in found]
            if missing:
                raise finder.missing(name, EPISODES, missing, len(clips) + 1)
            named.add(found[data])
            amiss = _amiss(row, before, info.fps, clips) | offsets.get(row.episode_index, {}) | moved(found)
            placed = {
                key: Clip(found[clip.file], clip.start, clip.end, (key, row.episode_index) in lasts)
                for key, clip in clips.items()
            }
            said = {"episode_index": row.episode_index, "length": row.length, "tasks": list(row.tasks), **row.rest}
            said |= {} if row.first is None else {"dataset_from_index": row.first}
            split = split_of(info.splits, row.episode_index)
            text = episode_text(said, tasks, split, found[data], placed, amiss, f"{EPISODES}: {name}")
            ready.append((tuple(dict.fromkeys([found[data], *(clip.file for clip in placed.values())])), text, row))
        except Rejected as rejected:
            lost.append(Lost(name, (rejected.detail or {}).get("missing", [EPISODES])[0], rejected))
        before = row
    planned = []
    for together, members in groupby(ready, lambda one: one[0]):
        of = list(members)
        names = tuple(native_id(row.episode_index) for _, _, row in of)
        steps = sum(row.length for _, _, row in of)
        planned.append(Planned(together, selector_of(info_text, [text for _, text, _ in of]), names, steps))
    return Plan(info, tuple(planned), tuple(lost), frozenset(named), EPISODES)


def read_tasks(file: SourceFile) -> dict[str, int]:
    """Task → task_index; the words stand in the frame's index, which pandas calls `task` or `__index_level_0__`."""
    table = _read(file, None)
    words = next((name for name in ("task", "__index_level_0__") if name in table.column_names), None)
    if words is None or "task_index" not in table.column_names:
        raise Rejected(
            "meta_damaged",
            f"{file.name} has the columns {', '.join(table.column_names)}; it should have task (or __index_level_0__) and task_index",
        )
    return {
        str(task): int(index)
        for task, index in zip(table[words].to_pylist(), table["task_index"].to_pylist(), strict=True)
        if task is not None and index is not None
    }


def _rows(files: Mapping[str, SourceFile]) -> tuple[list[_Row], list[Lost]]:
    """The rows that can be used, in order of episode_index, and what is wrong with others (a file without a footer too)."""
    names = sorted(name for name in files if name.startswith(EPISODES) and name.endswith(".parquet"))
    if not names:
        raise Rejected(
            "meta_missing", f"there is no {EPISODES}*/*.parquet: a v3.0 dataset lists its episodes there", {"missing": EPISODES}
        )
    seen: dict[int, _Row] = {}
    lost: list[Lost] = []
    for name in names:
        try:
            table = _read(files[name], lambda column: not column.startswith("stats/"))
        except Rejected as rejected:
            if len(names) == 1:
                raise
            lost.append(Lost(None, name, rejected))
            continue
        for number, value in enumerate(table.to_pylist()):
            kept = {key: cell for key, cell in value.items() if cell is not None}
            try:
                row = validated(_Row, kept, f"{name} row {number}")
            except Rejected as rejected:
                said = kept.get("episode_index")
                lost.append(Lost(native_id(said) if isinstance(said, int) else None, name, rejected))
                continue
            if row.episode_index in seen:
                message = (
                    f"{name}: episode_index {row.episode_index} stands in more than one row, the first was taken: keep one"
                )
                lost.append(Lost(native_id(row.episode_index), name, Rejected("native_id_clash", message)))
            seen.setdefault(row.episode_index, row)
    return [row for _, row in sorted(seen.items())], lost


def _files(info: Info, row: _Row) -> tuple[dict[str, Clip], str]:
    data = fill(info.data_path, {"chunk_index": row.data_chunk, "file_index": row.data_file}, "data_path")
    clips = {}
    for key in info.media("video"):
        chunk, file, start, end = row.video(key)
        place = {"video_key": key, "chunk_index": chunk, "file_index": file}
        clips[key] = Clip(fill(video_template(info), place, "video_path"), start, end)
    return clips, data


def _amiss(row: _Row, before: _Row | None, fps: float, clips: Mapping[str, Clip]) -> dict[str, Any]:
    """Where the row contradicts itself or the one before it."""
    said = gap_before(None if before is None else before.episode_index, row.episode_index)
    if row.first is not None and row.stop is not None:
        if row.stop - row.first != row.length:
            said["index_range"] = {"length": row.length, "dataset_from_index": row.first, "dataset_to_index": row.stop}
        elif before is not None and before.stop is not None and before.stop != row.first and "episode_index_gap" not in said:
            said["index_not_contiguous"] = {"dataset_from_index": row.first, "before_ends_at": before.stop}
    for key, clip in clips.items():
        if clip.start is not None and clip.end is not None:
            found, wanted = clip.end - clip.start, row.length / fps
            if abs(found - wanted) > max(TOLERANCE, 1e-6 * clip.end):
                said[f"clip {key}"] = {"seconds": round(found, 6), "rows_over_fps": round(wanted, 6)}
    return said


def _overlaps(rows: Sequence[_Row], cameras: Sequence[str]) -> dict[int, dict[str, Any]]:
    """episode_index → where a camera's clip does not begin where the one before it in the same file ends, in seconds."""
    found: dict[int, dict[str, Any]] = {}
    for key in cameras:
        places = sorted(_placed(rows, key))
        for (place, _, end, _), (next_place, start, _, episode) in pairwise(places):
            if place == next_place and abs(start - end) > max(TOLERANCE, 1e-6 * end):
                found.setdefault(episode, {})[f"offset {key}"] = {
                    "from_timestamp": round(start, 6),
                    "before_ends_at": round(end, 6),
                }
    return found


def _lasts(rows: Sequence[_Row], cameras: Sequence[str]) -> frozenset[tuple[str, int]]:
    """(camera, episode_index) of the clips that end their files."""
    by_file: dict[tuple[str, tuple[int, int]], tuple[float, int]] = {}
    for key in cameras:
        for place, start, _, episode in _placed(rows, key):
            by_file[key, place] = max(by_file.get((key, place), (start, episode)), (start, episode))
    return frozenset((key, episode) for (key, _), (_, episode) in by_file.items())


def _placed(rows: Sequence[_Row], key: str) -> Iterator[tuple[tuple[int, int], float, float, int]]:
    for row in rows:
        try:
            chunk, file, start, end = row.video(key)
        except Rejected:
            continue  # said where its files are looked for
        yield (chunk, file), start, end, row.episode_index


def _read(file: SourceFile, wanted: Any) -> pa.Table:
    """A table of the index, of those columns that are wanted (None: all). Raises Rejected: `parquet_unreadable`, as `read_file`."""
    fs, path = filesystem(file.uri)
    try:
        with fs.open(path, "rb") as opened:
            parquet = open_parquet(opened)
            names = [name for name in parquet.schema_arrow.names if wanted is None or wanted(name)]
            return parquet.read(columns=names)
    except (pa.ArrowException, OSError) as error:
        read_file(file)  # says it where the file is a Git LFS pointer, or may not be read
        raise Rejected(
            "parquet_unreadable",
            f"{file.name} is no whole parquet file (a writer that was never closed leaves no footer, and the episodes that it "
            f"lists are lost): {error}",
            {"file": file.name},
        ) from error
