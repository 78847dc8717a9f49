"""Calls to the Hub that do not give up at once, and the sentence in which they end when they do.

The client repeats some calls by itself; commits, tags, pull requests and merges it does not. A call that changes something may
have worked although its reply was lost, so `arrived` looks before anything is done twice.
"""

from __future__ import annotations

import errno
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import httpx2
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, RepositoryNotFoundError

from pipelines.errors import CairnError, ConfigurationError, RunError

T = TypeVar("T")

_PASSING = (408, 425, 429, 500, 502, 503, 504)
_TOKEN = re.compile(r"hf_[A-Za-z0-9_]{4,}|(?<=Bearer )\S+")
_SECONDS = re.compile(r"\bt=(\d+)")
_REFUSED = re.compile(r"\b(40[013]|413|507)\b")


class MeanwhileError(RunError):
    """Somebody else changed the repository meanwhile."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a call is tried and how long is waited in between, in seconds: doubling, and what the Hub asks for.

    A rate limit that asks for more than `longest_wait` ends the run: the user may want to know.
    """

    tries: int = 6
    first_wait: float = 2.0
    longest_wait: float = 600.0
    sleep: Callable[[float], None] = time.sleep

    def call(self, what: str, work: Callable[[], T], arrived: Callable[[], T | None] | None = None) -> T:
        """`work()`, tried again after faults that pass; `arrived()` says whether a failed one has worked nevertheless.

        Raises CairnError, a sentence with the remedy.
        """
        wait, number = self.first_wait, 1
        while True:
            try:
                return work()
            except (httpx2.HTTPError, EntryNotFoundError, OSError, RuntimeError, ValueError) as raised:
                if isinstance(raised, CairnError):
                    raise
                error = _cause(raised)
                if arrived is not None and (found := self._looked(arrived)) is not None:
                    return found
                asked = _asked_wait(error)
                if not _passes(error) or number >= self.tries or (asked or 0) > self.longest_wait:
                    raise sentence(what, error, number) from raised
                self.sleep(asked + 1 if asked is not None else wait)
                wait, number = min(wait * 2, self.longest_wait), number + 1

    def _looked(self, arrived: Callable[[], T | None]) -> T | None:
        """What `arrived` finds, asked patiently: a wrong no would do a thing twice."""
        return Patience(self.tries, self.first_wait, self.longest_wait, self.sleep).call("looking what arrived", arrived)


def sentence(what: str, error: Exception, tries: int = 1) -> CairnError:
    """What failed, why, and what to do, without any token."""
    said = _said(error)
    status = status_of(error)
    again = "what is uploaded is kept: run the same command again"
    if status == 401 or "Invalid user token" in said:
        return ConfigurationError(
            f"{what}: the Hub does not accept the token (401). Make one with the right to write at "
            "https://huggingface.co/settings/tokens and put it into the environment as HF_TOKEN, or run `hf auth login`"
        )
    if status == 403:
        return ConfigurationError(f"{what}: the token may not do this (403: {said}). Use one with the right to write there")
    if isinstance(error, RepositoryNotFoundError):
        return ConfigurationError(f"{what}: there is no such dataset that this token can see; check its name and the token")
    if status == 412:
        return MeanwhileError(
            f"{what}: somebody committed to the repository meanwhile (412), so nothing was changed; "
            "run the same command again, it looks at the new state first"
        )
    if status == 413:
        return RunError(
            f"{what}: the Hub refuses something so large (413: {said}); make shards smaller (`shards: {{bytes: …}}`)"
        )
    if status == 507 or (isinstance(error, OSError) and error.errno == errno.ENOSPC):
        return RunError(f"{what}: there is no room left ({said}); make some, then {again.partition(': ')[2]}")
    if status == 429:
        return RunError(
            f"{what}: the Hub asks to slow down (429, {tries} tries) and to wait {_asked_wait(error) or 0:g} s; {again}"
        )
    if status is not None and status >= 500:
        return RunError(f"{what}: the Hub answered {status} ({tries} tries); {again} later")
    if isinstance(error, httpx2.TransportError):
        return RunError(f"{what}: no answer from the Hub ({type(error).__name__}, {tries} tries); check the network; {again}")
    return RunError(f"{what}: {said}; {again}, or ask about it with these words")


def status_of(error: Exception) -> int | None:
    """The HTTP status of an error, also where Xet's client has only put it into words."""
    if isinstance(error, HfHubHTTPError) and error.response is not None:
        return int(error.response.status_code)
    if isinstance(error, RuntimeError) and (found := _REFUSED.search(str(error))):
        return int(found[1])
    return None


def _passes(error: Exception) -> bool:
    """Whether it may be gone the next time."""
    if isinstance(error, HfHubHTTPError):
        return status_of(error) in _PASSING
    if isinstance(error, httpx2.TransportError):
        return True
    # another thread's connection error closes the client that all share; Xet's client has only RuntimeErrors
    return isinstance(error, RuntimeError) and status_of(error) is None


def _asked_wait(error: Exception) -> float | None:
    """Seconds that the answer asks to wait: of `RateLimit` (t=…) or `Retry-After`."""
    if not isinstance(error, HfHubHTTPError) or error.response is None:
        return None
    headers = error.response.headers
    if error.response.status_code == 429 and (found := _SECONDS.search(headers.get("RateLimit", ""))):
        return float(found[1])
    after = headers.get("Retry-After", "")
    return float(after) if after.isdigit() else None


def _cause(error: Exception) -> Exception:
    """The client wraps what went wrong with one file into a RuntimeError."""
    return error.__cause__ if isinstance(error, RuntimeError) and isinstance(error.__cause__, Exception) else error


def _said(error: Exception) -> str:
    """The first words of an error, on one line, without tokens."""
    told = getattr(error, "server_message", None) or str(error)
    return _TOKEN.sub("[token]", " ".join(told.split()))[:300] or type(error).__name__
