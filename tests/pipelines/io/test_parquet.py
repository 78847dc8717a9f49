"""Our Parquet files: same rows, same bytes; media as they are; corruption shows."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.io.parquet import row_groups, write_parquet
from schemas.arrow import published_schema
from schemas.types import Column, parse_columns

COLUMNS = parse_columns("""
trajectory_id   string          which
step            int32           which
screenshot      Image           picture
state           list<float32>   numbers
extras          Json            rest
""")


def table(columns: tuple[Column, ...] = COLUMNS, rows: int = 50) -> pa.Table:
    noise = random.Random(1)
    schema = published_schema("x", columns)
    values: dict[str, Any] = {
        "trajectory_id": ["s/1"] * rows,
        "step": list(range(rows)),
        "screenshot": [None if i == 3 else {"bytes": noise.randbytes(2000), "path": f"{i}.png"} for i in range(rows)],
        "state": [None if i == 4 else [float(i)] * (i % 3) for i in range(rows)],
    }
    arrays = [
        pa.array(['{"a":1}'] * rows, pa.string()).cast(pa.json_()) if f.name == "extras" else pa.array(values[f.name], f.type)
        for f in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def write(path: Path, *groups: pa.Table) -> pq.FileMetaData:
    assert write_parquet(path, groups[0].schema, groups, COLUMNS) == sum(group.num_rows for group in groups)
    return pq.read_metadata(path)


def leaves(metadata: pq.FileMetaData) -> dict[str, Any]:
    group = metadata.row_group(0)
    return {group.column(i).path_in_schema: group.column(i) for i in range(group.num_columns)}


def test_the_same_rows_give_the_same_bytes_and_come_back(tmp_path: Path) -> None:
    write(tmp_path / "a", table())
    write(tmp_path / "b", table())
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    back = pq.read_table(tmp_path / "a")
    assert back.equals(table())
    assert back.schema.metadata == table().schema.metadata


def test_media_are_neither_compressed_nor_in_a_dictionary_nor_in_statistics(tmp_path: Path) -> None:
    found = leaves(write(tmp_path / "a", table()))
    assert {"screenshot.bytes", "screenshot.path", "state.list.element", "step", "trajectory_id", "extras"} == found.keys()
    for name, leaf in found.items():
        media = name.startswith("screenshot.")
        assert leaf.compression == ("UNCOMPRESSED" if media else "ZSTD")
        assert leaf.has_dictionary_page is not media
        assert leaf.is_stats_set is not media
    raw = (tmp_path / "a").read_bytes()
    assert all(picture["bytes"] in raw for picture in table()["screenshot"].to_pylist() if picture)


def test_a_table_of_media_alone_is_written(tmp_path: Path) -> None:
    columns = tuple(column for column in COLUMNS if column.media)
    write_parquet(tmp_path / "a", published_schema("x", columns), [table(columns)], columns)
    assert not any(leaf.has_dictionary_page or leaf.is_stats_set for leaf in leaves(pq.read_metadata(tmp_path / "a")).values())
    assert pq.read_table(tmp_path / "a").equals(table(columns))


def test_readers_can_skip_pages_by_their_index(tmp_path: Path) -> None:
    found = leaves(write(tmp_path / "a", table()))
    assert found["step"].has_column_index
    assert found["step"].has_offset_index
    assert pq.read_table(tmp_path / "a", filters=[("step", "=", 7)]).num_rows == 1


@pytest.mark.parametrize("name", ["step", "screenshot.bytes", "state.list.element"])
def test_a_flipped_byte_shows(tmp_path: Path, name: str) -> None:
    found = leaves(write(tmp_path / "a", table()))[name]
    data = bytearray((tmp_path / "a").read_bytes())
    start = found.dictionary_page_offset if found.has_dictionary_page else found.data_page_offset
    at = start + found.total_compressed_size - 3
    data[at] ^= 0x40
    (tmp_path / "b").write_bytes(data)
    with pytest.raises(OSError, match=r"(?i)crc|checksum"):
        pq.ParquetFile(tmp_path / "b", page_checksum_verification=True).read()


def test_each_table_is_a_row_group(tmp_path: Path) -> None:
    groups = [table().slice(0, 10), table().slice(10, 1), table().slice(11)]
    metadata = write(tmp_path / "a", *groups)
    assert [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)] == [10, 1, 39]
    assert pq.read_table(tmp_path / "a").equals(table())


def test_a_table_of_another_schema_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"(?s)a: a row group has the schema\n.*instead of\n"):
        write_parquet(tmp_path / "a", table().schema, [table().drop_columns(["step"])], COLUMNS)


def test_a_table_is_cut_into_row_groups_of_bounded_size() -> None:
    whole = table(rows=100)
    groups = list(row_groups(whole, whole.nbytes // 4))
    assert pa.concat_tables(groups).equals(whole)
    assert 4 <= len(groups) <= 5
    assert [group.num_rows for group in row_groups(whole, 1)] == [1] * 100
    assert [group.num_rows for group in row_groups(whole)] == [100]
    assert list(row_groups(whole.slice(0, 0))) == []
