"""`robot.contacts`: the steps of contact and release from a gripper's travels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from annotators.annotation import annotation_tables
from annotators.protocol import annotator, producer_of
from annotators.robot.contacts import contacts
from annotators.robot.motion_segments import Segment, motion_segments
from schemas.invariants import check_annotations

LIFT = Path(__file__).resolve().parents[3] / "examples/data/lift"


def test_contact_is_where_the_fingers_come_to_rest_and_release_where_they_leave():
    gripper = np.concatenate(
        [np.full(20, 1.0), np.linspace(1, 0.4, 7), np.full(30, 0.4), np.linspace(0.4, 1, 7), np.full(10, 1)]
    )
    segments = motion_segments(np.zeros((len(gripper), 2)), np.arange(len(gripper)) / 20, gripper[:, None])
    found = contacts(segments)
    assert [(event.label, event.step) for event in found] == [("contact", 26), ("release", 58)]
    assert gripper[26] == pytest.approx(0.4)
    assert gripper[57] == pytest.approx(0.4)
    assert gripper[58] > 0.4
    assert [event.travel for event in found] == pytest.approx([-0.6, 0.6])


def test_an_event_after_the_last_step_and_an_opening_that_lets_nothing_go_are_none():
    travel = [Segment(0, 5, "open", 0, 1, 1), Segment(5, 9, "move", 0, 0, 1), Segment(9, 12, "close", 0, -1, 1)]
    assert contacts(travel) == []
    assert contacts([]) == []


def test_the_simulated_arm_holds_the_cube_from_the_step_at_which_its_fingers_stop(read_source):
    source = read_source("lerobot", LIFT)
    for episode in ("s/episode_000000", "s/episode_000001"):
        view = source.view(episode)
        found = annotator("robot.contacts")
        tables = annotation_tables(view.trajectory_id, producer_of(found), found.propose(view))
        assert check_annotations({**view.tables, **tables}) == []
        (row,) = tables["segments"].to_pylist()
        assert (row["layer"], row["label"], row["start"], row["end"]) == ("contact", "contact", 31, 32)
        opening = np.array(view.steps["state"].to_pylist())[:, -1]
        cube = np.array(view.steps["observation.cube_pos"].to_pylist())[:, 2]
        assert opening[31] - opening[-1] < 0.1 * np.ptp(opening)
        assert cube[31] == pytest.approx(cube[20], abs=1e-3)
        assert cube[-1] > cube[31] + 0.05
