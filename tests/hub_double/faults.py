"""Faults that a test plants: which calls fail, how, how often, and whether before or after the work is done."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class Fault:
    """What happens to the calls whose `METHOD /path?query` matches, `times` times after the first `skip`.

    `status` is answered, or the connection is cut (`disconnect`), or nothing comes for `stall` seconds and then the connection
    is cut. `after`: the work is done first, so only the reply is lost.
    """

    match: str
    status: int = 503
    times: int = 1
    skip: int = 0
    after: bool = False
    disconnect: bool = False
    stall: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)
    message: str = "injected"


class Faults:
    """The faults of a double, and how many have happened."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self.happened = 0

    def add(self, *faults: Fault) -> None:
        with self._lock:
            self._faults += faults

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def take(self, call: str, after: bool) -> Fault | None:
        """The fault of this call, if there is one; it is used up."""
        with self._lock:
            for fault in self._faults:
                if fault.times > 0 and fault.after == after and re.search(fault.match, call):
                    if fault.skip:
                        fault.skip -= 1
                        continue
                    fault.times -= 1
                    self.happened += 1
                    return fault
        return None
