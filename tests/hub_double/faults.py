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


@dataclass(slots=True)
class Hold:
    """Calls whose `METHOD /path?query` matches are read to `beyond` bytes of their body and no further until `over` is set.

    `reached` is set when one of them stands there.
    """

    match: str
    beyond: int
    reached: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    def wait(self, call: str, received: int) -> None:
        """Wait here, where the call is one that is held up."""
        if received >= self.beyond and re.search(self.match, call):
            self.reached.set()
            self.over.wait(60)


class Faults:
    """The faults of a double, how many have happened, and which bodies are held up on their way."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self.happened = 0
        self.hold: Hold | None = None

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
