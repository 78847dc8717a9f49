"""Bags: .mcap, .db3 and .bag with the same messages, real ones of ROS 2, protobuf video, and faults."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from pipelines.formats.ros.clocks import gaps, taken
from pipelines.sources import reader
from tests.pipelines.sources.robot_samples import cdr_mcap, db3, flipped, pictures, protobuf_mcap, ros1_bag

TOPICS = {
    "steps": "/joint_states",
    "state": "/joint_states:position",
    "reference_frame": "base_link",
    "cameras": [{"topic": "/camera", "name": "hand", "intrinsics": "/camera_info:k", "extrinsics": "tf"}],
}
TALKER = {
    "steps": "/topic",
    "columns": {"text": {"at": "/topic:data", "type": "string"}, "log": {"at": "/rosout:msg", "type": "string"}},
}


def header(found, key):
    row = found.rows(key, "trajectories")[0]
    return row | {name: json.loads(row[name]) for name in ("completeness", "extras")}


@pytest.fixture(scope="module")
def bags(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same messages in three formats. Nobody may change them."""
    folder = tmp_path_factory.mktemp("bags")
    cdr_mcap(folder / "run.mcap")
    db3(folder / "run.db3")
    ros1_bag(folder / "run.bag")
    return folder


@pytest.mark.parametrize(("name", "clock"), [("mcap", "log"), ("rosbag2", "log"), ("rosbag1", "log")])
def test_ros_messages_in_each_format(bags, read_source, name, clock):
    letter = "K" if name == "rosbag1" else "k"
    camera = TOPICS["cameras"][0] | {"intrinsics": f"/camera_info:{letter}"}
    found = read_source(name, bags, topics=TOPICS | {"cameras": [camera]})
    assert found.rejects == []
    said = header(found, "s/run")
    assert said["state_names"] == ["a", "b"]
    assert (said["num_steps"], said["fps"]) == (10, 20.0)
    assert said["started_at"].isoformat() == "2023-11-14T22:13:20+00:00"  # the stamp, not the log 3 ms later
    clocks = said["extras"]["clocks"]
    assert clocks["/joint_states"] == {
        "clock": "message stamp", "messages": 10, "log_time_after_it": {"least": 0.003, "median": 0.003, "most": 0.003},
    }  # fmt: skip
    steps = found.rows("s/run", "robot_steps")
    assert [s["state"] for s in steps] == [[i, i + 1] for i in range(10)]
    assert [s["timestamp"] for s in steps] == pytest.approx(np.arange(10) * 0.05)
    (stream,) = said["streams"]
    assert stream["intrinsics"] == pytest.approx([50, 50, 15.5, 11.5])  # the message is about 64 x 48, the pictures are half
    assert [s["camera_poses"][0][3] for s in steps[1:]] == pytest.approx(1 + 0.1 * np.arange(1, 10))
    rows = found.rows("s/run", "images")
    assert [row["timestamp"] for row in rows] == pytest.approx(0.001 + 0.1 * np.arange(5))
    first = np.asarray(Image.open(io.BytesIO(found.media.read(rows[0]["image"]))))
    assert np.abs(first.astype(int) - pictures(1)[0]).mean() < 8
    assert said["completeness"]["stream hand"]["after_nearest_step"] == pytest.approx(0.001)
    assert steps[0]["frames"] == [0]


def test_all_messages_of_a_real_bag_are_read_from_both_storages(shared_data, read_source):
    found = read_source("rosbag2", shared_data / "robot/rosbag2_talker", topics=TALKER)
    assert found.rejects == []
    assert set(found.trajectories) == {"s/mcap", "s/sqlite3"}
    for key in found.trajectories:
        steps = found.rows(key, "robot_steps")
        assert [s["text"] for s in steps] == [f"Hello, world! {i}" for i in range(10)]
        assert [s["log"] for s in steps] == [f"Publishing: 'Hello, world! {i}'" for i in range(10)]
    assert header(found, "s/sqlite3")["completeness"]["definitions_replaced"] == ["rcl_interfaces/msg/Log"]
    assert read_source("mcap", shared_data / "robot/rosbag2_talker", topics=TALKER).table("robot_steps").num_rows == 10


