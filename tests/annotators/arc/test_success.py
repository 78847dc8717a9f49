"""`arc.success`: by the answers of the task, of every test that could be played; and what the release makes of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from annotators.arc.success import ANNOTATOR, outcomes
from annotators.task import Pair, Task

A, B = np.array([[1, 2]], np.uint8), np.array([[3]], np.uint8)
TASK = Task("t", tests=(Pair(B, A), Pair(B, B)))
OPEN = Task("t", tests=(Pair(B, A), Pair(B, None)))


@pytest.mark.parametrize(
    ("task", "offered", "grids", "expected"),
    [
        (TASK, None, {0: A, 1: B}, ["correct", "correct"]),
        (TASK, None, {0: A, 1: A}, ["correct", "wrong"]),
        (TASK, None, {0: A}, ["correct", "not_submitted"]),
        (TASK, None, {}, ["not_submitted", "not_submitted"]),
        (TASK, [0], {0: A}, ["correct"]),
        (TASK, [0], {0: B}, ["wrong"]),  # the answer of another test is no answer
        (OPEN, None, {0: A, 1: B}, ["correct", "unknown"]),
        (TASK, [2], {0: A}, ["unknown"]),
        (TASK, None, {0: None, 1: B}, ["unknown", "correct"]),
        (None, None, {0: A}, ["unknown"]),
        (None, None, {}, ["unknown"]),
        (Task("t"), None, {0: A}, ["unknown"]),
    ],
)
def test_each_test_that_could_be_played_is_judged(task: Any, offered: Any, grids: Any, expected: list[str]) -> None:
    found = outcomes(task, "t", offered, {test: test + 3 for test in grids}, grids, 9)

    assert [one.outcome for one in found] == expected
    assert [one.step for one in found] == [one.test + 3 if one.test in grids else 8 for one in found]
    assert all((one.observed is None) == (one.outcome in ("correct", "not_submitted")) for one in found)


def test_what_differs_is_said() -> None:
    (first, second) = outcomes(TASK, "t", None, {0: 0, 1: 1}, {0: np.array([[1, 9]], np.uint8), 1: A}, 2)

    assert (first.observed, second.observed) == ("1 of 2 cells differ", "1x2 instead of 1x1")
    assert outcomes(None, None, None, {}, {}, 2)[0].observed == "the trajectory names no task"
    assert outcomes(OPEN, "t", [1], {1: 0}, {1: B}, 2)[0].observed == "the answer of test 1 is not known"


def test_179_of_the_histories_join_the_training_tasks(shared_data: Path, read_source: Callable[..., Any]) -> None:
    tasks = read_source("arc_tasks", shared_data / "arc" / "arc_agi_1" / "training").tasks
    counted: Counter[tuple[bool | None, tuple[str, ...]]] = Counter()
    for folder in ("braingridgame", "braingridgame_history"):
        found = read_source("braingridgame", f"{shared_data}/arc/{folder}/**/*.json")
        found.tasks = tasks
        for trajectory_id in found.trajectories:
            view = found.view(trajectory_id)
            (annotation,) = ANNOTATOR.propose(view)
            counted[view.header["success"], tuple(sorted(set(annotation.payload["outcomes"])))] += 1
    known = sum(count for (_, words), count in counted.items() if "unknown" not in words)

    assert (known, counted.total()) == (179, 307)
    assert counted[False, ("correct",)] == 0  # who says of itself that it failed is never right
    assert counted[True, ("wrong",)] == 0
    assert counted[True, ("correct",)] > 100
