"""What lies in a workspace: every stored table with the trajectories in it, from outcomes and id columns alone.

This is the second plan over ids and small rows: no step, no grid and no picture is read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.engine.job import read_table
from pipelines.io.store import Store
from pipelines.release import attempts
from pipelines.release.splits import Candidate
from pipelines.shard import FileRecord, Outcome
from schemas.arrow import columns_of
from schemas.tables import KINDS

_HEADER = tuple(dict.fromkeys((*attempts.COLUMNS, "domain", "scene", "group", "extras", "num_steps")))
"""The columns of `trajectories` that are held for all of them: by what splits are dealt and tries counted."""
_SPLIT_NAMES = {"val": "validation", "valid": "validation", "dev": "validation", "eval": "test"}


def task_owner(task_id: str) -> str:
    """Who owns an annotation about a task; no trajectory has such a name, since a source's has no space."""
    return f"task {task_id}"


@dataclass(frozen=True)
class StoredFile:
    """One stored table of one shard: its record, and the rows of each owner (of each layer) in it.

    The owner of a row is its trajectory, or `task_owner` of its task where it is about a task alone.
    """

    shard: str
    record: FileRecord
    rows: Mapping[tuple[str, str | None], int]

    @property
    def bytes_per_row(self) -> float:
        """Arrow bytes of a row, on average."""
        return self.record.memory / max(1, self.record.rows)


@dataclass(frozen=True)
class Catalogue:
    """Stored files by table, media bytes by table and trajectory, and the small columns that splits are dealt by."""

    files: Mapping[str, Sequence[StoredFile]]
    media_bytes: Mapping[tuple[str, str], int]
    headers: Sequence[Mapping[str, Any]] = field(default_factory=tuple)

    @cached_property
    def candidates(self) -> list[Candidate]:
        """What splits look at, in order of trajectory_id."""
        found = []
        for row in self.headers:
            extras = orjson.loads(row["extras"]) if row["extras"] else {}
            split = str(extras.get("split") or "")
            split = _SPLIT_NAMES.get(split, split)
            found.append(
                Candidate(row["trajectory_id"], row["domain"], row["task_id"], row["scene"], row["group"], split or None)
            )
        return sorted(found, key=lambda c: c.trajectory_id)

    @cached_property
    def num_steps(self) -> dict[str, int]:
        """trajectory_id → steps."""
        return {row["trajectory_id"]: row["num_steps"] for row in self.headers}

    @cached_property
    def _files_of(self) -> dict[str, dict[str, list[int]]]:
        """Table → trajectory_id → positions in `files[table]`."""
        index: dict[str, dict[str, list[int]]] = {}
        for table, files in self.files.items():
            of_table = index.setdefault(table, {})
            for position, file in enumerate(files):
                owners: set[str] = set()
                for owner, layer in file.rows:
                    owners.add(owner)
                    self._layers_in.setdefault((table, position), set()).add(layer)
                for owner in owners:
                    of_table.setdefault(owner, []).append(position)
        return index

    @cached_property
    def _layers_in(self) -> dict[tuple[str, int], set[str | None]]:
        """(Table, position in `files[table]`) → the layers of the rows there; filled by `_files_of`, in its one pass."""
        return {}

    def files_with(self, table: str, trajectory_ids: Iterable[str], layers: frozenset[str] | None = None) -> list[StoredFile]:
        """The stored files of a table that hold rows of any of these trajectories (and of these layers), in order."""
        index = self._files_of.get(table, {})
        positions = {position for trajectory_id in trajectory_ids for position in index.get(trajectory_id, ())}
        return [
            self.files[table][position]
            for position in sorted(positions)
            if layers is None or self._layers_in[table, position] & layers
        ]

    def costs(self, tables: Iterable[str], layers: frozenset[str] | None = None) -> dict[str, int]:
        """Owner → bytes of its rows in these tables (of some layers), media included; absent where it has none."""
        costs: dict[str, int] = defaultdict(int)
        for table in tables:
            for file in self.files.get(table, ()):
                for (trajectory_id, of_layer), rows in file.rows.items():
                    if layers is None or of_layer in layers:
                        costs[trajectory_id] += (
                            int(rows * file.bytes_per_row) + 1 + self.media_bytes.get((table, trajectory_id), 0)
                        )
        return dict(costs)


def build_catalogue(store: Store, ingested: Sequence[Outcome], proposed: Sequence[Outcome]) -> Catalogue:
    """The catalogue of a workspace."""
    files: dict[str, list[StoredFile]] = defaultdict(list)
    media_bytes: dict[tuple[str, str], int] = {}
    headers: list[Mapping[str, Any]] = []
    for outcome in ingested:
        lengths = _media_lengths(store, outcome)
        for table, record in outcome.files.items():
            if record.path.endswith(".parquet"):
                files[table].append(_stored_file(store, outcome.name, table, record))
                media_bytes |= _media_of(store, table, record, lengths)
        if "trajectories" in outcome.files:
            headers += read_table(store, outcome.files["trajectories"].path, list(_HEADER)).to_pylist()
    for outcome in proposed:
        for table, record in outcome.files.items():
            files[table].append(_stored_file(store, outcome.name, table, record))
    return Catalogue(files, media_bytes, headers)


def _stored_file(store: Store, shard: str, table: str, record: FileRecord) -> StoredFile:
    if table in ("media", "arc_states", "runs", "tasks", "action_specs"):
        return StoredFile(shard, record, {})
    names = ["trajectory_id", *(["task_id", "layer"] if table in KINDS else [])]
    counts = read_table(store, record.path, names).group_by(names).aggregate([([], "count_all")]).to_pylist()
    rows = {(row["trajectory_id"] or task_owner(row["task_id"]), row.get("layer")): 0 for row in counts}
    for row in counts:
        rows[row["trajectory_id"] or task_owner(row["task_id"]), row.get("layer")] += row["count_all"]
    return StoredFile(shard, record, rows)


def _media_lengths(store: Store, outcome: Outcome) -> pa.Table | None:
    return read_table(store, outcome.files["media"].path, ["sha256", "length"]) if "media" in outcome.files else None


def _media_of(store: Store, table: str, record: FileRecord, lengths: pa.Table | None) -> dict[tuple[str, str], int]:
    """(table, trajectory_id) → bytes behind its packed columns."""
    if table not in ("gui_steps", "videos", "images", "gui_trees") or lengths is None:
        return {}
    packed = [column.name for column in columns_of(table) if column.packed]
    sizes: dict[tuple[str, str], int] = defaultdict(int)
    for name in packed:
        rows = read_table(store, record.path, ["trajectory_id", name])
        at = pc.index_in(rows[name], value_set=lengths["sha256"].combine_chunks())
        for owner, size in zip(rows["trajectory_id"].to_pylist(), lengths["length"].take(at).to_pylist(), strict=True):
            sizes[table, owner] += size or 0
    return sizes
