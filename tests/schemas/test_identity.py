"""Ids derived from content: what changes them and what does not."""

from __future__ import annotations

import datetime
import json
import uuid
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.io.parquet import write_parquet
from schemas.arrow import columns_of, published_schema, table_from_rows
from schemas.identity import NAMESPACE, annotation_id, annotation_table, digest, run_id
from schemas.tables import ENVELOPE, KINDS
from schemas.types import Column

TRACK = {
    "trajectory_id": "lift/3", "layer": "object_box", "level": "span", "start": 2, "end": 5, "stream": "front",
    "producer_type": "model", "producer": "tracker", "producer_version": "1", "run": "0123456789abcdef", "status": "proposed",
    "quality": "secondary", "confidence": 0.7, "shape": "box", "label": "cube", "frames": [2, 3],
    "boxes": [[0.1, 0.2, 10.3, 20.4], None], "masks": [{"height": 1, "width": 2, "counts": "02"}, None],
    "attributes": {"b": 1.5, "a": "é"},
}  # fmt: skip
PINNED = "4c0b85ff-2d5d-51ca-a0c7-781702c4b34b"
CANONICAL = (
    r'[["lift/3",null,"object_box","tracker",2,5,"front",null],null,{"attributes":"{\"a\":\"\u00e9\",\"b\":1.5}",'
    r'"boxes":[[0.10000000149011612,0.20000000298023224,10.300000190734863,20.399999618530273],null],"frames":[2,3],'
    r'"label":"cube","masks":[{"counts":"02","height":1,"width":2},null],"shape":"box"}]'
)
"""What the id of `TRACK` is over, spelled by hand."""

FREE = {
    "status": "accepted", "quality": "primary", "confidence": 0.1, "seconds": 3.5, "level": "step", "start_time": 1.0,
    "end_time": 2.0, "producer_version": "2", "run": "fedcba9876543210", "supersedes": "x", "annotator": "p7",
    "submission": "s1", "created_at": datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC), "producer_type": "signal",
}  # fmt: skip
BOUND = {
    "trajectory_id": "lift/4", "task_id": "t", "layer": "other_box", "producer": "another", "start": 1, "end": 6,
    "stream": "wrist", "target": "x",
}  # fmt: skip


def ids(kind: str, *rows: dict[str, Any]) -> list[str]:
    """The id of each row, each in a table of its own."""
    return [annotation_table(kind, [row])["annotation_id"][0].as_py() for row in rows]


def other(column: Column) -> Any:
    """Some value of a payload column."""
    if column.type == "Json":
        return {"other": True}
    if pa.types.is_list(column.arrow):
        return []
    return {"string": "other", "bool": True}.get(column.type, 1)


def test_an_id_is_the_pinned_one() -> None:
    assert uuid.UUID("6f1f2f0e-6f0a-5d0c-9a53-0c7f7a1d3e42") == NAMESPACE
    assert ids("regions", TRACK) == [PINNED]
    assert str(uuid.uuid5(NAMESPACE, CANONICAL)) == PINNED


@pytest.mark.parametrize("column", FREE)
def test_what_is_about_the_row_and_not_in_it_changes_no_id(column: str) -> None:
    assert TRACK.get(column) != FREE[column]
    assert ids("regions", TRACK | {column: FREE[column]}) == [PINNED]


@pytest.mark.parametrize("column", BOUND)
def test_who_says_it_and_what_it_is_about_change_the_id(column: str) -> None:
    assert TRACK.get(column) != BOUND[column]
    (changed,) = ids("regions", TRACK | {column: BOUND[column]})
    assert changed != PINNED
    if TRACK.get(column) is not None:
        assert ids("regions", TRACK | {column: None}) not in ([changed], [PINNED])


