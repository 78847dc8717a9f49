"""Who a row is: ids derived from content, so that doing a thing twice changes nothing."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from .arrow import columns_of, stored_schema, table_from_rows
from .tables import KINDS

NAMESPACE = uuid.UUID("6f1f2f0e-6f0a-5d0c-9a53-0c7f7a1d3e42")
"""The one namespace of all annotation ids. It never changes."""

_IDENTITY = ("trajectory_id", "task_id", "layer", "producer", "start", "end", "stream", "target")


def digest(value: Any) -> str:
    """sha256 (hex) of the canonical JSON of `value`."""
    return hashlib.sha256(_canonical(value).encode()).hexdigest()


def annotation_id(kind: str, row: Mapping[str, Any]) -> str:
    """UUIDv5 of one row as Arrow gives it back (floats already rounded to their column's type).

    Over trajectory (or task), layer, producer, annotator (of people only), interval, stream, target and the payload's
    non-null columns. Not over status, quality, confidence or seconds: confirming a row does not make another row.
    """
    who = row["annotator"] if row["producer_type"] == "human" else None
    payload = {column.name: row[column.name] for column in KINDS[kind] if row[column.name] is not None}
    return str(uuid.uuid5(NAMESPACE, _canonical([[row[name] for name in _IDENTITY], who, payload])))


def annotation_table(kind: str, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Rows of one kind as a table of its schema, `annotation_id` filled in and rows sorted by it within a start.

    Raises as `table_from_rows` does.
    """
    table = table_from_rows(stored_schema(kind, columns_of(kind)), rows)
    ids = [annotation_id(kind, row) for row in table.to_pylist()]
    table = table.set_column(0, table.schema.field(0), pa.array(ids, pa.string()))
    return table.sort_by([(name, "ascending") for name in ("trajectory_id", "start", "annotation_id")])


def run_id(producer: str, version: str, parameters: Mapping[str, Any], inputs: Sequence[str] = ()) -> str:
    """The id of a run: 16 hex digits over producer, version, parameters and the files read besides the trajectory."""
    return digest([producer, version, dict(parameters), sorted(inputs)])[:16]


def _canonical(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True, allow_nan=False, sort_keys=True, separators=(",", ":"), default=str)
