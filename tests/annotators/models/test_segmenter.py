"""`models.segmenter`: clicks keep their labels, masks become rows, and a wrong mask costs its object alone."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from annotators.annotation import Annotation, Refusal, annotation_tables
from annotators.label_studio.pictures.masks import encode_mask
from annotators.models.segmenter import tight_box
from annotators.protocol import annotator, producer_of
from schemas.invariants import check_annotations

LIFT = Path(__file__).resolve().parents[3] / "examples/data/lift"
AGENTVIEW = "observation.images.agentview"
CLICKS = [[150.0, 120.0, 1], [150.0, 60.0, 0], [148.0, 118.0, 1]]
PROMPT = {"stream": AGENTVIEW, "frame": 20, "object": "cube", "clicks": CLICKS}


@pytest.fixture
def view(read_source):
    return read_source("lerobot", LIFT).view("s/episode_000000")


def reds(body, **changes):
    """What a segmenter that looks for red says: a recorded answer in the making."""
    frames = []
    for sent in body["frames"]:
        coded = np.frombuffer(base64.b64decode(sent["image"].split(",")[1]), np.uint8)
        picture = cv2.imdecode(coded, cv2.IMREAD_COLOR).astype(int)
        mask = (picture[..., 2] > 90) & (picture[..., 2] > 1.7 * picture[..., 1]) & (picture[..., 2] > 1.7 * picture[..., 0])
        said = {"size": list(mask.shape), "counts": encode_mask(mask)} if sent["frame"] != 3 else None
        frames.append({"frame": sent["frame"], "mask": said, "score": 0.5 + 0.5 * (sent["frame"] % 2), "prompt": 20})
    return {"objects": [{"object": name, "frames": frames} for name in {p["object"] for p in body["prompts"]}]} | changes


def told(view, *prompts, **parameters):
    found = annotator("models.segmenter", {"prompts": {"*": list(prompts)}, **parameters})
    said = list(found.propose(view))
    tables = annotation_tables(view.trajectory_id, producer_of(found), [s for s in said if isinstance(s, Annotation)])
    assert check_annotations({**view.tables, **tables}) == []
    rows = tables["regions"].to_pylist() if tables else []
    return rows, [s for s in said if isinstance(s, Refusal)]


def test_clicks_go_out_each_with_its_label_and_masks_and_boxes_come_back(view, server):
    server.answer = reds
    rows, refusals = told(view, PROMPT)
    assert refusals == []
    ((path, _, body),) = server.asked
    assert path == "/v1/track"
    assert body["prompts"] == [{"object": "cube", "frame": 20, "clicks": CLICKS, "box": None}]
    assert [sent["frame"] for sent in body["frames"]] == list(range(70))
    boxes, masks = sorted(rows, key=lambda row: row["layer"])
    assert (boxes["layer"], masks["layer"]) == ("object_box", "segmentation")
    assert (masks["shape"], masks["label"], masks["stream"], masks["track"]) == ("mask", "object_mask", AGENTVIEW, "cube")
    assert (boxes["shape"], boxes["label"]) == ("box", "object")
    assert masks["masks"][3] is None
    assert boxes["boxes"][3] is None
    assert masks["visible"][3] is False
    x_min, y_min, x_max, y_max = boxes["boxes"][20]
    assert (x_min + x_max) / 2 == pytest.approx(150, abs=3)
    assert (y_min + y_max) / 2 == pytest.approx(122, abs=4)
    attributes = json.loads(masks["attributes"])
    assert attributes["scores"][:3] == [0.5, 1.0, 0.5]
    assert set(attributes["prompts"]) == {20}
    assert masks["confidence"] == pytest.approx(0.75)


def test_frames_beyond_reach_are_neither_sent_nor_said_anything_of(view, server):
    server.answer = reds
    rows, _ = told(view, PROMPT, reach=5)
    assert [sent["frame"] for sent in server.asked[0][2]["frames"]] == list(range(15, 26))
    assert rows[0]["frames"] == list(range(15, 26))


@pytest.mark.parametrize(
    ("frame", "code", "said"),
    [
        ({"frame": 20, "mask": {"size": [320, 240], "counts": "0"}}, "mask_size", r"[320, 240], should be [height, width] = [240, 320]"),
        ({"frame": 20, "mask": {"size": [240, 320], "counts": "04"}}, "mask_unreadable", "cover 4 pixels"),
        ({"frame": 20, "mask": "png"}, "mask_size", "'png'"),
        ({"frame": 99, "mask": None}, "answer_malformed", "frame 99 was not asked for"),
    ],
)  # fmt: skip
def test_a_wrong_mask_costs_its_object_and_no_other(view, server, frame, code, said):
    def answer(body):
        good = reds(body)["objects"][0]["frames"]
        return {"objects": [{"object": "cube", "frames": good}, {"object": "cup", "frames": [frame]}]}

    server.answer = answer
    rows, (refusal,) = told(view, PROMPT, {**PROMPT, "object": "cup"}, reach=2)
    assert {row["track"] for row in rows} == {"cube"}
    assert refusal.code == code
    assert said in refusal.message
    assert "'cup'" in refusal.message


def test_an_object_that_is_not_answered_and_an_answer_of_another_form_are_refused(view, server):
    server.say({"objects": []})
    assert [refusal.code for refusal in told(view, PROMPT, reach=1)[1]] == ["answer_malformed"]
    server.answers[:] = []
    server.say({"masks": []})
    rows, (refusal,) = told(view, PROMPT, reach=1)
    assert rows == []
    assert "no list `objects`" in refusal.message


def test_without_prompts_nothing_is_asked(view, server):
    assert told(view) == ([], [])
    assert told(view, {**PROMPT, "frame": 500}) == ([], [])
    assert server.asked == []


@pytest.mark.parametrize("click", [[1, 2], [1, 2, -1], [1, 2, 2]])
def test_a_click_without_a_label_that_means_something_is_refused(click):
    with pytest.raises(ValueError, match="label 1 on the object, 0 beside it"):
        annotator("models.segmenter", {"prompts": {"*": [{**PROMPT, "clicks": [click]}]}})


def test_a_prompt_without_clicks_or_box_is_refused():
    with pytest.raises(ValueError, match="clicks or box"):
        annotator("models.segmenter", {"prompts": {"*": [{**PROMPT, "clicks": []}]}})


def test_a_tight_box_holds_every_pixel_and_an_empty_mask_has_none():
    mask = np.zeros((6, 8), bool)
    assert tight_box(mask) is None
    mask[2, 3] = mask[4, 6] = True
    assert tight_box(mask) == (3, 2, 7, 5)
