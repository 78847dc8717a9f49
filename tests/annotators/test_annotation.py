"""Statements become rows: what the producer decides, and what a payload may not."""

from __future__ import annotations

from typing import Any

import pytest

from annotators.annotation import Annotation, Producer, annotation_tables
from schemas.arrow import columns_of, stored_schema, table_from_rows
from schemas.identity import run_id
from schemas.invariants import check_annotations

SIGNAL = Producer("signal", "robot.motion_segments", "3", {"moving": 0.1, "words": ("a",)}, ("f1", "f0"))
MOTION = [
    Annotation("motion", {"label": "move"}, 2, 5, stream="front", confidence=0.5),
    Annotation("motion", {"label": "still"}, 0, 2, stream="front"),
]


def rows(producer: Producer, *annotations: Annotation) -> list[dict[str, Any]]:
    (table,) = annotation_tables("r/0", producer, annotations).values()
    found: list[dict[str, Any]] = table.to_pylist()
    return found


def test_a_row_says_who_said_it_where_and_about_what() -> None:
    still, move = rows(SIGNAL, *MOTION)
    said = {name: value for name, value in move.items() if value is not None and name != "annotation_id"}
    assert said == {
        "trajectory_id": "r/0", "layer": "motion", "level": "span", "start": 2, "end": 5, "stream": "front", "label": "move",
        "producer_type": "signal", "producer": "robot.motion_segments", "producer_version": "3", "run": SIGNAL.run,
        "status": "proposed", "quality": "secondary", "confidence": 0.5,
    }  # fmt: skip
    assert (still["start"], still["end"], still["confidence"]) == (0, 2, None)
    assert len({still["annotation_id"], move["annotation_id"], None}) == 3


def test_annotations_of_several_layers_come_as_one_table_per_kind_in_the_stored_schema() -> None:
    said = [
        Annotation("target", {"shape": "box", "boxes": [[0.0, 0.0, 1.0, 1.0]], "frames": [0]}, 0, 1),
        Annotation("change", {"steps": [0], "values": [0.5]}),
        Annotation("changed_region", {"shape": "box", "boxes": []}, 0, 1),
    ]
    tables = annotation_tables("g/0", SIGNAL, said)
    assert {kind: table.num_rows for kind, table in tables.items()} == {"regions": 2, "scalars": 1}
    assert list(tables) == ["regions", "scalars"]
    for kind, table in tables.items():
        assert table.schema.equals(stored_schema(kind, columns_of(kind)), check_metadata=True)
    header = {"trajectory_id": "g/0", "domain": "gui", "num_steps": 1}
    headers = table_from_rows(stored_schema("trajectories", columns_of("trajectories")), [header])
    assert check_annotations({**tables, "trajectories": headers}) == []
    assert tables["scalars"]["start"].to_pylist() == [None]


@pytest.mark.parametrize(
    ("type_", "rating", "status", "quality"),
    [
        ("signal", None, "proposed", "secondary"),
        ("model", None, "proposed", "secondary"),
        ("oracle", None, "accepted", "primary"),
        ("import", None, "accepted", None),
        ("import", "primary", "accepted", "primary"),
        ("import", "secondary", "accepted", "secondary"),
        ("model", "primary", "proposed", "secondary"),
        ("oracle", "secondary", "accepted", "primary"),
    ],
)
def test_status_and_quality_follow_from_who_says_it_and_only_an_import_brings_a_rating(
    type_: str, rating: str | None, status: str, quality: str | None
) -> None:
    (row,) = rows(Producer(type_, "p", "1"), Annotation("motion", {"label": "move"}, 0, 1, quality=rating))
    assert (row["producer_type"], row["status"], row["quality"]) == (type_, status, quality)


def test_saying_a_thing_twice_gives_the_same_rows_whatever_the_order() -> None:
    first, again = (annotation_tables("r/0", SIGNAL, said) for said in (MOTION, MOTION[::-1]))
    assert first["segments"].equals(again["segments"], check_metadata=True)
    assert annotation_tables("r/0", SIGNAL, []) == {}


def test_another_version_or_confidence_says_the_same_thing_and_another_producer_does_not() -> None:
    def ids(producer: Producer, confidence: float | None = None) -> list[str]:
        return [
            row["annotation_id"]
            for row in rows(producer, Annotation("motion", {"label": "move"}, 0, 1, None, None, confidence))
        ]

    first = ids(Producer("signal", "p", "1"))
    assert ids(Producer("signal", "p", "2", {"moving": 1}), 0.9) == first
    assert ids(Producer("signal", "q", "1")) != first


@pytest.mark.parametrize("column", ["status", "layer", "annotation_id", "quality", "trajectory_id", "boxes", "labl"])
def test_a_payload_holds_only_columns_of_its_kind_and_nothing_of_the_envelope(column: str) -> None:
    with pytest.raises(KeyError, match=rf"layer 'motion': \['{column}'\] are no payload columns of segments"):
        annotation_tables("r/0", SIGNAL, [Annotation("motion", {"label": "move", column: "accepted"}, 0, 1)])


def test_a_layer_that_nobody_declared_is_refused() -> None:
    with pytest.raises(KeyError, match="no layer 'motions'; declared are"):
        annotation_tables("r/0", SIGNAL, [Annotation("motions", {}, 0, 1)])


def test_a_producer_is_a_row_of_runs() -> None:
    schema = stored_schema("runs", columns_of("runs"))
    (row,) = table_from_rows(schema, [SIGNAL.row]).to_pylist()
    assert row == {
        "run": run_id("robot.motion_segments", "3", {"moving": 0.1, "words": ("a",)}, ("f0", "f1")),
        "producer_type": "signal", "producer": "robot.motion_segments", "producer_version": "3",
        "parameters": '{"moving":0.1,"words":["a"]}', "inputs": ["f1", "f0"],
    }  # fmt: skip
    assert SIGNAL.run != Producer("signal", "robot.motion_segments", "3", {"moving": 0.2, "words": ("a",)}, ("f1", "f0")).run
