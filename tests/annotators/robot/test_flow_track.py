"""`robot.flow_track` on the example episodes: rows as declared, and seeds that come back from review."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from annotators.annotation import annotation_tables
from annotators.protocol import annotator, producer_of
from annotators.robot.flow_track import seeds_of
from schemas.invariants import check_annotations

LIFT = Path(__file__).resolve().parents[3] / "examples/data/lift"
AGENTVIEW = "observation.images.agentview"
SEED = {"stream": AGENTVIEW, "frame": 35, "label": "object", "box": [139.0, 112.0, 161.0, 134.0]}
GRIPPER = {"stream": AGENTVIEW, "frame": 35, "label": "gripper", "box": [126.0, 90.0, 174.0, 146.0]}


@pytest.fixture
def source(read_source):
    return read_source("lerobot", LIFT)


def test_a_track_is_one_row_with_an_entry_per_frame(source):
    view = source.view("s/episode_000000")
    found = annotator("robot.flow_track", {"seeds": {"*": [SEED, GRIPPER]}})
    said = list(found.propose(view))
    assert [a.layer for a in said] == ["gripper_box", "object_box"]
    tables = annotation_tables(view.trajectory_id, producer_of(found), said)
    assert check_annotations({**view.tables, **tables}) == []
    row = next(row for row in tables["regions"].to_pylist() if row["label"] == "object")
    assert (row["shape"], row["label"], row["track"], row["stream"]) == ("box", "object", "object", AGENTVIEW)
    assert row["frames"] == list(range(70))
    assert (row["frame_width"], row["frame_height"]) == (320, 240)
    assert [box is not None for box in row["boxes"]] == row["visible"]
    assert sum(row["visible"]) > 60
    attributes = json.loads(row["attributes"])
    assert attributes["set"] == [35]
    assert row["boxes"][35] == pytest.approx(SEED["box"])
    keys = [frame for frame, between in zip(row["frames"], row["interpolated"], strict=True) if not between]
    assert 35 in keys
    assert 2 <= len(keys) < 25
    assert row["confidence"] == pytest.approx(sum(attributes["confidence"]) / 70, abs=1e-3)
    assert {frame for frame in row["frames"] if attributes["sources"][frame] == "set"} == {35}


def test_an_episode_without_seeds_of_its_own_and_one_beyond_its_end_gets_no_row(source):
    view = source.view("s/episode_000000")
    assert list(annotator("robot.flow_track").propose(view)) == []
    other = {"episode_000001": [SEED], "*": [{**SEED, "frame": 500}]}
    assert list(annotator("robot.flow_track", {"seeds": other}).propose(view)) == []


def test_a_point_is_followed_as_a_small_box_and_a_frame_without_box_ends_the_track(source):
    point = {"stream": AGENTVIEW, "frame": 35, "label": "object", "point": [150.0, 123.0], "track": "cube"}
    gone = {"stream": AGENTVIEW, "frame": 45, "label": "object", "track": "cube"}
    found = annotator("robot.flow_track", {"seeds": {"*": [point, gone]}, "point_size": 22})
    (said,) = found.propose(source.view("s/episode_000000"))
    assert said.payload["track"] == "cube"
    assert said.payload["boxes"][35] == [139.0, 112.0, 161.0, 134.0]
    assert said.payload["visible"][45:] == [False] * 25
    assert not said.payload["interpolated"][45]


def test_what_people_set_comes_back_as_seeds(source):
    found = annotator("robot.flow_track", {"seeds": {"*": [SEED]}})
    view = source.view("s/episode_000000")
    row = annotation_tables(view.trajectory_id, producer_of(found), found.propose(view))["regions"].to_pylist()[0]
    corrected = row | {
        "frames": [0, 20, 60],
        "boxes": [[138.0, 110.0, 162.0, 132.0], None, [138.0, 60.0, 160.0, 84.0]],
        "visible": [True, False, True],
        "interpolated": [False, True, False],
    }
    seeds = seeds_of(corrected)
    assert [(seed["frame"], seed["box"] is None) for seed in seeds] == [(0, False), (60, False)]
    (again,) = annotator("robot.flow_track", {"seeds": {"*": seeds}}).propose(view)
    assert again.payload["attributes"]["set"] == [0, 60]
    assert again.payload["boxes"][60] == [138.0, 60.0, 160.0, 84.0]
    unseen = seeds_of(corrected | {"interpolated": [False, False, False]})
    assert unseen[1]["box"] is None


@pytest.mark.parametrize(
    ("seed", "said"),
    [
        ({"stream": AGENTVIEW, "frame": 1}, "it has stream, frame, label"),
        ({**SEED, "colour": "red"}, "it has stream, frame, label"),
        ({**SEED, "label": "cup"}, "label is gripper, object, container"),
        ({**SEED, "point": [1, 1]}, "either box or point"),
    ],
)
def test_a_seed_that_says_too_little_or_too_much_is_refused(seed, said):
    with pytest.raises(ValueError, match=said):
        annotator("robot.flow_track", {"seeds": {"*": [seed]}})


def test_a_stream_that_is_not_there_is_named(source):
    found = annotator("robot.flow_track", {"seeds": {"*": [{**SEED, "stream": "top"}]}})
    with pytest.raises(KeyError, match="no stream 'top'"):
        list(found.propose(source.view("s/episode_000000")))