def test_the_steps_may_have_a_rate_of_their_own(bags, read_source):
    topics = {
        "rate": 10,
        "state": {"at": "/joint_states:position[1]", "policy": "nearest", "max_age": 0.02},
        "clocks": {"/joint_states": "log"},
    }
    found = read_source("mcap", bags, topics=topics)
    said = header(found, "s/run")
    assert said["extras"]["clocks"]["/joint_states"]["clock"] == "log time"
    assert [s["state"] for s in found.rows("s/run", "robot_steps")] == [[1.0], [3.0], [5.0], [7.0], [9.0]]
    assert said["completeness"]["sampling"]["/joint_states:position"]["messages_unused"] == 5
    assert said["state_names"] == ["b"]


def test_what_a_step_takes():
    steps, times = np.array([0, 100, 200, 300]) * 10**6, np.array([-10, 110, 190]) * 10**6
    assert taken(steps, times, "hold", None)[0].tolist() == [0, 0, 2, 2]
    assert taken(steps, times, "next", None)[0].tolist() == [1, 1, -1, -1]
    assert taken(steps, times, "nearest", None)[0].tolist() == [0, 1, 2, 2]
    found, said = taken(steps, times, "hold", 0.05)
    assert found.tolist() == [0, -1, 2, -1]
    assert (said["steps_without"], said["messages_unused"], said["largest_age"]) == (2, 1, 0.01)
    assert gaps(np.array([0, 10, 20, 50, 50, 60]), 0) == {
        "dropped": {"count": 2, "gaps": [{"after_frame": 2, "at": 0.0, "missing": 2}]}, "doubled": {"count": 1, "first_frame": 4},
    }  # fmt: skip


def test_protobuf_and_a_video_of_packets(tmp_path, read_source):
    protobuf_mcap(tmp_path / "v.mcap")
    topics = {"steps": "/joints", "state": "/joints:position", "cameras": [{"topic": "/video", "name": "eye"}]}
    found = read_source("mcap", tmp_path, topics=topics)
    assert found.rejects == []
    steps = found.rows("s/v", "robot_steps")
    assert [s["state"] for s in steps] == [[i, i / 2] for i in range(6)]
    assert [s["frames"] for s in steps] == [[i] for i in range(6)]
    (row,) = found.rows("s/v", "videos")
    assert (row["codec"], row["num_frames"], row["reencoded"]) == ("h264", 6, False)
    assert row["frame_timestamps"] == pytest.approx(np.arange(6) / 10)
    with found.media.open(row["video"]) as path, av.open(str(path)) as container:
        last = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)][-1]
    assert np.abs(last.astype(int) - pictures(6)[5]).mean() < 15


def test_packets_before_a_key_frame_are_left_out_and_said(tmp_path, read_source):
    protobuf_mcap(tmp_path / "v.mcap", late=1)
    topics = {"steps": "/joints", "cameras": [{"topic": "/video", "name": "eye"}]}
    found = read_source("mcap", tmp_path, topics=topics)
    assert "the first 2 packets precede a key frame" in header(found, "s/v")["completeness"]["stream eye"]["before_key_frame"]
    assert [s["frames"] for s in found.rows("s/v", "robot_steps")] == [[None], [None], [None], [0], [1], [2]]


def test_a_transform_that_is_not_there_is_said(bags, read_source):
    camera = TOPICS["cameras"][0] | {"frame": "nowhere"}
    found = read_source("mcap", bags, topics=TOPICS | {"cameras": [camera]})
    said = header(found, "s/run")
    assert "no transform leads from 'nowhere' to 'base_link'" in said["completeness"]["stream hand"]["extrinsics"]
    assert said["streams"][0]["extrinsics"] is None


# What is wrong with a file


def read_one(read_source, folder, name="mcap", topics=TOPICS):
    found = read_source(name, folder, topics=topics)
    assert str(folder) not in "".join(r.message for r in found.rejects)
    return found


def test_a_file_that_was_cut_off_gives_what_lies_before_the_break(tmp_path, read_source):
    from mcap.writer import CompressionType, Writer

    path = tmp_path / "x.mcap"
    with path.open("wb") as file:
        writer = Writer(file, chunk_size=100, compression=CompressionType.NONE)
        writer.start()
        channel = writer.register_channel("/n", "json", 0)
        for number in range(20):
            writer.add_message(channel, number * 10**8, json.dumps({"n": number}).encode(), number * 10**8)
        writer.finish()
    topics = {"steps": "/n", "state": "/n:n"}
    whole = read_one(read_source, tmp_path, topics=topics)
    assert whole.table("robot_steps").num_rows == 20
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b'{"n": 15}') + 4])
    found = read_one(read_source, tmp_path, topics=topics)
    rows = found.table("robot_steps").num_rows
    assert 10 <= rows <= 15
    assert header(found, "s/x")["completeness"]["truncated"]["last_good_time"] == (rows - 1) / 10


