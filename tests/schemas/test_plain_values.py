"""Columns as Python values and as canonical JSON are what Arrow gives a row at a time."""

from __future__ import annotations

import random
from typing import Any

import pyarrow as pa
import pytest

from schemas.arrow import columns_of, stored_schema, table_from_rows
from schemas.identity import annotation_id, annotation_ids
from schemas.plain_values import canonical_json, json_texts, plain_values
from schemas.tables import KINDS

TEXTS = ("a", "é\n", '\x7f"\\', "\U0001f600", "")
NUMBERS = (0.1, 1.0, 1e-7, 3e20, -0.0, 2 / 3)


def made(type_: pa.DataType, dice: random.Random) -> Any:
    """A value of a type; one in seven is null."""
    if dice.random() < 0.15:
        return None
    if pa.types.is_list(type_):
        return [made(type_.value_type, dice) for _ in range(dice.randrange(4))]
    if pa.types.is_struct(type_):
        return {field.name: made(field.type, dice) for field in type_}
    if pa.types.is_string(type_):
        return dice.choice(TEXTS)
    if pa.types.is_boolean(type_):
        return dice.random() < 0.5
    if pa.types.is_integer(type_):
        return dice.randrange(-5, 200)
    if pa.types.is_timestamp(type_):
        return dice.randrange(2_000_000_000_000_000)
    return dice.choice(NUMBERS) if pa.types.is_floating(type_) else dice.choice(({"b": [1, 2.5, "é"]}, "t", 3))


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind(kind: str) -> None:
    dice = random.Random(kind)
    schema = stored_schema(kind, columns_of(kind))
    rows = [{field.name: made(field.type, dice) for field in schema} for _ in range(60)]
    for row in rows:
        row["producer_type"] = dice.choice(("human", "signal"))
    whole = table_from_rows(schema, rows)
    table = pa.concat_tables([whole.slice(0, 20), whole.slice(20, 7), whole.slice(27)])
    assert annotation_ids(kind, table).to_pylist() == [annotation_id(kind, row) for row in whole.to_pylist()]
    assert annotation_ids(kind, table.slice(0, 0)).to_pylist() == []
    for name in table.column_names:
        values = whole[name].slice(3, 50).to_pylist()
        assert plain_values(table[name].slice(3, 50)) == values
        if not pa.types.is_timestamp(schema.field(name).type):
            texts = [None if value is None else canonical_json(value) for value in values]
            assert json_texts(table[name].slice(3, 50)).to_pylist() == texts


def test_a_number_that_is_none_has_no_json() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_texts(pa.array([[1.0, float("nan")]]))
