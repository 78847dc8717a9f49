"""Zarr replay buffers: UMI's layout made by zarr itself in both versions, as a zip, with JPEG-XL; and faults."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.pipelines.sources.robot_samples import flipped, pictures, replay_buffer


@pytest.fixture(scope="module")
def umi(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A v2 buffer of two episodes, 3 and 5 steps. Nobody may change it."""
    folder = tmp_path_factory.mktemp("umi")
    replay_buffer(folder / "replay_buffer.zarr")
    return folder


@pytest.fixture
def own(umi: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(umi, tmp_path / "own"))


def header(found, key):
    row = found.rows(key, "trajectories")[0]
    return row | {name: json.loads(row[name]) for name in ("completeness", "extras")}


def shown(found, key):
    return np.stack([np.asarray(Image.open(io.BytesIO(found.media.read(r["image"])))) for r in found.rows(key, "images")])


def test_umi(umi, read_source):
    found = read_source("zarr_buffer", umi)
    assert found.rejects == []
    assert [header(found, key)["num_steps"] for key in found.trajectories] == [3, 5]
    said = header(found, "s/replay_buffer/episode_000001")
    assert (said["fps"], said["duration"], said["instruction"], said["reference_frame"]) == (59.94, None, None, None)
    assert said["extras"] == {"episode": 1, "layout": "umi", "rows": [3, 8]}
    steps = found.rows("s/replay_buffer/episode_000001", "robot_steps")
    assert steps[0]["eef_pose"] == pytest.approx([0.9, 1.0, 1.1, 0, 0, np.sqrt(0.5), np.sqrt(0.5)])
    assert steps[0]["timestamp"] is None
    assert np.array_equal(shown(found, "s/replay_buffer/episode_000001"), pictures(8)[3:])


def test_version_3_and_a_zip_hold_the_same(umi, tmp_path, read_source):
    replay_buffer(tmp_path / "b/replay_buffer.zarr", version=3)
    (tmp_path / "c").mkdir()
    with zipfile.ZipFile(tmp_path / "c/replay_buffer.zarr.zip", "w") as archive:
        for path in sorted((umi / "replay_buffer.zarr").rglob("*")):
            archive.write(path, path.relative_to(umi / "replay_buffer.zarr").as_posix())
    first = read_source("zarr_buffer", umi)
    for folder in ("b", "c"):
        other = read_source("zarr_buffer", tmp_path / folder)
        assert other.rejects == []
        assert other.table("robot_steps") == first.table("robot_steps")
        assert other.table("images") == first.table("images")


def test_jpeg_xl(tmp_path, read_source):
    codecs = pytest.importorskip("imagecodecs.numcodecs")
    codecs.register_codecs(verbose=False)
    replay_buffer(tmp_path / "x.zarr", compressors=codecs.Jpegxl(lossless=True))
    assert "imagecodecs_jpegxl" in (tmp_path / "x.zarr/data/camera0_rgb/.zarray").read_text()
    found = read_source("zarr_buffer", tmp_path)
    assert found.rejects == []
    assert np.array_equal(shown(found, "s/x/episode_000000"), pictures(3))


def test_missing_libraries_are_said_with_their_extras(own, tmp_path, read_source, monkeypatch):
    change(own, "data/camera0_rgb", lambda said: said.update(compressor={"id": "imagecodecs_jpegxl"}))
    monkeypatch.setitem(__import__("sys").modules, "imagecodecs.numcodecs", None)
    (reject,) = read_source("zarr_buffer", own).rejects
    assert (reject.code, reject.detail["extra"]) == ("extra_missing", "jpegxl")
    assert "imagecodecs_jpegxl" in reject.message
    monkeypatch.setitem(__import__("sys").modules, "zarr", None)
    (reject,) = read_source("zarr_buffer", own).rejects
    assert (reject.code, reject.detail["extra"]) == ("extra_missing", "zarr")


def change(folder: Path, array: str, edit) -> None:
    path = folder / "replay_buffer.zarr" / array / ".zarray"
    said = json.loads(path.read_text())
    edit(said)
    path.write_text(json.dumps(said))


def refused(read_source, folder):
    found = read_source("zarr_buffer", folder)
    assert found.trajectories == {}
    (reject,) = found.rejects
    assert str(folder) not in reject.message
    return reject


@pytest.mark.parametrize("ends", [[3, 9], [5, 3], [0, 8], []])
def test_episode_ends_that_do_not_fit_are_rejected(own, read_source, ends):
    import zarr

    zarr.open_group(own / "replay_buffer.zarr", mode="a").create_array(
        "meta/episode_ends", data=np.array(ends, np.int64), overwrite=True
    )
    assert refused(read_source, own).code == "episode_ends_unfit"


def test_the_arrays_that_differ_are_named(own, read_source):
    change(own, "data/action", lambda said: said.update(shape=[7, 7]))
    assert "episode_ends[-1]=8 but data/action has 7 rows" in refused(read_source, own).message


@pytest.mark.parametrize("codec", ["pickle", "imagecodecs2", "json2"])
def test_a_codec_that_may_run_code_or_is_unknown_is_never_called(own, read_source, codec):
    change(own, "data/action", lambda said: said.update(filters=[{"id": codec}]))
    reject = refused(read_source, own)
    assert (reject.code, reject.detail["codec"]) == ("codec_refused", codec)


def test_damaged_metadata_and_damaged_chunks(own, read_source):
    chunk = own / "replay_buffer.zarr/data/action/0.0"
    chunk.write_bytes(chunk.read_bytes()[:-3])
    found = read_source("zarr_buffer", own)
    assert [(r.native_id, r.code) for r in found.rejects] == [("replay_buffer/episode_000000", "zarr_damaged")]
    (own / "replay_buffer.zarr/data/action/.zarray").write_text("{")
    assert refused(read_source, own).code == "zarr_unreadable"


def test_a_flipped_bit_under_a_checksum_is_found(tmp_path, read_source):
    from numcodecs import CRC32

    replay_buffer(tmp_path / "x.zarr", compressors=None, filters=[CRC32()])
    assert read_source("zarr_buffer", tmp_path).rejects == []
    flipped(tmp_path / "x.zarr/data/camera0_rgb/4.0.0.0", 100)
    found = read_source("zarr_buffer", tmp_path)
    assert {r.code for r in found.rejects} == {"zarr_damaged"}
    assert found.trajectories == {}


def test_chunks_that_are_not_there_are_counted(own, read_source):
    (own / "replay_buffer.zarr/data/camera0_rgb/4.0.0.0").unlink()
    found = read_source("zarr_buffer", own)
    assert header(found, "s/replay_buffer/episode_000001")["completeness"]["chunks_absent"] == {"data/camera0_rgb": 1}


def test_a_damaged_zip_is_rejected(umi, tmp_path, read_source):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted((umi / "replay_buffer.zarr").rglob("*")):
            archive.write(file, file.relative_to(umi / "replay_buffer.zarr").as_posix())
    place = path.read_bytes().index((umi / "replay_buffer.zarr/data/action/0.0").read_bytes())
    flipped(path, place + 4)
    found = read_source("zarr_buffer", tmp_path)
    assert [(r.native_id, r.code) for r in found.rejects] == [("x/episode_000000", "zip_damaged")]
    assert list(found.trajectories) == ["s/x/episode_000001"]


def test_a_folder_without_a_buffer(tmp_path, read_source):
    (tmp_path / "x.txt").write_text("x")
    assert read_source("zarr_buffer", tmp_path).trajectories == {}
