"""Media of a shard: each once, found again by sha256, whole or not at all."""

from __future__ import annotations

import hashlib
import uuid
from pathlib import Path

import fsspec
import pytest

from pipelines.io.media import MediaEntry, MediaReader, MediaWriter, sha256_of


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def reader(folder: Path, *entries: dict[str, MediaEntry]) -> MediaReader:
    return MediaReader(str(folder), {sha: entry for of in entries for sha, entry in of.items()})


def test_pieces_are_packed_once_and_read_back(tmp_path: Path) -> None:
    writer = MediaWriter(tmp_path, "media/s.pack")
    pieces = [b"one", b"two two", b"one", b""]
    names = [writer.add(piece, ".png") for piece in pieces]
    assert names == [sha256(piece) for piece in pieces]
    assert (tmp_path / "media/s.pack").read_bytes() == b"onetwo two"
    assert len(writer.added) == 3
    assert [reader(tmp_path, writer.added).read(name) for name in names] == pieces


def test_what_the_shard_holds_already_is_not_written_again(tmp_path: Path) -> None:
    first = MediaWriter(tmp_path, "s.pack")
    first.add(b"one", ".png")
    second = MediaWriter(tmp_path, "s.pack", first.added)
    second.add(b"one", ".png")
    second.add(b"two", ".png")
    assert (tmp_path / "s.pack").read_bytes() == b"onetwo"
    assert second.added.keys() == {sha256(b"two")}


def test_a_new_writer_overwrites_what_a_dead_one_left_half_written(tmp_path: Path) -> None:
    first = MediaWriter(tmp_path, "s.pack")
    first.add(b"one", ".png")
    dead = MediaWriter(tmp_path, "s.pack", first.added)
    dead.add(b"a long piece whose writer died", ".png")
    second = MediaWriter(tmp_path, "s.pack", first.added)
    name = second.add(b"two", ".png")
    assert (tmp_path / "s.pack").read_bytes() == b"onetwo"
    assert reader(tmp_path, first.added, second.added).read(name) == b"two"


def test_files_are_media_of_their_own_by_sha256(tmp_path: Path) -> None:
    writer = MediaWriter(tmp_path, "s.pack")
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"film")
        assert writer.add_file(tmp_path / name, ".mp4") == sha256(b"film")
    (entry,) = writer.added.values()
    assert entry == MediaEntry(sha256(b"film"), f"media/{sha256(b'film')[:2]}/{sha256(b'film')}.mp4", 0, 4, ".mp4")
    assert (tmp_path / entry.file).read_bytes() == b"film"
    assert not (tmp_path / "a").exists()
    assert writer.add(b"film", ".mp4") == entry.sha256
    assert not (tmp_path / "s.pack").exists()


def test_a_piece_that_is_not_there_is_a_key_error_and_a_torn_pack_an_os_error(tmp_path: Path) -> None:
    writer = MediaWriter(tmp_path, "s.pack")
    name = writer.add(b"one two", ".png")
    found = reader(tmp_path, writer.added)
    with pytest.raises(KeyError):
        found.read(sha256(b"other"))
    (tmp_path / "s.pack").write_bytes(b"one")
    with pytest.raises(OSError, match=r"s\.pack ends before byte 7"):
        found.read(name)
    (tmp_path / "s.pack").unlink()
    with pytest.raises(FileNotFoundError):
        found.read(name)


def test_opening_gives_a_local_path_with_the_suffix_for_the_time_of_the_with(tmp_path: Path) -> None:
    writer = MediaWriter(tmp_path, "s.pack")
    names = [writer.add(b"one", ".png"), writer.add(b"two", ".png")]
    (tmp_path / "film").write_bytes(b"film")
    film = writer.add_file(tmp_path / "film", ".mp4")
    found = reader(tmp_path, writer.added)
    for name, data in zip(names, (b"one", b"two"), strict=True):
        with found.open(name) as path:
            assert (path.read_bytes(), path.suffix) == (data, ".png")
            assert not path.is_relative_to(tmp_path)
        assert not path.exists()
    with found.open(film) as path:
        assert path == tmp_path / writer.added[film].file  # a file of its own is not copied


def test_media_are_read_from_an_object_store(tmp_path: Path) -> None:
    writer = MediaWriter(tmp_path, "s.pack")
    name = writer.add(b"one", ".png")
    root = f"memory://{uuid.uuid4().hex}"
    with fsspec.open(f"{root}/s.pack", "wb") as file:
        file.write((tmp_path / "s.pack").read_bytes())
    found = MediaReader(root, writer.added)
    assert found.read(name) == b"one"
    with found.open(name) as path:
        assert path.read_bytes() == b"one"


def test_many_small_pieces(tmp_path: Path) -> None:
    writer = MediaWriter(tmp_path, "s.pack")
    names = [writer.add(b"%d" % i, ".png") for i in range(5000)]
    assert (tmp_path / "s.pack").stat().st_size == sum(entry.length for entry in writer.added.values())
    assert reader(tmp_path, writer.added).read(names[4999]) == b"4999"


def test_the_sha256_of_a_file_is_that_of_its_bytes(tmp_path: Path) -> None:
    data = b"x" * 3_000_001
    (tmp_path / "a").write_bytes(data)
    assert sha256_of(tmp_path / "a") == sha256(data)


def test_scratch_is_on_the_same_device_and_gone_afterwards(tmp_path: Path) -> None:
    with MediaWriter(tmp_path / "new", "s.pack").scratch() as folder:
        assert folder.parent == tmp_path / "new"
    assert not folder.exists()
