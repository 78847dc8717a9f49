"""Records a small shop of our own with Playwright, as example data: `python -m tools.recorders.web OUT.zip`.

The shop (`shop.html`) is served on loopback and driven in a Chromium that is on this machine; nothing leaves it. The
browser is told that the shop lives at `http://shop.example` (a name that can belong to nobody), so that neither the
port nor this machine's name stands in the recording.

Every action waits a moment first, so that the last frame before it shows what the action was aimed at. What is written
is a Playwright trace (screencast, DOM snapshots) without requests, call stacks and sources, which hold headers and paths
of the machine that recorded, and without frames that no call starts from, which triple its size. The zip's bytes depend
on its members alone: sorted by name, with one fixed date.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.errors import CairnError, ConfigurationError

SHOP = Path(__file__).with_name("shop.html")
ADDRESS = "http://shop.example"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""Commands that are looked for, in this order."""
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
VIEWPORT = {"width": 960, "height": 640}
"""CSS px."""
SETTLE = 0.45
"""Seconds that the page rests before an action: frames come at most every 200 ms while nobody acts."""

_DATE = (1980, 1, 1, 0, 0, 0)


class Story(StrEnum):
    """What is recorded."""

    buy_one = "buy_one"
    search = "search"


Page = Any
Do = Callable[[Page], Any]

STORIES: dict[Story, tuple[str, tuple[Do, ...]]] = {
    Story.buy_one: (
        "Buy one blue notebook as a gift and have it sent by parcel to Robin Example",
        (
            lambda page: page.goto(f"{ADDRESS}/"),
            lambda page: page.get_by_label("Search").fill("notebook"),
            lambda page: page.get_by_label("Search").press("Enter"),
            lambda page: page.get_by_label("Blue notebook", exact=True).hover(),
            lambda page: page.get_by_label("Blue notebook", exact=True).get_by_role("button").click(),
            lambda page: page.mouse.wheel(0, 600),
            lambda page: page.get_by_role("textbox", name="Name").fill("Robin Example"),
            lambda page: page.get_by_label("Street").fill("1 Larch Lane"),
            lambda page: page.get_by_label("Delivery").select_option("Parcel, 2 days"),
            lambda page: page.get_by_label("Wrap it as a gift").check(),
            lambda page: page.get_by_role("button", name="Place order").click(),
        ),
    ),
    Story.search: (
        "Put two sets of the cheapest pencils and two erasers into the cart",
        (
            lambda page: page.goto(f"{ADDRESS}/"),
            lambda page: page.get_by_label("Search").click(),
            lambda page: page.keyboard.type("pencil"),
            lambda page: page.get_by_role("button", name="Search").click(),
            lambda page: page.get_by_label("Sort by").select_option("Price"),
            lambda page: page.get_by_label("Quantity of Red pencil").select_option("2"),
            lambda page: page.drag_and_drop("article[aria-label='Red pencil'] h2", "#cart"),
            lambda page: page.get_by_label("Search").fill(""),
            lambda page: page.keyboard.press("Enter"),
            lambda page: page.mouse.wheel(0, 300),
            lambda page: page.mouse.wheel(0, -300),
            lambda page: page.get_by_label("Eraser", exact=True).get_by_role("button").dblclick(),
        ),
    ),
}
"""Story → its title and its actions, each one call that a trace shows once."""


def main(
    out: Annotated[Path, typer.Argument(help="The zip to write. Its folder is made where it is missing.")],
    story: Annotated[Story, typer.Option(help="What to do in the shop.")] = Story.buy_one,
    browser: Annotated[Path | None, typer.Option(help="The Chromium to drive; by default the one on the PATH.")] = None,
) -> None:
    """Record a visit to a small shop, served and driven on this machine, as a Playwright trace.

    Read it with a recipe whose source has `reader: playwright` and `uri: OUT.zip`, or look at it with
    `python -m playwright show-trace OUT.zip`.
    """
    try:
        record(out, story, browser)
    except CairnError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(error.exit_code) from error
    typer.echo(f"{out}: {STORIES[story][0]} ({out.stat().st_size:,} bytes)")


def record(out: Path, story: Story, browser: Path | None = None) -> None:
    """Record one story to `out`. Raises ConfigurationError where there is no browser or no Playwright."""
    executable = browser or find_browser()
    with tempfile.TemporaryDirectory() as folder, serve_shop() as port:
        raw = Path(folder, "trace.zip")
        _drive(executable, port, STORIES[story], raw)
        out.parent.mkdir(parents=True, exist_ok=True)
        strip(raw, out)


def find_browser() -> Path:
    """The Chromium on the PATH. Raises ConfigurationError, naming what was looked for."""
    for command in BROWSERS:
        if found := shutil.which(command):
            return Path(found)
    raise ConfigurationError(
        f"no browser found (looked for {', '.join(BROWSERS)}): install Chromium, or name one with --browser"
    )


@contextmanager
def serve_shop() -> Iterator[int]:
    """Serve the shop on loopback for the time of the `with`; gives the port. Every address is the one page."""
    page = SHOP.read_bytes()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name is the base class's
            """Say nothing: requests are no news."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _drive(executable: Path, port: int, story: tuple[str, tuple[Do, ...]], out: Path) -> None:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise ConfigurationError("Playwright is not installed: pip install 'cairn-trajectories[record]'") from error
    title, actions = story
    rule = f"--host-resolver-rules=MAP shop.example 127.0.0.1:{port}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, headless=True, args=[*FLAGS, rule])
        context = browser.new_context(viewport=VIEWPORT, locale="en-GB")
        context.tracing.start(title=title, screenshots=True, snapshots=True, sources=False)
        page = context.new_page()
        time.sleep(4 * SETTLE)  # the first frame of a browser that has just begun takes longest
        for act in actions:
            time.sleep(SETTLE)  # not a wait of the page: the trace would show it as a call
            act(page)
        time.sleep(SETTLE)
        context.tracing.stop(path=out)
        browser.close()


def strip(trace: Path, out: Path) -> None:
    """Write the lines and frames of `trace` to `out`, without call stacks and without frames that nothing starts from.

    The same members give the same bytes.
    """
    with zipfile.ZipFile(trace) as source, zipfile.ZipFile(out, "w") as target:
        lines = next(name for name in source.namelist() if name.endswith(".trace"))
        records = [json.loads(line, object_hook=_no_stack) for line in source.read(lines).splitlines() if line.strip()]
        kept = frames_started_from(records)
        text = "".join(
            json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n"
            for record in records
            if record["type"] != "screencast-frame" or record["file"] in kept
        )
        for name, data in sorted([(lines, text.encode()), *((name, source.read(name)) for name in kept)]):
            info = zipfile.ZipInfo(name, _DATE)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            target.writestr(info, data)


def frames_started_from(records: Sequence[Mapping[str, Any]]) -> set[str]:
    """Files of the frames that were newest when a call started, and of the last one.

    A page under the pointer is drawn several times while a call is under way; nobody sees these.
    """
    frames = [record for record in records if record["type"] == "screencast-frame"]
    moments = [record["startTime"] for record in records if record["type"] == "before"]
    kept = {max(frames, key=_shown)["file"]} if frames else set()
    for moment in moments:
        received = [frame for frame in frames if frame["timestamp"] <= moment]
        if received:
            kept.add(max(received, key=_shown)["file"])
    return kept


def _shown(frame: Mapping[str, Any]) -> float:
    return float(frame["frameSwapWallTime"])


def _no_stack(value: dict[str, Any]) -> dict[str, Any]:
    return {key: child for key, child in value.items() if key != "stack"}


if __name__ == "__main__":
    typer.run(main)
