"""What is counted for the card: states of annotations, trajectories, and the language of instructions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from pipelines.release.card_counts import HISTORY_COLUMNS, HistoryCount, LayerCount, TrajectoryCount, languages
from schemas.arrow import columns_of, stored_schema, table_from_rows

MACHINE = {"producer": "m", "producer_version": "1", "producer_type": "signal", "status": "proposed", "layer": "motion"}
HUMAN = MACHINE | {"producer": "review.p", "producer_type": "human"}


def at(minute: int) -> datetime:
    return datetime(2026, 1, 1, 0, minute, tzinfo=UTC)


def said(minute: int, **more: Any) -> dict[str, Any]:
    """What a person said at a minute."""
    return {"created_at": at(minute), "submission": f"s{minute}", "annotator": "p", "seconds": 2.0, **more}


def history(*rows: dict[str, Any]) -> HistoryCount:
    schema = stored_schema("annotation_history", columns_of("annotation_history"))
    found = HistoryCount()
    found.add(table_from_rows(schema, rows).select(list(HISTORY_COLUMNS)))
    return found


A = MACHINE | {"annotation_id": "a"}


@pytest.mark.parametrize(
    ("states", "fate"),
    [
        ([A], (0, 0, 0)),
        ([A | {"status": "accepted", "producer_type": "oracle"}], (0, 0, 0)),
        ([A, A | said(1, status="accepted")], (1, 0, 0)),
        ([A, A | said(1, status="rejected")], (0, 0, 1)),
        ([A | said(2, status="accepted"), A | said(1, status="rejected"), A], (1, 0, 0)),
        ([A | said(2, status="rejected"), A, A | said(1, status="accepted")], (0, 0, 1)),
        ([A, HUMAN | said(1, annotation_id="b", supersedes="a", status="corrected")], (0, 1, 0)),
        ([A | said(1, status="accepted"), HUMAN | said(2, annotation_id="b", supersedes="a", status="corrected")], (0, 1, 0)),
        ([A | said(2, status="accepted"), HUMAN | said(1, annotation_id="b", supersedes="a", status="corrected")], (1, 0, 0)),
        ([A, HUMAN | said(1, annotation_id="b", supersedes="a", status="rejected")], (0, 0, 0)),
    ],
)
def test_the_last_state_of_a_proposal_is_its_fate(states: list[dict[str, Any]], fate: tuple[int, int, int]) -> None:
    (found,) = history(*states).of_layer("motion")
    assert found.proposals == 1
    assert (found.accepted, found.corrected, found.rejected) == fate
    assert found.reviewed == sum(fate)


def test_what_people_added_and_their_time() -> None:
    one = HUMAN | said(1, annotation_id="b", status="accepted")
    found = history(A, one, one | {"annotation_id": "c"}, HUMAN | said(2, annotation_id="d", status="rejected", seconds=None))
    assert found.added == {"motion": 2}
    assert found.rejected == {"motion": 1}
    assert (found.people.annotators, found.people.submissions, found.people.measured, found.people.seconds) == (1, 2, 1, 2.0)


def test_an_empty_history_counts_nothing() -> None:
    found = history()
    assert (found.of_layer("motion"), found.people.submissions, found.rejected) == ([], 0, {})


def test_layers_add_up_over_files() -> None:
    rows = [
        {"trajectory_id": "a", "producer": "m", "quality": "primary", "annotator": "p"},
        {"trajectory_id": "a", "producer": "m", "quality": "secondary"},
        {"trajectory_id": "b", "producer": "n", "quality": None},
    ]
    schema = pa.schema([(name, pa.string()) for name in ("trajectory_id", "producer", "quality", "annotator")])
    found = LayerCount()
    for part in (rows[:2], rows[2:]):
        found.add(table_from_rows(schema, part))
    assert (found.rows, found.trajectories, found.primary, found.by_people, found.confirmed) == (3, 2, 1, 1, 1)
    assert found.producers == {"m", "n"}


def test_what_trajectories_lack() -> None:
    schema = stored_schema("trajectories", columns_of("trajectories"))
    rows = [
        {"trajectory_id": "a", "domain": "robot", "num_steps": 3, "success": True, "duration": 1.5, "instruction": "lift"},
        {"trajectory_id": "b", "domain": "arc", "num_steps": 8, "task_id": "t"},
    ]
    found = TrajectoryCount()
    found.add("train", table_from_rows(schema, rows))
    assert found.lacks() == {
        "trajectories whose outcome is not recorded": 1,
        "trajectories without times": 1,
        "robot trajectories without a camera": 1,
    }
    arc = found.domain("arc")
    assert (arc.steps, arc.timed, arc.tasks, arc.agents, arc.splits) == (8, 0, 1, {"not recorded": 1}, {"train": (1, 8)})
    assert arc.outcomes == {"success": 0, "failure": 0, "unknown": 1}


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([], []),
        (["lift"], []),
        (["lift the red cube", "put it into the box"], ["en"]),
        (["hebe den roten Würfel an", "lege ihn in die Kiste da"], []),
        (["把红色方块放进盒子里 吧 好"], []),
        (["lift the red cube", "hebe den roten Würfel", "lege alles weg bitte"], []),
    ],
)
def test_a_language_is_named_only_where_it_shows(texts: list[str], expected: list[str]) -> None:
    assert languages(texts) == expected
