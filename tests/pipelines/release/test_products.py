"""What a release publishes is made by pure functions of stored tables."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest

from pipelines.release.products import UNSPLIT, merge_tasks, products, sort_rows, widen
from schemas.arrow import columns_of, stored_schema, table_from_rows
from schemas.layers import layers
from schemas.tables import KINDS, TABLES
from schemas.views import VIEWS


def table(name: str, *rows: dict[str, Any], native: dict[str, str] | None = None) -> pa.Table:
    return table_from_rows(stored_schema(name, columns_of(name, native)), rows)


def test_every_table_layer_and_view_is_a_product_once() -> None:
    names = [product.name for product in products({})]
    assert len(names) == len(set(names))
    assert {f"{layer.kind}/{layer.name}" for layer in layers().values()} < set(names)
    assert set(VIEWS) < set(names)
    assert {*names, *UNSPLIT} >= set(TABLES)
    configs = [*(name.rsplit("/", 1)[-1] for name in names), *UNSPLIT, *KINDS]
    assert len(configs) == len(set(configs))
    assert "data" not in configs


def test_rows_are_sorted_by_trajectory_start_and_id_and_nulls_are_last() -> None:
    given = table("segments", *(
        {"trajectory_id": t, "start": s, "annotation_id": i}
        for t, s, i in [("b", 0, "x"), ("a", 2, "y"), ("a", None, "z"), ("a", 2, "a"), (None, 0, "n"), ("a", 0, "z"), ("ä", 0, "u")]
    ))  # fmt: skip
    found = [(r["trajectory_id"], r["start"], r["annotation_id"]) for r in sort_rows(given, columns_of("segments")).to_pylist()]
    assert found == [
        ("a", 0, "z"),
        ("a", 2, "a"),
        ("a", 2, "y"),
        ("a", None, "z"),
        ("b", 0, "x"),
        ("ä", 0, "u"),
        (None, 0, "n"),
    ]


def test_rows_of_one_step_are_sorted_by_their_further_columns() -> None:
    given = table("gui_trees", *(
        {"trajectory_id": "a", "step": s, "format": f, "tree": t}
        for s, f, t in [(10, "dom", "1"), (2, "uiautomator", "2"), (2, "accessibility", "3"), (2, "dom", "5"), (2, "dom", "4")]
    ))  # fmt: skip
    found = [(r["step"], r["format"]) for r in sort_rows(given, columns_of("gui_trees")).to_pylist()]
    assert found == [(2, "accessibility"), (2, "dom"), (2, "dom"), (2, "uiautomator"), (10, "dom")]


def test_videos_are_sorted_by_stream_and_part_as_a_number() -> None:
    given = table(
        "videos", *({"trajectory_id": "a", "stream": s, "part": p} for s, p in [("b", 0), ("a", 10), ("a", 9), ("a", 0)])
    )
    found = [(r["stream"], r["part"]) for r in sort_rows(given, columns_of("videos")).to_pylist()]
    assert found == [("a", 0), ("a", 9), ("a", 10), ("b", 0)]


def test_sorting_nothing_gives_nothing() -> None:
    assert sort_rows(table("segments"), columns_of("segments")).num_rows == 0


def test_a_table_is_widened_by_the_columns_of_other_sources() -> None:
    native = {"tactile": "list<float32>", "source.success": "bool"}
    schema = stored_schema("robot_steps", columns_of("robot_steps", native))
    own = table("robot_steps", {"trajectory_id": "a", "step": 0, "tactile": [1.0]}, native={"tactile": "list<float32>"})
    wide = widen(own, schema)
    assert wide.schema.equals(schema, check_metadata=True)
    assert wide.to_pylist()[0]["tactile"] == [1.0]
    assert wide.to_pylist()[0]["source.success"] is None
    assert widen(wide, schema).equals(wide)


def test_tasks_of_one_id_become_one_row_with_what_each_knows() -> None:
    pair = {"input": [[1]], "output": [[2]]}
    found = merge_tasks(table(
        "tasks",
        {"task_id": "t", "domain": "arc", "collection": "ARC", "tests": [pair]},
        {"task_id": "t", "domain": "arc", "collection": "ARC", "demonstrations": [pair], "extras": {"a": 1}},
        {"task_id": "u", "domain": "arc", "instruction": "fill"},
    )).to_pylist()  # fmt: skip
    assert [(row["task_id"], row["collection"], row["instruction"]) for row in found] == [
        ("t", "ARC", None),
        ("u", None, "fill"),
    ]
    assert (found[0]["demonstrations"], found[0]["tests"], json.loads(found[0]["extras"])) == ([pair], [pair], {"a": 1})


def test_tasks_of_one_id_from_two_collections_are_not_mixed() -> None:
    def grid(colour: int) -> list[dict[str, Any]]:
        return [{"input": [[colour]], "output": [[colour]]}]

    rows = [
        {"task_id": "t", "domain": "arc", "collection": "Mini-ARC", "demonstrations": grid(1)},
        {"task_id": "t", "domain": "arc", "collection": "ARC", "tests": grid(2)},
        {"task_id": "t", "domain": "arc", "instruction": "without a collection"},
    ]
    for given in (rows, rows[::-1]):
        found = merge_tasks(table("tasks", *given)).to_pylist()
        assert [(r["collection"], r["demonstrations"], r["tests"]) for r in found] == [
            ("ARC", None, grid(2)),
            ("Mini-ARC", grid(1), None),
        ]
        assert [r["instruction"] for r in found] == ["without a collection", None]


def test_merging_no_task_gives_none() -> None:
    assert merge_tasks(table("tasks")).num_rows == 0


def history(rows: list[dict[str, Any]]) -> pa.Table:
    (product,) = (p for p in products({}) if p.name == "annotation_history")
    header = table("trajectories", {"trajectory_id": "a", "num_steps": 2, "duration": 1.0})
    steps = table("arc_steps", *({"trajectory_id": "a", "step": i, "timestamp": i / 2} for i in range(2)))
    return product.build({"segments": table("segments", *rows), "trajectories": header, "arc_steps": steps})


def test_the_history_holds_every_state_with_times_and_payload() -> None:
    rows = [
        {"annotation_id": i, "trajectory_id": "a", "layer": "motion", "start": 0, "end": 2, "status": status,
         "label": "move", "attributes": {"speed": 1.5}}
        for i, status in [("1", "proposed"), ("2", "rejected"), ("1", "accepted")]
    ]  # fmt: skip
    found = history(rows).to_pylist()
    assert [(r["annotation_id"], r["status"], r["kind"]) for r in found] == [
        ("1", "proposed", "segments"), ("2", "rejected", "segments"), ("1", "accepted", "segments")
    ]  # fmt: skip
    assert {(r["start_time"], r["end_time"]) for r in found} == {(0.0, 1.0)}
    assert json.loads(found[0]["payload"]) == {"label": "move", "attributes": {"speed": 1.5}}


def test_a_long_history_keeps_all_rows_in_order() -> None:
    rows = [{"annotation_id": f"{i:05d}", "trajectory_id": "a", "layer": "motion", "label": "x"} for i in range(10_001)]
    assert history(rows)["annotation_id"].to_pylist() == [row["annotation_id"] for row in rows]


@pytest.mark.parametrize("name", [p.name for p in products({}) if p.layers is not None and p.table in KINDS])
def test_a_layer_of_which_nothing_was_said_is_an_empty_table(name: str) -> None:
    (product,) = (p for p in products({}) if p.name == name)
    header = table("trajectories", {"trajectory_id": "a", "num_steps": 2})
    found = product.build({"trajectories": header})
    assert found.num_rows == 0
    assert found.schema.equals(product.stored)
