"""A LeRobot data file: the rows of one episode as checked columns.

A vector may be `fixed_size_list` or `list`, with the metadata of one writer or another: what counts is that every row
has the declared number of entries. Columns come out with exactly the types that `schemas` spells for their features.

In v3.0 a file holds many episodes. Their rows are found by the column episode_index, never by counting, and only the row
groups that hold them are read (lerobot writes one per episode).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.formats.lerobot.episode import Episode
from pipelines.formats.lerobot.features import BOOKKEEPING, MEDIA_TYPES, Feature
from pipelines.formats.lerobot.fields import FieldMap
from pipelines.sources import Rejected
from schemas.types import Column

_BATCH = 64


class DataFile:
    """An open data file; `name` is what the source calls it. Raises Rejected (`parquet_unreadable`) where it has no footer."""

    def __init__(self, path: Path, name: str) -> None:
        self.name = name
        try:
            self._file = pq.ParquetFile(path)
        except (pa.ArrowException, OSError) as error:
            raise _unreadable(name, error) from error
        self._last: tuple[tuple[Any, ...], pa.Table] | None = None

    @property
    def names(self) -> list[str]:
        """Names of all columns."""
        return list(self._file.schema_arrow.names)

    @property
    def num_rows(self) -> int:
        """Rows of all episodes."""
        return int(self._file.metadata.num_rows)

    def type_of(self, column: str) -> pa.DataType:
        """The type that the file gives a column."""
        return self._file.schema_arrow.field(column).type

    def rows_of(self, episode: Episode) -> int:
        """How many rows the episode has in this file."""
        return len(self._range(episode))

    def read(self, columns: Sequence[str], episode: Episode) -> pa.Table:
        """The episode's rows. Raises Rejected: `parquet_unreadable`, `episode_scattered`."""
        rows = self._range(episode)
        groups, first = self._groups(rows)
        key = (tuple(columns), tuple(groups))
        if self._last is None or self._last[0] != key:  # neighbours often lie in one row group
            try:
                self._last = key, self._file.read_row_groups(groups, columns=list(columns))
            except (pa.ArrowException, OSError) as error:
                raise _unreadable(self.name, error) from error
        return self._last[1].slice(rows.start - first, len(rows))

    def batches(self, column: str, episode: Episode) -> Iterator[pa.RecordBatch]:
        """One column of the episode's rows, few rows in memory at a time."""
        rows = self._range(episode)
        groups, position = self._groups(rows)
        try:
            for batch in self._file.iter_batches(_BATCH, row_groups=groups, columns=[column]):
                start, stop = max(rows.start - position, 0), min(rows.stop - position, batch.num_rows)
                if start < stop:
                    yield batch.slice(start, stop - start)
                position += batch.num_rows
        except (pa.ArrowException, OSError) as error:
            raise _unreadable(self.name, error) from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _range(self, episode: Episode) -> range:
        if not episode.shared:
            return range(self.num_rows)
        where = np.flatnonzero(self._owners == episode.episode_index)
        if not len(where):
            return range(0)
        if where[-1] - where[0] + 1 != len(where):
            between = int(np.flatnonzero(np.diff(where) > 1)[0])
            message = (
                f"{self.name}: the rows of {episode.native_id} do not stand together (row {int(where[between]) + 1} is another "
                "episode's): sort the file by index"
            )
            raise Rejected("episode_scattered", message, {"row": int(where[between]) + 1})
        return range(int(where[0]), int(where[-1]) + 1)

    def _groups(self, rows: range) -> tuple[list[int], int]:
        """The row groups that hold the rows, and the first row of the first of them."""
        sizes = [self._file.metadata.row_group(i).num_rows for i in range(self._file.metadata.num_row_groups)]
        starts = np.concatenate([[0], np.cumsum(sizes)]).astype(int)
        held = [i for i in range(len(sizes)) if starts[i] < rows.stop and starts[i + 1] > rows.start]
        return held, int(starts[held[0]]) if held else 0

    @cached_property
    def _owners(self) -> npt.NDArray[np.int64]:
        if "episode_index" not in self.names:
            raise Rejected("schema_mismatch", f"{self.name} has no column episode_index, by which its episodes are told apart")
        try:
            column = self._file.read(columns=["episode_index"])["episode_index"].combine_chunks()
        except (pa.ArrowException, OSError) as error:
            raise _unreadable(self.name, error) from error
        column = _stored(column)
        return np.asarray(column.flatten() if _is_list(column.type) else column, np.int64)


