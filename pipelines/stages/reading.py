"""From a ref to stored tables: the pure heart of ingest. Nothing here imports Beam, since it runs in a decode child.

What a reader yields is stamped with ids and provenance, and made into exactly the stored schemas. Whatever does not fit
becomes a reject of its trajectory, with the column named.
"""

from __future__ import annotations

import traceback
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from annotators.annotation import Producer, annotation_tables
from pipelines.io.files import all_local, input_sha256, local_files
from pipelines.io.ipc import received, sent
from pipelines.io.media import MAX_PART_BYTES, MediaEntry, MediaWriter
from pipelines.shard import Ref, Reject
from pipelines.sources import Batch, Reader, Rejected, Source, TaskRows, Trajectory
from schemas.arrow import columns_of, stored_schema, table_from_columns, table_from_rows
from schemas.json_column import MAX_DEPTH, JsonValueError, printable
from schemas.tables import STEP_TABLES

Tables = dict[str, pa.Table]

_MEND = "mend the recording, or leave it out"


@dataclass
class ReadResult:
    """What one ref gave: stored tables of each trajectory (or batch of them), of tasks alone, rejects, and where staged media lie.

    `folder`: where large tables are put when it is sent to another process.
    """

    trajectories: list[Tables] = field(default_factory=list)
    tasks: list[pa.Table] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    media: dict[str, MediaEntry] = field(default_factory=dict)
    folder: Path | None = field(default=None, compare=False)

    def __getstate__(self) -> tuple[Any, ...]:
        tasks = [{"tasks": table} for table in self.tasks]
        return sent(self.trajectories, self.folder), sent(tasks, self.folder), self.rejects, self.media

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        trajectories, tasks, self.rejects, self.media = state
        self.folder = None
        self.trajectories, self.tasks = received(trajectories), [group["tasks"] for group in received(tasks)]


@dataclass(frozen=True, slots=True)
class _Made:
    """A trajectory of a ref whose header is not yet a table: `tables` without `trajectories`. `places`: see `_without_places`."""

    ref: Ref
    native_id: str
    header: dict[str, Any]
    tables: Tables
    places: Mapping[str, str]


def read_ref(
    reader: Reader, source: Source, ref: Ref, folder: Path, pack: str, known: Mapping[str, MediaEntry] | None = None
) -> ReadResult:
    """Read one ref; media go to `folder` (see `MediaWriter`). Never raises for what is wrong with the data."""
    result = ReadResult()
    made = _read(result, reader, source, ref, folder, pack, known or {})
    result.trajectories += [tables for _, tables in _with_headers(result, source, made)]
    return result


def read_together(
    reader: Reader,
    source: Source,
    refs: Sequence[Ref],
    folder: Path,
    pack: str,
    known: Mapping[str, MediaEntry] | None = None,
) -> ReadResult:
    """Several refs as `read_ref` reads them, one after another, for a child, whose answer is sent: a table of each name per ref."""
    result = ReadResult(folder=folder)
    made: list[_Made] = []
    for ref in refs:
        made += _read(result, reader, source, ref, folder, pack, {**(known or {}), **result.media})
    for _, of_ref in groupby(_with_headers(result, source, made), lambda found: id(found[0].ref)):
        tables = [found for _, found in of_ref]
        result.trajectories.append(join_tables(tables) if len(tables) > 1 else tables[0])
    return result


def _read(
    result: ReadResult, reader: Reader, source: Source, ref: Ref, folder: Path, pack: str, known: Mapping[str, MediaEntry]
) -> list[_Made]:
    """Read one ref into a result, but for trajectories whose headers are still to be made."""
    media = MediaWriter(folder, pack, known)
    places: dict[str, str] = {}
    made: list[_Made] = []
    rejects: list[Reject] = []
    native: Mapping[str, str] | None = None
    try:
        with nullcontext(folder) if all_local(ref) else media.scratch() as scratch, local_files(ref, scratch) as files:
            places |= {str(path): name for name, path in files.paths.items()} | {f"{scratch}/": "", f"{folder}/": ""}
            digest = input_sha256(files)
            for item in reader.read(source, ref, files, media):
                if isinstance(item, Reject):
                    rejects.append(item)
                elif isinstance(item, TaskRows):
                    result.tasks.append(_table("tasks", list(item.rows), None, {}))
                elif isinstance(item, Batch):
                    result.trajectories.append(stored_batch(source, ref, item, digest))
                else:
                    native = dict(reader.native_columns(source)) if native is None else native
                    try:
                        made.append(_made(reader, source, ref, with_large_parts(item, media), digest, native, places))
                    except Rejected as rejected:
                        rejects.append(reject_of(source, ref, rejected, item.native_id))
    except Exception as error:  # noqa: BLE001 - whatever a foreign file makes a reader do, it costs this ref alone
        rejects.append(reject_of(source, ref, _rejected_by(error, ref)))
    result.media |= media.added
    result.rejects += [_without_places(reject, places) for reject in rejects]
    return made


