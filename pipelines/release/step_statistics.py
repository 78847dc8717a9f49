"""`statistics.json` of a release: of every column of numbers of `robot_steps`, by split and source, for whoever normalises.

Each part of `robot_steps` leaves its own beside it in the workspace when it is written, so no part is read twice; they are
merged when the release is put together. Splits stand apart, so that nobody normalises by what he tests on; sources too, for
the joints of two robots are not the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa

from pipelines.release.views import run_offsets
from pipelines.statistics.columns import STORED, from_stored, is_numeric, matrix_of, stored_row
from pipelines.statistics.numbers import NumberStatistics

PART = "statistics"
"""What an outcome calls the statistics of its part; nothing of a release is called so."""
FILE = "statistics.json"
VERSION = 1
"""Raised when the same steps give other statistics; part of the fingerprint of the parts of `robot_steps`."""

_BLOCK = 1 << 16
"""Rows that are a matrix at once."""
_NOT_COUNTED = ("step", "timestamp", "frames", "camera_poses")
_SCHEMA = pa.schema(
    [("source", pa.string()), ("column", pa.string()), ("rows", pa.int64()), ("width", pa.int64()), *STORED.items()]
)
"""`rows` of the source in the part, null ones too; `width` is null where rows of the column are of several lengths."""


def part_statistics(steps: pa.Table) -> bytes:
    """What a part keeps: a row per source and column that has a value, as an Arrow stream."""
    names = [field.name for field in steps.schema if field.name not in _NOT_COUNTED and is_numeric(field.type)]
    rows = []
    for source, start, stop in _sources(steps["trajectory_id"]):
        for name in names:
            column = steps[name].slice(start, stop - start).combine_chunks()
            if column.null_count < len(column):
                found = _of_column(column)
                said = {"source": source, "column": name, "rows": len(column), "width": None if found is None else found.width}
                rows.append(said | stored_row(found or NumberStatistics(0)))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, _SCHEMA, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(pa.Table.from_pylist(rows, schema=_SCHEMA))
    return bytes(sink.getvalue())


def release_statistics(parts: Iterable[tuple[str, bytes]]) -> bytes | None:
    """The text of `statistics.json` from (split, what a part kept) in the order of the parts; None where no step has numbers."""
    found: dict[str, dict[str, dict[str, _Column]]] = {}
    for split, data in parts:
        for row in _rows(data):
            of_source = found.setdefault(split, {}).setdefault(row["source"].as_py(), {})
            of_source.setdefault(row["column"].as_py(), _Column()).add(row)
    if not found:
        return None
    splits = {
        split: _lines({source: _lines({name: _number_text(of.said()) for name, of in sorted(columns.items())}, 3)
                       for source, columns in sources.items()}, 2)
        for split, sources in found.items()
    }  # fmt: skip
    return _lines({"version": str(VERSION), "of": '"robot_steps"', "splits": _lines(splits, 1)}, 0).encode() + b"\n"


def _lines(members: Mapping[str, str], depth: int) -> str:
    """A JSON object with a member per line, of members that are JSON text already: a column stands on one line."""
    inner = ",\n".join(f"{' ' * (depth + 1)}{orjson.dumps(name).decode()}: {text}" for name, text in members.items())
    return f"{{\n{inner}\n{' ' * depth}}}"


def _number_text(value: Mapping[str, Any]) -> str:
    """What is NaN is null."""
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY).decode()


def _of_column(column: pa.Array) -> NumberStatistics | None:
    """Block by block, since a matrix takes twice the memory of its column or more; None where rows are of several lengths."""
    found: NumberStatistics | None = None
    for start in range(0, len(column), _BLOCK):
        block = column.slice(start, _BLOCK)
        if block.null_count == len(block):
            continue
        matrix = matrix_of(block)
        if matrix is None or (found is not None and found.width != matrix.shape[1]):
            return None
        found = found or NumberStatistics(matrix.shape[1])
        found.add(matrix)
    return found


class _Column:
    """A column of one source and split, over all parts."""

    def __init__(self) -> None:
        self.rows = 0
        self.numbers: NumberStatistics | None = None
        self.ragged = False

    def add(self, row: Mapping[str, pa.Scalar]) -> None:
        found = from_stored(row)
        self.rows += row["rows"].as_py()
        if self.numbers is None:
            self.numbers = found
        self.ragged = self.ragged or not row["width"].is_valid or found.width != self.numbers.width
        if not self.ragged and self.numbers is not found:
            self.numbers.merge(found)

    def said(self) -> dict[str, Any]:
        """Statistic → a number per dimension, null where there is none; without any where rows are of several lengths."""
        if self.numbers is None or self.ragged:
            return {"rows": self.rows, "several_lengths": True}
        counts = {"rows": self.rows, "nan": self.numbers.nan, "inf": self.numbers.inf}
        return counts | self.numbers.result() | {"quantile_rank_error": _rounded_up(self.numbers.rank_error)}


def _rounded_up(shares: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(np.ceil(shares * 1e6) / 1e6)


def _sources(ids: pa.ChunkedArray) -> Iterable[tuple[str, int, int]]:
    """(source, first row, row after the last): a trajectory's id begins with its source, and rows are sorted by it."""
    names, offsets = run_offsets(ids)
    starts: dict[str, list[int]] = {}
    for name, start, stop in zip(names, offsets[:-1].tolist(), offsets[1:].tolist(), strict=True):
        bounds = starts.setdefault(name.split("/", 1)[0], [start, stop])
        bounds[1] = stop
    yield from ((source, start, stop) for source, (start, stop) in starts.items())


def _rows(data: bytes) -> Iterable[Mapping[str, pa.Scalar]]:
    with pa.ipc.open_stream(data) as reader:
        table = reader.read_all()
    for number in range(table.num_rows):
        yield {name: table[name][number] for name in table.column_names}
