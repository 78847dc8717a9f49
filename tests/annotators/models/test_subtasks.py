"""`models.subtasks`: what is asked, and what becomes of good and of bad clips in the answer."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from annotators.annotation import Annotation, Refusal, annotation_tables
from annotators.models.endpoint import EndpointError
from annotators.protocol import annotator, lacking, producer_of
from schemas.invariants import check_annotations

LIFT = Path(__file__).resolve().parents[3] / "examples/data/lift"
CLIPS = [
    {"start": 0, "end": 25, "skill": "transfer", "text": "move the gripper over the red cube"},
    {"start": 25, "end": 35, "skill": "pick", "text": "grasp the red cube"},
    {"start": 35, "end": 70, "skill": "transfer", "text": "lift the red cube <b>high</b>"},
]


@pytest.fixture
def view(read_source):
    return read_source("lerobot", LIFT).view("s/episode_000000")


def told(view):
    said = list(annotator("models.subtasks", {"model": "m-1", "pictures": 12}).propose(view))
    return [s for s in said if isinstance(s, Annotation)], [s for s in said if isinstance(s, Refusal)]


def test_a_sheet_with_steps_and_seconds_is_asked_about_and_clips_become_rows(view, server):
    server.say_chat({"clips": CLIPS})
    found, refusals = told(view)
    assert refusals == []
    assert [(a.layer, a.start, a.end) for a in found[:2]] == [("primitive_skill", 0, 25), ("subtask", 0, 25)]
    assert found[-1].payload == {"text": "lift the red cube <b>high</b>"}
    found_by = annotator("models.subtasks", {"model": "m-1"})
    tables = annotation_tables(view.trajectory_id, producer_of(found_by), found)
    assert check_annotations({**view.tables, **tables}) == []
    assert set(tables["segments"]["producer_type"].to_pylist()) == {"model"}
    ((path, headers, body),) = server.asked
    assert path == "/v1/chat/completions"
    assert headers["Authorization"] == "Bearer k-secret-123456"
    assert (body["model"], body["temperature"]) == ("m-1", 0)
    system, user = body["messages"]
    assert "takes hold of an object" in system["content"]
    text, image = user["content"]
    assert text["text"] == "Instruction: lift the red cube\nSteps: 0 to 69"
    kind, data = image["image_url"]["url"].split(",")
    assert kind == "data:image/jpeg;base64"
    sheet = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
    assert sheet.shape[1] == 1536
    assert sheet.shape[0] > 300


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"start": 60, "end": 71, "skill": "pick", "text": "x"}, r"\[60, 71\) should be 0 <= start < end <= 70"),
        ({"start": 20, "end": 30, "skill": "pick", "text": "x"}, "begins at step 20, the one before ends at 25"),
        ({"start": 30, "end": 40, "skill": "grab", "text": "x"}, "'grab' is no word"),
        ({"start": 30, "end": 40, "skill": ["pick"], "text": "x"}, "is no word"),
        ({"start": 30, "end": 40, "skill": "pick", "text": " "}, "text should be"),
        ({"start": True, "end": 40, "skill": "pick", "text": "x"}, "should be 0 <= start"),
        ("pick", "is no object"),
    ],
)
def test_a_clip_that_is_none_is_refused_and_the_others_are_kept(view, server, wrong, said):
    server.say_chat({"clips": [CLIPS[0], wrong, {**CLIPS[2], "start": 40}]})
    found, refusals = told(view)
    assert [(a.start, a.end) for a in found[::2]] == [(0, 25), (40, 70)]
    (refusal,) = refusals
    assert refusal.code == "answer_clip_wrong"
    assert re.search(said, refusal.message)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("I see a robot.", "answer_malformed"),
        ({"segments": []}, "answer_malformed"),
        ("[1, 2]", "answer_malformed"),
    ],
)
def test_an_answer_that_cannot_be_read_is_refused(view, server, content, code):
    server.say_chat(content)
    found, (refusal,) = told(view)
    assert found == []
    assert refusal.code == code


def test_fenced_json_is_read_an_answer_that_was_cut_is_refused_and_so_is_another_protocol(view, server):
    server.say_chat('```json\n{"clips": []}\n```')
    assert told(view) == ([], [])
    server.answers[:] = []
    server.say_chat({"clips": CLIPS}, finish_reason="length")
    assert told(view)[1][0].code == "answer_cut"
    server.answers[:] = []
    server.say({"completion": "hello"})
    assert told(view)[1][0].code == "answer_malformed"


def test_neither_address_nor_key_are_parameters(view, server, monkeypatch):
    found = annotator("models.subtasks")
    row = str(producer_of(found).row)
    assert server.url not in row
    assert "k-secret" not in row
    assert lacking(found) is None
    monkeypatch.delenv("CAIRN_VLM_URL")
    assert lacking(found) == "no endpoint: set CAIRN_VLM_URL (see annotators/models)"
    assert lacking(annotator("robot.clips")) is None
    with pytest.raises(EndpointError):
        list(found.propose(view))
