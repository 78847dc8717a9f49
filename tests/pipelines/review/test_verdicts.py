"""A picture per row of real trajectories: one file each, in order, of the frame that the row is about."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from annotators.label_studio.pictures.masks import encode_mask
from pipelines.review.encode import MediaFault
from pipelines.review.verdicts import row_pictures
from schemas.layers import layer
from schemas.tables import ENVELOPE, KINDS

EXAMPLES = Path(__file__).resolve().parents[3] / "examples/data"
FRONT, HAND = "observation.images.agentview", "observation.images.robot0_eye_in_hand"


def row(of: str, start: int | None = None, end: int | None = None, /, **payload: Any) -> dict[str, Any]:
    columns = [column.name for column in (*ENVELOPE, *KINDS[layer(of).kind])]
    return dict.fromkeys(columns) | {"layer": of, "annotation_id": "id", "start": start, "end": end} | payload


def picture(file: Path) -> np.ndarray:
    return np.asarray(Image.open(file))


def test_rows_of_a_robot(read_source: Callable[..., Any], tmp_path: Path) -> None:
    view = read_source("lerobot", EXAMPLES / "lift").view("s/episode_000000")
    mask = np.zeros((240, 320), bool)
    mask[100:140, 100:140] = True
    counts = {"height": 240, "width": 320, "counts": encode_mask(mask)}
    poses = view.steps["observation.eef_pos"].to_pylist()
    rows = [
        row("segmentation", stream=FRONT, shape="mask", frames=[0, 40], masks=[counts, counts]),
        row("grasp_pose", 40, 41, space="metric", steps=[40], points=[poses[40]], rotations=[[0.0, 0.0, 0.0, 1.0]]),
        row("contact_points", 39, 40, stream=FRONT, shape="point", frames=[39], points=[[150.0, 140.0]]),
        row("contact_points", 39, 40, stream=HAND, shape="point", frames=[39], points=[[150.0, 140.0]]),
    ]
    media = row_pictures(view, rows, tmp_path / "out")
    assert len(set(media.files)) == 4
    assert media.surface.steps == (0, 40, 39, 39)
    front, hand = picture(media.files[2]), picture(media.files[3])
    assert front.shape == hand.shape
    assert np.abs(front.astype(int) - hand).mean() > 5, "each on its own camera"
    again = row_pictures(view, rows[::-1], tmp_path / "out")
    assert again.files == media.files[::-1]
    for file in media.files:
        data = file.read_bytes()
        file.unlink()
        row_pictures(view, rows, tmp_path / "out")
        assert file.read_bytes() == data


def test_rows_of_screens_and_grids(read_source: Callable[..., Any], tmp_path: Path) -> None:
    shop = read_source("playwright", EXAMPLES / "web").view("s/buy_one")
    box = [37.0, 353.75, 213.0, 389.75]
    rows = [
        row("target", 4, 5, shape="box", label="button", frames=[4], boxes=[box], frame_width=960, frame_height=640),
        row("dependency", 4, 5, source_step=4, destination_step=11, relation="enables"),
        row("caption", 0, 1, texts=["Open the shop."]),
    ]
    assert len({f.read_bytes() for f in row_pictures(shop, rows, tmp_path / "out").files}) == 3
    puzzle = read_source("braingridgame", EXAMPLES / "arc").view("s/fall_with_selections")
    marked = row("marked", 7, 8, shape="cells", cells=[[0, 0]], frames=[7])
    (some,) = row_pictures(puzzle, [marked], tmp_path / "out").files
    (none,) = row_pictures(puzzle, [marked | {"cells": []}], tmp_path / "out").files
    assert not np.array_equal(picture(some), picture(none))


def test_rows_that_cannot_be_drawn(read_source: Callable[..., Any], tmp_path: Path) -> None:
    view = read_source("lerobot", EXAMPLES / "lift").view("s/episode_000000")
    broken = {"height": 240, "width": 320, "counts": "11"}
    with pytest.raises(MediaFault, match="s/episode_000000, segmentation id: the row cannot be drawn"):
        row_pictures(view, [row("segmentation", stream=FRONT, shape="mask", frames=[0], masks=[broken])], tmp_path / "out")
    with pytest.raises(MediaFault, match=r"has no frame 500|ends after 70 frames"):
        row_pictures(view, [row("gripper_box", stream=FRONT, shape="box", frames=[500], boxes=[[0.0] * 4])], tmp_path / "out")
