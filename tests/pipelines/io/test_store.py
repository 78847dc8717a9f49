"""The workspace: what is put is whole or not there, on a local disk and on an object store."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from pipelines.io.store import SCRATCH, Store


@pytest.fixture(params=["path", "file", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A workspace by path, by file:// URI, and on an object store (fsspec's memory)."""
    root = {"path": f"{tmp_path}/w", "file": f"file://{tmp_path}/w", "memory": f"memory://{uuid.uuid4().hex}/w"}[request.param]
    yield Store(root)
    if request.param == "memory":
        fs, target = fsspec.core.url_to_fs(root)
        for path in fs.find(target):
            fs.rm_file(path)


def local(store: Store, tmp_path: Path, data: bytes, name: str = "made") -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


def test_only_folders_are_local(tmp_path: Path) -> None:
    assert Store(str(tmp_path)).is_local
    assert Store(f"file://{tmp_path}").is_local
    assert not Store("memory://w").is_local
    assert Store(f"file://{tmp_path}").local_root == Store(str(tmp_path)).local_root == tmp_path


def test_what_is_put_is_read_back(store: Store, tmp_path: Path) -> None:
    store.put_bytes("a/b.bin", b"one")
    store.put_file("a/c.bin", local(store, tmp_path, b"three"))
    store.put_json("d.json", {"b": [1, None], "a": "ü"})
    assert store.read_bytes("a/b.bin") == b"one"
    with store.open("a/c.bin") as file:
        assert file.read() == b"three"
    assert store.read_json("d.json") == {"a": "ü", "b": [1, None]}
    assert store.read_bytes("d.json").index(b'"a"') < store.read_bytes("d.json").index(b'"b"')
    assert not (tmp_path / "made").exists()
    assert store.sizes("") == {"a/b.bin": 3, "a/c.bin": 5, "d.json": store.size("d.json")}
    assert store.list("a") == ["a/b.bin", "a/c.bin"]


def test_putting_again_replaces(store: Store, tmp_path: Path) -> None:
    store.put_bytes("a", b"a long one")
    store.put_bytes("a", b"b")
    assert store.read_bytes("a") == b"b"
    store.put_file("a", local(store, tmp_path, b"cc"))
    assert store.sizes("") == {"a": 2}


def test_what_is_not_there_is_said_to_be_absent(store: Store) -> None:
    assert store.read_json("x.json") is None
    assert not store.exists("x")
    assert not store.exists("x", size=0)
    assert store.list("nowhere") == []
    assert store.sizes("") == {}
    store.delete("x")
    for read in (store.read_bytes, store.size):
        with pytest.raises(FileNotFoundError):
            read("x")


def test_existence_is_of_a_size_where_one_is_given(store: Store) -> None:
    store.put_bytes("a", b"abc")
    assert store.exists("a")
    assert store.exists("a", size=3)
    assert not store.exists("a", size=2)
    assert not store.exists("a", size=0)


def test_a_torn_json_document_is_none(store: Store) -> None:
    for data in (b"", b'{"a": ', b"\xff"):
        store.put_bytes("a.json", data)
        assert store.read_json("a.json") is None


def test_deleting_deletes_one_file(store: Store) -> None:
    store.put_bytes("a/b", b"1")
    store.put_bytes("a/c", b"2")
    store.delete("a/b")
    assert store.list("") == ["a/c"]


def test_names_are_taken_literally(store: Store) -> None:
    for name in ("a [1].bin", "ü*.bin", "x/..y", "r?z"):
        store.put_bytes(name, name.encode())
        store.place(name, f"placed/{name}")
        assert store.read_bytes(f"placed/{name}") == name.encode()
        with store.open(name) as file:
            assert file.read() == name.encode()
        store.delete(name)
    assert len(store.list("placed")) == 4
    assert len(store.list("")) == 4


