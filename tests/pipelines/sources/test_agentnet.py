"""AgentNetTool recordings: the public one against what its authors published of it, and damaged copies of it."""

from __future__ import annotations

import ast
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt
import pytest

from pipelines.formats.agentnet.events import event_of, typed_text
from pipelines.formats.agentnet.frames import Look, bind, look_of
from pipelines.io.media import MediaReader
from pipelines.shard import Ref, Reject
from pipelines.sources import Rejected, Source, reader
from pipelines.sources.agentnet import pseudonym
from pipelines.stages.reading import ReadResult, Tables, read_ref
from schemas.invariants import check_annotations, check_trajectories

ACCOUNT_FOLDER = "20241105185630_some.one@example.org_0a1b2c3d-0a1b-2c3d-4e5f-0a1b2c3d4e5f"


def plan(uri: Path | str, **options: Any) -> tuple[Any, Source, list[Ref | Reject]]:
    found = reader("agentnet")
    source = Source("s", "agentnet", str(uri), "mit", None, found.options(**options))
    return found, source, list(found.plan(source))


def read_one(uri: Path | str, folder: Path, **options: Any) -> ReadResult:
    found, source, (ref,) = plan(uri, **options)
    assert isinstance(ref, Ref)
    return read_ref(found, source, ref, folder, "media/test.pack")


@pytest.fixture(scope="module")
def episode(shared_data: Path) -> Path:
    return shared_data / "gui/agentnet_raw/ep0"


@pytest.fixture(scope="module")
def published(shared_data: Path) -> Path:
    return shared_data / "gui/agentnet_reduced"


@pytest.fixture(scope="module")
def result(public_recording: tuple[Tables, MediaReader]) -> tuple[Tables, MediaReader]:
    return public_recording


