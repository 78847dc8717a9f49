"""The reading half of a Hub over a local folder, which counts the bytes of files that readers fetch.

`HF_ENDPOINT` must name it before `huggingface_hub` is imported, so readers are processes of their own; they ask `/_count`.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

REPOSITORY = "made/release"
_COMMIT = "c0ffee" + "0" * 34
_BLOCK = 1 << 20


class CountingHub(ThreadingHTTPServer):
    """Serves `folder` as the dataset `made/release` on a free port of the loopback.

    `fetched`: bytes of files so far; `requests`: how many requests asked for them.
    """

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder
        self.fetched = self.requests = 0
        self.lock = threading.Lock()

    @property
    def endpoint(self) -> str:
        """What `HF_ENDPOINT` should be."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def files(self) -> list[str]:
        """All paths of the repository."""
        return sorted(path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if path.is_file())

    def entry(self, path: str) -> dict[str, object]:
        """A file or folder as listings show it."""
        place = self.folder / path
        size = place.stat().st_size if place.is_file() else 0
        return {"type": "file" if place.is_file() else "directory", "path": path, "oid": _oid(path), "size": size}


@contextmanager
def serving(folder: Path) -> Iterator[CountingHub]:
    """A `CountingHub` on a thread of its own while the block lasts."""
    with CountingHub(folder) as hub:
        thread = threading.Thread(target=hub.serve_forever)
        thread.start()
        try:
            yield hub
        finally:
            hub.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: CountingHub

    def log_message(self, *_: object) -> None:
        """Nothing: the counters say it."""

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        for pattern, answer in _ROUTES:
            if match := re.fullmatch(pattern, path):
                answer(self, *match.groups())
                return
        self._fail("EntryNotFound")

    do_HEAD = do_POST = do_GET  # noqa: N815 (the names are the standard library's)

    def count(self) -> None:
        self._json({"fetched": self.server.fetched, "requests": self.server.requests})

    def info(self) -> None:
        siblings = [{"rfilename": path} for path in self.server.files()]
        self._json({"_id": "0", "id": REPOSITORY, "sha": _COMMIT, "tags": [], "siblings": siblings})

    def tree(self, folder: str | None) -> None:
        prefix = f"{folder.rstrip('/')}/" if folder else ""
        below = [path for path in self.server.files() if path.startswith(prefix)]
        if parse_qs(urlsplit(self.path).query).get("recursive", [""])[0].lower() != "true":
            below = sorted({prefix + path[len(prefix) :].split("/")[0] for path in below})
        if folder and not below:
            self._fail("EntryNotFound")
            return
        self._json([self.server.entry(path) for path in below])

    def paths_info(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        asked = json.loads(body)["paths"] if "json" in self.headers["Content-Type"] else parse_qs(body)["paths"]
        self._json([self.server.entry(path) for path in asked if (self.server.folder / path).exists()])

    def resolve(self, path: str) -> None:
        file = self.server.folder / path
        if not file.is_file():
            self._fail("EntryNotFound")
            return
        size = file.stat().st_size
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        first, last = (int(asked[1]), min(int(asked[2] or size - 1), size - 1)) if asked else (0, size - 1)
        headers = {"ETag": f'"{_oid(path)}"', "X-Repo-Commit": _COMMIT, "Accept-Ranges": "bytes"}
        if asked:
            headers["Content-Range"] = f"bytes {first}-{last}/{size}"
        self._head(206 if asked else 200, last + 1 - first, headers)
        if self.command == "GET":
            self._send_file(file, first, last + 1 - first)

    def _send_file(self, file: Path, offset: int, length: int) -> None:
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

    def _json(self, body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        data = json.dumps(body).encode()
        self._head(status, len(data), headers or {})
        if self.command != "HEAD":
            self.wfile.write(data)

    def _fail(self, code: str) -> None:
        self._json({"error": code}, 404, {"X-Error-Code": code, "X-Error-Message": code})

    def _head(self, status: int, length: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for key, value in {"Content-Length": str(length), **headers}.items():
            self.send_header(key, value)
        self.end_headers()


_API = f"/api/datasets/{REPOSITORY}"
_ROUTES: list[tuple[str, Callable[..., None]]] = [
    ("/_count", _Handler.count),
    (_API + r"/tree/[^/]+(?:/(.+))?", _Handler.tree),
    (_API + r"/paths-info/[^/]+", _Handler.paths_info),
    (_API + r"(?:/revision/[^/]+)?", _Handler.info),
    (f"/datasets/{REPOSITORY}" + r"/resolve/[^/]+/(.+)", _Handler.resolve),
]


def _oid(path: str) -> str:
    """A name for content that never changes while it is served."""
    return hashlib.sha1(path.encode()).hexdigest()
