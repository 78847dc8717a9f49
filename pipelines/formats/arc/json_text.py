"""JSON from a file of traces, or a reject that says where it ends to be JSON."""

from __future__ import annotations

import json
from typing import Any

from pipelines.io.exact_json import exact_loads
from pipelines.sources import Rejected


def value_of(data: bytes, where: str) -> Any:
    """The value of a JSON text. `where` names it in messages. Raises Rejected (`json_invalid`) with line and column."""
    try:
        return exact_loads(data)
    except json.JSONDecodeError as error:
        message = (
            f"{where}: no JSON at line {error.lineno}, column {error.colno}: {error.msg}; copy it again from where it came"
        )
        raise Rejected("json_invalid", message, {"position": error.pos, "bytes": len(data)}) from error
