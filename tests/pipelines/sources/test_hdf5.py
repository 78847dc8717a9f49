"""HDF5: ALOHA, LIBERO and robomimic made in their layouts, a cut of our own simulation, and faults."""

from __future__ import annotations

import io
import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from pipelines.formats.arrays.fields import Fields
from pipelines.formats.hdf5.file import natural, padded
from pipelines.sources import reader
from tests.pipelines.sources.robot_samples import aloha, flipped, libero, pictures, robomimic


def header(found, key):
    row = found.rows(key, "trajectories")[0]
    return row | {name: json.loads(row[name]) for name in ("completeness", "extras")}


def decoded(found, row):
    return np.asarray(Image.open(io.BytesIO(found.media.read(row["image"]))))


def test_numbers_in_names_sort_as_numbers():
    assert sorted(["demo_10", "demo_2", "demo_1"], key=natural) == ["demo_1", "demo_2", "demo_10"]
    assert padded("x/demo_2") == "x/demo_000002"
    assert (padded("x/2"), padded("run2"), padded("1234567")) == ("x/000002", "run2", "1234567")
    assert padded("2024-01-02-run") == "2024-01-02-run"


def test_aloha(tmp_path, read_source):
    for number in (10, 2):
        aloha(tmp_path / f"episode_{number}.hdf5")
    found = read_source("hdf5", tmp_path, preset="aloha", instruction="fold the towel")
    assert found.rejects == []
    assert list(found.trajectories) == ["s/episode_000002", "s/episode_000010"]
    said = header(found, "s/episode_000002")
    assert (said["fps"], said["duration"], said["num_steps"], said["instruction"]) == (50.0, None, 5, "fold the towel")
    assert said["extras"]["attributes"] == {"compress": False, "sim": False}
    steps = found.rows("s/episode_000002", "robot_steps")
    assert np.allclose([s["state"] for s in steps], np.linspace(0, 1, 70).reshape(5, 14))
    assert steps[0]["qvel"] == steps[0]["state"]
    assert [s["timestamp"] for s in steps] == [None] * 5  # the format has no clock
    assert (steps[0]["gripper"], steps[0]["eef_pose"]) == (None, None)
    assert [s["frames"] for s in steps] == [[0], [1], [2], [3], [4]]
    rows = found.rows("s/episode_000002", "images")
    assert np.array_equal(np.stack([decoded(found, row) for row in rows]), pictures(5))


def test_aloha_jpeg_keeps_its_bytes_until_the_recipe_says_that_blue_comes_first(tmp_path, read_source):
    aloha(tmp_path / "episode_0.hdf5", compressed=True)
    kept = read_source("hdf5", tmp_path)
    row = kept.rows("s/episode_000000", "images")[0]
    assert row["format"] == "jpeg"
    assert kept.media.read(row["image"])[-2:] == b"\xff\xd9"  # without the padding
    assert "colours" in header(kept, "s/episode_000000")["completeness"]["not_declared"]
    assert decoded(kept, row)[0, -1, 2] > 150 > decoded(kept, row)[0, -1, 0]  # red shows as blue
    turned = read_source("hdf5", tmp_path, colours="bgr")
    row = turned.rows("s/episode_000000", "images")[0]
    assert row["format"] == "png"
    assert decoded(turned, row)[0, -1, 0] > 150 > decoded(turned, row)[0, -1, 2]
    assert header(turned, "s/episode_000000")["completeness"]["stream cam_high"]["stored_anew"]["colours"] == "bgr"


def test_libero_is_put_upright_and_demo_10_comes_after_demo_2(tmp_path, read_source):
    libero(tmp_path / "drawer_demo.hdf5")
    found = read_source("hdf5", tmp_path)
    assert list(found.trajectories) == ["s/drawer_demo/demo_000002", "s/drawer_demo/demo_000010"]
    said = header(found, "s/drawer_demo/demo_000010")
    assert (said["instruction"], said["embodiment"], said["fps"]) == ("open the drawer", "Panda", 20.0)
    assert said["extras"]["episode"] == "data/demo_10"
    steps = found.rows("s/drawer_demo/demo_000010", "robot_steps")
    assert steps[0]["action"] == [10.0] * 7
    assert steps[0]["gripper"] == pytest.approx(0.5)
    angle = 0.02 * np.sqrt(3)
    assert steps[0]["eef_pose"][6] == pytest.approx(np.cos(angle / 2))
    assert [s["is_terminal"] for s in steps] == [False, False, False, True]
    shown = decoded(found, found.rows("s/drawer_demo/demo_000010", "images")[3])
    assert np.array_equal(shown, pictures(4)[3])
    assert said["completeness"]["stream agentview"] == {"turned": "flip_vertical"}


