"""What a publication would change, from two listings."""

from __future__ import annotations

import hashlib

from pipelines.publish.plan import LocalFile, differences, groups, make_plan, marker, read_manifest

from .made import remote


def local(path: str, data: bytes) -> LocalFile:
    sha1 = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
    return LocalFile(path, len(data), hashlib.sha256(data).hexdigest(), None if path.endswith(".parquet") else sha1)


def test_every_file_is_added_changed_renamed_kept_removed_or_left() -> None:
    release = [local("a.parquet", b"a"), local("b.parquet", b"new"), local("c-of-2.parquet", b"c"), local("README.md", b"card"),
               local("d.parquet", b"d")]  # fmt: skip
    there = [remote("a.parquet", b"a"), remote("b.parquet", b"old"), remote("c-of-1.parquet", b"c"), remote("stale.parquet", b"s"),
             remote("notes.txt", b"mine", lfs=False), remote("README.md", b"card", lfs=False)]  # fmt: skip
    plan = make_plan(release, there, {"a.parquet", "b.parquet", "c-of-1.parquet", "stale.parquet"})
    assert [f.path for f in plan.added] == ["d.parquet"]
    assert [f.path for f in plan.changed] == ["b.parquet"]
    assert [(source, f.path) for f, source in plan.moved] == [("c-of-1.parquet", "c-of-2.parquet")]
    assert [f.path for f in plan.kept] == ["a.parquet", "README.md"]
    assert [f.path for f in plan.removed] == ["c-of-1.parquet", "stale.parquet"]
    assert plan.foreign == ("notes.txt",)
    assert (plan.operations, plan.bytes_sent) == (5, len(b"new") + len(b"d"))


def test_a_content_under_two_names_is_sent_once() -> None:
    assert make_plan([local("a.parquet", b"same"), local("b.parquet", b"same")], [], ()).bytes_sent == 4


def test_a_card_outside_of_lfs_is_compared_by_gits_name() -> None:
    assert differences([local("README.md", b"1")], [remote("README.md", b"1", lfs=False)]) == []
    assert differences([local("README.md", b"1")], [remote("README.md", b"2", lfs=False)]) == ["README.md"]
    assert differences([local("a.parquet", b"1")], []) == ["a.parquet"]


def test_small_files_travel_together_and_large_ones_alone() -> None:
    files = [LocalFile(f"{n}", size, "x") for n, size in enumerate([1, 1, 1, 90, 100, 1])]
    assert [[f.path for f in run] for run in groups(files, 100, 2)] == [["0", "1"], ["2", "3"], ["4"], ["5"]]


def test_a_marker_names_version_parent_and_contents() -> None:
    files = [local("a.parquet", b"a")]
    other = [marker("1.0.1", "p", files), marker("1.0.0", "q", files), marker("1.0.0", "p", [local("a.parquet", b"b")])]
    assert marker("1.0.0", "p", files) == marker("1.0.0", "p", list(files))
    assert len({marker("1.0.0", "p", files), *other}) == 4


def test_a_manifest_is_read_line_by_line() -> None:
    assert read_manifest(f"{'a' * 64}  x/y z.parquet\nnonsense\n") == {"x/y z.parquet": "a" * 64}
