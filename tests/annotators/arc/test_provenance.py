"""Where colours and sizes may have come from: every candidate planted once."""

from __future__ import annotations

from annotators.arc.provenance import ANNOTATOR, colour_origins, size_origins
from annotators.arc.recorded import RecordedStep
from tests.annotators.arc.traces import by_step, grid, proposed, task, trace, view

TASK = task(("10 10", "11 11"), ("77 77", None), demonstrations=[("02 31", "0244 0244"), ("0 1", "55 55")])


def paints(*colours: int, test: int = 0) -> list[RecordedStep]:
    return trace("0", *(("paint", "1", {"color": colour}) for colour in colours), test=test)


def test_a_colour_may_come_from_the_test_input_an_example_or_nowhere() -> None:
    assert colour_origins(paints(1, 0, 4, 3, 9), TASK) == [
        (0, ["test_input", "example_input"]),
        (1, ["test_input", "example_output", "example_input"]),
        (2, ["example_output"]),
        (3, ["example_input"]),
        (4, ["unknown"]),
    ]
    assert colour_origins(paints(7, test=1), TASK) == [(0, ["test_input"])]


def test_only_edits_that_take_a_colour_are_looked_at() -> None:
    steps = trace("0", ("pick_color", None, {"color": 1}), ("resize", "00", {"color": 1}), ("draw", "10"), ("sparkle", "1"))
    assert colour_origins(steps, TASK) == []


def resized(*sizes: tuple[int, int]) -> list[RecordedStep]:
    texts = [" ".join(["0" * columns] * rows) for rows, columns in sizes]
    return trace("0" * 9, *(("resize", text) for text in texts))


def test_a_size_may_come_from_the_tests_input_an_example_a_factor_or_an_object() -> None:
    known = task(("100 100", None), demonstrations=[("11", "1111 1111"), ("121", "222222 222222")])
    assert size_origins(resized((2, 3), (2, 4), (4, 6), (2, 1), (1, 2), (7, 7)), known) == [
        (0, ["test_input"]),
        (1, ["example_output"]),
        (2, ["scaled"]),  # every output is 2 x 2 times its input
        (3, ["object"]),
        (4, ["example_input"]),
        (5, ["unknown"]),
    ]
    assert size_origins(trace("0", ("resize", None), ("draw", "1")), known) == []


def test_outputs_of_different_factors_scale_nothing() -> None:
    unlike = task(("100 100", None), demonstrations=[("11", "1111 1111"), ("111", "111")])
    assert size_origins(resized((4, 6)), unlike) == [(0, ["unknown"])]


def test_a_factor_that_gives_no_whole_cells_scales_nothing() -> None:
    halved = task(("100", None), demonstrations=[("1111", "11")])
    assert size_origins(resized((1, 1)), halved) == [(0, ["object"])]


def test_a_row_for_colours_and_one_for_sizes_and_none_without_the_task() -> None:
    steps = [*paints(1), RecordedStep(1, "resize", {}, (0, None), grid("1"), grid("11 11"))]
    said = proposed(ANNOTATOR, view(steps, TASK))
    assert by_step(said["colour_origin"][0], "observed") == {0: "test_input example_input"}
    assert by_step(said["size_origin"][0], "outcomes") == {1: "test_input"}
    assert proposed(ANNOTATOR, view(steps)) == {}
