"""The `larc` reader on the three real task files, and on constructed ones for what those do not hold."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from annotators.arc import replay
from pipelines.sources.larc import WORDS
from schemas.arc_operations import OPERATIONS
from schemas.invariants import check_annotations, check_trajectories

Document = dict[str, Any]


def event(tool: str | None, grid: Any, time: float | None = None, **arguments: Any) -> Document:
    return {"action": arguments | ({} if tool is None else {"tool": tool}), "grid": grid, "time": time}


ZEROS = [[0, 0, 0]] * 3
DRAWN = [[0, 0, 0], [0, 0, 0], [0, "7", 0]]
DRAW = event("edit", DRAWN, x="2", y="1", symbol="7")


def document(*events: Document, **of_build: Any) -> Document:
    """A task file with one description without steps, and one build that holds these events."""
    build = {"uid": "builder", "success": True, "action_sequence": list(events)} | of_build
    said = {
        "uid": "writer",
        "see_description": "In the input, you should see...dots",
        "do_description": "To make the output, you have to...join them",
        "grid_description": "",
        "action_sequence": [DRAW],
        "builds": {"b": build},
    }
    pair = {"input": [[1, 2]], "output": [[2, 1]]}
    return {"name": "0a0a0a0a.json", "train": [pair], "test": [pair], "descriptions": {"d": said}}


@pytest.fixture
def read_document(read_source: Callable[..., Any], tmp_path: Path) -> Callable[..., Any]:
    """Read one constructed file, given as an object or as text."""

    def read(content: Any) -> Any:
        folder = tmp_path / "source"
        folder.mkdir()
        (folder / "a.json").write_text(content if isinstance(content, str) else json.dumps(content))
        return read_source("larc", folder)

    return read


@pytest.fixture
def verdicts(read_source: Callable[..., Any]) -> Callable[..., dict[str, dict[int, str]]]:
    """trajectory_id → step → outcome."""

    def of(found: Any) -> dict[str, dict[int, str]]:
        said = {}
        for trajectory_id in found.trajectories:
            (row,) = replay.ANNOTATOR.propose(found.view(trajectory_id))
            said[trajectory_id] = dict(zip(row.payload["steps"], row.payload["outcomes"], strict=True))
        return said

    return of


def test_all_events_of_the_real_files_replay(
    shared_data: Path, read_source: Callable[..., Any], verdicts: Callable[..., Any]
) -> None:
    found = read_source("larc", shared_data / "arc" / "larc")
    said = verdicts(found)

    assert len(found.trajectories) == 20
    assert sorted(found.tasks) == sorted({found.view(i).header["task_id"] for i in found.trajectories})
    assert found.tasks["67a3c6ac"].tests[0].output.tolist() == [[1, 6, 7], [6, 7, 6], [2, 2, 6]]
    assert len(found.tasks["67a3c6ac"].demonstrations) == 3
    assert Counter(outcome for steps in said.values() for outcome in steps.values()) == {"exact": 139}
    assert found.table("arc_steps").num_rows == 139
    assert [reject.code for reject in found.rejects] == ["sequence_empty"] * 2
    assert all("149/d39e5d73" in reject.native_id for reject in found.rejects)
    assert found.rejects[0].detail["description"]["do"].endswith("create a left/ right mirror image of the input")


def test_rows_and_columns_are_turned_round(shared_data: Path, read_source: Callable[..., Any]) -> None:
    found = read_source("larc", shared_data / "arc" / "larc" / "149.json")
    rows = found.rows("s/149/686f22be-1635-426f-adbd-72dbe07d9207", "arc_steps")

    assert [row["action_name"] for row in rows] == ["copy_from_input", *["draw"] * 4, "submit"]
    assert json.loads(rows[2]["action_args"]) == {"x": 0, "y": 2, "color": 2}
    assert json.loads(rows[2]["source_action"])["action"] == {"symbol": "2", "tool": "edit", "x": "2", "y": "0"}
    assert rows[2]["selection"] == [[2, 0]]
    assert rows[0]["grid_before"] == ZEROS
    assert rows[2]["grid_before"] == rows[1]["grid_after"] != rows[2]["grid_after"]
    assert {row["test_index"] for row in rows} == {0}


def test_words_stand_with_who_wrote_and_who_followed_them(shared_data: Path, read_source: Callable[..., Any]) -> None:
    found = read_source("larc", shared_data / "arc" / "larc" / "149.json")
    writer = "s/149/686f22be-1635-426f-adbd-72dbe07d9207"
    builder = f"{writer}/vxF2IRn6AXEwDMtpwY55"
    headers = {name: found.rows(name, "trajectories")[0] for name in (writer, builder)}

    for name in (writer, builder):
        said = {row["channel"]: row for row in found.rows(name, "texts")}
        assert said.keys() == {"see", "do", "grid"}
        assert said["do"]["texts"] == ["To make the output, you have to...create a right to left mirror image."]
        assert {(row["layer"], row["producer_type"], row["status"], row["quality"]) for row in said.values()} == {
            ("description", "import", "accepted", None)
        }
        assert check_annotations(found.trajectories[name]) == check_trajectories(found.trajectories[name]) == []
    assert headers[writer]["instruction"] is None
    assert "create a right to left mirror image." in headers[builder]["instruction"]
    assert headers[writer]["agent"] == json.loads(headers[builder]["extras"])["describer"]
    assert headers[builder]["agent"] == "71fc2b07-17a1-4a02-98ee-95b51a43d2e4"
    assert headers[writer]["group"] == headers[builder]["group"]
    assert (headers[writer]["success"], headers[builder]["success"], headers[builder]["success_by"]) == (True, True, "source")
    assert headers[writer]["task_id"] == "67a3c6ac"
    assert json.loads(headers[writer]["extras"])["confidence"] == 10


def test_times_are_those_of_the_events(shared_data: Path, read_source: Callable[..., Any]) -> None:
    found = read_source("larc", shared_data / "arc" / "larc")
    untimed = [i for i in found.trajectories if found.rows(i, "arc_steps")[0]["timestamp"] is None]

    assert len(untimed) == 4
    assert all(i.startswith("s/149/") for i in untimed)
    assert sum(len(found.rows(i, "arc_steps")) for i in untimed) == 50
    notes = {json.loads(found.rows(i, "trajectories")[0]["completeness"])["timestamp"] for i in untimed}
    assert notes == {"no event has a time"}
    timed = next(i for i in sorted(found.trajectories) if i.startswith("s/128/"))
    assert found.rows(timed, "arc_steps")[0]["timestamp"] == 0.0


def test_every_tool_has_a_word() -> None:
    assert {word.name for word in WORDS.values()} <= OPERATIONS.keys()
    assert len(WORDS) == 9


def test_texts_and_numbers_in_one_grid_are_numbers(read_document: Callable[..., Any]) -> None:
    found = read_document(document(DRAW))
    (row,) = found.rows("s/a/d/b", "arc_steps")

    assert row["grid_after"] == [[0, 0, 0], [0, 0, 0], [0, 7, 0]]
    assert json.loads(row["action_args"]) == {"x": 1, "y": 2, "color": 7}
    assert json.loads(found.rows("s/a/d/b", "trajectories")[0]["completeness"])["cells"] == "1 cells were written as texts"


def test_an_event_without_a_tool_is_rejected_and_the_rest_kept(
    read_document: Callable[..., Any], verdicts: Callable[..., Any]
) -> None:
    found = read_document(document(DRAW, event(None, [[5]]), event("floodfill", [[6]], x=0, y=0, symbol=6)))

    (reject,) = found.rejects
    assert (reject.code, reject.native_id, reject.detail) == ("event_without_tool", "a/d/b", {"event": 1})
    assert [row["action_name"] for row in found.rows("s/a/d/b", "arc_steps")] == ["draw", "flood_fill"]
    assert verdicts(found)["s/a/d/b"] == {0: "exact", 1: "exact"}  # from the grid that the lost event left
    assert json.loads(found.rows("s/a/d/b", "trajectories")[0]["completeness"])["events"]["events"] == [1]


def test_copies_and_fills(read_document: Callable[..., Any], verdicts: Callable[..., Any]) -> None:
    clip = [["2", "1", "7"], ["3", "2", "4"]]
    found = read_document(
        document(
            event("copyFromInput", [[1, 2]]),
            event("resizeOutputGrid", [[1, 2], [0, 0]], height=2, width=2),
            event("copy", [[1, 2], [0, 0]], copy_paste_data=clip),
            event("paste", [[1, 2], [0, 7]], x="1", y="1", copy_paste_data=clip),  # its second cell hangs out
            event("select", [[9, 9], [0, 7]], symbol="9"),
            event("sparkle", [[9, 9], [0, 7]], power=1),
            event("resetOutputGrid", ZEROS),
            event("paste", ZEROS, x=0, y=0, copy_paste_data="none"),
            event("check", [[1]], correct=False),
        )
    )

    assert verdicts(found)["s/a/d/b"] == {
        0: "exact", 1: "exact", 3: "exact", 4: "unverifiable", 5: "unverifiable", 6: "exact", 7: "unverifiable", 8: "diverged"
    }  # fmt: skip
    notes = json.loads(found.rows("s/a/d/b", "trajectories")[0]["completeness"])
    assert notes["action_name"]["tools"] == {"sparkle": 1}


def test_reading_x_as_a_column_is_found(
    shared_data: Path, read_source: Callable[..., Any], verdicts: Callable[..., Any], tmp_path: Path
) -> None:
    whole = json.loads((shared_data / "arc" / "larc" / "149.json").read_text())
    for description in whole["descriptions"].values():
        for step in description["action_sequence"] or []:
            if "x" in step["action"]:
                step["action"]["x"], step["action"]["y"] = step["action"]["y"], step["action"]["x"]
    (tmp_path / "149.json").write_text(json.dumps(whole))
    said = verdicts(read_source("larc", tmp_path / "149.json"))

    assert "diverged" in said["s/149/686f22be-1635-426f-adbd-72dbe07d9207"].values()


@pytest.mark.parametrize(
    ("fault", "code", "part"),
    [
        (event("edit", [[1, 2], [3]]), "grid_ragged", "event 1 (edit): row 1 has 1 cells"),
        (event("edit", [[10]]), "grid_colour", "cell [0, 0] is '10'"),
        (event("edit", [["x"]]), "grid_colour", "cell [0, 0] is 'x'"),
        (event("edit", [[0] * 31]), "grid_size", "1 to 30"),
        (event("edit", [[1]], "soon"), "time_invalid", "seconds"),  # type: ignore[arg-type]
        ({"grid": [[1]]}, "event_invalid", "event 1"),
        ("edit", "event_invalid", "event 1"),
    ],
)
def test_a_bad_event_costs_its_sequence_alone(read_document: Callable[..., Any], fault: Any, code: str, part: str) -> None:
    found = read_document(document(DRAW, fault))

    assert list(found.trajectories) == ["s/a/d"]
    (reject,) = found.rejects
    assert (reject.code, reject.native_id) == (code, "a/d/b")
    assert part in reject.message


@pytest.mark.parametrize("empty", [None, [], {}])
def test_an_empty_sequence_is_reported(read_document: Callable[..., Any], empty: Any) -> None:
    found = read_document(document(action_sequence=empty))

    assert [(r.code, r.native_id) for r in found.rejects] == [("sequence_empty", "a/d/b")]
    assert found.rejects[0].detail["description"].keys() == {"see", "do"}


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ('{"name": "a.json", "descr', "json_invalid"),
        ({"descriptions": {}}, "not_larc"),
        ({"name": "a.json", "train": [], "test": []}, "not_larc"),
        ([1], "not_larc"),
        ({"name": None, "descriptions": {}}, "not_larc"),
    ],
)
def test_what_is_no_task_file_is_rejected(read_document: Callable[..., Any], content: Any, code: str) -> None:
    assert [reject.code for reject in read_document(content).rejects] == [code]
