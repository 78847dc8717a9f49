"""What random damage has found in the readers, each planted once."""

from __future__ import annotations

import json
import shutil
import sqlite3
import zipfile
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.formats.hdf5.file import bytes_beyond_end
from pipelines.formats.lerobot.index_v3 import EPISODES, TASKS
from pipelines.io.video import scan_video
from pipelines.sources import Rejected
from tests.pipelines import lerobot_v30
from tests.pipelines.sources.mutations.kinds import POINTER
from tests.pipelines.sources.mutations.samples import LIFT, TOPICS
from tests.pipelines.sources.robot_samples import db3, droid, mp4, pictures, png, replay_buffer, robomimic

ID = "LAB+1234+2023-07-22-04h-13m"


def amiss(found: Any, key: str) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(found.rows(key, "trajectories")[0]["completeness"])
    return said


def test_an_hdf5_file_that_is_longer_than_it_says(tmp_path, read_source):
    path = robomimic(tmp_path / "x.hdf5", (0,))
    assert bytes_beyond_end(path) == 0
    data = path.read_bytes()
    path.write_bytes(data + data[-100:])
    found = read_source("hdf5", tmp_path)
    assert amiss(found, "s/x/demo_000000")["bytes_beyond_end"] == 100
    for layout, block in (("earliest", 0), ("latest", 0), ("latest", 1024)):
        with h5py.File(tmp_path / "own.h5", "w", libver=layout, userblock_size=block) as file:
            file["x"] = np.arange(10)
        assert bytes_beyond_end(tmp_path / "own.h5") == 0
        with (tmp_path / "own.h5").open("ab") as file:
            file.write(b"12345")
        assert bytes_beyond_end(tmp_path / "own.h5") == 5


def test_a_heap_in_which_hdf5_would_walk_for_ever(tmp_path, read_source):
    path = robomimic(tmp_path / "x.hdf5", (0,))
    data = path.read_bytes()
    start = data.index(b"GCOL")
    path.write_bytes(data[: start + 16] + bytes(100) + data[start + 116 :])
    (reject,) = read_source("hdf5", tmp_path).rejects
    assert (reject.code, "has no size" in reject.message) == ("hdf5_damaged", True)


def test_a_droid_episode_without_its_trajectory(tmp_path, read_source):
    (droid(tmp_path / "a") / "trajectory.h5").unlink()
    (reject,) = read_source("droid", tmp_path).rejects
    assert (reject.native_id, reject.code) == (ID, "trajectory_missing")


@pytest.mark.parametrize("said", ["[1, 2", '{"a": 1}', "[[1], [2]]", "[1e999]"])
def test_frame_times_of_droid_that_are_none(tmp_path, read_source, said):
    (droid(tmp_path / "a") / "recordings/MP4/222_timestamps.json").write_text(said)
    found = read_source("droid", tmp_path)
    assert amiss(found, f"s/{ID}")["stream ext1"]["timestamps_unfit"] == {"frames": 7, "timestamps": 0}


def test_a_replay_buffer_that_lost_the_metadata_of_its_camera(tmp_path, read_source):
    replay_buffer(tmp_path / "x.zarr")
    (tmp_path / "x.zarr/data/camera0_rgb/.zarray").unlink()
    found = read_source("zarr_buffer", tmp_path)
    said = amiss(found, "s/x/episode_000000")["files_without_array"]
    assert said == {"count": 8, "first": "data/camera0_rgb/0.0.0.0"}
    path = tmp_path / "x.zarr/data/action/.zarray"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"chunks": [0, 7]}))
    (reject,) = read_source("zarr_buffer", tmp_path).rejects
    assert reject.code == "zarr_unreadable"


def test_a_zip_with_a_member_without_a_name(tmp_path, read_source):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("name", b"x")
    path = tmp_path / "x.zip"
    path.write_bytes(path.read_bytes().replace(b"name", b"\0ame"))
    (reject,) = read_source("zarr_buffer", tmp_path).rejects
    assert reject.code == "zip_damaged"


def test_a_database_of_another_size_or_with_a_broken_index(tmp_path, read_source):
    for name in ("short", "long", "index"):
        with sqlite3.connect(db3(tmp_path / f"{name}.db3")) as database:
            database.execute("CREATE INDEX timestamp_idx ON messages (timestamp ASC)")
            (root,) = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'timestamp_idx'").fetchone()
        database.close()
    data = (tmp_path / "short.db3").read_bytes()
    (tmp_path / "short.db3").write_bytes(data[:-1])
    (tmp_path / "long.db3").write_bytes(data + data[-20:])
    page = bytearray(data)
    page[root * 4096 - 4] ^= 1  # the first entry of the index, at the end of its page
    (tmp_path / "index.db3").write_bytes(page)
    found = read_source("rosbag2", tmp_path, topics=TOPICS)
    assert {r.native_id: r.code for r in found.rejects} == {"short": "bag_damaged", "index": "bag_damaged"}
    assert amiss(found, "s/long")["bytes_beyond_end"] == 20


