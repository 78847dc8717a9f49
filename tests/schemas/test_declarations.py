"""The contract as it is declared: names, types and words."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pyarrow as pa
import pytest

from schemas.arrow import columns_of, published_schema, stored_schema
from schemas.layers import layers
from schemas.tables import ENVELOPE, HISTORY, KINDS, MEDIA_INDEX, SERIES, STEP_TABLES, TABLES
from schemas.types import ALIASES, MEDIA, SCALARS, Column, parse_columns
from schemas.views import VIEWS
from schemas.vocabularies import (
    ACTION_KINDS,
    AGENT_TYPES,
    DOMAINS,
    LEVELS,
    PRODUCER_TYPES,
    SHAPES,
    STATUSES,
)

NAME = re.compile(r"[a-z][a-z0-9_]*")
DECLARED: dict[str, tuple[Column, ...]] = {
    **{name: columns_of(name) for name in (*TABLES, *KINDS, "annotation_history", "media")},
    **{name: view.columns for name, view in VIEWS.items()},
}
EVERY = pytest.mark.parametrize("table", DECLARED)


def inside(type_: pa.DataType) -> Iterator[pa.DataType]:
    """A type and all types in it."""
    yield type_
    if pa.types.is_nested(type_):
        for i in range(type_.num_fields):
            yield from inside(type_.field(i).type)


@EVERY
def test_no_column_of_a_table_is_named_twice(table: str) -> None:
    names = [column.name for column in DECLARED[table]]
    assert len(names) == len(set(names))
    assert [name for name in names if not NAME.fullmatch(name)] == []


@EVERY
def test_every_column_says_what_it_holds(table: str) -> None:
    assert [column.name for column in DECLARED[table] if not column.doc] == []


@EVERY
def test_no_type_is_one_that_cannot_be_read_back(table: str) -> None:
    forbidden = (
        pa.types.is_fixed_size_list,
        pa.types.is_map,
        pa.types.is_union,
        pa.types.is_dictionary,
        pa.types.is_float16,
        pa.types.is_large_list,
        pa.types.is_null,
    )
    for column in DECLARED[table]:
        for type_ in (*inside(column.arrow), *inside(column.stored)):
            assert not any(rule(type_) for rule in forbidden), column


@EVERY
def test_json_and_media_stand_at_top_level_only(table: str) -> None:
    for column in DECLARED[table]:
        below = list(inside(column.arrow))[1:]
        assert not any(isinstance(type_, pa.JsonType) or type_ == MEDIA for type_ in below), column
        assert (column.type == "Json") == isinstance(column.arrow, pa.JsonType)
        assert column.media == (column.arrow == MEDIA)
    assert [MEDIA.field(i).name for i in range(MEDIA.num_fields)] == ["bytes", "path"]


@EVERY
def test_a_shard_holds_a_sha256_where_the_release_holds_bytes(table: str) -> None:
    published = published_schema(table, DECLARED[table])
    stored = stored_schema(table, DECLARED[table])
    packed = {column.name for column in DECLARED[table] if column.packed}
    assert {name for name in stored.names if stored.field(name).type != published.field(name).type} <= packed
    assert all(stored.field(name).type == pa.string() for name in packed)
    assert b"huggingface" not in stored.metadata


def test_packed_columns_are_the_four_that_hold_media_or_long_texts() -> None:
    packed = {(name, column.name) for name in TABLES for column in TABLES[name] if column.packed}
    assert packed == {("videos", "video"), ("images", "image"), ("gui_steps", "screenshot"), ("gui_trees", "tree")}


def test_config_names_are_unique_together_and_can_be_loaded() -> None:
    names = [*TABLES, *KINDS, "annotation_history", *VIEWS, *layers()]
    assert sorted(names) == sorted(set(names))
    assert [name for name in names if not NAME.fullmatch(name) or name == "data"] == []
    assert len(KINDS) == 13


def test_every_kind_is_the_envelope_and_a_payload_that_shares_no_name_with_it() -> None:
    envelope = {column.name for column in ENVELOPE}
    for kind, payload in KINDS.items():
        assert envelope.isdisjoint(column.name for column in payload)
        assert columns_of(kind) == (*ENVELOPE, *payload)
    assert HISTORY[: len(ENVELOPE)] == ENVELOPE
    assert [(column.name, column.type) for column in HISTORY[len(ENVELOPE) :]] == [("kind", "string"), ("payload", "Json")]
    assert columns_of("annotation_history") == HISTORY
    assert columns_of("media") == MEDIA_INDEX


def test_every_step_table_begins_with_the_same_columns() -> None:
    shared = ["trajectory_id", "step", "timestamp", "action_kind", "action_name", "action_args", "source_action"]
    for table in STEP_TABLES.values():
        assert [column.name for column in TABLES[table]][: len(shared)] == shared
        assert TABLES[table][: len(shared)] == TABLES["robot_steps"][: len(shared)]
    assert set(STEP_TABLES) < set(DOMAINS)


def test_every_table_about_a_trajectory_is_keyed_by_its_id() -> None:
    about_none = {"tasks", "action_specs", "rejects", "runs"}
    assert {name for name, columns in TABLES.items() if columns[0].name != "trajectory_id"} == about_none


def test_the_lists_of_a_series_are_lists_of_its_kind() -> None:
    for kind, names in SERIES.items():
        types = {column.name: column.arrow for column in KINDS[kind]}
        assert names[0] == "steps"
        assert all(pa.types.is_list(types[name]) for name in names)


def test_robot_labels_shares_no_name_with_robot_steps_and_has_no_key() -> None:
    labels = {column.name for column in VIEWS["robot_labels"].columns}
    assert labels
    assert labels.isdisjoint(column.name for column in TABLES["robot_steps"])


@pytest.mark.parametrize(
    ("table", "column", "words"),
    [
        ("trajectories", "domain", DOMAINS),
        ("trajectories", "agent_type", AGENT_TYPES),
        ("robot_steps", "action_kind", ACTION_KINDS),
        ("segments", "level", LEVELS),
        ("segments", "producer_type", PRODUCER_TYPES),
        ("segments", "status", STATUSES),
        ("regions", "shape", SHAPES),
        ("tasks", "domain", DOMAINS),
        ("runs", "producer_type", PRODUCER_TYPES),
    ],
)
def test_what_a_column_says_of_its_words_is_what_the_guard_allows(table: str, column: str, words: tuple[str, ...]) -> None:
    (doc,) = [c.doc for c in columns_of(table) if c.name == column]
    assert doc.split(";")[0] == ", ".join(words)
    assert len(set(words)) == len(words)


def test_a_table_that_nobody_declared_has_no_columns() -> None:
    with pytest.raises(KeyError, match="no_such_table"):
        columns_of("no_such_table")


def test_native_columns_come_last_in_order_of_name() -> None:
    columns = columns_of("robot_steps", {"z.force": "list<float32>", "a.button": "bool"})
    assert columns[:-2] == TABLES["robot_steps"]
    assert [(column.name, column.type) for column in columns[-2:]] == [("a.button", "bool"), ("z.force", "list<float32>")]


def test_a_declaration_is_read_line_by_line() -> None:
    columns = parse_columns("""
