"""What tests that look at releases, or break them, share."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.finished_runs import run


@pytest.fixture
def release(quickstart: Path, tmp_path: Path) -> Path:
    """A copy of the examples' release that a test may edit."""
    shutil.copytree(quickstart / "release", tmp_path / "release", copy_function=_writable_copy)
    return tmp_path / "release"


def _writable_copy(source: str, target: str) -> None:
    shutil.copyfile(source, target)


@pytest.fixture
def run_recipe(tmp_path: Path) -> Callable[[str], Path]:
    """`run_recipe(text)`: run a recipe in the test's folder to its end; returns the folder of its release."""

    def go(text: str) -> Path:
        recipe = tmp_path / "recipe.yaml"
        recipe.write_text(f"name: test\nlicense: cc0-1.0\nworkspace: out\n{text}")
        run(recipe)
        return tmp_path / "out" / "release"

    return go
