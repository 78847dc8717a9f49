"""The shape that all batch jobs share, and what their shards have in common on disk.

A job plans keys; for each key it reads a shard, works on it, checks it and writes it, which leaves one outcome. A key
whose outcome has its fingerprint is finished and is skipped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.errors import DataError
from pipelines.io.media import sha256_of
from pipelines.io.parquet import PUBLISHED, STORED, Settings, open_parquet, row_groups, write_parquet
from pipelines.io.store import Store
from pipelines.plan import Plan
from pipelines.shard import FileRecord, Outcome, Reject, Shard, ShardKey
from schemas.invariants import check_annotations
from schemas.tables import KINDS
from schemas.types import Column
from schemas.versions import upgrade

STORED_GROUP_BYTES = 24_000_000
"""Arrow bytes of a row group in a workspace, see `read_table`."""
_TILING = ("interval_gap", "interval_overlap")


class Job(Protocol):
    """One batch job. Instances are frozen, picklable and hold the recipe and the store. `folder` is where its files go."""

    name: ClassVar[str]
    folder: ClassVar[str]

    @property
    def store(self) -> Store:
        """The workspace."""
        ...

    def plan(self) -> Plan:
        """All keys, finished or not, in a stable order. Plain Python, deterministic."""
        ...

    def read(self, key: ShardKey) -> Shard:
        """Make the shard of a key."""
        ...

    def work(self, shard: Shard) -> Shard:
        """What the job adds."""
        ...

    def check(self, shard: Shard) -> Shard:
        """Take out what breaks a rule, and say so in rejects."""
        ...

    def write(self, shard: Shard) -> Outcome:
        """Put the shard's files, then its outcome."""
        ...


def outcome_path(job: str, name: str) -> str:
    """Where the outcome of a shard stands."""
    return f"outcomes/{job}/{name}.json"


def finished(store: Store, job: str, key: ShardKey, present: Mapping[str, int]) -> Outcome | None:
    """The outcome of a key; None where there is none, it was made of something else, or a file of it is gone or torn.

    `present`: path → bytes of all files of the job (`Store.sizes`).
    """
    outcome = read_outcome(store, outcome_path(job, key.name))
    if outcome is None or outcome.fingerprint != key.fingerprint:
        return None
    return outcome if all(present.get(record.path) == record.bytes for record in outcome.files.values()) else None


def planned_outcomes(job: Job) -> tuple[Outcome, ...]:
    """The outcomes of a job's plan, as far as they are there. What else lies in the workspace belongs to an older recipe."""
    found = (read_outcome(job.store, outcome_path(job.name, key.name)) for key in job.plan().keys)
    return tuple(outcome for outcome in found if outcome is not None)


def say_alive(store: Store, job: str, name: str, count: int) -> None:
    """Tell whoever watches a run that a shard goes on, though a recording of it hung: its deadline begins anew."""
    store.put_bytes(f"outcomes/{job}/{name}.alive", b"." * count)


def read_outcome(store: Store, path: str) -> Outcome | None:
    """The outcome at a path; None where there is none, or one that another version of Cairn wrote."""
    value = store.read_json(path)
    try:
        return None if value is None else Outcome.from_json(value)
    except (KeyError, TypeError):
        return None


def put_outcome(store: Store, job: str, outcome: Outcome) -> Outcome:
    """Put an outcome; from then on its files count."""
    store.put_json(outcome_path(job, outcome.name), outcome.to_json())
    return outcome


def put_table(store: Store, path: str, table: pa.Table, columns: Sequence[Column] = ()) -> FileRecord:
    """Put a stored table as one Parquet file."""
    return put_groups(store, path, table.schema, row_groups(table, STORED_GROUP_BYTES), columns, table.nbytes, STORED)


def put_groups(
    store: Store,
    path: str,
    schema: pa.Schema,
    groups: Iterable[pa.Table],
    columns: Sequence[Column],
    memory: int,
    settings: Settings = PUBLISHED,
) -> FileRecord:
    """Put row groups as one Parquet file, written locally first. `settings`: as in `write_parquet`."""
    with store.new_file(path) as local:
        rows = write_parquet(local, schema, groups, columns, settings)
        return FileRecord(path, rows, local.stat().st_size, memory, sha256_of(local))


