"""One real release, built once by the `cairn` command, for the tests that look at or break releases."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
CAIRN = Path(sys.executable).parent / "cairn"


def run_cairn(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [str(CAIRN), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)


@pytest.fixture(scope="session")
def quickstart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workspace of the examples' recipe, run in a folder of its own. Nobody may change it."""
    folder = tmp_path_factory.mktemp("quickstart")
    shutil.copy(EXAMPLES / "quickstart.yaml", folder)
    shutil.copytree(EXAMPLES / "data", folder / "data")
    done = run_cairn("run", folder / "quickstart.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "out" / "quickstart"


@pytest.fixture
def release(quickstart: Path, tmp_path: Path) -> Path:
    """A copy of the release that a test may edit."""
    shutil.copytree(quickstart / "release", tmp_path / "release", copy_function=_writable_copy)
    return tmp_path / "release"


def _writable_copy(source: str, target: str) -> None:
    shutil.copyfile(source, target)


@pytest.fixture
def run_recipe(tmp_path: Path) -> Callable[[str], Path]:
    """`run_recipe(text)`: run a recipe in the test's folder to its end; returns the folder of its release."""

    def run(text: str) -> Path:
        recipe = tmp_path / "recipe.yaml"
        recipe.write_text(f"name: test\nlicense: cc0-1.0\nworkspace: out\n{text}")
        done = run_cairn("run", recipe)
        assert done.returncode == 0, done.stdout + done.stderr
        return tmp_path / "out" / "release"

    return run
