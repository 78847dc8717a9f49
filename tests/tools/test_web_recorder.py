"""The web recorder: what it leaves out, the recordings that were made with it, and a new one with the real browser."""

from __future__ import annotations

import json
import re
import socket
import urllib.request
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from pipelines.errors import ConfigurationError
from tools.recorders import web
from tools.recorders.web import STORIES, Story, find_browser, frames_started_from, record, serve_shop, strip

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "data" / "web"

EXPECTED = {
    Story.buy_one: [
        *("goto", "fill", "press", "hover", "click", "scroll", "fill", "fill", "select", "check", "click"),
        None,
    ],
    Story.search: [
        *("goto", "click", "type", "click", "select", "select", "drag", "fill", "press", "scroll", "scroll", "doubleClick"),
        None,
    ],
}


@pytest.fixture
def browser() -> Path:
    try:
        return find_browser()
    except ConfigurationError as error:
        pytest.skip(f"no browser to record with: {error}")


def check_recording(read_source: Callable[..., Any], path: Path, story: Story) -> list[dict[str, Any]]:
    """Every action once and in order, with the picture and the tree that came before it; nothing of this machine."""
    source = read_source("playwright", path)
    assert source.rejects == []
    (header,) = source.rows(f"s/{path.stem}", "trajectories")
    rows: list[dict[str, Any]] = source.rows(f"s/{path.stem}", "gui_steps")
    assert [row["action_name"] for row in rows] == EXPECTED[story]
    assert header["instruction"] == STORIES[story][0]
    assert header["scene"] == "shop.example"
    assert [row["screenshot_missing"] for row in rows] == [None] * len(rows)
    # The blank page of the first step may be caught before the window has its size.
    assert [row["scale"] for row in rows[1:]] == pytest.approx([798 / 960] * (len(rows) - 1), rel=1e-4)
    assert len(source.rows(f"s/{path.stem}", "gui_trees")) == len(rows)
    for row, following in pairwise(rows):
        assert row["screenshot"] != following["screenshot"], f"nothing is seen of step {row['step']}, {row['action_name']}"
    return rows


def traces(path: Path) -> str:
    with zipfile.ZipFile(path) as archive:
        assert all(name.endswith((".trace", ".jpeg")) for name in archive.namelist())
        return "".join(archive.read(name).decode() for name in archive.namelist() if name.endswith(".trace"))


@pytest.mark.parametrize("story", list(Story))
def test_examples_hold_their_story(read_source: Callable[..., Any], story: Story) -> None:
    rows = check_recording(read_source, EXAMPLES / f"{story.value}.zip", story)

    if story is Story.buy_one:
        assert [row["text"] for row in rows if row["text"]] == ["notebook", "Robin Example", "1 Larch Lane"]
        assert (rows[0]["url"], rows[-1]["url"]) == ("about:blank", "http://shop.example/thanks")
        assert rows[-1]["window"] == "Order placed – Larch Lane Stationery"
    else:
        drag = rows[6]
        assert drag["point"] != drag["end_point"]
        assert [row["scroll"] for row in rows if row["scroll"]] == [[0.0, 300.0], [0.0, -300.0]]


def test_points_lie_in_the_recorded_boxes(read_source: Callable[..., Any]) -> None:
    checked = 0
    for story in Story:
        for row in check_recording(read_source, EXAMPLES / f"{story.value}.zip", story):
            box = json.loads(row["action_args"] or "{}").get("box")
            if box and row["point"]:
                x, y = row["point"]
                assert box[0] <= x <= box[2]
                assert box[1] <= y <= box[3]
                checked += 1
    assert checked == 8, "hover, clicks, check, drag and double click"


def test_examples_are_small_and_hold_nothing_of_the_machine() -> None:
    paths = sorted(EXAMPLES.glob("*.zip"))
    assert [path.stem for path in paths] == sorted(story.value for story in Story)
    assert sum(path.stat().st_size for path in paths) < 1_000_000
    for path in paths:
        text = traces(path)
        assert set(re.findall(r"https?://([^/\"\s\\]+)", text)) <= {"shop.example", "www.w3.org"}
        assert not re.search(r"/(?:home|root|tmp|usr|Users)/|127\.0\.0\.1|localhost|\"stack\"|[Cc]ookie", text)
        assert socket.gethostname() not in re.findall(r"[\w.-]+", text)


@pytest.mark.parametrize("story", list(Story))
def test_new_recording_with_the_real_browser(
    browser: Path, tmp_path: Path, read_source: Callable[..., Any], story: Story
) -> None:
    out = tmp_path / "new" / f"{story.value}.zip"
    with ThreadPoolExecutor(1) as apart:  # other tests of this worker may have a browser of their own in this thread
        apart.submit(record, out, story, browser).result()

    check_recording(read_source, out, story)
    assert str(tmp_path) not in traces(out)


def test_stripping_keeps_frames_that_calls_start_from_and_is_deterministic(tmp_path: Path) -> None:
    def frame(time: float, file: str) -> dict[str, Any]:
        return {"type": "screencast-frame", "file": file, "timestamp": time, "frameSwapWallTime": time}

    error = {"message": "m", "stack": "Error\n at /home/somebody/x.js"}
    lines = [
        frame(1, "a.jpeg"),
        {"type": "before", "callId": "c", "startTime": 2, "stack": [{"file": "/home/somebody/x.py"}]},
        frame(3, "b.jpeg"),
        frame(4, "c.jpeg"),
        {"type": "after", "callId": "c", "endTime": 5, "error": error},
    ]
    raw = tmp_path / "raw.zip"
    with zipfile.ZipFile(raw, "w") as archive:
        archive.writestr("trace.trace", "\n".join(json.dumps(line) for line in lines))
        for name in ("a.jpeg", "b.jpeg", "c.jpeg", "trace.network", "trace.stacks"):
            archive.writestr(name, name)

    assert frames_started_from(lines) == {"a.jpeg", "c.jpeg"}
    outs = [tmp_path / "one.zip", tmp_path / "two.zip"]
    for out in outs:
        strip(raw, out)
    with zipfile.ZipFile(outs[0]) as archive:
        assert archive.namelist() == ["a.jpeg", "c.jpeg", "trace.trace"]
    assert "somebody" not in traces(outs[0])
    assert '"b.jpeg"' not in traces(outs[0])
    assert outs[0].read_bytes() == outs[1].read_bytes()


def test_shop_is_served_under_every_address_on_loopback() -> None:
    with serve_shop() as port:
        for path in ("/", "/?q=ink", "/thanks"):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as response:
                assert response.read() == web.SHOP.read_bytes()


def test_without_a_browser_the_command_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    app = typer.Typer()
    app.command()(web.main)

    result = CliRunner().invoke(app, [str(tmp_path / "out.zip")])
    assert result.exit_code == 2
    assert "no browser found (looked for chromium, " in result.output
    assert "--browser" in result.output
