"""Our own Label Studio: started, found, stopped, and what it must never do. A real server, of the test's own where it is killed."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from annotators.label_studio.client import Client
from annotators.label_studio.redaction import HIDDEN
from tests.label_studio_fixtures import free_port
from tools import label_studio_settings
from tools.label_studio_home import write_private
from tools.label_studio_server import (
    DiedAtStartError,
    DiskFullError,
    Home,
    PortTakenError,
    ServerError,
    down,
    logs,
    running,
    status,
    up,
)

CONFIG = '<View><Video name="media" value="$media"/></View>'


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_until(fact: Callable[[], bool], patience: float = 60) -> None:
    end = time.monotonic() + patience
    while not fact():
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def home(label_studio_template: Path, tmp_path: Path) -> Iterator[Home]:
    """A server that was started before and stopped: it starts in seconds."""
    home = Home(tmp_path / "review")
    shutil.copytree(label_studio_template, home.folder)
    yield home
    down(home)


@pytest.fixture
def new_home(tmp_path: Path) -> Iterator[Home]:
    """Nothing yet."""
    home = Home(tmp_path / "review")
    yield home
    down(home)


def test_the_life_of_a_server(home: Home, port: int) -> None:
    assert status(home).state == "stopped"
    assert running(home) is None
    told: list[str] = []
    first = up(home, port, lambda what, _seconds: told.append(what))
    assert not first.already
    assert set(told) == {"starting"}
    assert status(home).state == "running"
    assert status(home).url == first.url == f"http://127.0.0.1:{port}"
    with Client(first.url, first.token) as client:
        assert client.me().email == first.username

    second = up(home, port + 1)
    assert second.already
    assert (second.url, second.pid, second.token) == (first.url, first.pid, first.token)
    assert running(home) == second

    # Killed, it is known to be gone, and starts again with what it held.
    with Client(first.url, first.token) as client:
        project = client.create_project("what it held", CONFIG)
    os.kill(first.pid, signal.SIGKILL)
    wait_until(lambda: gone(first.pid))
    assert status(home).state == "died"
    assert running(home) is None
    third = up(home, port)
    assert not third.already
    assert third.pid != first.pid
    with Client(third.url, third.token) as client:
        assert client.project(project)["title"] == "what it held"

    assert down(home)
    assert gone(third.pid)
    assert status(home).state == "stopped"
    assert not down(home)
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_only_the_owner_can_read_what_it_keeps(label_studio) -> None:
    home = label_studio.home
    for folder in (home.folder, home.data, home.media):
        assert mode(folder) == 0o700
    for file in (home.secrets, home.state, home.log, home.data / ".env"):
        assert mode(file) == 0o600
    assert home.media.parent != home.data
    secrets = json.loads(home.secrets.read_text())
    assert len(secrets["password"]) >= 20
    assert len(secrets["token"]) == 40
    assert secrets["token"] not in repr(label_studio.running)
    assert secrets["password"] not in repr(label_studio.running)


def test_secrets_differ_and_loose_ones_are_tightened(tmp_path: Path) -> None:
    from tools.label_studio_home import read_login

    logins = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        logins.append(read_login(Home(tmp_path / name)))
    assert logins[0].password != logins[1].password
    assert logins[0].token != logins[1].token
    Home(tmp_path / "a").secrets.chmod(0o644)
    assert read_login(Home(tmp_path / "a")) == logins[0]
    assert mode(Home(tmp_path / "a").secrets) == 0o600


def test_damaged_secrets_are_not_replaced(new_home: Home, port: int) -> None:
    new_home.folder.mkdir()
    new_home.secrets.write_text("{")
    with pytest.raises(ServerError, match=r"secrets\.json is damaged"):
        up(new_home, port)
    assert new_home.secrets.read_text() == "{"


def test_a_taken_port_is_an_error_that_names_who_has_it(new_home: Home) -> None:
    class Silent(http.server.BaseHTTPRequestHandler):
        pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Silent) as other:
        port = other.server_address[1]
        with pytest.raises(PortTakenError, match=rf"port {port} is taken by .+ \(process {os.getpid()}\)"):
            up(new_home, port)
    assert status(new_home).state == "stopped"


def test_a_port_that_is_taken_while_it_starts_is_noticed(home: Home, port: int) -> None:
    """Label Studio moves to the next port without a word; the other program may even look healthy."""

    class Healthy(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            pass

    others: list[http.server.ThreadingHTTPServer] = []

    def take(_what: str, _seconds: float) -> None:
        if not others:
            others.append(http.server.ThreadingHTTPServer(("127.0.0.1", port), Healthy))
            threading.Thread(target=others[0].serve_forever, daemon=True).start()

    try:
        with pytest.raises(PortTakenError):
            up(home, port, take)
    finally:
        for other in others:
            other.shutdown()
            other.server_close()
    assert status(home).state == "stopped"


def test_another_process_with_the_same_number_is_not_touched(new_home: Home) -> None:
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        new_home.folder.mkdir()
        created = psutil.Process(sleeper.pid).create_time() - 100
        write_private(new_home.state, {"pid": sleeper.pid, "create_time": created, "port": 1, "url": "http://127.0.0.1:1"})
        assert status(new_home).state == "died"
        assert not down(new_home)
        assert sleeper.poll() is None
    finally:
        sleeper.kill()
        sleeper.wait()


def test_a_server_that_ends_at_start_says_why(home: Home, port: int) -> None:
    (home.data / "label_studio.sqlite3").write_bytes(b"this is no database" * 100)
    with pytest.raises(DiedAtStartError, match="file is not a database"):
        up(home, port)
    assert status(home).state == "stopped"


def test_a_full_disk_says_so(home: Home, port: int, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(small)], capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("cannot mount a small file system here")
    try:
        with pytest.raises(DiskFullError, match="no space left"):
            up(Home(small / "review"), port)
    finally:
        down(Home(small / "review"))
        subprocess.run(["umount", "-l", str(small)], check=False)


def test_a_login_that_was_not_set_is_mended(home: Home, port: int) -> None:
    """As when the first start is killed after it made the user and before it set the token."""
    secrets = json.loads(home.secrets.read_text())
    write_private(home.secrets, secrets | {"token": "0" * 40})
    started = up(home, port)
    assert started.token.startswith("eyJ")
    with Client(started.url, started.token) as client:
        assert client.me().email == started.username
    assert json.loads(home.secrets.read_text())["token"] == started.token
    assert mode(home.secrets) == 0o600


def test_secrets_of_another_database_are_an_error(home: Home, port: int) -> None:
    home.secrets.unlink()
    with pytest.raises(ServerError, match="does not fit the database"):
        up(home, port)
    assert status(home).state == "stopped"


def test_it_ends_with_its_parent_where_that_was_asked(home: Home, port: int) -> None:
    code = (
        "import sys, time, pathlib; from tools.label_studio_server import Home, up;"
        f"print(up(Home(pathlib.Path({str(home.folder)!r})), {port}, follow_parent=True).pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    server = int(parent.stdout.readline())
    assert not gone(server)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_until(lambda: gone(server))


def test_it_outlives_the_command_that_started_it(home: Home, port: int) -> None:
    code = (
        "import pathlib; from tools.label_studio_server import Home, up;"
        f"print(up(Home(pathlib.Path({str(home.folder)!r})), {port}).pid)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert running(home) is not None
    assert os.getsid(int(done.stdout)) != os.getsid(0)


def test_nothing_leaves_the_machine(label_studio, project: Callable[..., int]) -> None:
    label_studio.client.import_tasks(project(CONFIG), [{"data": {"media": "/data/local-files/?d=a/b.mp4"}}])
    process = psutil.Process(label_studio.running.pid)
    found = [c for member in (process, *process.children(recursive=True)) for c in member.net_connections("inet")]
    assert {c.laddr.ip for c in found} == {"127.0.0.1"}
    assert {c.raddr.ip for c in found if c.raddr} <= {"127.0.0.1"}
    html = httpx.get(f"{label_studio.url}/user/login/").text
    assert "ingest.sentry.io" not in html


def test_the_environment_hands_on_no_setting_of_others(tmp_path: Path) -> None:
    stray = {
        "USERNAME": "somebody", "PASSWORD": "x", "HOST": "http://elsewhere", "PORT": "1", "HTTPS_PROXY": "http://proxy",
        "LABEL_STUDIO_DJANGO_DB": "default", "HEARTEX_SENTRY_DSN": "http://x", "AWS_SECRET_ACCESS_KEY": "x", "PATH": "/bin",
    }  # fmt: skip
    given = label_studio_settings.environment(tmp_path / "data", tmp_path / "media", "u@x", "p", "t", stray)
    assert given["PATH"] == "/bin"
    assert {name for name in stray if name in given} == {"PATH"}
    assert given["LABEL_STUDIO_SENTRY_DSN"] == given["LABEL_STUDIO_FRONTEND_SENTRY_DSN"] == ""


def test_only_media_that_a_project_was_given_is_served(label_studio, project: Callable[..., int], tmp_path: Path) -> None:
    given, other = label_studio.media_root / "given", label_studio.media_root / "other"
    for folder in (given, other):
        folder.mkdir(exist_ok=True)
        (folder / "clip.txt").write_text("0123456789")
    label_studio.client.add_media_folder(project(CONFIG), str(given))
    secret = tmp_path / "secret.txt"
    secret.write_text("not for anybody")
    me = {"Authorization": f"Token {label_studio.running.token}"}

    def get(path: str, **headers: str) -> httpx.Response:
        return httpx.get(f"{label_studio.url}/data/local-files/?d={path}", headers=headers)

    assert get("given/clip.txt", **me).text == "0123456789"
    part = get("given/clip.txt", **me, Range="bytes=2-4")
    assert (part.status_code, part.text, part.headers["content-range"]) == (206, "234", "bytes 2-4/10")
    assert get("given/clip.txt").status_code == 401
    assert get("other/clip.txt", **me).status_code == 404
    for outside in (
        "given/../../secrets.json", "../secrets.json", "given/../other/clip.txt", "..%2f..%2fsecrets.json",
        "given/..%2f..%2fdata%2f.env", str(label_studio.home.secrets), str(secret), "given/%00", "", "given",
    ):  # fmt: skip
        answer = get(outside, **me)
        assert answer.status_code >= 400, outside
        for content in ("password", "SECRET_KEY", "not for anybody", "0123456789"):
            assert content not in answer.text, outside


def test_logs_show_no_secret(label_studio) -> None:
    running_ = label_studio.running
    with label_studio.home.log.open("a") as log:
        log.write(
            f"sessionid=abc.def; token {running_.token}\nAuthorization: Token {running_.token}\nGET /?token=inviteinvite\n"
        )
        log.write(f"password {running_.password}\nan ordinary line\n")
    shown = "\n".join(logs(label_studio.home, 200))  # other tests share the server, which goes on writing
    assert "an ordinary line" in shown
    assert HIDDEN in shown
    for secret in (running_.token, running_.password, "abc.def", "inviteinvite"):
        assert secret not in shown
    assert len(logs(label_studio.home, 2)) == 2
