"""An answer of the double that is an error: status, the Hub's `X-Error-Code`, and its message."""

from __future__ import annotations

from collections.abc import Mapping


class HubError(Exception):
    def __init__(self, status: int, code: str | None, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, dict(headers or {})
