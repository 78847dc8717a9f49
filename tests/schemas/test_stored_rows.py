"""Rows as Arrow gives them back become tables again, with the ids and the `Json` text that they have."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.identity import annotation_id, annotation_table
from schemas.stored_rows import state_tables, with_ids

WHEN = datetime(2026, 11, 22, tzinfo=UTC)


def row(**change: Any) -> dict[str, Any]:
    """A row of `target`, as stored."""
    given = {
        "trajectory_id": "s/t", "layer": "target", "level": "step", "start": 0, "end": 1, "status": "proposed",
        "producer_type": "signal", "producer": "p", "producer_version": "1", "run": "r", "shape": "box", "label": "link",
        "frames": [0], "boxes": [[0.1, 0.2, 0.3, 0.4]], "attributes": {"b": 1, "a": [1.5, None]}, "confidence": 0.3,
    }  # fmt: skip
    (found,) = annotation_table("regions", [given]).to_pylist()
    return {**found, **change}


def test_a_state_keeps_id_floats_and_json_text() -> None:
    state = row(status="accepted", annotator="a", submission="s", seconds=1.5, created_at=WHEN, annotation_id="kept")
    (back,) = state_tables([state])["regions"].to_pylist()
    assert back == state
    assert back["attributes"] == '{"a":[1.5,null],"b":1}'


def test_two_submissions_are_two_states_and_one_given_twice_is_one() -> None:
    one, two = row(submission="s1", created_at=WHEN), row(submission="s2", created_at=WHEN)
    table = state_tables([two, one, one])["regions"]
    assert table["submission"].to_pylist() == ["s1", "s2"]
    with pytest.raises(ValueError, match="two different things"):
        state_tables([one, {**one, "status": "rejected"}])


def test_a_row_without_an_id_is_given_that_of_its_content() -> None:
    new = row(annotation_id=None, boxes=[[1 / 3, 2.0, 3.0, 4.0]], producer_type="human", annotator="a")
    (found,) = with_ids("regions", [new])
    assert found["boxes"][0][0] != 1 / 3  # rounded to float32, which the id is over
    assert found["annotation_id"] == annotation_id("regions", found)
    (other,) = with_ids("regions", [{**new, "annotator": "b"}])
    assert other["annotation_id"] != found["annotation_id"]


def test_rows_of_several_kinds_are_sorted_apart() -> None:
    segment = {"annotation_id": "x", "trajectory_id": "s/t", "layer": "contact", "start": 3, "end": 4, "submission": "s"}
    tables = state_tables([row(submission="s"), segment, {**segment, "annotation_id": "y", "start": 1, "end": 2}])
    assert list(tables) == ["regions", "segments"]
    assert tables["segments"]["annotation_id"].to_pylist() == ["y", "x"]
