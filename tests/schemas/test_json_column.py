"""What a `Json` column may hold, and what is refused before it is written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from schemas.json_column import MAX_DEPTH, JsonValueError, json_text, printable, printable_json


def nested(depth: int, mapping: bool = False) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = {"a": value} if mapping else [value]
    return value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        ({}, "{}"),
        ([], "[]"),
        ("", '""'),
        (False, "false"),
        ({"b": None, "a": [1, 0.1, "é"]}, '{"a":[1,0.1,"é"],"b":null}'),
        ((1, (2,)), "[1,[2]]"),
        ('a\n\0"\\ 🪨', '"a\\n\\u0000\\"\\\\ 🪨"'),
        (-(2**63), "-9223372036854775808"),
        (2**64 - 1, "18446744073709551615"),
        (-0.0, "-0.0"),
        (5e-324, "5e-324"),
        (np.float64(0.5), "0.5"),
    ],
)
def test_the_text_is_canonical(value: Any, text: str | None) -> None:
    assert json_text(value) == text
    if text is not None:
        assert json_text(json.loads(text)) == text


def test_the_order_of_keys_does_not_count() -> None:
    assert json_text({"b": {"d": 1, "c": 2}, "a": 3}) == json_text({"a": 3, "b": {"c": 2, "d": 1}})


@pytest.mark.parametrize("wrap", [lambda v: v, lambda v: [v], lambda v: {"a": {"b": (v,)}}], ids=["alone", "listed", "deep"])
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (float("nan"), "nan is not JSON"),
        (float("inf"), "inf is not JSON"),
        (-float("inf"), "-inf is not JSON"),
        (np.float64("nan"), "nan is not JSON"),
        (2**64, r"65 bits is outside \[-2\^63, 2\^64\)"),
        (-(2**63) - 1, r"64 bits is outside \[-2\^63, 2\^64\)"),
        ("\ud800", "not JSON: .*surrogates not allowed"),
        ("a\udcff.png", "not JSON: .*surrogates not allowed"),
        ({"\ud800": 1}, "not JSON: .*surrogates not allowed"),
        ({1: 2}, "key 1 is not a string"),
        ({None: 2}, "key None is not a string"),
        ({("a", "b"): 2}, r"key \('a', 'b'\) is not a string"),
        (b"bytes", "not JSON: .*bytes is not JSON serializable"),
        ({1, 2}, "not JSON"),
        (np.int64(3), "not JSON: .*int64 is not JSON serializable"),
        (np.zeros(2), "not JSON: .*ndarray is not JSON serializable"),
        (Path("x"), "not JSON"),
    ],
)  # fmt: skip
def test_what_no_reader_gives_back_is_refused_wherever_it_stands(value: Any, message: str, wrap: Any) -> None:
    with pytest.raises(JsonValueError, match=message):
        json_text(wrap(value))


def test_an_integer_that_python_itself_does_not_print_is_refused_with_a_sentence() -> None:
    with pytest.raises(JsonValueError, match="an integer of 16610 bits is outside"):
        json_text({"a": 10**5000})


@pytest.mark.parametrize("mapping", [False, True], ids=["lists", "mappings"])
def test_depth_ends_where_readers_do(mapping: bool) -> None:
    text = json_text(nested(MAX_DEPTH, mapping))
    assert text is not None
    assert json.loads(text) == nested(MAX_DEPTH, mapping)
    with pytest.raises(JsonValueError, match="nested deeper than 500"):
        json_text(nested(MAX_DEPTH + 1, mapping))
    with pytest.raises(JsonValueError, match="nested deeper than 500"):
        json_text(nested(900, mapping))


def test_a_value_that_holds_itself_is_too_deep() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(JsonValueError, match="nested deeper than 500"):
        json_text(loop)


def test_a_name_that_is_not_utf_8_is_printable_and_two_such_names_stay_two() -> None:
    assert printable("a\udcff") == "a\\xff"
    assert printable("a\udcfe") == "a\\xfe"
    assert printable("\ud800 é 🪨") == "\\ud800 é 🪨"


def test_whatever_a_source_says_can_be_made_fit_for_a_json_column() -> None:
    said = {"a": [float("nan"), 2**64, (b"x", "\udcff")], 1: {"b": -(2**63), "c": True, "d": None}, "e": 0.5}
    made = printable_json(said)
    assert made == {
        "a": ["nan", "an integer of 65 bits", ["b'x'", "\\xff"]], "1": {"b": -(2**63), "c": True, "d": None}, "e": 0.5,
    }  # fmt: skip
    text = json_text(made)
    assert text is not None
    assert json.loads(text) == made
