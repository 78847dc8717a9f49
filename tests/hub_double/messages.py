"""What comes in and what goes out of an endpoint."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from .accounts import Account

if TYPE_CHECKING:
    from .server import HubDouble


@dataclass(frozen=True)
class Request:
    """One request: `path` without its query, `groups` of its route."""

    hub: HubDouble
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    account: Account | None

    def json(self) -> Any:
        return json.loads(self.body or b"{}")

    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.body.splitlines() if line.strip()]

    def form(self, name: str) -> list[str]:
        """A field of a form, or of a JSON body."""
        if "json" in self.headers.get("Content-Type", ""):
            return list(self.json()[name])
        return parse_qs(self.body.decode())[name]


@dataclass(frozen=True)
class Reply:
    """An answer: JSON, or `length` bytes of a file from `first`. `about` names what was served, for the counters."""

    status: int = 200
    json: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    file: Path | None = None
    first: int = 0
    length: int = 0
    about: str = ""
