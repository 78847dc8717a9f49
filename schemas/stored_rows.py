"""Rows as Arrow gives them back (`table.to_pylist()`), and as tables again: `Json` columns stay text, ids stay.

A row that a person confirmed keeps the id that its content was given when it was made, so nothing here computes the id of
a row that has one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from .arrow import columns_of, stored_schema, table_from_rows
from .identity import annotation_id
from .layers import layer


def table_from_stored_rows(schema: pa.Schema, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Rows as a table of exactly `schema`; absent keys are null, values of `Json` columns are JSON text.

    Raises as `table_from_rows` does.
    """
    json_columns = [field.name for field in schema if isinstance(field.type, pa.JsonType)]
    plain = table_from_rows(schema, [{k: v for k, v in row.items() if k not in json_columns} for row in rows])
    for name in json_columns:
        index = plain.schema.get_field_index(name)
        texts = pa.array([row.get(name) for row in rows], pa.string()).cast(pa.json_())
        plain = plain.set_column(index, plain.schema.field(index), texts)
    return plain


def with_ids(kind: str, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows of one kind with all columns, floats rounded to their type; those without an id are given that of their content.

    Raises as `table_from_stored_rows` does.
    """
    found: list[dict[str, Any]] = table_from_stored_rows(stored_schema(kind, columns_of(kind)), rows).to_pylist()
    return [row if row["annotation_id"] is not None else row | {"annotation_id": annotation_id(kind, row)} for row in found]


def state_tables(states: Iterable[Mapping[str, Any]]) -> dict[str, pa.Table]:
    """States of rows of any layers as stored tables by kind, sorted by trajectory, start, id and submission.

    One state per (annotation_id, submission): the same state given twice counts once. Raises KeyError for an unknown layer,
    ValueError for two different states of one row in one submission.
    """
    by_kind: dict[str, dict[tuple[str, str | None], Mapping[str, Any]]] = {}
    for row in states:
        of_kind = by_kind.setdefault(layer(row["layer"]).kind, {})
        key = (row["annotation_id"], row["submission"])
        if of_kind.setdefault(key, row) != row:
            raise ValueError(f"{row['layer']} {key[0]}: submission {key[1]} says two different things about it")
    order = [(name, "ascending") for name in ("trajectory_id", "start", "annotation_id", "submission")]
    return {
        kind: table_from_stored_rows(stored_schema(kind, columns_of(kind)), list(rows.values())).sort_by(order)
        for kind, rows in sorted(by_kind.items())
    }