def test_a_generic_layout_by_its_field_map(tmp_path, read_source):
    with h5py.File(tmp_path / "own.h5", "w") as file:
        run = file.create_group("runs/7")
        run["pose"] = np.array([[0, 0, 0, 1.0, 0, 0, 0], [1, 2, 3, 0, 1.0, 0, 0]])
        run["t"] = np.array([1000, 1050])
        run["grip"] = np.array([80.0, 0.0])
        run["depth"] = np.full((2, 4, 4), 1500, np.uint16)
        run["lens"] = np.array([50.0, 50.0, 2.0, 2.0])
        run["label"] = np.array([b"a", b"b"])
        run["spare"] = np.zeros(2)
    fields = {
        "state": "pose[0:3]", "eef_position": "pose[0:3]", "eef_rotation": "pose[3:7]", "rotation": "wxyz", "timestamp": "t",
        "timestamp_unit": "ms", "gripper": {"key": "grip", "closed": 0, "open": 80},
        "cameras": [{"key": "depth", "kind": "depth", "depth_unit": 0.001, "intrinsics": "lens"}],
        "columns": {"label": {"key": "label", "type": "string"}},
    }  # fmt: skip
    found = read_source("hdf5", tmp_path, preset="generic", episodes="runs/*", fields=fields)
    assert found.rejects == []
    steps = found.rows("s/own/000007", "robot_steps")
    assert [s["timestamp"] for s in steps] == [0.0, 0.05]
    assert [s["eef_pose"] for s in steps] == [[0, 0, 0, 0, 0, 0, 1], [1, 2, 3, 1, 0, 0, 0]]
    assert [s["gripper"] for s in steps] == [1.0, 0.0]
    assert [s["label"] for s in steps] == ["a", "b"]
    said = header(found, "s/own/000007")
    (stream,) = said["streams"]
    assert (stream["kind"], stream["depth_unit"], stream["intrinsics"]) == ("depth", 0.001, [50, 50, 2, 2])
    assert decoded(found, found.rows("s/own/000007", "images")[0]).max() == 1500
    assert said["completeness"] == {"arrays_left_out": ["spare"]}


def test_a_field_map_with_a_fault_is_refused_before_anything_is_read():
    options = reader("hdf5").options
    for fields in (
        {"stat": "x"},
        {"columns": {"state": "x"}},
        {"cameras": [{"key": "*/*"}]},
        {"gripper": {"key": "g", "closed": 1, "open": 1}},
    ):
        with pytest.raises(ValidationError):
            options(fields=fields)
    assert Fields().state == ()


def test_floating_depth_is_left_out_and_said(tmp_path, read_source):
    robomimic(tmp_path / "x.hdf5", (0,))
    with h5py.File(tmp_path / "x.hdf5", "a") as file:
        file["data/demo_0/obs/front_depth"] = np.full((4, 3, 3), 0.5, np.float32)
    found = read_source("hdf5", tmp_path)
    assert "without loss" in header(found, "s/x/demo_000000")["completeness"]["stream front_depth"]["left_out"]
    assert "images" not in found.trajectories["s/x/demo_000000"]


FAULTS = {
    "hdf5_truncated": lambda path: path.write_bytes(path.read_bytes()[:-500]),
    "hdf5_unreadable": lambda path: path.write_bytes(b"no HDF5" * 100),
}


@pytest.mark.parametrize("code", FAULTS)
def test_a_file_that_is_cut_off_or_none_is_rejected(tmp_path, read_source, code):
    FAULTS[code](robomimic(tmp_path / "x.hdf5"))
    (reject,) = read_source("hdf5", tmp_path).rejects
    assert reject.code == code
    assert "x.hdf5" in reject.message
    assert str(tmp_path) not in reject.message


