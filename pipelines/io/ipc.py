"""Tables on their way from one process to another, as Arrow streams: small ones as bytes, large ones through a file.

Pickled, a table of a few rows costs more than what it holds, its schema goes along each time, and a slice takes all that it was
cut from with it. A large one through a pipe is copied six times.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

SMALL_BYTES = 1_000_000
"""Up to this size a stream is sent as bytes."""


@dataclass(frozen=True, slots=True)
class Stream:
    """Tables of one name and schema: the group of each of its batches, and the Arrow stream, or a file that holds it."""

    name: str
    groups: tuple[int, ...]
    data: bytes | Path


@dataclass(frozen=True, slots=True)
class Sent:
    """`number` groups of tables."""

    number: int
    streams: tuple[Stream, ...]


def sent(groups: Sequence[Mapping[str, pa.Table]], folder: Path | None = None) -> Sent:
    """Groups of tables by name; what is large lies in a file in `folder`, where there is one."""
    alike: dict[str, list[list[tuple[int, pa.Table]]]] = {}
    for number, tables in enumerate(groups):
        for name, table in tables.items():
            of_name = alike.setdefault(name, [])
            same = next((one for one in of_name if one[0][1].schema.equals(table.schema, check_metadata=True)), None)
            if same is None:
                of_name.append([(number, table)])
            else:
                same.append((number, table))
    return Sent(len(groups), tuple(_stream(name, tables, folder) for name, found in alike.items() for tables in found))


def received(said: Sent) -> list[dict[str, pa.Table]]:
    """The groups of `sent`, not copied. A file is gone from its folder then, and lives as long as the tables do."""
    groups: list[dict[str, pa.Table]] = [{} for _ in range(said.number)]
    for stream in said.streams:
        source = pa.py_buffer(stream.data) if isinstance(stream.data, bytes) else pa.memory_map(str(stream.data))
        with pa.ipc.open_stream(source) as reader:
            batches: dict[int, list[pa.RecordBatch]] = {}
            for number, batch in zip(stream.groups, reader, strict=True):
                batches.setdefault(number, []).append(batch)
            for number, own in batches.items():
                groups[number][stream.name] = pa.Table.from_batches(own, reader.schema)
        if isinstance(stream.data, Path):
            with suppress(OSError):  # a system that keeps mapped files deletes them with their folder
                stream.data.unlink()
    return groups


def _stream(name: str, tables: Sequence[tuple[int, pa.Table]], folder: Path | None) -> Stream:
    schema = tables[0][1].schema
    batches = [
        (number, batch)
        for number, table in tables
        for batch in (table.to_batches() or [pa.RecordBatch.from_pylist([], schema)])  # one without rows is a batch too
    ]
    numbers = tuple(number for number, _ in batches)
    if folder is not None and sum(table.nbytes for _, table in tables) > SMALL_BYTES:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{uuid.uuid4().hex}.arrow"
        with pa.OSFile(str(path), "wb") as file:
            _write(schema, (batch for _, batch in batches), file)
        return Stream(name, numbers, path)
    sink = pa.BufferOutputStream()
    _write(schema, (batch for _, batch in batches), sink)
    return Stream(name, numbers, bytes(sink.getvalue().to_pybytes()))


def _write(schema: pa.Schema, batches: Iterable[pa.RecordBatch], sink: pa.NativeFile) -> None:
    with pa.ipc.new_stream(sink, schema) as stream:
        for batch in batches:
            stream.write_batch(batch)
