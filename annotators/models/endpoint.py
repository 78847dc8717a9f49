"""An HTTP endpoint that answers JSON with JSON: patience, a cache by content, a count of what it cost.

Asked again, after a while, are 408, 429 and 5xx (after the seconds of `Retry-After` where they are given), connections that
fail, answers that do not come in time, and bodies that are not JSON. An answer is kept only after its reader took it, under the sha256 of
the request, so the same question is paid for once. Keys stand in no error, no log and no file.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import orjson

from ..label_studio.redaction import redact, redact_logs

T = TypeVar("T")

LOG = logging.getLogger(__name__)

LONGEST_WAIT = 60.0
"""Seconds that are waited at most before a request is sent again, whatever `Retry-After` says."""
GIVEN_UP = 3
"""Requests in a row that were given up, after which an endpoint is not asked again: it is down, and others wait."""
_AGAIN = frozenset({408, 429, 500, 502, 503, 504, 529})


class _CodedError(Exception):
    """`code` for the reject, and a sentence. Both are arguments, so that the decode child can hand it over."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code

    def __str__(self) -> str:
        return str(self.args[1])


class EndpointError(_CodedError):
    """The endpoint did not answer, or refused; the sentence says what would help."""


class AnswerError(_CodedError):
    """The endpoint answered something else than what was asked."""


class _TransientError(Exception):
    """Worth asking again, after `wait` seconds where the server said so."""

    def __init__(self, message: str, wait: float | None = None) -> None:
        super().__init__(message)
        self.wait = wait


@dataclass
class Cost:
    """What was asked for: `calls` that were answered, `cached` answers, `retries`, and the tokens that were billed."""

    calls: int = 0
    cached: int = 0
    retries: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def add(self, answer: Any) -> None:
        """Count an answer, by its `usage` where it has one."""
        self.calls += 1
        usage = answer.get("usage") if isinstance(answer, dict) else None
        if isinstance(usage, dict):
            self.prompt_tokens += _count(usage.get("prompt_tokens"))
            self.completion_tokens += _count(usage.get("completion_tokens"))


@dataclass
class Endpoint:
    """`url`: what all paths are under. `service`: the prefix of its environment variables, which is how errors name it.

    `timeout`: seconds without a byte. `attempts`: per request. `wait`: seconds before the second attempt, doubled before
    each further one. `parallel`: requests under way at most. `folder`: where answers are kept; None = nowhere.
    """

    url: str
    service: str
    key: str | None = field(default=None, repr=False)
    folder: Path | None = None
    timeout: float = 60.0
    attempts: int = 5
    wait: float = 1.0
    parallel: int = 4
    cost: Cost = field(default_factory=Cost)
    _lock: Any = field(default_factory=threading.Lock, init=False, repr=False)
    _given_up: int = field(default=0, init=False, repr=False)
    _client: Any = field(default=None, init=False, repr=False)

    def ask(self, path: str, body: Mapping[str, Any], read: Callable[[Any], T]) -> T:
        """What `read` makes of the answer. `read` raises AnswerError for one that it cannot take.

        Raises EndpointError where no answer came, AnswerError.
        """
        request = orjson.dumps([path, body], option=orjson.OPT_SORT_KEYS)
        place = self._place(hashlib.sha256(request).hexdigest())
        kept = _kept(place)
        if kept is not None:
            with self._lock:
                self.cost.cached += 1
            return read(kept)
        answer = self._fetch(path, body)
        with self._lock:
            self.cost.add(answer)
        found = read(answer)
        if place is not None:
            _keep(place, answer)
        return found

    def ask_all(self, path: str, bodies: Sequence[Mapping[str, Any]], read: Callable[[Any], T]) -> list[T | AnswerError]:
        """`ask` for each body, `parallel` at a time, in order; an AnswerError stands where it was raised.

        Raises EndpointError.
        """

        def one(body: Mapping[str, Any]) -> T | AnswerError:
            try:
                return self.ask(path, body, read)
            except AnswerError as error:
                return error

        with ThreadPoolExecutor(max_workers=max(1, min(self.parallel, len(bodies)))) as pool:
            return list(pool.map(one, bodies))

    def _fetch(self, path: str, body: Mapping[str, Any]) -> Any:
        import tenacity

        if self._given_up >= GIVEN_UP:
            raise EndpointError("endpoint_down", f"{self.service} failed {GIVEN_UP} times in a row and is not asked again")

        def wait(state: tenacity.RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            said = error.wait if isinstance(error, _TransientError) else None
            return min(LONGEST_WAIT, self.wait * 2 ** (state.attempt_number - 1) if said is None else said)

        def before_sleep(state: tenacity.RetryCallState) -> None:
            with self._lock:
                self.cost.retries += 1
            LOG.info(
                "%s: attempt %d failed: %s", self.service, state.attempt_number, state.outcome and state.outcome.exception()
            )

        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(self.attempts),
            wait=wait,
            retry=tenacity.retry_if_exception_type(_TransientError),
            before_sleep=before_sleep,
            reraise=True,
        )
        try:
            answer = retrying(self._post, path, body)
        except _TransientError as error:
            with self._lock:
                self._given_up += 1
            message = (
                f"{self.service} gave no answer in {self.attempts} attempts, the last: {error}; see that it runs, and run again"
            )
            raise EndpointError("endpoint_failed", message) from error
        with self._lock:
            self._given_up = 0
        return answer

    def _post(self, path: str, body: Mapping[str, Any]) -> Any:
        """One attempt. Raises _TransientError, EndpointError."""
        httpx = _httpx()
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        with self._lock:
            self._client = self._client or httpx.Client(timeout=self.timeout)
        try:
            answer = self._client.post(f"{self.url.rstrip('/')}/{path}", json=body, headers=headers)
        except httpx.TimeoutException:
            raise _TransientError(f"nothing within {self.timeout:g} s") from None
        except httpx.TransportError as error:
            # The error's own text may name the address, which is nobody's business but the operator's.
            raise _TransientError(f"the connection failed ({type(error).__name__})") from None
        except httpx.InvalidURL:
            raise EndpointError("endpoint_refused", f"{self.service}_URL is no http address") from None
        said = redact(answer.text[:200], [self.key] if self.key else [])
        if answer.status_code in _AGAIN:
            raise _TransientError(f"status {answer.status_code}: {said}", _seconds(answer.headers.get("retry-after")))
        if answer.status_code != 200:
            remedy = f"set {self.service}_KEY" if answer.status_code in (401, 403) else f"see what {self.service}_URL takes"
            raise EndpointError("endpoint_refused", f"{self.service} answered {answer.status_code}: {said}; {remedy}")
        try:
            return orjson.loads(answer.content)
        except orjson.JSONDecodeError:
            raise _TransientError(f"the answer is no JSON: {said!r}") from None

    def _place(self, sha256: str) -> Path | None:
        return None if self.folder is None else self.folder / sha256[:2] / f"{sha256}.json"


