"""A Label Studio of our own: started on loopback with SQLite, found again, stopped.

Everything it needs lies below one folder, the `Home`. The server outlives the command that started it; who it is stands
in `server.json` with the time at which the process began, so that another process that later got the same number is never
taken for it.
"""

from __future__ import annotations

import errno
import importlib.util
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import filelock
import psutil

from annotators.label_studio.errors import LabelStudioError
from annotators.label_studio.redaction import redact
from pipelines.errors import ConfigurationError

from .label_studio_home import (
    DiedAtStartError,
    DiskFullError,
    Home,
    Login,
    NotInstalledError,
    PortTakenError,
    Process,
    ServerError,
    read_login,
    read_process,
    write_private,
)
from .label_studio_settings import HOST, START, arguments, environment

PORT = 8085
PATIENCE = 900.0
"""Seconds that a first start may take; it builds the database, about a minute of work for the processor."""
ALREADY_STARTED = 60.0
"""Seconds that a server which somebody else started may take to answer."""
LETS_GO = 5.0
"""Seconds that a port may take to become free of a server that was killed just now."""

Watch = Callable[[str, float], None]
"""Called while the server starts: what is going on, and for how many seconds."""


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers, and how to get in. `already`: it was running before it was asked for."""

    url: str
    username: str
    password: str = field(repr=False)
    token: str = field(repr=False)
    media_root: Path
    pid: int
    already: bool = False


@dataclass(frozen=True, slots=True)
class Status:
    """`died`: it was started and is gone without having been stopped. `sentence`: for people."""

    state: Literal["stopped", "died", "silent", "running"]
    sentence: str
    url: str | None = None
    pid: int | None = None


def up(
    home: Home, port: int = PORT, watch: Watch | None = None, *, patience: float = PATIENCE, follow_parent: bool = False
) -> Running:
    """Start the server, or find it running, and wait until it answers.

    `port`: TCP, of loopback; ignored where the server is running already. `patience`: seconds. `follow_parent`: the server
    ends when this process ends, however it ends. Raises NotInstalledError, PortTakenError, DiskFullError,
    DiedAtStartError, ServerError.
    """
    if importlib.util.find_spec("label_studio") is None:
        raise NotInstalledError("Label Studio is not installed: pip install 'cairn-trajectories[review]'")
    with _room(home):
        for folder in (home.folder, home.data, home.media):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)
        with filelock.FileLock(home.folder / "server.lock", timeout=patience):
            return _up(home, port, watch or (lambda _what, _seconds: None), patience, follow_parent)


def down(home: Home, patience: float = 10.0) -> bool:
    """Stop the server and all its children; False where none was running. It is asked first and killed after `patience` s."""
    process = _process(home)
    if process is not None:
        with suppress(psutil.NoSuchProcess):
            tree = [process, *process.children(recursive=True)]
            for member in tree:
                with suppress(psutil.NoSuchProcess):
                    member.terminate()
            for member in psutil.wait_procs(tree, timeout=patience)[1]:
                with suppress(psutil.NoSuchProcess):
                    member.kill()
            psutil.wait_procs(tree, timeout=patience)
    home.state.unlink(missing_ok=True)
    return process is not None


def status(home: Home) -> Status:
    """Whether the server runs and answers. Changes nothing."""
    state = read_process(home)
    if state is None:
        return Status("stopped", f"no server was started from {home.folder}")
    if _process(home) is None:
        return Status("died", f"the server that was started from {home.folder} is gone; start it again", state.url, state.pid)
    if not _answers(state.url):
        return Status("silent", f"the server (process {state.pid}) does not answer at {state.url}", state.url, state.pid)
    return Status("running", f"running at {state.url} (process {state.pid})", state.url, state.pid)


def running(home: Home) -> Running | None:
    """The server, where it runs and answers, else None. Changes nothing."""
    state = read_process(home)
    if state is None or _process(home) is None or not _answers(state.url):
        return None
    return _running(home, state, read_login(home), already=True)


def logs(home: Home, lines: int = 50) -> list[str]:
    """The last lines that the server wrote, without tokens, passwords and cookies."""
    try:
        text = home.log.read_text(errors="replace")
    except FileNotFoundError:
        return []
    known = asdict(read_login(home)) if home.secrets.exists() else {}
    return redact("\n".join(text.splitlines()[-lines:]), (known.get("password", ""), known.get("token", ""))).splitlines()


def _up(home: Home, port: int, watch: Watch, patience: float, follow_parent: bool) -> Running:
    login = read_login(home)
    state = read_process(home)
    process = _process(home)
    if state is not None and process is not None:
        _wait(home, process, state, watch, ALREADY_STARTED)
        return _running(home, state, login, already=True)
    _need_port(port)
    process = _start(home, port, login, follow_parent)
    state = Process(process.pid, process.create_time(), port, f"http://{HOST}:{port}")
    write_private(home.state, asdict(state))
    try:
        _wait(home, process, state, watch, patience)
        login = _need_login(home, state, login)
    except BaseException:
        down(home)
        raise
    return _running(home, state, login, already=False)


def _running(home: Home, state: Process, login: Login, already: bool) -> Running:
    return Running(state.url, login.username, login.password, login.token, home.media, state.pid, already)


def _start(home: Home, port: int, login: Login, follow_parent: bool) -> psutil.Process:
    command = [sys.executable, "-P", "-c", START, str(os.getpid() if follow_parent else 0), *arguments(port)]
    descriptor = os.open(home.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
    try:
        started = subprocess.Popen(
            command,
            env=environment(home.data, home.media, **asdict(login)),
            cwd=home.data,
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            start_new_session=True,
        )
    finally:
        os.close(descriptor)
    return psutil.Process(started.pid)


def _wait(home: Home, process: psutil.Process, state: Process, watch: Watch, patience: float) -> None:
    began = time.monotonic()
    what = "starting" if any(home.data.glob("*.sqlite3")) else "building the database, once; this takes a minute or two"
    while (waited := time.monotonic() - began) < patience:
        if not _alive(process):
            raise _why_it_died(home)
        if _answers(state.url):
            if _listens(process, state.port):
                return
            down(home)
            raise _port_taken(state.port, _owners(state.port))
        watch(what, waited)
        time.sleep(0.3)
    raise ServerError(
        f"Label Studio (process {process.pid}) does not answer at {state.url} after {patience:.0f} s; see {home.log}"
    )


def _why_it_died(home: Home) -> ServerError:
    last = "\n".join(logs(home, 12))
    if "No space left on device" in last or "disk is full" in last:
        return DiskFullError(f"no space left for the database of Label Studio in {home.data}: free some, then start again")
    return DiedAtStartError(f"Label Studio ended before it answered; {home.log} ends with:\n{last}")


def _need_port(port: int) -> None:
    """Label Studio would move to the next port without a word.

    A server that was killed just now seems to be gone while one of its threads still holds the port: nobody's, for a moment.
    """
    until = time.monotonic() + LETS_GO
    while not _can_be_bound(port):
        if (owners := _owners(port)) or time.monotonic() > until:
            raise _port_taken(port, owners)
        time.sleep(0.1)


def _can_be_bound(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError as error:
            raise ConfigurationError(f"port {port} is reserved for the administrator: choose one above 1023") from error
        except OSError:
            return False
    return True


def _port_taken(port: int, owners: str) -> PortTakenError:
    return PortTakenError(f"port {port} is taken{f' by {owners}' if owners else ''}: stop that program, or choose another port")


def _owners(port: int) -> str:
    """Name and number of the processes that listen; empty where they may not be seen."""
    try:
        found = {entry.pid for entry in psutil.net_connections("tcp") if _is_listener(entry, port)}
        return " and ".join(f"{psutil.Process(pid).name()} (process {pid})" for pid in sorted(pid for pid in found if pid))
    except psutil.Error:
        return ""


def _need_login(home: Home, state: Process, login: Login) -> Login:
    """The login, with a token that works.

    The token is set when the first start makes the user. Where that was interrupted, the password gives another one.
    """
    from annotators.label_studio.accounts import personal_access_token
    from annotators.label_studio.client import Client

    try:
        Client(state.url, login.token).me()
    except LabelStudioError as error:
        if error.status != 401:
            raise ServerError(f"Label Studio at {state.url} answers, but not to its user: {error}") from error
    else:
        return login
    try:
        token = personal_access_token(state.url, login.username, login.password)
    except LabelStudioError as error:
        raise ServerError(
            f"{home.secrets} does not fit the database in {home.data}, which has a user with another password: "
            "put the file back that was there when the database was made, or move both away"
        ) from error
    login = Login(login.username, login.password, token)
    write_private(home.secrets, asdict(login))
    return login


def _process(home: Home) -> psutil.Process | None:
    """The process of the server, where it is alive and really the one that was started."""
    state = read_process(home)
    if state is None:
        return None
    try:
        process = psutil.Process(state.pid)
        same = abs(process.create_time() - state.create_time) < 1.0
    except psutil.NoSuchProcess:
        return None
    return process if same and _alive(process) else None


def _alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _listens(process: psutil.Process, port: int) -> bool:
    try:
        tree = [process, *process.children(recursive=True)]
        return any(_is_listener(found, port) for member in tree for found in member.net_connections("tcp"))
    except psutil.AccessDenied:
        return True
    except psutil.NoSuchProcess:
        return False


def _is_listener(found: Any, port: int) -> bool:
    """`found`: a connection of psutil. Its address is empty where the socket is not bound."""
    return bool(found.status == psutil.CONN_LISTEN and found.laddr and found.laddr.port == port)


def _answers(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{url}/health", timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@contextmanager
def _room(home: Home) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFullError(f"no space left in {home.folder}: free some, then start again") from error
        raise
