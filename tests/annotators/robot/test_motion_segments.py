"""`robot.motion_segments` on signals whose change points are known, and on real and simulated episodes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from annotators.annotation import Annotation, annotation_tables
from annotators.protocol import annotator, meets, producer_of
from annotators.robot.motion_segments import MotionSegments, Segment, Thresholds, motion_segments, spread_repeats
from annotators.trajectory import TrajectoryView
from schemas.arrow import columns_of, stored_schema, table_from_rows
from schemas.layers import layer

LIFT = Path(__file__).resolve().parents[3] / "examples/data/lift"
WORDS = layer("motion").words


def travel(parts: Sequence[tuple[int, float]], start: float = 0.0) -> Any:
    """Positions of a path of (steps, change per step), one more than its steps."""
    return start + np.concatenate([[0.0], np.cumsum([rate for steps, rate in parts for _ in range(steps)])])


def at(fps: float, values: Any) -> Any:
    return np.arange(len(values)) / fps


def told(segments: list[Segment]) -> list[tuple[int, int, str]]:
    return [(segment.start, segment.end, segment.label) for segment in segments]


def assert_tiled(spans: Sequence[tuple[int, int, str]], steps: int) -> None:
    assert (spans[0][0], spans[-1][1]) == (0, steps)
    assert all(before[1] == after[0] and before[2] != after[2] for before, after in pairwise(spans))
    assert all(start < end and label in WORDS for start, end, label in spans)


def view(steps: dict[str, Any], **header: Any) -> TrajectoryView:
    count = len(steps["state"])
    rows = [{"trajectory_id": "t", "step": i} | {key: values[i] for key, values in steps.items()} for i in range(count)]
    table = table_from_rows(stored_schema("robot_steps", columns_of("robot_steps")), rows)
    full = {"trajectory_id": "t", "domain": "robot", "num_steps": count, "fps": None, "state_names": None, "action_names": None}
    return TrajectoryView(full | header, {"robot_steps": table}, lambda _: b"", lambda _: pytest.fail("no media"))


def spans(annotations: Sequence[Annotation]) -> list[tuple[int, int, str]]:
    return [(a.start, a.end, a.payload["label"]) for a in annotations]


def test_rest_move_rest_is_cut_exactly_where_a_clean_signal_changes():
    arm = travel([(30, 0.0), (40, 0.02), (29, 0.0)])
    found = motion_segments(np.column_stack([arm, -arm]), at(20, arm))
    assert told(found) == [(0, 30, "still"), (30, 70, "move"), (70, 100, "still")]
    assert found[1].mean_speed == pytest.approx(0.02 * np.sqrt(2) * 20)
    assert [segment.agreement for segment in found] == [1.0, 1.0, 1.0]
    assert found[0].gripper_change is None


@pytest.mark.parametrize("scale", [0.001, 1.0, 1000.0])
@pytest.mark.parametrize("seed", range(20))
def test_noise_moves_change_points_by_three_steps_at_most_whatever_the_unit(scale, seed):
    arm = travel([(40, 0.0), (60, 0.03), (39, 0.0)])
    noise = np.random.default_rng(seed).normal(0, 0.002, (len(arm), 3))
    found = told(motion_segments(scale * (np.column_stack([arm, arm / 2, 0 * arm]) + noise), at(20, arm)))
    assert [label for _, _, label in found] == ["still", "move", "still"]
    assert abs(found[1][0] - 40) <= 3
    assert abs(found[1][1] - 100) <= 3


def test_a_gripper_that_closes_and_opens_counts_before_the_arm():
    arm = travel([(20, 0.05), (20, 0.0), (20, 0.05), (19, 0.0)])
    gripper = travel([(24, 0.0), (8, -0.125), (30, 0.0), (8, 0.125), (9, 0.0)], start=1.0)
    found = motion_segments(arm[:, None], at(20, arm), gripper[:, None])
    assert told(found) == [
        (0, 20, "move"),
        (20, 24, "still"),
        (24, 32, "close"),
        (32, 40, "still"),
        (40, 62, "move"),  # two steps of rest before the gripper opens are shorter than 0.2 s
        (62, 70, "open"),
        (70, 80, "still"),
    ]
    assert [round(segment.gripper_change or 0, 3) for segment in found] == [0, 0, -1, 0, 0, 1, 0]
    assert found[4].agreement == pytest.approx(20 / 22)


def test_a_command_that_switches_in_one_step_is_one_step_long():
    arm = travel([(49, 0.05)])
    gripper = np.where(np.arange(50) < 30, 1.0, 0.0)
    assert told(motion_segments(arm[:, None], at(20, arm), gripper[:, None])) == [
        (0, 29, "move"),
        (29, 30, "close"),
        (30, 50, "move"),
    ]


def test_a_gripper_that_creeps_or_trembles_does_not_close():
    arm = travel([(99, 0.05)])
    creeping = travel([(99, -0.004)], start=1.0)  # 0.08 of its range per second
    trembling = 0.5 + np.random.default_rng(0).normal(0, 0.1, 100)
    for gripper in (creeping, trembling, np.full(100, 0.3)):
        assert told(motion_segments(arm[:, None], at(20, arm), gripper[:, None])) == [(0, 100, "move")]


def test_of_two_grippers_the_faster_one_decides():
    arm = np.zeros((60, 2))
    left = travel([(10, 0.0), (10, 0.1), (39, 0.0)])
    right = travel([(40, 0.0), (5, -0.2), (14, 0.0)], start=1.0)
    found = motion_segments(arm, at(20, arm), np.column_stack([left, right]))
    assert told(found) == [(0, 10, "still"), (10, 20, "open"), (20, 40, "still"), (40, 45, "close"), (45, 60, "still")]


def test_short_rests_and_movements_join_their_longer_neighbour():
    arm = travel([(40, 0.05), (2, 0.0), (30, 0.05), (40, 0.0), (2, 0.05), (25, 0.0)])
    assert told(motion_segments(arm[:, None], at(20, arm))) == [(0, 72, "move"), (72, 140, "still")]
    fine = motion_segments(arm[:, None], at(20, arm), thresholds=Thresholds(min_seconds=0.05))
    assert (40, 42, "still") in told(fine)
    assert (112, 114, "move") in told(fine)


@pytest.mark.parametrize("steps", [1, 2, 3, 200])
def test_nothing_moves(steps):
    for arm in (np.full((steps, 6), 0.1), np.zeros((steps, 0))):
        assert told(motion_segments(arm, at(20, arm), np.full((steps, 1), 0.4))) == [(0, steps, "still")]


def test_noise_alone_is_still():
    arm = np.random.default_rng(1).normal(0, 0.01, (400, 7))
    assert told(motion_segments(arm, at(30, arm))) == [(0, 400, "still")]


def test_no_steps_no_segments():
    assert motion_segments(np.zeros((0, 3)), np.zeros(0)) == []


def test_a_sensor_read_every_fourth_step_gives_the_same_phases_within_its_four_steps():
    smooth = travel([(40, 0.0), (60, 0.02), (40, 0.0)])
    held = smooth[np.arange(len(smooth)) // 4 * 4]
    found = told(motion_segments(held[:, None], at(30, held)))
    assert [label for _, _, label in found] == ["still", "move", "still"]
    assert 40 <= found[1][0] < 44
    assert 100 <= found[1][1] < 104
    spread = spread_repeats(held[:, None], 6)[:, 0]
    assert np.abs(spread - smooth)[44:].max() < 1e-9
    assert np.array_equal(spread_repeats(smooth[:, None], 6)[:, 0], smooth)


def test_equal_timestamps_do_not_divide_by_zero():
    arm = travel([(20, 0.0), (29, 0.05)])
    times = at(20, arm)
    times[30] = times[29]
    found = motion_segments(arm[:, None], times)
    assert told(found) == [(0, 20, "still"), (20, 50, "move")]
    assert np.isfinite([segment.mean_speed for segment in found]).all()


def test_the_gripper_column_then_state_then_action_names():
    arm = travel([(59, 0.05)])
    hand = travel([(30, 0.0), (6, -0.01), (23, 0.0)], start=0.08)
    commands = np.where(np.arange(60) < 20, -1.0, 1.0)
    steps: dict[str, Any] = {"state": np.column_stack([arm, hand]).tolist(), "action": commands[:, None].tolist()}
    names = {"state_names": ["joint1", "Gripper_opening"], "action_names": ["gripper_command"], "fps": 20.0}

    def found(annotator: MotionSegments | None = None, **changes: Any) -> list[Annotation]:
        seen = view(steps | changes.pop("steps", {}), **(names | changes))
        return list((annotator or MotionSegments()).propose(seen))

    state = found()
    assert spans(state) == [(0, 30, "move"), (30, 36, "close"), (36, 60, "move")]
    assert {a.payload["attributes"]["gripper_from"] for a in state} == {"state"}
    column = found(steps={"gripper": [0.0] * 10 + [1.0] * 50})
    assert spans(column) == [(0, 9, "move"), (9, 10, "open"), (10, 60, "move")]
    action = found(MotionSegments(larger_is="close"), state_names=["joint1", "joint2"])
    assert spans(action) == [(0, 19, "move"), (19, 20, "close"), (20, 60, "move")]
    none = found(MotionSegments(gripper_words=("jaw",)))
    assert spans(none) == [(0, 60, "move")]
    assert set(none[0].payload["attributes"]) == {"mean_speed"}


def test_fingers_that_mirror_each_other_open_together():
    finger = travel([(20, 0.0), (10, 0.004), (29, 0.0)])
    state = np.column_stack([np.zeros(60), finger, -finger])
    found = MotionSegments().propose(
        view({"state": state.tolist()}, fps=20.0, state_names=["j", "gripper_left", "gripper_right"])
    )
    assert spans(list(found)) == [(0, 20, "still"), (20, 30, "open"), (30, 60, "still")]


@pytest.mark.parametrize("header", [{"fps": 20.0}, {"fps": None}])
def test_without_timestamps_the_fps_or_the_assumed_one_counts(header):
    arm = travel([(30, 0.0), (30, 0.05)])
    found = list(MotionSegments(assumed_fps=20.0).propose(view({"state": arm[:, None].tolist()}, **header)))
    assert spans(found) == [(0, 30, "still"), (30, 61, "move")]
    assert found[1].payload["attributes"]["mean_speed"] == pytest.approx(1.0)


def test_a_last_step_without_a_state_belongs_to_what_came_before():
    arm = travel([(20, 0.0), (20, 0.05)])
    state = [*([value] for value in arm.tolist()), None]
    assert spans(list(MotionSegments().propose(view({"state": state}, fps=20.0))))[-1][1] == 42


@pytest.mark.parametrize("episode", ["lift/episode_000000", "lift/episode_000001"])
def test_the_example_opens_reaches_closes_and_lifts(read_source, episode):
    """By the recording: the command to close is given in row 25, the one to lift in row 35."""
    seen = read_source("lerobot", LIFT, "lift").view(episode)
    found = list(annotator("robot.motion_segments").propose(seen))
    assert spans(found) == [(0, 10, "open"), (10, 25, "move"), (25, 31, "close"), (31, 35, "still"), (35, 70, "move")]


def test_real_episodes_are_tiled_by_few_phases(shared_data, read_source):
    source = read_source("lerobot", shared_data / "robot/g1_v21", "g1")
    for trajectory_id, steps in (("g1/episode_000001", 393), ("g1/episode_000007", 410), ("g1/episode_000052", 425)):
        seen = source.view(trajectory_id)
        plain = spans(list(MotionSegments().propose(seen)))
        assert_tiled(plain, steps)
        assert {label for _, _, label in plain} <= {"still", "move"}
        assert 1 <= len(plain) <= 10
        hands = spans(list(MotionSegments(gripper_words=("hand",)).propose(seen)))
        assert_tiled(hands, steps)
        assert 8 <= len(hands) <= 25
        labels = [label for _, _, label in hands]
        assert (
            labels.index("open") < labels.index("close") < len(labels) - 1 - labels[::-1].index("open")
        )  # grasp, then release


def test_rows_fit_the_table_and_are_the_same_twice(read_source):
    seen = read_source("lerobot", LIFT, "lift").view("lift/episode_000000")
    found = annotator("robot.motion_segments", {"min_seconds": 0.3})
    assert meets(found.requires, seen)
    first, second = (annotation_tables(seen.trajectory_id, producer_of(found), found.propose(seen)) for _ in range(2))
    assert list(first) == ["segments"]
    assert first["segments"].equals(second["segments"])
    row = first["segments"].to_pylist()[0]
    assert (row["status"], row["quality"], row["producer_type"], row["level"]) == ("proposed", "secondary", "signal", "span")
    assert json.loads(row["attributes"])["gripper_from"] == "state"
    assert first["segments"].schema == stored_schema("segments", columns_of("segments"))
    assert pa.compute.all(pa.compute.less_equal(first["segments"]["confidence"], 1.0)).as_py()


def test_a_word_that_is_neither_open_nor_close():
    with pytest.raises(ValueError, match="it is open or close"):
        annotator("robot.motion_segments", {"larger_is": "up"})
