"""The whole review by the commands of `cairn review`: each ends well, and none says what is secret."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from annotators.label_studio.sync import annotate
from tests.command import cairn
from tests.end_to_end.conftest import CAIRN, ROOT, Workplace
from tests.end_to_end.reviewed_workspace import Reviewed, project
from tests.label_studio_fixtures import free_port

pytestmark = pytest.mark.timeout(600)


def review_command(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`cairn review …`; those that start and stop a server in a process of their own, as from a shell."""
    if arguments[0] not in ("up", "down"):
        return cairn("review", *arguments)
    env = os.environ | {"COLUMNS": "250"}
    command = [str(CAIRN), "review", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=240, check=False)


def test_the_whole_review_from_the_command_line(
    workplace: Callable[..., Workplace], label_studio_template: Path, tmp_path: Path
) -> None:
    """Every command ends with 0 and says nothing secret, but the login where it is meant to be read."""
    from annotators.label_studio.client import Client
    from tools.label_studio_server import Home, running

    lift = {"name": "lift", "reader": "lerobot", "uri": str(ROOT / "examples/data/lift")}
    own = workplace([lift], ["robot.contacts"], review={"projects": [project("robot_contact")]})
    for verb in ("ingest", "propose"):
        done = own.cairn(verb)
        assert done.returncode == 0, done.stdout + done.stderr
    recipe, home = str(own.recipe), tmp_path / "home"
    shutil.copytree(label_studio_template, home)
    said: dict[str, str] = {}

    def run(verb: str, *arguments: str) -> str:
        done = review_command(verb, *arguments)
        said[verb] = said.get(verb, "") + done.stdout + done.stderr
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    here = ("--home", str(home))
    assert "no server" in run("status", *here) or "not" in said["status"]
    try:
        run("up", "--port", str(free_port()), *here)
        found = running(Home(home))
        assert found is not None
        assert f"log in as {found.username} with {found.password}" in said["up"]
        assert "was running" in run("up", "--port", str(found.url.rsplit(":", 1)[1]), *here)
        pushed = run("push", recipe, *here)
        assert "robot-contact: 2 tasks sent" in pushed
        assert "cairn review pull" in pushed
        assert "0 tasks sent, 2 stood there already" in run("push", recipe, *here)
        client = Client(found.url, found.token)
        (number,) = [p["id"] for p in client.projects()]
        for task in client.task_ids(number):
            (prediction,) = client.predictions(task_id=task)
            annotate(client, task, prediction["result"], uuid.uuid4(), lead_time=3.0)
        assert "robot-contact: 2 saved" in run("pull", recipe, *here)
        assert "robot-contact: 0 saved" in run("pull", recipe, *here)
        assert "contact" in run("resolve", recipe)
        assert "robot-contact" in run("status", recipe, *here)
        released = own.cairn("release")
        assert released.returncode == 0, released.stdout + released.stderr
        said["release"] = released.stdout + released.stderr
        assert "page:" in run("report", recipe, "--to", str(tmp_path / "report"))
        run("logs", *here)
    finally:
        assert "stopped" in run("down", *here)
    assert "no server was running" in run("down", *here)
    secret = {"password": found.password, "token": found.token}
    shown = {what: sorted(verb for verb, text in said.items() if text and value in text) for what, value in secret.items()}
    assert shown == {"password": ["push", "up"], "token": []}
    assert not any("sessionid" in text for text in said.values())
    pages = list((tmp_path / "report").glob("*.html"))
    assert pages
    assert not any(value in page.read_text() for page in pages for value in secret.values())
    rows = Reviewed(own, None).released("segments/contact")
    assert {row["trajectory_id"]: (row["status"], row["quality"]) for row in rows} == {
        f"lift/episode_00000{n}": ("accepted", "primary") for n in (0, 1)
    }
