"""Which action wrote what another one uses: planted chains, and recorded traces against a replay cell by cell."""

from __future__ import annotations

from typing import Any

import pytest

from annotators.arc.last_writer import ANNOTATOR, LastWriter, Link, links
from annotators.arc.recorded import RecordedStep
from annotators.arc.selections import selected_cells
from annotators.arc.states import states_of
from annotators.protocol import annotator
from tests.annotators.arc.traces import Cells, layered, proposed, trace, view


def linked(steps: list[RecordedStep], chosen: list[Cells | None] | None = None, most: int = 3) -> list[Link]:
    return links(steps, states_of(steps), *selected_cells(view(steps, selections=chosen).steps["selection"]), most)


def test_what_is_painted_over_was_written_by_the_last_who_did() -> None:
    steps = trace(
        "0000",
        ("draw", "1000", {"color": 1}),
        ("draw", "1100", {"color": 1}),
        ("draw", "1120", {"color": 2}),
        ("fill_selection", "3333"),
    )
    assert linked(steps) == [
        Link(1, 3, "overwrites", "2 of 4 cells"),  # the stroke of two cells is one writer, named by its last step
        Link(2, 3, "overwrites", "1 of 4 cells"),
    ]


def test_what_the_test_began_with_was_written_by_nobody() -> None:
    assert linked(trace("11", ("draw", "21"), ("flip_x", "12"))) == [Link(0, 1, "overwrites", "1 of 2 cells")]


def test_a_copy_reads_and_a_paste_pastes_the_last_copy() -> None:
    steps = trace(
        "000 000", ("draw", "500 000"), ("copy", None), ("copy", None), ("paste_accept", "500 005"), ("undo", "500 000")
    )
    chosen: list[Cells | None] = [None, [(0, 0), (0, 1)], [(0, 1)], None, None]
    assert linked(steps, chosen) == [Link(0, 1, "reads", "1 of 2 cells"), Link(2, 3, "pastes")]


def test_a_paste_without_a_copy_has_no_link() -> None:
    assert linked(trace("0", ("paste_accept", "1"))) == []


def test_a_move_reads_what_it_takes_up_and_is_its_writer_from_then_on() -> None:
    cells = [(0, 0), (0, 1)]
    steps, chosen = layered(
        "00000", ("select_rectangle", cells), ("paint", 4), ("move_right",), ("move_right",), ("submit",), ("select_cell", [(0, 3)]),
        ("paint", 6),
    )  # fmt: skip
    assert linked(steps, chosen) == [
        Link(1, 3, "reads", "2 of 2 cells"),
        Link(3, 6, "overwrites", "1 of 1 cells"),
    ]


def test_undo_brings_back_the_writers_of_the_grid_that_it_brings_back() -> None:
    steps = trace("00", ("draw", "10"), ("flood_fill", "22"), ("undo", "10"), ("fill_selection", "33"))
    assert linked(steps) == [Link(0, 1, "overwrites", "1 of 2 cells"), Link(0, 3, "overwrites", "1 of 2 cells")]


def test_cells_keep_their_writer_through_a_new_size_and_a_crop() -> None:
    steps = trace(
        "000 000",
        ("draw", "000 010", {"color": 1}),
        ("resize", "00000 01000"),
        ("crop", "100", {"x": 1, "y": 1, "width": 3, "height": 1}),
        ("draw", "700", {"color": 7}),
    )
    assert linked(steps) == [Link(1, 2, "overwrites", "3 of 7 cells"), Link(0, 3, "overwrites", "1 of 1 cells")]


def test_of_many_writers_those_with_the_most_cells_are_linked() -> None:
    colours = "1223334444"
    states = [colours[: n + 1].ljust(10, "0") for n in range(10)]
    draws = [("draw", state, {"color": int(colours[n])}) for n, state in enumerate(states)]
    steps = trace("0" * 10, *draws, ("fill_selection", "9" * 10))
    assert [link.evidence for link in linked(steps, most=2)] == ["4 of 10 cells", "3 of 10 cells"]
    assert len(linked(steps, most=9)) == 4


def test_a_link_joins_two_steps_and_stands_at_the_later_one() -> None:
    steps = trace("00", ("draw", "10"), ("flood_fill", "20"))
    (said,) = proposed(ANNOTATOR, view(steps))["last_writer"]
    assert (said.start, said.end) == (1, 2)
    assert said.payload["source_step"] == 0
    assert said.payload["destination_step"] == 1
    with pytest.raises(ValueError, match="most should be 1 or more"):
        annotator("arc.last_writer", {"most": 0})


def test_links_of_recorded_traces_lead_back_to_steps_that_changed_something(shared_data: Any, read_source: Any) -> None:
    source = read_source("braingridgame", f"{shared_data}/arc/braingridgame/**/*.json")
    relations: set[str] = set()
    for name in source.trajectories:
        view_of = source.view(name)
        names = view_of.steps["action_name"].to_pylist()
        for one in proposed(LastWriter(most=100), view_of).get("last_writer", []):
            assert one.payload["source_step"] < one.payload["destination_step"]
            relations.add(one.payload["relation"])
            assert (names[one.payload["source_step"]] == "copy") == (one.payload["relation"] == "pastes")
            assert names[one.payload["destination_step"]] not in ("undo", "redo", "start_over", "submit")
    assert relations == {"pastes", "reads", "overwrites"}
