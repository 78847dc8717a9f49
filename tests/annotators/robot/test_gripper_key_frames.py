"""`robot.gripper_key_frames`: paths with what is valid of them, and what is taken hold of at the contact."""

from __future__ import annotations

from pathlib import Path

import pytest

from annotators.annotation import annotation_tables
from annotators.protocol import annotator, producer_of
from annotators.robot.gripper_key_frames import finger_points, paths
from schemas.invariants import check_annotations

LIFT = Path(__file__).resolve().parents[3] / "examples/data/lift"
AGENTVIEW = "observation.images.agentview"
GRIPPER = {"stream": AGENTVIEW, "frame": 35, "label": "gripper", "box": [126.0, 90.0, 174.0, 146.0]}
CUBE = {"stream": AGENTVIEW, "frame": 35, "label": "object", "box": [139.0, 112.0, 161.0, 134.0]}


def test_a_path_near_the_end_is_short_and_a_point_at_the_edge_removes_nothing_but_itself() -> None:
    points = [(0.0, 5.0), (9.0, 9.0), (10.0, 5.0), None, (4.0, -0.1), (3.0, 3.0), (2.0, 2.0), (1.0, 1.0)]
    first, second = paths(points, 5, 10, 10)
    assert first.steps == (0, 1, 2, 3, 4)
    assert first.points == ((0.0, 5.0), (9.0, 9.0), None, None, None)
    assert second.steps == (5, 6, 7)
    assert second.points == ((3.0, 3.0), (2.0, 2.0), (1.0, 1.0))


def test_a_path_of_one_point_is_none() -> None:
    assert paths([(1.0, 1.0), None, None, (2.0, 2.0)], 2, 10, 10) == []
    with pytest.raises(ValueError, match="two steps or more"):
        paths([], 1, 10, 10)


def test_fingers_touch_the_sides_of_what_is_held() -> None:
    assert finger_points((100, 40, 148, 96)) == [112, 68, 136, 68]
    assert finger_points((100, 40, 148, 96), (113, 62, 135, 84)) == [113, 73, 135, 73]


def test_on_the_simulated_arm(read_source) -> None:
    view = read_source("lerobot", LIFT).view("s/episode_000000")
    found = annotator("robot.gripper_key_frames", {"seeds": {"*": [GRIPPER, CUBE]}})
    said = list(found.propose(view))
    tables = annotation_tables(view.trajectory_id, producer_of(found), said)
    assert check_annotations({**view.tables, **tables}) == []
    track = next(iter(annotator("robot.flow_track", {"seeds": {"*": [GRIPPER]}}).propose(view))).payload
    traces = tables["traces"].to_pylist()
    assert [row["start"] for row in traces] == list(range(0, 70, 10))
    for row in traces:
        assert row["steps"] == list(range(row["start"], row["start"] + 10))
        for step, point, valid in zip(row["steps"], row["points"], row["valid"], strict=True):
            box = track["boxes"][step]
            assert valid == (box is not None)
            if box is not None and min(box) > 0:
                assert point == pytest.approx([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2], abs=0.02)
    grasp, fingers = sorted(tables["regions"].to_pylist(), key=lambda row: row["layer"])
    assert (grasp["start"], grasp["end"], grasp["frames"]) == (31, 32, [31])
    assert grasp["boxes"] == [pytest.approx(track["boxes"][31])]
    left, y, right, same = fingers["points"][0]
    assert grasp["boxes"][0][0] < left < right < grasp["boxes"][0][2]
    assert right - left == pytest.approx(22, abs=4)
    assert y == same


def test_without_a_gripper_that_somebody_gave_nothing_is_said(read_source) -> None:
    view = read_source("lerobot", LIFT).view("s/episode_000000")
    assert list(annotator("robot.gripper_key_frames").propose(view)) == []
    assert list(annotator("robot.gripper_key_frames", {"seeds": {"*": [CUBE]}}).propose(view)) == []


def test_parameters_are_those_of_both() -> None:
    with pytest.raises(ValueError, match="label is gripper"):
        annotator("robot.gripper_key_frames", {"seeds": {"*": [{**GRIPPER, "label": "cup"}]}})
    with pytest.raises(ValueError, match="open or close"):
        annotator("robot.gripper_key_frames", {"larger_is": "wide"})
    with pytest.raises(ValueError, match="two steps or more"):
        annotator("robot.gripper_key_frames", {"horizon": 1})