def read_table(store: Store, path: str, columns: Sequence[str] | None = None) -> pa.Table:
    """A stored table (some columns of it), upgraded to the current contract. Raises DataError where the file is damaged."""
    try:
        with store.open(path) as file:
            table = _by_groups(open_parquet(file), columns)
    except (pa.ArrowInvalid, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # it is not there, or cannot be reached
        raise DataError(f"{store.uri(path)} is damaged ({error}): delete it and run again, it is built anew") from error
    return upgrade(table)


def _by_groups(file: pq.ParquetFile, columns: Sequence[str] | None) -> pa.Table:
    """A file read group by group: lists of lists take six times their memory while a group is decoded (measured)."""
    names = None if columns is None else list(columns)
    if not file.num_row_groups:
        table = file.read(names)
    else:
        table = pa.concat_tables([file.read_row_group(number, names) for number in range(file.num_row_groups)])
    if names is None:
        return table
    missing = [name for name in names if name not in table.column_names]
    if missing:
        raise pa.ArrowInvalid(f"it has no column {missing[0]!r}")
    return table.select(names)


def take_out_annotations(shard: Shard, stage: str) -> Shard:
    """The shard without the annotations that break an invariant: one reject at `stage` per trajectory and code."""
    said = {name: table for name, table in shard.tables.items() if name in KINDS}
    violations = check_annotations({**said, "trajectories": shard.tables["trajectories"]}) if said else []
    if not violations:
        return shard
    once = {name: table.take(_first_of_each(table)) for name, table in said.items()}  # said twice: one copy stays
    ids = {v.annotation_id for v in violations if v.annotation_id is not None and v.code != "annotation_twice"}
    untiled = {v.annotation_id for v in violations if v.code in _TILING}
    bad = pa.array(sorted(ids | {i for table in once.values() for i in _whole_tilings(table, untiled)}), pa.string())
    of_trajectory: dict[str, str] = {}
    for name, table in once.items():
        wrong = table.filter(pc.is_in(table["annotation_id"], value_set=bad)).select(["annotation_id", "trajectory_id"])
        of_trajectory |= dict(zip(*(column.to_pylist() for column in wrong.columns), strict=True))
        said[name] = table.filter(pc.invert(pc.is_in(table["annotation_id"], value_set=bad)))
    headers = {row["trajectory_id"]: row for row in shard.tables["trajectories"].to_pylist()}
    rejects: dict[tuple[str, str], Reject] = {}
    for violation in violations:
        trajectory_id = violation.trajectory_id or of_trajectory.get(violation.annotation_id or "", "")
        header = headers.get(trajectory_id, {})
        place = header.get("source_uri") or shard.key.name
        rejects.setdefault(
            (trajectory_id, violation.code),
            Reject(stage, header.get("source_name", ""), place, header.get("native_id"), violation.code, violation.message),
        )
    return replace(shard, tables={**shard.tables, **said}, rejects=shard.rejects + tuple(rejects.values()))


def _first_of_each(table: pa.Table) -> pa.Array:
    """The first row of each annotation_id."""
    numbered = table.select(["annotation_id"]).append_column("row", pa.array(range(table.num_rows), pa.int64()))
    return numbered.group_by("annotation_id").aggregate([("row", "min")])["row_min"].combine_chunks().sort()


def _whole_tilings(table: pa.Table, untiled: set[str | None]) -> Iterator[str]:
    """The rows that tile together with any of `untiled`: half a tiling would be a fault of its own."""
    if not untiled:
        return
    rows = table.select(["annotation_id", "trajectory_id", "layer", "producer", "stream"]).to_pylist()
    groups = {_tiling(row) for row in rows if row["annotation_id"] in untiled}
    yield from (row["annotation_id"] for row in rows if _tiling(row) in groups)


def _tiling(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return row["trajectory_id"], row["layer"], row["producer"], row["stream"]


def read_tables(store: Store, files: Mapping[str, FileRecord]) -> dict[str, pa.Table]:
    """All tables of an outcome by name; what is no Parquet file is left out."""
    return {name: read_table(store, record.path) for name, record in files.items() if record.path.endswith(".parquet")}
