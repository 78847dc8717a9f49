"""Who a row is: ids derived from content, so that doing a thing twice changes nothing."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .arrow import columns_of, stored_schema, table_from_rows
from .plain_values import canonical_json, json_texts
from .tables import KINDS

NAMESPACE = uuid.UUID("6f1f2f0e-6f0a-5d0c-9a53-0c7f7a1d3e42")
"""The one namespace of all annotation ids. It never changes."""

_IDENTITY = ("trajectory_id", "task_id", "layer", "producer", "start", "end", "stream", "target")


def digest(value: Any) -> str:
    """sha256 (hex) of the canonical JSON of `value`."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def annotation_id(kind: str, row: Mapping[str, Any]) -> str:
    """UUIDv5 of one row as Arrow gives it back (floats already rounded to their column's type).

    Over trajectory (or task), layer, producer, annotator (of people only), interval, stream, target and the payload's
    non-null columns. Not over status, quality, confidence or seconds: confirming a row does not make another row.
    """
    who = row["annotator"] if row["producer_type"] == "human" else None
    payload = {column.name: row[column.name] for column in KINDS[kind] if row[column.name] is not None}
    return str(uuid.uuid5(NAMESPACE, canonical_json([[row[name] for name in _IDENTITY], who, payload])))


def annotation_ids(kind: str, table: pa.Table) -> pa.Array:
    """`annotation_id` of each row of a table of that kind."""
    step = max(1, _AT_ONCE * table.num_rows // max(1, table.nbytes))
    digests = [
        hashlib.sha1(NAMESPACE.bytes + text, usedforsecurity=False).digest()
        for start in range(0, table.num_rows, step)
        for text in _named(kind, table.slice(start, step))
    ]
    return _uuids(b"".join(digests))


def annotation_table(kind: str, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Rows of one kind as a table of its schema, `annotation_id` filled in and rows sorted by it within a start.

    Raises as `table_from_rows` does.
    """
    table = table_from_rows(stored_schema(kind, columns_of(kind)), rows)
    table = table.set_column(0, table.schema.field(0), annotation_ids(kind, table))
    return table.sort_by([(name, "ascending") for name in ("trajectory_id", "start", "annotation_id")])


def run_id(producer: str, version: str, parameters: Mapping[str, Any], inputs: Sequence[str] = ()) -> str:
    """The id of a run: 16 hex digits over producer, version, parameters and the files read besides the trajectory."""
    return digest([producer, version, dict(parameters), sorted(inputs)])[:16]


_AT_ONCE = 32_000_000
"""Bytes of rows whose ids are made in one go."""

_DIGITS = np.frombuffer("".join(f"{byte:02x}" for byte in range(256)).encode(), np.uint8).reshape(256, 2)
_DASHES = (8, 13, 18, 23)
_PLACES = np.array([place for place in range(36) if place not in _DASHES])


def _named(kind: str, table: pa.Table) -> list[bytes]:
    """What the id of each row is made of: canonical JSON of [identity, person, payload]."""
    person = pc.if_else(pc.equal(table["producer_type"], "human"), table["annotator"], None)
    identity = [pc.fill_null(json_texts(column), "null") for column in (*(table[name] for name in _IDENTITY), person)]
    columns = {column.name: table[column.name] for column in KINDS[kind]}
    names = sorted(name for name, column in columns.items() if column.null_count < table.num_rows)
    said = [pc.fill_null(pc.binary_join_element_wise(f',"{name}":', json_texts(columns[name]), ""), "") for name in names]
    payload = pc.binary_join_element_wise(*said, "") if said else pa.repeat("", table.num_rows)
    whole = pc.binary_join_element_wise(
        "[[",
        pc.binary_join_element_wise(*identity[:-1], ","),
        "],",
        identity[-1],
        ",{",
        pc.utf8_slice_codeunits(payload, 1),
        "}]",
        "",
    )
    return list(whole.cast(pa.binary()).to_pylist())


def _uuids(digests: bytes) -> pa.Array:
    """`str(uuid.UUID(bytes=d[:16], version=5))` of digests of 20 bytes that stand one after another."""
    number = len(digests) // 20
    found = np.frombuffer(digests, np.uint8).reshape(number, 20)[:, :16].copy()
    found[:, 6] = found[:, 6] & 0x0F | 0x50
    found[:, 8] = found[:, 8] & 0x3F | 0x80
    text = np.full((number, 36), ord("-"), np.uint8)
    text[:, _PLACES] = _DIGITS[found].reshape(number, 32)
    offsets = np.arange(number + 1, dtype=np.int32) * 36
    return pa.StringArray.from_buffers(number, pa.py_buffer(offsets), pa.py_buffer(text.tobytes()))
