"""The neutral format for recorders: it is read as documented, and whatever is not so is rejected with its line."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from annotators.arc import replay
from pipelines.formats.arc.trace_lines import json_schema
from pipelines.sources import arc_jsonl
from schemas.invariants import check_annotations, check_trajectories

Line = dict[str, Any]


def begin(own: str = "a", **said: Any) -> Line:
    return {"record": "trajectory", "version": 1, "id": own, "task_id": "t"} | said


def step(own: str = "a", action: str | None = "draw", **said: Any) -> Line:
    return {"record": "step", "id": own, "action": action} | said


@pytest.fixture
def read_lines(read_source: Callable[..., Any], tmp_path: Path) -> Callable[..., Any]:
    """Read one file of these lines: objects, or texts as they are."""

    def read(*lines: Line | str) -> Any:
        folder = tmp_path / "source"
        folder.mkdir()
        text = "\n".join(one if isinstance(one, str) else json.dumps(one) for one in lines)
        (folder / "day.jsonl").write_text(text, errors="surrogateescape")
        return read_source("arc_jsonl", folder)

    return read


def test_the_example_of_the_docstring_is_read(read_lines: Callable[..., Any]) -> None:
    text = (arc_jsonl.__doc__ or "").split("\n\n")[1]
    found = read_lines(
        *" ".join(part.strip() for part in text.splitlines()).replace('} {"record"', '}\n{"record"').splitlines()
    )
    header, rows = found.rows("s/day/ann-7", "trajectories")[0], found.rows("s/day/ann-7", "arc_steps")

    assert not found.rejects
    assert check_trajectories(found.trajectories["s/day/ann-7"]) == check_annotations(found.trajectories["s/day/ann-7"]) == []
    assert (header["task_id"], header["agent"], header["agent_type"]) == ("007bbfb7", "ann", "human")
    assert header["started_at"] == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert [row["action_name"] for row in rows] == ["copy_from_input", "draw"]
    assert [row["grid_before"] for row in rows] == [[[0, 0]], [[7, 0]]]
    assert json.loads(rows[1]["action_args"]) == {"x": 1, "y": 0, "color": 7}
    assert json.loads(rows[1]["source_action"]) == {"tool": "pencil"}
    assert [row["timestamp"] for row in rows] == [0.0, 1.5]
    (text_row,) = found.rows("s/day/ann-7", "texts")
    assert (text_row["layer"], text_row["channel"], text_row["status"]) == ("description", "do", "accepted")
    (verdicts,) = replay.ANNOTATOR.propose(found.view("s/day/ann-7"))
    assert verdicts.payload["outcomes"] == ["unverifiable", "exact"]


def test_everything_a_step_can_say(read_lines: Callable[..., Any]) -> None:
    found = read_lines(
        begin(success=False, score=0.5, attempt=3, colours=16, extras={"client": "x"}, instruction="do it"),
        step(before=[[1]], after=[[15]], between=[[[2]], [[3]]], selection=[[0, 0]], time=0, test=1),
        step(action=None, source={"jump": 1}, background=[[0]], floating=[[0, -1, 15]], after=[[0]], time=0.5, test=1),
        step(action="show_page", after=[[4]], test=0),
    )
    header, rows = found.rows("s/day/a", "trajectories")[0], found.rows("s/day/a", "arc_steps")

    assert (header["success"], header["success_by"], header["score"], header["attempt"]) == (False, "source", 0.5, 3)
    assert rows[0]["grids_between"] == [[[2]], [[3]]]
    assert (rows[1]["floating"], rows[1]["background"], rows[0]["floating"]) == ([[0, -1, 15]], [[0]], None)
    assert [row["grid_before"] for row in rows] == [[[1]], [[15]], None]  # another test is another grid
    assert [row["action_kind"] for row in rows] == ["grid_op", "grid_op", "system"]
    notes = json.loads(header["completeness"])
    assert notes["action_name"]["steps"] == [1]
    assert notes["timestamp"] == "a step has no time"


def test_trajectories_may_be_mixed(read_lines: Callable[..., Any]) -> None:
    found = read_lines(begin("a"), begin("b"), step("a", after=[[1]]), step("b", after=[[2]]), "", step("a", after=[[3]]))

    assert [row["grid_after"] for row in found.rows("s/day/a", "arc_steps")] == [[[1]], [[3]]]
    assert [row["grid_before"] for row in found.rows("s/day/a", "arc_steps")] == [None, [[1]]]
    assert len(found.rows("s/day/b", "arc_steps")) == 1


@pytest.mark.parametrize(
    ("bad", "code", "part"),
    [
        (step(action="scribble"), "action_unknown", "line 3: 'scribble' is no word"),
        (step(after=[[1, 2], [3]]), "grid_ragged", "line 3, after: row 1"),
        (step(after=[[10]]), "grid_colour", "from 0 to 9"),
        (step(after=[["7"]]), "line_invalid", "after.0.0: Input should be a valid integer"),
        (step(after=[[7.0]]), "line_invalid", "after.0.0"),
        (step(before=[[0] * 101]), "grid_size", "line 3, before"),
        (step(between=[[[11]]]), "grid_colour", "line 3, between"),
        (step(background=[]), "grid_size", "background"),
        (step(floating=[[0, 0, 12]]), "cell_invalid", "floating"),
        (step(selection=[[0, 99999]]), "cell_invalid", "selection"),
        (step(selection=[[0]]), "line_invalid", "selection.0"),
        (step(time=-1), "time_back", "should be 0 s"),
        (step(time="soon"), "line_invalid", "line 3: time"),
        (step(colour=5), "line_invalid", "line 3: colour: Extra inputs are not permitted"),
        (step(test=-1), "line_invalid", "test"),
        ({"record": "stop", "id": "a"}, "line_invalid", "line 3"),
        ({"record": "step", "id": "a"}, "line_invalid", "action: Field required"),
        ({"record": "text", "id": "a", "channel": "Do", "text": "x"}, "line_invalid", "channel"),
        (begin("a"), "line_invalid", "has begun before"),
    ],
)
def test_a_bad_line_costs_its_trajectory_alone(read_lines: Callable[..., Any], bad: Line, code: str, part: str) -> None:
    found = read_lines(begin("a"), step("a", time=0), bad, begin("b"), step("b"))

    assert list(found.trajectories) == ["s/day/b"]
    (reject,) = found.rejects
    assert (reject.code, reject.native_id) == (code, "day/a")
    assert part in reject.message


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        ('{"record": "step", "id": "a", ', "json_invalid"),
        ("[]", "line_invalid"),
        ('"text"', "line_invalid"),
        ('{"record": "step", "action": null}', "line_invalid"),
        ('{"record": "step", "id": 7, "action": null}', "line_invalid"),
        ('{"record": "trajectory", "version": 1, "id": ""}', "line_invalid"),
    ],
)
def test_a_line_of_nobody_costs_itself_alone(read_lines: Callable[..., Any], bad: str, code: str) -> None:
    found = read_lines(begin(), bad, step())

    assert list(found.trajectories) == ["s/day/a"]
    (reject,) = found.rejects
    assert (reject.code, reject.native_id, reject.source_uri) == (code, None, "day.jsonl")
    assert "day, line 2" in reject.message
    assert json.loads(found.rows("s/day/a", "trajectories")[0]["completeness"])["lines"]["lines"] == [2]


@pytest.mark.parametrize(
    ("lines", "code", "part"),
    [
        ([begin()], "no_steps", "its line 1"),
        ([step()], "line_invalid", "no trajectory 'a' has begun"),
        ([begin(version=2), step()], "line_invalid", "version"),
        ([begin(started_at="2026-01-02T03:04:05"), step()], "line_invalid", "timezone"),
        ([begin(agent_type="cat"), step()], "line_invalid", "agent_type"),
        ([begin(), step(time=5)], "time_origin", "5 s"),
    ],
)
def test_a_trajectory_that_is_not_whole_is_rejected(
    read_lines: Callable[..., Any], lines: list[Line], code: str, part: str
) -> None:
    found = read_lines(*lines)

    assert not found.trajectories
    (reject,) = found.rejects
    assert reject.code == code
    assert part in reject.message


def test_many_faults_are_counted(read_lines: Callable[..., Any]) -> None:
    (reject,) = read_lines(begin(), *[step(action="x")] * 9).rejects

    assert reject.message.endswith("(and 4 more)")
    assert reject.detail["faults"] == 9


def test_the_schema_names_the_three_lines() -> None:
    schema = json_schema()

    assert schema["discriminator"]["propertyName"] == "record"
    assert set(schema["discriminator"]["mapping"]) == {"trajectory", "step", "text"}
    assert schema["$defs"]["StepLine"]["additionalProperties"] is False
