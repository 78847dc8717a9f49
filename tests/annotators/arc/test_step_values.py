"""Values of moves, pivots, preferences and divergence points on planted ways through lettered grids."""

from __future__ import annotations

import orjson
import pyarrow as pa
import pytest

from annotators.annotation import annotation_tables
from annotators.arc.divergence import ANNOTATOR as DIVERGENCE
from annotators.arc.divergence import partings
from annotators.arc.paths import divergence, paths_of
from annotators.arc.pivots import ANNOTATOR as PIVOTS
from annotators.arc.pivots import Pivots
from annotators.arc.step_preferences import ANNOTATOR as PREFERENCES
from annotators.arc.step_values import ANNOTATOR
from annotators.protocol import annotator, producer_of
from schemas.invariants import check_annotations
from tests.annotators.arc.lettered_tasks import task, trace

FORK = task(trace("1", "ABG+"), trace("2", "ABG+"), trace("3", "ABX-"), trace("4", "AYX-"), trace("5", "AYX-"))
"""Three go to B, of whom two succeed; two go to Y, of whom none does."""


def rows(found, planted):
    tables = annotation_tables(None, producer_of(found), found.propose(planted), planted.task_id)
    return [row for table in tables.values() for row in table.to_pylist()]


def test_the_value_of_a_move_is_the_share_of_right_answers_from_its_state_on():
    said = {row["trajectory_id"]: row for row in rows(ANNOTATOR, FORK)}
    assert said["3"]["steps"] == [1, 2]
    assert said["3"]["values"] == pytest.approx([2 / 3, 0])
    assert said["3"]["n"] == [3, 3]
    assert said["3"]["std"] == pytest.approx([(2 / 9) ** 0.5, 0])
    assert said["1"]["values"] == pytest.approx([2 / 3, 1])
    assert rows(ANNOTATOR, task(trace("1", "ABC"))) == [], "nobody knows an outcome"


def test_a_pivot_is_the_largest_change_that_enough_outcomes_stand_behind():
    said = {row["trajectory_id"]: (row["start"], row["label"], orjson.loads(row["attributes"])) for row in rows(PIVOTS, FORK)}
    assert {name: value[:2] for name, value in said.items()} == {
        "1": (2, "gain"), "2": (2, "gain"), "3": (2, "loss"), "4": (1, "loss"), "5": (1, "loss"),
    }  # fmt: skip
    assert said["4"][2] == {"before": pytest.approx(0.4), "after": 0}
    assert rows(Pivots(least=0.5), FORK)[0]["trajectory_id"] == "3"
    three = {(row["trajectory_id"], row["start"], row["label"]) for row in rows(Pivots(samples=3), FORK)}
    assert three == {("1", 1, "gain"), ("2", 1, "gain"), ("3", 2, "loss")}
    assert rows(Pivots(samples=4), FORK) == []
    both = [row["start"] for row in rows(Pivots(most=2, least=0.1), FORK) if row["trajectory_id"] == "3"]
    assert both == [1, 2]
    with pytest.raises(ValueError, match="least"):
        annotator("arc.pivots", {"least": 2})


def test_preferences_rank_the_ways_on_from_a_state():
    said = {orjson.loads(row["context"])["state"]: row for row in rows(PREFERENCES, FORK)}
    assert set(said) == {"0:A", "0:B"}
    first = said["0:A"]
    assert (first["trajectory_id"], first["start"], first["end"]) == ("1", 1, 2)
    assert [(c["id"], c["rank"], c["n"], c["selected"]) for c in first["candidates"]] == [
        ("0:B", 0, 3, True),
        ("0:Y", 1, 2, False),
    ]
    assert [c["reward_mean"] for c in first["candidates"]] == pytest.approx([2 / 3, 0])
    worse = orjson.loads(first["candidates"][1]["action"])
    assert worse == {"operation": "draw", "region": None, "step": 1, "trajectory_id": "4"}
    assert rows(PREFERENCES, task(trace("1", "AB+"), trace("2", "AC+"), trace("3", "AD"))) == []


def test_two_traces_part_where_they_go_to_different_states():
    def at(one: str, other: str) -> tuple[int, int] | None:
        return divergence(*paths_of(task(trace("1", one), trace("2", other))))

    assert at("ABCD", "ABXD") == (2, 2)
    assert at("AB-C", "ABX") == (3, 2), "steps are those of each trace"
    assert at("AB", "ABC") is None, "one only ends earlier"
    assert at("AB", "BA") is None
    assert at("ABC", "ABC") is None


def test_a_failed_trace_is_told_from_the_successful_one_that_it_follows_longest():
    planted = task(
        trace("1", "AXYG+"), trace("2", "ABCG+"), trace("3", "ABC?Z-"), trace("4", "Q-"), trace("5", "AB-"), trace("6", "ABZ")
    )
    (one,) = partings(paths_of(planted))
    assert (one.failed.trajectory_id, one.succeeded.trajectory_id, one.shared) == ("3", "2", 2)
    (row,) = rows(DIVERGENCE, planted)
    assert (row["trajectory_id"], row["target"], row["source_step"], row["destination_step"]) == ("3", "2", 4, 3)
    assert (row["start"], row["end"], row["relation"]) == (4, 5, "diverges")


@pytest.mark.parametrize("found", [ANNOTATOR, PIVOTS, PREFERENCES, DIVERGENCE], ids=lambda a: a.name)
def test_what_is_said_keeps_the_invariants(found):
    tables = annotation_tables(None, producer_of(found), found.propose(FORK), "t")
    assert tables
    headers = pa.table({name: [view.header[name] for view in FORK.trajectories] for name in ("trajectory_id", "num_steps")})
    assert check_annotations({**tables, "trajectories": headers}) == []
