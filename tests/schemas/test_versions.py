"""Tables of another version of the contract."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest

from schemas import versions
from schemas.arrow import columns_of, published_schema, stored_schema, table_from_rows
from schemas.versions import SCHEMA_VERSION, UPGRADES, SchemaVersionError, stamp, upgrade


def stamped(version: object, name: str = "tasks") -> pa.Table:
    """A table of one row that says it is of a version."""
    table = table_from_rows(stored_schema("tasks", columns_of("tasks")), [{"task_id": "t"}])
    return table.replace_schema_metadata({b"cairn": json.dumps({"table": name, "schema_version": version}).encode()})


def test_a_table_of_this_version_is_left_as_it_is() -> None:
    table = stamped(SCHEMA_VERSION)
    assert upgrade(table) is table
    assert stamp(published_schema("tasks", columns_of("tasks"))) == ("tasks", SCHEMA_VERSION)


def test_a_newer_table_is_refused_with_what_to_do() -> None:
    sentence = (
        f"tasks has contract version {SCHEMA_VERSION + 1}, this Cairn reads up to {SCHEMA_VERSION}: install a newer Cairn"
    )
    with pytest.raises(SchemaVersionError, match=sentence):
        upgrade(stamped(SCHEMA_VERSION + 1))


def test_an_older_table_without_a_way_up_is_refused_with_what_to_do() -> None:
    sentence = "tasks has contract version 0 and there is no way up to 1: build it again from its sources"
    with pytest.raises(SchemaVersionError, match=sentence):
        upgrade(stamped(0))


def test_an_older_table_is_lifted_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []

    def rename(name: str, table: pa.Table) -> pa.Table:
        taken.append(name)
        return table.rename_columns(["old_id" if column == "task_id" else column for column in table.column_names])

    def fill(name: str, table: pa.Table) -> pa.Table:
        taken.append(name)
        return table.append_column("added", pa.nulls(table.num_rows, pa.string()))

    monkeypatch.setattr(versions, "SCHEMA_VERSION", 3)
    monkeypatch.setitem(UPGRADES, 1, rename)
    with pytest.raises(SchemaVersionError, match="has contract version 2 and there is no way up to 3"):
        upgrade(stamped(1))
    monkeypatch.setitem(UPGRADES, 2, fill)
    taken.clear()
    table = upgrade(stamped(1))
    assert table.column_names[0] == "old_id"
    assert table.column_names[-1] == "added"
    assert taken == ["tasks", "tasks"]
    assert "old_id" not in upgrade(stamped(2)).column_names
    assert upgrade(stamped(3)).column_names[0] == "task_id"


@pytest.mark.parametrize("metadata", [None, {}, {b"huggingface": b"{}"}])
def test_a_table_without_a_stamp_is_refused(metadata: dict[bytes, bytes] | None) -> None:
    table = pa.table({"task_id": ["t"]}).replace_schema_metadata(metadata)
    with pytest.raises(SchemaVersionError, match="no `cairn` stamp in its schema metadata: it was not written by Cairn"):
        upgrade(table)


@pytest.mark.parametrize(
    "text", [b"", b"\xff", b"1", b"[]", b"{}", b'{"table":"tasks"}', b'{"table":"tasks","schema_version":"one"}']
)
def test_a_stamp_that_is_none_of_ours_is_refused(text: bytes) -> None:
    table = pa.table({"task_id": ["t"]}).replace_schema_metadata({b"cairn": text})
    with pytest.raises(SchemaVersionError, match="which names no table and version: it was not written by Cairn"):
        upgrade(table)


def test_every_way_up_starts_at_an_older_version() -> None:
    assert all(0 < version < SCHEMA_VERSION for version in UPGRADES)
