"""Zip files from outside: nothing in them is trusted."""

from __future__ import annotations

import random
import struct
import zipfile
from pathlib import Path

import pytest

from pipelines.io.archive import ALWAYS_ALLOWED, Archive, open_archive
from pipelines.sources import Rejected


def zipped(path: Path, *members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return path


def code(path: Path) -> str:
    """Why an archive is refused, when it is opened or when all of it is read."""
    with pytest.raises(Rejected) as rejected, open_archive(path) as archive:
        read_all(archive)
    assert rejected.value.message
    return rejected.value.code


def read_all(archive: Archive) -> dict[str, bytes]:
    return {name: archive.read(name) for name in archive.names}


def test_members_are_read_by_name_in_their_own_order(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", ("b/ü.txt", b"two"), ("a", b"one"), ("empty", b""))
    with open_archive(path) as archive:
        assert archive.names == ("b/ü.txt", "a", "empty")
        assert read_all(archive) == {"b/ü.txt": b"two", "a": b"one", "empty": b""}
        assert "a" in archive
        assert "c" not in archive
        with pytest.raises(KeyError):
            archive.read("c")


def test_folders_are_no_members(tmp_path: Path) -> None:
    with open_archive(zipped(tmp_path / "a.zip", ("b/", b""), ("b/c", b"1"))) as archive:
        assert archive.names == ("b/c",)


def test_an_empty_archive_has_no_members(tmp_path: Path) -> None:
    with open_archive(zipped(tmp_path / "a.zip")) as archive:
        assert archive.names == ()


@pytest.mark.parametrize(
    "name",
    ["../a", "a/../../b", "..", "/etc/passwd", "//host/share", "..\\a", "a\\..\\..\\b", "\\windows", "C:\\a", "C:/a", "c:a"],
)
def test_a_name_that_leaves_the_archive_is_refused(tmp_path: Path, name: str) -> None:
    path = zipped(tmp_path / "a.zip", ("fine", b"1"), (name, b"x"))
    assert code(path) == "zip_escape"
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["a.zip"]


@pytest.mark.parametrize("name", ["..a", "a..", "a/../b", "a/..b/c", "...", "a:b/c/..", "x/C:/y"])
def test_dots_in_names_are_no_way_out(tmp_path: Path, name: str) -> None:
    path = zipped(tmp_path / "a.zip", (name, b"x"))
    if ":" in name.split("/")[0]:
        assert code(path) == "zip_escape"
    else:
        with open_archive(path) as archive:
            assert archive.read(name) == b"x"


def test_an_archive_that_unpacks_to_far_more_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", ("zeros", bytes(ALWAYS_ALLOWED + 1)))
    assert code(path) == "zip_bomb"


def test_many_members_over_the_same_bytes_are_a_bomb_too(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", *((f"{i}", bytes(1 << 20)) for i in range(70)))
    assert code(path) == "zip_bomb"


def test_what_packs_well_and_is_small_is_taken(tmp_path: Path) -> None:
    with open_archive(zipped(tmp_path / "a.zip", ("zeros", bytes(1 << 20)))) as archive:
        assert len(archive.read("zeros")) == 1 << 20


def changed(path: Path, old: bytes, new: bytes) -> Path:
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new))
    return path


def test_a_member_that_lies_about_its_size_is_damaged_and_not_unpacked_further(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", ("zeros", bytes(50_000_000)))
    assert code(changed(path, struct.pack("<I", 50_000_000), struct.pack("<I", 1000))) == "zip_damaged"


def test_a_member_above_what_fits_in_memory_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", ("x", random.Random(0).randbytes(3_000_000)), method=zipfile.ZIP_STORED)
    size = 3_000_000
    path = changed(path, struct.pack("<II", size, size), struct.pack("<II", size, 600 << 20))
    assert code(path) == "zip_bomb"


def test_a_changed_byte_is_damage(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", ("x", b"some text that is stored"), method=zipfile.ZIP_STORED)
    assert code(changed(path, b"some text", b"some test")) == "zip_damaged"


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_an_archive_that_breaks_off_is_damaged(tmp_path: Path, share: float) -> None:
    path = zipped(tmp_path / "a.zip", *((f"{i}", random.Random(i).randbytes(1000)) for i in range(20)))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    assert code(path) == "zip_damaged"


def test_what_is_no_archive_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"text" * 1000)
    assert code(tmp_path / "a.zip") == "zip_damaged"


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", ("secret", b"1234567890123"), method=zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + flags] |= 1
    path.write_bytes(data)
    assert code(path) == "zip_damaged"


def test_an_unknown_compression_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", ("x", b"1" * 100))
    data = bytearray(path.read_bytes())
    for signature, method in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        data[data.index(signature) + method] = 99
    path.write_bytes(data)
    assert code(path) == "zip_damaged"


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_compression_that_no_recorder_uses_is_refused(tmp_path: Path, method: int) -> None:
    assert code(zipped(tmp_path / "a.zip", ("x", b"1" * 100), method=method)) == "zip_damaged"


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_whatever_byte_is_changed_it_is_read_or_refused(tmp_path: Path, method: int) -> None:
    noise = random.Random(method)
    whole = zipped(tmp_path / "a.zip", ("a", b"abc" * 100), ("b/c", noise.randbytes(300)), method=method).read_bytes()
    path = tmp_path / "b.zip"
    for _ in range(600):
        data = bytearray(whole)
        for _ in range(noise.choice((1, 1, 1, 4))):
            data[noise.randrange(len(data))] = noise.randrange(256)
        path.write_bytes(data)
        try:
            with open_archive(path) as archive:
                read_all(archive)
        except Rejected as rejected:
            assert rejected.code in {"zip_damaged", "zip_escape", "zip_bomb"}  # noqa: PT017 - either is right
