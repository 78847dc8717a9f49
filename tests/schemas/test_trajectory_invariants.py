"""One fault at a time in sound tables of what happened: its code, its place, and what would be right."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa
import pytest

from schemas.invariants import TRAJECTORY_CHECKS, check_trajectories
from schemas.invariants.violation import runs

from .conftest import Planted

Plant = Callable[[Planted], object]
NAN, INF = float("nan"), float("inf")


def header(planted: Planted, trajectory_id: str) -> dict[str, Any]:
    return planted.of("trajectories", trajectory_id)[0]


FAULTS: dict[str, tuple[Plant, str, str, str]] = {
    "two trajectories of one id": (
        lambda p: p.rows["trajectories"].append(dict(header(p, "r/1"))),
        "trajectory_twice", "r/1", "r/1 occurs 2 times; ids are `<source>/<native id>` and must be unique",
    ),
    "a domain": (
        lambda p: header(p, "g/0").update(domain="web"),
        "word_unknown", "g/0", "g/0: domain 'web' is none of robot, arc, gui, agent",
    ),
    "an agent type": (
        lambda p: header(p, "r/0").update(agent_type="person"),
        "word_unknown", "r/0", "r/0: agent_type 'person' is none of human, model, script",
    ),
    "an action kind of a robot": (
        lambda p: p.row("robot_steps", 1).update(action_kind="grip"),
        "word_unknown", "r/0", "r/0: action_kind 'grip' is none of control, grid_op, gui",
    ),
    "an action kind of a screen": (
        lambda p: p.row("gui_steps", 1).update(action_kind=""),
        "word_unknown", "g/0", "g/0: action_kind '' is none of control",
    ),
    "a stream kind": (
        lambda p: header(p, "g/0")["streams"][0].update(kind="pictures"),
        "word_unknown", "g/0", "g/0: stream kind 'pictures' is none of video, images, depth",
    ),
    "fewer steps than stated": (
        lambda p: header(p, "a/0").update(num_steps=4),
        "steps_miscounted", "a/0", "a/0: num_steps is 4, the step table has 3 rows",
    ),
    "no number of steps": (
        lambda p: header(p, "a/0").update(num_steps=None),
        "steps_miscounted", "a/0", "a/0: num_steps is None, the step table has 3 rows",
    ),
    "no steps at all": (
        lambda p: p.rows["gui_steps"].clear(),
        "steps_miscounted", "g/0", "g/0: num_steps is 2, the step table has 0 rows",
    ),
    "steps without a trajectory": (
        lambda p: p.rows["gui_steps"].append({"trajectory_id": "g/9", "step": 0}),
        "trajectory_missing", "g/9", "g/9 has steps and no row in `trajectories`",
    ),
    "a step left out": (
        lambda p: p.row("robot_steps", 3).update(step=4),
        "step_gap", "r/0", "r/0: row 3 of robot_steps is step 4, should be 3",
    ),
    "steps from 1": (
        lambda p: [row.update(step=row["step"] + 1) for row in p.rows["arc_steps"]],
        "step_gap", "a/0", "a/0: row 0 of arc_steps is step 1, should be 0",
    ),
    "a step without a number": (
        lambda p: p.row("gui_steps", 1).update(step=None),
        "step_gap", "g/0", "g/0: row 1 of gui_steps is step nan, should be 1",
    ),
    "time that goes back": (
        lambda p: p.row("robot_steps", 2).update(timestamp=0.05),
        "timestamp_back", "r/0", "r/0: timestamp of step 2 is 0.05 s, should be 0.1 s",
    ),
    "time that goes back over a null": (
        lambda p: (p.row("robot_steps", 1).update(timestamp=None), p.row("robot_steps", 2).update(timestamp=-1.0)),
        "timestamp_back", "r/0", "r/0: timestamp of step 2 is -1 s, should be 0 s",
    ),
    "a time that is no number": (
        lambda p: (p.row("arc_steps", 0).update(timestamp=None), p.row("arc_steps", 1).update(timestamp=NAN)),
        "timestamp_not_finite", "a/0", "a/0: timestamp of step 1 is NaN or infinite; one that was not recorded is null",
    ),
    "an infinite time": (
        lambda p: p.row("gui_steps", 1).update(timestamp=INF),
        "timestamp_not_finite", "g/0", "g/0: timestamp of step 1 is NaN or infinite",
    ),
    "a state that is no number": (
        lambda p: p.row("robot_steps", 3).update(state=[None, NAN]),
        "value_not_finite", "r/0", "r/0: state of step 3 holds NaN or infinity; what was not recorded is null",
    ),
    "an infinite action in the second episode": (
        lambda p: p.row("robot_steps", 5).update(action=[1.0, -INF]),
        "value_not_finite", "r/1", "r/1: action of step 1 holds NaN or infinity",
    ),
    "a camera pose that is no number": (
        lambda p: p.row("robot_steps", 3).update(camera_poses=[[0.0], [1.0, NAN]]),
        "value_not_finite", "r/0", "r/0: camera_poses of step 3 holds NaN or infinity",
    ),
    "a ragged grid": (
        lambda p: p.row("arc_steps", 1).update(grid_before=[[1, 2], [3]]),
        "grid_malformed", "a/0", "a/0: grid_before of step 1 is ragged: rows of 2 and 1 cells",
    ),
    "a grid without rows": (
        lambda p: p.row("arc_steps", 1).update(grid_after=[]),
        "grid_malformed", "a/0", "a/0: grid_after of step 1 has 0 rows, should have 1 to 100",
    ),
    "a grid with an empty row": (
        lambda p: p.row("arc_steps", 0).update(grid_after=[[]]),
        "grid_malformed", "a/0", "a/0: grid_after of step 0 has a row of 0 cells, should have 1 to 100",
    ),
    "a grid with a null row": (
        lambda p: p.row("arc_steps", 0).update(grid_after=[None]),
        "grid_malformed", "a/0", "a/0: grid_after of step 0 has a row of null, should have 1 to 100",
    ),
    "a grid with a null cell": (
        lambda p: p.row("arc_steps", 0).update(grid_after=[[1, None]]),
        "grid_malformed", "a/0", "a/0: grid_after of step 0 holds colour None, should be 0 to 15",
    ),
    "a grid that is too high": (
        lambda p: p.row("arc_steps", 2).update(background=[[0]] * 101),
        "grid_malformed", "a/0", "a/0: background of step 2 has 101 rows, should have 1 to 100",
    ),
    "a grid that is too wide": (
        lambda p: p.row("arc_steps", 2).update(background=[[0] * 101]),
        "grid_malformed", "a/0", "a/0: background of step 2 has a row of 101 cells, should have 1 to 100",
    ),
    "an unknown colour": (
        lambda p: p.row("arc_steps", 1).update(grid_after=[[0, 0], [0, 16]]),
        "grid_malformed", "a/0", "a/0: grid_after of step 1 holds colour 16, should be 0 to 15",
    ),
    "an unknown colour between": (
        lambda p: p.row("arc_steps", 1).update(grids_between=[[[1]], None, [[99]]]),
        "grid_malformed", "a/0", "a/0: grids_between of step 1 holds colour 99, should be 0 to 15",
    ),
    "a frame after the last": (
        lambda p: p.row("robot_steps", 3).update(frames=[8, 3, 0]),
        "frame_missing", "r/0", "r/0: frames of step 3 are [8, 3, 0], should be one per stream, below [8, 4, None], or null",
    ),
    "a frame before the first": (
        lambda p: p.row("robot_steps", 0).update(frames=[0, -1, 0]),
        "frame_missing", "r/0", "r/0: frames of step 0 are [0, -1, 0], should be one per stream",
    ),
    "a frame too few": (
        lambda p: p.row("robot_steps", 1).update(frames=[0, 0]),
        "frame_missing", "r/0", "r/0: frames of step 1 are [0, 0], should be one per stream",
    ),
    "frames of a trajectory without streams": (
        lambda p: p.row("robot_steps", 4).update(frames=[0]),
        "frame_missing", "r/1", "r/1: frames of step 0 are [0], should be one per stream, below [], or null",
    ),
    "a part that is gone": (
        lambda p: p.rows["videos"].pop(1),
        "video_miscounted", "r/0", "r/0: stream front states 8 frames, its parts hold 5",
    ),
    "a video that is gone": (
        lambda p: p.rows["videos"].pop(2),
        "video_miscounted", "r/0", "r/0: stream wrist states 4 frames, its parts hold 0",
    ),
    "a frame without a time": (
        lambda p: p.row("videos", 1).update(frame_timestamps=[0.5, 0.6]),
        "video_miscounted", "r/0", "r/0: part 1 of front has 3 frames and 2 times, should be as many",
    ),
    "no times of frames": (
        lambda p: p.row("videos", 2).update(frame_timestamps=None),
        "video_miscounted", "r/0", "r/0: part 0 of wrist has 4 frames and 0 times, should be as many",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("plant", "code", "trajectory_id", "message"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_found_with_its_code_its_place_and_what_would_be_right(
    happened: Planted, plant: Plant, code: str, trajectory_id: str, message: str
) -> None:
    plant(happened)
    found = check_trajectories(happened.tables())
    assert {(violation.code, violation.trajectory_id) for violation in found} == {(code, trajectory_id)}
    assert found[0].message.startswith(message)


def test_a_part_without_a_number_of_frames_is_found_and_stops_nothing(happened: Planted) -> None:
    happened.row("videos", 2).update(num_frames=None, frame_timestamps=None)
    messages = [violation.message for violation in check_trajectories(happened.tables())]
    assert messages == [
        "r/0: part 0 of wrist has None frames and 0 times, should be as many",
        "r/0: stream wrist states 4 frames, its parts hold 0",
    ]


def test_sound_tables_have_no_violation(happened: Planted) -> None:
    assert check_trajectories(happened.tables()) == []


def test_tables_without_rows_have_no_violation(
    happened: Planted, empty_tables: Callable[[Mapping[str, Any]], dict[str, pa.Table]]
) -> None:
    tables = empty_tables(happened.rows)
    assert check_trajectories(tables) == []
    assert all(runs(table) == [] for table in tables.values() if "trajectory_id" in table.column_names)


def test_columns_that_are_all_null_have_no_violation(happened: Planted) -> None:
    keys = {"trajectory_id", "step", "num_steps"}
    nulls = {name: [{k: v for k, v in row.items() if k in keys} for row in rows] for name, rows in happened.rows.items()}
    nulls.pop("videos")
    assert check_trajectories(Planted(nulls).tables()) == []


@pytest.mark.parametrize("chunked", [False, True], ids=["sliced", "chunked"])
def test_the_place_is_right_in_a_table_that_is_a_slice_or_lies_in_chunks(happened: Planted, chunked: bool) -> None:
    happened.row("arc_steps", 2).update(grid_after=[[1, 2], [16, 3]])
    happened.row("robot_steps", 5).update(state=[NAN], camera_poses=[[0.0], [NAN]])
    happened.row("gui_steps", 1).update(timestamp=-1.0)
    tables = happened.tables()
    for name, table in tables.items():
        padded = pa.concat_tables([table.slice(0, 1), table, table.slice(0, 1)])
        sliced = padded.combine_chunks().slice(1, table.num_rows)
        cut = [table.slice(0, 1), table.slice(1, 0), table.slice(1)]
        tables[name] = pa.concat_tables(cut) if chunked else sliced
    assert [violation.message for violation in check_trajectories(tables)] == [
        "g/0: timestamp of step 1 is -1 s, should be 0 s (of the step before) or later",
        "r/1: state of step 1 holds NaN or infinity; what was not recorded is null",
        "r/1: camera_poses of step 1 holds NaN or infinity; what was not recorded is null",
        "a/0: grid_after of step 2 holds colour 16, should be 0 to 15",
    ]


def test_every_code_of_every_check_is_planted_here() -> None:
    written = {check: re.findall(r'Violation\(\s*"(\w+)"', inspect.getsource(check)) for check in TRAJECTORY_CHECKS}
    assert all(f"`{code}`" in (inspect.getdoc(check) or "") for check, codes in written.items() for code in codes)
    assert {code for codes in written.values() for code in codes} == {code for _, code, _, _ in FAULTS.values()}
