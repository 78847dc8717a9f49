"""`robot.clips`: picks and places from a gripper's travels, and the words for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from annotators.annotation import annotation_tables
from annotators.protocol import annotator, producer_of
from annotators.robot.clips import Grip, clips, grips
from annotators.robot.motion_segments import Segment
from schemas.invariants import check_annotations

LIFT = Path(__file__).resolve().parents[3] / "examples/data/lift"


def phases(*parts: tuple[str, int]) -> list[Segment]:
    found, step = [], 0
    for label, steps in parts:
        found.append(Segment(step, step + steps, label, 0.0, None, 1.0 if label != "move" else 0.8))
        step += steps
    return found


def told(segments: list[Segment], instruction: str | None = None) -> list[tuple[int, int, str, str]]:
    return [(clip.start, clip.end, clip.skill, clip.text) for clip in clips(segments, instruction)]


PICK_AND_PLACE = phases(
    ("still", 5), ("move", 20), ("still", 3), ("close", 6), ("move", 30), ("open", 4), ("still", 2), ("move", 10), ("still", 9)
)


def test_a_pick_and_a_place_have_the_rest_beside_them_and_rest_at_the_ends_has_no_clip():
    assert told(PICK_AND_PLACE, "Put the blue mug in the sink.") == [
        (5, 25, "transfer", "reach for the blue mug"),
        (25, 34, "pick", "grasp the blue mug"),
        (34, 64, "transfer", "carry the blue mug in the sink"),
        (64, 70, "place", "put down the blue mug in the sink"),
        (70, 80, "transfer", "move on"),
    ]
    assert [clip.agreement for clip in clips(PICK_AND_PLACE)] == pytest.approx([0.8, 1, 0.8, 1, 0.8])


def test_a_gripper_that_opens_before_anything_was_held_or_closes_twice_is_no_event_of_its_own():
    segments = phases(("open", 5), ("move", 10), ("close", 5), ("move", 5), ("close", 2), ("move", 5))
    assert grips(segments) == [Grip(2, None)]
    assert told(segments) == [
        (0, 15, "transfer", "reach for the object"),
        (15, 20, "pick", "grasp the object"),
        (20, 32, "transfer", "carry the object"),
    ]


def test_a_rest_between_two_travels_goes_to_the_first():
    assert told(phases(("move", 5), ("close", 5), ("still", 5), ("open", 5)))[1:] == [
        (5, 15, "pick", "grasp the object"),
        (15, 20, "place", "put down the object"),
    ]


def test_of_several_things_none_is_named():
    twice = phases(*(("move", 10), ("close", 5), ("move", 10), ("open", 5)) * 2)
    assert grips(twice) == [Grip(1, 3), Grip(5, 7)]
    assert {text for *_, text in told(twice, "put the cup on the plate")} == {
        "reach for the object",
        "grasp the object",
        "carry the object",
        "put down the object",
        "move on",
    }


def test_without_a_closing_gripper_nothing_is_said():
    assert told(phases(("still", 5), ("move", 20), ("open", 5))) == []
    assert told([]) == []


@pytest.mark.parametrize(
    ("instruction", "thing", "carried"),
    [
        ("lift the red cube", "the red cube", "lift the red cube"),
        ("Pick up the can.", "the can", "lift the can"),
        ("pick the can up", "the can", "lift the can"),
        ("please place a bowl onto the stove", "a bowl", "carry a bowl onto the stove"),
        ("take the lid from the pot", "the lid", "lift the lid"),
        ("put the cup on the plate and close the drawer", "the cup", "carry the cup"),
        ("clean up", "the object", "carry the object"),
        ("<script>alert(1)</script>", "the object", "carry the object"),
        (None, "the object", "carry the object"),
    ],
)
def test_the_thing_is_what_a_plain_instruction_names(instruction, thing, carried):
    _, pick, after = told(phases(("move", 5), ("close", 5), ("move", 5)), instruction)
    assert pick[3] == f"grasp {thing}"
    assert after[3] == carried


def test_the_simulated_arm_reaches_picks_and_lifts(read_source):
    source = read_source("lerobot", LIFT)
    for episode in ("s/episode_000000", "s/episode_000001"):
        view = source.view(episode)
        found = annotator("robot.clips")
        tables = annotation_tables(view.trajectory_id, producer_of(found), found.propose(view))
        assert check_annotations({**view.tables, **tables}) == []
        rows = tables["segments"].sort_by([("layer", "ascending"), ("start", "ascending")]).to_pylist()
        assert [(r["layer"], r["start"], r["end"], r["label"], r["text"]) for r in rows] == [
            ("primitive_skill", 0, 25, "transfer", None),
            ("primitive_skill", 25, 35, "pick", None),
            ("primitive_skill", 35, 70, "transfer", None),
            ("subtask", 0, 25, None, "reach for the red cube"),
            ("subtask", 25, 35, None, "grasp the red cube"),
            ("subtask", 35, 70, None, "lift the red cube"),
        ]


def test_the_parameters_are_those_of_the_motion(read_source):
    view = read_source("lerobot", LIFT).view("s/episode_000000")
    assert list(annotator("robot.clips", {"gripper_words": ["hand"]}).propose(view)) == []
    with pytest.raises(ValueError, match="larger_is"):
        annotator("robot.clips", {"larger_is": "up"})
