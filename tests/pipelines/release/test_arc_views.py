"""The views of ARC traces, derived from small tables, and from the examples by the jobs themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.engine.job import Job
from pipelines.recipe import Recipe
from pipelines.release.assemble import assemble
from pipelines.release.check import check_release
from pipelines.release.views import ViewTables, view_module
from pipelines.session import Session
from pipelines.stages.ingest import Ingest
from pipelines.stages.propose import Propose
from pipelines.stages.release import Release
from schemas.arrow import columns_of, stored_schema, table_from_rows
from schemas.identity import annotation_table
from schemas.layers import layers

ARC = Path(__file__).resolve().parents[3] / "examples/data/arc"
A, B, C = [[0, 1]], [[2]], [[3], [4]]


def step(trajectory: str, number: int, name: str, before: Any, after: Any, **arguments: Any) -> dict[str, Any]:
    kind = "system" if name.startswith("show") else "grid_op"
    return {
        "trajectory_id": trajectory, "step": number, "action_name": name, "action_kind": kind, "task_id": "t", "test_index": 0,
        "grid_before": before, "grid_after": after, "action_args": arguments,
    }  # fmt: skip


STEPS = [
    step("a", 0, "show_editor", None, A),
    step("a", 1, "move_left", A, B),
    step("a", 2, "submit", B, B, correct=False),
    step("a", 3, "draw", B, C, color=7),
    step("a", 4, "submit", C, C, correct=True),
    step("b", 0, "show_editor", None, A),
    step("b", 1, "undo", A, B),
    step("b", 2, "submit", B, B),
]


def given(*annotations: dict[str, Any], success: bool | None = True) -> ViewTables:
    headers = [{"trajectory_id": i, "domain": "arc", "success": success, "num_steps": n} for i, n in (("a", 5), ("b", 3))]
    tables = {
        name: table_from_rows(stored_schema(name, columns_of(name)), rows)
        for name, rows in (("arc_steps", STEPS), ("trajectories", headers))
    }
    shown = {
        name: annotation_table(layer.kind, [row for row in annotations if row["layer"] == name])
        for name, layer in layers().items()
    }
    return ViewTables(tables, shown)


def derived(view: str, tables: ViewTables) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = view_module(view).derive(tables).to_pylist()
    return found


def said(layer: str, **row: Any) -> dict[str, Any]:
    return {"layer": layer, "producer": "p", "producer_type": "human", "status": "accepted", "annotator": "ann"} | row


def test_transitions_know_the_operation_in_both_environments_by_name() -> None:
    found = derived("arc_transitions", given())
    assert [(row["trajectory_id"], row["step"]) for row in found] == [
        ("a", 1),
        ("a", 2),
        ("a", 3),
        ("a", 4),
        ("b", 1),
        ("b", 2),
    ]
    assert [row["arcle_operation"] for row in found] == [23, 34, 7, 34, None, 34]
    assert [row["jaxarc_operation"] for row in found] == [22, 34, 7, 34, None, 34]


def test_a_reward_is_the_verdict_on_a_submission_or_on_the_trace_where_there_is_none() -> None:
    assert [row["reward"] for row in derived("arc_transitions", given())] == [0, 0, 0, 1, 0, 1]
    assert [row["reward"] for row in derived("arc_transitions", given(success=None))] == [0, 0, 0, 1, 0, 0]


def test_the_oracle_decides_before_the_source() -> None:
    row = {"producer_type": "oracle", "annotator": None, "start": 0, "name": "success"}
    wrong = said("success", trajectory_id="a", end=5, steps=[4], outcomes=["wrong"], observed=[None], **row)
    right = said("success", trajectory_id="b", end=3, steps=[2], outcomes=["correct"], observed=[None], **row)
    tables = given(wrong, right, success=None)
    assert [one["reward"] for one in derived("arc_transitions", tables)] == [0, 0, 0, 0, 0, 1]
    assert [one["success"] for one in derived("arc_sequences", tables)] == [False, True]
    unknown = said("success", trajectory_id="b", end=3, steps=[2], outcomes=["unknown"], observed=[None], **row)
    assert [one["reward"] for one in derived("arc_transitions", given(unknown))] == [0, 0, 0, 1, 0, 1]


def test_a_sequence_is_a_trace_with_its_returns() -> None:
    first, second = derived("arc_sequences", given())
    assert first["operations"] == ["move_left", "submit", "draw", "submit"]
    assert first["steps"] == [1, 2, 3, 4]
    assert first["states"] == [A, B, B, C]
    assert first["rewards"] == [0, 0, 0, 1]
    assert first["returns_to_go"] == [1, 1, 1, 1]
    assert (second["trajectory_id"], second["num_transitions"], second["success"]) == ("b", 2, True)
    assert derived("arc_sequences", given(success=None))[1]["returns_to_go"] == [0, 0]


def test_a_pair_is_the_best_way_on_against_each_worse_one() -> None:
    def candidate(rank: int, value: float, operation: str) -> dict[str, Any]:
        action = orjson.dumps({"operation": operation, "region": [0, 0, 1, 1], "trajectory_id": "b", "step": 1}).decode()
        return {"id": f"0:{rank}", "action": action, "rank": rank, "reward_mean": value, "n": 3 - rank, "selected": rank == 0}

    candidates = [candidate(2, 0.25, "undo"), candidate(0, 0.75, "draw"), candidate(1, 0.75, "crop")]
    tables = given(said("step_preference", trajectory_id="a", start=3, end=4, candidates=candidates))
    (pair,) = derived("arc_preferences", tables)
    assert (pair["trajectory_id"], pair["step"], pair["task_id"], pair["state"]) == ("a", 3, "t", B)
    assert (pair["chosen"], pair["rejected"], pair["margin"]) == ("draw", "undo", 0.5)
    assert (pair["chosen_value"], pair["rejected_value"], pair["chosen_n"], pair["rejected_n"]) == (0.75, 0.25, 3, 1)
    assert orjson.loads(pair["rejected_action"]) == {"region": [0, 0, 1, 1], "trajectory_id": "b", "step": 1}
    assert derived("arc_preferences", given()) == []


def test_language_is_what_people_wrote_beside_the_grids_it_is_about() -> None:
    tables = given(
        said("rule", trajectory_id="a", steps=[0], texts=["join them"], channel="rule"),
        said("intent", trajectory_id="a", start=3, end=4, steps=[3], texts=["make it blue"]),
        said("sub_goal", trajectory_id="a", start=1, end=3, label="build", text="to the edge"),
        said("sub_goal", trajectory_id="a", start=3, end=5, label="finish"),
        said(
            "intent", trajectory_id="b", start=1, end=2, steps=[1], texts=["a guess"], producer_type="model", status="proposed"
        ),
        said("intent", trajectory_id="b", start=0, end=1, steps=[0], texts=["look"]),
    )
    found = {row["text"]: row for row in derived("arc_language", tables)}
    assert set(found) == {"join them", "make it blue", "to the edge", "look"}
    whole, one, span, nothing = (found[text] for text in ("join them", "make it blue", "to the edge", "look"))
    assert (whole["start"], whole["state"], whole["next_state"], whole["layer"]) == (None, A, C, "rule")
    assert (one["state"], one["next_state"], one["operations"]) == (B, C, ["draw"])
    assert (span["state"], span["next_state"], span["operations"]) == (A, B, ["move_left", "submit"])
    assert (nothing["state"], nothing["next_state"], nothing["operations"]) == (None, A, [])
    assert {row["task_id"] for row in found.values()} == {"t"}


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The examples' traces with what is said over their tasks, published, the jobs run without Beam."""
    over_tasks = ["state_graph", "popular_states", "intentions", "shared_intentions", "step_values", "pivots", "divergence"]
    recipe = Recipe.model_validate(
        {
            "name": "graphs", "license": "cc0-1.0", "workspace": str(tmp_path_factory.mktemp("graphs") / "out"),
            "annotators": [f"arc.{name}" for name in (*over_tasks, "step_preferences")], "shards": {"steps": 40},
            "sources": [{"name": "puzzles", "reader": "braingridgame", "uri": str(ARC / "*.json"), "license": "cc0-1.0"}],
        }
    )  # fmt: skip
    session = Session(recipe)
    jobs: list[Job] = [job(session.recipe, session.store) for job in (Ingest, Propose, Release)]
    for job in jobs:
        for key in job.plan().keys:
            job.write(job.check(job.work(job.read(key))))
    ingested, proposed, released = (session.last(job) for job in jobs)
    assert [*ingested.rejects, *proposed.rejects, *released.rejects] == []
    assert isinstance(jobs[2], Release)
    return Path(assemble(jobs[2], ingested, proposed, released).folder)


