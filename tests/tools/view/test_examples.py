"""Pages and sheets of the examples: videos, screenshots, puzzles, from a recipe that was run."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from tools.cli import app

from .conftest import MARKUP, OUTPUT, Window, pixel, refused, step_of

LIFT, SHOP = "lift/episode_000000", "shop/buy_one"


def test_a_robot_episode(view: Callable[..., Path], examples: Path, window: Window) -> None:
    file = view(LIFT, "--release", examples / "recipe.yaml")
    assert "pictures are in this page" not in file.read_text()
    page = window.show(file, 5)
    canvas = ".cameras canvas >> nth=0"
    page.wait_for_selector('.cameras canvas[data-step="5"][data-marks="3"]')
    box = pixel(page, canvas, 105 / 320, 90 / 240)  # the left edge of the box on frame 5
    mask = pixel(page, canvas, 130 / 320, 150 / 240)
    hole = pixel(page, canvas, 150 / 320, 130 / 240)
    window.sheet("test_robot")
    for name in ("gripper_box", "segmentation", "trace"):
        page.uncheck(f'input[data-layer="{name}"]')
    page.wait_for_selector('.cameras canvas[data-step="5"][data-marks="0"]')
    plain = [pixel(page, canvas, x / 320, y / 240) for x, y in ((105, 90), (130, 150), (150, 130))]
    assert box != plain[0]
    assert mask != plain[1]
    assert hole == plain[2]
    page.check('input[data-layer="gripper_box"]')
    page.keyboard.press("Shift+ArrowRight")
    page.wait_for_selector('.cameras canvas[data-step="15"][data-marks="0"]')  # its frames end before
    assert page.locator(".cameras figcaption").all_inner_texts() == ["agentview frame 15", "robot0_eye_in_hand frame 15"]

    canvas_of_plot = page.locator(".plot", has_text="action").locator("canvas")
    canvas_of_plot.scroll_into_view_if_needed()
    plot = canvas_of_plot.bounding_box()
    page.mouse.click(plot["x"] + plot["width"] * 0.5, plot["y"] + 40)
    assert step_of(page) in (34, 35)
    at = page.eval_on_selector_all(
        ".plot .cursor", "cursors => cursors.map(c => parseFloat(c.style.left) / c.parentElement.clientWidth)"
    )
    assert all(abs(share - 0.5) < 0.02 for share in at)
    assert len(at) >= 2


def test_a_click_on_a_segment_goes_to_its_first_step(view: Callable[..., Path], examples: Path, window: Window) -> None:
    page = window.show(view(LIFT, "--release", examples / "recipe.yaml", "--frames", "8"), 0)
    bands = page.locator("#bands .names div").all_inner_texts()
    starts = sorted({row["start"] for row in page.evaluate("Cairn.data.annotations") if row["layer"] == "subtask"})
    place = page.locator("#bands canvas").bounding_box()
    page.mouse.click(place["x"] + place["width"] * (starts[1] + 2) / 70, place["y"] + 27 * bands.index("subtask") + 10)
    assert step_of(page) == starts[1]
    assert "grasp the red cube" in page.inner_text("#here")
    page.keyboard.press("]")
    assert step_of(page) == starts[2]
    page.check("#only")
    assert all(row != "" for row in page.locator("#table td:first-child").all_inner_texts())
    page.fill("#search", "nothing has these words")
    assert page.locator("#table tr").count() == 0


def test_a_screen_recording(view: Callable[..., Path], examples: Path, window: Window) -> None:
    page = window.show(view(SHOP, "--release", examples / "out"), 1)
    page.wait_for_selector('.screen canvas[data-step="1"][data-marks="1"]')
    assert "first I search" in page.inner_text(".tale")
    assert "notebook" in page.inner_text("#caption")
    page.goto(page.url.replace("step=1", "step=3"))
    page.wait_for_selector('.screen canvas[data-step="3"][data-marks="1"]')
    assert MARKUP in page.inner_text(".tale")
    point, size = page.evaluate("[Cairn.data.panel.steps[3].point, Cairn.data.panel.steps[3].size]")
    assert pixel(page, ".screen canvas", point[0] / size[0], point[1] / size[1]) == [213, 94, 0]
    window.sheet("test_gui")


def test_an_unknown_id_lists_what_is_like_it(examples: Path) -> None:
    assert "like it are lift/episode_000001, lift/episode_000000" in refused(
        "lift/episode_00001", "--release", examples / "out"
    )
    assert "like it are shop/buy_one" in refused("buy_one", "--release", examples / "out/release")
    assert "there are lift/episode_000000, lift/episode_000001, puzzles/" in refused("--release", examples / "out")
    assert "like it are fall" in refused("--task", "fal", "--release", examples / "recipe.yaml")
    assert "no ARC trajectory of the task 'lift" in refused(
        "--task", "lift-the-red-cube-bee7f4a8", "--release", examples / "out"
    )


@pytest.mark.parametrize("name", ["lift/episode_000000", "puzzles/fall_cell_by_cell", "shop/buy_one"])
def test_contact_sheets(examples: Path, tmp_path: Path, name: str) -> None:
    file = tmp_path / "sheet.png"
    done = CliRunner().invoke(app, ["view", name, "--release", str(examples / "out"), "--sheet", str(file)])
    assert done.exit_code == 0, done.output
    assert list(tmp_path.iterdir()) == [file]  # only what was asked for
    with Image.open(io.BytesIO(file.read_bytes())) as picture:
        assert picture.width >= 1280
        colours = picture.convert("RGB").getcolors(1 << 24)
        assert colours is not None
        assert len(colours) > 8
        OUTPUT.mkdir(parents=True, exist_ok=True)
        picture.save(OUTPUT / f"sheet_{name.partition('/')[0]}.png")


def test_fewer_pictures_than_steps_is_said(view: Callable[..., Path], examples: Path) -> None:
    few, same = (
        view("lift/episode_000000", "--release", examples / "out", "--frames", "20", "--width", "80") for _ in range(2)
    )
    assert "observation.images.agentview: 10 of 70 pictures are in this page" in few.read_text()
    assert few.stat().st_size < 150_000
    assert few.read_bytes() == same.read_bytes()