def _rejected_by(error: Exception, ref: Ref) -> Rejected:
    """What to say of an error that came up while a ref was read."""
    if isinstance(error, Rejected):
        return error
    if isinstance(error, RecursionError):
        message = f"{ref.native_id}: a value is nested deeper than {MAX_DEPTH} levels: {_MEND}"
        return Rejected("value_unfit", message)
    message = f"{ref.native_id}: the reader stopped with {type(error).__name__}: {error}; the file is not what its format says"
    return Rejected("reader_failed", message, {"where": _where(error)})


def _without_places(reject: Reject, places: Mapping[str, str]) -> Reject:
    """The reject with a file's name for its path on this machine, which may be another one in every run."""
    message = reject.message
    for place, name in places.items():
        message = message.replace(place, name)
    return replace(reject, message=message)


def reject_of(source: Source, ref: Ref, rejected: Rejected, native_id: str | None = None) -> Reject:
    """The reject of a ref (or of one trajectory in it), at stage `read`."""
    place = ref.files[0].name if ref.files else source.name
    return Reject("read", source.name, place, native_id or ref.native_id, rejected.code, rejected.message, rejected.detail)


def _made(
    reader: Reader,
    source: Source,
    ref: Ref,
    trajectory: Trajectory,
    digest: str,
    native: Mapping[str, str],
    places: Mapping[str, str],
) -> _Made:
    """One trajectory's step table, what else it has, imported annotations. Raises Rejected: `no_steps`, `value_unfit`."""
    trajectory_id = f"{source.name}/{printable(trajectory.native_id)}"
    tables = {
        name: _table(name, content, trajectory_id, native)
        for name, content in trajectory.tables.items()
        if len(content) or name in STEP_TABLES.values()
    }
    steps = tables.get(STEP_TABLES[trajectory.header["domain"]])
    if steps is None or not steps.num_rows:
        raise Rejected("no_steps", f"{trajectory.native_id} holds no step: a trajectory needs at least one")
    header = {
        "trajectory_id": trajectory_id,
        "source_name": source.name,
        "source_uri": printable(ref.files[0].name) if ref.files else None,
        "source_revision": source.revision,
        "native_id": printable(trajectory.native_id),
        "license": source.license,
        "input_sha256": digest,
        "num_steps": steps.num_rows,
        "duration": _duration(steps),
        **trajectory.header,
    }
    said_of_ratings = getattr(reader, "import_parameters", {})  # a reader whose source rates says what the ratings mean
    producer = Producer("import", f"source.{source.reader}", reader.version, said_of_ratings)
    kinds = annotation_tables(trajectory_id, producer, trajectory.annotations)
    if kinds:
        tables["runs"] = _table("runs", [producer.row], None, {})
    return _Made(ref, trajectory.native_id, header, {**tables, **kinds}, places)


def _with_headers(result: ReadResult, source: Source, made: Sequence[_Made]) -> Iterator[tuple[_Made, Tables]]:
    """What was made, with headers, which become one table together, or one each where one of them does not fit, and is rejected."""
    headers: pa.Table | None = None
    with suppress(Exception):  # what is wrong with one is said below
        headers = _table("trajectories", [one.header for one in made], None, {}) if made else None
    for number, one in enumerate(made):
        try:
            own = _table("trajectories", [one.header], None, {}) if headers is None else headers.slice(number, 1)
        except Exception as error:  # noqa: BLE001 - as in `_read`
            reject = reject_of(source, one.ref, _rejected_by(error, one.ref), one.native_id)
            result.rejects.append(_without_places(reject, one.places))
            continue
        yield one, {**one.tables, "trajectories": own}


