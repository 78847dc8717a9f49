"""The `braingridgame` reader on real history files, and on constructed ones for what those do not hold."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from pipelines.sources.braingridgame import NAMES, action_name
from schemas.arc_operations import OPERATIONS

HANDLE = "test 0 output"


def document(*contexts: dict[str, Any] | None, **top: Any) -> dict[str, Any]:
    """A history file with one event per context (None: an event without one), 100 ms apart."""
    history = [
        {"id": i, "wait": 100, "message": f"event {i}"} | ({} if context is None else {"context": context})
        for i, context in enumerate(contexts)
    ]
    return {
        "fileType": "ARC-Interactive, history file, version 0.1.0",
        "startTime": "2024-02-26T13:58:31Z",
        "user": "anonymous",
        "dataset": "ARC",
        "task": "0a0a0a0a",
        "summary": {"history count": len(history)},
        "history": history,
    } | top


def shown(image: Any, **context: Any) -> dict[str, Any]:
    return {"action": "hide overview show editor", "imageHandle": HANDLE, "image": image} | context


@pytest.fixture
def read_document(read_source: Callable[..., Any], tmp_path: Path) -> Callable[..., Any]:
    """Read one constructed file, given as an object or as text."""

    def read(content: Any, **options: Any) -> Any:
        folder = tmp_path / "source"
        folder.mkdir()
        (folder / "a.json").write_text(content if isinstance(content, str) else json.dumps(content))
        return read_source("braingridgame", folder, **options)

    return read


def test_all_real_files_are_read_and_named_by_their_path(shared_data: Path, read_source: Callable[..., Any]) -> None:
    small = read_source("braingridgame", f"{shared_data}/arc/braingridgame/**/*.json")
    large = read_source("braingridgame", f"{shared_data}/arc/braingridgame_history/**/*.json")

    assert not small.rejects
    assert not large.rejects
    assert len(small.trajectories) == 7
    assert len(large.trajectories) == 300
    assert {"s/9_84", "s/16_04"} <= small.trajectories.keys()
    assert "s/3/17" in large.trajectories
    assert small.table("arc_steps").num_rows + large.table("arc_steps").num_rows == 12_583


def test_a_folder_gives_its_json_files_alone(shared_data: Path, read_source: Callable[..., Any]) -> None:
    found = read_source("braingridgame", shared_data / "arc" / "braingridgame")

    assert len(found.trajectories) == 7
    assert not found.rejects  # its LICENSE is no recording


def test_the_33_names_of_the_small_set_are_words_of_the_vocabulary(shared_data: Path, read_source: Callable[..., Any]) -> None:
    found = read_source("braingridgame", shared_data / "arc" / "braingridgame")
    names = set(found.table("arc_steps")["action_name"].to_pylist())

    assert names <= set(OPERATIONS)
    assert len(names) == 33
    assert set(NAMES.values()) | {"show_page"} == names
    assert action_name("pagination-next") == "show_page"


def test_grids_follow_the_images_of_their_handle(shared_data: Path, read_source: Callable[..., Any]) -> None:
    path = shared_data / "arc" / "braingridgame" / "16_04.json"
    source = orjson.loads(path.read_bytes())
    events = [event for event in source["history"] if "action" in event.get("context", {})]
    rows = read_source("braingridgame", path).rows("s/16_04", "arc_steps")

    assert len(rows) == len(events) == 31
    state: dict[str, Any] = {}
    for row, event in zip(rows, events, strict=True):
        handle = event["context"]["imageHandle"]
        assert row["grid_before"] == state.get(handle)
        state[handle] = event["context"].get("image", state.get(handle))
        assert row["grid_after"] == state.get(handle)
        assert row["test_index"] == int(handle.split()[1])
        assert json.loads(row["action_args"])["imageHandle"] == handle
        without_image = {k: v for k, v in event["context"].items() if k != "image"}
        assert json.loads(row["source_action"]) == {**event, "context": without_image}
    assert {row["test_index"] for row in rows} == {0, 1}


def test_times_header_and_task_of_a_real_file(shared_data: Path, read_source: Callable[..., Any]) -> None:
    found = read_source("braingridgame", shared_data / "arc" / "braingridgame" / "9_84.json")
    (header,) = found.rows("s/9_84", "trajectories")
    rows = found.rows("s/9_84", "arc_steps")

    assert [row["timestamp"] for row in rows[:4]] == [0.0, 1.2, 3.067, 4.204]  # waits 4637 (the first step), 1200, 1867, 1137
    assert header["started_at"] == datetime(2024, 2, 26, 13, 58, 35, 637_000, UTC)
    assert header["agent"] is None
    assert header["agent_type"] == "human"
    assert (header["success"], header["success_by"]) == (True, "source")  # wrong at first, right at last
    assert json.loads(header["extras"])["events_without_action"] == {"welcome to overview": 1}
    assert json.loads(header["extras"])["summary"]["start over count"] == 1
    assert header["completeness"] is None
    (task,) = found.rows("s/9_84", "tasks")
    assert (task["task_id"], task["domain"], task["collection"]) == (header["task_id"], "arc", "Mini-ARC")
    assert header["task_id"] == "One_Color_Simple_Stuff_l6bkg9unb1kgovxkon6"


def test_arguments_are_kept_by_name_without_effects(shared_data: Path, read_source: Callable[..., Any]) -> None:
    found = read_source("braingridgame", shared_data / "arc" / "braingridgame")
    rows = [row for id_ in sorted(found.trajectories) for row in found.rows(id_, "arc_steps")]
    by_name = {row["action_name"]: json.loads(row["action_args"]) for row in reversed(rows)}

    assert by_name["draw"].keys() == {"imageHandle", "x", "y", "color"}
    assert by_name["paste_accept"].keys() == {"imageHandle", "pasteX", "pasteY", "pasteWidth", "pasteHeight"}
    assert by_name["resize"].keys() == {"imageHandle", "width", "height", "color"}
    assert by_name["undo"].keys() == {"imageHandle"}
    assert by_name["submit"].keys() == {"imageHandle", "correct"}
    kinds = {row["action_name"]: row["action_kind"] for row in rows}
    assert kinds["draw"] == kinds["select_begin"] == kinds["copy"] == kinds["submit"] == "grid_op"
    assert kinds["show_page"] == kinds["show_editor"] == kinds["show_tool_panel"] == "system"


def test_selections_are_cells_row_by_row(shared_data: Path, read_source: Callable[..., Any]) -> None:
    rows = read_source("braingridgame", shared_data / "arc" / "braingridgame" / "16_04.json").rows("s/16_04", "arc_steps")
    of = {row["action_name"]: row["selection"] for row in reversed(rows)}

    assert of["select_begin"] == [[2, 0]]
    assert of["select_update"] == [[2, 0], [3, 0]]
    assert of["crop"] == [[2, 0], [3, 0]]
    assert of["draw"] is None
    assert of["resize"] is None


def test_a_selection_spans_columns_first(read_document: Callable[..., Any]) -> None:
    context = {"action": "copy", "imageHandle": HANDLE, "x": 1, "y": 0, "width": 2, "height": 2}
    rows = read_document(document(shown([[1, 2, 3], [4, 5, 6]]), context)).rows("s/a", "arc_steps")

    assert rows[1]["selection"] == [[0, 1], [0, 2], [1, 1], [1, 2]]


def test_an_index_file_is_no_trace(read_source: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "directory_content.json").write_text('{"files": ["1/02.json"]}')
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "good.json").write_text(json.dumps(document(shown([[1]]))))
    found = read_source("braingridgame", f"{tmp_path}/**/*.json")

    assert list(found.trajectories) == ["s/good"]
    assert [(r.native_id, r.code) for r in found.rejects] == [("directory_content", "not_a_trace"), ("list", "not_a_trace")]
    assert "index file, not a trace" in found.rejects[0].message


@pytest.mark.parametrize(
    ("image", "code", "part"),
    [
        ([[1, 2], [3]], "grid_ragged", "step 1 (draw): row 1 has 1 cells, row 0 has 2"),
        ([], "grid_size", "step 1 (draw): the grid has 0 rows"),
        ([[]], "grid_size", "0 columns"),
        ([[0] * 101], "grid_size", "101 columns"),
        ([[1, 10]], "grid_colour", "cell [0, 1] is '10'"),
        ([[1], [-1]], "grid_colour", "cell [1, 0] is '-1'"),
        ([[1, True]], "grid_colour", "cell [0, 1] is 'True'"),
        ([[1, 1.0]], "grid_colour", "cell [0, 1] is '1.0'"),
        ([[None]], "grid_colour", "cell [0, 0] is 'None'"),
        ("123", "grid_invalid", "step 1 (draw)"),
        ([1, 2], "grid_invalid", "step 1 (draw)"),
    ],
)
def test_a_bad_grid_is_rejected_with_its_place(read_document: Callable[..., Any], image: Any, code: str, part: str) -> None:
    draw = {"action": "draw", "imageHandle": HANDLE, "x": 0, "y": 0, "color": 1, "image": image}
    found = read_document(document(shown([[1]]), draw))

    assert not found.trajectories
    (reject,) = found.rejects
    assert reject.code == code
    assert part in reject.message


def test_grids_as_large_as_the_editor_allows_are_read(read_document: Callable[..., Any]) -> None:
    found = read_document(document(shown([[0] * 30] * 30), shown([[0] * 100] * 31)))
    rows = found.rows("s/a", "arc_steps")

    assert (len(rows[1]["grid_after"]), len(rows[1]["grid_after"][0])) == (31, 100)
    note = json.loads(found.rows("s/a", "trajectories")[0]["completeness"])["grid_size"]
    assert note["steps"] == [1]
    assert "larger than 30 x 30" in note["reason"]


@pytest.mark.parametrize("text", ["half", "nan", "not-utf8"])
def test_text_that_is_no_json_is_rejected_with_its_position(read_document: Callable[..., Any], text: str) -> None:
    whole = json.dumps(document(shown([[1]])))
    broken = {
        "half": whole[:200],
        "nan": whole.replace('"wait": 100', '"wait": NaN'),
        "not-utf8": whole[:50] + "\\x" + whole[50:],
    }
    found = read_document(broken[text])

    (reject,) = found.rejects
    assert reject.code == "json_invalid"
    position = {"half": 200, "nan": whole.index('"wait": 100') + 8, "not-utf8": 50}[text]
    assert abs(reject.detail["position"] - position) <= 1
    assert "line 1, column" in reject.message


@pytest.mark.parametrize(
    ("history", "code"),
    [
        ({}, "history_invalid"),
        (["draw"], "event_invalid"),
        ([{"id": 0, "wait": 0, "message": "m", "context": "draw"}], "event_invalid"),
        ([{"id": 0, "wait": 0, "message": "m", "context": {"action": 7}}], "event_invalid"),
        ([{"id": 0, "wait": -5, "message": "m", "context": {"action": "undo"}}], "wait_invalid"),
        ([{"id": 0, "wait": "5", "message": "m", "context": {"action": "undo"}}], "wait_invalid"),
        ([{"id": 0, "wait": 0, "message": "welcome to overview"}], "no_steps"),
        ([], "no_steps"),
    ],
)
def test_a_bad_history_is_rejected(read_document: Callable[..., Any], history: Any, code: str) -> None:
    found = read_document(document(history=history))

    assert [reject.code for reject in found.rejects] == [code]


@pytest.mark.parametrize("width", [-1, 10**9, 1.5, None])
def test_a_selection_that_is_no_rectangle_is_rejected(read_document: Callable[..., Any], width: Any) -> None:
    context = {"action": "copy", "imageHandle": HANDLE, "x": 0, "y": 0, "width": width, "height": 1}
    found = read_document(document(shown([[1]]), context))

    (reject,) = found.rejects
    assert reject.code == "selection_invalid"
    assert "step 1 (copy)" in reject.message


def test_what_is_not_recorded_is_null(read_document: Callable[..., Any]) -> None:
    bare = {"history": [{"message": "undo", "context": {"action": "undo", "imageHandle": HANDLE}}]}
    found = read_document(bare)
    (header,) = found.rows("s/a", "trajectories")
    (row,) = found.rows("s/a", "arc_steps")

    assert [header[name] for name in ("task_id", "agent", "success", "success_by", "started_at", "duration")] == [None] * 6
    assert [row[name] for name in ("timestamp", "task_id", "grid_before", "grid_after", "selection")] == [None] * 5
    assert "tasks" not in found.trajectories["s/a"]
    assert json.loads(header["completeness"]).keys() == {"history", "grid_after", "timestamp"}


@pytest.mark.parametrize("start", ["yesterday", "2024-02-26T13:58:31", 5])
def test_a_start_that_is_no_instant_is_null_and_noted(read_document: Callable[..., Any], start: Any) -> None:
    (header,) = read_document(document(shown([[1]]), startTime=start)).rows("s/a", "trajectories")

    assert header["started_at"] is None
    assert str(start) in json.loads(header["completeness"])["started_at"]


def test_an_edit_without_an_image_leaves_the_state_unknown_until_the_next(read_document: Callable[..., Any]) -> None:
    draw = {"action": "draw", "imageHandle": HANDLE, "x": 0, "y": 0, "color": 5}
    panel = {"action": "show tool panel", "imageHandle": HANDLE}
    found = read_document(document(shown([[1]]), draw, panel, draw | {"image": [[7]]}, panel))
    rows = found.rows("s/a", "arc_steps")

    assert [row["grid_before"] for row in rows] == [None, [[1]], None, None, [[7]]]
    assert [row["grid_after"] for row in rows] == [[[1]], None, None, [[7]], [[7]]]
    (header,) = found.rows("s/a", "trajectories")
    assert json.loads(header["completeness"])["grid_after"]["steps"] == [1]


def test_states_of_handles_are_apart_and_no_handle_has_none(read_document: Callable[..., Any]) -> None:
    found = read_document(
        document(
            {"action": "activate test", "imageHandle": "test 1 output", "valueOld": 0, "valueNew": 1},
            shown([[1]]),
            shown([[2]], imageHandle="test 1 output"),
            {"action": "show tool panel", "imageHandle": HANDLE},
            {"action": "pagination-next", "pageIndex": 1},
            {"action": "sparkle", "imageHandle": "train 2 input", "power": 9},
            shown([[3]], imageHandle=None),
        )
    )
    rows = found.rows("s/a", "arc_steps")

    assert [row["grid_after"] for row in rows] == [None, [[1]], [[2]], [[1]], None, None, [[3]]]
    assert [row["test_index"] for row in rows] == [1, 0, 1, 0, None, None, None]
    assert rows[4]["action_name"] == "show_page"
    assert rows[5]["action_name"] == "sparkle"  # unknown, and kept
    assert json.loads(rows[5]["action_args"]) == {"imageHandle": "train 2 input", "power": 9}


@pytest.mark.parametrize(
    ("judged", "success"),
    [
        ([], None),
        ([(0, True)], True),
        ([(0, False)], False),
        ([(0, False), (0, True)], True),
        ([(0, True), (1, False)], False),
        ([(0, True), (1, True)], True),
    ],
)
def test_success_is_that_every_submitted_test_ended_right(
    read_document: Callable[..., Any], judged: list[tuple[int, bool]], success: bool | None
) -> None:
    submits = [
        {"action": "submit", "imageHandle": f"test {test} output", "correct": correct, "image": [[1]]}
        for test, correct in judged
    ]
    (header,) = read_document(document(shown([[1]]), *submits)).rows("s/a", "trajectories")

    assert header["success"] is success
    assert header["success_by"] == (None if success is None else "source")


def test_a_script_can_be_said_to_have_played(read_document: Callable[..., Any]) -> None:
    found = read_document(document(shown([[1]]), user="robot-7"), agent_type="script")
    (header,) = found.rows("s/a", "trajectories")

    assert (header["agent"], header["agent_type"]) == ("robot-7", "script")


def test_lost_events_are_noted(read_document: Callable[..., Any]) -> None:
    content = document(shown([[1]]), shown([[1]]))
    content["history"][1]["id"] = 4
    (header,) = read_document(content).rows("s/a", "trajectories")

    assert "event 1 has id 4" in json.loads(header["completeness"])["history"]


def test_a_lone_surrogate_or_a_huge_number_costs_only_its_file(read_source: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "surrogate.json").write_text(json.dumps(document(shown([[1]]))).replace("event 0", "\\ud800"))
    (tmp_path / "good.json").write_text(json.dumps(document(shown([[1]]))))
    deep: Any = 1
    for _ in range(600):
        deep = [deep]
    (tmp_path / "deep.json").write_text(json.dumps(document(shown([[1]], more=deep))))
    found = read_source("braingridgame", tmp_path)

    assert list(found.trajectories) == ["s/good"]
    assert Counter(reject.code for reject in found.rejects) == {"json_invalid": 1, "value_unfit": 1}
