"""One episode's parquet file as checked columns.

A vector may be `fixed_size_list` or `list`, with the metadata of one writer or another: what counts is that every row
has the declared number of entries. Columns come out with exactly the types that `schemas` spells for their features.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.formats.lerobot.index import ACTION, BOOKKEEPING, MEDIA_TYPES, STATE, Episode, Feature
from pipelines.sources import Rejected
from schemas.types import Column

_NO_GAPS = (STATE, ACTION, *BOOKKEEPING)
_BATCH = 64


def open_parquet(path: Path, name: str) -> pq.ParquetFile:
    """The file, its footer read. Raises Rejected (`parquet_unreadable`); `name` is what the source calls it."""
    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(name, error) from error


def read_columns(file: pq.ParquetFile, name: str, episode: Episode) -> dict[str, pa.Array]:
    """Every declared feature but media, by name: scalars, or lists of the declared lengths, cast to the declared element type.

    State, action, timestamp and bookkeeping have no nulls; state, action and timestamp are finite. Raises Rejected:
    `schema_mismatch`, `value_missing`, `value_not_finite`, `parquet_unreadable`.
    """
    features = {
        key: feature for key, feature in episode.features.items() if feature.dtype not in MEDIA_TYPES and feature.element
    }
    names = file.schema_arrow.names
    if len(names) != len(set(names)):
        twice = next(key for key in names if names.count(key) > 1)
        raise Rejected("schema_mismatch", f"{name} has more than one column {twice}", {"feature": twice})
    missing = sorted({"timestamp", *features} - set(names))
    if missing:
        raise Rejected(
            "schema_mismatch",
            f"{name} has no column {missing[0]} ({len(missing)} missing), it has {', '.join(names)}: "
            "info.json and the file are of two datasets",
            {"missing": missing},
        )
    timestamp = {"timestamp": Feature(dtype="float32")} if "timestamp" not in features else {}
    try:
        table = file.read(columns=sorted({*features, *timestamp}))
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(name, error) from error
    return {key: _checked(table[key], key, feature, name) for key, feature in (features | timestamp).items()}


def undeclared(file: pq.ParquetFile, episode: Episode) -> list[str]:
    """Columns that the file has and info.json does not declare."""
    return sorted(set(file.schema_arrow.names) - set(episode.features) - {"timestamp"})


def embedded_images(file: pq.ParquetFile, name: str, feature: str) -> Iterator[bytes | None]:
    """The bytes of an image feature row by row (None: no picture in this row), a batch of rows in memory at a time."""
    if feature not in file.schema_arrow.names:
        raise Rejected(
            "schema_mismatch", f"{name} has no column {feature}, which info.json declares as images", {"missing": [feature]}
        )
    kind = file.schema_arrow.field(feature).type
    if not pa.types.is_struct(kind) or kind.get_field_index("bytes") < 0:
        raise Rejected(
            "schema_mismatch", f"{name}: {feature} is {kind}; embedded images are struct<bytes, path>", {"feature": feature}
        )
    try:
        for batch in file.iter_batches(_BATCH, columns=[feature]):
            column = batch.column(feature)
            for valid, data in zip(column.is_valid(), column.field("bytes"), strict=True):
                yield data.as_py() if valid.as_py() else None
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(name, error) from error


def matrix(column: pa.Array) -> npt.NDArray[np.float64]:
    """A column of vectors (or numbers) without nulls as float64 [rows, dimensions]."""
    rows = len(column)
    while isinstance(column, pa.ListArray):
        column = column.flatten()
    return np.asarray(column, np.float64).reshape(rows, -1)


def _checked(chunked: pa.ChunkedArray, key: str, feature: Feature, file: str) -> pa.Array:
    column = _stored(chunked.combine_chunks() if chunked.num_chunks != 1 else chunked.chunk(0))
    if feature.shape == (1,) and _is_list(column.type):
        column = _unwrapped(column, key, file)
    leaf = _leaf(column, () if feature.scalar else feature.shape, key, file)
    wanted = Column(key, str(feature.element)).arrow
    if _family(leaf.type) != _family(wanted):
        raise Rejected("schema_mismatch", f"{file}: {key} holds {leaf.type}, info.json says {feature.dtype}", {"feature": key})
    if key in _NO_GAPS and leaf.null_count:
        raise Rejected(
            "value_missing", f"{file}: {key} holds {leaf.null_count} nulls: every step needs its value", {"feature": key}
        )
    if key in (STATE, ACTION, "timestamp"):
        _refuse_not_finite(leaf, len(column), key, feature, file)
    try:
        return column.cast(Column(key, str(feature.spelled)).arrow)
    except pa.ArrowInvalid as error:
        raise Rejected("schema_mismatch", f"{file}: {key} does not fit {feature.dtype}: {error}", {"feature": key}) from error


def _leaf(column: pa.Array, shape: tuple[int, ...], key: str, file: str) -> pa.Array:
    """The elements of all rows, after every list has been found to have its declared length."""
    rows_per = 1
    for depth, length in enumerate(shape):
        if not _is_list(column.type):
            raise Rejected(
                "schema_mismatch", f"{file}: {key} holds {column.type}, info.json says shape {list(shape)}", {"feature": key}
            )
        if column.null_count and (depth or key in _NO_GAPS):
            row = int(np.flatnonzero(np.asarray(column.is_null()))[0]) // rows_per
            raise Rejected("value_missing", f"{file}: row {row} of {key} is null", {"feature": key, "step": row})
        wrong = pc.fill_null(pc.not_equal(pc.list_value_length(column), length), False)
        if length >= 0 and pc.any(wrong).as_py():
            first = int(np.flatnonzero(np.asarray(wrong))[0])
            found = pc.list_value_length(column)[first].as_py()
            raise Rejected(
                "schema_mismatch",
                f"{file}: row {first // rows_per} of {key} has {found} entries, info.json says shape {list(shape)}",
                {"feature": key, "step": first // rows_per, "found": found, "declared": list(shape)},
            )
        column = _stored(column.flatten())
        rows_per *= max(length, 1)
    if _is_list(column.type):
        raise Rejected(
            "schema_mismatch", f"{file}: {key} is nested deeper than shape {list(shape)} of info.json", {"feature": key}
        )
    return column


def _unwrapped(column: pa.Array, key: str, file: str) -> pa.Array:
    """A column of one-element lists as the elements."""
    wrong = pc.not_equal(pc.fill_null(pc.list_value_length(column), 0), 1)
    if pc.any(wrong).as_py():
        row = int(np.flatnonzero(np.asarray(wrong))[0])
        raise Rejected(
            "schema_mismatch",
            f"{file}: row {row} of {key} is no list of 1 entry, as info.json says",
            {"feature": key, "step": row},
        )
    return _stored(column.flatten())


def _refuse_not_finite(leaf: pa.Array, rows: int, key: str, feature: Feature, file: str) -> None:
    wrong = np.argwhere(~np.isfinite(np.asarray(leaf, np.float64).reshape(rows, -1)))
    if len(wrong):
        row, dimension = int(wrong[0][0]), int(wrong[0][1])
        names = feature.dimension_names
        named = f" ({names[dimension]})" if names else ""
        raise Rejected(
            "value_not_finite",
            f"{file}: {key} is {leaf[row * (len(leaf) // rows) + dimension].as_py()} in row {row}, dimension {dimension}{named}, "
            f"{len(wrong)} such values in all: take the episode out, or record it again",
            {"feature": key, "step": row, "dimension": dimension, "count": len(wrong)},
        )


def _stored(column: pa.Array) -> pa.Array:
    """Without an extension type (`datasets`, where it is imported, gives its own to 2-D arrays)."""
    return column.storage if isinstance(column, pa.ExtensionArray) else column


def _is_list(type_: pa.DataType) -> bool:
    return bool(pa.types.is_list(type_) or pa.types.is_fixed_size_list(type_) or pa.types.is_large_list(type_))


def _family(type_: pa.DataType) -> str:
    """What may be cast into each other: widths differ between writers, kinds of number do not."""
    families: Mapping[str, Any] = {
        "integer": pa.types.is_integer,
        "floating": pa.types.is_floating,
        "bool": pa.types.is_boolean,
        "string": lambda t: pa.types.is_string(t) or pa.types.is_large_string(t),
    }
    return next((name for name, belongs in families.items() if belongs(type_)), str(type_))


def _unreadable(name: str, error: Exception) -> Rejected:
    return Rejected(
        "parquet_unreadable",
        f"{name} is no whole parquet file (a copy that broke off, or a writer that was never closed, leaves no footer): {error}",
        {"file": name},
    )
