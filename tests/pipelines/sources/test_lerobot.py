"""LeRobot v2: a real Unitree G1 dataset of which 3 of 100 episodes are there, our own two-camera example, and damage done to it."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from PIL import Image

from pipelines.formats.lerobot.features import Feature
from pipelines.formats.task_ids import task_id
from pipelines.shard import Ref, Reject, SourceFile
from pipelines.sources import Rejected, Source, lerobot, reader
from schemas.arrow import columns_of, stored_schema

ROOT = Path(__file__).resolve().parents[3]
LIFT = ROOT / "examples/data/lift"
HUB = ROOT / "tests/pipelines/hub_files.py"
AGENTVIEW, WRIST = "observation.images.agentview", "observation.images.robot0_eye_in_hand"

Change = Callable[[dict[str, Any]], None]


@pytest.fixture
def lift(tmp_path: Path) -> Path:
    """A copy of the example that a test may damage."""
    return Path(shutil.copytree(LIFT, tmp_path / "lift"))


def plan(folder: Path | str) -> list[Ref | Reject]:
    return list(reader("lerobot").plan(Source("s", "lerobot", str(folder), "mit")))


def refs(folder: Path) -> dict[str, Ref]:
    return {ref.native_id: ref for ref in plan(folder) if isinstance(ref, Ref)}


def parquet(folder: Path, episode: int = 0) -> Path:
    return folder / f"data/chunk-000/episode_{episode:06d}.parquet"


def video(folder: Path, camera: str = AGENTVIEW, episode: int = 0) -> Path:
    return folder / f"videos/chunk-000/{camera}/episode_{episode:06d}.mp4"


def change_columns(folder: Path, change: Change, episode: int = 0) -> None:
    columns = pq.read_table(parquet(folder, episode)).to_pydict()
    change(columns)
    pq.write_table(pa.table(columns), parquet(folder, episode))


def change_info(folder: Path, change: Change) -> None:
    path = folder / "meta/info.json"
    info = json.loads(path.read_text())
    change(info)
    path.write_text(json.dumps(info))


def change_lines(folder: Path, name: str, change: Callable[[list[dict[str, Any]]], None]) -> None:
    path = folder / "meta" / name
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    change(rows)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def packets(data: bytes) -> list[bytes]:
    with av.open(io.BytesIO(data)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


# The real dataset


def test_three_real_episodes_are_read_and_97_that_are_listed_and_absent_are_rejected(shared_data, read_source):
    found = read_source("lerobot", shared_data / "robot/g1_v21", "g1")
    headers = {key: found.rows(key, "trajectories")[0] for key in found.trajectories}
    assert {key: header["num_steps"] for key, header in headers.items()} == {
        "g1/episode_000001": 393,
        "g1/episode_000007": 410,
        "g1/episode_000052": 425,
    }
    assert found.table("robot_steps").num_rows == 1228
    assert Counter(reject.code for reject in found.rejects) == {"episode_files_missing": 97}
    assert {r.native_id for r in found.rejects} == {f"episode_{i:06d}" for i in range(100) if i not in (1, 7, 52)}
    first = found.rejects[0]
    assert (first.stage, first.source_uri) == ("plan", "data/chunk-000/episode_000000.parquet")
    assert "data/chunk-000/episode_000000.parquet is not there (2 of its 2 files" in first.message


def test_what_is_said_of_a_real_episode(shared_data, read_source):
    found = read_source("lerobot", shared_data / "robot/g1_v21", "g1")
    header = found.rows("g1/episode_000007", "trajectories")[0]
    assert header["instruction"] == "Pick up the yellow bottle on the table."
    assert header["task_id"] == task_id(header["instruction"]) == "pick-up-the-yellow-bottle-on-the-table-c92cd4c8"
    assert (header["embodiment"], header["fps"], header["agent_type"], header["success"]) == (
        "Unitree_G1_Inspire",
        30.0,
        None,
        None,
    )
    assert len(header["state_names"]) == len(header["action_names"]) == 26
    assert (header["state_names"][0], header["state_names"][-1]) == ("kLeftShoulderPitch", "kRightHandThumbRotation")
    assert json.loads(header["completeness"]) == {}
    assert json.loads(header["extras"]) == {"codebase_version": "v2.1", "episode_index": 7, "split": "train", "task_index": 0}
    (stream,) = header["streams"]
    assert (stream["codec"], stream["width"], stream["height"], stream["num_frames"]) == ("av1", 640, 480, 410)
    assert found.rows("g1/episode_000007", "tasks") == [
        {"task_id": header["task_id"], "domain": "robot", "collection": None, "instruction": header["instruction"]}
        | dict.fromkeys(("demonstrations", "tests", "extras"))
    ]


def test_steps_of_a_real_episode_hold_the_numbers_of_its_parquet(shared_data, read_source):
    folder = shared_data / "robot/g1_v21"
    found = read_source("lerobot", folder, "g1")
    steps = found.trajectories["g1/episode_000052"]["robot_steps"]
    source = pq.read_table(parquet(folder, 52))
    assert steps.schema == stored_schema("robot_steps", columns_of("robot_steps"))
    for column, name in (("state", "observation.state"), ("action", "action")):
        assert steps[column].to_pylist() == source[name].to_pylist()
    assert steps["timestamp"].to_pylist() == source["timestamp"].to_pylist()
    assert steps["frames"].to_pylist() == [[i] for i in range(425)]
    assert set(steps["action_kind"].to_pylist()) == {"control"}
    assert np.flatnonzero(steps["is_first"]).tolist() == [0]
    assert np.flatnonzero(steps["is_last"]).tolist() == [424]
    for column in ("gripper", "eef_pose", "reward", "is_terminal"):
        assert steps[column].null_count == 425


def test_packets_of_real_videos_are_the_sources_own_bytes(shared_data, read_source):
    folder = shared_data / "robot/g1_v21"
    found = read_source("lerobot", folder, "g1")
    for episode, frames in ((1, 393), (7, 410), (52, 425)):
        (row,) = found.rows(f"g1/episode_{episode:06d}", "videos")
        copied = packets(found.media.read(row["video"]))
        assert copied == packets(video(folder, "observation.images.cam_high", episode).read_bytes())
        assert (len(copied), row["num_frames"], row["reencoded"]) == (frames, frames, False)


# The example


def test_the_example_has_two_cameras_native_columns_rewards_and_an_outcome(read_source):
    found = read_source("lerobot", LIFT, "lift")
    assert not found.rejects
    header = found.rows("lift/episode_000001", "trajectories")[0]
    assert [stream["name"] for stream in header["streams"]] == [AGENTVIEW, WRIST]
    assert (header["success"], header["success_by"], header["num_steps"], header["duration"]) == (
        True,
        "source",
        70,
        pytest.approx(3.5),
    )
    assert header["state_names"][-1] == "gripper_opening"
    steps = found.trajectories["lift/episode_000001"]["robot_steps"]
    native = reader("lerobot").native_columns(Source("lift", "lerobot", str(LIFT), "mit"))
    assert native == {
        "observation.eef_pos": "list<float32>",
        "observation.eef_quat": "list<float32>",
        "observation.cube_pos": "list<float32>",
        "next.success": "bool",
    }
    assert steps.schema == stored_schema("robot_steps", columns_of("robot_steps", native))
    source = pq.read_table(parquet(LIFT, 1))
    for name in native:
        assert steps[name].to_pylist() == source[name].to_pylist()
    assert steps["reward"].to_pylist() == source["next.reward"].to_pylist()
    assert np.flatnonzero(steps["is_terminal"]).tolist() == [69]
    assert steps["frames"].to_pylist() == [[i, i] for i in range(70)]


def test_reading_twice_gives_the_same_tables(read_source, tmp_path):
    first, second = (read_source("lerobot", LIFT).trajectories for _ in range(2))
    assert {k: {n: t.to_pylist() for n, t in tables.items()} for k, tables in first.items()} == {
        k: {n: t.to_pylist() for n, t in tables.items()} for k, tables in second.items()
    }


def test_an_episode_appended_leaves_all_other_refs_as_they_were(lift):
    before = refs(lift)
    for path in (parquet, video, lambda folder, episode=0: video(folder, WRIST, episode)):
        shutil.copy(path(lift, episode=1), path(lift, episode=2))
    change_lines(lift, "episodes.jsonl", lambda rows: rows.append(rows[1] | {"episode_index": 2, "tasks": ["lift it again"]}))
    change_lines(lift, "tasks.jsonl", lambda rows: rows.append({"task_index": 1, "task": "lift it again"}))
    change_info(lift, lambda info: info.update(total_episodes=3, total_frames=210, splits={"train": "0:3"}))
    after = refs(lift)
    assert list(after) == ["episode_000000", "episode_000001", "episode_000002"]
    assert {key: after[key] for key in before} == before


def test_one_changed_line_of_the_index_changes_its_ref_alone(lift):
    before = refs(lift)
    change_lines(lift, "episodes.jsonl", lambda rows: rows[1].update(tasks=["put it down"]))
    after = refs(lift)
    assert after["episode_000000"] == before["episode_000000"]
    assert after["episode_000001"].selector != before["episode_000001"].selector


def test_a_gap_in_episode_index_is_read_by_index_not_by_position(lift, read_source):
    change_lines(lift, "episodes.jsonl", lambda rows: rows.pop(0))
    for path in (parquet(lift, 0), video(lift), video(lift, WRIST)):
        path.unlink()
    found = read_source("lerobot", lift)
    assert list(found.trajectories) == ["s/episode_000001"]
    assert not found.rejects
    said = json.loads(found.rows("s/episode_000001", "trajectories")[0]["completeness"])
    assert said == {"episode_index_gap": {"missing_before": "0", "count": 1}}


def test_v20_is_read_as_v21(lift, read_source):
    change_info(lift, lambda info: info.update(codebase_version="v2.0"))
    assert len(read_source("lerobot", lift).trajectories) == 2


def test_a_vector_is_a_vector_whether_its_list_has_a_fixed_size_or_not(lift, read_source):
    change_columns(lift, lambda columns: None)  # plain lists, no metadata
    assert isinstance(pq.read_schema(parquet(lift, 0)).field("action").type, pa.ListType)
    assert isinstance(pq.read_schema(parquet(lift, 1)).field("action").type, pa.FixedSizeListType)
    found, untouched = read_source("lerobot", lift), read_source("lerobot", LIFT)
    assert not found.rejects
    for key in found.trajectories:
        assert found.trajectories[key]["robot_steps"].equals(untouched.trajectories[key]["robot_steps"])


@pytest.mark.parametrize(
    "names",
    [
        ["a", "b", "c"],
        [["a", "b", "c"]],
        {"axes": ["a", "b", "c"]},
        {"left": ["a"], "right": ["b", "c"]},
        {"b": 1, "c": 2, "a": 0},
    ],
)
def test_names_of_dimensions_in_all_their_shapes(names):
    assert Feature(dtype="float32", shape=(3,), names=names).dimension_names == ["a", "b", "c"]


@pytest.mark.parametrize("names", [None, ["a"], [], ["a", "b", "c", "d"]])
def test_names_that_do_not_match_the_dimensions_are_none(names):
    assert Feature(dtype="float32", shape=(3,), names=names).dimension_names is None


def test_every_shape_of_a_feature_and_a_name_that_a_step_has(lift, read_source):
    def columns(found: dict[str, Any]) -> None:
        found["gripper"] = [[float(i)] for i in range(70)]
        found["force"] = [[[float(i), 0.0, 1.0], [2.0, 3.0, 4.0]] for i in range(70)]
        found["note"] = ["x"] * 70
        found["count"] = list(range(70))

    def info(found: dict[str, Any]) -> None:
        for name, dtype, shape in (
            ("gripper", "float32", [1]),
            ("force", "float64", [2, 3]),
            ("note", "string", [1]),
            ("count", "int64", []),
        ):
            found["features"][name] = {"dtype": dtype, "shape": shape, "names": None}

    for episode in (0, 1):
        change_columns(lift, columns, episode)
    change_info(lift, info)
    steps = read_source("lerobot", lift).table("robot_steps")
    assert steps["source.gripper"].type == pa.float32()
    assert steps["force"].type == pa.list_(pa.list_(pa.float64()))
    assert steps["force"][3].as_py() == [[3.0, 0.0, 1.0], [2.0, 3.0, 4.0]]
    assert (steps["note"].type, steps["count"].type) == (pa.string(), pa.int64())
    assert steps["gripper"].null_count == 140


def test_a_feature_that_has_no_type_is_left_out_and_said(lift, read_source):
    change_info(lift, lambda info: info["features"].update(odd={"dtype": "complex64", "shape": [1], "names": None}))
    found = read_source("lerobot", lift)
    assert json.loads(found.rows("s/episode_000000", "trajectories")[0]["completeness"]) == {
        "features_left_out": {"odd": "complex64"}
    }


def test_several_tasks_in_one_episode(lift, read_source):
    change_columns(lift, lambda columns: columns.update(task_index=[0] * 30 + [1] * 40))
    change_lines(lift, "episodes.jsonl", lambda rows: rows[0].update(tasks=["reach", "lift"]))
    change_lines(
        lift,
        "tasks.jsonl",
        lambda rows: rows.__setitem__(slice(None), [{"task_index": i, "task": t} for i, t in enumerate(["reach", "lift"])]),
    )
    header = read_source("lerobot", lift).rows("s/episode_000000", "trajectories")[0]
    extras = json.loads(header["extras"])
    assert header["instruction"] == "reach\nlift"
    assert extras["task_index"] == [{"start": 0, "task_index": 0}, {"start": 30, "task_index": 1}]
    assert extras["tasks"] == [{"task": "reach", "task_index": 0}, {"task": "lift", "task_index": 1}]


def png(value: int, size: tuple[int, int] = (6, 4)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, (value, 0, 0)).save(buffer, "PNG")
    return buffer.getvalue()


def with_images(lift: Path, pictures: list[bytes | None]) -> None:
    key = "observation.images.front"
    column = pa.array(
        [None if p is None else {"bytes": p, "path": "x.png"} for p in pictures],
        pa.struct([("bytes", pa.binary()), ("path", pa.string())]),
    )
    for episode in (0, 1):
        table = pq.read_table(parquet(lift, episode))
        pq.write_table(table.append_column(key, column), parquet(lift, episode))
    change_info(lift, lambda info: info["features"].update({key: {"dtype": "image", "shape": [4, 6, 3], "names": None}}))


def test_embedded_images_keep_their_bytes(lift, read_source):
    pictures = [png(i) for i in range(70)]
    with_images(lift, [*pictures[:5], None, *pictures[6:]])
    found = read_source("lerobot", lift)
    rows = found.rows("s/episode_000000", "images")
    assert [found.media.read(row["image"]) for row in rows] == [*pictures[:5], *pictures[6:]]
    assert {(row["width"], row["height"], row["format"], row["stream"]) for row in rows} == {
        (6, 4, "png", "observation.images.front")
    }
    header = found.rows("s/episode_000000", "trajectories")[0]
    assert [(s["name"], s["kind"]) for s in header["streams"]] == [
        (AGENTVIEW, "video"),
        ("observation.images.front", "images"),
        (WRIST, "video"),
    ]
    frames = found.trajectories["s/episode_000000"]["robot_steps"]["frames"].to_pylist()
    assert frames[4:7] == [[4, 4, 4], [5, None, 5], [6, 5, 6]]
    assert json.loads(header["completeness"])["stream observation.images.front"] == {
        "rows": 70,
        "frames": 69,
        "steps_without_frame": 1,
        "first_step_without_frame": 5,
    }


def test_a_picture_that_is_none_is_a_reject(lift, read_source):
    with_images(lift, [png(0)] * 20 + [b"no picture"] + [png(0)] * 49)
    found = read_source("lerobot", lift)
    assert {reject.code for reject in found.rejects} == {"image_unreadable"}
    assert "step 20" in found.rejects[0].message


# What is kept and said


def remux(path: Path, drop: int | None = None, shift: float = 0.0) -> None:
    """Write the video anew without the last `drop` packets, or `shift` seconds later."""
    target = path.with_suffix(".new.mp4")
    with av.open(str(path)) as source, av.open(str(target), "w") as output:
        track = source.streams.video[0]
        copy = output.add_stream_from_template(track)
        found = [packet for packet in source.demux(track) if packet.size]
        for packet in found[: len(found) - drop if drop else None]:
            packet.pts += round(shift / packet.time_base)
            packet.dts += round(shift / packet.time_base)
            packet.stream = copy
            output.mux(packet)
    target.replace(path)


def test_frames_that_are_missing_at_the_end_are_null_and_counted(lift, read_source):
    remux(video(lift), drop=3)
    found = read_source("lerobot", lift)
    assert not found.rejects
    frames = found.trajectories["s/episode_000000"]["robot_steps"]["frames"].to_pylist()
    assert frames[66:] == [[66, 66], [None, 67], [None, 68], [None, 69]]
    said = json.loads(found.rows("s/episode_000000", "trajectories")[0]["completeness"])
    assert said == {f"stream {AGENTVIEW}": {"rows": 70, "frames": 67, "steps_without_frame": 3, "first_step_without_frame": 67}}
    assert json.loads(found.rows("s/episode_000001", "trajectories")[0]["completeness"]) == {}


def test_a_video_that_begins_late_is_matched_by_its_own_clock_and_its_offset_said(lift, read_source):
    remux(video(lift), shift=0.2)
    found = read_source("lerobot", lift)
    frames = found.trajectories["s/episode_000000"]["robot_steps"]["frames"].to_pylist()
    assert frames[:6] == [[None, 0], [None, 1], [None, 2], [None, 3], [0, 4], [1, 5]]
    said = json.loads(found.rows("s/episode_000000", "trajectories")[0]["completeness"])[f"stream {AGENTVIEW}"]
    assert (said["first_frame_at"], said["steps_without_frame"]) == (pytest.approx(0.2), 4)


def test_what_infojson_says_otherwise_of_a_video_is_said(lift, read_source):
    change_info(
        lift, lambda info: info["features"][WRIST]["info"].update({"video.codec": "av1", "video.fps": 30, "video.width": 640})
    )
    found = read_source("lerobot", lift)
    assert json.loads(found.rows("s/episode_000001", "trajectories")[0]["completeness"]) == {
        f"stream {WRIST}": {
            "codec": {"declared": "av1", "found": "h264"},
            "fps": {"declared": 30, "found": 20.0},
            "width": {"declared": 640, "found": 320},
        }
    }


def test_a_depth_map_in_a_video_stays_a_video_and_is_said(lift, read_source):
    change_info(lift, lambda info: info["features"][WRIST]["info"].update({"video.is_depth_map": True}))
    header = read_source("lerobot", lift).rows("s/episode_000000", "trajectories")[0]
    assert [stream["kind"] for stream in header["streams"]] == ["video", "video"]
    assert json.loads(header["completeness"]) == {f"stream {WRIST}": {"is_depth_map": True}}


def test_times_that_do_not_follow_the_fps_leave_fps_null(lift, read_source):
    change_columns(
        lift, lambda columns: columns.update(timestamp=[t + (0.3 if i > 9 else 0) for i, t in enumerate(columns["timestamp"])])
    )
    header = read_source("lerobot", lift).rows("s/episode_000000", "trajectories")[0]
    assert header["fps"] is None
    assert json.loads(header["extras"])["fps"] == 20.0
    assert json.loads(header["completeness"])["irregular_intervals"] == {
        "count": 1,
        "first_step": 10,
        "found": 0.35,
        "expected": 0.05,
    }


def test_a_column_that_is_not_declared_is_said(lift, read_source):
    change_columns(lift, lambda columns: columns.update(spare=[0] * 70))
    header = read_source("lerobot", lift).rows("s/episode_000000", "trajectories")[0]
    assert json.loads(header["completeness"]) == {"columns_not_declared": ["spare"]}


# What is refused


def set_at(column: str, row: int, value: Any, dimension: int | None = None) -> Change:
    def change(columns: dict[str, Any]) -> None:
        if dimension is None:
            columns[column][row] = value
        else:
            columns[column][row][dimension] = value

    return change


def shorter_action(columns: dict[str, Any]) -> None:
    columns["action"] = [row[:6] if i == 11 else row for i, row in enumerate(columns["action"])]


def first_rows(columns: dict[str, Any]) -> None:
    for name in columns:
        columns[name] = columns[name][:50]


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        (
            set_at("observation.state", 12, float("nan"), 3),
            "value_not_finite",
            "observation.state is nan in row 12, dimension 3 (panda_joint4)",
        ),
        (set_at("action", 5, float("inf"), 6), "value_not_finite", "action is inf in row 5, dimension 6 (gripper_command)"),
        (set_at("action", 5, None, 6), "value_missing", "action holds 1 nulls"),
        (set_at("observation.state", 9, None), "value_missing", "row 9 of observation.state is null"),
        (set_at("timestamp", 30, 0.1), "timestamp_back", "from 1.45 s in row 29 to 0.1 s in row 30"),
        (set_at("frame_index", 7, 8), "frame_index_gap", "row 7 has frame_index 8, it should be 7"),
        (set_at("episode_index", 0, 4), "episode_mismatch", "row 0 has episode_index 4, it should be 0"),
        (lambda columns: columns.pop("action"), "schema_mismatch", "has no column action (1 missing)"),
        (shorter_action, "schema_mismatch", "row 11 of action has 6 entries, info.json says shape [7]"),
        (lambda columns: columns.update(action=[0.0] * 70), "schema_mismatch", "action holds double, info.json says shape [7]"),
        (
            lambda columns: columns.update(action=[[0] * 7] * 70),
            "schema_mismatch",
            "action holds int64, info.json says float32",
        ),
        (first_rows, "length_mismatch", "holds 50 rows of episode_000000, the index says length 70"),
    ],
)
def test_wrong_rows_are_rejected_with_place_and_numbers(lift, read_source, change, code, says):
    change_columns(lift, change)
    found = read_source("lerobot", lift)
    assert list(found.trajectories) == ["s/episode_000001"]
    (reject,) = found.rejects
    assert (reject.stage, reject.native_id, reject.code) == ("read", "episode_000000", code)
    assert says in reject.message
    assert "episode_000000.parquet" in reject.message


def test_a_column_that_stands_twice(lift, read_source):
    table = pq.read_table(parquet(lift))
    pq.write_table(table.append_column("action", table["action"]), parquet(lift))
    (reject,) = read_source("lerobot", lift).rejects
    assert (reject.code, reject.message) == (
        "schema_mismatch",
        "data/chunk-000/episode_000000.parquet has more than one column action",
    )


def test_an_episode_without_steps(lift, read_source):
    table = pq.read_table(parquet(lift))
    pq.write_table(table.slice(0, 0), parquet(lift))
    (reject,) = read_source("lerobot", lift).rejects
    assert (reject.native_id, reject.code) == ("episode_000000", "no_steps")


@pytest.mark.parametrize("keep", [0.5, 0.98])
def test_a_parquet_that_broke_off(lift, read_source, keep):
    data = parquet(lift).read_bytes()
    parquet(lift).write_bytes(data[: int(len(data) * keep)])
    found = read_source("lerobot", lift)
    assert [(r.native_id, r.code) for r in found.rejects] == [("episode_000000", "parquet_unreadable")]
    assert list(found.trajectories) == ["s/episode_000001"]


def test_a_video_that_broke_off(lift, read_source):
    data = video(lift).read_bytes()
    video(lift).write_bytes(data[: len(data) // 2])
    found = read_source("lerobot", lift)
    assert [(r.native_id, r.code) for r in found.rejects] == [("episode_000000", "video_truncated")]
    assert list(found.trajectories) == ["s/episode_000001"]


def test_a_video_that_is_a_pointer(lift, read_source):
    video(lift, WRIST).write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    (reject,) = read_source("lerobot", lift).rejects
    assert (reject.native_id, reject.code) == ("episode_000000", "lfs_pointer")
    assert WRIST in reject.message


def test_one_missing_video_is_named(lift):
    video(lift, WRIST, 1).unlink()
    (reject,) = [item for item in plan(lift) if isinstance(item, Reject)]
    assert (reject.native_id, reject.code) == ("episode_000001", "episode_files_missing")
    assert reject.detail == {"missing": [f"videos/chunk-000/{WRIST}/episode_000001.mp4"]}


def test_a_folder_of_another_name_is_taken_and_said(lift, read_source):
    (lift / "videos").rename(lift / "video")
    found = read_source("lerobot", lift)
    assert not found.rejects
    said = json.loads(found.rows("s/episode_000000", "trajectories")[0]["completeness"])
    name = f"chunk-000/{AGENTVIEW}/episode_000000.mp4"
    assert said["files_elsewhere"][f"videos/{name}"] == f"video/{name}"


def test_where_there_is_no_such_file_the_folders_that_are_there_are_named(lift):
    shutil.rmtree(lift / "videos")
    rejects = [item for item in plan(lift) if isinstance(item, Reject)]
    assert [reject.code for reject in rejects] == ["episode_files_missing"] * 2
    assert "no folder videos/ at all, only data/, meta/" in rejects[0].message


def test_a_recording_that_the_index_does_not_know(lift):
    shutil.copy(parquet(lift, 1), parquet(lift, 2))
    (reject,) = [item for item in plan(lift) if isinstance(item, Reject)]
    assert (reject.code, reject.source_uri) == ("episode_not_listed", "data/chunk-000/episode_000002.parquet")


def cut_last_line(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-30])


@pytest.mark.parametrize(
    ("name", "damage", "code", "says"),
    [
        ("episodes.jsonl", lambda p: p.write_text(""), "meta_damaged", "meta/episodes.jsonl is empty (0 bytes)"),
        ("tasks.jsonl", lambda p: p.unlink(), "meta_missing", "meta/tasks.jsonl is not in the source"),
        ("tasks.jsonl", lambda p: p.write_text("task\n"), "meta_damaged", "meta/tasks.jsonl line 1 is not JSON"),
        ("info.json", lambda p: p.unlink(), "meta_missing", "meta/info.json is not in the source"),
        ("info.json", lambda p: p.write_text(""), "meta_damaged", "meta/info.json is empty (0 bytes)"),
        ("info.json", cut_last_line, "meta_damaged", "meta/info.json is not JSON"),
        ("info.json", lambda p: p.write_text("[" * 100_000), "meta_damaged", "meta/info.json is not JSON"),
        ("info.json", lambda p: p.write_text("[]"), "meta_damaged", "meta/info.json"),
        ("info.json", lambda p: p.write_text(p.read_text().replace('"fps": 20,', '"fps": 0,')), "meta_damaged", "fps"),
        ("info.json", lambda p: p.write_text(p.read_text().replace("{video_key}", "{video_key.__class__}")), "meta_damaged", "video_path"),
        ("info.json", lambda p: p.write_text("version https://git-lfs.github.com/spec/v1\noid"), "lfs_pointer", "git lfs pull"),
    ],
)  # fmt: skip
def test_a_damaged_index_refuses_the_source_and_names_the_place(lift, name, damage, code, says):
    damage(lift / "meta" / name)
    with pytest.raises(Rejected) as refused:
        plan(lift)
    assert refused.value.code == code
    assert says in refused.value.message


@pytest.mark.parametrize(
    ("damage", "lost", "code", "says"),
    [
        (cut_last_line, "episode_000001", "meta_damaged", "meta/episodes.jsonl line 2 is not JSON"),
        (lambda p: p.write_text(p.read_text().replace('"episode_index": 1', '"episode_index": -1')), None, "meta_damaged", "line 2: episode_index"),
        (lambda p: p.write_text(p.read_text() + p.read_text().splitlines()[0]), "episode_000000", "native_id_clash", "in lines 1 and 3"),
    ],
)  # fmt: skip
def test_a_damaged_line_of_the_index_costs_its_episode_alone(lift, damage, lost, code, says):
    damage(lift / "meta/episodes.jsonl")
    found = plan(lift)
    (reject,) = [item for item in found if isinstance(item, Reject)]
    assert (reject.source_uri, reject.native_id, reject.code) == ("meta/episodes.jsonl", lost, code)
    assert says in reject.message
    kept = ["episode_000000", "episode_000001"] if code == "native_id_clash" else ["episode_000000"]
    assert [item.native_id for item in found if isinstance(item, Ref)] == kept


@pytest.mark.parametrize("version", ["v1.6", "v4.0"])
def test_other_versions_are_refused_by_name(lift, version):
    change_info(lift, lambda info: info.update(codebase_version=version))
    with pytest.raises(Rejected) as refused:
        plan(lift)
    assert refused.value.code == "version_unsupported"
    assert f"'{version}' is not supported" in refused.value.message
    assert "v2.0, v2.1, v3.0" in refused.value.message


# The Hub


READ = """
import json, sys, tempfile
from pathlib import Path
from pipelines.stages.reading import read_ref
from pipelines.shard import Reject
from pipelines.sources import Source, reader

