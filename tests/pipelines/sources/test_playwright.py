"""The `playwright` reader on the seven recordings of the Playwright project, and on constructed ones for what they lack."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import tracemalloc
import zipfile
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from pipelines.sources import reader

Line = dict[str, Any]
PAGE, FRAME = "page@1", "frame@1"
WALL, MONO = 1_700_000_000_000, 5_000.0
SHOP = "http://shop.example/"


@pytest.fixture
def official(shared_data: Path) -> Path:
    return shared_data / "gui" / "playwright"


def actions(source: Any, name: str) -> list[str | None]:
    return [row["action_name"] for row in source.rows(f"s/{name}", "gui_steps")]


# --- real recordings ---------------------------------------------------------------------------------------------------


def test_official_traces_hold_what_a_person_would_list(read_source: Callable[..., Any], official: Path) -> None:
    source = read_source("playwright", official)

    assert {name: actions(source, name.removeprefix("s/")) for name in source.trajectories} == {
        "s/test-trace1": ["goto", None],
        "s/test-trace2": ["goto", None],
        "s/trace-1.31": ["setContent", "click", None],
        "s/trace-1.37": ["goto", None],
        "s/trace-library-1.46": ["setContent"],
        "s/trace-remote-time-diff": ["goto", None],
    }
    kinds = {row["action_name"]: row["action_kind"] for row in source.table("gui_steps").to_pylist()}
    assert kinds == {"goto": "system", "setContent": "system", "click": "gui", None: None}


def test_trace_from_the_future_is_refused_with_a_sentence(read_source: Callable[..., Any], official: Path) -> None:
    (reject,) = read_source("playwright", official).rejects

    assert (reject.code, reject.native_id) == ("trace_version_unsupported", "trace-from-the-future")
    assert reject.message == "trace.trace: trace format version 10000 is not supported; 4 to 10 are"


def test_remote_browser_keeps_its_own_clock(read_source: Callable[..., Any], official: Path) -> None:
    source = read_source("playwright", official / "trace-remote-time-diff.zip")

    (header,) = source.rows("s/trace-remote-time-diff", "trajectories")
    goto = source.rows("s/trace-remote-time-diff", "gui_steps")[0]
    # wallTime 1726229139895 + (57978793.716 - 57978519.122) ms; merged naively the runner's clock adds 16 hours
    assert header["started_at"] == datetime(2024, 9, 13, 12, 5, 40, 169594, tzinfo=UTC)
    assert goto["timestamp"] == 0.0
    assert goto["end_timestamp"] == pytest.approx(0.869599, abs=1e-6)
    assert 0.869 < header["duration"] < 10


def test_click_of_playwright_1_31(read_source: Callable[..., Any], official: Path) -> None:
    source = read_source("playwright", official / "trace-1.31.zip")
    _, click, seen = source.rows("s/trace-1.31", "gui_steps")
    (header,) = source.rows("s/trace-1.31", "trajectories")

    frames = {name: hashlib.sha256(data).hexdigest() for name, data in members(official / "trace-1.31.zip").items()}
    page = "resources/page@168e5bf54a506951c2129f3e089dd900-1679595660"
    assert click["point"] == pytest.approx([36.74, 18.48], abs=1e-4)
    assert (click["frame_width"], click["frame_height"], click["scale"]) == (1280, 720, 0.625)
    assert click["screenshot"] == frames[f"{page}.31407.jpeg"], "the frame of 81606636 is before the click of 81606646"
    assert seen["screenshot"] == frames[f"{page}.343216.jpeg"], "the frame that came during the click is what followed"
    assert click["timestamp"] == pytest.approx((81606646.715 - 81606606.703) / 1000, abs=1e-6)
    assert json.loads(click["action_args"])["selector"] == "internal:role=button"
    assert (header["instruction"], header["embodiment"], header["agent_type"]) == ("example", "chromium/linux", "script")
    assert header["streams"][0] | {"fps": None} == header["streams"][0]
    assert [(s["name"], s["kind"], s["width"], s["height"], s["num_frames"]) for s in header["streams"]] == [
        ("page_0", "images", 800, 450, 2)
    ]


def test_tree_of_a_step_is_the_page_before_its_action(read_source: Callable[..., Any], official: Path) -> None:
    source = read_source("playwright", official / "trace-1.31.zip")

    trees = source.rows("s/trace-1.31", "gui_trees")
    before, at_click, _ = [json.loads(source.media.read(row["tree"])) for row in trees]
    assert [(row["step"], row["format"]) for row in trees] == [(0, "dom"), (1, "dom"), (2, "dom")]
    assert before == ["HTML", {}, ["HEAD", {}, ["BASE", {"href": "about:blank"}]], ["BODY"]]
    # written as [[1, 4]]: node 4 of the snapshot before, of which one subtree refers to the snapshot before that
    assert at_click == ["HTML", {}, ["HEAD", {}, ["BASE", {"href": "about:blank"}]], ["BODY", {}, ["BUTTON", {}, "Submit"]]]


def test_missing_jpegs_leave_the_step_and_a_reason(read_source: Callable[..., Any], official: Path) -> None:
    source = read_source("playwright", official / "trace-remote-time-diff.zip")

    goto = source.rows("s/trace-remote-time-diff", "gui_steps")[0]
    completeness = json.loads(source.rows("s/trace-remote-time-diff", "trajectories")[0]["completeness"])
    member = "resources/page@90128e75d9bbc79d5a15727b27d67eef-1726229140.089946.jpeg"
    assert (goto["screenshot"], goto["screenshot_missing"]) == (None, f"frame {member} is not in the zip")
    assert completeness["screenshots_missing"] == {"not_in_zip": 2}
    assert (completeness["frames_listed"], completeness["frames_present"]) == (5, 0)


@pytest.mark.parametrize(
    ("name", "twin"), [("test-trace1", "pw:api@8"), ("trace-1.37", "pw:api@11"), ("trace-remote-time-diff", "pw:api@10")]
)
def test_runner_twin_is_joined_and_not_counted(read_source: Callable[..., Any], official: Path, name: str, twin: str) -> None:
    source = read_source("playwright", official / f"{name}.zip")

    action = json.loads(source.rows(f"s/{name}", "gui_steps")[0]["source_action"])
    completeness = json.loads(source.rows(f"s/{name}", "trajectories")[0]["completeness"])
    assert actions(source, name).count("goto") == 1
    assert action["runner"]["before"]["callId"] == twin
    assert completeness["actions_with_runner_twin"] == 1


def test_paths_of_the_recording_machine_are_not_kept(read_source: Callable[..., Any], official: Path) -> None:
    source = read_source("playwright", official)

    text = json.dumps(source.table("gui_steps").to_pylist()) + repr(source.table("trajectories").to_pylist())
    assert not re.search(r"/Users/|/home/|C:\\|spec\.ts\",|/tmp/", text)


def test_reading_twice_gives_the_same_rows(read_source: Callable[..., Any], official: Path) -> None:
    first, second = (read_source("playwright", official) for _ in range(2))

    assert first.trajectories == second.trajectories


# --- constructed recordings --------------------------------------------------------------------------------------------


def jpeg(shade: int, size: tuple[int, int] = (40, 30)) -> bytes:
    file = io.BytesIO()
    Image.new("L", size, shade).save(file, "JPEG")
    return file.getvalue()


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path: Path, files: dict[str, bytes | Iterable[Line]]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            data = content if isinstance(content, bytes) else "".join(json.dumps(line) + "\n" for line in content).encode()
            archive.writestr(name, data)
    return path


def head(version: int = 10, **extra: Any) -> Line:
    clock = {"monotonicTime": MONO} if version >= 7 else {}
    line = {"type": "context-options", "version": version, "browserName": "chromium", "platform": "linux", "wallTime": WALL}
    return {**line, **clock, "options": {"viewport": {"width": 80, "height": 60}}, **extra}


def call(call_id: str, start: float, method: str = "Frame.click", end: float | None = None, **params: Any) -> list[Line]:
    """A call of version 10 that takes 5 ms."""
    owner, name = method.split(".")
    before = {"type": "before", "callId": call_id, "startTime": start, "class": owner, "method": name, "params": params}
    return [before, {"type": "after", "callId": call_id, "endTime": start + 5 if end is None else end}]


def snapshot(call_id: str, html: Any, phase: str = "before", page: str = PAGE, **extra: Any) -> Line:
    said = {"callId": call_id, "phase": phase, "pageId": page, "frameId": f"frame of {page}", "frameUrl": SHOP, "html": html}
    said |= {"viewport": {"width": 80, "height": 60}, "timestamp": 0.0, "isMainFrame": True}
    return {"type": "frame-snapshot", "snapshot": said | extra}


def picture(time: float, file: str, page: str = PAGE, **extra: Any) -> Line:
    return {"type": "screencast-frame", "pageId": page, "file": file, "width": 80, "height": 60, "timestamp": time, **extra}


@pytest.fixture
def read_lines(tmp_path: Path, read_source: Callable[..., Any]) -> Callable[..., Any]:
    """Read the lines of one version-10 context with further members; gives the source."""

    def read(*lines: Line, **files: bytes) -> Any:
        context = [head(), *lines]
        return read_source("playwright", write(tmp_path / "t.zip", {"trace.trace": context, **files}))

    return read


def steps(source: Any) -> list[dict[str, Any]]:
    assert not source.rejects, source.rejects
    rows: list[dict[str, Any]] = source.rows("s/t", "gui_steps")
    return rows


def only_reject(source: Any) -> tuple[str, str]:
    (reject,) = source.rejects
    return reject.code, reject.message


HTML = ["HTML", {}, ["HEAD", {}, ["TITLE", {}, "Shop"]], ["BODY", {}, ["INPUT", {"id": "q"}]]]


def dialect(version: int) -> dict[str, list[Line]]:
    """One and the same test, as each version of the format writes it, in the runner's file and in the context's."""

    def before(call_id: str, twin: str, start: float, owner: str, method: str, name: str, **params: Any) -> Line:
        line: Line = {"type": "before", "callId": call_id, "startTime": start, "class": owner, "method": method}
        line["params"] = params
        line |= {"apiName": name} if version <= 7 else {"title": name}
        line |= {"wallTime": WALL + start - MONO} if version <= 6 else {}
        line |= {"stepId": twin} if 7 <= version <= 9 else {}
        line |= {"pageId": PAGE, "beforeSnapshot": f"before@{call_id}"} if version <= 9 else {}
        return line

    def shot(call_id: str, html: Any) -> Line:
        named = {"phase": "before"} if version == 10 else {"snapshotName": f"before@{call_id}"}
        line = snapshot(call_id, html, **named)
        if version < 10:
            del line["snapshot"]["phase"]
        return line

    def frame(time: float, sha: str) -> Line:
        where = {"file": f"resources/{sha}"} if version >= 9 else {"sha1": sha}
        swapped = {"frameSwapWallTime": WALL + time - MONO - 1} if version >= 8 else {}
        size = {"width": 80, "height": 60}
        return {"type": "screencast-frame", "pageId": PAGE, **where, **size, "timestamp": time, **swapped}

    def twin(call_id: str, start: float, name: str, parent: str | None = None) -> Line:
        line: Line = {"type": "before", "callId": call_id, "startTime": start, "class": "Test", "method": "step", "params": {}}
        line |= {"stack": [{"file": "/home/somebody/t.spec.ts", "line": 1, "column": 1}]}
        line |= {"apiName": name} if version <= 7 else {"title": name}
        line |= {"wallTime": WALL + start} if version <= 6 else {}
        return line | ({"parentId": parent} if parent else {})

    goto, fill, expect = ("pw@1", "pw@2", "pw@3") if version < 10 else ("call@1", "call@2", "call@3")
    box = {"box": {"x": 4, "y": 6, "width": 30, "height": 10}} if version >= 9 else {}
    context = [
        head(version, title="shop.spec.ts:3 › shop › finds ink"),
        before("call@1", goto, MONO + 100, "Frame", "goto", "page.goto", url=SHOP),
        shot("call@1", ["HTML", {}, ["HEAD"], ["BODY"]]),
        {"type": "after", "callId": "call@1", "endTime": MONO + 150},
        frame(MONO + 160, "a.jpeg"),
        before("call@2", fill, MONO + 200, "Frame", "fill", "locator.fill", selector="#q", value="ink"),
        shot("call@2", HTML),
        {"type": "input", "callId": "call@2", **box},
        {"type": "after", "callId": "call@2", "endTime": MONO + 230, "error": {"name": "Error", "message": "no"}},
        before("call@3", expect, MONO + 240, "Frame", "expect", "expect.toBeVisible", selector="#q"),
        {"type": "after", "callId": "call@3", "endTime": MONO + 250},
    ]
    runner = [
        *([head(version, origin="testRunner", wallTime=WALL - 7_200_000, monotonicTime=0)] if version >= 7 else []),
        twin("hook", 90, "Before Hooks"),
        twin("step", 99, "Look for ink"),
        twin(goto, 100, "page.goto"),
        twin(fill, 200, "locator.fill", "step"),
        twin(expect, 240, "expect.toBeVisible"),
    ]
    return {"0-trace.trace": context, "test.trace": runner}


@pytest.mark.parametrize("version", range(4, 11))
def test_every_version_gives_the_same_rows(tmp_path: Path, read_source: Callable[..., Any], version: int) -> None:
    shown = jpeg(90)
    source = read_source("playwright", write(tmp_path / "t.zip", {**dialect(version), "resources/a.jpeg": shown}))

    goto, fill = steps(source)
    (header,) = source.rows("s/t", "trajectories")
    assert [row["action_name"] for row in (goto, fill)] == ["goto", "fill"]
    assert (goto["timestamp"], goto["end_timestamp"], fill["timestamp"], fill["end_timestamp"]) == (0.0, 0.05, 0.1, 0.13)
    assert header["started_at"] == datetime(2023, 11, 14, 22, 13, 20, 100_000, tzinfo=UTC)
    assert (header["duration"], header["instruction"]) == (0.13, "shop › finds ink")
    assert (fill["text"], fill["url"], fill["window"], fill["app"]) == ("ink", SHOP, "Shop", "chromium")
    assert goto["screenshot_missing"] == "no frame of this page was received before the action"
    assert (fill["screenshot"], fill["scale"]) == (hashlib.sha256(shown).hexdigest(), 0.5)
    arguments = json.loads(fill["action_args"])
    assert (arguments["selector"], arguments["page"]) == ("#q", "page_0")
    assert arguments["error"] == {"name": "Error", "message": "no"}
    assert arguments.get("box") == ([4.0, 6.0, 34.0, 16.0] if version >= 9 else None)
    action = json.loads(fill["source_action"])
    assert action["groups"] == ["Look for ink"]
    assert "stack" not in action["runner"]["before"]
    assert json.loads(header["completeness"])["actions_with_runner_twin"] == 2


@pytest.mark.parametrize("version", [3, 11])
def test_other_versions_are_refused(tmp_path: Path, read_source: Callable[..., Any], version: int) -> None:
    source = read_source("playwright", write(tmp_path / "t.zip", {"trace.trace": [head(version), *call("c", MONO)]}))

    assert only_reject(source) == (
        "trace_version_unsupported",
        f"trace.trace: trace format version {version} is not supported; 4 to 10 are",
    )


def test_half_a_line_is_named_with_file_and_line(tmp_path: Path, read_source: Callable[..., Any]) -> None:
    whole = "".join(json.dumps(line) + "\n" for line in [head(), *call("c", MONO)]).encode()
    source = read_source("playwright", write(tmp_path / "t.zip", {"0-trace.trace": whole[:-20]}))

    code, message = only_reject(source)
    assert code == "trace_damaged"
    assert message.startswith("0-trace.trace line 3: not a whole line of JSON")
    assert message.endswith("the recording was cut off; record it again")


def test_line_without_what_it_needs_is_named(read_lines: Callable[..., Any]) -> None:
    code, message = only_reject(read_lines({"type": "before", "callId": "c", "class": "Frame", "method": "click"}))

    assert code == "trace_damaged"
    assert message.startswith("trace.trace line 2: 'before' line, startTime: Field required")


def test_half_a_character_in_a_page_is_replaced(tmp_path: Path, read_source: Callable[..., Any]) -> None:
    line = json.dumps(call("c", MONO + 1, "Frame.fill", value="x")[0]).replace('"x"', r'"\ud83d cut"')
    data = f"{json.dumps(head())}\n{line}\n".encode()
    (fill,) = steps(read_source("playwright", write(tmp_path / "t.zip", {"trace.trace": data})))

    assert fill["text"] == "\ufffd cut"


def test_trace_of_queries_and_waits_has_no_actions(read_lines: Callable[..., Any]) -> None:
    seen = ["Frame.isVisible", "Frame.expect", "Frame.waitForSelector", "Frame.evaluateExpression", "Page.screenshot"]
    calls = [line for i, method in enumerate(seen) for line in call(f"c{i}", MONO + i, method)]

    code, message = only_reject(read_lines(*calls, *call("trial", MONO + 9, trial=True)))
    assert (code, message) == (
        "trace_no_actions",
        "none of its 6 calls acts on a page; record clicks, typing or navigation",
    )


def test_zip_without_a_browser_context(tmp_path: Path, read_source: Callable[..., Any]) -> None:
    runner = write(tmp_path / "runner.zip", {"test.trace": [head(8, origin="testRunner"), *call("c", MONO)]})
    other = write(tmp_path / "other.zip", {"notes.txt": b"none"})

    assert only_reject(read_source("playwright", runner))[0] == "trace_no_context"
    code, message = only_reject(read_source("playwright", other))
    assert (code, message.split(":")[0]) == ("trace_no_context", "other.zip holds no .trace file")


def test_newest_frame_received_by_then_is_the_observation(read_lines: Callable[..., Any]) -> None:
    source = read_lines(
        picture(MONO + 10, "late.jpeg", frameSwapWallTime=WALL + 9.0),
        picture(MONO + 12, "early.jpeg", frameSwapWallTime=WALL + 4.0),
        *call("c", MONO + 20),
        picture(MONO + 21, "after.jpeg", frameSwapWallTime=WALL + 19.0),
        **{"late.jpeg": jpeg(1), "early.jpeg": jpeg(2), "after.jpeg": jpeg(3)},
    )

    click, seen = steps(source)
    assert click["screenshot"] == hashlib.sha256(jpeg(1)).hexdigest(), "shown last, though received first"
    assert (seen["action_name"], seen["screenshot"]) == (None, hashlib.sha256(jpeg(3)).hexdigest())
    assert seen["timestamp"] == 0.005, "the frame came before the call had ended"


def test_jpeg_that_cannot_be_read_leaves_the_step(read_lines: Callable[..., Any]) -> None:
    (click,) = steps(read_lines(picture(MONO, "x.jpeg"), *call("c", MONO + 1), **{"x.jpeg": b"no picture"}))

    assert click["screenshot"] is None
    assert click["screenshot_missing"].startswith("frame x.jpeg cannot be read")


def test_screenshot_taken_for_a_call_goes_before_the_screencast(read_lines: Callable[..., Any]) -> None:
    taken = {"type": "screenshot", "callId": "c", "phase": "before", "pageId": PAGE, "timestamp": MONO + 3, "file": "c.png"}
    source = read_lines(picture(MONO, "x.jpeg"), *call("c", MONO + 1), taken, **{"x.jpeg": jpeg(1), "c.png": jpeg(7)})

    assert steps(source)[0]["screenshot"] == hashlib.sha256(jpeg(7)).hexdigest()
    assert source.rows("s/t", "trajectories")[0]["streams"][0]["codec"] == "png"


def test_picture_of_another_shape_has_no_scale(read_lines: Callable[..., Any]) -> None:
    files = {"x.jpeg": jpeg(1, (40, 22))}
    (click,) = steps(read_lines(picture(MONO, "x.jpeg"), *call("c", MONO + 1), **files))

    assert (click["screenshot"] is not None, click["scale"]) == (True, None)


def test_two_contexts_are_merged_on_the_wall_clock(tmp_path: Path, read_source: Callable[..., Any]) -> None:
    """The second context runs on a machine whose clock started at another time; its click lies between the first's."""
    first = [head(), *call("a", MONO + 100), *call("b", MONO + 300)]
    second = [head(monotonicTime=9e9, wallTime=WALL + 150), *call("c", 9e9 + 50, "Frame.hover")]
    rows = steps(read_source("playwright", write(tmp_path / "t.zip", {"0-trace.trace": first, "1-trace.trace": second})))

    assert [(row["action_name"], row["timestamp"]) for row in rows] == [("click", 0.0), ("hover", 0.1), ("click", 0.2)]


