"""Changes between screenshots: constructed pictures with known boxes, and the public recording."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest

from annotators.annotation import annotation_tables
from annotators.gui.state_change import ANNOTATOR, difference
from annotators.protocol import annotator, meets, producer_of
from annotators.trajectory import TrajectoryView
from schemas.invariants import check_annotations

View = Callable[..., TrajectoryView]


def picture(*boxes: tuple[int, int, int, int], width: int = 100, height: int = 60, level: int = 255) -> bytes:
    """A black PNG with filled boxes (maxima exclusive)."""
    image = np.zeros((height, width, 3), np.uint8)
    for x_min, y_min, x_max, y_max in boxes:
        image[y_min:y_max, x_min:x_max] = level
    return bytes(cv2.imencode(".png", image)[1].tobytes())


def propose(view: TrajectoryView, **parameters: Any) -> tuple[dict[int, float], dict[int | None, list[float]]]:
    """(step → share, step → box)."""
    found = list(annotator("gui.state_change", parameters).propose(view))
    shares = {s: v for a in found if a.layer == "change" for s, v in zip(a.payload["steps"], a.payload["values"], strict=True)}
    return shares, {a.start: a.payload["boxes"][0] for a in found if a.layer == "changed_region"}


def view_of(gui_view: View, *pictures: bytes | None, **row: Any) -> TrajectoryView:
    media = {f"p{i}": data for i, data in enumerate(pictures) if data is not None}
    frame = {"frame_width": 200, "frame_height": 120, "scale": 0.5, "screenshot_taken": "before", **row}
    steps = [{"screenshot": None if data is None else f"p{i}", **frame} for i, data in enumerate(pictures)]
    return gui_view(steps, media=media)


def test_share_and_box_in_frame_pixels(gui_view: View) -> None:
    shares, boxes = propose(view_of(gui_view, picture(), picture((10, 20, 30, 40)), picture((10, 20, 30, 40))))
    assert shares == {0: pytest.approx(400 / 6000), 1: 0.0}
    assert boxes == {0: [20.0, 40.0, 60.0, 80.0]}


def test_one_box_around_all_changes(gui_view: View) -> None:
    _, boxes = propose(view_of(gui_view, picture((0, 0, 5, 5)), picture((90, 50, 100, 60))))
    assert boxes == {0: [0.0, 0.0, 200.0, 120.0]}


def test_missing_screenshot_has_no_value(gui_view: View) -> None:
    shares, boxes = propose(view_of(gui_view, picture(), None, picture(), picture((0, 0, 1, 1))))
    assert list(shares) == [2]
    assert boxes == {2: [0.0, 0.0, 2.0, 2.0]}


def test_screens_of_differing_size_have_no_value(gui_view: View) -> None:
    shares, boxes = propose(view_of(gui_view, picture(), picture(width=80), picture(width=80)))
    assert shares == {1: 0.0}
    assert boxes == {}


def test_bytes_that_are_no_image_have_no_value(gui_view: View) -> None:
    shares, _ = propose(view_of(gui_view, picture(), b"no image", picture(), picture()))
    assert list(shares) == [2]


def test_nothing_to_compare_says_nothing(gui_view: View) -> None:
    assert list(ANNOTATOR.propose(view_of(gui_view, picture()))) == []


def test_threshold_is_exclusive(gui_view: View) -> None:
    view = view_of(gui_view, picture(), picture((0, 0, 10, 6), level=24))
    assert propose(view)[0] == {0: 0.0}
    assert propose(view, threshold=23)[0] == {0: pytest.approx(0.01)}


def test_specks_count_but_do_not_widen_the_box_of_a_video(gui_view: View) -> None:
    pictures = picture(), picture((40, 30, 50, 40), (1, 1, 3, 3))
    shares, boxes = propose(view_of(gui_view, *pictures, screenshot_taken="video"))
    assert shares == {0: pytest.approx(104 / 6000)}
    assert boxes == {0: [80.0, 60.0, 100.0, 80.0]}
    assert propose(view_of(gui_view, *pictures))[1] == {0: [2.0, 2.0, 100.0, 80.0]}


def test_whole_page_screenshot_has_a_share_and_no_box(gui_view: View) -> None:
    shares, boxes = propose(view_of(gui_view, picture(height=300), picture((0, 0, 10, 10), height=300)))
    assert shares == {0: pytest.approx(100 / 30000)}
    assert boxes == {}


def test_two_pictures_at_a_time(gui_view: View) -> None:
    """Each screenshot is read once, in order, and none twice."""
    view = view_of(gui_view, *(picture((i, 0, i + 1, 60)) for i in range(40)))
    read: list[str] = []

    def counted(sha256: str) -> bytes:
        read.append(sha256)
        return view.read_media(sha256)

    list(ANNOTATOR.propose(TrajectoryView(view.header, view.tables, counted, view.open_media)))
    assert read == [f"p{i}" for i in range(40)]


def test_difference_looks_at_every_channel() -> None:
    before, after = np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4, 3), np.uint8)
    after[1, 2, 2] = 200
    assert difference(before, after, 24) == (1 / 16, (2.0, 1.0, 3.0, 2.0))


def test_public_recording(agentnet_view: TrajectoryView) -> None:
    assert meets(ANNOTATOR.requires, agentnet_view)
    shares, boxes = propose(agentnet_view)
    assert list(shares) == list(range(14))
    assert shares[2] > 0.9  # the settings window opens over the desktop
    assert shares[4] < 0.01  # a switch turns
    x_min, y_min, _, _ = boxes[1]
    assert x_min > 1100  # the menu beside the Night light tile
    assert y_min > 380
    tables = annotation_tables(agentnet_view.trajectory_id, producer_of(ANNOTATOR), ANNOTATOR.propose(agentnet_view))
    assert check_annotations({**tables, "trajectories": agentnet_view.tables["trajectories"]}) == []
    assert tables["scalars"].num_rows == 1
