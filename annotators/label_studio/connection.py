"""One call to a Label Studio: signed, in time, and with an error that says what to do and holds no secret."""

from __future__ import annotations

import http.cookiejar
import ipaddress
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson
from label_studio_sdk.client import LabelStudio
from label_studio_sdk.core.api_error import ApiError
from label_studio_sdk.core.request_options import RequestOptions

from .errors import LabelStudioError
from .redaction import redact, redact_logs

TIMEOUT = 120.0
"""Seconds. A bulk import of 1,000 tasks takes about two."""
READ_AGAIN = 2
"""How often a call that changes nothing is repeated after a 5xx, 429 or a lost connection. Others are never repeated:
the server may have done what it was asked to."""
_LONGEST = 2000
"""Characters of the server's own words in an error."""


class Connection:
    """Signs with a legacy token or a personal access token, which the SDK tells apart and renews. Takes no cookies."""

    def __init__(self, url: str, token: str, timeout: float = TIMEOUT, read_again: int = READ_AGAIN) -> None:
        """Connects to nothing yet. Raises LabelStudioError (401) where the token has expired."""
        # The trailing slash: the SDK joins the address of the token's renewal to it, which would lose a sub-path.
        self.url = url.rstrip("/") + "/"
        self._read_again = read_again
        self._timeout = timeout
        self._secrets = (token,)
        redact_logs()
        cookies = http.cookiejar.CookieJar(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
        trust_env = not _is_loopback(self.url)  # a proxy of the company cannot reach this machine's own server
        self._http = httpx.Client(timeout=timeout, follow_redirects=True, cookies=cookies, trust_env=trust_env)
        try:
            sdk = LabelStudio(base_url=self.url, api_key=token, timeout=timeout, httpx_client=self._http)  # type: ignore[no-untyped-call]
        except ApiError:
            sdk = None
        if sdk is None:
            raise LabelStudioError(f"the token for Label Studio at {self.url} has expired: make a new one", 401)
        self.sdk = sdk
        # The SDK's own way to send: its signature and its retries, without its models, which drop fields they do not know.
        self._send = sdk._client_wrapper.httpx_client.request

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def call(self, method: str, path: str, *, params: Mapping[str, Any] | None = None, body: Any = None) -> Any:
        """The decoded answer; None where it is empty. Raises LabelStudioError."""
        failure: LabelStudioError | None = None
        response: httpx.Response | None = None
        options: RequestOptions = {"max_retries": self._read_again if method == "GET" else 0}
        content = None if body is None else orjson.dumps(body)
        headers = {} if body is None else {"Content-Type": "application/json"}
        try:
            response = self._send(
                path, method=method, params=dict(params or {}), content=content, headers=headers, request_options=options
            )
        except httpx.HTTPError as error:
            failure = self._lost(method, path, error)
        except ApiError as error:  # only the renewal of a personal access token raises it here
            failure = self._refused(error.status_code or 401, error.body, "POST", "api/token/refresh/", None)
        if response is not None and response.status_code >= 400:
            failure = self._refused(
                response.status_code, _decoded(response), method, path, _seconds(response.headers.get("retry-after"))
            )
        # Raised here and not above: the error in hand there holds the request, and with it the token.
        if failure is not None:
            raise failure
        assert response is not None
        answer = _decoded(response) if response.content else None
        if isinstance(answer, str):
            where = f"{method} {redact(path, self._secrets)}"
            raise LabelStudioError(f"what answers at {self.url} is no Label Studio ({response.status_code}, {where})", 502)
        return answer

    def _lost(self, method: str, path: str, error: httpx.HTTPError) -> LabelStudioError:
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            return LabelStudioError(
                f"no Label Studio answers at {self.url}: start it (`cairn review up`), or mend the address", unreachable=True
            )
        if isinstance(error, httpx.TimeoutException):
            what = f"did not answer within {self._timeout:g} s"
        else:
            what = f"broke the connection ({type(error).__name__})"
        return LabelStudioError(f"Label Studio at {self.url} {what}: {method} {redact(path, self._secrets)}", unreachable=True)

    def _refused(self, status: int, body: Any, method: str, path: str, retry_after: float | None) -> LabelStudioError:
        where = f"{method} {redact(path, self._secrets)}"
        words = redact(_words(body), self._secrets)[:_LONGEST]
        if status == 401:
            sentence = f"Label Studio at {self.url} refuses the token (401, {where}): {words}"
        elif status == 403:
            sentence = f"Label Studio at {self.url} does not allow this (403, {where}): {words}"
        elif status == 404:
            sentence = f"Label Studio at {self.url} has no such thing (404, {where}): {words}"
        elif status == 429:
            wait = f" for {retry_after:g} s" if retry_after else ""
            sentence = f"Label Studio at {self.url} asks to wait{wait} (429, {where})"
        elif status >= 500:
            sentence = f"Label Studio at {self.url} failed ({status}, {where}): {words}; see `cairn review logs`"
        else:
            sentence = f"Label Studio at {self.url} does not accept this ({status}, {where}): {words}"
        return LabelStudioError(sentence, status, retry_after=retry_after)


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _decoded(response: httpx.Response) -> Any:
    try:
        return orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return response.text


def _seconds(header: str | None) -> float | None:
    try:
        return float(header) if header is not None else None
    except ValueError:
        return None  # a date; nobody sends one


def _words(body: Any) -> str:
    """What the server said: its detail, and what it found at which place. Pages of HTML say nothing."""
    if not isinstance(body, dict):
        return "" if body is None or "<html" in str(body)[:500].lower() else str(body)
    found = body.get("validation_errors")
    parts = [str(body["detail"])] if body.get("detail") and not (found and body["detail"] == "Validation error") else []
    parts += list(_flat(found if found is not None else {k: v for k, v in body.items() if k not in _ENVELOPE}))
    return "; ".join(parts)


_ENVELOPE = {"id", "status_code", "version", "detail", "exc_info", "display_context"}


def _flat(value: Any, place: str = "") -> list[str]:
    if isinstance(value, dict):
        return [part for key, child in value.items() for part in _flat(child, f"{place}.{key}" if place else str(key))]
    if isinstance(value, list):
        return [part for child in value for part in _flat(child, place)]
    if value is None:
        return []
    return [f"{place}: {value}" if place and place != "non_field_errors" else str(value)]
