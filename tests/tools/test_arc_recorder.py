"""The recorder of example ARC traces: same bytes as committed, true to its puzzles, and every grid follows."""

from __future__ import annotations

import ast
import inspect
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from annotators.arc import noop, replay
from pipelines.sources.braingridgame import NAMES
from schemas.arc_operations import OPERATIONS
from tools.recorders.arc import main, record
from tools.recorders.arc_editor import Editor
from tools.recorders.arc_puzzles import PUZZLES, TRACES

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "data" / "arc"
TASKS = EXAMPLES.parent / "arc_tasks"


def test_it_makes_the_committed_examples_byte_for_byte(tmp_path: Path) -> None:
    main([str(tmp_path / "out"), "--tasks", str(tmp_path / "tasks")])
    made, tasks = ({path.name: path.read_bytes() for path in (tmp_path / folder).iterdir()} for folder in ("out", "tasks"))

    assert made == {path.name: path.read_bytes() for path in EXAMPLES.iterdir()}
    assert tasks == {path.name: path.read_bytes() for path in TASKS.iterdir()}
    assert tasks.keys() == {f"{puzzle.name}.json" for puzzle in PUZZLES}
    assert len(made) == len(TRACES) >= 6
    assert sum(map(len, made.values())) < 200_000


def test_every_grid_of_the_examples_replays(read_source: Callable[..., Any]) -> None:
    found = read_source("braingridgame", EXAMPLES, agent_type="script")

    assert not found.rejects
    assert len(found.trajectories) == len(TRACES)
    for trajectory_id in found.trajectories:
        (annotation,) = replay.ANNOTATOR.propose(found.view(trajectory_id))
        assert annotation.payload["steps"]
        assert set(annotation.payload["outcomes"]) == {"exact"}, trajectory_id
    shown = set(found.table("arc_steps")["action_name"].to_pylist())
    assert shown == set(NAMES.values()) | {"show_page"}  # together they show every word of BrainGridGame
    assert shown <= set(OPERATIONS)


def test_the_examples_hold_what_people_do(read_source: Callable[..., Any]) -> None:
    found = read_source("braingridgame", EXAMPLES, agent_type="script")
    headers = {id_.removeprefix("s/"): found.rows(id_, "trajectories")[0] for id_ in found.trajectories}
    (annotation,) = noop.ANNOTATOR.propose(found.view("s/paint_the_room_second_try"))

    assert headers["cut_out_gave_up"]["success"] is False
    assert headers["paint_the_room_second_try"]["success"] is True
    assert "noop" in annotation.payload["outcomes"]
    assert {header["agent"] for header in headers.values()} == {"cairn-recorder"}
    rows = found.rows("s/paint_the_room_second_try", "arc_steps")
    judged = [json.loads(row["action_args"])["correct"] for row in rows if row["action_name"] == "submit"]
    assert judged == [False, True]


def test_waits_and_clocks_come_from_the_script() -> None:
    assert record(TRACES[0]) == record(TRACES[0])
    assert [trace.seed for trace in TRACES] == sorted({trace.seed for trace in TRACES})
    assert all(event["wait"] >= 0 for trace in TRACES for event in record(trace)["history"])


@pytest.mark.parametrize("puzzle", PUZZLES, ids=lambda puzzle: puzzle.name)
def test_puzzles_are_grids(puzzle: Any) -> None:
    for pair in (*puzzle.demonstrations, *puzzle.tests):
        for rows in pair:
            assert len({len(row) for row in rows}) == 1
            assert all(row.isdigit() for row in rows)


def test_the_editor_shares_no_code_with_the_oracle() -> None:
    tree = ast.parse(Path(inspect.getfile(Editor)).read_text())
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}

    assert imported <= {name for name in imported if name and name.split(".")[0] in sys.stdlib_module_names}


def test_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])

    assert ended.value.code == 0
    assert "arc_puzzles.py" in capsys.readouterr().out
