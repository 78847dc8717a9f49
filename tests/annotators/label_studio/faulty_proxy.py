"""A proxy before a server that fails as networks and gateways do: seeded, and it counts what it did.

One request per connection. What is drawn for a request depends on the seed and on how many came before it.
"""

from __future__ import annotations

import http.client
import random
import socket
import socketserver
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

FAULTS = {
    "drop": 0.05,  # the request never arrives
    "lose": 0.06,  # it is carried out, nothing comes back
    "cut": 0.03,  # it is carried out, half of the answer comes back
    "late": 0.03,  # it arrives after the client has given up
    "slow": 0.03,  # it arrives at once, the answer comes after the client has given up
    "twice": 0.06,  # it arrives twice
    "500": 0.03,
    "502": 0.04,  # the gateway did not wait for the answer: it is carried out
    "429": 0.03,
    "401": 0.01,
}
"""What can happen to a request, and how likely it is."""

WORDS = {"500": "Internal Server Error", "502": "Bad Gateway", "429": "Too Many Requests", "401": "Unauthorized"}


@dataclass
class FaultyProxy:
    """`url` is where it listens. `stall`: seconds by which `late` and `slow` come late; more than the client waits.

    `script`: given method and path, names the fault ("" = none), instead of the seed. `done`: how often each fault happened to a `GET` or another method. `answers`: status of what the server answered.
    """

    upstream: str
    seed: int
    stall: float
    faults: Mapping[str, float] = field(default_factory=lambda: dict(FAULTS))
    url: str = ""
    done: Counter[str] = field(default_factory=Counter)
    answers: Counter[int] = field(default_factory=Counter)
    quiet: bool = False
    script: Callable[[str, str], str] | None = None

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._lock = threading.Lock()
        self._under_way = 0

    def drawn(self, method: str, path: str) -> str:
        """What happens to the next request."""
        with self._lock:
            if self.quiet:
                return ""
            if self.script is not None:
                return self.script(method, path)
            (fault,) = self._random.choices([*self.faults, ""], [*self.faults.values(), 1 - sum(self.faults.values())])
            self.done[f"{fault or 'nothing'} {'GET' if method == 'GET' else 'other'}"] += 1
            return fault

    def drain(self) -> None:
        """Wait until all that was held back has arrived; from then on nothing fails."""
        self.quiet = True
        while self._under_way:
            time.sleep(0.05)

    def forward(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
        """Ask the server; the bytes of its answer, of the head too."""
        parts = urlsplit(self.upstream)
        connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=60)
        try:
            kept = {name: value for name, value in headers.items() if name.lower() not in ("connection", "host")}
            connection.request(method, path, body=body, headers={**kept, "Host": str(parts.netloc), "Connection": "close"})
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        with self._lock:
            self.answers[answer.status] += 1
        head = [f"HTTP/1.1 {answer.status} {answer.reason}", f"Content-Length: {len(content)}", "Connection: close"]
        head += [f"{name}: {value}" for name, value in answer.getheaders() if name.lower() in ("content-type", "set-cookie")]
        return "\r\n".join([*head, "", ""]).encode() + (b"" if method == "HEAD" else content)

    @contextmanager
    def busy(self) -> Iterator[None]:
        with self._lock:
            self._under_way += 1
        try:
            yield
        finally:
            with self._lock:
                self._under_way -= 1


class _Handler(socketserver.StreamRequestHandler):
    server: Any

    def handle(self) -> None:
        proxy: FaultyProxy = self.server.proxy
        request = self._read()
        if request is None:
            return
        with proxy.busy(), suppress(ConnectionError, socket.timeout, http.client.HTTPException):
            self._answer(proxy, proxy.drawn(request[0], request[1]), request)

    def _answer(self, proxy: FaultyProxy, fault: str, request: tuple[str, str, dict[str, str], bytes]) -> None:
        if fault == "drop":
            return
        if fault in ("500", "429", "401"):
            self._say(fault)
            return
        if fault == "late":
            time.sleep(proxy.stall)
        if fault == "twice":
            proxy.forward(*request)
        answer = proxy.forward(*request)
        if fault == "502":
            self._say(fault)
        elif fault == "cut":
            self.wfile.write(answer[: len(answer) // 2])
        elif fault == "slow":
            time.sleep(proxy.stall)
        elif fault not in ("lose", "late"):
            self.wfile.write(answer)

    def _say(self, status: str) -> None:
        page = f"<html><body>{WORDS[status]}</body></html>".encode()
        head = f"HTTP/1.1 {status} {WORDS[status]}\r\nContent-Type: text/html\r\nContent-Length: {len(page)}\r\nConnection: close\r\n\r\n"
        self.wfile.write(head.encode() + page)

    def _read(self) -> tuple[str, str, dict[str, str], bytes] | None:
        first = self.rfile.readline().decode("latin-1").split()
        if len(first) != 3:
            return None
        headers: dict[str, str] = {}
        while line := self.rfile.readline().decode("latin-1").strip():
            name, _, value = line.partition(":")
            headers[name] = value.strip()
        length = int(next((value for name, value in headers.items() if name.lower() == "content-length"), 0))
        return first[0], first[1], headers, self.rfile.read(length)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    proxy: FaultyProxy


@contextmanager
def faulty_proxy(
    upstream: str, stall: float, seed: int = 0, script: Callable[[str, str], str] | None = None
) -> Iterator[FaultyProxy]:
    """A proxy before `upstream`, on a free port of loopback, until the end of the `with`."""
    proxy = FaultyProxy(upstream, seed, stall, script=script)
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.proxy = proxy
        proxy.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield proxy
        finally:
            server.shutdown()
