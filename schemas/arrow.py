"""Arrow schemas of the declared tables, and rows made into exactly those schemas.

Each table has two schemas: the *published* one (media embedded, Hugging Face features in the metadata) and the *stored*
one of shards in a workspace (media columns hold a sha256). Both carry the table's name and the version of the contract
under the metadata key `cairn`, so that a reader knows what it holds (`schemas.versions`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import pyarrow as pa

from .json_column import JsonValueError, json_text
from .tables import ENVELOPE, HISTORY, KINDS, MEDIA_INDEX, STATE_INDEX, TABLES
from .types import Column, parse_columns
from .versions import SCHEMA_VERSION

Rows = Iterable[Mapping[str, Any]]


def columns_of(table: str, native: Mapping[str, str] | None = None) -> tuple[Column, ...]:
    """The columns of a table, a kind (envelope first), `annotation_history`, `media` or `arc_states`.

    `native`: further columns of `robot_steps`, name → spelled type, put last in order of name.
    Raises KeyError for a name that is none of them.
    """
    if table in KINDS:
        return (*ENVELOPE, *KINDS[table])
    if table == "annotation_history":
        return HISTORY
    if table == "media":
        return MEDIA_INDEX
    if table == "arc_states":
        return STATE_INDEX
    return (*TABLES[table], *native_columns(native or {}))


def native_columns(native: Mapping[str, str]) -> tuple[Column, ...]:
    """Columns for a source's own features, in order of name."""
    return tuple(Column(name, native[name], "as the source has it") for name in sorted(native))


def published_schema(name: str, columns: Sequence[Column]) -> pa.Schema:
    """The schema of a published Parquet file: types, Hugging Face features, table name and contract version."""
    features = {column.name: column.feature for column in columns}
    metadata = {b"huggingface": json.dumps({"info": {"features": features}}).encode(), **_stamp(name)}
    return pa.schema([(column.name, column.arrow) for column in columns], metadata=metadata)


def stored_schema(name: str, columns: Sequence[Column]) -> pa.Schema:
    """The schema of the same table inside a shard: packed columns are sha256 strings."""
    return _stored_schema(name, tuple(columns))


@lru_cache(maxsize=256)
def _stored_schema(name: str, columns: tuple[Column, ...]) -> pa.Schema:
    return pa.schema([(column.name, column.stored) for column in columns], metadata=_stamp(name))


def table_from_rows(schema: pa.Schema, rows: Rows) -> pa.Table:
    """A table of exactly `schema`; absent keys are null, values of `Json` columns are Python objects.

    Raises KeyError for a key that is no column, and for a value that does not fit its column, which is named:
    pyarrow.ArrowInvalid (also for a fraction in a column of integers), ArrowTypeError, OverflowError or JsonValueError.
    """
    rows = list(rows)
    known = set(schema.names)
    said: set[str] = set()
    for row in rows:
        if not row.keys() <= known:
            raise KeyError(f"{sorted(row.keys() - known)} are no columns of this table")
        said.update(row)
    return table_from_columns(
        schema, {name: [row.get(name) for row in rows] for name in schema.names if name in said}, len(rows)
    )


def table_from_columns(schema: pa.Schema, values: Mapping[str, Any], length: int) -> pa.Table:
    """A table of exactly `schema` from column values (lists or Arrow arrays); absent columns are null.

    Raises as `table_from_rows` does.
    """
    if not values.keys() <= set(schema.names):
        raise KeyError(f"{sorted(values.keys() - set(schema.names))} are no columns of this table")
    return pa.Table.from_arrays([_array(field, values.get(field.name), length) for field in schema], schema=schema)


def _array(field: pa.Field, values: Any, length: int) -> pa.Array | pa.ChunkedArray:
    if values is None:
        # A slice of `pa.nulls` of lists in lists carries the whole when it is sent.
        nested = pa.types.is_list(field.type) and pa.types.is_list(field.type.value_type)
        return pa.array([None] * length, field.type) if nested else pa.nulls(length, field.type)
    try:
        return _converted(field.type, values)
    except UnicodeEncodeError as error:
        raise pa.ArrowInvalid(f"column {field.name}: a text holds half of a character ({error.reason})") from error
    except (pa.ArrowException, JsonValueError, OverflowError) as error:
        raise type(error)(f"column {field.name}: {error}") from error


def _converted(type_: pa.DataType, values: Any) -> pa.Array | pa.ChunkedArray:
    if isinstance(values, (pa.Array, pa.ChunkedArray)):
        return values if values.type == type_ else values.cast(type_)
    if isinstance(type_, pa.JsonType):
        return pa.array([json_text(value) for value in values], pa.string()).cast(type_)
    array = pa.array(values, type_)
    if (with_fractions := _with_fractions(type_)) is not None:
        pa.array(values, with_fractions).cast(type_)  # raises; above, pyarrow cuts 1.5 to 1 without a word
    return array


def _with_fractions(type_: pa.DataType) -> pa.DataType | None:
    """The floating type that holds every value of a type (or of lists) of integers up to 32 bits; None for others."""
    if pa.types.is_list(type_):
        inner = _with_fractions(type_.value_type)
        return None if inner is None else pa.list_(inner)
    return pa.float64() if pa.types.is_integer(type_) and type_.bit_width <= 32 else None


def _stamp(name: str) -> dict[bytes, bytes]:
    return {b"cairn": json.dumps({"table": name, "schema_version": SCHEMA_VERSION}).encode()}


__all__ = [
    "columns_of",
    "native_columns",
    "parse_columns",
    "published_schema",
    "stored_schema",
    "table_from_columns",
    "table_from_rows",
]
