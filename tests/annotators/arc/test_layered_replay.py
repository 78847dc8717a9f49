"""The replay of traces with two layers: every rule, and made traces by the thousand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from annotators.annotation import annotation_tables
from annotators.arc.layered_replay import HALF_A_CELL, NO_START, ORPHAN, START_INFERRED, LayeredVerdicts
from annotators.arc.replay import ANNOTATOR
from annotators.protocol import annotator, producer_of
from tests.annotators.arc.made_tasks import small_tasks, verdicts
from tests.pipelines.sources import arctraj_rows as rows
from tools.recorders.arctraj import MadeTask, MadeTrace, drawn_tasks, made_traces
from tools.recorders.o2arc_editor import Action, Editor

TRACES = 400


@pytest.fixture(scope="module")
def traces() -> list[MadeTrace]:
    return list(made_traces(small_tasks(), TRACES, seed=3))


def played(start: Any, *script: Action) -> LayeredVerdicts:
    """The verdicts on a script that was played without a fault."""
    return verdicts([trace(start, *script)])[0]


def trace(start: Any, *script: Action, submit: bool = True) -> MadeTrace:
    editor = Editor(start)
    whole = [*script, Action("Submit")] if submit else list(script)
    for action in whole:
        editor.play(action)
    made = MadeTrace(1, MadeTask("t", start, [[1]]), whole, editor.shown, editor.clips, start)
    made.stamps = ["2024-02-15T02:35:26.767Z"] * len(whole)
    return made


def test_made_traces_replay_from_the_record_and_free_running(traces: list[MadeTrace]) -> None:
    found = verdicts(traces)
    outcomes = Counter(outcome for one in found for outcome in one.outcomes)
    script = [action for made in traces for action in made.script]
    late = sum(action.late for action in script)
    orphans = sum(action.operation == "Paste" and (action.payload is not None or not action.position) for action in script)

    assert outcomes == {"exact": outcomes.total() - orphans - late, "visible": late, "unverifiable": orphans}
    assert min(orphans, late) > 10
    assert {one.end for one in found} == {"reached"}
    assert all(all(one.free) for one in found)
    assert {action.operation for made in traces for action in made.script} == {
        "SelectGrid", "SelectCell", "SelectObject", "Paint", "Paste", "Copy", "Move", "Flip", "Rotate", "ResizeGrid", "Undo", "Redo",
        "Submit",
    }  # fmt: skip


@pytest.mark.slow
def test_thousands_of_made_traces_replay() -> None:
    found = verdicts(list(made_traces(drawn_tasks(), 5000, seed=9)))

    assert Counter(one.end for one in found) == {"reached": 5000}
    assert all(all(one.free) for one in found)
    assert "diverged" not in {outcome for one in found for outcome in one.outcomes}


GRID = [[0, 1, 2], [3, 0, 0], [0, 0, 4]]
LEFT = Action("SelectGrid", cells=((0, 0), (0, 1), (0, 2)))


def test_cells_that_leave_the_grid_come_back() -> None:
    moves = [Action("Move", direction=where) for where in ("left", "left", "right", "right")]
    made = trace(GRID, LEFT, *moves)

    assert made.states[-1].seen == GRID
    assert played(GRID, LEFT, *moves).outcomes == ["exact"] * 6
    assert played(GRID, LEFT, *moves).end == "reached"


def test_transparent_cells_show_what_is_under_them() -> None:
    everything = Action("SelectGrid", cells=((0, 0), (1, 0)))
    made = trace(GRID, everything, Action("Move", direction="down"))

    assert made.states[-1].seen == [[0, 0, 2], [3, 1, 0], [0, 0, 4]]  # 0 went over the 3, which shows through
    assert set(played(GRID, everything, Action("Move", direction="down")).outcomes) == {"exact"}


def test_painting_0_erases_and_painting_nothing_does_nothing() -> None:
    assert trace(GRID, LEFT, Action("Paint", color=0)).states[-1].seen == [[0, 1, 2], [0, 0, 0], [0, 0, 4]]
    assert set(played(GRID, LEFT, Action("Paint", color=0)).outcomes) == {"exact"}
    assert set(played(GRID, Action("Paint", color=5)).outcomes) == {"exact"}


def test_a_paste_of_what_was_not_copied_takes_its_payload_from_the_record() -> None:
    found = played(GRID, Action("Paste", position=(0, 0), payload=(((0, 0), 7),)))
    empty = played(GRID, Action("Copy"), Action("Paste", position=(0, 0), payload=(((0, 0), 7),)))

    assert (found.outcomes[0], found.observed[0], found.end) == ("unverifiable", ORPHAN, "reached")
    assert (empty.outcomes[1], empty.observed[1]) == ("unverifiable", ORPHAN)


def test_an_orphan_paste_whose_background_does_not_follow_diverged() -> None:
    made = trace(GRID, Action("Paste", position=(0, 0), payload=(((0, 0), 7),)))
    actions = made.actions()
    actions[0]["grid"] = [[0, 1, 2], [3, 0, 0], [0, 0, 9]]

    assert verdicts([made], [made.row(actions)])[0].outcomes[0] == "diverged"


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("direction", ["clockwise", "counterclockwise"])
def test_a_turn_is_about_the_centre_and_half_a_cell_is_the_records(side: int, direction: str) -> None:
    two_by_four = Action("SelectGrid", cells=tuple((x, y) for x in range(2) for y in range(4)))
    two_by_three = Action("SelectGrid", cells=tuple((x, y) for x in range(2) for y in range(3)))
    grid = [[1, 2, 0, 0], [3, 4, 0, 0], [5, 6, 0, 0], [7, 8, 0, 0]]
    turn = Action("Rotate", direction=direction, side=side)

    assert played(grid, two_by_four, turn).observed == [None] * 3
    assert played(grid, two_by_three, turn).observed == [None, HALF_A_CELL, None]
    assert played(grid, two_by_three, turn).outcomes == ["exact"] * 3
    far = trace(grid, two_by_three, turn)
    actions = far.actions()
    for cell in actions[1]["object"]:
        cell["x"] += 3
    assert verdicts([far], [far.row(actions)])[0].outcomes[1] == "diverged"


def test_an_undo_is_an_earlier_state_whichever_the_stack_predicts() -> None:
    paint = [Action("Paint", color=color) for color in (5, 6, 7)]
    made = trace(GRID, LEFT, *paint, Action("Undo"))
    actions = made.actions()
    actions[4] |= {"grid": actions[1]["grid"], "object": actions[1]["object"]}  # two back instead of one
    actions[5]["grid"] = made.states[1].seen
    found = verdicts([made], [made.row(actions)])[0]

    assert (found.outcomes[4], found.observed[4]) == ("exact", "equals the state after step 1")
    assert (found.end, found.end_observed) == ("missed", "first differs at step 4 (undo)")
    actions[4]["grid"] = [[9, 9, 9]] * 3
    assert verdicts([made], [made.row(actions)])[0].observed[4] == "it equals no earlier state"


def test_an_undo_of_nothing_is_the_start() -> None:
    assert played(GRID, Action("Undo")).observed[0] == "equals the start"
    assert played(GRID, LEFT, Action("Paint", color=5), Action("Undo"), Action("Redo")).observed[2:4] == [
        "equals the start",
        "equals the state after step 1",
    ]


def test_a_copy_from_the_input_panel_leaves_the_state() -> None:
    copy = Action("Copy", cells=((2, 2),), source="input")
    found = played(GRID, LEFT, Action("Paint", color=5), copy, Action("Paste", position=(1, 1)))
    made = trace(GRID, copy)
    actions = made.actions()
    actions[0]["grid"] = [[8, 8, 8], *actions[0]["grid"][1:]]

    assert (set(found.outcomes), found.end) == ({"exact"}, "reached")
    wrong = verdicts([made], [made.row(actions)])[0]
    assert wrong.outcomes == ["diverged", "exact"]


def test_a_click_that_is_logged_late_is_visible_and_no_fault() -> None:
    made = trace(GRID, Action("SelectGrid", cells=((1, 0),)), Action("SelectCell", cells=(), position=(1, 0)))
    actions = made.actions()
    actions[0] |= {"grid": GRID, "object": [{"x": 1, "y": 0, "color": 0}]}
    found = verdicts([made], [made.row(actions)])[0]

    assert found.outcomes == ["visible", "exact", "exact"]
    assert found.observed[0] == "differs under what is seen: background, floating"


def test_a_selection_that_was_not_logged_diverges_where_it_is_used() -> None:
    made = trace(GRID, LEFT, Action("SelectGrid", cells=((1, 0),)), Action("Paint", color=5), Action("Move", direction="down"))
    actions = made.actions()
    del actions[1]
    made.stamps.pop()
    found = verdicts([made], [made.row(actions)])[0]

    assert found.outcomes == ["exact", "diverged", "exact", "exact"]
    assert (found.end, found.end_observed) == ("missed", "first differs at step 1 (paint)")


def test_a_new_size_keeps_the_content() -> None:
    made = trace(GRID, Action("ResizeGrid", position=(2, 4)))
    found = played(GRID, Action("ResizeGrid", position=(2, 4)))

    assert made.states[-1].seen == [[0, 1], [3, 0], [0, 0], [0, 0]]
    assert set(found.outcomes) == {"exact"}
    actions = made.actions()
    actions[0]["grid"] = actions[0]["grid"][:3]
    assert verdicts([made], [made.row(actions)])[0].observed[0] == "expected 4x2, recorded 3x2 (rows x columns)"


@pytest.fixture
def said(read_source: Callable[..., Any], tmp_path: Any) -> Callable[..., Any]:
    """The annotations on one row, of a task that is known or not."""

    def say(actions: Any, known: bool = True) -> Any:
        path = rows.write_csv(tmp_path / "a.csv", [rows.row(1, actions)])
        found = read_source("arctraj", path, **({"tasks": str(rows.write_tasks(tmp_path / "tasks"))} if known else {}))
        view = found.view("s/1")
        table = annotation_tables("s/1", producer_of(annotator("arc.replay")), ANNOTATOR.propose(view))["checks"]
        return {row["layer"]: row for row in table.to_pylist()}

    return say


def test_the_oracle_signs_a_row_per_layer(said: Callable[..., Any]) -> None:
    found = said(rows.solved())

    assert found["replay"]["outcomes"] == ["exact"] * 3
    assert (found["free_replay"]["steps"], found["free_replay"]["outcomes"]) == ([2], ["reached"])
    assert {row["producer"] for row in found.values()} == {"arc.replay"}


def test_without_the_task_the_first_step_cannot_be_verified(said: Callable[..., Any]) -> None:
    inferred, unknown = said(rows.solved(), known=False), said([rows.submit(rows.START)], known=False)

    assert inferred["replay"]["outcomes"] == ["unverifiable", "exact", "exact"]
    assert inferred["replay"]["observed"][0] == START_INFERRED
    assert (unknown["replay"]["outcomes"], unknown["replay"]["observed"]) == (["unverifiable"], [NO_START])
    assert unknown["free_replay"]["outcomes"] == ["unverifiable"]
