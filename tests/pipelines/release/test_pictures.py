"""The pictures of a card: small, the same every time, of what may be shown, and absent with a reason where there is none."""

from __future__ import annotations

import hashlib
import io
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from data_cards.facts import LayerFacts
from pipelines.release.pictures import may_show
from pipelines.release.pictures.canvas import png
from pipelines.release.pictures.charts import bins, coverage_chart, lengths_chart
from pipelines.release.pictures.previews import Story, arc_preview, gui_preview, robot_picture
from tests.finished_runs import EXAMPLES, run

RunRecipe = Callable[[str], Path]


def opened(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB"))


def digests(release: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (release / "assets").iterdir()}


def test_the_pictures_of_a_release_are_few_small_and_listed(quickstart: Path) -> None:
    release = quickstart / "release"
    found = sorted((release / "assets").iterdir())
    assert [path.name for path in found] == ["arc.png", "coverage.png", "gui.png", "lengths.png", "robot.png"]
    assert sum(path.stat().st_size for path in found) < 300_000
    for path in found:
        assert opened(path.read_bytes()).std() > 5
        assert f"](assets/{path.name})" in (release / "README.md").read_text()
        assert f"  assets/{path.name}\n" in (release / "MANIFEST.sha256").read_text()


def test_previews_are_drawn_again_to_the_same_bytes(quickstart: Path, tmp_path: Path) -> None:
    shutil.copytree(quickstart.parents[1], tmp_path / "copy")
    workspace = tmp_path / "copy/out/quickstart"
    before = digests(workspace / "release")
    shutil.rmtree(workspace / "pictures")
    shutil.rmtree(workspace / "release/assets")
    run(tmp_path / "copy/quickstart.yaml")
    assert digests(workspace / "release") == before


def test_a_kept_preview_is_not_drawn_again_and_old_ones_go(run_recipe: RunRecipe, tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES / "data/arc", tmp_path / "arc")
    text = "sources: [{name: a, reader: braingridgame, uri: arc, license: mit}]\n"
    kept = run_recipe(text).parent / "pictures"
    (png_file,) = kept.glob("arc-*.png")
    png_file.write_bytes(b"kept")  # what is kept is trusted by its name
    assert (run_recipe(text) / "assets/arc.png").read_bytes() == b"kept"
    sorted((tmp_path / "arc").iterdir())[0].unlink()
    (tmp_path / "arc/belt_everything_moved.json").unlink(missing_ok=True)
    release = run_recipe(text)
    assert len(list(kept.glob("*.png"))) == len(list(kept.glob("*.json"))) == 1
    assert opened((release / "assets/arc.png").read_bytes()).std() > 5


@pytest.mark.parametrize("license_", ["cc-by-nd-4.0", "CC BY-NC-ND 4.0", "cc-by-nc-nd-3.0", "no-derivatives", "nd"])
def test_what_forbids_derived_works_is_not_drawn(license_: str) -> None:
    assert not may_show(license_)


@pytest.mark.parametrize("license_", ["mit", "cc-by-4.0", "cc-by-nc-sa-4.0", "apache-2.0", "other", "standard", "bsd-3-clause"])
def test_other_licences_are(license_: str) -> None:
    assert may_show(license_)


def test_a_source_that_may_not_be_shown_has_no_preview(run_recipe: RunRecipe, tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES / "data/arc", tmp_path / "arc")
    release = run_recipe("sources: [{name: a, reader: braingridgame, uri: arc, license: cc-by-nd-4.0}]\n")
    assert "arc.png" not in digests(release)
    assert "No preview of arc: the licences of its sources allow no derived pictures." in (release / "README.md").read_text()


def story(**more: Any) -> Story:
    values: dict[str, Any] = {
        "title": "t",
        "remark": "r",
        "count": 10,
        "layers": [("motion", [(0, 4, "move"), (4, 10, "é 字")])],
    }
    return Story(**{**values, "rows": {}, "shown": (0, 9), **more})


def box(frame: int, **more: Any) -> dict[str, Any]:
    row = {"shape": "box", "label": "cube", "role": None, "frames": [frame], "boxes": [[10.0, 10.0, 30.0, 30.0]], "masks": None,
           "points": None, "cells": None, "visible": None, "frame_width": None, "frame_height": None}  # fmt: skip
    return {**row, **more}


def changed(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """[y, x] of the pixels that differ by more than a palette may."""
    return np.argwhere((np.abs(before.astype(int) - after) > 60).any(2))


def test_regions_and_paths_are_drawn_on_the_frame_that_they_are_of() -> None:
    frames = [np.full((60, 80, 3), 40, np.uint8)] * 2
    plain = opened(robot_picture(story(), frames, (3, 7), (80, 60)))
    boxed = opened(robot_picture(story(rows={"regions": [box(7)]}), frames, (3, 7), (80, 60)))
    found = changed(plain, boxed)
    assert len(found) > 100
    assert found[:, 1].min() > plain.shape[1] // 2  # on the second frame alone
    path = {"space": "pixel", "points": [[5.0, 5.0], [70.0, 50.0]], "valid": None, "start": 0, "end": 1,
            "frame_width": 80, "frame_height": 60}  # fmt: skip
    drawn = opened(robot_picture(story(rows={"traces": [path]}), frames, (3, 7), (80, 60)))
    found = changed(plain, drawn)
    assert len(found) > 100
    assert found[:, 1].max() < plain.shape[1] // 2


def test_an_arc_strip_shows_the_grids_of_its_steps() -> None:
    steps = [
        {
            "step": i,
            "action_name": "paint",
            "grid_before": [[i, 0], [0, i]],
            "grid_after": [[i + 1, 0], [0, 0]],
            "selection": [[0, 0]],
        }
        for i in range(3)
    ]
    task = {"demonstrations": [{"input": [[1]], "output": [[2, 2]]}], "tests": [{"input": [[3]], "output": None}]}
    with_pairs = opened(arc_preview(story(shown=(0, 2)), steps, task))
    without = opened(arc_preview(story(shown=(0, 2)), steps, None))
    assert with_pairs.shape[0] > without.shape[0]
    colours = {tuple(colour) for colour in without.reshape(-1, 3).tolist()}
    assert {(0, 0, 0), (255, 65, 54), (46, 204, 64)} <= colours  # 0, 2 and 3 as the ARC interface draws them


def test_a_screen_shows_its_target_and_point() -> None:
    sink = io.BytesIO()
    Image.new("RGB", (200, 100), (240, 240, 240)).save(sink, "PNG")
    row = {"step": 0, "action_name": "click", "action_kind": "gui", "action_args": None, "point": [50.0, 50.0], "end_point": None,
           "text": None, "keys": None, "scroll": None, "frame_width": 200, "frame_height": 100, "screenshot_missing": None}  # fmt: skip
    plain = opened(gui_preview(story(shown=(0,)), [row | {"point": None}], sink.getvalue()))
    marked = opened(gui_preview(story(shown=(0,), rows={"regions": [box(0)]}), [row], sink.getvalue()))
    assert len(changed(plain[:160, :220], marked[:160, :220])) > 200


def test_a_picture_keeps_to_its_budget() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (600, 900, 3), np.uint8)
    data = png(Image.fromarray(noise), 30_000)
    assert len(data) <= 30_000
    assert opened(data).shape[1] < 900


@pytest.mark.parametrize("steps", [[1], [5, 5, 5], list(range(1, 2000)), [1, 100_000]])
def test_every_trajectory_is_in_one_bin(steps: list[int]) -> None:
    low, width, counts = bins(steps)
    assert sum(counts) == len(steps)
    assert low == min(steps)
    assert low + width * len(counts) > max(steps)
    assert len(counts) <= 24
    assert len(lengths_chart({"arc": steps})) < 25_000


def test_coverage_of_many_layers() -> None:
    layers = [
        LayerFacts(f"layer_{n}", "segments", "d", 5, n, ["p"], 1, of=40, domain="robot", confirmed=n // 2) for n in range(40)
    ]
    assert opened(coverage_chart(layers)).shape[1] == 1500
