"""Contributions of steps: known shares, and sums that are the outcome to the last bit."""

from __future__ import annotations

import json
import math
from fractions import Fraction

import numpy as np
import pytest

from annotators.arc.attribution import ANNOTATOR, attributed
from annotators.arc.recorded import RecordedStep
from annotators.arc.states import answers_of, states_of
from annotators.task import Pair, Task
from tests.annotators.arc.traces import TRAINING, by_step, grid, proposed, task, trace, view


def contributions(steps: list[RecordedStep], of: Task) -> dict[int, float]:
    said = proposed(ANNOTATOR, view(steps, of))
    return dict(by_step(said["attribution"][0], "values")) if said else {}


def test_where_it_was_solved_the_edits_share_the_outcome() -> None:
    steps = trace("00 00", ("draw", "10 00"), ("draw", "15 00"), ("draw", "12 00"), ("draw", "12 30"), ("submit", None))
    found = contributions(steps, task(("00 00", "12 30")))
    third = pytest.approx(1 / 3, abs=2**-20)
    assert found == {0: third, 1: 0.0, 2: third, 3: third, 4: 0.0}
    assert sum(found.values()) == 1.0


def test_where_it_was_not_the_submission_takes_back_what_was_gained() -> None:
    steps = trace("00 00", ("draw", "10 00"), ("draw", "10 50"), ("submit", None), ("draw", "12 30"))
    assert contributions(steps, task(("00 00", "12 00"))) == {0: 0.5, 1: -0.5, 2: 0.0}
    steps = trace("00 00", ("draw", "10 00"), ("submit", None))
    assert contributions(steps, task(("00 00", "12 00"))) == {0: 0.5, 1: -0.5}


def test_a_wrong_try_before_the_right_one_costs_nothing_by_itself() -> None:
    steps = trace("00", ("draw", "10"), ("submit", None, {"correct": False}), ("draw", "12"), ("submit", None))
    assert contributions(steps, task(("00", "12"))) == {0: 0.5, 1: 0.0, 2: 0.5, 3: 0.0}


def test_tests_share_the_outcome_and_all_must_be_solved() -> None:
    def of(second: str) -> list[RecordedStep]:
        first = trace("0", ("draw", "1"), ("submit", None))
        return [*first, *trace("0", ("draw", second), ("submit", None), test=1, first=2)]

    both = task(("0", "1"), ("0", "2"))
    assert contributions(of("2"), both) == {0: 0.5, 1: 0.0, 2: 0.5, 3: 0.0}
    assert contributions(of("3"), both) == {0: 0.5, 1: 0.0, 2: 0.0, 3: -0.5}


def test_without_a_submission_or_an_answer_there_is_no_outcome() -> None:
    assert contributions(trace("0", ("draw", "1")), task(("0", "1"))) == {}
    assert contributions(trace("0", ("submit", None)), task(("0", None))) == {}
    assert proposed(ANNOTATOR, view(trace("0", ("submit", None)))) == {}


def test_a_start_that_is_the_answer_and_a_hole_in_the_record() -> None:
    assert contributions(trace("1", ("submit", None)), task(("0", "1"))) == {0: 1.0}
    steps = trace("00", ("draw", "10"), ("draw", "12"), ("submit", None))
    steps[1] = RecordedStep(1, "draw", {}, (0, None), None, None)
    assert contributions(steps, task(("00", "12"))) == {0: 0.5, 1: 0.0, 2: 0.5}


def wander(random: np.random.Generator, answer: np.ndarray, solves: bool) -> list[RecordedStep]:
    """Steps through random grids of random sizes; the last one is the answer or one cell beside it."""
    states = [random.integers(0, 10, random.integers(1, 31, 2)).astype(np.uint8) for _ in range(random.integers(1, 30))]
    last = answer.copy()
    last[0, 0] = (last[0, 0] + (not solves)) % 10
    if random.integers(2):
        states[0] = last.copy()
        states[0].flat[-1] += 1
    states.append(last)
    steps = [RecordedStep(n, "draw", {}, (0, None), states[n], states[n + 1]) for n in range(len(states) - 1)]
    return [*steps, RecordedStep(len(steps), "submit", {}, (0, None), last, last)]


def test_the_sum_is_the_outcome_exactly_in_any_order_and_in_float32() -> None:
    random = np.random.default_rng(5)
    if TRAINING.is_dir():
        tasks = [json.loads(path.read_text()) for path in sorted(TRAINING.glob("*.json"))[:40]]
        answers = [np.array(one["test"][0]["output"], np.uint8) for one in tasks]
    else:
        answers = [random.integers(0, 10, random.integers(1, 31, 2)).astype(np.uint8) for _ in range(40)]
    for place, answer in enumerate(answers):
        solves = place % 2 == 0
        steps = wander(random, answer, solves)
        states = states_of(steps)
        found = attributed(steps, states, answers_of(states, Task("t", tests=(Pair(grid("0"), answer),))))
        assert found is not None
        stored = np.array(found, np.float32)
        assert stored.astype(np.float64).tolist() == found  # a float32 holds each of them
        assert sum(Fraction(value) for value in found) == solves
        assert math.fsum(random.permutation(stored)) == solves
        running = np.float32(0)
        for value in stored:
            running = running + value
        assert running == np.float32(solves)
