"""LeRobot v3.0: episodes that share files, generated like lerobot writes them (`tests.pipelines.lerobot_v30`), and damage to them."""

from __future__ import annotations

import io
import json
import shutil
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.formats.lerobot.language import EVENTS_TYPE, PERSISTENT_TYPE, events_array, persistent_array
from pipelines.shard import Ref
from pipelines.sources import Source, reader
from tests.pipelines.lerobot_v30 import FRONT, WRIST, dataset, episodes, film, write_episodes

LENGTHS = (12, 15, 9, 20)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An undamaged dataset. Nobody may change it."""
    return dataset(tmp_path_factory.mktemp("v30") / "set", LENGTHS)


@pytest.fixture
def damaged(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "set"))


def plan(folder: Path) -> list[Any]:
    return list(reader("lerobot").plan(Source("s", "lerobot", str(folder), "mit")))


def said(found: Any, episode: int) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(found.rows(f"s/episode_{episode:06d}", "trajectories")[0]["completeness"])
    return value


def pictures(data: bytes) -> list[int]:
    """The grey of each frame, which says which frame of the film it is."""
    with av.open(io.BytesIO(data), "r") as container:
        return [round(frame.to_ndarray(format="rgb24")[32:].mean() / 5) for frame in container.decode(video=0)]


def change_episodes(folder: Path, episode: int, **values: Any) -> None:
    rows = episodes(folder)
    rows[episode].update(values)
    write_episodes(folder, rows)


def test_episodes_that_share_all_files_are_one_ref(whole):
    refs = plan(whole)
    assert all(isinstance(ref, Ref) for ref in refs)
    assert [(ref.native_id, ref.steps, len(ref.files)) for ref in refs] == [
        ("episode_000000_and_following", 27, 3),
        ("episode_000002", 9, 3),
        ("episode_000003", 20, 3),
    ]


def test_rows_and_frames_are_each_episodes_own(whole, read_source):
    found = read_source("lerobot", whole)
    assert not found.rejects
    data = pa.concat_tables([pq.read_table(path) for path in sorted(whole.glob("data/*/*.parquet"))])
    for episode, length in enumerate(LENGTHS):
        key = f"s/episode_{episode:06d}"
        steps = found.trajectories[key]["robot_steps"]
        own = data.filter(pa.compute.equal(data["episode_index"], episode))
        assert steps["state"].to_pylist() == own["observation.state"].to_pylist()
        assert steps["frames"].to_pylist() == [[i, i] for i in range(length)]
        front, wrist = found.rows(key, "videos")
        before = sum(LENGTHS[:episode])
        assert pictures(found.media.read(front["video"])) == [i % 50 for i in range(before, before + length)]
        in_wrist = before - sum(LENGTHS[: episode - episode % 2])
        assert pictures(found.media.read(wrist["video"])) == [i % 50 for i in range(in_wrist, in_wrist + length)]
        for row in (front, wrist):
            assert (row["num_frames"], row["reencoded"]) == (length, False)
            assert row["frame_timestamps"] == pytest.approx(np.arange(length) / 10)
        header = found.rows(key, "trajectories")[0]
        assert (header["instruction"], header["fps"], header["embodiment"]) == (("pick", "push")[episode % 2], 10.0, "so100")
        assert json.loads(header["completeness"]) == {}


def test_packets_of_a_clip_are_the_files_own_bytes(whole, read_source):
    found = read_source("lerobot", whole)
    with av.open(str(next(whole.glob(f"videos/{FRONT}/*/*.mp4")))) as container:
        source = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    copied = []
    for episode in range(4):
        with av.open(
            io.BytesIO(found.media.read(found.rows(f"s/episode_{episode:06d}", "videos")[0]["video"])), "r"
        ) as container:
            copied += [bytes(packet) for packet in container.demux(video=0) if packet.size]
    assert copied == source


def test_a_clip_that_begins_off_a_key_frame_is_encoded_again_alone_and_says_so(tmp_path, read_source):
    found = read_source("lerobot", dataset(tmp_path / "set", LENGTHS, group=12))  # key frames at 0, 12, 24, 36, 48
    again = {i: [row["reencoded"] for row in found.rows(f"s/episode_{i:06d}", "videos")] for i in range(4)}
    assert again == {0: [False, False], 1: [False, False], 2: [True, False], 3: [False, True]}
    assert said(found, 2)[f"stream {FRONT}"]["reencoded"] == "the clip does not begin at a key frame"
    row = found.rows("s/episode_000002", "videos")[0]
    assert row["frame_timestamps"] == pytest.approx(np.arange(9) / 10)
    assert pictures(found.media.read(row["video"])) == list(range(27, 36))
    assert found.trajectories["s/episode_000002"]["robot_steps"]["frames"].to_pylist() == [[i, i] for i in range(9)]


def test_a_depth_clip_that_is_encoded_again_is_the_same_depth(tmp_path, read_source):
    folder = dataset(tmp_path / "set", (5, 6))
    film(folder / f"videos/{WRIST}/chunk-000/file-000.mp4", 11, 4, codec="libx265", pix_fmt="gray12le")
    info = json.loads((folder / "meta/info.json").read_text())
    depth = {"video.is_depth_map": True, "depth_unit": "mm", "depth_min": 0.01, "depth_max": 10.0, "video.codec": "hevc"}
    info["features"][WRIST]["info"] = info["features"][WRIST]["info"] | depth
    (folder / "meta/info.json").write_text(json.dumps(info))
    found = read_source("lerobot", folder)

    def depths(source: Any) -> list[bytes]:
        with av.open(source, "r") as container:
            return [frame.to_ndarray().tobytes() for frame in container.decode(video=0)]

    row = found.rows("s/episode_000001", "videos")[1]
    assert row["reencoded"]
    original = depths(str(folder / f"videos/{WRIST}/chunk-000/file-000.mp4"))
    assert depths(io.BytesIO(found.media.read(row["video"]))) == original[5:]
    header = found.rows("s/episode_000001", "trajectories")[0]
    assert json.loads(header["extras"])["depth"] == {WRIST: {"depth_unit": "mm", "depth_min": 0.01, "depth_max": 10.0}}


@pytest.mark.parametrize(("index_name", "fixed"), [("__index_level_0__", True), ("task", False)])
def test_third_parties_write_other_types_of_the_same(tmp_path, whole, read_source, index_name, fixed):
    other = read_source("lerobot", dataset(tmp_path / "set", LENGTHS, index_name=index_name, fixed=fixed))
    ours = read_source("lerobot", whole)
    assert not other.rejects
    for key, tables in ours.trajectories.items():
        assert other.trajectories[key]["robot_steps"].equals(tables["robot_steps"])
        assert other.rows(key, "trajectories")[0]["task_id"] == tables["trajectories"]["task_id"][0].as_py()


def test_rows_in_one_large_row_group_are_found_too(damaged, read_source, whole):
    for path in damaged.glob("data/*/*.parquet"):
        pq.write_table(pq.read_table(path), path)
    found, ours = read_source("lerobot", damaged), read_source("lerobot", whole)
    assert {k: t["robot_steps"].to_pylist() for k, t in found.trajectories.items()} == {
        k: t["robot_steps"].to_pylist() for k, t in ours.trajectories.items()
    }


def test_a_gap_in_episode_index_is_read_by_index_and_said(tmp_path, read_source):
    found = read_source("lerobot", dataset(tmp_path / "set", LENGTHS, indices=(0, 1, 5, 6)))
    assert sorted(found.trajectories) == [f"s/episode_{i:06d}" for i in (0, 1, 5, 6)]
    assert said(found, 5)["episode_index_gap"] == {"missing_before": "2 to 4", "count": 3}
    assert "episode_index_gap" not in said(found, 6)


def test_two_films_that_were_swapped_leave_frames_behind_the_last_clip(tmp_path, read_source):
    folder = dataset(tmp_path / "set", (7, 4, 6))
    one, other = sorted((folder / f"videos/{WRIST}/chunk-000").iterdir())  # of 11 and of 6 frames
    one.rename(folder / "kept")
    other.rename(one)
    (folder / "kept").rename(other)
    found = read_source("lerobot", folder)
    assert said(found, 2)[f"stream {WRIST}"]["frames_behind_the_last_clip"] == 5
    assert "s/episode_000001" not in found.trajectories
    assert FRONT not in str(said(found, 2))


def test_a_shifted_offset_of_one_camera_names_episode_camera_and_figures(damaged, read_source):
    change_episodes(damaged, 1, **{f"videos/{WRIST}/from_timestamp": 1.4})
    found = read_source("lerobot", damaged)
    figures = said(found, 1)
    assert figures[f"clip {WRIST}"] == {"seconds": 1.3, "rows_over_fps": 1.5}
    assert figures[f"offset {WRIST}"] == {"from_timestamp": 1.4, "before_ends_at": 1.2}
    assert figures[f"stream {WRIST}"]["steps_without_frame"] == 2
    assert not [key for key in figures if FRONT in key]
    assert said(found, 0) == said(found, 2) == {}


def test_a_frame_taken_out_of_a_file_is_a_step_without_frame(damaged, read_source):
    path = damaged / f"videos/{FRONT}/chunk-000/file-000.mp4"
    target = path.with_suffix(".new.mp4")
    with av.open(str(path)) as source, av.open(str(target), "w") as output:
        copy = output.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(p for p in source.demux(video=0) if p.size):
            if number != 15:
                packet.stream = copy
                output.mux(packet)
    target.replace(path)
    found = read_source("lerobot", damaged)
    frames = found.trajectories["s/episode_000001"]["robot_steps"]["frames"].to_pylist()
    assert [row[0] for row in frames[:6]] == [0, 1, 2, None, 3, 4]
    figures = said(found, 1)[f"stream {FRONT}"]
    assert (figures["steps_without_frame"], figures["first_step_without_frame"], figures["dropped"]) == (1, 3, 1)
    assert said(found, 0) == said(found, 2) == {}


def test_counts_that_contradict_each_other_cost_one_episode_and_are_all_named(damaged, read_source):
    change_episodes(damaged, 1, length=14)
    found = read_source("lerobot", damaged)
    (reject,) = found.rejects
    assert (reject.native_id, reject.code) == ("episode_000001", "length_mismatch")
    assert "15 rows" in reject.message
    assert "length 14 (dataset_to_index - dataset_from_index = 15)" in reject.message
    assert len(found.trajectories) == 3


def test_a_data_file_without_footer_costs_its_episodes_one_by_one(damaged, read_source):
    path = damaged / "data/chunk-000/file-000.parquet"
    path.write_bytes(path.read_bytes()[:-40])
    found = read_source("lerobot", damaged)
    assert [(r.native_id, r.code) for r in found.rejects] == [(f"episode_{i:06d}", "parquet_unreadable") for i in range(3)]
    assert list(found.trajectories) == ["s/episode_000003"]


def test_a_number_that_is_none_costs_its_own_episode_of_those_that_are_read_together(damaged, read_source):
    path = damaged / "data/chunk-000/file-000.parquet"
    table = pq.read_table(path)
    action = table["action"].to_pylist()
    action[12 + 4][1] = float("nan")
    table = table.set_column(table.column_names.index("action"), "action", pa.array(action, table.schema.field("action").type))
    _write_groups(path, table)
    found = read_source("lerobot", damaged)
    (reject,) = found.rejects
    assert (reject.native_id, reject.code, reject.detail) == (
        "episode_000001", "value_not_finite", {"feature": "action", "step": 4, "dimension": 1, "count": 1}
    )  # fmt: skip
    assert sorted(found.trajectories) == [f"s/episode_{i:06d}" for i in (0, 2, 3)]


def test_a_damaged_page_costs_its_own_episode_of_those_that_are_read_together(damaged, read_source, whole):
    path = damaged / "data/chunk-000/file-000.parquet"
    _write_groups(path, pq.read_table(path))
    found = pq.read_metadata(path).row_group(1).column(0)
    data = bytearray(path.read_bytes())
    data[found.data_page_offset + found.total_compressed_size - 3] ^= 1
    path.write_bytes(data)
    read = read_source("lerobot", damaged)
    assert [(r.native_id, r.code) for r in read.rejects] == [("episode_000001", "parquet_unreadable")]
    assert {k: t["robot_steps"] for k, t in read.trajectories.items()} == {
        k: t["robot_steps"] for k, t in read_source("lerobot", whole).trajectories.items() if k != "s/episode_000001"
    }


def _write_groups(path: Path, table: pa.Table) -> None:
    """A row group per episode of the first file, with checksums, and numbers that no dictionary holds."""
    with pq.ParquetWriter(path, table.schema, write_page_checksum=True, use_dictionary=False) as writer:
        for start, length in ((0, 12), (12, 15), (27, 9)):
            writer.write_table(table.slice(start, length))


def test_a_video_file_that_is_not_there_costs_those_that_need_it(damaged, read_source):
    (damaged / f"videos/{WRIST}/chunk-000/file-001.mp4").unlink()
    found = read_source("lerobot", damaged)
    assert [(r.stage, r.native_id, r.code) for r in found.rejects] == [
        ("plan", f"episode_{i:06d}", "episode_files_missing") for i in (2, 3)
    ]
    assert len(found.trajectories) == 2


def test_a_folder_of_another_name_is_taken_and_said(damaged, read_source):
    (damaged / "videos").rename(damaged / "video")
    (damaged / f"video/{FRONT}").rename(damaged / "video/front")
    found = read_source("lerobot", damaged)
    assert not found.rejects
    assert said(found, 0)["files_elsewhere"][f"videos/{FRONT}/chunk-000/file-000.mp4"] == "video/front/chunk-000/file-000.mp4"


def test_a_clip_behind_the_end_of_its_file(damaged, read_source):
    change_episodes(damaged, 3, **{f"videos/{FRONT}/from_timestamp": 99.0, f"videos/{FRONT}/to_timestamp": 101.0})
    (reject,) = read_source("lerobot", damaged).rejects
    assert (reject.native_id, reject.code) == ("episode_000003", "clip_outside")
    assert "begins at 99 s, and the file's last frame is at 5.5 s" in reject.message


def test_frames_that_do_not_decode_are_found_by_looking(damaged, read_source):
    path = damaged / f"videos/{WRIST}/chunk-000/file-001.mp4"
    with av.open(str(path)) as container:
        *_, last = (packet for packet in container.demux(video=0) if packet.size)
        position, size = last.pos, last.size
    data = bytearray(path.read_bytes())
    data[position : position + size] = bytes(size)
    path.write_bytes(bytes(data))
    found = read_source("lerobot", damaged)
    assert ("episode_000003", "video_undecodable") in [(r.native_id, r.code) for r in found.rejects]
    assert "frame 19 of 20 does not decode" in found.rejects[0].message
    assert not read_source("lerobot", damaged, frames_looked_at=0).rejects


@pytest.mark.parametrize(
    ("name", "damage", "code"),
    [
        ("tasks.parquet", lambda p: p.unlink(), "meta_missing"),
        ("tasks.parquet", lambda p: p.write_bytes(b""), "parquet_unreadable"),
        ("episodes/chunk-000/file-000.parquet", lambda p: p.write_bytes(p.read_bytes()[:99]), "parquet_unreadable"),
        ("episodes/chunk-000/file-000.parquet", lambda p: p.unlink(), "meta_missing"),
    ],
)
def test_a_damaged_index_refuses_the_source(damaged, read_source, name, damage, code):
    damage(damaged / "meta" / name)
    (reject,) = read_source("lerobot", damaged).rejects
    assert (reject.stage, reject.code) == ("plan", code)


# Language

PLAN = {"role": "assistant", "content": "1. reach 2. push", "style": "plan", "timestamp": 0.0}
FIRST = {"role": "assistant", "content": "reach the cup", "style": "subtask", "timestamp": 0.0}
SECOND = {"role": "assistant", "content": "push it", "style": "subtask", "timestamp": 0.5}
CALL = {"type": "function", "function": {"name": "say", "arguments": {"text": "now"}}}
SAID = {"role": "user", "content": "faster", "style": "interjection", "tool_calls": [CALL]}


def spoken(folder: Path, drifted: bool = False) -> Path:
    """A dataset of one episode of 9 steps with language columns; `drifted`: with types as inference gives them."""
    persistent = persistent_array([PLAN, FIRST, SECOND], 9)
    happened = [[SAID] if step == 4 else [] for step in range(9)]
    events = pa.array(happened) if drifted else events_array(happened)
    declared = {"dtype": "language", "shape": [1], "names": None}
    columns = {"language_persistent": persistent, "language_events": events}
    return dataset(folder, (9,), further=columns, features=dict.fromkeys(columns, declared))


@pytest.mark.parametrize("drifted", [False, True])
def test_what_was_said_becomes_subtasks_events_and_extras(tmp_path, read_source, drifted):
    found = read_source("lerobot", spoken(tmp_path / "set", drifted))
    assert not found.rejects
    rows = found.rows("s/episode_000000", "segments")
    assert [(r["layer"], r["start"], r["end"], r["text"], r["producer_type"], r["status"]) for r in rows] == [
        ("subtask", 0, 5, "reach the cup", "import", "accepted"),
        ("subtask", 5, 9, "push it", "import", "accepted"),
    ]
    steps = found.trajectories["s/episode_000000"]["robot_steps"]
    events = [None if text is None else json.loads(text) for text in steps["language_events"].to_pylist()]
    assert events == [None] * 4 + [[SAID]] + [None] * 4
    extras = json.loads(found.rows("s/episode_000000", "trajectories")[0]["extras"])
    assert extras["language_persistent"] == [PLAN, FIRST, SECOND]


def test_language_arrays_have_one_type_whatever_they_hold():
    for rows in ([None, None], [[{"role": "user", "content": "x"}], []], [[SAID]], []):
        assert events_array(rows).type == EVENTS_TYPE
    assert persistent_array([], 3).type == persistent_array([PLAN], 2).type == PERSISTENT_TYPE
    assert Fraction(len(persistent_array([PLAN], 2)), 2) == 1
