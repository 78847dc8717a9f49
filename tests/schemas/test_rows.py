"""Rows made into exactly a table's schema."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from schemas.arrow import columns_of, published_schema, stored_schema, table_from_columns, table_from_rows
from schemas.json_column import JsonValueError
from schemas.tables import KINDS, TABLES
from schemas.versions import SCHEMA_VERSION


@pytest.mark.parametrize("name", [*TABLES, *KINDS, "annotation_history", "media"])
def test_absent_columns_are_null_and_the_schema_is_exact(name: str) -> None:
    for schema in (stored_schema(name, columns_of(name)), published_schema(name, columns_of(name))):
        for table in (table_from_rows(schema, [{}, {}]), table_from_columns(schema, {}, 2)):
            assert table.schema.equals(schema, check_metadata=True)
            assert table.num_rows == 2
            assert all(column.null_count == 2 for column in table.columns)
        assert table_from_rows(schema, []).num_rows == 0


def test_both_schemas_say_which_table_and_which_version_they_are() -> None:
    for schema in (stored_schema("tasks", columns_of("tasks")), published_schema("tasks", columns_of("tasks"))):
        assert json.loads(schema.metadata[b"cairn"]) == {"table": "tasks", "schema_version": SCHEMA_VERSION}


def test_a_key_that_is_no_column_is_refused_by_name() -> None:
    schema = stored_schema("tasks", columns_of("tasks"))
    with pytest.raises(KeyError, match=r"\['tusk_id'\] are no columns"):
        table_from_rows(schema, [{"task_id": "t"}, {"tusk_id": "t"}])
    with pytest.raises(KeyError, match=r"\['tusk_id'\] are no columns"):
        table_from_columns(schema, {"tusk_id": ["t"]}, 1)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("step", "three"),
        ("step", 2**31),
        ("step", 1.5),
        ("step", float("nan")),
        ("step", True),
        ("step", "3"),
        ("grid_before", [[256]]),
        ("grid_before", [[-1]]),
        ("grid_before", [None, [1, 1.5]]),
        ("selection", [[70_000, 0]]),
        ("selection", [np.array([0.5])]),
        ("timestamp", "now"),
        ("task_id", 7),
        ("task_id", "\ud800"),
        ("action_args", {1: 2}),
    ],
)
def test_a_value_that_does_not_fit_its_column_is_refused_and_the_column_is_named(column: str, value: Any) -> None:
    schema = stored_schema("arc_steps", columns_of("arc_steps"))
    with pytest.raises((pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, JsonValueError), match=f"^column {column}: "):
        table_from_rows(schema, [{}, {column: value}])


def test_whole_numbers_go_into_columns_of_integers_in_whatever_form_they_come() -> None:
    schema = stored_schema("arc_steps", columns_of("arc_steps"))
    grids = [np.array([[1, 2]], np.uint8)[0], np.array([3, 4], np.int64)]
    rows = [{"step": 2.0, "selection": grids}, {"step": np.int32(3), "selection": [[5, None], None]}]
    table = table_from_rows(schema, rows)
    assert table["step"].to_pylist() == [2, 3]
    assert table["selection"].to_pylist() == [[[1, 2], [3, 4]], [[5, None], None]]


def test_a_json_column_holds_canonical_text_and_its_value_is_checked() -> None:
    schema = stored_schema("tasks", columns_of("tasks"))
    table = table_from_rows(schema, [{"extras": {"b": 1, "a": "é"}}, {"extras": None}, {"extras": []}])
    assert table["extras"].cast(pa.string()).to_pylist() == ['{"a":"é","b":1}', None, "[]"]
    with pytest.raises(JsonValueError, match="nan is not JSON"):
        table_from_rows(schema, [{"extras": {"a": float("nan")}}])


def test_arrow_arrays_go_in_as_they_are_or_are_cast() -> None:
    schema = stored_schema("arc_steps", columns_of("arc_steps"))
    text = pa.array(['{"x":1}', None], pa.string())
    values = {"step": pa.array([0, 1], pa.int64()), "action_args": text, "task_id": pa.chunked_array([["a"], ["b"]])}
    table = table_from_columns(schema, values, 2)
    assert table.schema.equals(schema)
    assert table["step"].to_pylist() == [0, 1]
    assert table["action_args"].cast(pa.string()).to_pylist() == ['{"x":1}', None]
    assert table["task_id"].to_pylist() == ["a", "b"]
    with pytest.raises(pa.ArrowInvalid):
        table_from_columns(schema, {"step": pa.array([2**40])}, 1)


def test_columns_of_unequal_length_are_refused() -> None:
    schema = stored_schema("arc_steps", columns_of("arc_steps"))
    with pytest.raises(pa.ArrowInvalid):
        table_from_columns(schema, {"step": [0, 1, 2], "task_id": ["a"]}, 3)
