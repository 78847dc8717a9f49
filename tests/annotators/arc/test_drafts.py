"""Drafts for people who review a trace: what each action was for, how the answer was made, which cells were got wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from annotators.annotation import annotation_tables
from annotators.arc.intents import intents
from annotators.arc.mistakes import mistakes
from annotators.arc.recorded import RecordedStep
from annotators.arc.strategies import strategy
from annotators.protocol import annotator, producer_of
from annotators.task import Pair, Task
from schemas.invariants import check_annotations

DATA = Path(__file__).resolve().parents[3] / "examples/data"
START, RED, BOTH = [[0, 0], [0, 0]], [[2, 0], [0, 0]], [[2, 0], [0, 3]]


def trace(*steps: Any, start: Any = START) -> list[RecordedStep]:
    """Steps of one panel: a name, its arguments, and the grid after it where it is another."""
    made, before = [], np.array(start, np.uint8)
    for number, (name, arguments, *after) in enumerate(steps):
        grid = np.array(after[0], np.uint8) if after else before
        made.append(RecordedStep(number, name, arguments, (0, None), before, grid))
        before = grid
    return made


def task(answer: Any) -> Task:
    return Task("t", tests=(Pair(np.array(START, np.uint8), np.array(answer, np.uint8)),))


DRAWN = (("draw", {"color": 2}, RED), ("draw", {"color": 3}, BOTH), ("submit", {}))


def test_each_action_is_said_at_its_last_step() -> None:
    select = ("select_rectangle", {})
    steps = trace(
        select,
        ("move_up", {}, RED),
        ("move_left", {}, START),
        ("move_left", {}, RED),
        select,
        ("flip_y", {}),
        ("rotate_grid_clockwise", {}, BOTH),
        ("resize", {"color": 0}, [[2]]),
        ("undo", {}, BOTH),
        ("undo", {}, RED),
        ("show_page", {}),
        ("submit", {}),
    )
    assert intents(steps) == [
        (3, "move it 2 left and 1 up"),
        (5, "mirror it top to bottom, which changed nothing"),
        (6, "turn it a quarter to the right"),
        (7, "make the grid 1 high and 1 wide"),
        (9, "take back 2 edits"),
        (11, "hand it in"),
    ]
    assert [text for _, text in intents(trace(*DRAWN), task(BOTH))] == [
        "draw one cell in red",
        "draw one cell in green",
        "hand it in: it is the answer",
    ]
    assert intents(trace(*DRAWN), task(RED))[-1] == (2, "hand it in: it is not the answer")


def test_by_what_most_cells_were_changed() -> None:
    assert strategy(trace(*DRAWN))[0] == "cell-wise"  # type: ignore[index]
    move = ("move_right", {}, [[0, 2], [0, 3]])
    assert strategy(trace(DRAWN[0], move)) == ("object-wise", "3 cells changed by moving, turning and pasting, 1 by colours")
    assert strategy(trace(("copy_from_input", {}, BOTH), *DRAWN[:1]))[0] == "copy-edit"  # type: ignore[index]
    assert strategy(trace(("submit", {}))) is None


def test_wrong_submissions_and_what_was_taken_back_make_a_trial() -> None:
    wrong = ("submit", {"correct": False})
    assert strategy(trace(DRAWN[0], wrong, wrong)) == ("trial", "2 wrong submissions")
    assert strategy(trace(DRAWN[0], wrong, wrong), tries=3)[0] == "cell-wise"  # type: ignore[index]
    assert strategy(trace(DRAWN[0], ("submit", {}), ("submit", {})), task(BOTH)) == ("trial", "2 wrong submissions")
    assert strategy(trace(*DRAWN[:2], ("undo", {}, RED))) == ("trial", "1 of 2 edits were taken back")


def test_cells_that_were_changed_again_were_mistakes() -> None:
    other = ("draw", {"color": 4}, [[4, 0], [0, 3]])
    steps = trace(*DRAWN[:2], ("submit", {}), other, ("submit", {}))

    assert mistakes(steps) == [(0, [[0, 0]])]
    assert mistakes(steps, task(BOTH)) == []  # it was right before it was changed
    assert mistakes(trace(*DRAWN)) == []
    assert mistakes(trace(*DRAWN[:2], ("resize", {"color": 0}, [[2]]))) == []  # cells have other places now


@pytest.mark.parametrize("name", ["arc.intents", "arc.strategies", "arc.mistakes"])
def test_they_keep_the_rules_of_their_layers(read_source: Callable[..., Any], shared_data: Path, name: str) -> None:
    one, number = annotator(name), 0
    tasks = read_source("arc_tasks", DATA / "arc_tasks").tasks
    for uri in (DATA / "arc", shared_data / "arc/braingridgame"):
        found = read_source("braingridgame", uri)
        for trajectory_id in found.trajectories:
            view = found.view(trajectory_id)
            view = replace(view, task=tasks.get(view.header["task_id"]))
            tables = annotation_tables(trajectory_id, producer_of(one), one.propose(view))
            assert check_annotations({**view.tables, **tables}) == []
            number += sum(map(len, tables.values()))
    assert number > 5
