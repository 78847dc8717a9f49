"""The flags of ARC traces: each rule with a trace that just breaks it and one that just does not."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from annotators.annotation import annotation_tables
from annotators.arc import duplicates
from annotators.arc.flags import ANNOTATOR, Flag, empty_attempt, idle, looks_like_fraud, orphan_paste
from annotators.arc.grid_ids import state_rows
from annotators.protocol import annotator, meets, producer_of
from annotators.task import Pair, Task
from annotators.trajectory import TaskView, TrajectoryView
from schemas.invariants import check_annotations

Line = dict[str, Any]
ANSWER = np.array([[7, 7]], np.uint8)
TASK = Task("t", tests=(Pair(np.array([[0, 0]], np.uint8), ANSWER),))


@pytest.fixture
def views(read_source: Callable[..., Any], tmp_path: Path) -> Callable[..., dict[str, TrajectoryView]]:
    """`views({"a": (header, steps)})`: trajectories by id, as annotators of both scopes see them."""

    def read(traces: dict[str, tuple[Line, Sequence[Line]]], task: Task | None = None) -> dict[str, TrajectoryView]:
        lines = []
        for name, (header, steps) in traces.items():
            lines.append({"record": "trajectory", "version": 1, "id": name, "task_id": "t"} | header)
            lines += [{"record": "step", "id": name, "test": 0} | step for step in steps]
        folder = tmp_path / "source"
        folder.mkdir()
        (folder / "d.jsonl").write_text("\n".join(map(json.dumps, lines)))
        found = read_source("arc_jsonl", folder)
        assert not found.rejects
        made = {i.removeprefix("s/d/"): replace(found.view(i), task=task) for i in found.trajectories}
        return {
            name: replace(view, tables={**view.tables, "arc_states": state_rows(view.steps)}) for name, view in made.items()
        }

    return read


def script(seconds: float = 1.0, answer: Any = ((7, 7),)) -> list[Line]:
    """A select, a paste of all, and a submit."""
    paste = {"action": "paste", "before": [[0, 0]], "after": answer, "time": 0.0, "args": {"x": 0, "y": 0}}
    return [paste, {"action": "submit", "after": answer, "time": seconds}]


def flags_of(view: TrajectoryView, **parameters: Any) -> dict[str, tuple[int, str]]:
    """Outcome → (step, observed), after the row was checked as stored."""
    found = annotator("arc.flags", parameters)
    assert meets(found.requires, view)
    (row,) = said = list(found.propose(view))
    tables = annotation_tables(view.trajectory_id, producer_of(found), said)
    assert check_annotations({**tables, "trajectories": view.tables["trajectories"]}) == []
    payload = row.payload  # type: ignore[union-attr]
    return {o: (s, w) for s, o, w in zip(payload["steps"], payload["outcomes"], payload["observed"], strict=True)}


def test_a_script_that_pasted_the_answer(views: Callable[..., Any]) -> None:
    traces = {
        "fast": ({}, script()),
        "slow": ({}, script(10.0)),
        "wrong": ({}, script(answer=[[7, 1]])),
        "copied": ({}, [{"action": "copy", "time": 0, "after": [[0, 0]], "args": {}}, *script()[1:]]),
        "long": ({}, [*[{"action": "select_cell", "time": 0, "after": [[0, 0]]}] * 5, *script()]),
    }
    found = {name: flags_of(view) for name, view in views(traces, TASK).items()}

    assert found["fast"].keys() == {"orphan_paste", "fraud_suspect"}
    assert found["fast"]["fraud_suspect"] == (0, "solved in 1.0 s and 2 actions, without a copy")
    assert found["slow"].keys() == found["wrong"].keys() == found["long"].keys() == {"orphan_paste"}
    assert found["long"]["orphan_paste"][0] == 5
    assert found["copied"] == {}


@pytest.mark.parametrize(("success", "suspect"), [(True, True), (False, False), (None, False)])
def test_without_the_answer_the_source_decides(views: Callable[..., Any], success: bool | None, suspect: bool) -> None:
    (view,) = views({"a": ({"success": success}, script())}).values()

    assert ("fraud_suspect" in flags_of(view)) is suspect


def test_a_paste_after_a_copy_is_no_orphan() -> None:
    assert orphan_paste(["copy", "paste"]) is None
    assert orphan_paste(["select_cell", "paste_accept", "copy"]) == Flag(
        1, "orphan_paste", "nothing was copied before: what is pasted is known from the record alone"
    )
    assert orphan_paste(["paste_cells", None, "draw"]) is None


@pytest.mark.parametrize(
    ("names", "times", "expected"),
    [
        (["paste"] * 6, [0.0] * 5 + [9.99], True),
        (["paste"] * 6, [0.0] * 5 + [10.0], False),
        (["paste"] * 7, [0.0] * 7, False),
        (["paste", "copy"], [0.0, 1.0], False),
        (["draw", "submit"], [0.0, 1.0], False),
        (["paste", "submit"], [0.0, None], False),
        ([], [], False),
    ],
)
def test_the_published_rule(names: list[str | None], times: list[float | None], expected: bool) -> None:
    assert looks_like_fraud(names, times) is expected


def test_idle_gaps_and_long_traces() -> None:
    assert idle([0.0, 600.0, 1200.0], 600, 3600) == []
    assert idle([0.0, 601.0, None, 40_000.0], 600, 3600) == [
        Flag(1, "idle", "601 s passed before this step"),
        Flag(3, "idle", "39399 s passed before this step"),
    ]
    assert idle([500.0 * n for n in range(9)], 600, 3600) == [Flag(8, "idle", "the trace took 4000 s")]
    assert idle([None, None], 600, 3600) == idle([], 600, 3600) == []


def test_the_thresholds_are_parameters_and_stand_in_the_row(views: Callable[..., Any]) -> None:
    (view,) = views({"a": ({}, script(5.0))}).values()
    (row,) = annotator("arc.flags", {"gap_seconds": 4}).propose(view)

    assert row.payload["outcomes"] == ["orphan_paste", "idle"]  # type: ignore[union-attr]
    assert row.payload["args"] == {"gap_seconds": 4.0, "trace_seconds": 3600.0}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("names", "side", "given", "expected"),
    [
        (["submit"], 5, [[1, 2]], "page not loaded"),
        (["submit"], 5, None, "page not loaded"),
        (["submit"], 5, [[0] * 5] * 5, "handed in as it was"),
        (["submit"], 3, [[1, 2]], "handed in as it was"),
        (["show_editor", "submit", "submit"], 3, None, "handed in as it was"),
        (["show_editor", "draw", "submit"], 5, None, None),
        (["select_cell", "submit"], 5, None, None),
        (["mystery", "submit"], 5, None, None),
        (["show_editor"], 5, None, None),
    ],
)
def test_an_attempt_in_which_nothing_was_done(names: list[str | None], side: int, given: Any, expected: str | None) -> None:
    task = None if given is None else Task("t", tests=(Pair(np.array(given, np.uint8), None),))
    found = empty_attempt(names, np.zeros((side, side), np.uint8), task, 0)

    assert (found is None) if expected is None else (found is not None and expected in found.observed)


def test_a_good_trace_has_an_empty_row(shared_data: Path, read_source: Callable[..., Any]) -> None:
    view = read_source("braingridgame", shared_data / "arc" / "braingridgame" / "9_84.json").view("s/9_84")
    (row,) = ANNOTATOR.propose(view)

    assert row.payload["steps"] == row.payload["outcomes"] == []
    assert (row.start, row.end) == (0, view.num_steps)


def started(minute: int | None, agent: str | None = "ann") -> Line:
    return {"agent": agent, "started_at": None if minute is None else f"2026-01-01T00:{minute:02}:00Z"}


def test_repeated_traces_name_the_first(views: Callable[..., Any]) -> None:
    other = [{"action": "paste", "before": [[0, 0]], "after": [[7, 1]], "time": 0.0, "args": {"x": 0, "y": 0}}, script()[1]]
    traces = {
        "late": (started(9), script(2.0)),
        "first": (started(3), script(1.0)),
        "else": (started(1), other),
        "bob": (started(2, "bob"), script()),
        "again": (started(9), script(2.0)),
    }
    found = views(traces)
    rows = list(duplicates.ANNOTATOR.propose(TaskView("t", tuple(found.values()))))
    said = {str(row.trajectory_id).removeprefix("s/d/"): row.payload["observed"] for row in rows}

    assert said == {"late": ["s/d/first"], "again": ["s/d/first"], "first": [], "else": [], "bob": []}
    assert {outcome for row in rows for outcome in row.payload["outcomes"]} == {"duplicate_of"}
    tables = annotation_tables(None, producer_of(duplicates.ANNOTATOR), rows, "t")
    assert {row["trajectory_id"] for row in tables["checks"].to_pylist()} == {f"s/d/{name}" for name in traces}


def test_of_nobody_only_the_same_recording_is_a_copy(views: Callable[..., Any]) -> None:
    traces = {
        "a": (started(3, None), script(1.0)),
        "b": (started(3, None), script(1.0)),
        "slower": (started(3, None), script(2.0)),
        "later": (started(4, None), script(1.0)),
        "timeless": (started(None, None), script(1.0)),
        "timeless2": (started(None, None), script(1.0)),
    }
    assert duplicates.originals(TaskView("t", tuple(views(traces).values()))) == {"s/d/b": "s/d/a"}
