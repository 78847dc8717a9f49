"""The server: routes, faults, counters, and bytes on the wire."""

from __future__ import annotations

import contextlib
import io
import json
import re
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from . import commits, reading, refs, repos, uploads
from .accounts import ACCOUNTS, account_of
from .errors import HubError
from .faults import Fault, Faults
from .messages import Reply, Request
from .repositories import Repositories, Repository
from .storage import Storage
from .traffic import Call, Traffic
from .xet import XetStore

_BLOCK = 64 << 10


class HubDouble:
    """A Hub below a folder. `upload_rate` (bytes per second) and `latency` (seconds per call) slow it down.

    `part_size`: LFS files above it are uploaded in parts.
    """

    def __init__(self, root: Path, port: int = 0) -> None:
        self.storage = Storage(root / "contents")
        self.xet = XetStore(root / "blocks", self.storage)
        self.repositories = Repositories(self.storage)
        self.accounts = dict(ACCOUNTS)
        self.faults, self.traffic = Faults(), Traffic()
        self.latency = 0.0
        self.upload_rate: float | None = None
        self.part_size: int | None = None
        self.parts: dict[str, dict[int, bytes]] = {}
        self.lock = threading.RLock()
        self.server = _Server(("127.0.0.1", port), _Handler) if port else _on_a_new_port()
        self.server.hub = self
        self.port = self.server.server_address[1]

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def storage_endpoint(self) -> str:
        """The host that redirects name: another one than the Hub's, as in the world, so clients keep their token back."""
        return f"http://localhost:{self.port}"

    def dataset(self, repo_id: str) -> Repository:
        """The repository itself, to look into."""
        return self.repositories.get("dataset", repo_id)


