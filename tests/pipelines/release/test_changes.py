"""The record of a version, from a release and from its card, and what changed between two."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.io.store import Store
from pipelines.release.changes import VersionRecord, changes, put_record, record_of_release, records_before


def record(version: str, rows: dict[str, int], layers: list[str], **files: str) -> VersionRecord:
    return VersionRecord(version, rows, layers, files)


def test_the_record_of_a_release_is_that_of_its_card_and_manifest(quickstart: Path) -> None:
    release = quickstart / "release"
    kept = Store(str(quickstart)).read_json("versions/0.1.0.json")
    found = record_of_release((release / "README.md").read_text(), (release / "MANIFEST.sha256").read_text())
    assert (found.version, found.rows, found.layers, found.files) == (
        kept["version"],
        kept["rows"],
        kept["layers"],
        kept["files"],
    )
    assert "motion" in found.layers
    assert all(name.endswith(".parquet") for name in found.files)


@pytest.mark.parametrize(
    "card", ["", "---\na: 1\n---\n", "---\ndataset_info: []\n---\n# x\n", "---\n- x\n---\n", "---\n{\n---\n"]
)
def test_a_card_that_is_not_ours_is_refused(card: str) -> None:
    with pytest.raises(ValueError, match="this card"):
        record_of_release(card, "")


def test_versions_are_ordered_as_versions_and_the_own_one_is_left_out(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    assert records_before(store, "1.0.0") == []
    for version in ("0.10.0", "0.9.0", "1.0.0", "2.0.0"):
        put_record(store, record(version, {"a": 1}, []))
    assert [r.version for r in records_before(store, "1.0.0")] == ["0.9.0", "0.10.0"]


def test_a_record_that_did_not_change_is_not_written_again(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    put_record(store, record("0.1.0", {"a": 1}, []))
    before = (tmp_path / "versions/0.1.0.json").stat().st_mtime_ns
    put_record(store, record("0.1.0", {"a": 1}, []))
    assert (tmp_path / "versions/0.1.0.json").stat().st_mtime_ns == before
    put_record(store, record("0.1.0", {"a": 2}, []))
    assert store.read_json("versions/0.1.0.json")["rows"] == {"a": 2}


def test_what_changed() -> None:
    old = record("0.1.0", {"a": 1, "b": 2, "gone": 3}, ["b", "gone"], x="1", y="2")
    new = record("0.2.0", {"a": 1, "b": 5, "new": 4}, ["b", "new"], x="1", moved="2", z="3")
    (found,) = changes([old, new])
    assert found.rows == {"b": (2, 5), "new": (None, 4), "gone": (3, None)}
    assert (found.layers_added, found.layers_removed) == (["new"], ["gone"])
    assert (found.files_kept, found.files_new, found.files_gone) == (2, 1, 0)


def test_the_last_changes_come_first_and_old_ones_are_left_out() -> None:
    found = changes([record(f"0.{n}.0", {"a": n}, []) for n in range(9)])
    assert [(c.before, c.version) for c in found] == [(f"0.{n - 1}.0", f"0.{n}.0") for n in (8, 7, 6, 5, 4)]
    assert changes([]) == changes([record("0.1.0", {}, [])]) == []
