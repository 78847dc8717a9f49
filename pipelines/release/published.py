"""The files of a release as whoever counts them reads them: one by one, their small columns or their footers only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.engine.job import read_table
from pipelines.io.store import Store
from pipelines.shard import FileRecord

IDS = "trajectory_id"


@dataclass(frozen=True, slots=True)
class GroupSize:
    """One row group: `stored` bytes in the file of each top-level column, `memory` bytes of its pages before compression.

    `first`, `last`: its least and greatest trajectory_id, None where the file does not say.
    """

    stored: Mapping[str, int]
    memory: int
    first: str | None
    last: str | None


@dataclass(frozen=True, slots=True)
class Footer:
    """What the footer of a file says of it; `size` is its own bytes."""

    size: int
    groups: tuple[GroupSize, ...]

    @property
    def memory(self) -> int:
        """Bytes of all pages before compression."""
        return sum(group.memory for group in self.groups)


@dataclass(frozen=True)
class PublishedFiles:
    """The published files of a release (name → record) in a store."""

    store: Store
    files: Mapping[str, FileRecord]

    @cached_property
    def folders(self) -> Mapping[str, Sequence[str]]:
        """Folder → names of its files."""
        found: dict[str, list[str]] = {}
        for name in self.files:
            found.setdefault(name.rsplit("/", 1)[0], []).append(name)
        return found

    def tables(self, folder: str, columns: Sequence[str]) -> Iterator[tuple[str, pa.Table]]:
        """(split, table) of each file of a folder, one in memory at a time."""
        for name in self.folders.get(folder, ()):
            yield split_of(name), read_table(self.store, self.files[name].path, list(columns))

    def schema(self, name: str) -> pa.Schema:
        """The schema of a file."""
        with self.store.open(self.files[name].path) as file:
            return pq.read_schema(file)

    @cached_property
    def footers(self) -> Mapping[str, Footer]:
        """Name → footer, of all files."""
        found = {}
        for name, record in self.files.items():
            with self.store.open(record.path) as file:
                found[name] = footer_of(pq.read_metadata(file))
        return found


def split_of(name: str) -> str:
    """The split of a published file, `{split}-{i:05d}-of-{n:05d}.parquet`."""
    return name.rsplit("/", 1)[-1].split("-")[0]


def footer_of(metadata: pq.FileMetaData) -> Footer:
    """What is needed of a footer. Its own bytes are those of the metadata, of their length, and of `PAR1`."""
    return Footer(metadata.serialized_size + 8, tuple(_group(metadata.row_group(i)) for i in range(metadata.num_row_groups)))


def _group(group: pq.RowGroupMetaData) -> GroupSize:
    stored: dict[str, int] = {}
    first = last = None
    for i in range(group.num_columns):
        chunk = group.column(i)
        column = chunk.path_in_schema.split(".")[0]
        stored[column] = stored.get(column, 0) + chunk.total_compressed_size
        if column == IDS and chunk.statistics is not None and chunk.statistics.has_min_max:
            first, last = chunk.statistics.min, chunk.statistics.max
    return GroupSize(stored, group.total_byte_size, first, last)