def test_points_of_drags_retries_and_mouse_calls(read_lines: Callable[..., Any]) -> None:
    def aimed(call_id: str, x: float, y: float) -> Line:
        return {"type": "input", "callId": call_id, "point": {"x": x, "y": y}, "box": {"x": x, "y": y, "width": 2, "height": 4}}

    drag, retried, mouse = (
        call("d", MONO + 1, "Frame.dragAndDrop"),
        call("r", MONO + 2),
        call("m", MONO + 3, "Page.mouseClick", x=7, y=8),
    )
    lines = [drag[0], aimed("d", 1, 2), aimed("d", 30, 40), drag[1], retried[0], aimed("r", 5, 5), aimed("r", 6, 9), retried[1]]
    rows = steps(read_lines(*lines, *mouse))

    assert [(row["point"], row["end_point"]) for row in rows] == [([1, 2], [30, 40]), ([6, 9], None), ([7, 8], None)]
    assert json.loads(rows[0]["action_args"])["box"] == [1.0, 2.0, 3.0, 6.0]
    assert json.loads(rows[0]["action_args"])["end_box"] == [30.0, 40.0, 32.0, 44.0]


@pytest.mark.parametrize(
    ("method", "params", "expected"),
    [
        ("Page.keyboardPress", {"key": "Control+A"}, {"action_name": "hotkey", "keys": ["Control", "A"]}),
        ("Frame.press", {"key": "Enter"}, {"action_name": "press", "keys": ["Enter"]}),
        ("Page.keyboardType", {"text": "ink"}, {"action_name": "type", "text": "ink"}),
        ("Page.mouseWheel", {"deltaX": 0, "deltaY": -120}, {"action_name": "scroll", "scroll": [0.0, -120.0]}),
        ("Page.mouseClick", {"x": 1, "y": 2, "clickCount": 2}, {"action_name": "doubleClick", "point": [1.0, 2.0]}),
        ("ElementHandle.click", {"button": "right"}, {"action_name": "rightClick"}),
        ("Frame.selectOption", {"options": [{"label": "2"}]}, {"action_name": "select", "action_kind": "gui"}),
        ("Page.goBack", {}, {"action_name": "back", "action_kind": "system"}),
        ("Dialog.accept", {}, {"action_name": "acceptDialog", "action_kind": "gui"}),
    ],
)
def test_calls_and_their_columns(
    read_lines: Callable[..., Any], method: str, params: dict[str, Any], expected: dict[str, Any]
) -> None:
    (row,) = steps(read_lines(*call("c", MONO + 1, method, **params)))

    assert {name: row[name] for name in expected} == expected


