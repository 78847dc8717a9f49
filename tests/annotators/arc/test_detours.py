"""`arc.detours` on constructed ways, and on recorded traces."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from annotators.annotation import annotation_tables
from annotators.arc.detours import ANNOTATOR, Detour, detours, retries, without_effect
from annotators.arc.recorded import RecordedStep, recorded_steps
from annotators.protocol import producer_of
from annotators.task import Pair, Task
from schemas.invariants import check_annotations
from tests.annotators.arc import traces

EXAMPLES = Path(__file__).resolve().parents[3] / "examples/data/arc"


def trace(way: str, *names: str, panel: tuple[int, None] = (0, None), first: int = 0) -> list[RecordedStep]:
    """Steps through grids that are named by letters: `trace("ABA", "draw", "undo")`."""
    grids = [np.array([[ord(letter) - 65]], np.uint8) for letter in way]
    return [RecordedStep(first + n, name, {}, panel, grids[n], grids[n + 1]) for n, name in enumerate(names)]


def told(steps: list[RecordedStep]) -> list[tuple[int, int, str]]:
    return [(one.start, one.end, one.label) for one in detours(steps)]


def test_several_undos_in_a_row_take_back_one_stretch():
    assert told(trace("ABCDCB", "draw", "draw", "draw", "undo", "undo")) == [(1, 5, "undone")]


def test_what_was_taken_back_and_made_again_is_a_way_round():
    steps = trace("ABCBCD", "draw", "draw", "undo", "redo", "draw")
    assert told(steps) == [(2, 4, "detour")]
    both = trace("ABCBABCD", "draw", "draw", "undo", "undo", "redo", "redo", "draw")
    assert told(both) == [(2, 6, "detour"), (3, 5, "detour")]
    half = trace("ABCBABD", "draw", "draw", "undo", "undo", "redo", "draw")
    assert told(half) == [(1, 3, "undone"), (3, 5, "detour")]


def test_a_grid_that_comes_back_by_itself_closes_a_detour_and_a_loop_in_a_loop_is_told_apart():
    assert told(trace("ABCA", "draw", "draw", "draw")) == [(0, 3, "detour")]
    assert told(trace("ABCBDA", *["draw"] * 5)) == [(0, 5, "detour"), (1, 3, "oscillation")]
    assert told(trace("ABCDBEA", *["draw"] * 6)) == [(0, 6, "detour"), (1, 4, "detour")]


def test_starting_over_takes_back_all_and_nothing_can_be_made_again_after_it():
    steps = trace("ABCAB", "draw", "draw", "start_over", "draw")
    assert told(steps) == [(0, 3, "undone")]


def test_two_stretches_that_were_taken_back_one_after_the_other_are_two():
    steps = trace("ABACA", "draw", "undo", "draw", "undo")
    assert told(steps) == [(0, 2, "undone"), (2, 4, "undone")]


def test_to_and_fro_between_two_grids_is_an_oscillation_however_often() -> None:
    assert told(trace("ABA", "move_up", "move_down")) == [(0, 2, "oscillation")]
    assert told(trace("ABABA", *["draw"] * 4)) == [(0, 4, "oscillation")]
    assert told(trace("ABABC", *["draw"] * 4)) == [(0, 3, "oscillation")]
    assert told(trace("ABACA", *["draw"] * 4)) == [(0, 2, "oscillation"), (2, 4, "oscillation")]
    assert told(trace("ABABA", "draw", "undo", "draw", "draw")) == [(0, 2, "undone"), (2, 4, "oscillation")]


def test_an_oscillation_of_one_panel_hides_no_detour_of_another() -> None:
    one = trace("ABA", "draw", "draw", first=0)
    other = trace("ABCA", "draw", "draw", "draw", panel=(1, None), first=1)
    one[1] = replace(one[1], step=9)
    assert told(sorted([*one, *other], key=lambda step: step.step)) == [(0, 10, "oscillation"), (1, 4, "detour")]


def test_edits_in_a_row_that_change_nothing_are_a_stretch() -> None:
    steps = trace("AAAABBB", "draw", "select_begin", "fill_selection", "draw", "undo", "submit")
    assert without_effect(steps) == [Detour(0, 3, "no_effect"), Detour(4, 5, "no_effect")]
    assert without_effect(trace("AA", "sparkle")) == []


def test_a_retry_goes_from_a_wrong_submission_to_the_next_one_of_its_panel() -> None:
    steps = trace("AABBBA", "submit", "draw", "submit", "submit", "draw")
    judged = [replace(step, arguments={"correct": False}) for step in steps]
    assert retries(judged) == [Detour(1, 3, "retry"), Detour(3, 4, "retry")]
    judged[2] = replace(judged[2], arguments={"correct": True})
    assert retries(judged) == [Detour(1, 3, "retry")]
    assert retries(steps) == []  # nobody said whether they were wrong
    right = Task("t", tests=(Pair(None, np.array([[1]], np.uint8)),))
    assert retries(steps, right) == [Detour(1, 3, "retry")]
    other = trace("AA", "submit", panel=(1, None), first=5)
    assert retries([*judged[:1], *other]) == []


def test_all_words_stand_in_the_layer_and_come_from_the_annotator() -> None:
    way = traces.trace("0", ("draw", "1"), ("draw", "0"), ("draw", None), ("submit", None, {"correct": False}),
                       ("draw", "4"), ("draw", "2"), ("draw", "4"), ("draw", "3"), ("undo", "4"), ("submit", None))  # fmt: skip
    found = [(one.payload["label"], one.start, one.end) for one in traces.proposed(ANNOTATOR, traces.view(way))["detour"]]
    assert found == [
        ("oscillation", 0, 2), ("no_effect", 2, 3), ("retry", 4, 10), ("oscillation", 5, 7), ("undone", 7, 9),
    ]  # fmt: skip


def test_panels_do_not_mix_and_steps_that_change_nothing_do_not_count():
    one, other = trace("AB", "draw"), trace("BA", "draw", panel=(1, None), first=1)
    assert told([*one, *other]) == []
    still = trace("ABBA", "draw", "submit", "undo")
    assert told(still) == [(0, 3, "undone")]
    assert told(trace("AAA", "draw", "draw")) == []


def test_a_record_with_a_hole_starts_anew():
    before, after = trace("AB", "draw"), trace("CA", "draw", first=5)
    assert told([*before, *after]) == []


def test_the_examples_hold_what_their_names_say(read_source):
    source = read_source("braingridgame", str(EXAMPLES / "*.json"))
    found = {name: detours(recorded_steps(source.view(name))) for name in source.trajectories}
    assert found["s/mirror_straight"] == []
    assert found["s/mirror_wrong_way_first"] == [Detour(3, 8, "undone"), Detour(5, 7, "detour")]
    assert found["s/paint_the_room_second_try"] == [Detour(3, 9, "undone")]
    assert found["s/belt_around_the_edge"] == [Detour(12, 14, "oscillation")]


def test_rows_of_real_traces_are_sound(shared_data, read_source):
    source = read_source("braingridgame", shared_data / "arc/braingridgame_history/3")
    total = 0
    for name in source.trajectories:
        view = source.view(name)
        recorded = recorded_steps(view)
        for one in detours(recorded):
            edits = [step for step in recorded[one.start : one.end] if step.changed]
            assert edits[0].step == one.start
            assert edits[-1].step == one.end - 1
            assert one.label != "undone" or edits[-1].name in ("undo", "start_over")
        tables = annotation_tables(name, producer_of(ANNOTATOR), ANNOTATOR.propose(view))
        assert check_annotations({**view.tables, **tables}) == []
        total += sum(table.num_rows for table in tables.values())
    assert total > 10
