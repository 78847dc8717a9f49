"""The reading half of a Hugging Face Hub, offline: dataset repositories served from a local folder on loopback.

    python hub_files.py FOLDER       prints its endpoint and serves FOLDER/<org>/<name>/… until it is ended

`HF_ENDPOINT` must name it before huggingface_hub is imported, so a client is a process of its own. Each repository has
one revision, `main`; `GET /_requests` tells which requests came in. Listings are paged.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

COMMIT = "c0ffee" + "0" * 34
PAGE = 5


class Hub(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder, self.requests = folder, []

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Hub

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path == "/_requests":
            return self.send(200, self.server.requests)
        self.server.requests.append(f"{self.command} {self.path}")
        for pattern, answer in ROUTES:
            match = re.fullmatch(pattern, url.path)
            if match:
                repo = self.server.folder / match[1]
                if not repo.is_dir():
                    return self.fail("RepoNotFound")
                if match[2] and unquote(match[2]) not in ("main", COMMIT):
                    return self.fail("RevisionNotFound")
                return answer(self, repo, *match.groups()[2:])
        return self.fail("NoRoute")

    do_HEAD = do_POST = do_GET  # noqa: N815 (the names are the standard library's)

    def info(self, repo: Path) -> None:
        siblings = [{"rfilename": path} for path in _files(repo)]
        self.send(200, {"_id": "0", "id": f"{repo.parent.name}/{repo.name}", "sha": COMMIT, "tags": [], "siblings": siblings})

    def tree(self, repo: Path, folder: str | None) -> None:
        query = parse_qs(urlsplit(self.path).query)
        prefix = f"{unquote(folder).rstrip('/')}/" if folder else ""
        recursive = query.get("recursive", [""])[0].lower() == "true"
        below = [path for path in _files(repo) if path.startswith(prefix)]
        folders = {
            prefix + "/".join(p[len(prefix) :].split("/")[:depth])
            for p in below
            for depth in range(1, p[len(prefix) :].count("/") + 1)
        }
        shown = [path for path in [*sorted(folders), *below] if recursive or "/" not in path[len(prefix) :]]
        if folder and not shown:
            return self.fail("EntryNotFound")
        cursor = int(query.get("cursor", ["0"])[0])
        headers = {}
        if cursor + PAGE < len(shown):
            following = urlencode({key: values[0] for key, values in query.items()} | {"cursor": cursor + PAGE})
            headers["Link"] = f'<{self.server.endpoint}{urlsplit(self.path).path}?{following}>; rel="next"'
        return self.send(200, [_entry(repo, path) for path in shown[cursor : cursor + PAGE]], headers)

    def paths_info(self, repo: Path) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        asked = json.loads(body)["paths"] if "json" in self.headers["Content-Type"] else parse_qs(body)["paths"]
        self.send(200, [_entry(repo, path) for path in asked if (repo / path).exists()])

    def resolve(self, repo: Path, path: str) -> None:
        file = repo / unquote(path)
        if not file.is_file():
            return self.fail("EntryNotFound")
        data = file.read_bytes()
        headers = {"ETag": f'"{_oid(file)}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not asked:
            return self.send(200, data, headers)
        first, last = int(asked[1]), min(int(asked[2] or len(data) - 1), len(data) - 1)
        return self.send(206, data[first : last + 1], headers | {"Content-Range": f"bytes {first}-{last}/{len(data)}"})

    def fail(self, code: str) -> None:
        self.send(404, {"error": code}, {"X-Error-Code": code, "X-Error-Message": code})

    def send(self, status: int, body: object, headers: dict[str, str] | None = None) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for key, value in {"Content-Length": str(len(data)), **(headers or {})}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)


REPO = r"/api/datasets/([\w.-]+/[\w.-]+)"
ROUTES: list[tuple[str, Callable[..., None]]] = [
    (REPO + r"/tree/([^/]+)(?:/(.+))?", Handler.tree),
    (REPO + r"/paths-info/([^/]+)", Handler.paths_info),
    (REPO + r"(?:/revision/([^/]+))?", Handler.info),
    (r"/datasets/([\w.-]+/[\w.-]+)/resolve/([^/]+)/(.+)", Handler.resolve),
]


def _files(repo: Path) -> list[str]:
    return sorted(path.relative_to(repo).as_posix() for path in repo.rglob("*") if path.is_file())


def _oid(file: Path) -> str:
    data = file.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def _entry(repo: Path, path: str) -> dict[str, object]:
    file = repo / path
    if file.is_dir():
        return {"type": "directory", "path": path, "oid": "0" * 40, "size": 0}
    return {"type": "file", "path": path, "oid": _oid(file), "size": file.stat().st_size}


if __name__ == "__main__":
    hub = Hub(Path(sys.argv[1]))
    print(hub.endpoint, flush=True)
    hub.serve_forever()
