"""What must never be seen in a log or an error: tokens, passwords, cookies."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable

HIDDEN = "[hidden]"

_NAMES = r"sessionid|csrftoken|csrfmiddlewaretoken|password|refresh|access|token"
_HEADERS = r"authorization|x-api-key|x-csrftoken|(?:set-)?cookie"
_SECRETS = (
    re.compile(r"eyJ[\w-]{5,}(?:\.[\w-]+){1,2}"),  # a JSON web token, also one without its signature
    re.compile(r"(?i)\b(?:token|bearer) [\w.-]{16,}"),
    re.compile(rf"(?i)\b(?:{_HEADERS}): [^\n]+"),
    # As the HTTP library logs headers: (b'set-cookie', b'...'); as JSON and Python show fields: "token": "...".
    re.compile(rf"(?i)b?[\"'](?:{_HEADERS})[\"'], b?(?:\"[^\"]*\"|'[^']*')"),
    re.compile(rf"(?i)[\"'](?:{_NAMES}|{_HEADERS})[\"']: ?(?:\"[^\"]*\"|'[^']*')"),
    re.compile(rf"(?i)\b(?:{_NAMES})=[^\s\"'&;,)}}\]]+"),
    re.compile(r"(?i)\b(?:password|token): \S{8,}"),
)
_LOGGERS = ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy")


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` without the given secrets, and without anything that looks like a token, a cookie or a password."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, HIDDEN)
    for pattern in _SECRETS:
        text = pattern.sub(HIDDEN, text)
    return text


class _Redacting(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redact(record.getMessage()), ()
        return True


_FILTER = _Redacting("redacting")


def redact_logs() -> None:
    """Let the loggers of the HTTP library, which write headers at level DEBUG, hide secrets. Calling it twice is harmless."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_FILTER)
