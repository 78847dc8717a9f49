"""The `h_arc` reader on a file made here by the columns of H-ARC's readme: none of its own was seen."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from annotators.arc import replay
from annotators.arc.recorded import recorded_steps
from annotators.task import Pair, Task
from pipelines.sources.h_arc import ACTION, NEEDED, WORDS, text_grid, time_of
from schemas.arc_operations import OPERATIONS
from schemas.invariants import check_trajectories

COLUMNS = (*NEEDED, *ACTION, "test_output_grid", "test_input_grid", "exp_name", "task_type", "age")
COLUMNS = tuple(dict.fromkeys(COLUMNS))
JOINT = "abc_0a0a0a0a.json"
Row = dict[str, str]


def row(number: int, action: str, grid: str, second: int | None = None, **values: str) -> Row:
    said = {
        "hashed_id": "abc", "joint_id_task": JOINT, "task_name": "0a0a0a0a.json", "attempt_number": "1", "age": "42",
        "action_id": str(number), "time": f"5/6/2021, 1:02:{(second or number):02} PM", "solved": "False", "action": action,
        "test_output_grid": grid, "test_input_grid": "|12|", "exp_name": "exp", "task_type": "training",
    }  # fmt: skip
    return said | values


START = [
    row(1, "copy_from_input", "|12|"),
    row(2, "change_height", "|12|00|", test_output_size_x="2", test_output_size_y="2"),
    row(3, "edit", "|12|30|", action_x="1", action_y="0.0", selected_symbol="3"),
    row(4, "select_cells", "|12|30|", selected_data="[[0, 0], [1, 0]]", select_loc="test_output"),
    row(5, "select_copy", "|12|30|", copy_paste_data="[[0,0,1],[1,0,3]]"),
    row(6, "select_paste", "|11|33|", action_x="0", action_y="1", copy_paste_data="[[0,0,1],[1,0,3]]"),
    row(7, "submit", "|11|33|", done="True"),
    row(1, "floodfill", "|11|44|", 20, attempt_number="3", action_x="1", action_y="1", selected_symbol="4"),
    row(2, "submit", "|11|44|", 21, attempt_number="3", solved="True"),
    row(3, "write_last_description", "|11|44|", 22, attempt_number="4", solved="True"),
]


@pytest.fixture
def read_rows(read_source: Callable[..., Any], tmp_path: Path) -> Callable[..., Any]:
    """Read one file of these rows; `text` is put behind them as it is."""

    def read(*rows: Row, columns: tuple[str, ...] = COLUMNS, text: str = "", **options: Any) -> Any:
        folder = tmp_path / "source"
        folder.mkdir(exist_ok=True)
        with (folder / "data.csv").open("w", newline="") as opened:
            writer = csv.DictWriter(opened, columns, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(rows)
            opened.write(text)
        (folder / "summary_data.csv").write_text("not this one")
        return read_source("h_arc", folder, **options)

    return read


def test_attempts_are_trajectories_and_the_fourth_is_the_third(read_rows: Callable[..., Any]) -> None:
    found = read_rows(*START)
    first, third = (found.rows(f"s/abc_0a0a0a0a/{n}", "trajectories")[0] for n in (1, 3))

    assert not found.rejects
    assert len(found.trajectories) == 2
    assert [check_trajectories(tables) for tables in found.trajectories.values()] == [[], []]
    assert (first["attempt"], third["attempt"]) == (0, 2)
    assert (first["num_steps"], third["num_steps"]) == (7, 3)
    assert (first["success"], third["success"], third["success_by"]) == (False, True, "source")
    assert first["group"] == third["group"] == "abc_0a0a0a0a"
    assert (first["task_id"], first["agent"], first["started_at"]) == ("0a0a0a0a", "abc", None)
    notes = json.loads(third["completeness"])
    assert "no file of H-ARC was seen" in notes["source"]
    assert notes["grid"].startswith("test_output_grid; test_output_grid changes in 1 traces")
    assert "age" not in first["extras"] + "".join(r["source_action"] for r in found.rows("s/abc_0a0a0a0a/1", "arc_steps"))


def test_rows_become_steps(read_rows: Callable[..., Any]) -> None:
    found = read_rows(*reversed(START))  # the order is that of action_id
    rows = [r for n in (1, 3) for r in found.rows(f"s/abc_0a0a0a0a/{n}", "arc_steps")]
    names = ["copy_from_input", "resize", "draw", "select_cells", "copy_cells", "paste_cells", "submit", "flood_fill"]

    assert [r["action_name"] for r in rows] == [*names, "submit", "describe"]
    assert json.loads(rows[2]["action_args"]) == {"x": 0, "y": 1, "color": 3}
    assert rows[2]["grid_after"] == [[1, 2], [3, 0]]
    assert rows[0]["grid_before"] is None
    assert rows[7]["grid_before"] == rows[6]["grid_after"]  # over the attempts
    assert rows[3]["selection"] == [[0, 0], [1, 0]]
    assert [r["timestamp"] for r in rows] == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 0.0, 1.0, 2.0]
    assert rows[9]["action_kind"] == "speak"
    task = Task("0a0a0a0a", tests=(Pair(np.array([[1, 2]], np.uint8), None),))
    verdicts = [v.outcome for n in (1, 3) for v in replay.replay(recorded_steps(found.view(f"s/abc_0a0a0a0a/{n}")), task)]
    assert set(verdicts) == {"exact"}
    assert len(verdicts) == 6  # all but the first edit, before which no grid is recorded, and what shows none


def test_every_word_is_one_of_ours() -> None:
    assert {word.name for word in WORDS.values()} <= OPERATIONS.keys()


def test_the_working_grid_is_the_column_that_changes(read_rows: Callable[..., Any]) -> None:
    swapped = [r | {"test_output_grid": "|12|", "test_input_grid": r["test_output_grid"]} for r in START]
    found = read_rows(*swapped)
    asked = read_rows(*swapped, grid="test_output_grid")

    assert found.rows("s/abc_0a0a0a0a/1", "arc_steps")[2]["grid_after"] == [[1, 2], [3, 0]]
    assert "test_input_grid;" in json.loads(found.rows("s/abc_0a0a0a0a/1", "trajectories")[0]["completeness"])["grid"]
    assert asked.rows("s/abc_0a0a0a0a/1", "arc_steps")[2]["grid_after"] == [[1, 2]]
    assert "as the recipe says" in json.loads(asked.rows("s/abc_0a0a0a0a/1", "trajectories")[0]["completeness"])["grid"]


@pytest.mark.parametrize("text", ["5/6/2021, 1:02:03 PM", "05/06/2021, 13:02:03", "2021-05-06 13:02:03.000000"])
def test_three_formats_of_time(text: str) -> None:
    assert time_of(text, "line 2").isoformat() == "2021-05-06T13:02:03"


def test_a_grid_is_rows_between_bars() -> None:
    assert text_grid("|912849821|443127679|", "line 2").tolist() == [[9, 1, 2, 8, 4, 9, 8, 2, 1], [4, 4, 3, 1, 2, 7, 6, 7, 9]]


@pytest.mark.parametrize(
    ("fault", "code", "part"),
    [
        ({"time": "yesterday"}, "time_invalid", "line 4"),
        ({"test_output_grid": "|12|3|"}, "grid_ragged", "line 4 (test_output_grid)"),
        ({"test_output_grid": "|1a|"}, "grid_invalid", "'|1a|'"),
        ({"test_output_grid": "12"}, "grid_invalid", "between bars"),
        ({"test_output_grid": f"|{'0' * 31}|"}, "grid_size", "1 to 30"),
        ({"action_id": "third"}, "row_invalid", "line 4: action_id is 'third'"),
        ({"attempt_number": "0"}, "row_invalid", "attempts count from 1"),
        ({"task_name": ""}, "row_invalid", "line 4: the row has no task_name"),
    ],
)
def test_a_bad_row_costs_its_trace_alone(read_rows: Callable[..., Any], fault: Row, code: str, part: str) -> None:
    good = [r | {"joint_id_task": "xyz_0a0a0a0a.json", "hashed_id": "xyz"} for r in START]
    found = read_rows(*START[:2], START[2] | fault, *START[3:], *good)

    assert set(found.trajectories) == {"s/xyz_0a0a0a0a/1", "s/xyz_0a0a0a0a/3"}
    (reject,) = found.rejects
    assert (reject.code, reject.native_id) == (code, JOINT)
    assert part in reject.message


def test_rows_of_another_length_and_of_nobody(read_rows: Callable[..., Any]) -> None:
    other = START[0] | {"joint_id_task": "xyz_0a0a0a0a.json"}
    found = read_rows(other, START[0] | {"joint_id_task": ""}, text="abc,abc_0a0a0a0a.json,short\r\n")

    assert set(found.trajectories) == {"s/xyz_0a0a0a0a/1"}
    assert [(r.code, r.native_id, r.detail) for r in found.rejects] == [
        ("row_invalid", None, {"line": 3}),
        ("row_invalid", JOINT, {"line": 4}),
    ]


def test_an_unknown_action_and_an_absent_grid_are_noted(read_rows: Callable[..., Any]) -> None:
    found = read_rows(START[0], row(2, "dance", ""), START[2])
    notes = json.loads(found.rows("s/abc_0a0a0a0a/1", "trajectories")[0]["completeness"])

    assert notes["action_name"]["actions"] == {"dance": 1}
    assert notes["grid_after"]["steps"] == [1]
    assert [r["action_name"] for r in found.rows("s/abc_0a0a0a0a/1", "arc_steps")] == ["copy_from_input", "dance", "draw"]


def test_another_table_is_rejected(read_rows: Callable[..., Any]) -> None:
    found = read_rows(START[0], columns=("hashed_id", "task_name"))

    (reject,) = found.rejects
    assert reject.code == "columns_missing"
    assert "joint_id_task" in reject.message


def test_a_large_file_is_read_in_parts(read_rows: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.sources.h_arc.BYTES_PER_PART", 400)
    people = [START[0] | {"joint_id_task": f"{n}_0a0a0a0a.json"} for n in range(9)]
    found = read_rows(*people, START[0] | {"joint_id_task": ""})

    assert len(found.trajectories) == 9
    assert len(found.rejects) == 1