def stored_batch(source: Source, ref: Ref, batch: Batch, digest: str) -> Tables:
    """The stored tables of many trajectories at once. Raises Rejected: `no_steps`, `value_unfit`."""
    ids = [f"{source.name}/{printable(native_id)}" for native_id in batch.native_ids]
    lengths = np.asarray(batch.lengths, np.int32)
    if not len(ids) or not lengths.all():
        raise Rejected("no_steps", f"{ref.native_id}: a recording holds no step: a trajectory needs at least one")
    name = STEP_TABLES[batch.domain]
    owners = pa.DictionaryArray.from_arrays(pa.array(np.repeat(np.arange(len(ids), dtype=np.int32), lengths)), pa.array(ids))
    steps = _table(name, {**batch.steps, "trajectory_id": owners.dictionary_decode()}, None, {})
    every = {
        "domain": batch.domain,
        "source_name": source.name,
        "source_uri": printable(ref.files[0].name) if ref.files else None,
        "source_revision": source.revision,
        "license": source.license,
        "input_sha256": digest,
    }
    header = {
        **{column: pa.repeat(pa.scalar(value, pa.string()), len(ids)) for column, value in every.items()},
        "trajectory_id": pa.array(ids, pa.string()),
        "native_id": [printable(native_id) for native_id in batch.native_ids],
        "num_steps": pa.array(lengths),
        "duration": _durations(steps["timestamp"], lengths),
        **batch.headers,
    }
    return {name: steps, "trajectories": _table("trajectories", header, None, {})}


def join_tables(trajectories: list[Tables], tasks: Sequence[pa.Table] = ()) -> Tables:
    """The tables of several trajectories as one table each, in order of trajectory; `trajectories` is always there.

    `tasks`: rows of `tasks` that belong to no single trajectory.
    """
    parts: dict[str, list[pa.Table]] = defaultdict(list)
    if tasks:
        parts["tasks"] += tasks
    for tables in sorted(trajectories, key=lambda t: str(t["trajectories"]["trajectory_id"][0])):
        for name, table in tables.items():
            parts[name].append(table)
    empty = stored_schema("trajectories", columns_of("trajectories")).empty_table()
    return {"trajectories": empty} | {name: pa.concat_tables(tables).combine_chunks() for name, tables in parts.items()}


def with_large_parts(trajectory: Trajectory, media: MediaWriter) -> Trajectory:
    """The trajectory, its `completeness` naming the video parts that a group of pictures made larger than a part should be."""
    videos = trajectory.tables.get("videos") or ()
    large = [
        {"stream": row["stream"], "part": row["part"], "bytes": media.length(row["video"])}
        for row in videos
        if isinstance(row, dict) and media.length(row["video"]) > MAX_PART_BYTES
    ]
    if not large:
        return trajectory
    completeness = {**(trajectory.header.get("completeness") or {}), "large_video_parts": large}
    return replace(trajectory, header={**trajectory.header, "completeness": completeness})


@lru_cache(maxsize=256)
def _schema(name: str, native: tuple[tuple[str, str], ...]) -> pa.Schema:
    return stored_schema(name, columns_of(name, dict(native)))


def _table(name: str, content: Any, trajectory_id: str | None, native: Mapping[str, str]) -> pa.Table:
    schema = _schema(name, tuple(native.items()) if name == "robot_steps" else ())
    stamped = trajectory_id is not None and "trajectory_id" in schema.names
    try:
        if isinstance(content, Mapping):
            length = len(next(iter(content.values())))
            owner = {"trajectory_id": pa.repeat(trajectory_id, length)} if stamped else {}
            return table_from_columns(schema, {**content, **owner}, length)
        return table_from_rows(schema, [row | ({"trajectory_id": trajectory_id} if stamped else {}) for row in content])
    except (pa.ArrowException, JsonValueError, OverflowError) as error:
        raise Rejected("value_unfit", f"{name}: a value does not fit its column: {error}: {_MEND}") from error


def _where(error: Exception) -> str:
    """Module and line that raised, without a path of this machine."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(frame.filename).name}:{frame.lineno}"


def _durations(timestamps: pa.ChunkedArray, lengths: npt.NDArray[np.int32]) -> pa.Array:
    """`_duration` of trajectories that stand one after another."""
    times = np.asarray(timestamps.to_numpy(), np.float64)
    last = np.cumsum(lengths) - 1
    durations = times[last] + (times[last] - times[np.maximum(last - 1, 0)])
    incomplete = np.logical_or.reduceat(np.isnan(times), last - lengths + 1)
    return pa.array(durations, pa.float64(), mask=incomplete | (lengths < 2))


def _duration(steps: pa.Table) -> float | None:
    """Last timestamp + last interval, seconds; None where the source recorded no times or there is one step."""
    times = steps["timestamp"]
    if times.null_count or len(times) < 2:
        return None
    last, before = float(times[-1].as_py()), float(times[-2].as_py())
    return last + (last - before)
