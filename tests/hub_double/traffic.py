"""What went over the wire: every call with its status and its bytes, and what of which content was stored how often."""

from __future__ import annotations

import re
import threading
from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Call:
    """One request: bytes of its body, bytes of the answer's body, and the file or content that it was about."""

    method: str
    path: str
    status: int
    received: int
    sent: int
    about: str = ""

    @property
    def line(self) -> str:
        return f"{self.method} {self.path}"


class Traffic:
    """All calls since the last `clear`. `stored` counts completed uploads by content (sha256, or hash of a xorb)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: list[Call] = []
        self.stored: Counter[str] = Counter()

    def add(self, call: Call) -> None:
        with self._lock:
            self._calls.append(call)

    def note_stored(self, content: str) -> None:
        with self._lock:
            self.stored[content] += 1

    def clear(self) -> None:
        with self._lock:
            self._calls.clear()
            self.stored.clear()

    def calls(self, match: str = "") -> list[Call]:
        """Calls whose `METHOD /path?query` matches."""
        with self._lock:
            return [call for call in self._calls if re.search(match, call.line)]

    def bytes_uploaded(self) -> int:
        """Bytes of contents that came in: LFS uploads and Xet blocks, the broken ones as well."""
        return sum(call.received for call in self.calls(r"^PUT /lfs/|^POST /cas/v1/xorbs/"))

    def bytes_served(self, match: str = "") -> int:
        """Bytes of files that went out, of the files whose path in the repository matches."""
        of_files = self.calls(r"^GET /(?:storage|(?:datasets|spaces)/[^/]+/[^/]+/resolve|[^/]+/[^/]+/resolve)/")
        return sum(call.sent for call in of_files if re.search(match, call.about))
