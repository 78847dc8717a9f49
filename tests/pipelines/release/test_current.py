"""Which rows count: rejected and superseded ones do not, and a correction of a series counts for the steps it covers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from pipelines.release.current import current_rows, per_step, with_times
from schemas.arrow import columns_of, stored_schema, table_from_rows

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def row(name: str, start: int | None = 0, end: int | None = 4, **columns: Any) -> dict[str, Any]:
    return {
        "annotation_id": name, "trajectory_id": "s/1", "layer": "motion", "level": "span", "start": start, "end": end,
        "producer_type": "signal", "producer": "p", "status": "proposed", "quality": "secondary",
    } | columns  # fmt: skip


def by_person(name: str, start: int | None, end: int | None, **columns: Any) -> dict[str, Any]:
    said = {"producer_type": "human", "status": "corrected", "quality": "primary", "created_at": NOON, "submission": "1"}
    return row(name, start, end, **{**said, **columns})


def table(kind: str, *rows: dict[str, Any]) -> pa.Table:
    return table_from_rows(stored_schema(kind, columns_of(kind)), rows)


def current(kind: str, *rows: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found = current_rows(kind, table(kind, *rows))
    assert found.schema.equals(stored_schema(kind, columns_of(kind)))
    assert found.column("annotation_id").to_pylist() == list(dict.fromkeys(found["annotation_id"].to_pylist()))
    return {r["annotation_id"]: r for r in found.to_pylist()}


def test_rows_that_nobody_touched_are_the_same_table() -> None:
    given = table("segments", row("a"), row("b"))
    assert current_rows("segments", given) is given
    assert current_rows("segments", given.slice(0, 0)).num_rows == 0


def test_a_rejected_row_is_not_current() -> None:
    assert list(current("segments", row("a"), row("b", status="rejected"), row("c"))) == ["a", "c"]


def test_of_the_states_of_a_row_the_last_counts() -> None:
    accepted = by_person("a", 0, 4, producer_type="signal", status="accepted")
    later = accepted | {"status": "rejected", "created_at": NOON + timedelta(hours=1), "submission": "0"}
    assert current("segments", row("a"), accepted)["a"]["status"] == "accepted"
    assert current("segments", accepted, row("a"))["a"]["status"] == "accepted"
    assert current("segments", accepted, later, row("a"), row("b")).keys() == {"b"}
    back = later | {"status": "accepted", "created_at": NOON + timedelta(hours=2)}
    assert current("segments", back, later, accepted, row("a"))["a"]["status"] == "accepted"


def test_a_superseded_row_is_not_current_whatever_the_order() -> None:
    old, new = row("a"), by_person("b", 0, 4, supersedes="a")
    assert list(current("segments", old, new)) == list(current("segments", new, old)) == ["b"]


def test_of_a_chain_the_last_is_current() -> None:
    chain = (row("a"), by_person("b", 0, 4, supersedes="a"), by_person("c", 0, 4, supersedes="b"))
    assert list(current("segments", *chain)) == list(current("segments", *chain[::-1])) == ["c"]


def test_a_rejected_correction_supersedes_nothing() -> None:
    assert list(current("segments", row("a"), by_person("b", 0, 4, supersedes="a", status="rejected"))) == ["a"]


def test_what_supersedes_a_row_of_another_shard_is_current() -> None:
    assert list(current("segments", by_person("b", 0, 4, supersedes="elsewhere"))) == ["b"]


def test_a_row_without_time_is_superseded_whole() -> None:
    assert list(current("segments", row("a", None, None), by_person("b", None, None, supersedes="a"))) == ["b"]


def test_a_segment_is_superseded_whole_also_by_a_shorter_one() -> None:
    assert list(current("segments", row("a", 0, 4), by_person("b", 1, 2, supersedes="a"))) == ["b"]


SERIES = row("a", 0, 4, layer="change", steps=[0, 1, 2, 3], values=[0.0, 1.0, 2.0, 3.0], n=[1, 1, 1, 1], unit="px")


def test_a_correction_leaves_a_series_without_the_steps_it_covers_and_with_its_id() -> None:
    new = by_person("b", 1, 3, layer="change", steps=[1, 2], values=[9.0, 9.0], supersedes="a")
    for given in ((SERIES, new), (new, SERIES)):
        found = current("scalars", *given)
        assert found.keys() == {"a", "b"}
        kept = found["a"]
        assert (kept["steps"], kept["values"], kept["n"], kept["std"]) == ([0, 3], [0.0, 3.0], [1, 1], None)
        assert (kept["start"], kept["end"], kept["unit"]) == (0, 4, "px")


def test_two_corrections_leave_what_neither_covers() -> None:
    corrections = [by_person(f"b{i}", i, i + 1, steps=[i], values=[9.0], supersedes="a") for i in (0, 2)]
    assert current("scalars", SERIES, *corrections)["a"]["steps"] == [1, 3]


def test_corrections_that_leave_no_step_supersede_whole() -> None:
    corrections = [by_person(f"b{i}", i, i + 2, steps=[i, i + 1], values=[9.0, 9.0], supersedes="a") for i in (0, 2)]
    assert current("scalars", SERIES, *corrections).keys() == {"b0", "b2"}


def test_a_correction_over_all_of_a_series_supersedes_it_whole() -> None:
    assert current("scalars", SERIES, by_person("b", 0, 4, supersedes="a", steps=[0], values=[1.0])).keys() == {"b"}


def test_an_empty_series_stays_annotated_and_empty() -> None:
    empty = SERIES | {"steps": [], "values": [], "n": []}
    assert current("scalars", empty, by_person("b", 1, 2, steps=[1], values=[1.0], supersedes="a"))["a"]["steps"] == []


def test_json_columns_come_through_a_correction() -> None:
    found = current("segments", row("a", attributes={"speed": 0.5}), row("b", status="rejected"))
    assert found["a"]["attributes"] == '{"speed":0.5}'


def values(kind: str, value: str, *rows: dict[str, Any], length: int = 4) -> list[Any]:
    return per_step(table(kind, *rows), value, {"s/1": length})["s/1"]


def test_an_interval_gives_its_value_to_its_steps_and_no_other() -> None:
    assert values("segments", "label", row("a", 1, 3, label="move")) == [None, "move", "move", None]
    assert values("segments", "label", row("a", None, None, label="move")) == ["move"] * 4
    assert values("segments", "label") == [None] * 4


def test_a_series_gives_its_values_at_its_steps() -> None:
    assert values("scalars", "values", SERIES | {"steps": [3, 1], "values": [3.0, 1.0], "n": None}) == [None, 1.0, None, 3.0]


def test_tracks_give_their_boxes_at_their_frames() -> None:
    boxes = [[0.0, 0.0, 1.0, 1.0], [1.0, 1.0, 2.0, 2.0]]
    assert values("regions", "boxes", row("a", frames=[0, 2], boxes=boxes)) == [boxes[0], None, boxes[1], None]


def test_an_interval_beyond_the_end_is_cut() -> None:
    assert values("segments", "label", row("a", 2, 9, label="move"), length=3) == [None, None, "move"]
    assert values("scalars", "values", SERIES, length=2) == [0.0, 1.0]


def test_a_person_wins_over_an_oracle_and_an_oracle_over_a_guess() -> None:
    guess = row("z", label="guess")
    oracle = row("y", label="oracle", producer_type="oracle", quality="primary", status="accepted")
    person = by_person("a", 1, 2, label="person")
    for given in ((guess, oracle, person), (person, oracle, guess), (oracle, person, guess)):
        assert values("segments", "label", *given) == ["oracle", "person", "oracle", "oracle"]
    assert values("segments", "label", guess, person) == ["guess", "person", "guess", "guess"]


def test_of_equals_the_choice_does_not_depend_on_the_order() -> None:
    a, b = row("a", label="a"), row("b", label="b")
    assert values("segments", "label", a, b) == values("segments", "label", b, a)


def test_rows_of_other_trajectories_are_left_out() -> None:
    assert per_step(table("segments", row("a", label="x")), "label", {"s/2": 2}) == {"s/2": [None, None]}


def times(headers: list[tuple[str, int, float | None]], stamps: dict[str, list[float | None]], *rows: dict[str, Any]) -> Any:
    header = pa.table({
        "trajectory_id": pa.array([h[0] for h in headers], pa.string()), "num_steps": pa.array([h[1] for h in headers], pa.int32()),
        "duration": pa.array([h[2] for h in headers], pa.float64()),
    })  # fmt: skip
    steps = pa.table({
        "trajectory_id": pa.array([i for i, own in stamps.items() for _ in own], pa.string()),
        "step": pa.array([step for own in stamps.values() for step in range(len(own))], pa.int32()),
        "timestamp": pa.array([time for own in stamps.values() for time in own], pa.float64()),
    })  # fmt: skip
    found = with_times(table("segments", *rows), header, [steps])
    assert found.schema.equals(stored_schema("segments", columns_of("segments")))
    return [(r["start_time"], r["end_time"]) for r in found.to_pylist()]


def test_times_are_those_of_the_steps_and_the_duration_behind_the_last() -> None:
    headers = [("s/0", 2, 9.0), ("s/1", 3, 0.75), ("s/2", 1, None)]
    stamps: dict[str, list[float | None]] = {"s/0": [0.0, 5.0], "s/1": [0.0, 0.25, 0.5], "s/2": [None]}
    rows = [row("a", 0, 2), row("b", 1, 3), row("c", None, None), row("d", 0, 1, trajectory_id="s/2"),
            row("e", 0, 2, trajectory_id="s/0"), row("f", 0, 1, trajectory_id=None, task_id="t")]  # fmt: skip
    assert times(headers, stamps, *rows) == [(0.0, 0.5), (0.25, 0.75), (None, None), (None, None), (0.0, 9.0), (None, None)]


def test_times_of_what_is_not_there_are_null() -> None:
    assert times([], {"s/1": [0.0]}, row("a", 0, 1)) == [(None, None)]
    assert times([("s/1", 1, 2.0)], {}, row("a", 0, 1)) == [(None, 2.0)]
    assert times([("s/1", 1, 2.0)], {"s/1": [0.0]}, row("a", 0, 7)) == [(0.0, None)]
    assert times([("s/1", 1, 2.0)], {"s/1": [0.0]}) == []


@pytest.mark.parametrize("parts", [1, 3])
def test_times_of_many_trajectories_in_several_tables(parts: int) -> None:
    count = 2000
    headers = pa.table({"trajectory_id": [f"s/{i}" for i in range(count)], "num_steps": pa.array([10] * count, pa.int32()),
                        "duration": pa.array([1.0 + i for i in range(count)])})  # fmt: skip
    steps = pa.table({"trajectory_id": [f"s/{i}" for i in range(count) for _ in range(10)],
                      "step": pa.array(list(range(10)) * count, pa.int32()),
                      "timestamp": pa.array([i + step / 10 for i in range(count) for step in range(10)])})  # fmt: skip
    cuts = [steps.slice(len(steps) * i // parts, len(steps) * (i + 1) // parts - len(steps) * i // parts) for i in range(parts)]
    rows = [row(str(i), 3, 10, trajectory_id=f"s/{i}") for i in range(count)]
    found = with_times(table("segments", *rows), headers, cuts)
    assert found["start_time"].to_pylist() == [i + 0.3 for i in range(count)]
    assert found["end_time"].to_pylist() == [1.0 + i for i in range(count)]
