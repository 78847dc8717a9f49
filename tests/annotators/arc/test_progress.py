"""Similarity to the answer: each measure against counting by hand, and on recorded traces of known tasks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from annotators.arc.progress import ANNOTATOR, MEASURES, Progress
from annotators.arc.recorded import Grid, RecordedStep
from annotators.protocol import annotator
from tests.annotators.arc.test_components import flood
from tests.annotators.arc.traces import by_step, grid, proposed, task, trace, view


def counted_cells(one: Grid, answer: Grid) -> float:
    agree = sum(one[at] == answer[at] for at in np.ndindex(one.shape) if at[0] < answer.shape[0] and at[1] < answer.shape[1])
    return agree / max(one.size, answer.size)


def counted_foreground(one: Grid, answer: Grid) -> float:
    def shown(cells: Grid) -> set[tuple[int, ...]]:
        return {(*at, int(cells[at])) for at in np.ndindex(cells.shape) if cells[at]}

    places = {at[:2] for at in shown(one) | shown(answer)}
    return len(shown(one) & shown(answer)) / len(places) if places else 1.0


def counted_colours(one: Grid, answer: Grid) -> float:
    return sum(min((one == c).sum(), (answer == c).sum()) for c in range(10)) / max(one.size, answer.size)


def counted_objects(one: Grid, answer: Grid) -> float:
    mine, theirs = set(flood(one)), set(flood(answer))
    return len(mine & theirs) / len(mine | theirs) if mine | theirs else 1.0


def counted_size(one: Grid, answer: Grid) -> float:
    mine, theirs = set(np.ndindex(one.shape)), set(np.ndindex(answer.shape))
    return len(mine & theirs) / len(mine | theirs)


@pytest.mark.parametrize(
    ("measure", "counted"),
    [
        ("cells", counted_cells),
        ("foreground", counted_foreground),
        ("colours", counted_colours),
        ("objects", counted_objects),
        ("size", counted_size),
    ],
)
def test_a_measure_is_what_counting_by_hand_gives(measure: str, counted: Callable[[Grid, Grid], float]) -> None:
    random = np.random.default_rng(11)
    answer = random.integers(0, 3, (4, 5)).astype(np.uint8)
    near = answer.copy()
    near[0, 0] = 7
    shapes = [(4, 5), (2, 2), (9, 1), (6, 8), (1, 1)]
    grids = [near, answer, *(random.integers(0, 3, shape).astype(np.uint8) for shape in shapes), np.zeros((4, 5), np.uint8)]
    _, compute = MEASURES[measure]
    for wanted in (answer, np.zeros((3, 3), np.uint8), grids[-3]):
        assert compute(grids, wanted).tolist() == pytest.approx([counted(one, wanted) for one in grids])
    assert compute(grids, answer)[1] == 1.0


def test_the_value_of_a_step_is_of_the_grid_after_it() -> None:
    steps = trace("10 00", ("draw", "12 00"), ("pick_color", None), ("draw", "12 30"), ("submit", None))
    said = proposed(ANNOTATOR, view(steps, task(("10 00", "12 34"))))
    assert set(said) == set(ANNOTATOR.emits)
    (cells,) = said["similarity"]
    assert by_step(cells, "values") == {0: 0.5, 1: 0.5, 2: 0.75, 3: 0.75}
    assert cells.payload["estimator"] == "arc.progress: cells"
    assert by_step(said["similarity_size"][0], "values") == dict.fromkeys(range(4), 1.0)


def test_each_test_has_its_own_answer_and_steps_without_a_grid_or_an_answer_have_no_value() -> None:
    steps = [
        *trace("1", ("draw", "2")),
        *trace("1", ("draw", "3"), test=1, first=1),
        *trace("1", ("draw", "4"), test=2, first=2),
        RecordedStep(3, "crop", {}, (0, None), grid("2"), None),
    ]
    said = proposed(Progress(("cells",)), view(steps, task(("1", "2"), ("1", "2"), ("1", None))))
    assert by_step(said["similarity"][0], "values") == {0: 1.0, 1: 0.0}


def test_without_an_answer_nothing_is_proposed() -> None:
    steps = trace("1", ("draw", "2"))
    assert proposed(ANNOTATOR, view(steps)) == {}
    assert proposed(ANNOTATOR, view(steps, task(("1", None)))) == {}


def test_the_only_test_of_a_task_is_meant_where_the_step_does_not_say() -> None:
    steps = trace("1", ("draw", "2"), test=None)
    assert by_step(proposed(ANNOTATOR, view(steps, task(("1", "2"))))["similarity"][0], "values") == {0: 1.0}
    assert proposed(ANNOTATOR, view(steps, task(("1", "2"), ("1", "3")))) == {}


def test_a_measure_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="no measure 'taste'; there are cells, foreground, colours, objects, size"):
        annotator("arc.progress", {"measures": ["taste"]})
