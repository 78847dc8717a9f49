"""`arc.replay` on every real history, on constructed steps, and on histories with planted faults."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest

from annotators.annotation import annotation_tables
from annotators.arc.recorded import Grid, RecordedStep, grids_of
from annotators.arc.replay import ANNOTATOR, Verdict, replay
from annotators.protocol import annotator, meets, producer_of


def grid(*rows: str) -> Grid:
    return np.array([[int(cell) for cell in row] for row in rows], np.uint8)


def steps(*actions: tuple[Any, ...], test: int = 0) -> list[RecordedStep]:
    """Steps from (name, arguments, grid after), each starting where the one before ended; None for no grid of its own."""
    made: list[RecordedStep] = []
    state = None
    for number, (name, arguments, after) in enumerate(actions):
        made.append(RecordedStep(number, name, arguments, (test, None), state, state if after is None else after))
        state = made[-1].after
    return made


def outcomes(*actions: tuple[Any, ...]) -> list[tuple[int, str]]:
    return [(verdict.step, verdict.outcome) for verdict in replay(steps(*actions))]


A, B, C = grid("10", "00"), grid("12", "00"), grid("12", "30")
OPEN: tuple[Any, ...] = ("show_editor", {}, A)
TO_B = ("draw", {"x": 1, "y": 0, "color": 2}, B)
TO_C = ("draw", {"x": 0, "y": 1, "color": 3}, C)


def verdicts_of(found: Any) -> Counter[str]:
    """The outcomes of all trajectories of a source."""
    counted: Counter[str] = Counter()
    for trajectory_id in found.trajectories:
        (annotation,) = ANNOTATOR.propose(found.view(trajectory_id))
        counted.update(annotation.payload["outcomes"])
    return counted


def test_the_seven_files_replay_exactly(shared_data: Path, read_source: Callable[..., Any]) -> None:
    assert verdicts_of(read_source("braingridgame", f"{shared_data}/arc/braingridgame/**/*.json")) == {"exact": 66}


def test_the_three_hundred_files_replay_exactly(shared_data: Path, read_source: Callable[..., Any]) -> None:
    assert verdicts_of(read_source("braingridgame", f"{shared_data}/arc/braingridgame_history/**/*.json")) == {"exact": 4918}


def test_each_checked_step_recorded_an_image(shared_data: Path, read_source: Callable[..., Any]) -> None:
    path = shared_data / "arc" / "braingridgame" / "16_04.json"
    events = [e["context"] for e in orjson.loads(path.read_bytes())["history"] if "context" in e]
    seen: set[str] = set()
    expected = []
    for number, context in enumerate(events):
        if "image" in context and context["imageHandle"] in seen:
            expected.append(number)
        if "image" in context:
            seen.add(context["imageHandle"])
    (annotation,) = ANNOTATOR.propose(read_source("braingridgame", path).view("s/16_04"))

    assert annotation.payload["steps"] == expected
    assert len(seen) == 2  # their first images are where the person started


def test_one_row_signed_by_the_oracle(shared_data: Path, read_source: Callable[..., Any]) -> None:
    found = read_source("braingridgame", shared_data / "arc" / "braingridgame" / "9_84.json")
    view = found.view("s/9_84")
    producer = producer_of(annotator("arc.replay"))
    table = annotation_tables(view.trajectory_id, producer, ANNOTATOR.propose(view))["checks"]
    (row,) = table.to_pylist()

    assert meets(ANNOTATOR.requires, view)
    assert (row["layer"], row["start"], row["end"]) == ("replay", 0, view.num_steps)
    assert (row["producer_type"], row["status"], row["quality"]) == ("oracle", "accepted", "primary")
    assert (row["name"], row["function"]) == ("replay", "arc.replay")
    assert set(row["outcomes"]) == {"exact"}
    assert row["observed"] == [None] * len(row["steps"])


def _planted(path: Path, tmp_path: Path, event: int) -> Path:
    """A copy of a history in which the last cell of one image has another colour."""
    document = orjson.loads(path.read_bytes())
    image = document["history"][event]["context"]["image"]
    image[-1][-1] = (image[-1][-1] + 1) % 10
    copy = tmp_path / "planted.json"
    copy.write_bytes(orjson.dumps(document))
    return copy


def test_one_wrong_cell_is_found_where_it_is(shared_data: Path, read_source: Callable[..., Any], tmp_path: Path) -> None:
    path = _planted(shared_data / "arc" / "braingridgame" / "9_84.json", tmp_path, 15)  # the last submit, step 14
    (annotation,) = ANNOTATOR.propose(read_source("braingridgame", path).view("s/planted"))
    found = dict(zip(annotation.payload["steps"], annotation.payload["outcomes"], strict=True))

    assert [step for step, outcome in found.items() if outcome != "exact"] == [14]
    assert annotation.payload["observed"][-1] == "1 of 25 cells differ"


def test_after_a_wrong_cell_the_record_is_trusted_again(
    shared_data: Path, read_source: Callable[..., Any], tmp_path: Path
) -> None:
    path = _planted(shared_data / "arc" / "braingridgame" / "9_84.json", tmp_path, 3)  # step 2, move down
    (annotation,) = ANNOTATOR.propose(read_source("braingridgame", path).view("s/planted"))
    found = dict(zip(annotation.payload["steps"], annotation.payload["outcomes"], strict=True))

    # Step 2 shows a cell that its action does not give; step 4 starts from that cell and does not have it any more.
    assert [step for step, outcome in found.items() if outcome == "diverged"] == [2, 4]
    assert Counter(found.values())["exact"] == len(found) - 2


def test_first_grids_are_not_counted() -> None:
    assert outcomes(OPEN) == []
    assert outcomes(OPEN, ("show_editor", {}, A), ("submit", {"correct": False}, A)) == [(1, "exact"), (2, "exact")]


def test_steps_without_a_grid_of_their_own_are_not_counted() -> None:
    assert outcomes(OPEN, ("pick_color", {"color": 2}, None), ("show_tool_panel", {}, None), TO_B) == [(3, "exact")]


def test_a_grid_that_changed_without_an_edit_diverged() -> None:
    assert outcomes(OPEN, ("pick_color", {"color": 2}, B), ("submit", {}, C)) == [(1, "diverged"), (2, "diverged")]


def test_undo_and_redo_go_through_the_edits() -> None:
    undo, redo = "undo", "redo"
    assert set(outcomes(OPEN, TO_B, TO_C, (undo, {}, B), (undo, {}, A), (redo, {}, B), (redo, {}, C), (undo, {}, B))) == {
        (number, "exact") for number in range(1, 8)
    }


def test_a_new_edit_forgets_what_could_be_redone() -> None:
    other = ("draw", {"x": 0, "y": 1, "color": 3}, grid("10", "30"))
    assert outcomes(OPEN, TO_B, ("undo", {}, A), other, ("redo", {}, B))[-1] == (4, "unverifiable")


def test_an_edit_without_effect_is_not_undone() -> None:
    same = ("draw", {"x": 0, "y": 0, "color": 1}, B)
    assert outcomes(OPEN, TO_B, same, ("undo", {}, A)) == [(1, "exact"), (2, "exact"), (3, "exact")]


def test_a_paste_without_effect_is_undone() -> None:
    copy = ("copy", {"x": 0, "y": 0, "width": 2, "height": 2}, None)
    paste = ("paste_accept", {"pasteX": 0, "pasteY": 0}, B)
    assert outcomes(OPEN, TO_B, copy, paste, ("undo", {}, B), ("undo", {}, A)) == [(n, "exact") for n in (1, 3, 4, 5)]


def test_start_over_brings_back_the_first_grid_and_forgets() -> None:
    found = outcomes(OPEN, TO_B, ("start_over", {}, A), ("undo", {}, B))
    assert found == [(1, "exact"), (2, "exact"), (3, "unverifiable")]
    assert outcomes(OPEN, TO_B, TO_C, ("start_over", {}, B))[-1] == (3, "diverged")


def test_the_clipboard_is_shared_and_the_undo_is_not() -> None:
    first = steps(OPEN, TO_B, ("copy", {"x": 1, "y": 0, "width": 1, "height": 1}, None))
    second = steps(("show_editor", {}, A), ("paste_accept", {"pasteX": 1, "pasteY": 0}, B), ("undo", {}, A), test=1)
    third = [RecordedStep(9, "undo", {}, (0, None), B, A)]

    assert [verdict.outcome for verdict in replay([*first, *second, *third])] == ["exact"] * 4


def test_undo_is_checked_against_what_was_recorded() -> None:
    (*_, last) = replay(steps(OPEN, TO_B, TO_C, ("undo", {}, A)))
    assert last == Verdict(3, "diverged", "1 of 4 cells differ")


def test_another_size_is_said() -> None:
    (only,) = replay(steps(OPEN, ("crop", {"x": 0, "y": 0, "width": 1, "height": 2}, A)))
    assert only == Verdict(1, "diverged", "expected 2x1, recorded 2x2 (rows x columns)")


@pytest.mark.parametrize(
    ("name", "arguments", "reason"),
    [
        ("sparkle", {}, "no rule for the action 'sparkle'"),
        (None, {}, "the action has no name"),
        ("draw", {"x": 1, "y": 0}, "argument color is not recorded"),
        ("draw", {"x": 5, "y": 0, "color": 1}, "cell x 5, y 0 lies outside 2x2"),
        ("undo", {}, "nothing to undo: no edit is recorded that it could be"),
        ("paste_accept", {"pasteX": 0, "pasteY": 0}, "the clipboard is unknown: no copy is recorded"),
    ],
)
def test_what_the_record_does_not_say_is_unverifiable(name: str | None, arguments: dict[str, Any], reason: str) -> None:
    assert list(replay(steps(OPEN, (name, arguments, B)))) == [Verdict(1, "unverifiable", reason)]


def test_a_copy_that_cannot_be_made_leaves_the_clipboard_unknown() -> None:
    good = ("copy", {"x": 0, "y": 0, "width": 1, "height": 1}, None)
    bad = ("copy", {"x": 9, "y": 0, "width": 1, "height": 1}, None)
    assert outcomes(OPEN, good, bad, ("paste_accept", {"pasteX": 0, "pasteY": 0}, A)) == [(3, "unverifiable")]


def test_after_an_edit_without_a_grid_things_are_unverifiable_until_the_next() -> None:
    recorded = steps(OPEN, TO_B)
    lost = RecordedStep(2, "draw", {"x": 0, "y": 1, "color": 3}, (0, None), B, None)
    found = RecordedStep(3, "submit", {}, (0, None), None, C)
    later = RecordedStep(4, "undo", {}, (0, None), C, B)
    again = RecordedStep(5, "draw", {"x": 0, "y": 1, "color": 3}, (0, None), B, C)

    assert [(v.step, v.outcome) for v in replay([*recorded, lost, found, later, again])] == [
        (1, "exact"),
        (3, "unverifiable"),
        (4, "unverifiable"),
        (5, "exact"),
    ]


def test_a_grid_of_no_panel_is_unverifiable() -> None:
    (only,) = replay([RecordedStep(0, "draw", {}, (None, None), None, A)])
    assert (only.outcome, only.observed) == ("unverifiable", "the grid before is not recorded")


def test_an_unknown_action_keeps_the_trajectory(read_source: Callable[..., Any], tmp_path: Path) -> None:
    context: dict[str, Any] = {"imageHandle": "test 0 output", "image": [[1]]}
    history = [
        {"id": 0, "wait": 0, "message": "", "context": {"action": "hide overview show editor", **context}},
        {"id": 1, "wait": 5, "message": "", "context": {"action": "sparkle", **context, "image": [[2]]}},
        {"id": 2, "wait": 5, "message": "", "context": {"action": "submit", **context, "image": [[2]], "correct": True}},
    ]
    (tmp_path / "a.json").write_text(json.dumps({"task": "t", "history": history}))
    found = read_source("braingridgame", tmp_path)
    (annotation,) = ANNOTATOR.propose(found.view("s/a"))

    assert not found.rejects
    assert annotation.payload["outcomes"] == ["unverifiable", "exact"]
    assert annotation.payload["observed"][0] == "no rule for the action 'sparkle'"


def test_grids_come_out_of_arrow_as_they_went_in() -> None:
    values = [[[1, 2], [3, 4]], None, [[5]], [], [[6, 7, 8]]]
    column = pa.chunked_array(
        [pa.array(values, pa.list_(pa.list_(pa.uint8()))).slice(1), pa.array([], pa.list_(pa.list_(pa.uint8())))]
    )

    assert [None if found is None else found.tolist() for found in grids_of(column)] == values[1:]
    with pytest.raises(ValueError, match="ragged"):
        grids_of(pa.chunked_array([pa.array([[[1, 2], [3]]], pa.list_(pa.list_(pa.uint8())))]))
