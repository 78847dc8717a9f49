"""Columns of Arrow as matrices of numbers, and their statistics as rows of a table, so that shards of them can be kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.statistics.numbers import Matrix, NumberStatistics
from pipelines.statistics.quantiles import QuantileSketch

_COUNTS, _NUMBERS = pa.list_(pa.int64()), pa.list_(pa.float64())
STORED: Mapping[str, pa.DataType] = {
    **dict.fromkeys(("count", "nan", "inf"), _COUNTS),
    **dict.fromkeys(("least", "greatest", "mean", "squares"), _NUMBERS),
    **dict.fromkeys(("low", "high"), _COUNTS),
    "levels": pa.list_(pa.list_(pa.list_(pa.float64()))),
}
"""Columns of a row that keeps `NumberStatistics`; `low`, `high` and `levels` are those of each dimension's sketch."""


def is_numeric(type_: pa.DataType) -> bool:
    """Whether a column holds numbers, or lists of them."""
    while pa.types.is_list(type_) or pa.types.is_fixed_size_list(type_):
        type_ = type_.value_type
    return bool(pa.types.is_integer(type_) or pa.types.is_floating(type_))


def matrix_of(column: pa.Array) -> Matrix | None:
    """Numbers, or equally long (nested) lists of them, as [rows, dimensions]; None where lengths differ, or no row is valid.

    Null rows are left out; a null inside a row is NaN.
    """
    column = column.drop_null()
    rows = len(column)
    while pa.types.is_list(column.type) or pa.types.is_fixed_size_list(column.type):
        if column.null_count or pc.count_distinct(pc.list_value_length(column)).as_py() > 1:
            return None
        column = column.flatten()
    if not rows:
        return None
    return np.asarray(column.to_numpy(zero_copy_only=False), np.float64).reshape(rows, -1)


def stored_row(found: NumberStatistics) -> dict[str, Any]:
    """The columns of `STORED` of one."""
    plain = {name: getattr(found, name) for name in ("count", "nan", "inf", "least", "greatest", "mean", "squares")}
    sketches = {name: [getattr(sketch, name) for sketch in found.sketches] for name in ("low", "high", "levels")}
    return plain | sketches


def from_stored(row: Mapping[str, pa.Scalar]) -> NumberStatistics:
    """The inverse of `stored_row`; `row`: Arrow scalars by name, so that no number becomes an object of its own."""
    values = {name: row[name].values.to_numpy(zero_copy_only=False).copy() for name in STORED if name != "levels"}
    low, high = values.pop("low").tolist(), values.pop("high").tolist()
    levels = [[level.values.to_numpy() for level in sketch.values] for sketch in row["levels"]] if len(low) else []
    sketches = [QuantileSketch.of_levels(*each) for each in zip(levels, low, high, strict=True)]
    return NumberStatistics(len(sketches), **values, sketches=sketches)