def test_locator_calls_that_stand_as_queries(read_lines: Callable[..., Any]) -> None:
    named = [
        {**call("a", MONO + 1, "Frame.waitForSelector")[0], "title": "Scroll into view"},
        {**call("b", MONO + 2, "Frame.waitForSelector")[0], "apiName": "Locator.select_text"},
    ]

    assert [row["action_name"] for row in steps(read_lines(*named))] == ["scrollIntoView", "selectText"]


def test_call_that_names_no_page_of_two(read_lines: Callable[..., Any]) -> None:
    lines = [snapshot("a", HTML, page="page@1"), picture(MONO, "x.jpeg", page="page@2")]
    (_, front) = steps(read_lines(*call("a", MONO + 1), *lines, *call("b", MONO + 9, "Page.bringToFront")))[:2]

    assert front["screenshot_missing"] == "the trace does not say which of its 2 pages this was"
    assert (front["frame_width"], "page" in json.loads(front["action_args"])) == (None, False)


def test_action_that_never_ended(read_lines: Callable[..., Any]) -> None:
    source = read_lines(*call("a", MONO + 1), call("b", MONO + 11)[0])

    assert [row["end_timestamp"] for row in steps(source)] == [0.005, None]
    (header,) = source.rows("s/t", "trajectories")
    assert json.loads(header["completeness"])["actions_without_end"] == 1