def read_columns(file: DataFile, episode: Episode, fields: FieldMap) -> dict[str, pa.Array]:
    """Every declared feature but media and language, by name: scalars, or lists of the declared lengths, of the declared type.

    State, action, timestamp and bookkeeping have no nulls; state, action and timestamp are finite. Raises Rejected:
    `schema_mismatch`, `value_missing`, `value_not_finite`, `parquet_unreadable`.
    """
    name = file.name
    features = {
        key: feature for key, feature in episode.features.items() if feature.dtype not in MEDIA_TYPES and feature.element
    }
    names = file.names
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
    table = file.read(sorted({*features, *timestamp}), episode)
    whole = {*fields.state, *fields.action, "timestamp"}
    return {key: _checked(table[key], key, feature, name, whole) for key, feature in (features | timestamp).items()}


def language_column(file: DataFile, episode: Episode, feature: str) -> pa.ChunkedArray | None:
    """A language column of the episode's rows as it is; None where the file does not have it."""
    return file.read([feature], episode)[feature] if feature in file.names else None


def undeclared(file: DataFile, episode: Episode) -> list[str]:
    """Columns that the file has and info.json does not declare."""
    return sorted(set(file.names) - set(episode.features) - {"timestamp"})


def embedded_images(file: DataFile, episode: Episode, feature: str) -> Iterator[bytes | None]:
    """The bytes of an image feature row by row (None: no picture in this row), a batch of rows in memory at a time."""
    if feature not in file.names:
        raise Rejected(
            "schema_mismatch",
            f"{file.name} has no column {feature}, which info.json declares as images",
            {"missing": [feature]},
        )
    kind = file.type_of(feature)
    if not pa.types.is_struct(kind) or kind.get_field_index("bytes") < 0:
        raise Rejected(
            "schema_mismatch",
            f"{file.name}: {feature} is {kind}; embedded images are struct<bytes, path>",
            {"feature": feature},
        )
    for batch in file.batches(feature, episode):
        column = batch.column(0)
        for valid, data in zip(column.is_valid(), column.field("bytes"), strict=True):
            yield data.as_py() if valid.as_py() else None


def matrix(column: pa.Array) -> npt.NDArray[np.float64]:
    """A column of vectors (or numbers) without nulls as float64 [rows, dimensions]."""
    rows = len(column)
    while _is_list(column.type):
        column = column.flatten()
    return np.asarray(column, np.float64).reshape(rows, -1)


def _checked(chunked: pa.ChunkedArray, key: str, feature: Feature, file: str, whole: set[str]) -> pa.Array:
    column = _stored(chunked.combine_chunks() if chunked.num_chunks != 1 else chunked.chunk(0))
    if feature.shape == (1,) and _is_list(column.type):
        column = _unwrapped(column, key, file)
    filled = key in whole or key in BOOKKEEPING
    leaf = _leaf(column, () if feature.scalar else feature.shape, key, file, filled)
    wanted = Column(key, str(feature.element)).arrow
    if _family(leaf.type) != _family(wanted):
        raise Rejected("schema_mismatch", f"{file}: {key} holds {leaf.type}, info.json says {feature.dtype}", {"feature": key})
    if filled and leaf.null_count:
        raise Rejected(
            "value_missing", f"{file}: {key} holds {leaf.null_count} nulls: every step needs its value", {"feature": key}
        )
    if key in whole:
        _refuse_not_finite(leaf, len(column), key, feature, file)
    try:
        return column.cast(Column(key, str(feature.spelled)).arrow)
    except pa.ArrowInvalid as error:
        raise Rejected("schema_mismatch", f"{file}: {key} does not fit {feature.dtype}: {error}", {"feature": key}) from error


def _leaf(column: pa.Array, shape: tuple[int, ...], key: str, file: str, filled: bool) -> pa.Array:
    """The elements of all rows, after every list has been found to have its declared length."""
    rows_per = 1
    for depth, length in enumerate(shape):
        if not _is_list(column.type):
            raise Rejected(
                "schema_mismatch", f"{file}: {key} holds {column.type}, info.json says shape {list(shape)}", {"feature": key}
            )
        if column.null_count and (depth or filled):
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
