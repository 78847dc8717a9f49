"""A LeRobot data file: the rows of one episode as checked columns.

A vector may be `fixed_size_list` or `list`, with the metadata of one writer or another: what counts is that every row
has the declared number of entries. Columns come out with exactly the types that `schemas` spells for their features.

In v3.0 a file holds many episodes. Their rows are found by the column episode_index, never by counting, and only the row
groups that hold them are read (lerobot writes one per episode).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property, lru_cache
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.formats.lerobot.episode import Episode
from pipelines.formats.lerobot.features import BOOKKEEPING, MEDIA_TYPES, Feature
from pipelines.formats.lerobot.fields import FieldMap
from pipelines.io.parquet import open_parquet
from pipelines.sources import Rejected
from schemas.types import Column

Columns = dict[str, pa.Array]

_BATCH = 64
_BLOCK_BYTES = 16_000_000
"""Of the row groups that are read at once, before compression."""


class DataFile:
    """An open data file; `name` is what the source calls it. Raises Rejected (`parquet_unreadable`) where it has no footer.

    Row groups are read in blocks, each once: neighbours often lie in one, and many small ones cost more than their rows.
    """

    def __init__(self, path: Path, name: str) -> None:
        self.name = name
        try:
            self._file = open_parquet(path)
            self._schema = self._file.schema_arrow
        except (pa.ArrowException, OSError) as error:
            raise _unreadable(name, error) from error
        if self._starts[-1] != self.num_rows:
            raise _unreadable(name, ValueError(f"its row groups state {self._starts[-1]} rows, the file {self.num_rows}"))
        self._last: dict[tuple[str, ...], tuple[range, pa.Table | None]] = {}
        self._last_checked: tuple[range, Columns | None] = (range(0), None)

    @cached_property
    def names(self) -> list[str]:
        """Names of all columns."""
        return list(self._schema.names)

    @cached_property
    def num_rows(self) -> int:
        """Rows of all episodes."""
        return int(self._file.metadata.num_rows)

    def type_of(self, column: str) -> pa.DataType:
        """The type that the file gives a column."""
        return self._schema.field(column).type

    def rows_of(self, episode: Episode) -> int:
        """How many rows the episode has in this file."""
        return len(self._range(episode))

    def read(self, columns: Sequence[str], episode: Episode) -> pa.Table:
        """The episode's rows. Raises Rejected: `parquet_unreadable`, `episode_scattered`."""
        rows, names = self._range(episode), tuple(columns)
        groups = self._block(rows)
        table = None if groups is None else self._whole(names, groups)
        if groups is None or table is None:
            groups = self._groups(rows)
            table = self._read(names, groups)
        return table.slice(rows.start - self._starts[groups.start], len(rows))

    def checked(self, columns: Sequence[str], episode: Episode, check: Callable[[pa.Table], Columns]) -> Columns:
        """The episode's rows as `check` makes columns of them: of a whole block at once, and of the episode alone where that
        is refused, so that what is said is said of the episode. Raises as `read` and `check` do.
        """
        rows, names = self._range(episode), tuple(columns)
        block = self._block(rows)
        if block is not None and self._last_checked[0] != block:
            self._last_checked = block, None
            table = self._whole(names, block)
            with suppress(Rejected):
                self._last_checked = block, None if table is None else check(table)
        found = None if block is None else self._last_checked[1]
        if block is None or found is None:
            return check(self.read(columns, episode))
        self._last.pop(names, None)  # what was made of it is enough
        first = rows.start - self._starts[block.start]
        return {name: column.slice(first, len(rows)) for name, column in found.items()}

    def batches(self, column: str, episode: Episode) -> Iterator[pa.RecordBatch]:
        """One column of the episode's rows, few rows in memory at a time."""
        rows = self._range(episode)
        groups = self._groups(rows)
        position = self._starts[groups.start]
        try:
            for batch in self._file.iter_batches(_BATCH, row_groups=list(groups), columns=[column]):
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
        first, *others = self._places.get(episode.episode_index) or [range(0)]
        if others:
            message = (
                f"{self.name}: the rows of {episode.native_id} do not stand together (row {first.stop} is another "
                "episode's): sort the file by index"
            )
            raise Rejected("episode_scattered", message, {"row": first.stop})
        return first

    def _whole(self, columns: tuple[str, ...], block: range) -> pa.Table | None:
        """A block, read once; None where a page of it is damaged, which costs the episodes of that page alone."""
        if columns not in self._last or self._last[columns][0] != block:
            self._last[columns] = block, None
            with suppress(Rejected):
                self._last[columns] = block, self._read(columns, block)
        return self._last[columns][1]

    def _read(self, columns: tuple[str, ...], groups: range) -> pa.Table:
        try:
            # One thread: many of us stand side by side, and small groups are read faster by one.
            return self._file.read_row_groups(list(groups), columns=list(columns), use_threads=False)
        except (pa.ArrowException, OSError) as error:
            raise _unreadable(self.name, error) from error

    def _groups(self, rows: range) -> range:
        """The row groups that hold the rows."""
        if not len(rows):
            return range(0)
        return range(bisect_right(self._starts, rows.start) - 1, bisect_left(self._starts, rows.stop))

    def _block(self, rows: range) -> range | None:
        """The block that holds the rows; None where they reach over its end."""
        groups = self._groups(rows)
        if not len(groups):
            return None
        borders = self._borders
        block = borders[bisect_right(borders, groups.start) - 1], borders[bisect_right(borders, groups.start)]
        return range(*block) if groups.stop <= block[1] else None

    @cached_property
    def _starts(self) -> list[int]:
        """The first row of every row group, and behind them the number of rows."""
        of = self._file.metadata
        return list(accumulate((of.row_group(i).num_rows for i in range(of.num_row_groups)), initial=0))

    @cached_property
    def _borders(self) -> list[int]:
        """The first row group of every block, and behind them the number of row groups."""
        of = self._file.metadata
        borders, size = [0], 0
        for group in range(of.num_row_groups):
            weight = of.row_group(group).total_byte_size
            if size and size + weight > _BLOCK_BYTES:
                borders.append(group)
                size = 0
            size += weight
        return [*borders, of.num_row_groups]

    @cached_property
    def _places(self) -> dict[int, list[range]]:
        """The rows of every episode, in runs."""
        if "episode_index" not in self.names:
            raise Rejected("schema_mismatch", f"{self.name} has no column episode_index, by which its episodes are told apart")
        try:
            column = self._file.read(columns=["episode_index"], use_threads=False)["episode_index"].combine_chunks()
        except (pa.ArrowException, OSError) as error:
            raise _unreadable(self.name, error) from error
        column = _stored(column)
        owners = np.asarray(column.flatten() if _is_list(column.type) else column, np.int64)
        if len(owners) != self.num_rows:
            raise _unreadable(self.name, ValueError(f"it states {self.num_rows} rows and holds {len(owners)}"))
        borders = [0, *(np.flatnonzero(np.diff(owners)) + 1).tolist(), len(owners)]
        found: dict[int, list[range]] = {}
        for start, stop in pairwise(borders):
            if start < stop:
                found.setdefault(int(owners[start]), []).append(range(start, stop))
        return found