def test_every_bit_that_a_checksum_of_mcap_covers_is_found(bags, tmp_path, read_source):
    path = tmp_path / "run.mcap"
    size = (bags / "run.mcap").stat().st_size
    codes = set()
    for at in range(60, size - 40, size // 25):
        shutil.copy(bags / "run.mcap", path)
        flipped(path, at)
        found = read_one(read_source, tmp_path)
        assert found.trajectories == {}, at
        codes |= {reject.code for reject in found.rejects}
    assert codes <= {"mcap_damaged", "count_mismatch", "topic_missing", "message_unreadable", "mcap_bomb"}


def test_a_file_without_an_index_is_read_and_that_is_said(tmp_path, read_source):
    from mcap.writer import IndexType, Writer

    with (tmp_path / "x.mcap").open("wb") as file:
        writer = Writer(file, use_chunking=False, index_types=IndexType.NONE, use_statistics=False, use_summary_offsets=False)
        writer.start()
        channel = writer.register_channel("/n", "json", 0)
        for number in range(3):
            writer.add_message(channel, number * 10**8, json.dumps({"n": number}).encode(), number * 10**8)
        writer.finish()
    found = read_one(read_source, tmp_path, topics={"steps": "/n", "state": "/n:n"})
    assert found.table("robot_steps").num_rows == 3
    assert "no statistics" in header(found, "s/x")["completeness"]["unindexed"]


def test_bags_that_are_damaged_or_incomplete(bags, tmp_path, read_source):
    (tmp_path / "x.bag").write_bytes((bags / "run.bag").read_bytes()[:-300])
    (reject,) = read_one(read_source, tmp_path, "rosbag1").rejects
    assert reject.code == "bag_damaged"
    (tmp_path / "x.db3").write_bytes((bags / "run.db3").read_bytes()[:9000])
    (tmp_path / "y.db3").write_bytes(b"no database")
    assert [r.code for r in read_one(read_source, tmp_path, "rosbag2").rejects] == ["bag_damaged"] * 2


def test_counts_and_files_of_metadata_yaml_are_checked(shared_data, tmp_path, read_source):
    for name in ("few", "gone", "none"):
        shutil.copytree(shared_data / "robot/rosbag2_talker/sqlite3", tmp_path / name, copy_function=shutil.copyfile)
    path = tmp_path / "few/metadata.yaml"
    path.write_text(path.read_text().replace("message_count: 10", "message_count: 11", 1))
    (tmp_path / "gone/talker.db3").unlink()
    (tmp_path / "none/metadata.yaml").write_text("[")
    found = read_one(read_source, tmp_path, "rosbag2", TALKER)
    assert {r.code for r in found.rejects} == {"count_mismatch", "bag_files_missing", "metadata_damaged"}
    assert set(found.trajectories) == {"s/none/talker"}


def test_topics_and_fields_that_are_not_there(bags, read_source):
    for topics, code, told in (
        (TOPICS | {"state": "/joints:position"}, "topic_missing", "/joint_states (sensor_msgs/msg/JointState)"),
        (TOPICS | {"state": "/joint_states:positions"}, "field_missing", "not there"),
        (TOPICS | {"state": "/joint_states:name"}, "field_missing", "holds no numbers"),
        (TOPICS | {"clocks": {"/tf": "stamp"}, "columns": {"x": "/tf:transforms"}}, "clock_missing", "message stamp"),
    ):
        (reject,) = read_one(read_source, bags, topics=topics).rejects
        assert reject.code == code
        assert told in reject.message


def test_without_a_topic_map_the_source_is_rejected_with_the_remedy(bags, read_source):
    (reject,) = read_source("mcap", bags).rejects
    assert reject.code == "topics_missing"
    with pytest.raises(ValueError, match="say what a step is"):
        reader("mcap").options(topics={"state": "/x:y"})


def test_missing_libraries_are_said_with_their_extras(bags, read_source, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "rosbags.typesys", None)
    for name in ("rosbag2", "mcap"):
        (reject,) = read_one(read_source, bags, name).rejects
        assert (reject.code, reject.detail["extra"]) == ("extra_missing", "ros")
    monkeypatch.setitem(__import__("sys").modules, "mcap.reader", None)
    (reject,) = read_one(read_source, bags).rejects
    assert (reject.code, reject.detail["extra"]) == ("extra_missing", "mcap")