def test_every_column_of_the_envelope_is_known_to_change_the_id_or_not() -> None:
    assert {column.name for column in ENVELOPE} == FREE.keys() | BOUND.keys() | {"annotation_id"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_column_of_a_payload_changes_the_id(kind: str) -> None:
    base = {"trajectory_id": "t", "layer": "l", "producer": "p"}
    found = ids(kind, base, *(base | {column.name: other(column)} for column in KINDS[kind]))
    assert len(set(found)) == len(KINDS[kind]) + 1


def test_only_a_person_s_name_counts() -> None:
    def by(producer_type: str, annotator: str | None) -> dict[str, Any]:
        return TRACK | {"producer_type": producer_type, "annotator": annotator}

    first, second, nobody = ids("regions", by("human", "a"), by("human", "b"), by("human", None))
    assert len({first, second, nobody}) == 3
    for producer_type in ("signal", "model", "oracle", "import"):
        assert ids("regions", by(producer_type, "a"), by(producer_type, "b")) == [nobody, nobody]


def test_an_empty_list_is_another_statement_than_none_and_than_a_null_in_a_list() -> None:
    found = ids("regions", TRACK, TRACK | {"boxes": None}, TRACK | {"boxes": []}, TRACK | {"boxes": [None]})
    assert len(set(found)) == 4


def test_the_order_of_keys_and_a_float_beyond_float32_change_nothing() -> None:
    exact = [pa.scalar(x, pa.float32()).as_py() for x in (0.1, 0.2, 10.3, 20.4)]
    assert exact != [0.1, 0.2, 10.3, 20.4]
    assert ids("regions", TRACK | {"boxes": [exact, None]}, TRACK | {"attributes": {"a": "é", "b": 1.5}}) == [PINNED, PINNED]
    assert ids("regions", TRACK | {"boxes": [[0.1000001, 0.2, 10.3, 20.4], None]}) != [PINNED]


def test_a_row_that_was_written_and_read_back_has_the_same_id(tmp_path: Path) -> None:
    table = annotation_table("regions", [TRACK, TRACK | {"start": None, "end": None, "boxes": [[1 / 3] * 4, None]}])
    columns = columns_of("regions")
    path = tmp_path / "regions.parquet"
    write_parquet(path, published_schema("regions", columns), [table], columns)
    for row in pq.read_table(path).to_pylist():
        assert annotation_id("regions", row) == row["annotation_id"]


def test_rows_are_sorted_and_each_has_its_own_id() -> None:
    rows = [TRACK | {"trajectory_id": t, "start": s, "label": w} for t in "ba" for s in (4, None, 0) for w in "xyz"]
    table = annotation_table("regions", rows)
    found = table.select(["trajectory_id", "start", "annotation_id"]).to_pylist()
    assert found == sorted(found, key=lambda r: (r["trajectory_id"], r["start"] is None, r["start"] or 0, r["annotation_id"]))
    assert len({row["annotation_id"] for row in found}) == len(rows) == 18
    assert annotation_table("regions", rows[::-1]).equals(table)
    assert table.schema.field("annotation_id").type == pa.string()
    assert annotation_table("regions", []).num_rows == 0


def test_a_number_that_is_none_is_refused() -> None:
    row = {"trajectory_id": "t", "layer": "l", "producer": "p", "values": [float("nan")]}
    with pytest.raises(ValueError, match="not JSON compliant"):
        annotation_table("scalars", [row])


def test_a_column_that_the_kind_does_not_have_is_refused() -> None:
    with pytest.raises(KeyError, match="boxes"):
        annotation_table("segments", [TRACK])


def test_a_run_is_named_by_what_it_reproduces() -> None:
    run = run_id("tracker", "1", {"b": 2, "a": [1.5]}, ("f1", "f0"))
    assert run == run_id("tracker", "1", {"a": [1.5], "b": 2}, ["f0", "f1"])
    assert len(run) == 16
    others = [
        run_id("tracker", "1", {"b": 2, "a": [1.5]}),
        run_id("tracker", "2", {"b": 2, "a": [1.5]}, ("f1", "f0")),
        run_id("tracked", "1", {"b": 2, "a": [1.5]}, ("f1", "f0")),
        run_id("tracker", "1", {"b": 2, "a": [1.25]}, ("f1", "f0")),
    ]
    assert len({run, *others}) == 5


def test_a_digest_is_of_canonical_json() -> None:
    assert digest({"b": [1, None], "a": "é"}) == digest(json.loads('{"a": "\\u00e9", "b": [1, null]}'))
    assert digest([]) == "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945"
    assert digest({"a": 1}) != digest({"a": 1.5})


def test_half_of_a_character_is_refused_before_it_reaches_an_id() -> None:
    with pytest.raises(pa.ArrowInvalid, match="column label: a text holds half of a character"):
        annotation_table("regions", [TRACK | {"label": "\ud800"}])


def test_a_table_of_rows_keeps_what_was_given() -> None:
    table = annotation_table("regions", [TRACK])
    (row,) = table.to_pylist()
    plain = {name: row[name] for name in TRACK if name not in ("boxes", "attributes", "confidence")}
    assert plain == {name: TRACK[name] for name in plain}
    assert json.loads(row["attributes"]) == TRACK["attributes"]
    assert table_from_rows(table.schema, []).schema.equals(table.schema)