def read_columns(file: DataFile, episode: Episode, fields: FieldMap) -> Columns:
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
    whole = {*fields.state, *fields.action, "timestamp"}

    def check(table: pa.Table) -> Columns:
        return {key: _checked(table[key], key, feature, name, whole) for key, feature in (features | timestamp).items()}

    return file.checked(sorted({*features, *timestamp}), episode, check)


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
    wanted = _arrow(str(feature.element))
    if leaf.type != wanted and _family(leaf.type) != _family(wanted):
        raise Rejected("schema_mismatch", f"{file}: {key} holds {leaf.type}, info.json says {feature.dtype}", {"feature": key})
    if filled and leaf.null_count:
        raise Rejected(
            "value_missing", f"{file}: {key} holds {leaf.null_count} nulls: every step needs its value", {"feature": key}
        )
    if key in whole:
        _refuse_not_finite(leaf, len(column), key, feature, file)
    try:
        if _family(leaf.type) == "string":
            leaf.validate(full=True)  # Parquet says that it is UTF-8, and readers take its word
        return column.cast(_arrow(str(feature.spelled)))
    except pa.ArrowInvalid as error:
        raise Rejected("schema_mismatch", f"{file}: {key} does not fit {feature.dtype}: {error}", {"feature": key}) from error


@lru_cache(maxsize=64)
def _arrow(spelled: str) -> pa.DataType:
    return Column("", spelled).arrow


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
        if length >= 0 and (wrong := _of_other_length(column, length)) is not None:
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


def _of_other_length(column: pa.Array, length: int) -> pa.Array | None:
    """Which lists are not of a length; None where all are, which a type that fixes it says without looking."""
    if pa.types.is_fixed_size_list(column.type) and column.type.list_size == length:
        return None
    wrong = pc.fill_null(pc.not_equal(pc.list_value_length(column), length), False)
    return wrong if pc.any(wrong).as_py() else None


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
    finite = np.isfinite(np.asarray(leaf))
    if not finite.all():
        wrong = np.argwhere(~finite.reshape(rows, -1))
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
