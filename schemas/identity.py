"""Who a row is: ids derived from content, so that doing a thing twice changes nothing."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

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
    found: list[str] = []
    step = max(1, _AT_ONCE * table.num_rows // max(1, table.nbytes))
    for start in range(0, table.num_rows, step):
        found += _ids(kind, table.slice(start, step))
    return pa.array(found, pa.string())


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

_VARIANT = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))


def _ids(kind: str, table: pa.Table) -> list[str]:
    person = pc.if_else(pc.equal(table["producer_type"], "human"), table["annotator"], None)
    identity = [_texts(column, "null") for column in (*(table[name] for name in _IDENTITY), person)]
    names = sorted(column.name for column in KINDS[kind] if table[column.name].null_count < table.num_rows)
    payload = [_texts(table[name], None, f'"{name}":') for name in names]
    found = []
    for *whose, who in zip(*identity, strict=True):
        found.append(f"[[{','.join(whose)}],{who},{{")
    for number, values in enumerate(zip(*payload, strict=True) if names else ()):
        found[number] += ",".join([value for value in values if value is not None])
    return [_uuid(f"{text}}}]".encode()) for text in found]


def _texts(column: pa.ChunkedArray | pa.Array, missing: str | None, before: str = "") -> list[Any]:
    texts = json_texts(column)
    if before:
        texts = pc.binary_join_element_wise(before, texts, "")
    return list((texts if missing is None else pc.fill_null(texts, missing)).to_numpy(zero_copy_only=False).tolist())


def _uuid(name: bytes) -> str:
    """`str(uuid.uuid5(NAMESPACE, name))`, without the object in between."""
    text = hashlib.sha1(NAMESPACE.bytes + name, usedforsecurity=False).hexdigest()
    return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{_VARIANT[text[16]]}{text[17:20]}-{text[20:32]}"
