"""Our Parquet writer: same rows, same bytes.

One place fixes every option. Media leaves are neither compressed nor put in a dictionary (they are compressed already);
page index, page checksums and content-defined chunks are on, so that readers skip, corruption shows, and a Hub that
stores by chunks re-uploads little after a change.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

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
    costs a third more time); `level` of zstd.
    """

    chunked: bool
    level: int


PUBLISHED = Settings(chunked=True, level=3)
STORED = Settings(chunked=False, level=6)
"""Files of a workspace: a tenth smaller than level 3 makes them, for a tenth of the time of writing (ARC steps, measured)."""


def write_parquet(
    path: Path, schema: pa.Schema, groups: Iterable[pa.Table], columns: Sequence[Column] = (), settings: Settings = PUBLISHED
) -> int:
    """Write tables of exactly `schema`, one row group each; return the rows. `columns` tells which hold media.

    Raises TypeError where a table has another schema.
    """
    media = {column.name for column in columns if column.media}
    leaves = _leaves(schema)
    rows = 0
    with pq.ParquetWriter(
        path,
        schema,
        version="2.6",
        compression={leaf: "none" if leaf.split(".")[0] in media else "zstd" for leaf in leaves},
        compression_level={leaf: settings.level for leaf in leaves if leaf.split(".")[0] not in media},
        use_dictionary=[leaf for leaf in leaves if leaf.split(".")[0] not in media],
        write_statistics=[leaf for leaf in leaves if leaf.split(".")[0] not in media],
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


def row_groups(table: pa.Table, max_bytes: int = GROUP_BYTES) -> Iterable[pa.Table]:
    """A table cut into row groups of about `max_bytes` of Arrow data."""
    per_row = max(1, table.nbytes // max(1, table.num_rows))
    size = max(1, max_bytes // per_row)
    return (table.slice(start, size) for start in range(0, table.num_rows, size))


def _leaves(schema: pa.Schema) -> list[str]:
    """Leaf paths as Parquet names them (`image.bytes`, `state.list.element`)."""
    sink = pa.BufferOutputStream()
    pq.write_table(schema.empty_table(), sink)
    parquet = pq.ParquetFile(pa.BufferReader(sink.getvalue())).schema
    return [parquet.column(i).path for i in range(len(parquet.names))]
