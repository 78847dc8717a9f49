"""The ledger: exact to the last bit, safe from torn writes, and folded to what holds now."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pyarrow as pa
import pytest

from annotators.label_studio.ledger import Ledger, LedgerError, State, submissions, task_from_text, task_text
from annotators.label_studio.ledger.submissions import pseudonym
from annotators.label_studio.project import ReviewTask, Surface
from pipelines.io.store import Store
from tests.annotators.label_studio.small_project import new_ledger, outgoing

PROJECT = {
    **{"kind": "project", "server": "http://here/", "project": 7, "generation": 0, "uid": "u", "title": "t u"},
    **{"config": "<View/>", "config_sha": "c", "given_sha": "c"},
}


def saved(
    key: str, annotator: str = "a-1", uid: str = "x", updated: str = "2026-11-22T13:00:00Z", **more: Any
) -> dict[str, Any]:
    entry = {
        **{"kind": "saved", "uid": uid, "task": 1, "annotation": 1, "key": key, "generation": 0, "annotator": annotator},
        **{"editor": annotator, "created_at": "2026-11-22T13:00:00Z", "updated_at": updated, "lead_time": 10.0},
        **{"skipped": False, "version": "v1", "text": "[]"},
    }
    return entry | more


def test_rows_survive_to_the_last_bit() -> None:
    dice = np.random.default_rng(5)
    numbers = dice.integers(0, 2**32, 2000, dtype=np.uint32).view(np.float32)
    table = pa.table(
        {
            "numbers": pa.array([numbers.tolist()], pa.list_(pa.float32())),
            "time": pa.array([datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)], pa.timestamp("us", "UTC")),
            "bytes": pa.array([b"\x00\xff"]),
            "text": pa.array(["é\u2028<script>"]),
            "big": pa.array([2**63 - 1]),
        }
    )
    (row,) = table.to_pylist()
    row["lone surrogate"] = "\ud800"
    task = ReviewTask("u", "p", "s/1", Surface((0,), (0,), 1, 2, 3), {"subtask": (row,)}, {"text": "t"}, owned=(0, 1))

    back = task_from_text(task_text(task))

    (found,) = back.rows["subtask"]
    assert pa.array([found["numbers"]], pa.list_(pa.float32())).flatten().to_numpy().view(np.uint32).tolist() == _canonical(
        numbers
    )
    assert {k: v for k, v in found.items() if k != "numbers"} == {k: v for k, v in row.items() if k != "numbers"}
    assert (back.surface, back.owned, back.data) == (task.surface, task.owned, task.data)
    assert math.copysign(1, _through(-0.0)) == -1.0
    assert task_from_text(task_text(outgoing("r", 3).task)) == outgoing("r", 3).task


def _canonical(numbers: Any) -> list[int]:
    """Bits of float32 numbers; what is not a number has one spelling in Python."""
    return np.where(np.isnan(numbers), np.float32("nan"), numbers).astype(np.float32).view(np.uint32).tolist()


def _through(number: float) -> float:
    task = ReviewTask("u", "p", "s", Surface((0,), (0,), 1, 2, 3), {"l": ({"x": number},)}, {})
    found: float = task_from_text(task_text(task)).rows["l"][0]["x"]
    return found


def test_what_cannot_be_kept_exactly_is_refused() -> None:
    task = ReviewTask("u", "p", "s", Surface((0,), (0,), 1, 2, 3), {"l": ({"x": {1, 2}},)}, {})
    with pytest.raises(TypeError, match="set"):
        task_text(task)


def test_an_empty_ledger_is_an_empty_state(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path)
    assert ledger.state() == State()
    ledger.append([])
    assert list(tmp_path.iterdir()) == []


def test_a_torn_write_does_not_count_and_takes_nothing_with_it(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path)
    ledger.append([PROJECT])
    folder = tmp_path / "review" / "small"
    (file,) = folder.iterdir()
    (folder / f".{file.name}.{'0' * 32}.tmp").write_bytes(b'{"kind": "sav')  # what `put` leaves when it is killed

    ledger.append([saved("k1")])
    assert list(ledger.state().standing) == ["k1"]
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(LedgerError, match="torn"):
        ledger.state()


def test_two_writers_take_nothing_from_each_other(tmp_path: Path) -> None:
    one, other = new_ledger(tmp_path), new_ledger(tmp_path)
    one.append([PROJECT])
    other.append([saved("k1")])
    for i in range(5):  # both believe that the next number is theirs
        one.append([saved(f"one {i}")])
        other.append([saved(f"other {i}")])
    assert len(one.state().standing) == 11
    assert one.state() == other.state()
    assert sum(entry["kind"] == "opened" for entry in one.entries()) == 1


def test_an_object_store_holds_it_too() -> None:
    fsspec.filesystem("memory").store.clear()
    ledger = Ledger(Store("memory://bucket"), "review/small", salt="s")
    ledger.append([PROJECT])
    ledger.append([saved("k1")])
    state = Ledger(Store("memory://bucket"), "review/small").state()
    assert (state.salt, list(state.standing)) == ("s", ["k1"])


def test_the_newest_of_one_person_counts_and_the_deleted_does_not(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path)
    ledger.append([PROJECT, {"kind": "task", "uid": "x", "id": 1, "version": "v1"}])
    ledger.append([saved("k1", updated="2026-11-22T13:00:02Z"), saved("k2", updated="2026-11-22T13:00:01Z")])
    ledger.append([saved("k3", annotator="a-2", skipped=True), saved("k4", uid="")])
    assert [(s.annotator, s.created_at, s.skipped) for s in submissions(ledger.state(), 5)] == [
        ("a-2", "2026-11-22T13:00:00Z", True),
        ("a-1", "2026-11-22T13:00:02Z", False),
    ]
    assert {s.seconds for s in submissions(ledger.state(), 5)} == {5}

    ledger.append([{"kind": "withdrawn", "key": "k1"}])
    state = ledger.state()
    assert [s.created_at for s in submissions(state, 5) if s.annotator == "a-1"] == ["2026-11-22T13:00:01Z"]
    assert len(state.history) == 4


def test_saving_again_is_the_same_submission() -> None:
    state = State().add([PROJECT, saved("k1")])
    (before,) = submissions(state, 600)
    state.add(
        [
            saved("k1", updated="2026-11-22T14:00:00Z", text='[{"id": "r"}]'),
            saved("k1", updated="2026-11-22T14:00:00Z", text='[{"id": "r"}]'),
        ]
    )
    (after,) = submissions(state, 600)
    assert after.submission == before.submission
    assert after.results == ({"id": "r"},)
    assert len(state.history) == 2


def test_numbers_that_label_studio_gives_again() -> None:
    """SQLite: the next task gets the number of the last one that was deleted."""
    state = State().add([PROJECT, {"kind": "task", "uid": "x", "id": 1, "version": "v1"}, saved("k1")])
    state.add(
        [{"kind": "task_gone", "uid": "x", "id": 1, "why": "deleted"}, {"kind": "task", "uid": "y", "id": 1, "version": "v9"}]
    )
    assert state.ids == {1: "y"}
    assert state.keys == {}
    assert state.gone == {"x"}
    assert [s.uid for s in submissions(state, 600)] == ["x"]  # what was pulled stays


def test_the_version_that_was_on_the_screen() -> None:
    state = State().add(
        [
            PROJECT,
            {"kind": "task", "uid": "x", "id": 1, "version": "v1"},
            {"kind": "task", "uid": "x", "id": 1, "version": "v2", "at": "2026-11-22T13:00:00Z"},
        ]
    )
    assert state.version_seen("x", "2026-11-22T12:59:00Z", None) == "v1"
    assert state.version_seen("x", "2026-11-22T13:00:30Z", 60.0) == "v1"  # opened before, submitted after
    assert state.version_seen("x", "2026-11-22T13:00:30Z", 10.0) == "v2"
    assert state.version_seen("y", "2026-11-22T13:00:30Z", 10.0) is None


def test_pseudonyms() -> None:
    assert pseudonym("s", 1) == pseudonym("s", 1)
    assert len({pseudonym(salt, user) for salt in ("s", "t") for user in range(100)}) == 200
    assert pseudonym("s", 1).startswith("a-")
    assert len(pseudonym("s", 1)) == 10
