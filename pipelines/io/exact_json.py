"""JSON from outside, parsed without changing a number: orjson makes a float of an integer beyond 64 bits, silently."""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

_LONG = re.compile(rb"\d{20}")
"""Twenty digits in a row: 2^64 has as many. In a text or a fraction they cost a second look and nothing else."""


def exact_loads(data: bytes) -> Any:
    """The value of a JSON text, integers of any size exact. Raises json.JSONDecodeError (orjson's is one) with the place."""
    value = orjson.loads(data)
    if not _LONG.search(data):
        return value
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise json.JSONDecodeError(str(error), "", 0) from error
