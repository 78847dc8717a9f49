"""A real HTTP server on loopback that answers as it was told and remembers what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

Answer = tuple[int, Any, dict[str, str]]
"""Status, body (bytes, or what becomes JSON), headers."""


@dataclass
class Recorded:
    """`answers`: one after another, the last again and again; or a function of the request's body. `asked`: path, headers, body."""

    url: str
    answers: list[Answer] = field(default_factory=list)
    answer: Callable[[Any], Any] | None = None
    asked: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)
    stall: threading.Event = field(default_factory=threading.Event)
    most_at_once: int = 0
    _now: int = 0
    _lock: Any = field(default_factory=threading.Lock)

    def say(self, body: Any, status: int = 200, **headers: str) -> None:
        """The next answer."""
        self.answers.append((status, body, headers))

    def say_chat(self, content: Any, **more: Any) -> None:
        """The next answer, as a chat endpoint gives it."""
        self.say(chat(content, **more))


def chat(content: Any, **more: Any) -> dict[str, Any]:
    text = content if isinstance(content, str) else json.dumps(content)
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    return {"choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"} | more], "usage": usage}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorded]:
    """A server that both services of the environment point at, with the key `k-secret-123456`; nothing is cached."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            with found._lock:
                found.asked.append((self.path, dict(self.headers), body))
                found._now += 1
                found.most_at_once = max(found.most_at_once, found._now)
                answer = found.answers.pop(0) if len(found.answers) > 1 else found.answers[0] if found.answers else None
            status, said, headers = answer or (200, found.answer(body) if found.answer else {}, {})
            if said == "stall":
                found.stall.wait(20)
                said = b""
            data = said if isinstance(said, bytes) else json.dumps(said).encode()
            with found._lock:
                found._now -= 1
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *arguments: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    found = Recorded(f"http://127.0.0.1:{http.server_address[1]}/v1")
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    for service in ("CAIRN_VLM", "CAIRN_SEGMENTER"):
        monkeypatch.setenv(f"{service}_URL", found.url)
        monkeypatch.setenv(f"{service}_KEY", "k-secret-123456")
    monkeypatch.delenv("CAIRN_MODELS_CACHE", raising=False)
    yield found
    found.stall.set()
    http.shutdown()
    http.server_close()