@pytest.fixture(scope="module")
def steps(result: tuple[Tables, MediaReader]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = result[0]["gui_steps"].to_pylist()
    return rows


@pytest.fixture(scope="module")
def completeness(result: tuple[Tables, MediaReader]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result[0]["trajectories"]["completeness"][0].as_py())
    return found


@pytest.fixture
def copied(episode: Path, tmp_path: Path) -> Path:
    """A copy of the recording that may be damaged."""
    return copy_of(episode, tmp_path / "copy" / "ep")


def copy_of(episode: Path, target: Path) -> Path:
    target.mkdir(parents=True)
    for file in episode.iterdir():
        shutil.copyfile(file, target / file.name)
    return target


@pytest.fixture(scope="module")
def with_less(episode: Path, tmp_path_factory: pytest.TempPathFactory) -> Tables:
    """The recording without the logs of elements and windows, and with an action that the reviewer deleted."""
    folder = tmp_path_factory.mktemp("with_less")
    copied = copy_of(episode, folder / "copy" / "ep")
    (copied / "element.jsonl").write_bytes(b"")
    (copied / "top_window.jsonl").unlink()
    lines = (copied / "reduced_events_vis.jsonl").read_bytes().splitlines(keepends=True)
    (copied / "reduced_events_vis.jsonl").write_bytes(b"".join([*lines[:5], *lines[6:]]))
    (tables,) = read_one(copied.parent, folder / "staged").trajectories
    return tables


# --- against the published reduction ---------------------------------------------------------------------------------


def calls(code: str) -> list[tuple[str, dict[str, Any]]]:
    """(function, arguments) of pyautogui code, positional arguments under their number."""
    found = []
    for statement in ast.parse(code).body:
        assert isinstance(statement, ast.Expr)
        call = statement.value
        assert isinstance(call, ast.Call)
        arguments = {str(i): ast.literal_eval(value) for i, value in enumerate(call.args)}
        arguments |= {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords}
        found.append((ast.unparse(call.func), arguments))
    return found


def code_of(row: dict[str, Any]) -> str:
    """A step as the authors' code: coordinates over the screen's size."""

    def at(point: list[float]) -> str:
        return f"x={point[0] / row['frame_width']!r}, y={point[1] / row['frame_height']!r}"

    name = row["action_name"]
    arguments = json.loads(row["action_args"])
    if name == "terminate":
        return f"computer.terminate(status={arguments['status']!r})"
    if name == "drag":
        return f"pyautogui.moveTo({at(row['point'])})\npyautogui.dragTo({at(row['end_point'])}, button={arguments['button']!r})"
    if name == "scroll":
        return f"pyautogui.moveTo({at(row['point'])})\npyautogui.scroll({-round(row['scroll'][1])})"
    return f"pyautogui.{name}({at(row['point'])})"


def test_actions_equal_the_published_code(steps: list[dict[str, Any]], published: Path) -> None:
    record = json.loads((published / "raw_example.jsonl").read_text())
    expected = [calls(step["value"]["code"]) for step in record["traj"]]
    assert len(expected) == 15
    found = [calls(code_of(row)) for row in steps]
    for ours, theirs in zip(found, expected, strict=True):
        assert [name for name, _ in ours] == [name for name, _ in theirs]
        for (_, mine), (_, other) in zip(ours, theirs, strict=True):
            assert mine.keys() == other.keys()
            for key, value in other.items():
                assert mine[key] == (pytest.approx(value, abs=1e-4) if isinstance(value, float) else value)


def test_screenshots_are_the_published_frames(
    steps: list[dict[str, Any]], result: tuple[Tables, MediaReader], published: Path
) -> None:
    for row in steps:
        ours = small(cv2.imdecode(np.frombuffer(result[1].read(row["screenshot"]), np.uint8), cv2.IMREAD_COLOR))
        theirs = small(cv2.imread(str(published / f"{row['step']}.png")))
        assert np.abs(ours - theirs).mean() <= 0.6, row["step"]


def test_another_clock_does_not_give_the_published_frames(episode: Path, published: Path, tmp_path: Path) -> None:
    read = read_one(episode, tmp_path / "staged", clock="OBS_WEBSOCKET_OUTPUT_STARTED")
    media = MediaReader(str(tmp_path / "staged"), read.media)
    shots = read.trajectories[0]["gui_steps"]["screenshot"].to_pylist()
    far = [
        step
        for step, sha256 in enumerate(shots)
        if np.abs(
            small(cv2.imdecode(np.frombuffer(media.read(sha256), np.uint8), 1))
            - small(cv2.imread(str(published / f"{step}.png")))
        ).mean()
        > 0.6
    ]
    assert far == [1, 2, 10, 14]
    clock = json.loads(read.trajectories[0]["trajectories"]["completeness"][0].as_py())["clock"]
    assert clock["chosen"] == "OBS_WEBSOCKET_OUTPUT_STARTED"
    assert clock["candidates"]["video_start_timestamp"] == pytest.approx(-0.5042)


def small(image: Any) -> npt.NDArray[np.float64]:
    return np.asarray(cv2.resize(image, (320, 180), interpolation=cv2.INTER_AREA), np.float64)


# --- what the recording says ------------------------------------------------------------------------------------------


def test_header(result: tuple[Tables, MediaReader]) -> None:
    header = result[0]["trajectories"].to_pylist()[0]
    assert header["trajectory_id"] == "s/ep0"
    assert header["instruction"].startswith("Open the system display settings, adjust")
    assert (header["agent_type"], header["agent"], header["embodiment"]) == ("human", None, "Windows 10")
    assert header["started_at"] is None
    assert header["num_steps"] == 15
    extras = json.loads(header["extras"])
    assert "model" not in extras["metadata"]
    assert "processor" not in extras["metadata"]


def test_steps_keep_source_and_label(steps: list[dict[str, Any]]) -> None:
    sources = [json.loads(row["source_action"]) for row in steps[:-1]]
    assert [source["id"] for source in sources] == [*range(11), 20, 21, 22]
    assert [i for i, source in enumerate(sources) if "label" in source] == [0, *range(8, 14)]
    assert all("axtree" not in source and "trace" not in source for source in sources)
    assert sources[11]["target"]["title"] == "Projecting to this PC"
    assert sources[11]["label"] == "Click on Power & sleep"


def test_times_and_kinds(steps: list[dict[str, Any]]) -> None:
    times = [row["timestamp"] for row in steps]
    assert times[0] == 0.0
    assert times == sorted(times)
    assert steps[3]["end_timestamp"] - steps[3]["timestamp"] == pytest.approx(30693.6860564 - 30689.356889)
    assert [row["action_kind"] for row in steps] == ["gui"] * 14 + ["system"]
    assert [row["app"] for row in steps[:4]] == [
        "explorer",
        "ShellExperienceHost",
        "ShellExperienceHost",
        "ApplicationFrameHost",
    ]


def test_input_space_is_not_video_space(steps: list[dict[str, Any]], completeness: dict[str, Any]) -> None:
    assert {(row["frame_width"], row["frame_height"]) for row in steps} == {(1366, 768)}
    assert steps[0]["scale"] == pytest.approx(1276 / 1366)
    assert completeness["video_scale"] == {"width": 1276, "height": 718, "x": 1276 / 1366, "y": 718 / 768}


def test_person_labels_are_imported_captions(result: tuple[Tables, MediaReader]) -> None:
    texts = result[0]["texts"].to_pylist()
    assert [(row["start"], row["texts"][0]) for row in texts][:2] == [(0, "Click on Action Centre"), (8, "click on 1366x768")]
    assert len(texts) == 7
    assert {(row["layer"], row["channel"], row["producer_type"], row["status"], row["quality"]) for row in texts} == {
        ("caption", "label", "import", "accepted", None)
    }


def test_trees_are_those_of_the_records(result: tuple[Tables, MediaReader], episode: Path) -> None:
    records = [json.loads(line) for line in (episode / "reduced_events_complete.jsonl").read_text().splitlines()]
    trees = result[0]["gui_trees"].to_pylist()
    assert [row["step"] for row in trees] == list(range(14))
    for row, record in zip(trees, records, strict=True):
        assert json.loads(result[1].read(row["tree"])) == record["axtree"]


def test_video_is_a_copy_without_sound(result: tuple[Tables, MediaReader], episode: Path) -> None:
    (row,) = result[0]["videos"].to_pylist()
    assert (row["stream"], row["num_frames"], row["width"], row["height"], row["reencoded"]) == (
        "screen",
        3678,
        1276,
        718,
        False,
    )
    with av.open(str(episode / "video.mp4")) as source, result[1].open(row["video"]) as path, av.open(str(path)) as copy:
        assert len(source.streams.audio) == 1
        assert [stream.type for stream in copy.streams] == ["video"]
    (stream,) = result[0]["trajectories"]["streams"][0].as_py()
    assert (stream["name"], stream["kind"]) == ("screen", "video")


def test_clocks_are_reported(completeness: dict[str, Any]) -> None:
    assert completeness["clock"]["chosen"] == "video_start_timestamp"
    assert completeness["clock"]["candidates"] == {
        "video_start_timestamp": 0.0,
        "OBS_WEBSOCKET_OUTPUT_STARTING": pytest.approx(0.058, abs=1e-3),
        "OBS_WEBSOCKET_OUTPUT_STARTED": pytest.approx(0.504, abs=1e-3),
    }


def test_geometry_change_is_reported(completeness: dict[str, Any]) -> None:
    changes = completeness["geometry"]["changes"]
    assert [(c["after_id"], c["by_id"], c["scale_before"], c["scale_after"]) for c in changes] == [
        (7, 8, 1.0, 1.25),
        (9, 10, 1.25, 1.5),
    ]
    named = {entry["node"]: entry["scale"] for entry in completeness["geometry"]["estimates"]}
    assert {name: named[name] for name in ("Keep changes", "Power & sleep", "5 hours")} == {
        "Keep changes": 1.5,
        "Power & sleep": 1.5,
        "5 hours": 1.5,
    }


def test_hole_is_reported(completeness: dict[str, Any]) -> None:
    (hole,) = completeness["holes"]
    assert hole["ids"] == list(range(11, 20))
    assert hole["video_time"] == [pytest.approx(46.6, abs=0.05), pytest.approx(108.4, abs=0.05)]
    assert hole["between_steps"] == [10, 11]


def test_events_outside_the_screen_are_counted(completeness: dict[str, Any]) -> None:
    outside = completeness["outside_screen"]
    assert outside["events"] == 1450
    assert outside["by_action"] == {"move": 1428, "click": 12, "scroll": 10}
    assert outside["extent"][3] == 1592


def test_frames_of_steps_are_listed(completeness: dict[str, Any]) -> None:
    frames = completeness["screenshots"]["frames"]
    assert frames == [187, 257, 301, 449, 690, 811, 884, 929, 1101, 1232, 1384, 3216, 3301, 3446, 3479]
    assert completeness["screenshots"]["missing_steps"] == []


def test_tables_pass_the_guard(result: tuple[Tables, MediaReader]) -> None:
    assert check_trajectories(result[0]) == []
    assert check_annotations(result[0]) == []


# --- sources, names ---------------------------------------------------------------------------------------------------


def test_source_may_be_folder_recording_or_glob(episode: Path) -> None:
    root = episode.parent
    names = []
    for uri in (root, episode, root / "**", root / "ep*", root / "*" / "metadata.json", root.parent / "**" / "task_name.json"):
        _, _, refs = plan(uri)
        assert all(isinstance(ref, Ref) for ref in refs), uri
        names.append([(ref.native_id, len(ref.files)) for ref in refs if isinstance(ref, Ref)])
    assert names[:5] == [[("ep0", 8)]] * 5
    assert names[5] == [("agentnet_raw/ep0", 8)]


def test_account_in_a_folder_name_is_dropped(copied: Path) -> None:
    copied.rename(copied.parent / ACCOUNT_FOLDER)
    _, _, (ref,) = plan(copied.parent)
    assert isinstance(ref, Ref)
    assert ref.native_id == "20241105185630_0a1b2c3d-0a1b-2c3d-4e5f-0a1b2c3d4e5f"
    assert not any("example.org" in file.name for file in ref.files)
    (copied.parent / ACCOUNT_FOLDER / "metadata.json").unlink()
    _, _, (reject,) = plan(copied.parent)
    assert isinstance(reject, Reject)
    assert "example.org" not in repr(reject)


def test_other_folder_names_are_kept() -> None:
    assert pseudonym("2024/my_recording_1") == "2024/my_recording_1"


# --- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["metadata.json", "task_name.json", "reduced_events_complete.jsonl", "events.jsonl", "video.mp4"]
)
def test_missing_file_is_a_reject_that_names_it(copied: Path, name: str) -> None:
    (copied / name).unlink()
    _, _, (reject,) = plan(copied.parent)
    assert isinstance(reject, Reject)
    assert reject.code == "file_missing"
    assert name.replace("video", "*") in reject.message