def test_links_to_other_files_and_references_are_refused(tmp_path, read_source):
    for number in range(4):
        robomimic(tmp_path / f"x{number}.hdf5", (0,))
    robomimic(tmp_path / "x4.hdf5", (0,))
    with h5py.File(tmp_path / "x0.hdf5", "a") as file:
        file["data/demo_0/obs/out"] = h5py.ExternalLink("/etc/passwd", "/")
    with h5py.File(tmp_path / "x1.hdf5", "a") as file:
        file["data/demo_0/refs"] = np.array([file["data"].ref] * 4, h5py.ref_dtype)
    with h5py.File(tmp_path / "x2.hdf5", "a") as file:
        layout = h5py.VirtualLayout((4,), "f8")
        layout[:] = h5py.VirtualSource("other.h5", "x", (4,))
        file.create_virtual_dataset("data/demo_0/virtual", layout)
    with h5py.File(tmp_path / "x3.hdf5", "a") as file:
        file["data/demo_0/again"] = file["data"]
    found = read_source("hdf5", tmp_path)
    assert {r.source_uri: r.code for r in found.rejects} == {
        "x0.hdf5": "hdf5_external", "x1.hdf5": "hdf5_reference", "x2.hdf5": "hdf5_external", "x3.hdf5": "hdf5_damaged",
    }  # fmt: skip
    assert list(found.trajectories) == ["s/x4/demo_000000"]


def test_one_broken_episode_costs_itself_alone(tmp_path, read_source):
    robomimic(tmp_path / "x.hdf5", (0, 1, 2, 3, 4))
    with h5py.File(tmp_path / "x.hdf5", "a") as file:
        file["data/demo_1"].attrs["num_samples"] = 9
        del file["data/demo_2/actions"]
        file["data/demo_2/actions"] = np.zeros((3, 7))
        file["data/demo_3/obs/robot0_eef_quat"][1] = 5.0
    found = read_source("hdf5", tmp_path)
    assert {r.native_id: r.code for r in found.rejects} == {
        "x/demo_000001": "length_mismatch", "x/demo_000002": "length_mismatch", "x/demo_000003": "rotation_unfit",
    }  # fmt: skip
    assert list(found.trajectories) == ["s/x/demo_000000", "s/x/demo_000004"]


def test_a_bit_that_a_checksum_covers_is_found_also_where_nobody_asked_for_the_array(tmp_path, read_source):
    path = robomimic(tmp_path / "x.hdf5", (0,))
    with h5py.File(path, "a") as file:
        made = file.create_dataset("data/demo_0/spare", data=np.arange(64.0).reshape(4, 16), chunks=(4, 16), fletcher32=True)
        place = made.id.get_chunk_info(0).byte_offset
    assert read_source("hdf5", tmp_path).rejects == []
    flipped(path, place + 9)
    (reject,) = read_source("hdf5", tmp_path).rejects
    assert (reject.code, reject.detail["key"]) == ("hdf5_damaged", "spare")


def test_an_array_that_was_never_filled_is_not_unpacked(tmp_path, read_source):
    path = robomimic(tmp_path / "x.hdf5", (0,))
    with h5py.File(path, "a") as file:
        file.create_dataset("data/demo_0/obs/front_image", (4, 8000, 8000, 3), "u1", chunks=(1, 8000, 8000, 3))
    (reject,) = read_source("hdf5", tmp_path).rejects
    assert reject.code == "hdf5_bomb"


def test_an_unknown_layout_is_said_with_its_keys(tmp_path, read_source):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["joints"] = np.zeros((3, 2))
    (reject,) = read_source("hdf5", tmp_path).rejects
    assert reject.code == "layout_unknown"
    assert "['joints']" in reject.message


def test_a_missing_library_is_said_with_its_extra(tmp_path, read_source, monkeypatch):
    robomimic(Path(tmp_path / "x.hdf5"), (0,))
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    (reject,) = read_source("hdf5", tmp_path).rejects
    assert reject.code == "extra_missing"
    assert "cairn-trajectories[hdf5]" in reject.message
