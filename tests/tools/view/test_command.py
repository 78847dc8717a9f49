"""What `cairn view` says and writes: pages, sheets, and sentences where it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from tools.cli import app

from .conftest import arc_step, header, refused, write


def test_what_is_no_release(tmp_path: Path, layered: Path) -> None:
    assert "holds no table of trajectories" in refused("a/b", "--release", tmp_path)
    assert "holds no table of trajectories" in refused("a/b", "--release", tmp_path / "nowhere")
    assert "not both" in refused("two/layers", "--task", "tiny", "--release", layered)
    assert "a task has no contact sheet and no recording" in refused(
        "--task", "tiny", "--sheet", tmp_path / "a.png", "--release", layered
    )


def test_a_release_without_the_table_says_so(tmp_path: Path, screens: Path) -> None:
    write(tmp_path, "trajectories", [header("a/b", "arc", 1, task_id="t"), header("a/c", "robot", 1)])
    assert "has no table arc_steps" in refused("a/b", "--release", tmp_path)
    assert "has no table robot_steps" in refused("a/c", "--release", tmp_path)
    assert "has no table arc_steps" in refused("--task", "t", "--release", tmp_path)
    write(tmp_path, "arc_steps", [arc_step("a/z", 0, [[1]], [[1]])])
    assert "a/b has 0 rows in arc_steps and should have 1: the release is not whole" in refused("a/b", "--release", tmp_path)
    assert "robot, arc, gui have views" in refused("t/one", "--release", screens)


def test_no_picture_no_sheet(tmp_path: Path) -> None:
    write(tmp_path, "trajectories", [header("a/b", "robot", 1)])
    write(tmp_path, "robot_steps", [{"trajectory_id": "a/b", "step": 0, "state": [0.0]}])
    assert "a/b has no pictures" in refused("a/b", "--release", tmp_path, "--sheet", tmp_path / "a.png")


def test_a_page_is_named_after_what_it_shows(layered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["view", "two/layers", "--release", str(layered)])
    assert done.exit_code == 0
    assert done.output.startswith("two-layers.html  (0.0")
    assert [file.name for file in tmp_path.iterdir()] == ["two-layers.html"]


def test_colours_of_games(tmp_path: Path) -> None:
    colours = [list(range(8)), list(range(8, 16))]
    write(tmp_path, "trajectories", [header("a/b", "arc", 1, task_id="tiny")])
    write(tmp_path, "arc_steps", [arc_step("a/b", 0, colours, colours)])
    for option in (["--sheet", str(tmp_path / "a.png")], ["--to", str(tmp_path / "a.html")]):
        done = CliRunner().invoke(app, ["view", "a/b", "--release", str(tmp_path), *option])
        assert done.exit_code == 0, done.output
    assert '"grids":["01234567/89abcdef"]' in (tmp_path / "a.html").read_text()
