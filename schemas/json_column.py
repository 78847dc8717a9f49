"""Text for `Json` columns, checked before it is written.

The reader of `datasets` (ujson) says nothing about what it cannot hold: NaN and a bare `null` become None, a number
above 1e308 becomes inf, an integer beyond 64 bits or a depth of 1,024 ends the whole read (measured, datasets 5.2).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

MAX_DEPTH = 500
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
_SURROGATE = re.compile("[\ud800-\udfff]")
MIN_INTEGER, MAX_INTEGER = -(2**63), 2**64  # half-open


class JsonValueError(ValueError):
    """A value that no `Json` column can hold."""


def json_text(value: Any) -> str | None:
    """Canonical JSON text of `value` (sorted keys, no spaces), or None where `value` is None.

    Raises JsonValueError for NaN, infinity, an integer outside [-2^63, 2^64), a lone surrogate, a depth above 500 or
    something that is not JSON.
    """
    if value is None:
        return None
    if not _is_simple(value):
        _check(value, 0)
    try:
        text = _ENCODER.encode(value)
        text.encode()
    except (TypeError, UnicodeEncodeError) as error:
        raise JsonValueError(f"not JSON: {error}") from error
    return text


def printable(text: str) -> str:
    r"""`text` without lone surrogates: a byte of a file name that is not UTF-8 becomes `\xff`, so two names stay two."""
    return _SURROGATE.sub(_escaped, text)


def printable_json(value: Any) -> Any:
    """`value` as something that every `Json` column and every JSON file holds: what it cannot hold is spelled as text."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return value if MIN_INTEGER <= value < MAX_INTEGER else f"an integer of {value.bit_length()} bits"
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {printable(str(key)): printable_json(child) for key, child in value.items()}
    if isinstance(value, (list, tuple)):
        return [printable_json(child) for child in value]
    return printable(str(value))


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\u{code:04x}"


def _is_simple(value: Any) -> bool:
    """Whether nothing has to be looked for: an object of texts and small numbers without fractions, as most are."""
    return type(value) is dict and all(
        type(key) is str and (type(child) is str or (type(child) is int and -_SMALL < child < _SMALL))
        for key, child in value.items()
    )


_SMALL = 2**53


def _check(value: Any, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise JsonValueError(f"nested deeper than {MAX_DEPTH}")
    if isinstance(value, int) and not MIN_INTEGER <= value < MAX_INTEGER:
        raise JsonValueError(f"an integer of {value.bit_length()} bits is outside [-2^63, 2^64)")
    if isinstance(value, float) and not math.isfinite(value):
        raise JsonValueError(f"{value} is not JSON")
    if isinstance(value, dict):
        for key, child in value.items():
            if not isinstance(key, str):
                raise JsonValueError(f"key {key!r} is not a string")
            _check(child, depth + 1)
    elif isinstance(value, (list, tuple)):
        for child in value:
            _check(child, depth + 1)
