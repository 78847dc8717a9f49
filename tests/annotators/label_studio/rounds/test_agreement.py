"""Agreement of two people's rows, kind by kind."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from annotators.label_studio.project import Project
from annotators.label_studio.rounds.agreement import Agreement, agree, layer_agreement, opinions_agree
from annotators.label_studio.rounds.items import Extent
from annotators.label_studio.rounds.measures import KIND_MEASURES, MEASURES
from annotators.label_studio.rounds.quality import Quality
from schemas.layers import layer
from schemas.tables import KINDS

from .rows import EXTENT, LANGUAGE, accepted, added, corrected, opinion, rejected, row, skill, subtask


def measured(
    name: str, first: list[Any], second: list[Any], quality: Quality | None = None, extent: Extent = EXTENT
) -> dict[str, Agreement]:
    return {a.measure: a for a in layer_agreement(layer(name), quality or Quality(), extent, first, second)}


def test_every_kind_has_a_measure() -> None:
    assert KIND_MEASURES.keys() == KINDS.keys()
    assert {m for measures in KIND_MEASURES.values() for m in measures} == MEASURES.keys()


def test_segments_by_boundary_and_by_step() -> None:
    first = [skill("a", 0, 50), skill("b", 50, 100, "place")]
    second = [skill("c", 0, 60), skill("d", 60, 100, "place")]
    far = measured("primitive_skill", first, second)
    assert far["boundary_f1"].value == 0.0  # 50 and 60 are a second apart, 0.5 s are allowed; the ends are nobody's choice
    assert far["boundary_f1"].tolerance == "0.5 s = 5 steps"
    assert far["boundary_f1"].n == 2
    # 90 of 100 steps agree; chance = .5 * .6 + .5 * .4 = .5
    assert far["label_kappa"].value == pytest.approx(0.8)
    assert far["label_kappa"].n == 100
    near = measured("primitive_skill", first, second, Quality.model_validate({"tolerance": {"seconds": 1}}))
    assert near["boundary_f1"].value == 1.0


def test_tolerance_in_steps_and_never_below_a_picture() -> None:
    quality = Quality.model_validate({"tolerance": {"seconds": 0.05, "steps": 2}})
    assert quality.tolerance.stated(Extent(0, 10)) == "2 steps"
    assert quality.tolerance.within(Extent(0, 100, 0.1)) == pytest.approx(0.5)
    assert quality.tolerance.within(Extent(0, 100, 0.1, steps_per_picture=3.0)) == 3.0


def test_an_event_is_its_first_step() -> None:
    found = measured(
        "contact",
        [row("contact", "a", start=0, end=1, label="contact")],
        [row("contact", "b", start=3, end=4, label="contact")],
    )
    assert found["boundary_f1"].value == 1.0
    assert found["boundary_f1"].n == 2


def test_both_empty_agrees_and_one_empty_does_not() -> None:
    nothing = measured("primitive_skill", [], [])
    assert nothing["boundary_f1"].agreed
    assert nothing["boundary_f1"].n == 0
    assert not measured("primitive_skill", [skill("a", 0, 100)], [])["label_kappa"].agreed
    assert measured("gripper_box", [], [])["iou"].agreed
    assert measured("trace", [], [])["trace_distance"].agreed


def test_texts_of_segments_are_paired_by_time() -> None:
    first = [subtask("a", 0, 50, "reach the cup"), subtask("b", 50, 100, "lift it")]
    second = [subtask("c", 52, 100, "lift it"), subtask("d", 0, 52, "reach a cup")]
    assert measured("subtask", first, second)["text_similarity"].value == pytest.approx((1 + 4 / 6) / 2)
    assert measured("subtask", first, second[:1])["text_similarity"].value == pytest.approx(1 / 2)


def test_texts_step_by_step() -> None:
    def caption(id_: str, step: int, text: str) -> dict[str, Any]:
        return row("caption", id_, start=step, end=step + 1, steps=[step], texts=[text])

    found = measured("caption", [caption("a", 0, "click ok"), caption("b", 1, "type")], [caption("c", 0, "Click OK")])
    assert found["text_similarity"].value == pytest.approx(0.5)
    assert found["text_similarity"].n == 2


def test_boxes_of_a_track_are_filled_in() -> None:
    def track(frames: list[int], xs: list[float], **columns: Any) -> dict[str, Any]:
        boxes = [[x, 0, x + 10, 10] for x in xs]
        return row("gripper_box", "a", shape="box", label="gripper", frames=frames, boxes=boxes, **columns)

    assert measured("gripper_box", [track([0, 10], [0, 10])], [track([0, 5, 10], [0, 5, 10])])["iou"].value == pytest.approx(1)
    # on frame 20 only one has it
    halved = measured("gripper_box", [track([0, 20], [0, 0], visible=[True, False])], [track([0, 20], [0, 0])])
    assert halved["iou"].value == pytest.approx(0.5)
    # a second track of one person counts 0
    assert measured("gripper_box", [track([0], [0]), track([0], [50])], [track([0], [0])])["iou"].value == pytest.approx(0.5)


def test_polygons_cells_and_masks() -> None:
    def shape(id_: str, name: str, kind: str, **columns: Any) -> dict[str, Any]:
        return row(name, id_, shape=kind, start=0, end=1, frames=[0], frame_width=100, frame_height=100, **columns)

    square = shape("a", "object_outline", "polygon", points=[[0, 0, 49, 0, 49, 49, 0, 49]])
    half = shape("b", "object_outline", "polygon", points=[[0, 0, 24, 0, 24, 49, 0, 49]])
    assert measured("object_outline", [square], [half])["iou"].value == pytest.approx(0.5)
    cells = shape("a", "marked", "cells", cells=[[0, 0], [0, 1], [0, 2]])
    assert measured("marked", [cells], [shape("b", "marked", "cells", cells=[[0, 1], [0, 2], [0, 3]])])["iou"].value == 0.5
    mask = shape("a", "segmentation", "mask", masks=[{"height": 3, "width": 4, "counts": "525"}])
    one = shape("b", "segmentation", "mask", masks=[{"height": 3, "width": 4, "counts": "516"}])
    assert measured("segmentation", [mask], [one])["iou"].value == pytest.approx(0.5)


def test_points_in_pixels_and_diagonals() -> None:
    def points(*xy: float) -> dict[str, Any]:
        return row(
            "contact_points",
            "a",
            shape="point",
            label="finger",
            frames=[3],
            points=[list(xy)],
            frame_width=300,
            frame_height=400,
        )

    found = measured("contact_points", [points(10, 10, 20, 20)], [points(20, 20, 13, 14)])["point_distance"]
    assert found.pixels == pytest.approx(2.5)  # the fingers have no order: 5 and 0
    assert found.value == pytest.approx(2.5 / 500)
    assert found.agreed
    missing = measured("contact_points", [points(10, 10)], [])["point_distance"]
    assert missing.value == 1.0
    assert not missing.agreed


def test_traces_step_by_step() -> None:
    def trace(steps: list[int], points: list[list[float]]) -> dict[str, Any]:
        return row("trace", "a", space="pixel", label="gripper", steps=steps, points=points, frame_width=300, frame_height=400)

    found = measured("trace", [trace([0, 10], [[0, 0], [100, 0]])], [trace([0, 5, 10], [[0, 0], [50, 30], [100, 0]])])
    assert found["trace_distance"].pixels == pytest.approx(10)
    assert found["trace_distance"].value == pytest.approx(10 / 500)
    assert "metric_distance" not in found


def test_checks_are_sets_and_json_has_no_order() -> None:
    def check(args: dict[str, Any], expected: str) -> dict[str, Any]:
        return row("key_node", "a", start=3, end=4, function="value", args=json.dumps(args), expected=expected)

    first = [check({"key": "q", "mode": "exact"}, "cairn"), check({"key": "p"}, "1")]
    second = [check({"mode": "exact", "key": "q"}, "cairn"), check({"key": "p"}, "2")]
    assert measured("key_node", first, second)["set_f1"].value == 0.5


def test_links_end_at_the_same_things_whoever_made_them() -> None:
    project = Project("language", "gui_steps", ("target", "dependency"))
    box = row("target", "box", start=0, end=1, shape="box", label="target", frames=[0], boxes=[[0, 0, 10, 10]])

    def said(who: str, box_id: str) -> Any:
        mended = corrected(box, box_id, boxes=[[0, 0, 10, 11]])
        other = added(
            row("target", f"new-{who}", start=4, end=5, shape="box", label="target", frames=[4], boxes=[[0, 0, 9, 9]])
        )
        link = added(row("dependency", f"l-{who}", start=0, end=1, source=box_id, destination=f"new-{who}", relation="enables"))
        return opinion("t", who, mended, other, link)

    found = opinions_agree(project, Quality(), EXTENT, said("ann", "box-a"), said("bob", "box-b"))
    assert [(a.layer, a.measure, a.value) for a in found if a.layer == "dependency"] == [("dependency", "set_f1", 1.0)]


def test_rejected_rows_are_absent_and_verdicts_are_compared_by_row() -> None:
    a, b = skill("a", 0, 50), skill("b", 50, 100)
    first, second = opinion("t", "ann", accepted(a), rejected(b)), opinion("t", "bob", accepted(a), rejected(b))
    assert all(one.agreed for one in opinions_agree(LANGUAGE, Quality(), EXTENT, first, second))
    verdicts = Project("verdicts", "verdict", ("changed_region",))
    c, d = (row("changed_region", i, start=0, end=1, shape="box", frames=[0], boxes=[[0, 0, 1, 1]]) for i in "cd")
    first, second = opinion("t", "ann", accepted(c), rejected(d)), opinion("t", "bob", accepted(c), accepted(d))
    (found,) = opinions_agree(verdicts, Quality(), EXTENT, first, second)
    assert (found.measure, found.value, found.n, found.agreed) == ("verdict_kappa", 0.0, 2, False)


def test_step_verdicts_and_rankings() -> None:
    def verdict(step: int, value: str) -> dict[str, Any]:
        return row("step_verdict", f"{step}", start=step, end=step + 1, rubric="need", value=value)

    words = "needed needed unneeded wrong".split(), "needed unneeded unneeded wrong".split()  # noqa: SIM905
    sides = [[verdict(i, word) for i, word in enumerate(side)] for side in words]
    # 3 of 4 agree, chance = (2*1 + 1*2 + 1*1) / 16
    assert measured("step_verdict", *sides)["label_kappa"].value == pytest.approx((0.75 - 5 / 16) / (1 - 5 / 16))

    def ranked(*order: str) -> dict[str, Any]:
        return row("preference", "p", start=0, end=1, candidates=[{"id": i, "rank": r} for r, i in enumerate(order, 1)])

    assert measured("preference", [ranked(*"abc")], [ranked(*"abc")])["rank_tau"].value == 1.0
    assert measured("preference", [ranked(*"abc")], [ranked(*"acb")])["rank_tau"].value == pytest.approx(1 / 3)
    assert not measured("preference", [ranked(*"abc")], [ranked(*"cba")])["rank_tau"].agreed


def test_a_distance_must_not_exceed_its_threshold() -> None:
    assert agree("iou", 0.6, 0.6)
    assert not agree("iou", 0.59, 0.6)
    assert agree("point_distance", 0.01, 0.02)
    assert not agree("point_distance", math.inf, 0.02)
