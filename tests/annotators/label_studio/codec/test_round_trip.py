"""Rows of every kind that has a control: encoded and decoded, also the way Label Studio may spell them back."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from label_studio_sdk.label_interface import LabelInterface

from annotators.label_studio.codec import decode, encode, same
from annotators.label_studio.config import check_results, render
from annotators.label_studio.project import Project, ReviewTask
from schemas.layers import layer

MakeTask = Callable[..., ReviewTask]
SEEDS = range(40)


def respelled(results: Any, seed: int) -> Any:
    """The results through JSON with other key orders and 10.0 as 10, as the editor may save them."""
    rng = random.Random(seed)

    def change(value: Any) -> Any:
        if isinstance(value, dict):
            keys = list(value)
            rng.shuffle(keys)
            return {key: change(value[key]) for key in keys}
        if isinstance(value, (list, tuple)):
            return [change(item) for item in value]
        return int(value) if isinstance(value, float) and value.is_integer() else value

    return json.loads(json.dumps(change(results)))


@pytest.mark.parametrize("stride", [1, 3])
def test_decode_gives_the_rows_back_without_the_ledger(review_project: Project, make_task: MakeTask, stride: int) -> None:
    if review_project.view == "verdict" and "preference" not in review_project.layers:
        pytest.skip("in the verdict view nothing is pushed but pictures")
    for seed in SEEDS:
        task = make_task(seed, review_project, stride=stride)
        decoded = decode(review_project, task, respelled(encode(review_project, task).results, seed))
        assert not decoded.findings
        for name in review_project.layers:
            rows = {row["annotation_id"]: row for row in task.rows[name]}
            statements = {statement.region: statement for statement in decoded.rows.get(name, ())}
            if layer(name).kind == "links":  # relations have no id
                statements = dict(zip(rows, statements.values(), strict=True))
            if layer(name).kind == "segments":  # of layers that share a region, the first gives the id
                ids = {
                    region: i
                    for region, carried in encode(review_project, task).rows.items()
                    for n, i, _ in carried
                    if n == name
                }
                statements = {ids[region]: statement for region, statement in statements.items()}
            assert statements.keys() == rows.keys(), (seed, name)
            for annotation_id, statement in statements.items():
                row = rows[annotation_id]
                assert (statement.start, statement.end) == (row["start"], row["end"]), (seed, name)
                said = {column: row[column] for column in statement.payload}
                if "candidates" in said:
                    said["candidates"] = [{name: candidate[name] for name in ("id", "rank")} for candidate in row["candidates"]]
                assert same(dict(statement.payload), said), (seed, name, statement.payload, said)


def test_what_is_pushed_passes_the_interface_of_the_config(review_project: Project, make_task: MakeTask) -> None:
    interface = LabelInterface(render(review_project))
    for seed in range(10):
        task = make_task(seed, review_project)
        results = list(encode(review_project, task).results)
        assert not check_results(render(review_project), task.uid, task.surface, results)
        errors = interface.validate_prediction({"result": results}, return_errors=True)
        assert not errors, (seed, errors)


def test_encoding_is_deterministic_and_ids_are_unique(review_project: Project, make_task: MakeTask) -> None:
    for seed in range(10):
        task = make_task(seed, review_project)
        encoded = encode(review_project, task)
        assert json.dumps(encoded.results) == json.dumps(encode(review_project, make_task(seed, review_project)).results)
        named = [(r.get("id"), r.get("from_name"), r.get("item_index")) for r in encoded.results if r["type"] != "relation"]
        assert len(set(named)) == len(named)
        shown = {i for carried in encoded.rows.values() for _, i, _ in carried}
        assert shown == {row["annotation_id"] for rows in task.rows.values() for row in rows}