def test_trees_that_refer_to_nothing_or_grow_without_end_are_left_out(read_lines: Callable[..., Any]) -> None:
    # References are not counted: in the first snapshot the DIV is node 1, in the others node 0.
    htmls = ["DIV", {}, "text"], ["DIV", {}, [[1, 1]], [[1, 1]]], *[["DIV", {}, [[1, 0]], [[1, 0]]]] * 38
    doubling = [snapshot(f"x{i}", html) for i, html in enumerate(htmls)]
    source = read_lines(
        *doubling,
        *call("x39", MONO + 1),
        snapshot("lost", [[99, 0]], page="page@2"),
        *call("lost", MONO + 2),
    )

    (header,) = source.rows("s/t", "trajectories")
    assert json.loads(header["completeness"])["trees_missing"] == {
        "it grows beyond 500,000 nodes or 400 levels": 1,
        "it refers to a snapshot that was not recorded": 1,
    }
    assert len(steps(source)) == 2


def test_pictures_are_not_held_in_memory(tmp_path: Path, read_source: Callable[..., Any]) -> None:
    """40 pictures of a megabyte: what stays is a sha256 each."""
    lines, files = [], {}
    for i in range(40):
        lines += [picture(MONO + 10 * i, f"{i}.jpeg"), *call(f"c{i}", MONO + 10 * i + 1)]
        files[f"{i}.jpeg"] = jpeg(i) + os.urandom(1 << 20)
    path = write(tmp_path / "t.zip", {"trace.trace": [head(), *lines], **files})
    del files

    tracemalloc.start()
    source = read_source("playwright", path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len({row["screenshot"] for row in steps(source)}) == 40
    assert peak < 8 << 20


# --- which files are taken ---------------------------------------------------------------------------------------------


def test_folder_passes_over_what_is_no_zip_and_a_glob_does_not(tmp_path: Path, read_source: Callable[..., Any]) -> None:
    (tmp_path / "LICENSE").write_text("none")
    (tmp_path / "buy").mkdir()
    write(tmp_path / "buy" / "trace.zip", {"trace.trace": [head(), *call("c", MONO)]})

    folder = read_source("playwright", tmp_path)
    assert (list(folder.trajectories), folder.rejects) == (["s/buy/trace"], [])
    glob = read_source("playwright", f"{tmp_path}/*")
    assert [(r.code, r.source_uri) for r in glob.rejects] == [("not_a_zip", "LICENSE")]
    assert list(read_source("playwright", f"{tmp_path}/**/*.zip").trajectories) == ["s/buy/trace"]


def test_folder_without_a_zip_is_refused(tmp_path: Path, read_source: Callable[..., Any]) -> None:
    (tmp_path / "LICENSE").write_text("none")

    assert only_reject(read_source("playwright", tmp_path))[0] == "source_empty"


def test_two_zips_with_one_id(tmp_path: Path, read_source: Callable[..., Any]) -> None:
    for name in ("t.ZIP", "t.zip"):
        write(tmp_path / name, {"trace.trace": [head(), *call("c", MONO)]})

    source = read_source("playwright", tmp_path)
    assert (list(source.trajectories), [r.code for r in source.rejects]) == (["s/t"], ["native_id_clash"])


def test_reader_is_found_by_name() -> None:
    found = reader("playwright")

    assert (found.version, found.native) == ("2", False)
