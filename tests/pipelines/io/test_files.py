"""Files of a source: what a URI stands for, and what cannot be taken."""

from __future__ import annotations

import hashlib
import os
import uuid
from pathlib import Path

import fsspec
import pytest

from pipelines.io.files import find_file, fixed_part, input_sha256, list_files, local_files, read_file, total_size
from pipelines.shard import Ref, SourceFile
from pipelines.sources import LocalFiles, Rejected

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """a.json, b.txt, sub/c.json and sub/deep/d.json below a folder with an odd name."""
    folder = tmp_path / "my data"
    (folder / "sub" / "deep").mkdir(parents=True)
    for name in ("a.json", "b.txt", "sub/c.json", "sub/deep/d.json"):
        (folder / name).write_text(name)
    return folder


def names(uri: str | Path) -> list[str]:
    return [file.name for file in list_files(str(uri))]


def test_a_folder_stands_for_all_files_below_it(data: Path) -> None:
    assert names(data) == names(f"{data}/") == names(f"file://{data}") == ["a.json", "b.txt", "sub/c.json", "sub/deep/d.json"]


def test_a_glob_stands_for_what_it_matches_and_names_are_relative_to_its_fixed_part(data: Path) -> None:
    assert names(f"{data}/*.json") == ["a.json"]
    assert names(f"{data}/**/*.json") == ["a.json", "sub/c.json", "sub/deep/d.json"]
    assert names(f"{data}/s*/c.json") == ["sub/c.json"]
    assert names(f"{data}/sub/?.json") == ["c.json"]
    assert names(f"{data}/[ab].*") == ["a.json", "b.txt"]


def test_a_file_stands_for_itself(data: Path) -> None:
    (file,) = list_files(f"{data}/sub/c.json")
    assert (file.name, file.uri, file.size) == ("c.json", f"file://{data}/sub/c.json", 10)


def test_the_fixed_part_of_a_uri(data: Path) -> None:
    assert fixed_part(f"{data}/*/a.json") == str(data)
    assert fixed_part(f"{data}/sub/d*") == f"{data}/sub"
    assert fixed_part(str(data)) == str(data)
    assert fixed_part(f"{data}/a.json") == str(data)


def test_the_stamp_changes_with_size_and_time_and_not_with_a_reading(data: Path) -> None:
    (before,) = list_files(f"{data}/a.json")
    read_file(before)
    assert list_files(f"{data}/a.json") == [before]
    os.utime(data / "a.json", (1, 1))
    (touched,) = list_files(f"{data}/a.json")
    (data / "a.json").write_text("longer than before")
    os.utime(data / "a.json", (1, 1))
    (grown,) = list_files(f"{data}/a.json")
    assert len({before.stamp, touched.stamp, grown.stamp}) == 3


def rejected_code(uri: str | Path) -> str:
    with pytest.raises(Rejected) as rejected:
        list_files(str(uri))
    return rejected.value.code


def test_what_is_not_there_is_missing_and_what_holds_nothing_is_empty(data: Path) -> None:
    assert rejected_code(data / "nowhere") == "source_missing"
    (data / "empty").mkdir()
    assert rejected_code(data / "empty") == "source_empty"
    assert rejected_code(f"{data}/*.zip") == "source_empty"
    assert rejected_code(f"{data}/nowhere/*.zip") in {"source_empty", "source_missing"}


def taken(file: SourceFile, tmp_path: Path) -> bytes:
    with local_files(Ref("x", (file,)), tmp_path / "scratch") as files:
        return files.only.read_bytes()


@pytest.mark.parametrize(("content", "code"), [(b"", "file_empty"), (POINTER, "lfs_pointer")])
def test_a_file_without_content_is_rejected_with_the_remedy(data: Path, tmp_path: Path, content: bytes, code: str) -> None:
    (data / "x").write_bytes(content)
    (file,) = list_files(str(data / "x"))
    with pytest.raises(Rejected) as rejected:
        taken(file, tmp_path)
    assert rejected.value.code == code
    assert rejected.value.message.startswith("x ")
    assert {"file_empty": "copy it again", "lfs_pointer": "git lfs pull"}[code] in rejected.value.message


def test_a_pointer_in_place_of_an_index_is_rejected(data: Path) -> None:
    (data / "x").write_bytes(POINTER)
    found = find_file(str(data), "x")
    assert found is not None
    with pytest.raises(Rejected, match="git lfs pull"):
        read_file(found)


def test_a_file_that_is_gone_since_it_was_listed_is_rejected(data: Path, tmp_path: Path) -> None:
    (file,) = list_files(f"{data}/a.json")
    (data / "a.json").unlink()
    for read in (lambda: taken(file, tmp_path), lambda: read_file(file)):
        with pytest.raises(Rejected) as rejected:
            read()
        assert rejected.value.code == "file_gone"


def test_a_file_is_found_by_name(data: Path) -> None:
    found = find_file(str(data), "sub/c.json")
    assert found is not None
    assert (found.name, read_file(found)) == ("sub/c.json", b"sub/c.json")
    assert find_file(str(data), "sub/x.json") is None
    assert find_file(str(data), "sub") is None


def test_a_local_file_is_not_copied_and_a_remote_one_is(data: Path, tmp_path: Path) -> None:
    (file,) = list_files(f"{data}/a.json")
    with local_files(Ref("x", (file,)), tmp_path / "scratch") as files:
        assert files["a.json"] == data / "a.json"
    root = f"memory://{uuid.uuid4().hex}"
    for name in ("x/a.json", "y/a.json"):
        with fsspec.open(f"{root}/{name}", "wb") as opened:
            opened.write(name.encode())
    remote = list_files(f"{root}/*/a.json")
    assert [file.name for file in remote] == ["x/a.json", "y/a.json"]
    with local_files(Ref("x", tuple(remote)), tmp_path / "scratch") as files:
        assert [files[file.name].read_bytes() for file in remote] == [b"x/a.json", b"y/a.json"]
        assert all(path.is_relative_to(tmp_path / "scratch") for path in files.paths.values())
    assert rejected_code(f"{root}/nowhere") == "source_missing"


def test_the_digest_of_inputs_is_of_the_file_or_of_the_sorted_lines(data: Path) -> None:
    def sha256(text: bytes) -> str:
        return hashlib.sha256(text).hexdigest()

    assert input_sha256(LocalFiles({"a.json": data / "a.json"})) == sha256(b"a.json")
    both = {"b.txt": data / "b.txt", "a.json": data / "a.json"}
    assert input_sha256(LocalFiles(both)) == sha256(f"{sha256(b'a.json')}  a.json\n{sha256(b'b.txt')}  b.txt\n".encode())


def test_sizes_add_up(data: Path) -> None:
    assert total_size(list_files(str(data))) == 6 + 5 + 10 + 15
