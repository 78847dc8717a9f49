"""The worked example of a reader for ARC traces works as it stands there, and its traces replay."""

from __future__ import annotations

import importlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from annotators.arc import replay
from pipelines.sources import reader_names
from schemas.invariants import check_trajectories

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "reader" / "tilepad.py"
SAVED: dict[str, Any] = {
    "puzzle": "belt",
    "player": "ann",
    "board": [[0, 0]],
    "moves": [
        {"do": "dot", "row": 0, "col": 1, "ink": "7", "ms": 1500, "board": [[0, 7]]},
        {"do": "size", "rows": 2, "cols": 2, "ms": 2500, "board": [[0, 7], [0, 0]]},
        {"do": "pour", "row": 1, "col": 0, "ink": "3", "ms": 3000, "board": [[3, 7], [3, 3]]},
        {"do": "back", "ms": 4000, "board": [[0, 7], [0, 0]]},
        {"do": "done", "ok": True, "ms": 9000},
    ],
}


@pytest.fixture
def read_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read_source: Callable[..., Any]) -> Callable[..., Any]:
    """Read one saved puzzle with the example, as if its file lay among the readers."""
    (tmp_path / "readers").mkdir()
    shutil.copy(EXAMPLE, tmp_path / "readers")
    sources = importlib.import_module("pipelines.sources")
    monkeypatch.setattr(sources, "__path__", [*sources.__path__, str(tmp_path / "readers")])

    def read(saved: Any) -> Any:
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "one.json").write_text(json.dumps(saved))
        return read_source("tilepad", tmp_path / "data")

    return read


def test_a_saved_puzzle_is_read_and_replays(read_saved: Callable[..., Any]) -> None:
    found = read_saved(SAVED)
    (verdicts,) = replay.ANNOTATOR.propose(found.view("s/one"))

    assert "tilepad" in reader_names()
    assert check_trajectories(found.trajectories["s/one"]) == []
    assert verdicts.payload["outcomes"] == ["exact"] * 5
    rows = found.rows("s/one", "arc_steps")
    assert [row["action_name"] for row in rows] == ["draw", "resize", "flood_fill", "undo", "submit"]
    assert json.loads(rows[0]["action_args"]) == {"x": 1, "y": 0, "color": 7}
    assert rows[4]["timestamp"] == 7.5


@pytest.mark.parametrize(
    ("saved", "code"),
    [
        (SAVED | {"moves": [{"do": "dot"}]}, "move_invalid"),
        (SAVED | {"board": [[0], [0, 0]]}, "grid_ragged"),
        ([SAVED], "move_invalid"),
    ],
)
def test_what_is_not_so_is_rejected(read_saved: Callable[..., Any], saved: Any, code: str) -> None:
    found = read_saved(saved)

    assert not found.trajectories
    assert [reject.code for reject in found.rejects] == [code]