# a remark
first    string               what it   holds, and where

second   list<list<float32>>
""")
    assert columns == (Column("first", "string", "what it   holds, and where"), Column("second", "list<list<float32>>", ""))


def test_a_column_that_is_declared_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="column 'step' is declared twice"):
        parse_columns("step int32\nother string\nstep int64")


@pytest.mark.parametrize(
    "spelling",
    [
        "float16",
        "list<float32",
        "list<float>",
        "map<string,int32>",
        "struct<x:int32,y:int>",
        "List<int32>",
        "int32>",
        "json",
        "",
    ],
)
def test_a_type_that_is_not_spelled_as_agreed_is_refused_with_those_that_are(spelling: str) -> None:
    with pytest.raises(ValueError, match=r"is not known; write one of string, .*list<…>, struct<…>"):
        _ = Column("c", spelling).arrow


@pytest.mark.parametrize("line", ["lonely", "broken struct<x>", "broken struct<>", "open list<struct<x:int32>"])
def test_a_line_that_is_no_declaration_is_refused_with_a_sentence(line: str) -> None:
    with pytest.raises(ValueError, match="is not known; write one of string"):
        parse_columns(line)


def test_an_alias_means_what_it_stands_for() -> None:
    for alias, spelling in ALIASES.items():
        assert Column("c", alias).arrow == Column("c", spelling).arrow
        assert Column("c", f"list<{alias}>").feature == {"feature": Column("c", spelling).feature, "_type": "List"}
    assert ALIASES.keys().isdisjoint(SCALARS)


@pytest.mark.parametrize(
    ("spelling", "arrow", "feature"),
    [
        ("float32", pa.float32(), {"dtype": "float32", "_type": "Value"}),
        ("timestamp[us,UTC]", pa.timestamp("us", tz="UTC"), {"dtype": "timestamp[us, tz=UTC]", "_type": "Value"}),
        ("Json", pa.json_(), {"_type": "Json"}),
        ("Image", MEDIA, {"_type": "Image"}),
        ("Video", MEDIA, {"_type": "Video"}),
        ("Document", pa.string(), {"dtype": "string", "_type": "Value"}),
        (
            "list<struct<x:int8,y:list<string>>>",
            pa.list_(pa.struct([("x", pa.int8()), ("y", pa.list_(pa.string()))])),
            {
                "feature": {
                    "x": {"dtype": "int8", "_type": "Value"},
                    "y": {"feature": {"dtype": "string", "_type": "Value"}, "_type": "List"},
                },
                "_type": "List",
            },
        ),
    ],
)
def test_a_spelled_type_has_one_arrow_type_and_one_feature(spelling: str, arrow: pa.DataType, feature: object) -> None:
    assert Column("c", spelling).arrow == arrow
    assert Column("c", spelling).feature == feature