def rows_of(release: Path, folder: str) -> list[dict[str, Any]]:
    return [row for file in sorted(release.glob(f"{folder}/*.parquet")) for row in pq.read_table(file).to_pylist()]


def test_the_examples_release_is_sound_and_holds_no_table_of_the_workspace(release: Path) -> None:
    assert check_release(release) == []
    assert not (release / "arc_states").exists()
    for folder in ("nodes/state_graph", "nodes/popular_state", "segments/intention", "scalars/step_value", "arc_sequences"):
        assert rows_of(release, folder), folder


def test_the_graph_joins_the_transitions(release: Path) -> None:
    """Each move of each trace is one visit of an edge, and its grid can be looked up where the node says."""
    transitions = rows_of(release, "arc_transitions")
    edges = [row for row in rows_of(release, "nodes/state_graph") if row["parent"] is not None]
    moved = [row for row in transitions if row["state"] != row["next_state"]]
    assert sum(row["visits"] for row in edges) == len(moved) > 20
    at = {(row["trajectory_id"], row["step"]): row for row in rows_of(release, "arc_steps")}
    for row in edges:
        seen = orjson.loads(row["state"])
        assert at[seen["trajectory_id"], seen["step"]][seen["grid"]] is not None
    valued = [row for row in moved if row["step_value"] is not None]
    assert valued
    assert {row["intention"] for row in transitions} <= {"reach", "return", "stray", None}


def test_sequences_hold_the_transitions_of_each_trace(release: Path) -> None:
    transitions = rows_of(release, "arc_transitions")
    for row in rows_of(release, "arc_sequences"):
        own = [one for one in transitions if one["trajectory_id"] == row["trajectory_id"]]
        assert row["states"] == [one["state"] for one in own]
        assert row["operations"] == [one["operation"] for one in own]
        assert row["returns_to_go"][0] == sum(one["reward"] for one in own)
        assert pa.array(row["steps"]).equals(pa.array([one["step"] for one in own]))