def missing(service: str) -> str | None:
    """What is lacking for an endpoint, in a sentence; None where it is named in the environment."""
    return None if os.environ.get(f"{service}_URL") else f"no endpoint: set {service}_URL (see annotators/models)"


def endpoint(service: str, timeout: float = 60.0, parallel: int = 4) -> Endpoint:
    """The endpoint of the environment; one per process, so that what it cost and that it is down are known in one place.

    Raises EndpointError where none is named, or the HTTP library is not installed.
    """
    sentence = missing(service)
    if sentence is not None:
        raise EndpointError("endpoint_missing", sentence)
    kept = os.environ.get("CAIRN_MODELS_CACHE")
    key = os.environ.get(f"{service}_KEY")
    return _endpoint(os.environ[f"{service}_URL"], service, key, Path(kept) if kept else None, timeout, parallel)


@cache
def _endpoint(url: str, service: str, key: str | None, folder: Path | None, timeout: float, parallel: int) -> Endpoint:
    return Endpoint(url, service, key, folder, timeout, parallel=parallel)


def spent(folder: Path) -> Cost:
    """What all the answers in a cache folder cost when they were asked for."""
    cost = Cost()
    for path in sorted(folder.glob("??/*.json")):
        answer = _kept(path)
        if answer is not None:
            cost.add(answer)
    return cost


def _httpx() -> Any:
    try:
        import httpx
    except ImportError as error:
        raise EndpointError("endpoint_missing", "models need the extra: pip install 'cairn-trajectories[models]'") from error
    redact_logs()
    return httpx


def _kept(place: Path | None) -> Any | None:
    """A kept answer; None where there is none, or it is torn."""
    if place is None:
        return None
    try:
        return orjson.loads(place.read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        return None


def _keep(place: Path, answer: Any) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=place.parent, suffix=".part", delete=False) as file:
        file.write(orjson.dumps(answer))
    os.replace(file.name, place)


def _seconds(header: str | None) -> float | None:
    """`Retry-After` in seconds; None where it is absent or a date."""
    with contextlib.suppress(ValueError):
        return max(0.0, float(header)) if header is not None else None
    return None


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0
