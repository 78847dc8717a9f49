"""Every bit of the pages that we write is under a checksum, and what reads our tables looks at it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.engine.job import read_table
from pipelines.errors import DataError
from pipelines.io.parquet import STORED, open_parquet, write_parquet
from pipelines.io.store import Store
from schemas.arrow import published_schema
from schemas.types import parse_columns

COLUMNS = parse_columns("""
trajectory_id   string          which
step            int32           which
screenshot      Image           picture
state           list<float32>   numbers
""")


def table(rows: int = 6) -> pa.Table:
    noise = random.Random(1)
    values: dict[str, Any] = {
        "trajectory_id": [f"s/{i % 3}" for i in range(rows)],
        "step": [None if i == 2 else i * i for i in range(rows)],
        "screenshot": [{"bytes": noise.randbytes(5), "path": f"{i}.png"} for i in range(rows)],
        "state": [None if i == 4 else [i / 7.0] * (i % 3) for i in range(rows)],
    }
    schema = published_schema("x", COLUMNS)
    return pa.Table.from_arrays([pa.array(values[f.name], f.type) for f in schema], schema=schema)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, list[range]]:
    """The bytes of a file, and where its pages lie without their headers."""
    path = tmp_path_factory.mktemp("pages") / "x.parquet"
    write_parquet(path, table().schema, [table()], COLUMNS)
    return path.read_bytes(), list(pages(path))


def pages(path: Path) -> Iterator[range]:
    """The bytes behind each page header, by a compact-protocol reader of its own that knows no more of Thrift than it needs."""
    data, group = path.read_bytes(), pq.read_metadata(path).row_group(0)
    for number in range(group.num_columns):
        column = group.column(number)
        at = column.dictionary_page_offset if column.has_dictionary_page else column.data_page_offset
        end = at + column.total_compressed_size
        while at < end:
            fields, start = thrift(data, at)
            assert 4 in fields, "a page has no checksum"
            yield range(start, start + fields[3])
            at = start + fields[3]


def thrift(data: bytes, at: int) -> tuple[dict[int, Any], int]:
    """Fields of a Thrift compact struct by id (integers alone have a value), and the place behind it."""
    found: dict[int, Any] = {}
    last = 0
    while data[at]:
        head, at = data[at], at + 1
        if head >> 4:
            last += head >> 4
        else:
            number, at = varint(data, at)
            last = number >> 1 ^ -(number & 1)
        kind = head & 15
        value: Any = None
        if kind in (4, 5, 6):
            number, at = varint(data, at)
            value = number >> 1 ^ -(number & 1)
        elif kind == 3:
            at += 1
        elif kind == 8:
            length, at = varint(data, at)
            at += length
        elif kind == 12:
            value, at = thrift(data, at)
        else:
            assert kind in (1, 2), f"Thrift type {kind}"
        found[last] = value
    return found, at + 1


def varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        shift, at = shift + 7, at + 1
        if not data[at - 1] & 128:
            return value, at


def test_every_bit_of_every_page_is_caught(written: tuple[bytes, list[range]]) -> None:
    data, found = written
    assert len(found) > 5  # a page of each leaf, and dictionaries
    for at in (at for page in found for at in page):
        for bit in range(8):
            with pytest.raises(OSError, match=r"(?i)crc|checksum"):
                open_parquet(pa.BufferReader(flipped(data, at, bit))).read()


def test_a_bit_outside_the_pages_gives_an_error_or_the_same_rows_or_another_schema(written: tuple[bytes, list[range]]) -> None:
    """Headers and footer have no checksum in Parquet; a whole file's sha256 stands in the outcome, or in MANIFEST.sha256."""
    data, found = written
    inside = {at for page in found for at in page}
    dice = random.Random(2)
    silent = []
    for at in (at for at in range(len(data)) if at not in inside):
        try:
            back = open_parquet(pa.BufferReader(flipped(data, at, dice.randrange(8)))).read()
        except (OSError, pa.ArrowException):
            continue
        if back.schema.equals(table().schema, check_metadata=True) and not back.equals(table()):
            silent.append(at)
    assert silent == []


def test_a_stored_table_whose_page_has_changed_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    write_parquet(path, table().schema, [table()], COLUMNS, STORED)
    page = max(pages(path), key=len)
    path.write_bytes(flipped(path.read_bytes(), page.start, 3))
    with pytest.raises(DataError, match=r"x\.parquet is damaged .*delete it and run again"):
        read_table(Store(str(tmp_path)), "x.parquet")
    with pytest.raises(FileNotFoundError):
        read_table(Store(str(tmp_path)), "y.parquet")


def flipped(data: bytes, at: int, bit: int) -> bytes:
    changed = np.frombuffer(data, np.uint8).copy()
    changed[at] ^= 1 << bit
    return changed.tobytes()
