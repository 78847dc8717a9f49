"""Arrow columns as Python values, and as canonical JSON, fast: a row at a time both cost more than what is done with them."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from json.encoder import encode_basestring_ascii
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def plain_values(column: pa.Array | pa.ChunkedArray) -> list[Any]:
    """The values of a column as `to_pylist` gives them: None for null, text for JSON."""
    array = _whole(column)
    if array.null_count == len(array):
        return [None] * len(array)
    if pa.types.is_list(array.type):
        values = plain_values(array.flatten())
        ends = _ends(array)
        there = array.is_valid().to_pylist() if array.null_count else [True] * len(array)
        return [values[start:end] if known else None for start, end, known in zip([0, *ends], ends, there, strict=False)]
    if pa.types.is_string(array.type) or pa.types.is_boolean(array.type):
        return list(array.to_numpy(zero_copy_only=False).tolist())
    if not array.null_count and (pa.types.is_integer(array.type) or pa.types.is_floating(array.type)):
        return list(array.to_numpy().tolist())
    if pa.types.is_timestamp(array.type) and array.type.tz == "UTC" and array.type.unit == "us":
        numbers = array.cast(pa.int64()).to_pylist()
        return [None if number is None else _EPOCH + timedelta(microseconds=number) for number in numbers]
    return list(array.to_pylist())


_EPOCH: datetime = pa.array([0], pa.timestamp("us", "UTC"))[0].as_py()


def json_texts(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The canonical JSON of each value of a column as a string (`canonical_json`), null for null."""
    array = _whole(column)
    if array.null_count == len(array):
        return pa.nulls(len(array), pa.string())
    if pa.types.is_integer(array.type):
        return array.cast(pa.string())
    if pa.types.is_string(array.type):
        words = array.dictionary_encode()
        spelled = pa.array([encode_basestring_ascii(word) for word in words.dictionary.to_pylist()], pa.string())
        return spelled.take(words.indices)
    if pa.types.is_list(array.type):
        inner = pc.fill_null(json_texts(array.flatten()), "null")
        joined = pc.binary_join(pa.ListArray.from_arrays(pa.array([0, *_ends(array)], pa.int32()), inner), ",")
        texts = pc.binary_join_element_wise("[", joined, "]", "")
        return pc.if_else(array.is_valid(), texts, None) if array.null_count else texts
    if pa.types.is_floating(array.type) and pc.all(pc.is_finite(array)).as_py() and not _has_minus_zero(array):
        numbers = array.dictionary_encode()
        return pa.array(map(repr, numbers.dictionary.to_pylist()), pa.string()).take(numbers.indices)
    return pa.array([None if value is None else canonical_json(value) for value in array.to_pylist()], pa.string())


def canonical_json(value: Any) -> str:
    """JSON of a value: sorted keys, no spaces, ASCII. Raises ValueError for NaN and infinity."""
    return json.dumps(value, ensure_ascii=True, allow_nan=False, sort_keys=True, separators=(",", ":"), default=str)


def _has_minus_zero(array: pa.Array) -> bool:
    """Whether 0 is there with a sign, which a dictionary may not keep."""
    values = array.drop_null().to_numpy()
    return bool(np.signbit(values[values == 0]).any())


def _whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    if isinstance(column, pa.ChunkedArray):
        column = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    return column.storage if isinstance(column, pa.ExtensionArray) else column


def _ends(array: pa.ListArray) -> list[int]:
    """Where the values of each row end among those of all."""
    return list(pc.cumulative_sum(pc.fill_null(pc.list_value_length(array), 0)).to_pylist())