def test_an_lmdb_that_was_cut_off_is_not_looked_into(tmp_path):
    lmdb = pytest.importorskip("lmdb")
    from pipelines.formats.robointer.stores import stored_notes

    with lmdb.open(str(tmp_path / "notes"), map_size=1 << 20) as made, made.begin(write=True) as transaction:
        transaction.put(b"a", b"x" * 10_000)
    path = tmp_path / "notes/data.mdb"
    path.write_bytes(path.read_bytes()[:9000])
    with pytest.raises(Rejected, match=r"data\.mdb has 9,000 bytes, it states .* it was cut off"):
        stored_notes(str(tmp_path / "notes"), "", "a", 1, None)  # type: ignore[arg-type]


def test_a_video_whose_codec_or_metadata_is_garbled(tmp_path):
    path = mp4(tmp_path / "x.mp4", pictures(3))
    data = path.read_bytes()
    for before, after in ((b"avc1\0\0\0\0", b"avc\xff\0\0\0\0"), (b"isomiso2avc1mp41", b"isom\xf0so2avc1mp41")):
        assert data.count(before) == 1
        path.write_bytes(data.replace(before, after))
        with pytest.raises(Rejected) as rejected:
            scan_video(path)
        assert rejected.value.code == "video_unreadable"


def test_bytes_in_parquet_that_are_no_text_and_a_png_whose_checksum_does_not_fit(tmp_path, read_source):
    shutil.copytree(LIFT, tmp_path / "lift")
    path = tmp_path / "lift/data/chunk-000/episode_000000.parquet"
    info = tmp_path / "lift/meta/info.json"
    table = pq.read_table(path)
    words = pa.array(["grün"] * 70)
    shown = png(pictures(1)[0])
    broken = bytearray(shown)
    broken[-20] ^= 1  # in the pixels
    key = "observation.images.robot0_eye_in_hand"
    images = pa.array([{"bytes": shown, "path": "0.png"}] * 69 + [{"bytes": bytes(broken), "path": "0.png"}])
    said = json.loads(info.read_text())
    said["features"]["words"] = {"dtype": "string", "shape": [1], "names": None}
    info.write_text(json.dumps(said))
    pq.write_table(table.append_column("words", words), path, compression="none", use_dictionary=False)
    path.write_bytes(path.read_bytes().replace("grün".encode(), b"gr\xff\xffn"))
    (reject, other) = read_source("lerobot", tmp_path / "lift").rejects
    assert (reject.native_id, reject.code) == ("episode_000000", "schema_mismatch")
    assert "UTF8" in reject.message
    assert other.native_id == "episode_000001"  # has no such column
    del said["features"]["words"]
    said["features"][key] |= {"dtype": "image"}
    info.write_text(json.dumps(said))
    pq.write_table(table.append_column(key, images), path)
    reject = read_source("lerobot", tmp_path / "lift").rejects[0]
    assert (reject.native_id, reject.code) == ("episode_000000", "image_unreadable")
    assert "step 69" in reject.message


def test_a_rate_that_the_rows_do_not_keep(tmp_path, read_source):
    shutil.copytree(LIFT, tmp_path / "lift")
    info = tmp_path / "lift/meta/info.json"
    info.write_text(json.dumps(json.loads(info.read_text()) | {"fps": 30}))
    found = read_source("lerobot", tmp_path / "lift")
    header = found.rows("s/episode_000000", "trajectories")[0]
    assert header["fps"] is None
    said = amiss(found, "s/episode_000000")["irregular_intervals"]
    assert (said["count"], said["found"], said["expected"]) == (69, 0.05, 0.033333)


@pytest.mark.parametrize("name", [f"{EPISODES}chunk-000/file-000.parquet", TASKS])
def test_a_table_of_the_index_that_is_a_pointer(tmp_path, read_source, name):
    lerobot_v30.dataset(tmp_path / "x", lengths=(3,))
    (tmp_path / "x" / name).write_bytes(POINTER)
    (reject,) = read_source("lerobot", tmp_path / "x").rejects
    assert (reject.stage, reject.code) == ("plan", "lfs_pointer")
    assert name in reject.message
