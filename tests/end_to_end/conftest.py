"""Whole runs of the `cairn` command."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.recipe import load_recipe
from pipelines.session import Session
from tests.command import cairn

ROOT = Path(__file__).resolve().parents[2]
CAIRN = Path(sys.executable).parent / "cairn"
MANY_SHARDS = 24


@dataclass(frozen=True)
class Workplace:
    """A recipe in a folder of its own, and what can be done with it."""

    recipe: Path

    @property
    def workspace(self) -> Path:
        return self.recipe.parent / "out"

    @property
    def release(self) -> Path:
        return self.workspace / "release"

    def command(self, *arguments: str) -> list[str]:
        verb, *rest = arguments
        return [str(CAIRN), verb, str(self.recipe), *rest]

    def cairn(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """A verb on the recipe; with variables of the environment, which are read at the start, in a process of its own."""
        program, *words = self.command(*arguments)
        if not environment:
            return cairn(*words)
        env = os.environ | {"COLUMNS": "250"} | environment
        return subprocess.run([program, *words], capture_output=True, text=True, env=env, timeout=240, check=False)

    def run(self, *arguments: str) -> str:
        done = self.cairn("run", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def propose(self) -> None:
        """Ingest and propose, as `cairn run` does before it makes a release."""
        session = Session(load_recipe(self.recipe))
        with session.locked():
            session.propose(session.ingest())

    def outcomes(self) -> int:
        return sum(1 for _ in self.workspace.glob("outcomes/*/*.json"))

    def change(self, change: Callable[[dict[str, Any]], None]) -> None:
        content = yaml.safe_load(self.recipe.read_text())
        change(content)
        self.recipe.write_text(yaml.safe_dump(content))

    def litter(self) -> list[str]:
        return [p.as_posix() for p in self.workspace.rglob("*") if p.name.endswith(".tmp") or ".cairn-tmp/" in p.as_posix()]


def tree(folder: Path) -> dict[str, str]:
    """File → sha256 of everything below a folder."""
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


def place_in(folder: Path, sources: list[dict[str, Any]], annotators: list[Any] | None = None, **keys: Any) -> Workplace:
    """A recipe in a folder."""
    content = {
        "name": "test", "license": "cc0-1.0", "workspace": "out", "annotators": annotators or [],
        "sources": [{"license": "cc0-1.0"} | source for source in sources], **keys,
    }  # fmt: skip
    recipe = folder / "recipe.yaml"
    recipe.write_text(yaml.safe_dump(content))
    return Workplace(recipe)


@pytest.fixture
def workplace(tmp_path: Path) -> Callable[..., Workplace]:
    """`workplace(sources=[…], annotators=[…], **keys)`: a recipe in the test's folder."""
    return partial(place_in, tmp_path)


@pytest.fixture
def many_shards(tmp_path: Path) -> Workplace:
    """See `many_shards_in`."""
    return many_shards_in(tmp_path)


def many_shards_in(folder: Path) -> Workplace:
    """Small data that is cut into at least 20 shards: the examples' ARC traces, some under two names, and two episodes."""
    arc = folder / "arc"
    arc.mkdir()
    traces = sorted((ROOT / "examples/data/arc").glob("*.json"))
    for number in range(MANY_SHARDS):
        shutil.copy(traces[number % len(traces)], arc / f"{number:02d}_{traces[number % len(traces)].name}")
    return place_in(
        folder,
        [
            {"name": "puzzles", "reader": "braingridgame", "uri": "arc"},
            {"name": "lift", "reader": "lerobot", "uri": str(ROOT / "examples/data/lift")},
        ],
        ["arc.noop", "robot.motion_segments"],
        shards={"steps": 5},
    )
