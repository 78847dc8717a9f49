"""Whether an ARC trajectory solved its task: by the answers of the task, never by what a log says of itself.

Looked at is every test that the source let a person play: those that the trajectory's `extras.tests_offered` names, else
all tests of the task. Of each the last grid that was handed in counts. Solved is a task when all are right; the release
then says so in `trajectories.success`. Where a task or an answer is not known, the verdict is `unknown`, and the source's
own stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import orjson

from ..annotation import Annotation
from ..protocol import Requires
from ..task import Task
from ..trajectory import Trajectories, TrajectoryView
from .recorded import Grid, grids_of
from .together import together

CORRECT, WRONG, NOT_SUBMITTED, UNKNOWN = "correct", "wrong", "not_submitted", "unknown"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one test: the `step` that decided it, the `outcome`, and why where it is not correct."""

    test: int
    step: int
    outcome: str
    observed: str | None = None


@dataclass(frozen=True)
class Success:
    """The success oracle."""

    name: ClassVar[str] = "arc.success"
    version: ClassVar[str] = "1"
    producer_type: ClassVar[str] = "oracle"
    emits: ClassVar[tuple[str, ...]] = ("success",)
    requires: ClassVar[Requires] = Requires(domain="arc", columns=("action_name", "test_index", "grid_after"), task=True)
    deterministic: ClassVar[bool] = True

    def propose(self, trajectory: TrajectoryView) -> Iterable[Annotation]:
        """One row: a verdict per test."""
        table = trajectory.steps
        submits = [step for step, name in enumerate(table["action_name"].to_pylist()) if name == SUBMIT]
        tests = table["test_index"].to_pylist()
        last = {tests[step]: step for step in submits if tests[step] is not None}
        grids = {test: grids_of(table["grid_after"].slice(step, 1))[0] for test, step in last.items()}
        task_id = trajectory.header["task_id"]
        offered = tests_offered(trajectory.header)
        found = outcomes(trajectory.task, task_id, offered, last, grids, trajectory.num_steps)
        yield Annotation("success", payload_of(found), start=0, end=trajectory.num_steps)

    def propose_many(self, trajectories: Trajectories) -> Iterable[tuple[int, Annotation]]:
        """The same of many trajectories at once."""
        steps = together(trajectories)
        submits = np.flatnonzero(steps.word == steps.words.index(SUBMIT)).tolist() if SUBMIT in steps.words else []
        last: list[dict[int, int]] = [{} for _ in trajectories.views]
        grids: list[dict[int, Grid | None]] = [{} for _ in trajectories.views]
        owners, numbers = steps.owners, steps.steps
        for row in submits:
            test, grid = steps.panels[row][0], steps.states.after[row]
            if test is not None:
                last[owners[row]][test] = int(numbers[row])
                grids[owners[row]][test] = None if grid is None else steps.states.grids[grid]
        for place, view in enumerate(trajectories.views):
            task_id, offered = view.header["task_id"], tests_offered(view.header)
            found = outcomes(view.task, task_id, offered, last[place], grids[place], view.num_steps)
            yield place, Annotation("success", payload_of(found), start=0, end=view.num_steps)


ANNOTATOR = Success()

SUBMIT = "submit"


def tests_offered(header: Mapping[str, Any]) -> Sequence[int] | None:
    """The tests that the source let a person play, as its reader says; None where that is all of them."""
    extras = orjson.loads(header["extras"]) if header.get("extras") else {}
    offered = extras.get("tests_offered") if isinstance(extras, dict) else None
    return offered if isinstance(offered, list) else None


def outcomes(
    task: Task | None,
    task_id: str | None,
    offered: Sequence[int] | None,
    last: Mapping[int, int],
    grids: Mapping[int, Grid | None],
    num_steps: int,
) -> list[Outcome]:
    """The verdict on each test, in order of test. `last`: the step of each test's last submission, `grids` what it shows."""
    tests = offered if offered is not None else range(len(task.tests)) if task is not None and task.tests else sorted(last)
    found = []
    for test in tests:
        step = last.get(test, num_steps - 1)
        answer = None if task is None or (pair := task.test(test)) is None else pair.output
        if answer is None:
            found.append(Outcome(test, step, UNKNOWN, _unknown(task, task_id, test)))
        elif test not in last:
            found.append(Outcome(test, step, NOT_SUBMITTED))
        else:
            found.append(compared(test, step, grids[test], answer))
    return found or [Outcome(0, num_steps - 1, UNKNOWN, _unknown(task, task_id, 0))]


def compared(test: int, step: int, grid: Grid | None, answer: Grid) -> Outcome:
    """The verdict on a grid that was handed in."""
    if grid is None:
        return Outcome(test, step, UNKNOWN, "the grid that was handed in is not recorded")
    if grid.shape != answer.shape:
        return Outcome(test, step, WRONG, f"{grid.shape[0]}x{grid.shape[1]} instead of {answer.shape[0]}x{answer.shape[1]}")
    differing = int(np.count_nonzero(grid != answer))
    return (
        Outcome(test, step, WRONG, f"{differing} of {answer.size} cells differ") if differing else Outcome(test, step, CORRECT)
    )


def payload_of(found: Sequence[Outcome]) -> dict[str, Any]:
    """The row's payload."""
    return {
        "name": "success",
        "function": Success.name,
        "evaluator": Success.name,
        "args": {"tests": [one.test for one in found]},
        "steps": [one.step for one in found],
        "outcomes": [one.outcome for one in found],
        "observed": [one.observed for one in found],
    }


def _unknown(task: Task | None, task_id: str | None, test: int) -> str:
    if task_id is None:
        return "the trajectory names no task"
    if task is None or not task.tests:
        return "no source of the recipe holds this task"
    return f"the answer of test {test} is not known" if task.test(test) is not None else f"the task has no test {test}"
