"""Files of one JSON object per line, with the number of each line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipelines.formats.arc.json_text import value_of
from pipelines.sources import Rejected


def objects_of(path: Path, name: str) -> Iterator[tuple[int, dict[str, Any] | Rejected]]:
    """(line number from 1, object) of each line that is not blank; a line that is no JSON object comes as a Rejected.

    Its codes are `json_invalid` and `line_invalid`; `detail` holds the line. The file is read line by line.
    """
    with path.open("rb") as opened:
        for number, line in enumerate(opened, 1):
            if not line.strip():
                continue
            where = f"{name}, line {number}"
            try:
                value = value_of(line, where)
            except Rejected as rejected:
                yield number, Rejected(rejected.code, rejected.message, {"line": number, "ended": line.endswith(b"\n")})
                continue
            if not isinstance(value, dict):
                message = f"{where}: it is no JSON object: correct the line or take it out"
                yield number, Rejected("line_invalid", message, {"line": number, "ended": True})
                continue
            yield number, value