def test_a_part_and_its_published_name_hold_the_same(store: Store) -> None:
    store.put_bytes("parts/a", b"one")
    store.place("parts/a", "release/train")
    store.place("parts/a", "release/train")  # once more changes nothing
    assert store.read_bytes("release/train") == b"one"
    store.put_bytes("parts/a", b"two")
    assert store.read_bytes("release/train") == b"one"  # replacing a part does not write into what is published
    store.place("parts/a", "release/train")
    assert store.read_bytes("release/train") == b"two"
    store.delete("parts/a")
    assert store.sizes("") == {"release/train": 3}


def test_a_local_part_is_stored_once_and_may_not_be_written_into(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    store.put_bytes("parts/a", b"one")
    store.place("parts/a", "release/train")
    assert os.path.samefile(tmp_path / "parts/a", tmp_path / "release/train")
    assert (tmp_path / "release/train").stat().st_mode & 0o222 == 0


def test_a_release_file_that_was_replaced_by_hand_is_placed_anew(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    store.put_bytes("parts/a", b"one")
    store.place("parts/a", "release/train")
    (tmp_path / "release/train").unlink()
    (tmp_path / "release/train").write_bytes(b"mine")
    store.place("parts/a", "release/train")
    assert store.read_bytes("release/train") == b"one"


def test_a_writer_that_fails_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    store.put_bytes("a", b"old")

    def half(temporary: Path) -> None:
        temporary.write_bytes(b"ne")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        store._replace(tmp_path / "a", half)
    assert store.sizes("") == {"a": 3}
    with pytest.raises(FileNotFoundError):
        store.put_file("a", tmp_path / "never made")
    assert store.sizes("") == {"a": 3}
    with pytest.raises(IsADirectoryError):
        store.put_bytes("", b"x")
    assert store.sizes("") == {"a": 3}


def test_a_scratch_folder_is_gone_afterwards_also_after_an_error(store: Store) -> None:
    seen = []
    with store.scratch() as folder:
        (folder / "a").write_bytes(b"x")
        seen.append(folder)
    with pytest.raises(ZeroDivisionError), store.scratch() as folder:
        seen += [folder] * (1 // len(list(folder.iterdir())))
    assert not any(folder.exists() for folder in seen)
    assert store.sizes("") == {}


def test_a_new_file_stands_when_its_block_ends_and_not_after_an_error(store: Store) -> None:
    with store.new_file("parts/a") as local:
        local.write_bytes(b"one")
        assert not store.exists("parts/a")
    with pytest.raises(ZeroDivisionError), store.new_file("parts/a") as local:
        local.write_bytes(b"half" * (1 // len(store.sizes("gone"))))
    assert store.read_bytes("parts/a") == b"one"
    assert store.sizes("") == {"parts/a": 3}


def test_local_scratch_lies_on_the_workspaces_own_device(tmp_path: Path) -> None:
    with Store(f"file://{tmp_path}/w").scratch() as folder:
        assert folder.is_relative_to(tmp_path / "w" / SCRATCH)
    with Store("memory://w").scratch() as folder:
        assert not folder.is_relative_to(tmp_path)


def test_a_sweep_deletes_litter_and_what_nobody_names(store: Store) -> None:
    ours = [f"release/.x.{'0' * 32}.tmp", f".y.{'a' * 32}.tmp", f"{SCRATCH}/abc/table.parquet"]
    for name in ("parts/a", "parts/b", "log/1", "outcomes/j/1", "tmp/mine.txt", "notes.tmp", *ours):
        store.put_bytes(name, b"x")
    assert store.sweep({"parts/a"}, ("parts", "outcomes/j")) == 5
    assert store.list("") == ["log/1", "notes.tmp", "parts/a", "tmp/mine.txt"]
    assert store.sweep(set(), ()) == 0
    assert store.list("") == ["log/1", "notes.tmp", "parts/a", "tmp/mine.txt"]


def test_a_sweep_of_an_empty_workspace_finds_nothing(store: Store) -> None:
    assert store.sweep(set(), ("parts",)) == 0
