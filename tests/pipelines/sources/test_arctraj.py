"""The `arctraj` reader: both layouts, the layers, and every kind of dirt that real rows have, each planted once."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines.sources import Rejected, Source, reader
from pipelines.sources import arctraj as module
from tests.pipelines.sources import arctraj_rows as made

action, row, select, solved, submit = made.action, made.row, made.select, made.solved, made.submit
EMPTY = [[0] * 3] * 3


@pytest.fixture
def read_rows(read_source: Callable[..., Any], tmp_path: Path) -> Callable[..., Any]:
    """Read some rows, of tasks of which one is known."""

    def read(*rows: dict[str, Any], columns: tuple[str, ...] = made.HUB, known: bool = True, **options: Any) -> Any:
        path = made.write_csv(tmp_path / "ARCTraj.csv", rows, columns)
        if known:
            options = {"tasks": str(made.write_tasks(tmp_path / "tasks")), **options}
        return read_source("arctraj", path, **options)

    return read


def notes(found: Any, trajectory_id: str) -> dict[str, Any]:
    (header,) = found.rows(trajectory_id, "trajectories")
    return {} if header["completeness"] is None else json.loads(header["completeness"])


def test_a_row_becomes_a_trajectory(read_rows: Callable[..., Any]) -> None:
    found = read_rows(row(11, solved()))
    (header,) = found.rows("s/11", "trajectories")
    steps = found.rows("s/11", "arc_steps")

    assert not found.rejects
    assert (header["task_id"], header["agent"], header["agent_type"], header["num_steps"]) == ("aaaa1111", "7", "human", 3)
    assert (header["success"], header["success_by"], header["score"]) == (None, None, None)  # `succeed` is always false
    assert header["started_at"] == datetime(2024, 2, 15, 2, 35, 0, 250_000, UTC)
    assert header["duration"] == 3.0
    assert json.loads(header["extras"])["startedAt"] == "2024-02-15 02:35:00.001"
    assert [step["timestamp"] for step in steps] == [0.0, 1.0, 2.0]
    assert [step["action_name"] for step in steps] == ["select_rectangle", "paint", "submit"]
    assert [step["grid_before"] for step in steps] == [made.START, made.START, made.ANSWER]
    assert [step["grid_after"] for step in steps] == [made.START, made.ANSWER, made.ANSWER]
    assert [step["background"] for step in steps] == [EMPTY, EMPTY, made.ANSWER]
    assert [step["floating"] for step in steps] == [[[1, 1, 5]], [[1, 1, 7]], []]
    assert [step["selection"] for step in steps] == [[[1, 1]], [[1, 1]], [[1, 1]]]
    assert {step["test_index"] for step in steps} == {0}
    assert json.loads(steps[1]["action_args"]) == {"color": 7}
    assert json.loads(steps[2]["source_action"]) == {
        "category": "Any",
        "operation": "Submit",
        "overlapped": True,
        "special": {"succeed": False},
    }
    assert found.tasks["aaaa1111"].tests[0].output.tolist() == made.ANSWER


def test_every_operation_has_its_word(read_rows: Callable[..., Any]) -> None:
    two = [(0, 0, 0), (1, 0, 0)]
    clip = {"clipboard": [{"x": 1, "y": 0, "color": 0}, {"x": 0, "y": 0, "color": 0}, {"x": None, "y": None, "color": 3}]}
    entries = [
        action("SelectCell", made.START, [(0, 0, 0)], position={"x": 0, "y": 0}),
        action("SelectObject", made.START, two, position={"x": 0, "y": 0}),
        action("Move", made.START, two, direction="up"),
        action("Flip", made.START, two, direction="vertical"),
        action("Rotate", made.START, two, direction="counterclockwise"),
        action("Copy", made.START, two, source="output", position={"x": 2, "y": 1}, special=clip),
        action("Paste", made.START, two, position={"x": 1, "y": -2}),
        action("Undo", made.START, two),
        action("Redo", made.START, two),
        action("ResizeGrid", [[0, 0]], [], position={"x": 2, "y": 1}),
        submit([[0, 0]]),
    ]
    steps = read_rows(row(1, entries)).rows("s/1", "arc_steps")
    said = {step["action_name"]: json.loads(step["action_args"]) for step in steps}

    assert said == {
        "select_cell": {"x": 0, "y": 0},
        "select_object": {"x": 0, "y": 0},
        "move_up": {},
        "flip_y": {},
        "rotate_selection_counterclockwise": {},
        "copy": {"cells": [[0, 0, 0], [0, 1, 0]], "source": "output"},
        "paste": {"x": 1, "y": -2},
        "undo": {},
        "redo": {},
        "resize": {"width": 2, "height": 1, "color": 0},
        "submit": {},
    }
    assert steps[9]["selection"] == [[0, 0], [0, 1]]  # what floated when the size was chosen
    assert steps[9]["floating"] == []


def test_transparent_and_outside_cells(read_rows: Callable[..., Any]) -> None:
    floating = [(1, 1, 0), (0, 0, 4), (-1, 2, 6), (9, 9, 8)]
    steps = read_rows(row(1, [action("Move", made.START, floating, direction="left"), submit(made.START)])).rows(
        "s/1", "arc_steps"
    )

    assert steps[0]["grid_after"] == [[4, 0, 0], [0, 5, 0], [0, 0, 0]]  # 0 shows what is under it
    assert steps[0]["floating"] == [[0, 0, 4], [1, 1, 0], [2, -1, 6], [9, 9, 8]]  # [row, column, colour], nothing clipped


def test_a_field_beyond_the_limit_of_the_csv_module(read_rows: Callable[..., Any]) -> None:
    many = solved()[:1] * 1600 + [submit(made.START)]
    stamps = [{**entry, "timestamp": "2024-02-15T02:35:01.000Z"} for entry in many]
    found = read_rows(row(1, json.dumps(stamps)), row(2, solved()))

    assert len(json.dumps(stamps)) > 298_865
    assert found.rows("s/1", "trajectories")[0]["num_steps"] == 1601
    assert not found.rejects


def test_a_row_that_is_no_json_is_rejected_alone(read_rows: Callable[..., Any]) -> None:
    found = read_rows(row(3095, solved()), row(3096, "fancyfancylog"), row(3097, solved()))

    assert sorted(found.trajectories) == ["s/3095", "s/3097"]
    (reject,) = found.rejects
    assert (reject.native_id, reject.code) == ("3096", "actions_invalid")
    assert reject.message.startswith("row logId=3096: actionSequence is not JSON (starts 'fancyfancylog')")


def test_cells_without_a_place_are_dropped_and_counted(read_rows: Callable[..., Any]) -> None:
    null = (None, None, 3)
    entries = [
        action("SelectGrid", EMPTY, [(1, 1, 5), null, null]),
        action("Copy", EMPTY, [(1, 1, 5), null], position={"x": None, "y": None}, source="output", special={"clipboard": []}),
        action("Paste", made.START, [null, (0, 0, 2)], position={"x": None, "y": None}),
        submit([[2, 0, 0], [0, 5, 0], [0, 0, 0]]),
    ]
    found = read_rows(row(1, entries))
    steps = found.rows("s/1", "arc_steps")

    assert [step["floating"] for step in steps] == [[[1, 1, 5]], [[1, 1, 5]], [[0, 0, 2]], []]
    assert json.loads(steps[2]["action_args"]) == {}
    assert notes(found, "s/1")["cells_without_place"] | {"reason": ""} == {"reason": "", "steps": [0, 1, 2], "cells": [2, 1, 1]}


def test_of_cells_on_one_place_the_last_counts(read_rows: Callable[..., Any]) -> None:
    entries = [
        action("Paste", made.START, [(0, 0, 2), (0, 0, 0), (2, 0, 0), (2, 0, 4)], position={"x": 0, "y": 0}),
        submit(EMPTY),
    ]
    found = read_rows(row(1, entries))
    steps = found.rows("s/1", "arc_steps")

    assert steps[0]["floating"] == [[0, 0, 0], [0, 2, 4]]
    assert steps[0]["grid_after"][0] == [0, 0, 4]
    assert (notes(found, "s/1")["cells_doubled"]["steps"], notes(found, "s/1")["cells_doubled"]["cells"]) == ([0], [2])


def test_a_cell_outside_is_odd_where_it_is_selected_and_not_where_it_is_moved(read_rows: Callable[..., Any]) -> None:
    entries = [select(made.START, [(-1, 0, 0)]), action("Move", made.START, [(-2, 0, 0)], direction="left"), submit(made.START)]

    assert notes(read_rows(row(1, entries)), "s/1")["cells_outside"]["steps"] == [0]


def test_what_floats_outside_is_not_copied_from_the_input_panel(read_rows: Callable[..., Any]) -> None:
    outside = action("Move", made.START, [(-1, 0, 0)], direction="left")
    clip = {"clipboard": [{"x": 0, "y": 0, "color": 5}]}
    copies = [
        action("Copy", EMPTY, [(1, 1, 5)], source=source, position={"x": 1, "y": 1}, special=clip)
        for source in ("input", "output")
    ]
    copies[1] |= {"grid": made.START, "object": outside["object"]}
    found = read_rows(row(1, [outside, copies[0], submit(made.START)]), row(2, [outside, copies[1], submit(made.START)]))

    assert "cells_outside" not in notes(found, "s/1")
    assert notes(found, "s/2")["cells_outside"]["steps"] == [1]


def test_a_copy_from_the_input_panel_leaves_what_is_worked_on(read_rows: Callable[..., Any]) -> None:
    clip = {"clipboard": [{"x": 0, "y": 0, "color": 5}]}
    copy = action("Copy", EMPTY, [(1, 1, 5)], position={"x": 1, "y": 1}, source="input", special=clip)
    painted = [select(EMPTY, [(1, 1, 5)]), action("Paint", EMPTY, [(1, 1, 7)], color=7)]
    found = read_rows(row(1, [*painted, copy, submit(made.ANSWER)]), row(2, [copy, submit(made.START)]))
    steps, first = found.rows("s/1", "arc_steps"), found.rows("s/2", "arc_steps")

    assert steps[2]["grid_after"] == made.ANSWER
    assert steps[2]["floating"] == [[1, 1, 7]]
    assert json.loads(steps[2]["source_action"])["grid"] == EMPTY  # what the panel showed is not lost
    assert json.loads(steps[2]["action_args"]) == {"cells": [[0, 0, 5]], "source": "input"}
    assert (first[0]["grid_before"], first[0]["grid_after"], first[0]["floating"]) == (made.START, made.START, [])


def test_a_paste_of_nothing_that_was_copied_is_flagged(read_rows: Callable[..., Any]) -> None:
    paste = action("Paste", made.START, [(0, 0, 3)], position={"x": 0, "y": 0})
    copy = action("Copy", made.START, [], source="output", position=None, special={"clipboard": []})
    found = read_rows(row(1, [paste, submit(made.START)]), row(2, [copy, paste, submit(made.START)]))

    assert notes(found, "s/1")["orphan_paste"]["steps"] == [0]
    assert "orphan_paste" not in notes(found, "s/2")  # it was copied, and empty


def test_a_bare_submit_of_a_blank_grid_is_a_page_that_had_not_come_up(read_rows: Callable[..., Any]) -> None:
    found = read_rows(row(1, [submit([[0] * 5] * 5)]), row(2, [submit(made.START)]))

    assert found.rows("s/1", "arc_steps")[0]["grid_before"] == [[0] * 5] * 5
    assert "page_not_loaded" in notes(found, "s/1")
    assert found.rows("s/2", "arc_steps")[0]["grid_before"] == made.START
    assert "page_not_loaded" not in notes(found, "s/2")


def test_without_the_task_the_start_is_taken_from_a_first_action_that_changes_nothing(read_rows: Callable[..., Any]) -> None:
    found = read_rows(row(1, solved()), row(2, [submit(made.START)]), known=False)

    assert found.rows("s/1", "arc_steps")[0]["grid_before"] == made.START
    assert found.rows("s/2", "arc_steps")[0]["grid_before"] is None
    assert notes(found, "s/1")["grid_before"]["steps"] == notes(found, "s/2")["grid_before"]["steps"] == [0]


def test_the_older_export_counts_the_tasks(read_source: Callable[..., Any], tmp_path: Path) -> None:
    columns = ("id", "startedAt", "endedAt", "userId", "taskId", "actionSequence", "parsed_trajectory")
    names = {f"{number:08x}": made.TASK for number in range(400)}
    rows = []
    for number, task in ((1, "1"), (2, "400"), (3, "401"), (4, "0")):
        full = row(number, solved(), taskId=task, id=number, parsed_trajectory="[('SelectGrid', {'x': 1}), \"a, b\"]")
        rows.append({name: full[name] for name in columns})
    path = made.write_csv(tmp_path / "task.csv", rows, columns)
    found = read_source("arctraj", path, tasks=str(made.write_tasks(tmp_path / "tasks", names)))

    assert found.rows("s/1", "trajectories")[0]["task_id"] == "00000000"
    assert found.rows("s/2", "trajectories")[0]["task_id"] == "0000018f"
    assert [(reject.native_id, reject.code) for reject in found.rejects] == [("3", "task_number"), ("4", "task_number")]
    few = read_source("arctraj", path, tasks=str(made.write_tasks(tmp_path / "few")))
    assert {reject.code for reject in few.rejects} == {"task_number"}
    assert "give the option `tasks`" in few.rejects[0].message


@pytest.mark.parametrize("task", ["", "null", "NaN"])
def test_a_row_without_a_task_is_rejected(read_rows: Callable[..., Any], task: str) -> None:
    found = read_rows(row(1, solved(), taskId=task), row(2, solved(), taskId="ffff0000"))

    assert [(reject.native_id, reject.code) for reject in found.rejects] == [("1", "task_missing")]
    assert found.rows("s/2", "trajectories")[0]["task_id"] == "ffff0000"  # nobody knows it, and it stays


BROKEN: list[tuple[str, Any, str]] = [
    ("actions_invalid", "{}", "is no list"),
    ("actions_invalid", "[]", "is empty"),
    ("actions_invalid", "[3]", "step 0: the action is no object"),
    (
        "action_unknown",
        [action("ResetGrid", EMPTY), submit(EMPTY)],
        "step 0: unknown operation 'ResetGrid'; ARCTraj has SelectGrid",
    ),
    ("argument_invalid", [action("Move", EMPTY, direction="aside"), submit(EMPTY)], "step 0 (Move): direction 'aside'"),
    ("argument_invalid", [action("Paint", EMPTY, color=10), submit(EMPTY)], "step 0 (Paint)"),
    ("argument_invalid", [action("ResizeGrid", EMPTY, position={"x": 31, "y": 1}), submit(EMPTY)], "step 0 (ResizeGrid)"),
    ("grid_ragged", [select([[0, 0], [0]], []), submit(EMPTY)], "step 0 (SelectGrid): row 1 has 1 cells"),
    ("grid_ragged", [select([[0, 0], [0, 0, 0], [0]], []), submit(EMPTY)], "row 1 has 3 cells"),
    ("grid_size", [select([[0] * 31], []), submit(EMPTY)], "1 x 31"),
    ("grid_size", [select([], []), submit(EMPTY)], "0 rows"),
    ("grid_colour", [select([[0, 10]], []), submit(EMPTY)], "cell [0, 1] is '10'"),
    ("grid_colour", [select([[0, 300]], []), submit(EMPTY)], "cell [0, 1] is '300'"),
    ("grid_colour", [select([["7", 7]], []), submit(EMPTY)], "cell [0, 0] is '7'"),
    ("grid_colour", [select([[True]], []), submit(EMPTY)], "cell [0, 0] is 'True'"),
    ("grid_invalid", [select(None, []), submit(EMPTY)], "no list of rows"),
    ("cell_invalid", [select(EMPTY, [(0, 0, 11)]), submit(EMPTY)], "color from 0 to 9"),
    ("cell_invalid", [select(EMPTY, [("0", 0, 1)]), submit(EMPTY)], "step 0 (SelectGrid): `object` holds"),
    ("cell_invalid", [select(EMPTY, [(0, 1.5, 1)]), submit(EMPTY)], "`object` holds"),
    ("cell_invalid", [select(EMPTY, [(0, 100_000, 1)]), submit(EMPTY)], "`object` holds"),
    ("submit_misplaced", [select(EMPTY, [])], "Submit stands at steps []"),
    ("submit_misplaced", [submit(EMPTY), submit(EMPTY)], "Submit stands at steps [0, 1] of 2"),
    ("submit_misplaced", [submit(EMPTY), select(EMPTY, [])], "Submit stands at steps [0] of 2"),
    ("timestamp_back", [{**select(EMPTY, []), "timestamp": "2024-02-15T02:35:59.000Z"}, submit(EMPTY)], "go back"),
    ("timestamp_invalid", [{**select(EMPTY, []), "timestamp": "soon"}, submit(EMPTY)], "step 0: the timestamp 'soon'"),
]


@pytest.mark.parametrize(("code", "actions", "part"), BROKEN, ids=[f"{code}-{i}" for i, (code, _, _) in enumerate(BROKEN)])
def test_what_is_wrong_costs_its_row_and_says_where(read_rows: Callable[..., Any], code: str, actions: Any, part: str) -> None:
    found = read_rows(row(1, solved()), row(2, actions), row(3, solved()))

    assert sorted(found.trajectories) == ["s/1", "s/3"]
    (reject,) = found.rejects
    assert (reject.native_id, reject.code) == ("2", code)
    assert reject.message.startswith("row logId=2: ")
    assert part in reject.message


def test_an_end_before_the_start_is_rejected(read_rows: Callable[..., Any]) -> None:
    (reject,) = read_rows(row(1, solved(), endedAt="2024-02-15 02:34:00")).rejects

    assert reject.code == "timestamp_back"
    assert "02:35:00.001 is later than endedAt 2024-02-15 02:34:00" in reject.message


def test_a_stamp_that_was_not_recorded_is_null(read_rows: Callable[..., Any]) -> None:
    entries = [{**entry, "timestamp": None} for entry in solved()]
    found = read_rows(row(1, entries))

    assert [step["timestamp"] for step in found.rows("s/1", "arc_steps")] == [None] * 3
    assert found.rows("s/1", "trajectories")[0]["started_at"] is None
    assert found.rows("s/1", "trajectories")[0]["duration"] is None


def test_lines_that_are_no_rows_cost_themselves_alone(read_source: Callable[..., Any], tmp_path: Path) -> None:
    path = made.write_csv(tmp_path / "a.csv", [row(1, solved()), row(2, solved()), row(1, solved()), row(4, solved())])
    lines = path.read_bytes().splitlines(keepends=True)
    whole = b"".join([*lines[:2], b'9,"half a row\n', b"7,8\n", b"5,\xff\xfe,a,b,c,d\n", b"\n", *lines[2:]])
    path.write_bytes(whole)
    found = read_source("arctraj", path)

    assert sorted(found.trajectories) == ["s/1", "s/2", "s/4"]
    assert [reject.code for reject in found.rejects] == ["row_invalid", "row_invalid", "row_invalid", "native_id_clash"]
    assert f"at byte {len(lines[0] + lines[1])}" in found.rejects[0].message


def test_a_file_of_something_else_is_rejected(read_source: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    (reject,) = read_source("arctraj", tmp_path / "a.csv").rejects

    assert reject.code == "columns_missing"
    assert "userId, taskId, actionSequence, startedAt, endedAt, logId (or id)" in reject.message


def test_stretches_of_any_length_give_the_same(
    read_rows: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rows = [row(number, solved() if number % 3 else [submit(made.START)]) for number in range(1, 12)]
    whole = read_rows(*rows)
    for length in (137, 700, 10_000):
        monkeypatch.setattr(module, "STRETCH", length)
        cut = read_rows(*rows)
        assert cut.trajectories.keys() == whole.trajectories.keys()
        assert not cut.rejects
        for name in whole.trajectories:
            assert cut.rows(name, "arc_steps") == whole.rows(name, "arc_steps")
            assert cut.rows(name, "trajectories") == whole.rows(name, "trajectories")


def test_another_task_folder_reads_anew(tmp_path: Path) -> None:
    path = made.write_csv(tmp_path / "a.csv", [row(1, solved())])
    tasks = made.write_tasks(tmp_path / "tasks")
    found = reader("arctraj")
    source = Source("s", "arctraj", str(path), "cc0-1.0", None, found.options(tasks=str(tasks)))
    before = [ref.selector for ref in found.plan(source)]  # type: ignore[union-attr]
    made.write_tasks(tmp_path / "tasks", {"bbbb2222": made.TASK})

    assert [ref.selector for ref in found.plan(source)][1:] != before[1:]  # type: ignore[union-attr]
    with pytest.raises(Rejected, match="nowhere"):
        list(found.plan(Source("s", "arctraj", str(path), "cc0-1.0", None, found.options(tasks=str(tmp_path / "nowhere")))))


def test_scores_and_users_are_kept_where_they_are_said(read_rows: Callable[..., Any]) -> None:
    columns = (*made.HUB, "score")
    found = read_rows(row(1, solved(), score="83000"), row(2, solved(), score="", userId=""), columns=columns)

    assert [found.rows(f"s/{i}", "trajectories")[0]["score"] for i in (1, 2)] == [83000.0, None]
    assert [found.rows(f"s/{i}", "trajectories")[0]["agent"] for i in (1, 2)] == ["7", None]
