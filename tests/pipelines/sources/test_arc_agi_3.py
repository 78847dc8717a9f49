"""The `arc_agi_3` reader on recordings made here in the layout of the recorder (no recording of others is at hand)."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from annotators.arc import replay
from pipelines.sources.arc_agi_3 import WORDS, recording_name
from schemas.arc_operations import OPERATIONS
from schemas.invariants import check_trajectories

GAME, GUID = "ls20-016295f7601e", "b130556e-a38b-4b04-aa45-ba8aa4d4a07a"
NAME = f"{GAME}.random.80.{GUID}.recording.jsonl"
Line = dict[str, Any]


def grid(cell: int, side: int = 64) -> list[list[int]]:
    """A grid of colour 15 with one cell of another."""
    made = np.full((side, side), 15)
    made[3, 5] = cell
    return made.tolist()  # type: ignore[no-any-return]


def line(second: int, action: int | None, *frame: Any, **data: Any) -> Line:
    """A line as the recorder writes it; `data` over what every line has."""
    said = {} if action is None else {"action_input": {"id": action, "data": {"game_id": GAME}, "reasoning": None}}
    every = {"game_id": GAME, "frame": list(frame), "state": "NOT_FINISHED", "levels_completed": 0, "guid": GUID}
    return {"timestamp": f"2026-01-02T03:04:{second:02}.5+00:00", "data": every | said | data}


def click(second: int, x: Any, y: Any, *frame: Any, **data: Any) -> Line:
    return line(second, 6, *frame, action_input={"id": 6, "data": {"game_id": GAME, "x": x, "y": y}}, **data)


GOOD = [
    line(0, 0, grid(0), full_reset=True),
    line(1, 1, grid(1), grid(2), grid(3)),
    click(2, 5, 3, grid(4), levels_completed=1),
    line(4, 7, grid(5), state="WIN", levels_completed=2, win_levels=2),
]


@pytest.fixture
def read_lines(read_source: Callable[..., Any], tmp_path: Path) -> Callable[..., Any]:
    """Read one recording of these lines (objects, or texts as they are)."""

    def read(*lines: Line | str, name: str = NAME, **options: Any) -> Any:
        folder = tmp_path / "source"
        folder.mkdir()
        (folder / name).write_text("\n".join(one if isinstance(one, str) else json.dumps(one) for one in lines))
        (folder / "notes.jsonl").write_text("no recording")
        return read_source("arc_agi_3", folder, **options)

    return read


def only(found: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    (name,) = found.trajectories
    return found.rows(name, "trajectories")[0], found.rows(name, "arc_steps")


def test_a_good_recording(read_lines: Callable[..., Any]) -> None:
    found = read_lines(*GOOD)
    header, rows = only(found)

    assert not found.rejects
    assert check_trajectories(next(iter(found.trajectories.values()))) == []
    assert [row["action_name"] for row in rows] == ["game_reset", "game_action_1", "game_action_6", "game_action_7"]
    assert [row["grid_after"][3][5] for row in rows] == [0, 3, 4, 5]
    assert rows[0]["grid_before"] is None
    assert [row["grid_before"][3][5] for row in rows[1:]] == [0, 3, 4]
    assert [[g[3][5] for g in row["grids_between"] or []] for row in rows] == [[], [1, 2], [], []]
    assert {(len(row["grid_after"]), len(row["grid_after"][0])) for row in rows} == {(64, 64)}
    assert json.loads(rows[2]["action_args"]) == {"x": 5, "y": 3}
    assert rows[2]["selection"] == [[3, 5]]
    assert [row["timestamp"] for row in rows] == [0.0, 1.0, 2.0, 4.0]
    assert "frame" not in json.loads(rows[1]["source_action"])
    assert (header["task_id"], header["agent"], header["agent_type"]) == (GAME, "random", "model")
    assert (header["success"], header["success_by"], header["score"]) == (True, "source", 2.0)
    assert header["started_at"] == datetime(2026, 1, 2, 3, 4, 0, 500_000, UTC)
    assert json.loads(header["extras"]) == {"guid": GUID, "max_actions": 80, "state": "WIN", "win_levels": 2}
    assert header["completeness"] is None
    (task,) = found.rows(f"s/{NAME.removesuffix('.recording.jsonl')}", "tasks")
    assert (task["task_id"], task["collection"]) == (GAME, "ARC-AGI-3")


def test_no_rule_of_ours_judges_a_game(read_lines: Callable[..., Any]) -> None:
    found = read_lines(*GOOD)
    (row,) = replay.ANNOTATOR.propose(found.view(next(iter(found.trajectories))))

    assert set(row.payload["outcomes"]) == {"unverifiable"}
    assert {word.name for word in WORDS.values()} <= OPERATIONS.keys()


def test_lost_actions_are_rejected_naming_the_fault(read_lines: Callable[..., Any]) -> None:
    found = read_lines(line(0, 0, grid(0)), line(1, 0, grid(1)), line(2, None, grid(2)))

    assert not found.trajectories
    (reject,) = found.rejects
    assert reject.code == "actions_lost"
    assert "ARC-AGI-3-Agents#91" in reject.message


def test_lost_actions_can_be_kept_without_names(read_lines: Callable[..., Any]) -> None:
    header, rows = only(read_lines(line(0, 0, grid(0)), line(1, 0, grid(1)), lost_actions=True))

    assert [row["action_name"] for row in rows] == [None, None]
    assert [row["grid_after"][3][5] for row in rows] == [0, 1]
    assert "#91" in json.loads(header["completeness"])["action_name"]


def test_resets_that_change_nothing_are_resets(read_lines: Callable[..., Any]) -> None:
    _, rows = only(read_lines(line(0, 0, grid(0)), line(1, 0, grid(0))))

    assert [row["action_name"] for row in rows] == ["game_reset"] * 2


def test_a_recording_without_its_first_frame_says_so(read_lines: Callable[..., Any]) -> None:
    header, rows = only(read_lines(*GOOD[1:]))

    assert len(rows) == 3
    assert rows[0]["grid_before"] is None
    assert "ARC-AGI-3-Agents#92" in json.loads(header["completeness"])["grid_before"]


def test_a_scorecard_at_the_end_is_no_step(read_lines: Callable[..., Any]) -> None:
    header, rows = only(read_lines(*GOOD, {"timestamp": "2026-01-02T03:05:00+00:00", "data": {"won": 1, "cards": {GAME: {}}}}))

    assert len(rows) == 4
    assert header["success"] is True
    assert json.loads(header["extras"])["scorecard"]["won"] == 1


@pytest.mark.parametrize(
    ("state", "levels", "success", "score"),
    [("GAME_OVER", {"score": 3}, False, 3.0), ("NOT_FINISHED", {}, None, 0.0), ("WIN", {}, True, 0.0)],
)
def test_outcomes_of_both_versions(
    read_lines: Callable[..., Any], state: str, levels: Line, success: bool | None, score: float
) -> None:
    last = line(1, 2, grid(1), state=state)
    if levels:
        del last["data"]["levels_completed"]
    last["data"] |= levels
    header, _ = only(read_lines(GOOD[0], last))

    assert (header["success"], header["score"]) == (success, score)


def test_what_a_line_lacks_is_noted(read_lines: Callable[..., Any]) -> None:
    lines = [GOOD[0], line(1, 1), click(2, 64, 0, grid(1)), click(3, None, 0, grid(1)), line(4, None, grid(2))]
    del lines[1]["timestamp"]
    header, rows = only(read_lines(*lines))
    notes = json.loads(header["completeness"])

    assert notes["grid_after"]["steps"] == [1]
    assert notes["action_args"]["steps"] == [2, 3]
    assert notes["action_name"]["steps"] == [4]
    assert "timestamp" in notes
    assert [row["selection"] for row in rows] == [None] * 5
    assert [row["grid_before"] is None for row in rows] == [True, False, True, False, False]
    assert rows[1]["timestamp"] is None


def test_a_line_that_was_cut_off_is_left_out(read_lines: Callable[..., Any]) -> None:
    header, rows = only(read_lines(*GOOD, json.dumps(GOOD[1])[:300]))

    assert len(rows) == 4
    assert "line 5 was cut off" in json.loads(header["completeness"])["lines"]


@pytest.mark.parametrize(
    ("bad", "code", "part"),
    [
        ('{"timestamp": ', "json_invalid", "line 2"),
        ("[1]", "line_invalid", "line 2"),
        ({"timestamp": None, "data": None}, "line_invalid", "line 2"),
        ({"data": {"won": 1}}, "line_invalid", "not the last line"),
        (line(1, 1, grid(16)), "grid_colour", "line 2, grid 0 of the frame: cell [3, 5] is '16'"),
        (line(1, 1, grid(0), [[1, 2], [3]]), "grid_ragged", "line 2, grid 1"),
        (line(1, 1, grid(0, 65)), "grid_size", "1 to 64"),
        (line(1, 1, frame={}), "line_invalid", "no list of grids"),
        (line(1, 8, grid(0)), "action_invalid", "known are the ids 0, 1, 2, 3, 4, 5, 6, 7"),
        (line(1, 1, grid(0)) | {"timestamp": "2026-01-02T03:04:05"}, "time_invalid", "with its zone"),
        (line(1, 1, grid(0)) | {"timestamp": 5}, "time_invalid", "'5'"),
    ],
)
def test_a_bad_line_rejects_the_file_with_its_number(read_lines: Callable[..., Any], bad: Any, code: str, part: str) -> None:
    found = read_lines(GOOD[0], bad, GOOD[1])

    assert not found.trajectories
    (reject,) = found.rejects
    assert reject.code == code
    assert part in reject.message


def test_a_file_without_lines_has_no_steps(read_lines: Callable[..., Any]) -> None:
    assert [reject.code for reject in read_lines("", "", "").rejects] == ["no_steps"]


@pytest.mark.parametrize(
    ("name", "game_id", "expected"),
    [
        ("ls20-01.random.80.g", None, ("ls20-01", "random", 80, "g")),
        ("ls20.v2-01.random.80.g", None, ("ls20.v2-01", "random", 80, "g")),
        ("ls20.v2-01.llm.gpt-4.1.80.g", "ls20.v2-01", ("ls20.v2-01", "llm.gpt-4.1", 80, "g")),
        ("ls20-01.playback.none.g", "other", ("ls20-01", "playback", None, "g")),
    ],
)
def test_names_are_read_from_the_right(name: str, game_id: str | None, expected: tuple[Any, ...]) -> None:
    found = recording_name(name, game_id)

    assert found is not None
    assert (found.game_id, found.agent, found.max_actions, found.guid) == expected


def test_a_file_of_another_name_has_no_agent(read_lines: Callable[..., Any]) -> None:
    header, rows = only(read_lines(*GOOD, name="mine.recording.jsonl"))

    assert (header["agent"], header["task_id"], len(rows)) == (None, GAME, 4)
    assert "the file's name" in json.loads(header["completeness"])["agent"]
    assert recording_name("a..80.g") is None
