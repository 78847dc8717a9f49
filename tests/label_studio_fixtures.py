"""A real Label Studio for the tests of a worker, projects in it, and a real browser that is logged in.

The first start of Label Studio builds a database, which takes a minute. That is done once on a machine: every worker gets a
copy of the folder, below the system's temporary folder. The server ends with the process of the worker, however it ends.
"""

from __future__ import annotations

import getpass
import hashlib
import importlib.metadata
import importlib.util
import json
import random
import shutil
import socket
import tempfile
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import filelock
import pytest

if TYPE_CHECKING:
    from annotators.label_studio.client import Client
    from tools.label_studio_server import Home, Running

VIEWPORT = {"width": 1440, "height": 900}
"""CSS px: a small laptop."""
TRIES = 5
"""Somebody else can take a free port before the server does."""


@dataclass(frozen=True)
class LabelStudio:
    """A running server and a client of its first user."""

    home: Home
    running: Running
    client: Client

    @property
    def url(self) -> str:
        return self.running.url

    @property
    def media_root(self) -> Path:
        return self.running.media_root

    def member(self, email: str | None = None) -> tuple[int, Client]:
        """A new person: id and a client with a token of their own."""
        from annotators.label_studio.accounts import invitation, personal_access_token, sign_up
        from annotators.label_studio.client import Client

        email = email or f"{uuid.uuid4().hex[:12]}@example.com"
        password = uuid.uuid4().hex
        sign_up(invitation(self.client), email, password)
        client = Client(self.url, personal_access_token(self.url, email, password))
        return client.me().id, client


def free_port() -> int:
    """A port of loopback that nobody has now; of those that outgoing connections are never given, so that it stays free."""
    while True:
        port = random.randrange(10_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def start(home: Home) -> Running:
    """The server of a home, on any port, until this process ends."""
    from tools.label_studio_server import PortTakenError, up

    for _ in range(TRIES - 1):
        try:
            return up(home, free_port(), follow_parent=True)
        except PortTakenError:
            continue
    return up(home, free_port(), follow_parent=True)


def prepared_home() -> Path:
    """The folder of a server that was started once and stopped again; made where it is missing."""
    from tools.label_studio_server import Home, down
    from tools.label_studio_settings import SETTINGS

    version = importlib.metadata.version("label-studio")
    key = hashlib.sha256(json.dumps([version, SETTINGS], sort_keys=True).encode()).hexdigest()[:16]
    root = Path(tempfile.gettempdir(), f"cairn-tests-{getpass.getuser()}")
    root.mkdir(mode=0o700, exist_ok=True)
    folder = root / f"label-studio-{key}"
    with filelock.FileLock(root / f"label-studio-{key}.lock"):
        if not folder.exists():
            with tempfile.TemporaryDirectory(dir=root) as building:
                home = Home(Path(building, "home"))
                start(home)
                down(home)
                home.folder.rename(folder)
    return folder


@pytest.fixture(scope="session")
def label_studio_template() -> Path:
    """See `prepared_home`. Not to be changed: copy it."""
    if importlib.util.find_spec("label_studio") is None:
        pytest.skip("Label Studio is not installed (the extra `review`)")
    return prepared_home()


@pytest.fixture(scope="session")
def label_studio(label_studio_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabelStudio]:
    """The server of this worker, shared by all its tests: make projects of your own."""
    from annotators.label_studio.client import Client
    from tools.label_studio_server import Home, down

    home = Home(tmp_path_factory.mktemp("label_studio") / "home")
    shutil.copytree(label_studio_template, home.folder)
    running = start(home)
    try:
        yield LabelStudio(home, running, Client(running.url, running.token))
    finally:
        down(home)


@pytest.fixture
def project(label_studio: LabelStudio) -> Iterator[Callable[..., int]]:
    """`project(config, **settings)`: a new project, deleted after the test; its id."""
    from annotators.label_studio.errors import LabelStudioError

    made: list[int] = []

    def make(config: str, title: str | None = None, **settings: Any) -> int:
        made.append(label_studio.client.create_project(title or f"test {uuid.uuid4().hex[:12]}", config, **settings))
        return made[-1]

    yield make
    for project_id in made:
        try:
            label_studio.client.delete_project(project_id)
        except LabelStudioError as error:
            if error.status != 404:
                raise


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A real browser of this worker (playwright's `Browser`)."""
    from pipelines.errors import ConfigurationError
    from tools.recorders.web import FLAGS, find_browser

    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed (the extra `record`)")
    try:
        executable = find_browser()
    except ConfigurationError as error:
        pytest.skip(f"no browser: {error}")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=executable, headless=True, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def _cookie(label_studio: LabelStudio) -> str:
    from annotators.label_studio.accounts import session_cookie

    running = label_studio.running
    return session_cookie(running.url, running.username, running.password)


@pytest.fixture
def browser(label_studio: LabelStudio, chromium: Any, _cookie: str) -> Iterator[Any]:
    """A window of its own for the test (playwright's `BrowserContext`), logged in, 1440×900."""
    context = chromium.new_context(viewport=VIEWPORT, locale="en-GB", base_url=label_studio.url)
    context.add_cookies([{"name": "sessionid", "value": _cookie, "url": label_studio.url}])
    context.set_default_timeout(30_000)
    yield context
    context.close()


@pytest.fixture
def label_stream(label_studio: LabelStudio, browser: Any) -> Callable[[int], Any]:
    """`label_stream(project_id)`: a page (playwright's `Page`) that shows the next task of a project, as annotators get it.

    The instructions, which lie over the task when the stream is opened, are closed.
    """

    def go(project_id: int) -> Any:
        page = browser.new_page()
        page.goto(f"/projects/{project_id}/data?labeling=1")
        page.get_by_test_id("bottombar-submit-button").wait_for()
        settings = label_studio.client.project(project_id)
        if settings["show_instruction"] and settings["expert_instruction"]:
            instructions = page.locator(".lsf-modal-ls_visible")
            instructions.get_by_role("button").first.click()
            instructions.wait_for(state="hidden")
        return page

    return go
