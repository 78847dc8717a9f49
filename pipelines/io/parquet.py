"""Our Parquet writer: same rows, same bytes.

One place fixes every option. Media leaves are neither compressed nor put in a dictionary (they are compressed already);
page index, page checksums and content-defined chunks are on, so that readers skip, corruption shows, and a Hub that
stores by chunks re-uploads little after a change.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.types import Column

MEDIA_GROUP_BYTES = 40_000_000
"""A row group of media is 30 to 100 MB: larger ones cost readers memory (viewers refuse 286 MiB), smaller ones requests."""
GROUP_BYTES = 100_000_000
"""Arrow bytes of a row group without media."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What differs between files: `chunked`, whether pages end where the content says, for a Hub that stores by chunks (it
    costs a third more time); `split`, whether whole numbers in lists of lists (grids, cells) and floating numbers (states,
    times) stand byte by byte, where zstd finds a grid that comes again and the sign and exponent that neighbours share,
    instead of as places in a dictionary; `page`, the bytes of a page.
    """

    chunked: bool
    split: bool
    page: int


PUBLISHED = Settings(chunked=True, split=False, page=1 << 20)
STORED = Settings(chunked=False, split=True, page=16 << 20)
"""Files of a workspace. ARC steps take a tenth less room split, in two thirds of the time, states of a robot two fifths less
in half of it (measured); not every reader of published files knows split integers yet (Parquet has them since 2.11, 2024)."""

_LEVEL = 3
"""Of zstd."""


def write_parquet(
    path: Path, schema: pa.Schema, groups: Iterable[pa.Table], columns: Sequence[Column] = (), settings: Settings = PUBLISHED
) -> int:
    """Write tables of exactly `schema`, one row group each; return the rows. `columns` tells which hold media.

    Raises TypeError where a table has another schema.
    """
    media = {column.name for column in columns if column.media}
    leaves = _leaves(schema)
    plain = [leaf for leaf in leaves if leaf.split(".")[0] not in media]
    better = _better_split(schema) if settings.split else frozenset()
    split = [leaf for leaf in plain if leaf in better]
    rows = 0
    with pq.ParquetWriter(
        path,
        schema,
        version="2.6",
        compression={leaf: "zstd" if leaf in plain else "none" for leaf in leaves},
        compression_level=dict.fromkeys(plain, _LEVEL),
        use_dictionary=[leaf for leaf in plain if leaf not in split],
        column_encoding=dict.fromkeys(split, "BYTE_STREAM_SPLIT"),
        data_page_size=settings.page,
        write_statistics=plain,
        write_page_index=True,
        write_page_checksum=True,
        use_content_defined_chunking=settings.chunked,
    ) as writer:
        for group in groups:
            if not group.schema.equals(schema, check_metadata=False):
                raise TypeError(f"{path.name}: a row group has the schema\n{group.schema}\ninstead of\n{schema}")
            writer.write_table(group, row_group_size=max(1, group.num_rows))
            rows += group.num_rows
    return rows


def open_parquet(file: Any) -> pq.ParquetFile:
    """A Parquet file (path or open file) whose pages are held against their checksums as they are read, where they have some.

    What reads it raises OSError, without an errno, for a page that does not fit. pyarrow does not look unless it is told to.
    Raises pyarrow.ArrowInvalid for a footer that cannot be read.
    """
    try:
        return pq.ParquetFile(file, page_checksum_verification=True)
    except UnicodeDecodeError as error:
        raise pa.ArrowInvalid(f"a name in its footer is no text ({error})") from error


def row_groups(table: pa.Table, max_bytes: int = GROUP_BYTES) -> Iterable[pa.Table]:
    """A table cut into row groups of about `max_bytes` of Arrow data."""
    per_row = max(1, table.nbytes // max(1, table.num_rows))
    size = max(1, max_bytes // per_row)
    return (table.slice(start, size) for start in range(0, table.num_rows, size))


@lru_cache(maxsize=256)
def _leaves(schema: pa.Schema) -> tuple[str, ...]:
    """Leaf paths as Parquet names them (`image.bytes`, `state.list.element`)."""
    sink = pa.BufferOutputStream()
    pq.write_table(schema.empty_table(), sink)
    parquet = pq.ParquetFile(pa.BufferReader(sink.getvalue())).schema
    return tuple(parquet.column(i).path for i in range(len(parquet.names)))


@lru_cache(maxsize=256)
def _better_split(schema: pa.Schema) -> frozenset[str]:
    """The leaves that hold whole numbers in lists of lists, or floating numbers."""
    found = set()
    for field in schema:
        path, leaf, depth = field.name, field.type, 0
        while pa.types.is_list(leaf):
            path, leaf, depth = f"{path}.list.element", leaf.value_type, depth + 1
        if (depth > 1 and pa.types.is_integer(leaf)) or pa.types.is_floating(leaf):
            found.add(path)
    return frozenset(found)
