"""How long to wait for a server that fails, and how long to look before something is taken as not done."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from ..errors import LabelStudioError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds. `tries`: of one call. `first`: before the second try; it doubles up to `longest`.

    `settle`: for how long lookups must say that something is missing before a call with an unknown outcome is taken as not
    done. An import that a proxy holds back for longer arrives as a copy, and copies are removed.
    """

    tries: int = 8
    first: float = 0.5
    longest: float = 15.0
    settle: float = 5.0

    def waits(self) -> Iterator[float]:
        """The pauses between tries."""
        for n in range(self.tries - 1):
            yield min(self.longest, self.first * 2**n)

    def looks(self) -> Iterator[float]:
        """Pauses between lookups that together take `settle` seconds, short ones first."""
        left, pause = self.settle, self.settle / 16
        while left > 1e-9:
            pause = min(left, pause)
            yield pause
            left, pause = left - pause, pause * 2

    def repeat(self, call: Callable[[], T]) -> T:
        """Call until it is answered: only for what may be done twice. Raises LabelStudioError as the last try did."""
        for pause in self.waits():
            try:
                return call()
            except LabelStudioError as error:
                if not may_pass(error):
                    raise
                rest(error, pause)
        return call()


def may_pass(error: LabelStudioError) -> bool:
    """Whether the same call may succeed later: no answer, a failure of the server, or too many calls."""
    return error.unknown_outcome or error.status in (408, 429)


def rest(error: LabelStudioError, pause: float) -> None:
    """Wait, longer where the server asked for it."""
    time.sleep(max(pause, min(error.retry_after or 0.0, 60.0)))
