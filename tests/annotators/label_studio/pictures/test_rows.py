"""Pictures of rows for the verdict view: every layer has one, and what has a place is drawn at its place."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from annotators.label_studio.pictures.facts import facts
from annotators.label_studio.pictures.lettering import MARK
from annotators.label_studio.pictures.masks import encode_mask
from annotators.label_studio.pictures.rows import WIDTH, Scene, row_picture, wanted
from annotators.label_studio.pictures.space import Lens, three_views
from schemas.layers import layer, layers
from schemas.tables import ENVELOPE, KINDS

GREY = np.full((240, 320, 3), 90, np.uint8)


def row(of: str, start: int | None = 3, end: int | None = 4, /, **payload: Any) -> dict[str, Any]:
    columns = [column.name for column in (*ENVELOPE, *KINDS[layer(of).kind])]
    return dict.fromkeys(columns) | {"layer": of, "annotation_id": "id", "start": start, "end": end} | payload


def scene(count: int = 40, **more: Any) -> Scene:
    return Scene(dict.fromkeys(range(count), GREY), tuple(range(count)), (320, 240), **more)


def picture_of(found: dict[str, Any], on: Scene | None = None) -> np.ndarray:
    return row_picture(layer(found["layer"]).kind, found, on or scene())


def where(picture: np.ndarray, colour: tuple[int, int, int], top: int = 60) -> np.ndarray:
    return np.argwhere((picture[top:] == colour).all(axis=-1))


@pytest.mark.parametrize("name", sorted(layers()))
def test_every_layer_has_a_picture_even_of_an_empty_row(name: str) -> None:
    """An annotated-and-empty row has nothing but its interval."""
    picture = picture_of(row(name))
    assert picture.shape[1:] == (WIDTH, 3)
    assert picture.dtype == np.uint8
    assert picture.shape[0] < 3000
    assert np.array_equal(picture, picture_of(row(name)))


@pytest.mark.parametrize("name", sorted(layers()))
def test_every_layer_has_a_picture_without_pictures(name: str) -> None:
    assert row_picture(layer(name).kind, row(name, None, None), Scene({}, (), (320, 240))).shape[1] == WIDTH


def test_a_box_is_drawn_at_its_place() -> None:
    found = row(
        "placement_proposal", shape="box", frames=[3], boxes=[[80.0, 60.0, 240.0, 180.0]], frame_width=320, frame_height=240
    )
    with_box, without = picture_of(found), picture_of(found | {"boxes": None})
    drawn = np.argwhere((with_box[: len(without)] != without[: len(with_box)]).any(axis=-1))
    factor = 560 / 240
    assert abs(drawn[:, 1].max() - 240 * factor) < 5
    assert abs(drawn[:, 1].min() - 80 * factor) < 5
    assert abs(np.ptp(drawn[:, 0]) - 120 * factor) < 6


def test_coordinates_are_those_of_the_rows_own_frame() -> None:
    """A row in pixels of a frame twice as large as the picture comes out at the same place."""
    box = {"shape": "box", "frames": [3]}
    small = row("placement_proposal", boxes=[[80.0, 60.0, 240.0, 180.0]], frame_width=320, frame_height=240, **box)
    large = row("placement_proposal", boxes=[[160.0, 120.0, 480.0, 360.0]], frame_width=640, frame_height=480, **box)
    assert np.array_equal(picture_of(small), picture_of(large))


def test_a_mask_tints_its_pixels() -> None:
    mask = np.zeros((240, 320), bool)
    mask[60:120, 100:200] = True
    counts = {"height": 240, "width": 320, "counts": encode_mask(mask)}
    found = row("segmentation", None, None, shape="mask", frames=[5], masks=[counts])
    picture = picture_of(found)
    plain = picture_of(found | {"masks": None})
    share = (picture[60:600] != plain[60:600]).any(axis=-1).sum() / (560 * 560 * 320 / 240)
    assert share == pytest.approx(mask.mean(), rel=0.1)


def test_a_mask_that_is_none_is_refused() -> None:
    found = row("segmentation", None, None, shape="mask", frames=[5], masks=[{"height": 240, "width": 320, "counts": "1"}])
    with pytest.raises(ValueError, match="mask cover"):
        picture_of(found)


def test_long_series_show_a_few_pictures_spread_over_all() -> None:
    frames = list(range(100, 400))
    found = row("object_box", None, None, shape="box", frames=frames, boxes=[[0.0, 0.0, 9.0, 9.0]] * 300)
    assert wanted("regions", found, ()) == (100, 160, 220, 279, 339, 399)
    assert wanted("segments", row("primitive_skill", 10, 12), tuple(range(50, 90))) == (60, 61)
    assert wanted("links", row("dependency", source_step=2, destination_step=9), tuple(range(20))) == (2, 9)


def test_points_that_are_not_valid_are_left_out() -> None:
    points = [[20.0 + 10 * i, 100.0] for i in range(20)]
    payload: dict[str, Any] = {"space": "pixel", "steps": list(range(20)), "points": points}
    payload |= {"frame_width": 320, "frame_height": 240}
    whole = picture_of(row("trace", valid=[True] * 20, **payload))
    broken = picture_of(row("trace", valid=[True] * 8 + [False] * 4 + [True] * 8, **payload))
    factor = 560 / 240
    gap = (slice(0, 600), slice(round(110 * factor), round(120 * factor)))
    head = 60
    assert (whole[head:600][:, gap[1]] != 90).any(axis=-1).sum() > 50
    assert not (broken[head + 60 : 500][:, gap[1]] != 90).any()


def test_paths_in_space_through_the_camera() -> None:
    """A camera at the origin that looks along z: a point two metres ahead, half a metre to the right."""
    lens = Lens((300.0, 300.0, 160.0, 120.0), np.eye(4))
    assert lens.project(np.array([[0.5, 0.0, 2.0]])).tolist() == [[235.0, 120.0]]
    assert np.isnan(lens.project(np.array([[0.0, 0.0, -1.0]]))).all()
    moved = np.eye(4)
    moved[:3, 3] = (0.5, 0.0, 0.0)
    assert Lens((300.0, 300.0, 160.0, 120.0), moved).project(np.array([[0.5, 0.0, 2.0]])).tolist() == [[160.0, 120.0]]
    pose = row("grasp_pose", space="metric", steps=[3], points=[[0.0, 0.0, 2.0]], rotations=[[0.0, 0.0, 0.0, 1.0]])
    assert picture_of(pose, scene(lens=lens)).shape[0] > picture_of(pose, Scene({}, (), (320, 240))).shape[0] + 300


def test_paths_with_unknown_points() -> None:
    points = np.array([[0.0, 0.0, 0.0], [np.nan] * 3, [0.1, 0.2, 0.3]])
    assert three_views(points, [True, False, True], None).shape == (360, 1100, 3)
    assert three_views(points[:0], [], None).shape == (360, 1100, 3)


def test_joints_become_lines() -> None:
    points = [[float(i), -float(i)] for i in range(10)]
    picture = picture_of(row("trace", space="joint", steps=list(range(10)), points=points))
    assert len(where(picture, (0, 114, 178))) > 300
    assert len(where(picture, (213, 94, 0))) > 300


def test_cells_are_outlined_in_the_grid() -> None:
    found = row("marked", shape="cells", cells=[[0, 1]], frames=[3])
    on = scene(grid=(100, 40, 40, 4, 4))
    changed = (picture_of(found, on) != picture_of(found | {"cells": []}, on)).any(axis=-1)
    drawn, factor = np.argwhere(changed), 560 / 240
    assert abs(drawn[:, 1].min() - 140 * factor) < 8
    assert abs(drawn[:, 1].max() - 180 * factor) < 8


def test_text_stays_text() -> None:
    texts = ["<img src=x onerror=alert(1)> & 'quotes'"]
    found = row("caption", channel="caption", texts=texts)
    assert ("text", texts[0]) in facts("texts", found)
    assert not np.array_equal(picture_of(found), picture_of(found | {"texts": ["plain"]}))


def test_runs_of_equal_outcomes_are_one_line() -> None:
    found = row("noop", None, None, name="noop", steps=list(range(1000)), outcomes=["changed"] * 600 + ["noop"] * 400)
    assert facts("checks", found)[:2] == [("steps 0 to 599", "changed"), ("steps 600 to 999", "noop")]
    assert picture_of(found).shape[0] < 1500


def test_arguments_and_candidates_are_readable() -> None:
    check = row("key_node", function="url", args='{"key":"path"}', expected="/thanks", required=True)
    assert dict(facts("checks", check)) == {"function": "url", "args": "key: path", "expected": "/thanks", "required": "yes"}
    candidate = {"id": "a", "text": "Click", "action": '{"x":3}', "selected": True, "rank": 1}
    choice = row("preference", candidates=[candidate], context='{"goal":"buy"}')
    assert facts("choices", choice) == [("candidate 1", "a, rank 1, chosen\nClick\nx: 3"), ("context", "goal: buy")]


def test_the_mark_is_not_a_colour_of_the_head_alone() -> None:
    found = row("contact_points", shape="point", frames=[3], points=[[150.0, 140.0, 170.0, 142.0]], label="finger")
    assert len(where(picture_of(found), MARK)) > 100


def test_frames_without_a_box_and_steps_without_a_point_are_left_out() -> None:
    track = row(
        "object_box", 0, 40, shape="box", frames=[3, 4], boxes=[[80.0, 60.0, 240.0, 180.0], None], visible=[True, False]
    )
    assert len(np.argwhere((picture_of(track) != picture_of(track | {"boxes": None}))[:200])) > 0
    path = row("trace", space="pixel", steps=[3, 4, 5], points=[[10.0, 10.0], None, [90.0, 90.0]], valid=[True, False, True])
    assert picture_of(path).shape[1] == WIDTH
