"""The flow tracker on pictures whose movement is known, and on simulated episodes with the projected gripper as truth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from annotators.tracking import fill_between, thinned
from tools.bench.flow_tracker import Measure, measure, table

SIDE = 120
PATCH = np.random.default_rng(7).integers(0, 255, (9, 9, 3), np.uint8).repeat(4, 0).repeat(4, 1)


def scene(places: list[tuple[int, int] | None], ground: int = 3) -> list[Any]:
    """Pictures 120 x 120 of a textured square of 36 pixels at some places (top left), on a still, textured ground."""
    still = cv2.GaussianBlur(np.random.default_rng(ground).integers(60, 160, (SIDE, SIDE, 3), np.uint8), (0, 0), 2)
    pictures = []
    for place in places:
        picture = still.copy()
        if place is not None:
            x, y = place
            picture[y : y + 36, x : x + 36] = PATCH
        pictures.append(picture)
    return pictures


def square(place: tuple[int, int]) -> tuple[float, float, float, float]:
    return float(place[0]), float(place[1]), place[0] + 36.0, place[1] + 36.0


def off(box: Any, place: tuple[int, int]) -> float:
    return float(np.abs(np.subtract(box, square(place))).max())


def test_a_box_is_followed_both_ways_from_one_frame_and_knows_which_was_set():
    places = [(10 + 2 * n, 20 + n) for n in range(30)]
    filled = fill_between(scene(places), {12: square(places[12])})
    assert [n for n, between in enumerate(filled.interpolated) if not between] == [12]
    assert filled.boxes[12] == square(places[12])
    assert all(off(box, place) < 1.0 for box, place in zip(filled.boxes, places, strict=True))
    assert filled.sources == ("later",) * 12 + ("set",) + ("earlier",) * 17
    assert min(filled.confidence) > 0.7
    assert filled.points[20] == pytest.approx((10 + 40 + 18, 20 + 20 + 18), abs=0.5)


def test_a_box_that_grows_is_followed_as_it_grows():
    pictures = []
    for size in range(36, 66, 2):
        picture = scene([None])[0]
        picture[20 : 20 + size, 30 : 30 + size] = cv2.resize(PATCH, (size, size), interpolation=cv2.INTER_LINEAR)
        pictures.append(picture)
    last = fill_between(pictures, {0: (30, 20, 66, 56)}).boxes[-1]
    assert last == pytest.approx((30, 20, 94, 84), abs=2.5)


def test_what_is_covered_is_withdrawn_and_not_found_again_elsewhere():
    places: list[Any] = [(20, 20)] * 6 + [None] * 20
    filled = fill_between(scene(places), {0: square((20, 20))})
    assert all(box is not None for box in filled.boxes[:6])
    assert filled.boxes[8:] == (None,) * 18
    assert filled.points[8:] == (None,) * 18
    assert set(filled.confidence[8:]) == {0.0}
    assert filled.sources[8:] == (None,) * 18


def test_between_two_key_frames_a_gap_is_filled_from_both_sides():
    places = [(10 + n, 30) if not 12 <= n < 16 else None for n in range(30)]
    filled = fill_between(scene(places), {0: square((10, 30)), 29: square((39, 30))})
    seen = [n for n, place in enumerate(places) if place is not None]
    assert all(off(filled.boxes[n], (10 + n, 30)) < 1.5 for n in seen if n not in (12, 15))
    assert filled.sources[5] in ("earlier", "both")
    assert filled.sources[25] in ("later", "both")
    assert max(filled.confidence[12:16]) < min(filled.confidence[:10])


def test_where_two_key_frames_contradict_the_flow_confidence_falls():
    still = scene([(40, 40)] * 21)
    agreed = fill_between(still, {0: square((40, 40)), 20: square((40, 40))})
    moved = fill_between(still, {0: square((40, 40)), 20: square((56, 40))})
    assert moved.boxes[20] == square((56, 40))
    assert moved.confidence[10] < 0.6 * agreed.confidence[10]


def test_from_a_frame_on_which_nothing_is_to_be_seen_nothing_is_followed():
    filled = fill_between(scene([(20, 20)] * 12), {0: square((20, 20)), 6: None})
    assert all(box is not None for box in filled.boxes[:6])
    assert filled.boxes[6:] == (None,) * 6
    assert filled.sources[6] == "set"
    assert not filled.interpolated[6]


def test_a_box_is_followed_no_further_than_its_reach_and_is_cut_at_the_border():
    filled = fill_between(scene([(20, 20)] * 20), {10: square((20, 20))}, reach=4)
    assert [n for n, box in enumerate(filled.boxes) if box is not None] == list(range(6, 15))
    pictures = [picture[:, 40:] for picture in scene([(60 - 2 * n, 40) for n in range(16)])]
    cut = fill_between(pictures, {0: (20, 40, 56, 76)})
    assert cut.boxes[15] is not None
    assert cut.boxes[15] == pytest.approx((0, 40, 26, 76), abs=1.5)
    assert cut.boxes[15][0] == 0.0
    assert cut.points[15] == pytest.approx((8, 58), abs=1.5)


@pytest.mark.parametrize(
    ("key_frames", "said"),
    [
        ({}, "no key frame"),
        ({9: (1, 1, 9, 9)}, "key frame 9: there are 3 pictures"),
        ({0: (5, 5, 5, 9)}, "key frame 0: box"),
        ({1: (100, 5, 130, 9)}, "inside 120 x 120"),
    ],
)
def test_a_key_frame_that_cannot_be_is_refused(key_frames, said):
    with pytest.raises(ValueError, match=said):
        fill_between(scene([(20, 20)] * 3), key_frames)


def test_a_straight_way_needs_its_ends_and_a_bent_one_its_bend():
    straight: list[Any] = [(float(n), 0.0, n + 10.0, 10.0) for n in range(20)]
    assert thinned(straight, ()) == (0, 19)
    assert thinned(straight, (7,)) == (0, 7, 19)
    bent: list[Any] = [(abs(n - 8) * 3.0, 0.0, abs(n - 8) * 3.0 + 10, 10.0) for n in range(20)]
    assert thinned(bent, ()) == (0, 8, 19)
    assert thinned([*straight[:5], None, None, *straight[7:]], ()) == (0, 4, 5, 7, 19)
    assert thinned([None, None], ()) == (0,)


@pytest.fixture(scope="module")
def lift(request) -> list[Measure]:
    recording = Path(__file__).resolve().parents[3] / "shared/data/robot/lift_sim/lift_robomimic_layout.hdf5"
    if not recording.is_file():
        pytest.skip("the simulated recording (../shared/data) is not on this machine")
    pytest.importorskip("h5py")
    found = list(measure(recording, ((35,), (0, 35, 69))))
    print(table(found))
    return found


@pytest.mark.parametrize(
    ("what", "camera", "set_on", "median", "p95", "withdrawn"),
    [
        ("gripper", "agentview", (35,), 1.0, 4.0, 0.20),
        ("gripper", "agentview", (0, 35, 69), 1.0, 4.0, 0.25),
        ("gripper", "robot0_eye_in_hand", (35,), 1.5, 6.0, 0.10),
        ("gripper", "robot0_eye_in_hand", (0, 35, 69), 0.5, 6.5, 0.05),
        ("cube", "agentview", (35,), 0.5, 2.0, 0.10),
        ("cube", "robot0_eye_in_hand", (35,), 1.2, 4.0, 0.15),
    ],
)
def test_on_simulated_episodes_the_tracker_is_near_the_truth(lift, what, camera, set_on, median, p95, withdrawn):
    """Bounds leave room for another build of OpenCV; `tools.bench.flow_tracker` prints what was measured."""
    own = [one for one in lift if (one.what, one.camera, one.set_on) == (what, camera, set_on)]
    assert len(own) == 2
    errors = np.concatenate([one.errors for one in own])
    there = errors[~np.isnan(errors)]
    assert np.median(there) < median
    assert np.percentile(there, 95) < p95
    assert np.isnan(errors).mean() <= withdrawn


def test_the_tracker_is_surer_where_it_is_nearer(lift):
    errors = np.concatenate([one.errors for one in lift])
    confidence = np.concatenate([one.confidence for one in lift])
    sure, unsure = errors[confidence >= 0.9], errors[(confidence > 0) & (confidence < 0.6)]
    assert len(sure) > 100
    assert len(unsure) > 20
    assert np.percentile(sure, 95) < 1.5
    assert np.median(unsure) > 3 * np.median(sure)