@contextmanager
def running(root: Path, port: int = 0) -> Iterator[HubDouble]:
    """A double that serves from threads of this process."""
    hub = HubDouble(root, port)
    thread = threading.Thread(target=hub.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.server.shutdown()
        hub.server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    hub: HubDouble

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is no error; all others are shown."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


_PORTS: set[int] = set()
"""Those that doubles of this process had: a client remembers by the port which blocks a Hub has, and would not send them again."""


def _on_a_new_port() -> _Server:
    server = _Server(("127.0.0.1", 0), _Handler)
    while server.server_address[1] in _PORTS:
        server.server_close()
        server = _Server(("127.0.0.1", 0), _Handler)
    _PORTS.add(server.server_address[1])
    return server


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""

    def answer(self) -> None:
        """One request from its first to its last byte."""
        hub = self.server.hub
        line = f"{self.command} {self.path}"
        counts = _Counts()
        try:
            if hub.latency:
                time.sleep(hub.latency)
            body = bytearray()
            for block in self._blocks():
                counts.received += len(block)
                body += block
                if hub.faults.hold is not None:
                    hub.faults.hold.wait(line, counts.received)
            fault = hub.faults.take(line, after=False)
            reply = self._failed(fault) if fault else self._worked(bytes(body))
            if (lost := None if fault else hub.faults.take(line, after=True)) is not None:
                reply = self._failed(lost)
            counts.status, counts.about = reply.status, reply.about
            self._send(reply, counts)
        except _CutError:
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            self._note(counts)

    def _note(self, counts: _Counts) -> None:
        """Count the call, once. It is done before the last bytes go out, so that a client that has them finds it counted."""
        if not counts.noted:
            counts.noted = True
            call = Call(self.command, self.path, counts.status, counts.received, counts.sent, counts.about)
            self.server.hub.traffic.add(call)

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = answer  # noqa: N815 (the names are the standard library's)

    def _worked(self, body: bytes) -> Reply:
        """What the endpoint answers; its errors are answers as well."""
        hub = self.server.hub
        url = urlsplit(self.path)
        try:
            account = None if url.path.startswith(_UNSIGNED) else account_of(self.headers.get("Authorization"), hub.accounts)
            request = Request(hub, self.command, url.path, dict(parse_qsl(url.query)), self.headers, body, account)  # type: ignore[arg-type]
            for methods, pattern, endpoint in ROUTES:
                match = re.fullmatch(pattern, url.path)
                if match and self.command in methods.split():
                    found = [group for group in match.groups() if group is not None]
                    with contextlib.nullcontext() if url.path.startswith(_UNSIGNED) else hub.lock:
                        return endpoint(request, *found)
            raise HubError(404, None, f"no route {self.command} {url.path}")
        except HubError as error:
            headers = error.headers | {"X-Error-Message": error.message}
            return Reply(error.status, {"error": error.message}, headers | ({"X-Error-Code": error.code} if error.code else {}))
        except Exception as error:  # noqa: BLE001 - a mistake of the double is an answer, and seen
            traceback.print_exc(file=sys.stderr)
            return Reply(500, {"error": repr(error)})

    def _failed(self, fault: Fault) -> Reply:
        if fault.stall:
            time.sleep(fault.stall)
        if fault.stall or fault.disconnect:
            raise _CutError
        return Reply(fault.status, {"error": fault.message}, {"X-Error-Message": fault.message, **fault.headers})

    def _blocks(self) -> Iterator[bytes]:
        """The body as it comes in, at the hub's pace."""
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline().split(b";")[0] or b"0", 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return
        left, rate = int(self.headers.get("Content-Length") or 0), self.server.hub.upload_rate
        while left:
            block = self.rfile.read(min(left, _BLOCK))
            if not block:
                raise _CutError
            left -= len(block)
            if rate:
                time.sleep(len(block) / rate)
            yield block

    def _send(self, reply: Reply, counts: _Counts) -> None:
        data = b"" if reply.json is None else json.dumps(reply.json).encode()
        length = len(data) if reply.file is None else reply.length
        kind = "application/json" if reply.file is None else "application/octet-stream"
        standard = {"Content-Type": kind, "Content-Length": str(length), "X-Request-Id": "hub-double"}
        self.send_response(reply.status)
        for key, value in (standard | dict(reply.headers)).items():
            self.send_header(key, value)
        if self.command == "HEAD" or not length:
            self._note(counts)
            self.end_headers()
            return
        self.end_headers()
        with io.BytesIO(data) if reply.file is None else reply.file.open("rb") as file:
            file.seek(reply.first)
            while counts.sent < length:
                block = file.read(min(length - counts.sent, 16 * _BLOCK))
                if counts.sent + len(block) == length:
                    counts.sent = length
                    self._note(counts)
                    self.wfile.write(block)
                    return
                self.wfile.write(block)
                counts.sent += len(block)


@dataclass(slots=True)
class _Counts:
    """What is known of a call so far."""

    status: int = 0
    received: int = 0
    sent: int = 0
    about: str = ""
    noted: bool = False


class _CutError(Exception):
    """The connection ends here, without an answer."""


_UNSIGNED = ("/lfs/", "/cas/", "/storage/")
"""Addresses that are a right in themselves: no account is asked for, and they do not wait for each other."""

_KIND, _REPO, _REV = r"(model|dataset|space)s", r"([\w.-]+/[\w.-]+)", r"([^/]+)"
_API = rf"/api/{_KIND}/{_REPO}"
ROUTES: list[tuple[str, str, Callable[..., Any]]] = [
    ("GET", r"/api/whoami-v2", repos.whoami),
    ("POST", r"/api/repos/create", repos.create),
    ("POST", r"/api/validate-yaml", repos.validate_yaml),
    ("POST", rf"{_API}/preupload/{_REV}", uploads.preupload),
    ("POST", rf"/{_KIND}/{_REPO}\.git/info/lfs/objects/batch", uploads.lfs_batch),
    ("PUT", r"/lfs/(\w{64})", uploads.lfs_put),
    ("PUT", r"/lfs/(\w{64})/parts/(\d+)", uploads.lfs_part),
    ("POST", r"/lfs/(\w{64})/complete", uploads.lfs_complete),
    ("POST", r"/lfs/(\w{64})/verify", uploads.lfs_verify),
    ("GET", rf"{_API}/xet-(read|write)-token/{_REV}", uploads.xet_token),
    ("POST", r"/cas/v1/xorbs/default/(\w+)", uploads.xet_block),
    ("POST", r"/cas/(?:v1/)?shards", uploads.xet_shard),
    ("POST", rf"{_API}/commit/{_REV}", commits.commit),
    ("POST", rf"{_API}/discussions", commits.open_pull),
    ("GET", rf"{_API}/discussions", commits.list_pulls),
    ("GET", rf"{_API}/discussions/(\d+)", commits.get_pull),
    ("POST", rf"{_API}/discussions/(\d+)/status", commits.change_pull),
    ("POST", rf"{_API}/discussions/(\d+)/merge", commits.merge_pull),
    ("GET", rf"{_API}/refs", refs.list_refs),
    ("POST DELETE", rf"{_API}/tag/{_REV}", refs.tag),
    ("POST DELETE", rf"{_API}/branch/{_REV}", refs.branch),
    ("GET", rf"{_API}/commits/{_REV}", refs.history),
    ("GET", rf"{_API}/revision/{_REV}", reading.repository),
    ("GET", _API, reading.repository),
    ("GET", rf"{_API}/tree/{_REV}(?:/(.+))?", reading.tree),
    ("POST", rf"{_API}/paths-info/{_REV}", reading.paths_info),
    ("HEAD GET", rf"/{_KIND}/{_REPO}/resolve/{_REV}/(.+)", reading.resolve),
    ("HEAD GET", r"/storage/(\w{64})/(.+)", reading.stored),
]