def test_element_and_window_logs_may_be_absent(with_less: Tables) -> None:
    assert with_less["gui_steps"]["app"].null_count == with_less["gui_steps"].num_rows == 14
    assert json.loads(with_less["trajectories"]["completeness"][0].as_py())["absent_files"] == [
        "element.jsonl",
        "top_window.jsonl",
    ]


def test_nothing_in_the_source(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no recording")
    for uri in (tmp_path, tmp_path / "*.txt", tmp_path / "none*"):
        with pytest.raises(Rejected) as caught:
            plan(uri)
        assert caught.value.code == "source_empty"


def damaged(copied: Path, folder: Path) -> Reject:
    read = read_one(copied.parent, folder)
    assert not read.trajectories
    (reject,) = read.rejects
    return reject


def test_truncated_video(copied: Path, tmp_path: Path) -> None:
    video = copied / "video.mp4"
    video.write_bytes(video.read_bytes()[:2_000_000])
    assert damaged(copied, tmp_path / "staged").code == "video_unreadable"


def test_video_with_damaged_packets(copied: Path, tmp_path: Path) -> None:
    video = copied / "video.mp4"
    data = bytearray(video.read_bytes())
    data[300_000:3_000_000] = bytes(2_700_000)
    video.write_bytes(data)
    reject = damaged(copied, tmp_path / "staged")
    assert reject.code.startswith("video_")
    assert "video.mp4" in reject.message


@pytest.mark.parametrize("name", ["reduced_events_complete.jsonl", "reduced_events_vis.jsonl", "events.jsonl", "element.jsonl"])
def test_half_a_line_is_a_reject_that_names_file_and_line(copied: Path, tmp_path: Path, name: str) -> None:
    lines = (copied / name).read_bytes().splitlines(keepends=True)
    (copied / name).write_bytes(b"".join([*lines[:4], lines[4][: len(lines[4]) // 2]]))
    reject = damaged(copied, tmp_path / "staged")
    assert reject.code == "json_broken"
    assert f"{name} line 5" in reject.message


def test_clock_that_goes_back(copied: Path, tmp_path: Path) -> None:
    lines = (copied / "events.jsonl").read_bytes().splitlines(keepends=True)
    (copied / "events.jsonl").write_bytes(b"".join([*lines[:10], lines[2], *lines[10:]]))
    reject = damaged(copied, tmp_path / "staged")
    assert reject.code == "clock_backwards"
    assert "events.jsonl line 11" in reject.message


def test_reviewed_and_complete_must_belong_together(copied: Path, tmp_path: Path) -> None:
    lines = (copied / "reduced_events_complete.jsonl").read_bytes().splitlines(keepends=True)
    (copied / "reduced_events_complete.jsonl").write_bytes(b"".join(lines[:-1]))
    reject = damaged(copied, tmp_path / "staged")
    assert reject.code == "event_missing"
    assert reject.detail == {"ids": [22]}


def test_action_the_reviewer_deleted_stays_out(with_less: Tables) -> None:
    assert "scroll" not in with_less["gui_steps"]["action_name"].to_pylist()
    holes = json.loads(with_less["trajectories"]["completeness"][0].as_py())["holes"]
    assert [hole["ids"] for hole in holes] == [[5], list(range(11, 20))]


def test_metadata_without_screen_or_clock(copied: Path, tmp_path: Path) -> None:
    metadata = json.loads((copied / "metadata.json").read_text())
    (copied / "metadata.json").write_text(json.dumps({**metadata, "screen_width": None}))
    assert damaged(copied, tmp_path / "a").code == "metadata_malformed"
    del metadata["video_start_timestamp"]
    (copied / "metadata.json").write_text(json.dumps(metadata))
    reject = damaged(copied, tmp_path / "b")
    assert reject.code == "clock_missing"
    assert "OBS_WEBSOCKET_OUTPUT_STARTED" in reject.message


# --- records that the public sample has none of -----------------------------------------------------------------------

TIMES = {"id": 1, "start_time": 10.0, "end_time": 11.0}


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (
            {"action": "click", "button": "left", "click_type": 2, "coordinate": {"x": 1.5, "y": 2}},
            {"action_name": "doubleClick", "point": [1.5, 2.0]},
        ),
        (
            {"action": "click", "button": "middle", "click_type": 1, "coordinate": {"x": 1, "y": 2}},
            {"action_name": "middleClick"},
        ),
        (
            {"action": "mouse_press", "button": "left", "coordinate": {"x": -9, "y": 2}},
            {"action_name": "mousePress", "point": [-9.0, 2.0]},
        ),
        ({"action": "drag", "button": "left", "coordinate": {"x": 1, "y": 2}}, {"action_name": "drag", "end_point": None}),
        ({"action": "type", "key_names": ["h", "i", "space", "a", "enter"]}, {"action_name": "type", "text": "hi a\n"}),
        (
            {"action": "press", "key_name": "ctrl_l", "children": [{"action": "type", "key_names": ["c"]}]},
            {"action_name": "hotkey", "keys": ["ctrl_l", "c"]},
        ),
        ({"action": "press", "key_name": "esc"}, {"action_name": "press", "keys": ["esc"]}),
    ],
)
def test_records(record: dict[str, Any], expected: dict[str, Any]) -> None:
    row = event_of({**TIMES, **record}, record["action"], "file line 1").row
    assert {key: row[key] for key in expected} == expected


@pytest.mark.parametrize(
    ("record", "code"),
    [
        ({"action": "teleport"}, "action_unknown"),
        ({"action": "click", "button": "left"}, "event_malformed"),
        ({"action": "press", "key_name": "a", "end_time": 9.0}, "event_malformed"),
        ({"action": "press", "key_name": "a", "start_time": None}, "event_malformed"),
    ],
)
def test_bad_records_name_the_line(record: dict[str, Any], code: str) -> None:
    with pytest.raises(Rejected, match="file line 3") as caught:
        event_of({**TIMES, **record}, "click", "file line 3")
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("keys", "text"), [("ab", "ab"), (["a", "backspace", "b"], "b"), (["backspace"], None), (["a", "left"], None)]
)
def test_typed_text(keys: list[str], text: str | None) -> None:
    assert typed_text(list(keys)) == text


# --- the rule for frames ----------------------------------------------------------------------------------------------

RATE = 10
TIMESTAMPS = np.arange(100) / RATE


def event(start: float, action: str = "click", pre_move: float | None = None) -> Any:
    record: dict[str, Any] = {**TIMES, "start_time": start, "end_time": start, "action": action}
    record |= {"button": "left", "coordinate": {"x": 0, "y": 0}, "key_name": "a"}
    if pre_move is not None:
        record["pre_move"] = {"start_time": pre_move, "end_time": start}
    return event_of(record, action, "line 1")


def decoder(changes: list[int]) -> tuple[Callable[[Any], Iterator[npt.NDArray[np.uint8]]], list[int]]:
    """Frames whose grey level steps up at each of `changes`, and a list of the numbers that were decoded."""
    asked: list[int] = []

    def decode(numbers: Any) -> Iterator[npt.NDArray[np.uint8]]:
        for number in numbers:
            asked.append(number)
            yield np.full((4, 4, 3), 20 * sum(number >= change for change in changes), np.uint8)

    return decode, asked


def test_looks_back_to_the_last_change() -> None:
    decode, asked = decoder([33])
    frames, _ = bind([look_of(event(5.0, pre_move=1.0), 0.0, TIMESTAMPS)], 20.0, TIMESTAMPS, decode)
    assert frames == [33]
    assert asked == sorted(asked)


def test_looks_back_to_the_pointer_and_no_further() -> None:
    frames, _ = bind([look_of(event(5.0, pre_move=3.04), 0.0, TIMESTAMPS)], 20.0, TIMESTAMPS, decoder([5])[0])
    assert frames == [30]


def test_pointer_that_set_off_late_is_the_frame() -> None:
    assert look_of(event(5.0, pre_move=4.8), 0.0, TIMESTAMPS) == Look((48,))


def test_keys_take_half_a_second_before() -> None:
    assert look_of(event(5.0, "press", pre_move=1.0), 0.0, TIMESTAMPS) == Look((45,))


def test_look_back_is_bounded() -> None:
    times = np.arange(2000) / RATE
    look = look_of(event(150.0, pre_move=10.0), 0.0, times)
    assert look is not None
    assert (look.frames[0], look.frames[-1], look.floor) == (1495, 1195, False)


@pytest.mark.parametrize(("start", "expected"), [(-0.2, None), (0.3, Look((0,))), (11.0, None)])
def test_actions_at_the_edges_of_the_video(start: float, expected: Look | None) -> None:
    assert look_of(event(start), 0.0, TIMESTAMPS) == expected


def test_end_is_after_the_first_change() -> None:
    decode, asked = decoder([63])
    assert bind([], 6.0, TIMESTAMPS, decode) == ([], 64)
    assert asked == [60, 61, 62, 63]


def test_end_without_a_change_and_beyond_the_video() -> None:
    assert bind([], 6.0, TIMESTAMPS, decoder([])[0]) == ([], 60)
    assert bind([], 12.0, TIMESTAMPS, decoder([])[0]) == ([], None)
