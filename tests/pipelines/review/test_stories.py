"""A video frame or a picture per step of ARC traces and screen recordings, on the example recordings and real ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from annotators.label_studio.pictures.arc import COLOURS
from annotators.label_studio.project import Surface
from annotators.trajectory import TrajectoryView
from pipelines.review.encode import MediaFault
from pipelines.review.media import Media
from pipelines.review.stories import arc_steps, arc_story, gui_steps, gui_story

EXAMPLES = Path(__file__).resolve().parents[3] / "examples/data"


def shown(media: Media) -> list[np.ndarray]:
    if media.surface.fps is None:
        return [np.asarray(Image.open(file).convert("RGB")) for file in media.files]
    with av.open(str(media.files[0])) as file:
        assert all(packet.is_keyframe for packet in file.demux(video=0) if packet.size), "every frame stands for itself"
    with av.open(str(media.files[0])) as file:
        return [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]


def with_screenshots(view: TrajectoryView, **columns: list[Any]) -> TrajectoryView:
    """The view with some columns of its steps replaced."""
    steps = view.steps
    for name, values in columns.items():
        place = steps.column_names.index(name)
        steps = steps.set_column(place, name, pa.array(values, steps.schema.field(name).type))
    return TrajectoryView(view.header, {**view.tables, "gui_steps": steps}, view.read_media, view.open_media)


@pytest.mark.parametrize(("make", "most"), [(arc_story, 8), (arc_steps, 0)])
def test_arc_cells_keep_their_colours(
    read_source: Callable[..., Any], tmp_path: Path, make: Callable[..., Media], most: int
) -> None:
    """The middle of every cell of the main grid, in every picture: exact in PNG, within a few levels in the video."""
    view = read_source("braingridgame", EXAMPLES / "arc").view("s/cut_out_crop")
    media = make(view, None, tmp_path)
    assert media.grid is not None
    x, y, cell, rows, columns = media.grid
    grids = view.steps["grid_before"].to_pylist()
    pictures = shown(media)
    assert len(pictures) == len(media.surface.steps) == view.num_steps
    seen = 0
    for grid, picture in zip(grids, pictures, strict=True):
        assert picture.shape == (media.surface.height, media.surface.width, 3)
        for row, line in enumerate(grid or ()):
            for column, colour in enumerate(line):
                middle = picture[y + row * cell + cell // 2, x + column * cell + cell // 2].astype(int)
                assert np.abs(middle - COLOURS[colour]).max() <= most
                seen += 1
    assert seen > 100
    assert max(len(g) for g in grids if g) == rows
    assert max(len(g[0]) for g in grids if g) == columns


def test_arc_stretches_look_like_the_whole(read_source: Callable[..., Any], shared_data: Path, tmp_path: Path) -> None:
    view = read_source("braingridgame", EXAMPLES / "arc").view("s/fall_with_selections")
    found = json.loads(sorted((shared_data / "arc/arc_agi_1/training").glob("*.json"))[3].read_text())
    task = {"demonstrations": found["train"], "tests": found["test"]}
    whole, part = arc_steps(view, task, tmp_path), arc_steps(view, task, tmp_path, 5, 9)
    assert part.files == whole.files[5:9]
    assert part.surface == Surface((5, 6, 7, 8), (5, 6, 7, 8), 9, whole.surface.width, whole.surface.height)
    assert part.grid == whole.grid
    story = arc_story(view, task, tmp_path, 5, 9)
    assert (story.surface.steps, story.surface.end, story.grid) == (part.surface.steps, 9, whole.grid)
    for picture, exact in zip(shown(story), shown(part), strict=True):
        assert np.abs(picture.astype(int) - exact).mean() < 2
    assert arc_steps(view, None, tmp_path).files[0] != whole.files[0], "a task that becomes known gives other pictures"


def test_gui_story_of_the_example(read_source: Callable[..., Any], tmp_path: Path) -> None:
    view = read_source("playwright", EXAMPLES / "web").view("s/buy_one")
    media = gui_story(view, tmp_path)
    pictures = shown(media)
    assert len(pictures) == view.num_steps
    assert (media.surface.width, media.surface.height) == (960, 640)
    point = next(p for p in view.steps["point"].to_pylist() if p)
    step = view.steps["point"].to_pylist().index(point)
    strip = pictures[step].shape[0] - 640
    near = pictures[step][strip + round(point[1]) - 4 : strip + round(point[1]) + 4, round(point[0]) - 4 : round(point[0]) + 4]
    assert (np.abs(near.astype(int) - (213, 94, 0)).max(axis=-1) < 60).any(), "the action is drawn where it went"


def test_gui_steps_are_the_stored_screenshots(read_source: Callable[..., Any], tmp_path: Path) -> None:
    view = read_source("playwright", EXAMPLES / "web").view("s/buy_one")
    media = gui_steps(view, tmp_path)
    for file, sha in zip(media.files, view.steps["screenshot"].to_pylist(), strict=True):
        assert file.read_bytes() == view.read_media(sha)
    assert (media.surface.width, media.surface.height) == (960, 640), "points are in frame pixels, not in those of the file"
    assert gui_steps(view, tmp_path, 3, 6).files == media.files[3:6]


def test_missing_screenshots_and_other_sizes(read_source: Callable[..., Any], tmp_path: Path) -> None:
    view = read_source("playwright", EXAMPLES / "web").view("s/buy_one")
    number = view.num_steps
    shas = view.steps["screenshot"].to_pylist()
    reasons = [None] * 5 + ["the page was closed"] + [None] * (number - 6)
    gone = with_screenshots(view, screenshot=[*shas[:5], None, *shas[6:]], screenshot_missing=reasons)
    pictures = shown(gui_steps(gone, tmp_path))
    assert pictures[5].shape == (640, 960, 3)
    assert len(shown(gui_story(gone, tmp_path))) == number
    widths = [960] * 6 + [480] * (number - 6)
    mixed = gui_steps(with_screenshots(gone, frame_width=widths), tmp_path)
    sizes = {picture.shape for picture in shown(mixed)}
    assert len(sizes) == 1, "percents mean the same in every picture"
    assert (mixed.surface.width, mixed.surface.height) == (960, 640)
    narrow = shown(mixed)[8]
    assert (narrow[:, narrow.shape[1] // 2 + 2 :] == narrow[0, -1]).all(), "nothing lies beyond the smaller frame"


def test_a_broken_screenshot_is_a_fault_with_its_place(read_source: Callable[..., Any], tmp_path: Path) -> None:
    view = read_source("playwright", EXAMPLES / "web").view("s/buy_one")
    torn = TrajectoryView(view.header, view.tables, lambda sha: view.read_media(sha)[:20], view.open_media)
    for make in (gui_story, gui_steps):
        with pytest.raises(MediaFault, match="s/buy_one, screenshot of step 0: the 20 bytes are no picture"):
            make(torn, tmp_path)
    assert [p for p in tmp_path.rglob("*.mp4") if "staged" not in p.parts] == []


@pytest.mark.slow
def test_a_real_desktop_recording(read_source: Callable[..., Any], shared_data: Path, tmp_path: Path) -> None:
    found = read_source("agentnet", shared_data / "gui/agentnet_raw")
    view = found.view(sorted(found.trajectories)[0])
    media = gui_story(view, tmp_path / "out")
    assert len(shown(media)) == view.num_steps
    assert len(gui_steps(view, tmp_path / "out").files) == view.num_steps


def test_same_input_same_bytes(read_source: Callable[..., Any], tmp_path: Path) -> None:
    arc = read_source("braingridgame", EXAMPLES / "arc").view("s/mirror_straight")
    for name in ("a", "b"):
        arc_story(arc, None, tmp_path / name)
        arc_steps(arc, None, tmp_path / name)
    a, b = ({p.name: p.read_bytes() for p in (tmp_path / name).rglob("*") if p.is_file()} for name in ("a", "b"))
    assert a == b
    assert len(a) == 6
