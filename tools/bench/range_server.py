"""A folder served over HTTP with ranges, which counts the bytes that readers fetch."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

_BLOCK = 1 << 20


class RangeServer(ThreadingHTTPServer):
    """Serves `folder` on a free port of the loopback; `fetched` bytes of content so far, in `requests` GETs."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder
        self.fetched = self.requests = 0
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        """Where the folder is."""
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def serving(folder: Path) -> Iterator[RangeServer]:
    """A `RangeServer` on a thread of its own while the block lasts."""
    with RangeServer(folder) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: RangeServer

    def log_message(self, *_: object) -> None:
        """Nothing: the counters say it."""

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        file = self.server.folder / unquote(self.path.lstrip("/"))
        if not file.is_file():
            self.send_error(404)
            return
        size = file.stat().st_size
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        first, last = (int(asked[1]), min(int(asked[2] or size - 1), size - 1)) if asked else (0, size - 1)
        self.send_response(206 if asked else 200)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(last + 1 - first))
        if asked:
            self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        self.end_headers()
        if body:
            self._send(file, first, last + 1 - first)

    def _send(self, file: Path, offset: int, length: int) -> None:
        with self.server.lock:
            self.server.requests += 1
        with file.open("rb") as content:
            content.seek(offset)
            while length:
                block = content.read(min(_BLOCK, length))
                try:
                    self.wfile.write(block)
                except (BrokenPipeError, ConnectionResetError):  # the reader had enough
                    self.close_connection = True
                    return
                length -= len(block)
                with self.server.lock:
                    self.server.fetched += len(block)
