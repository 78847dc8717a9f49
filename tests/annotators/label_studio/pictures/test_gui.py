"""Pictures of screen recordings: one size, frames at one scale, the action where it went, the reason for what is missing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from annotators.label_studio.pictures.gui import action_picture, canvas, framed, said
from annotators.label_studio.pictures.lettering import MARK, SECOND

GREEN = (10, 200, 60)


def step(**columns: Any) -> dict[str, Any]:
    names = ("step", "action_kind", "action_name", "action_args", "screenshot", "screenshot_missing", "frame_width")
    more = ("frame_height", "scale", "point", "end_point", "scroll", "text", "keys", "app", "window", "url")
    base = {"step": 0, "action_kind": "gui", "action_name": "click", "frame_width": 800, "frame_height": 600, "scale": 1.0}
    return dict.fromkeys((*names, *more)) | base | columns


def plain(width: int, height: int) -> np.ndarray:
    return np.full((height, width, 3), GREEN, np.uint8)


def places(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    return np.argwhere((picture == colour).all(axis=-1))


@pytest.mark.parametrize("scale", [1.0, 2.0, 0.5])
def test_the_point_is_drawn_where_it_is(scale: float) -> None:
    row = step(point=[200.0, 300.0], scale=scale)
    picture = action_picture(canvas([row]), row, plain(round(800 * scale), round(600 * scale)), 1)
    strip = picture.shape[0] - 600
    drawn = places(picture[strip:], MARK)
    assert abs(drawn[:, 1].mean() - 200) < 1
    assert abs(drawn[:, 0].mean() - 300) < 1


def test_a_drag_goes_from_start_to_end() -> None:
    row = step(action_name="drag", point=[100.0, 100.0], end_point=[500.0, 400.0])
    picture = action_picture(canvas([row]), row, plain(800, 600), 1)
    drawn = places(picture[picture.shape[0] - 600 :], MARK)
    assert drawn[:, 1].max() > 490
    assert drawn[:, 1].min() < 90


def test_a_wheel_turned_down_moves_the_content_up() -> None:
    row = step(action_name="scroll", scroll=[0.0, 600.0], point=[400.0, 300.0])
    picture = action_picture(canvas([row]), row, plain(800, 600), 1)[-600:]
    drawn = places(picture, SECOND)
    head = drawn[drawn[:, 0] < drawn[:, 0].min() + 20]
    tail = drawn[drawn[:, 0] > drawn[:, 0].max() - 20]
    assert np.ptp(head[:, 1]) > np.ptp(tail[:, 1]), "the head of the arrow is at the top"
    assert said(row) == "down by 600  ·  at 400, 300"


def test_frames_of_several_sizes_share_one_canvas() -> None:
    rows = [step(), step(step=1, frame_width=400, frame_height=900)]
    place = canvas(rows, (5000, 5000))
    assert (place.width, place.height) == (800, 900)
    first = framed(place, rows[0], plain(800, 600))
    assert first.shape == (900, 800, 3)
    assert len(places(first, GREEN)) == 800 * 600
    second = framed(place, rows[1], plain(200, 450))
    assert len(places(second, GREEN)) == 400 * 900


def test_large_screens_are_drawn_smaller() -> None:
    row = step(frame_width=3840, frame_height=2160)
    width, height = canvas([row]).size
    assert width <= 1280
    assert height <= 800
    assert width % 2 == height % 2 == 0
    assert canvas([row], unsaid=(1, 1)).width == 3840


def test_a_missing_screenshot_says_why() -> None:
    row = step(screenshot_missing="the recording had ended")
    none, other = framed(canvas([row]), row, None), framed(canvas([row]), row | {"screenshot_missing": "of another kind"}, None)
    assert none.shape == (600, 800, 3)
    assert not np.array_equal(none, other)


def test_a_field_without_a_point_is_framed() -> None:
    row = step(action_name="fill", text="notebook", action_args='{"box":[280.0,12.0,780.0,48.0],"value":"notebook"}')
    picture = action_picture(canvas([row]), row, plain(800, 600), 1)[-600:]
    drawn = places(picture, MARK)
    assert drawn[:, 1].min() == 277
    assert drawn[:, 0].max() in (50, 51)
    assert said(row) == "“notebook”"


def test_arguments_are_said_where_nothing_else_is() -> None:
    row = step(action_name="select", action_args='{"options":[{"valueOrLabel":"Parcel"}],"timeout":3}')
    assert said(row) == 'options [{"valueOrLabel": "Parcel"}]'