found, source = reader("lerobot"), Source("s", "lerobot", sys.argv[1], "mit")
planned = list(found.plan(source))
result = [item.message for item in planned if isinstance(item, Reject)]
for ref in planned:
    read = read_ref(found, source, ref, Path(tempfile.mkdtemp(dir=sys.argv[2])), "media/pack")
    assert not read.rejects, read.rejects
    for tables in read.trajectories:
        result.append({name: table.to_pylist() for name, table in tables.items()})
    result.append(sorted(read.media))
print(json.dumps(result))
"""


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[str]:
    """A Hub with the example as `cairn/lift`; gives its endpoint."""
    shutil.copytree(LIFT, tmp_path / "hub/cairn/lift")
    with subprocess.Popen([sys.executable, str(HUB), str(tmp_path / "hub")], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


def read_apart(uri: str, folder: Path, endpoint: str) -> Any:
    """Plan and read a source in a process of its own, which knows the endpoint before it imports anything."""
    folder.mkdir()
    environment = {
        **os.environ,
        "HF_ENDPOINT": endpoint,
        "HF_HOME": str(folder / "hf"),
        "NO_PROXY": "127.0.0.1",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [sys.executable, "-c", READ, uri, str(folder)], env=environment, capture_output=True, text=True, cwd=folder, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("revision", ["", "@main"])
def test_the_hub_gives_what_the_folder_gives(hub, tmp_path, revision):
    remote = read_apart(f"hf://datasets/cairn/lift{revision}", tmp_path / "remote", hub)
    local = read_apart(str(LIFT), tmp_path / "local", hub)
    assert len(remote) == 4
    assert remote == local
    with urllib.request.urlopen(f"{hub}/_requests") as answer:
        requests = json.load(answer)
    pages = [request for request in requests if "/tree/" in request and "recursive" in request.lower()]
    assert len(pages) == 4, requests  # 20 entries, 5 to a page: one listing
    files = [request for request in requests if request.startswith("GET") and "/resolve/" in request]
    assert Counter(files).most_common(1)[0][1] <= 2, files  # the index twice at most, recordings once
    assert len([request for request in files if ".mp4" in request]) == 4


def test_a_revision_that_the_hub_does_not_have(hub, tmp_path):
    folder = tmp_path / "remote"
    with pytest.raises(AssertionError, match=r"Rejected: .*@elsewhere does not exist"):
        read_apart("hf://datasets/cairn/lift@elsewhere", folder, hub)


def test_a_hundred_thousand_episodes_are_planned_from_a_listing_alone(tmp_path):
    shutil.copytree(LIFT / "meta", tmp_path / "meta")
    count = 100_000
    lines = "".join(f'{{"episode_index": {i}, "tasks": ["lift the red cube"], "length": 70}}\n' for i in range(count))
    (tmp_path / "meta/episodes.jsonl").write_text(lines)
    names = [f"data/chunk-{i // 1000:03d}/episode_{i:06d}.parquet" for i in range(count)]
    names += [
        f"videos/chunk-{i // 1000:03d}/{camera}/episode_{i:06d}.mp4" for camera in (AGENTVIEW, WRIST) for i in range(count)
    ]
    listing = {name: SourceFile(f"nowhere://{name}", name, 1, "0") for name in names}
    listing |= {
        f"meta/{path.name}": SourceFile(str(path), f"meta/{path.name}", 1, "0") for path in (tmp_path / "meta").iterdir()
    }
    found = list(lerobot.plan_listed(Source("s", "lerobot", "nowhere://", "mit"), listing))
    assert [ref.native_id for ref in found] == [f"episode_{i:06d}" for i in range(count)]
    assert [file.name for file in found[54_321].files] == [name for name in names if "_054321." in name]


def test_pc_field_reads_a_column_whose_name_has_dots(read_source):
    """Native columns keep their dotted names; a consumer's filter must reach them."""
    steps = read_source("lerobot", LIFT).table("robot_steps")
    assert steps.filter(pc.field("next.success")).num_rows == pc.sum(steps["next.success"]).as_py() > 0
