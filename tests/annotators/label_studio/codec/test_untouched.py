"""Untouched submissions: every row comes back as it was, the six columns of a person's decision apart."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from annotators.label_studio.codec import encode
from annotators.label_studio.project import Project, ReviewTask, Submission
from annotators.label_studio.resolve import resolve
from schemas.invariants import check_annotations
from schemas.layers import layer
from schemas.stored_rows import state_tables

MakeTask = Callable[..., ReviewTask]
SIX = {
    "status": "accepted",
    "quality": "primary",
    "annotator": "a1",
    "submission": "s1",
    "seconds": 12.5,
    "created_at": datetime(2026, 11, 22, 8, 30, tzinfo=UTC),
}


def submitted(task: ReviewTask, results: Any, **change: Any) -> Submission:
    """A submission of these results, spelled as JSON spells them after the editor."""
    rng = random.Random(task.uid)

    def respell(value: Any) -> Any:
        if isinstance(value, dict):
            keys = list(value)
            rng.shuffle(keys)
            return {key: respell(value[key]) for key in keys}
        if isinstance(value, (list, tuple)):
            return [respell(item) for item in value]
        return int(value) if isinstance(value, float) and value.is_integer() else value

    saved = [respell(result) | {"origin": "prediction-changed", "score": 0.5} for result in results]
    given = {"annotator": "a1", "submission": "s1", "created_at": "2026-11-22T08:30:00Z", "seconds": 12.5, **change}
    return Submission(uid=task.uid, results=tuple(json.loads(json.dumps(saved))), **given)


def judged(task: ReviewTask, word: str) -> list[dict[str, Any]]:
    """A verdict on each picture."""
    return [
        {
            "id": f"x{i}",
            "from_name": "verdict",
            "to_name": "media",
            "type": "choices",
            "item_index": i,
            "value": {"choices": [word]},
        }
        for i in range(len(task.surface.steps))
    ]


@pytest.mark.parametrize(("stride", "aligned"), [(1, True), (3, False), (7, False)])
def test_untouched_rows_are_the_originals(review_project: Project, make_task: MakeTask, stride: int, aligned: bool) -> None:
    for seed in range(20):
        task = make_task(seed, review_project, stride=stride, aligned=aligned)
        results = list(encode(review_project, task).results)
        if review_project.view == "verdict" and not results:
            results = judged(task, "right")
        resolved = resolve(review_project, task, submitted(task, results))
        assert not resolved.findings
        confirmed = {d.row["annotation_id"]: d.row for d in resolved.decisions if d.outcome == "accepted"}
        shown = {i for carried in encode(review_project, task).rows.values() for _, i, _ in carried}
        originals = {row["annotation_id"]: row for rows in task.rows.values() for row in rows if row["annotation_id"] in shown}
        assert confirmed.keys() == originals.keys(), seed
        for annotation_id, row in confirmed.items():
            assert row == dict(originals[annotation_id]) | SIX, seed
        assert all(d.outcome in ("accepted", "empty") for d in resolved.decisions)


def test_an_untouched_table_holds_the_rows_to_the_bit(review_project: Project, make_task: MakeTask) -> None:
    for seed in range(5):
        task = make_task(seed, review_project)
        results = list(encode(review_project, task).results) or judged(task, "right")
        resolved = resolve(review_project, task, submitted(task, results))
        rows = [row for found in resolved.states.values() for row in found]
        for kind, table in state_tables(rows).items():
            back = {row["annotation_id"]: row for row in table.to_pylist()}
            for row in rows:
                if layer(row["layer"]).kind == kind:
                    assert back[row["annotation_id"]] == row


def test_what_is_absent_is_rejected_and_an_empty_layer_says_so(review_project: Project, make_task: MakeTask) -> None:
    for seed in range(10):
        task = make_task(seed, review_project)
        pushed = encode(review_project, task)
        resolved = resolve(review_project, task, submitted(task, judged(task, "wrong") if not pushed.results else []))
        assert not resolved.findings
        rejected = {d.original: d.row for d in resolved.decisions if d.outcome == "rejected"}
        assert rejected.keys() == {i for carried in pushed.rows.values() for _, i, _ in carried}
        for rows in task.rows.values():
            for row in rows:
                assert rejected[row["annotation_id"]] == dict(row) | SIX | {"status": "rejected"}
        empty = [d for d in resolved.decisions if d.outcome == "empty"]
        if not pushed.results:
            assert not empty  # nobody says in the verdict view that nothing else is there
            continue
        assert {d.layer for d in empty} == set(review_project.layers)
        assert all((d.row["start"], d.row["end"]) == (task.surface.start, task.surface.end) for d in empty)
        tables = state_tables([d.row for d in empty])
        for kind, table in tables.items():
            violations = [v for v in check_annotations({kind: table, **_trajectories(task)}) if v.code != "interval_gap"]
            assert not violations


def test_a_skip_asserts_nothing(review_project: Project, make_task: MakeTask) -> None:
    task = make_task(0, review_project)
    assert resolve(review_project, task, submitted(task, [], skipped=True)).decisions == ()


def test_a_blind_project_is_pushed_nothing_and_all_that_comes_back_is_new(review_project: Project, make_task: MakeTask) -> None:
    if review_project.view == "verdict":
        pytest.skip("a verdict needs the row that it is about")
    for seed in range(10):
        task = make_task(seed, review_project)
        blind = replace(review_project, blind=True)
        results = encode(review_project, task).results
        assert encode(blind, task).results == ()
        resolved = resolve(blind, task, submitted(task, results))
        assert not resolved.findings
        added = [d for d in resolved.decisions if d.outcome == "added"]
        assert {d.outcome for d in resolved.decisions} <= {"added", "empty"}
        assert all(d.row["producer_type"] == "human" and d.row["supersedes"] is None for d in added)
        assert len({d.row["annotation_id"] for d in added}) == len(added) > 0
        tables = state_tables([d.row for d in resolved.decisions])
        assert not [
            v
            for kind, t in tables.items()
            if kind != "links"
            for v in check_annotations({kind: t, **_trajectories(task)})
            if v.code != "interval_gap"
        ]


def _trajectories(task: ReviewTask) -> dict[str, Any]:
    import pyarrow as pa

    return {"trajectories": pa.table({"trajectory_id": [task.trajectory_id], "num_steps": [1000]})}
