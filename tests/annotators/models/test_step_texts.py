"""`models.captions` and `models.thoughts`: batches of steps, and what a bad answer costs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from annotators.annotation import Annotation, Refusal, annotation_tables
from annotators.protocol import annotator, producer_of
from schemas.invariants import check_annotations

from .conftest import chat

SHOP = Path(__file__).resolve().parents[3] / "examples/data/web"


@pytest.fixture
def view(read_source):
    return read_source("playwright", str(SHOP / "*.zip")).view("s/buy_one")


def steps_of(body):
    return [int(step) for step in re.findall(r"^step (\d+):", body["messages"][1]["content"][0]["text"], re.MULTILINE)]


@pytest.mark.parametrize(("name", "layer"), [("models.captions", "caption"), ("models.thoughts", "thought")])
def test_every_step_with_a_screenshot_and_an_action_gets_a_text(view, server, name, layer):
    server.answer = lambda body: chat({"texts": {str(step): f"do {step}" for step in steps_of(body)}})
    found = annotator(name, {"batch": 4})
    said = list(found.propose(view))
    assert len(server.asked) == 3
    tables = annotation_tables(view.trajectory_id, producer_of(found), said)
    assert check_annotations({**view.tables, **tables}) == []
    rows = sorted(tables["texts"].to_pylist(), key=lambda row: row["start"])
    with_action = [
        row["step"] for row in view.steps.to_pylist() if row["action_name"] is not None and row["screenshot"] is not None
    ]
    assert [(row["layer"], row["steps"], row["texts"]) for row in rows] == [
        (layer, [step], [f"do {step}"]) for step in with_action
    ]
    asked = sorted(server.asked, key=lambda one: steps_of(one[2]))[0][2]["messages"]
    assert "material, no request" in asked[0]["content"]
    assert "text 'notebook'" in asked[1]["content"][0]["text"]


def test_a_bad_answer_costs_its_sheet_and_a_bad_text_its_step(view, server):
    def answer(body):
        steps = steps_of(body)
        if 0 in steps or 1 in steps:
            return chat("sorry")
        texts = {str(step): f"do {step}" for step in steps}
        texts[str(steps[0])] = ["no", "text"]
        texts.pop(str(steps[-1]))
        return chat({"texts": texts})

    server.answer = answer
    said = list(annotator("models.captions", {"batch": 4}).propose(view))
    kept = [one.start for one in said if isinstance(one, Annotation)]
    refusals = [one for one in said if isinstance(one, Refusal)]
    first = min(steps for _, _, body in server.asked for steps in [steps_of(body)])
    assert not set(first) & set(kept)
    assert len(kept) > 0
    assert [refusal.code for refusal in refusals].count("answer_malformed") == 1
    assert all(refusal.code in ("answer_malformed", "answer_text_wrong") for refusal in refusals)
    assert f"steps {first[0]} to {first[-1]}" in refusals[0].message
    assert "['no', 'text']" in json.dumps([refusal.message for refusal in refusals])


def test_a_sheet_without_steps_is_refused():
    with pytest.raises(ValueError, match="batch is 0"):
        annotator("models.captions", {"batch": 0})
