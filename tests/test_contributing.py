"""The worked examples of CONTRIBUTING.md work as they stand there: one file each."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from annotators.annotation import annotation_tables
from annotators.protocol import annotator, producer_of
from annotators.trajectory import TrajectoryView
from pipelines.sources import reader_names
from schemas.arrow import columns_of, stored_schema, table_from_rows
from schemas.invariants import check_annotations, check_trajectories
from schemas.layers import layers

BLOCKS = re.findall(r"```python\n(.*?)```", (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text(), re.DOTALL)


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str, str], None]]:
    """`added(package, module, word)`: the block that holds `word` becomes a module of a package, as if its file lay there."""

    def add(package: str, module: str, word: str) -> None:
        (block,) = [block for block in BLOCKS if word in block]
        folder = tmp_path / package
        folder.mkdir(exist_ok=True)
        (folder / f"{module}.py").write_text(block)
        found = importlib.import_module(package)
        monkeypatch.setattr(found, "__path__", [*found.__path__, str(folder)])
        layers.cache_clear()

    yield add
    layers.cache_clear()


def test_the_reader_reads(added: Callable[..., None], read_source: Callable[..., Any], tmp_path: Path) -> None:
    added("pipelines.sources", "counter", "class Counter")
    assert "counter" in reader_names()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "good.txt").write_text("1\n2.5\n")
    (tmp_path / "data" / "bad.txt").write_text("1\ntwo\n")
    found = read_source("counter", tmp_path / "data")
    assert [row["state"] for row in found.rows("s/good", "robot_steps")] == [[1.0], [2.5]]
    assert [reject.code for reject in found.rejects] == ["number_invalid"]
    assert check_trajectories(found.trajectories["s/good"]) == []


def test_the_annotator_fills_the_layer_that_is_declared(added: Callable[..., None]) -> None:
    added("schemas.layers", "pause", "LAYER = Layer")
    added("annotators.gui", "long_pause", "class LongPause")
    header = {"trajectory_id": "s/a", "domain": "gui", "num_steps": 3}
    steps = [{"trajectory_id": "s/a", "step": i, "timestamp": t} for i, t in enumerate((0.0, 9.0, 10.0))]
    tables = {
        "gui_steps": table_from_rows(stored_schema("gui_steps", columns_of("gui_steps")), steps),
        "trajectories": table_from_rows(stored_schema("trajectories", columns_of("trajectories")), [header]),
    }
    found = annotator("gui.long_pause", {"seconds": 2.0})
    view = TrajectoryView(header, tables, lambda sha: b"", None)  # type: ignore[arg-type]
    said = annotation_tables("s/a", producer_of(found), found.propose(view))
    assert [(row["start"], row["label"]) for row in said["segments"].to_pylist()] == [(1, "pause")]
    assert check_annotations({**said, "trajectories": tables["trajectories"]}) == []
