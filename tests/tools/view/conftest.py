"""Releases to look at: one of the examples, made by the command once, and small ones written here row by row."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from annotators.label_studio.pictures.masks import encode_mask
from pipelines.io.parquet import write_parquet
from schemas.arrow import columns_of, published_schema, table_from_columns
from tools.cli import app

ROOT = Path(__file__).resolve().parents[3]
OUTPUT = ROOT / "tests/output/view"
MARKUP = "</script><img src=x onerror=alert(1)><b>bold</b>"


def write(folder: Path, table: str, rows: Sequence[dict[str, Any]], layer: str | None = None) -> None:
    """A file of a release; what a row leaves out is null."""
    columns = columns_of(table)
    names = dict.fromkeys(name for row in rows for name in row)
    values = {name: [row.get(name) for row in rows] for name in names}
    found = table_from_columns(published_schema(table, columns), values, len(rows))
    path = folder / table / (layer or "") / "train-00000-of-00001.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_parquet(path, found.schema, [found], columns)


def said(layer: str, trajectory_id: str, number: int = 0, **payload: Any) -> dict[str, Any]:
    """A row of a layer."""
    return {
        "annotation_id": f"{layer}-{trajectory_id}-{number}", "trajectory_id": trajectory_id, "layer": layer, "level": "span",
        "producer_type": "signal", "producer": "test.producer", "producer_version": "3", "run": "r1", "status": "proposed",
        "quality": "secondary",
    } | payload  # fmt: skip


@pytest.fixture(scope="session")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the workspace `out` of a recipe over some of the examples, and things drawn on the robot's pictures."""
    folder = tmp_path_factory.mktemp("view")
    for name in ("arc", "web"):
        (folder / name).mkdir()
    for name in ("arc/fall_cell_by_cell.json", "web/buy_one.zip"):
        shutil.copy(ROOT / "examples/data" / name, folder / name)
    sources = [
        {"name": "lift", "reader": "lerobot", "uri": str(ROOT / "examples/data/lift"), "license": "mit"},
        {"name": "puzzles", "reader": "braingridgame", "uri": "arc/*.json", "license": "cc-by-4.0"},
        {"name": "shop", "reader": "playwright", "uri": "web/*.zip", "license": "cc-by-4.0"},
    ]
    recipe = {
        "name": "view", "license": "cc-by-4.0", "workspace": "out", "sources": sources,
        "annotators": ["robot.clips", "gui.target_region"],
    }  # fmt: skip
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    done = CliRunner().invoke(app, ["run", str(folder / "recipe.yaml")])
    assert done.exit_code == 0, done.output
    _draw_on(folder / "out/release")
    return folder


def _draw_on(release: Path) -> None:
    """A box on frames 0 to 9, a mask on frame 5 and a path from step 5 on, all on one camera; a thought of the shop."""
    robot, size = "lift/episode_000000", {"frame_width": 320, "frame_height": 240}
    camera = {"stream": "observation.images.agentview", **size}
    mask = np.zeros((240, 320), bool)
    mask[100:160, 120:200] = True
    mask[120:140, 140:160] = False
    boxes = {"frames": list(range(10)), "boxes": [[100.0 + i, 60.0, 180.0 + i, 120.0] for i in range(10)]}
    write(
        release, "regions",
        [said("gripper_box", robot, shape="box", label="gripper", start=0, end=70, **boxes, **camera)], "gripper_box",
    )  # fmt: skip
    runs = {"height": 240, "width": 320, "counts": encode_mask(mask)}
    write(
        release, "regions",
        [said("segmentation", robot, shape="mask", label="cube", start=5, end=6, frames=[5], masks=[runs], **camera)],
        "segmentation",
    )  # fmt: skip
    points = [[100.0 + 5 * i, 200.0 - 8 * i] for i in range(12)]
    write(
        release, "traces",
        [said("trace", robot, space="pixel", label="gripper_path", start=5, end=6, steps=list(range(5, 17)), points=points, **camera)],
        "trace",
    )  # fmt: skip
    thoughts = [
        said("thought", "shop/buy_one", start=0, end=12, steps=[1, 3], texts=["first I search", MARKUP], channel="thought")
    ]
    write(release, "texts", thoughts, "thought")


A, B, C = [[0, 1], [0, 0]], [[0, 1], [0, 2]], [[3, 3], [3, 3]]
TASK = {"task_id": "tiny", "domain": "arc", "demonstrations": [{"input": A, "output": C}], "tests": [{"input": A, "output": C}]}


def header(trajectory_id: str, domain: str, steps: int, **further: Any) -> dict[str, Any]:
    """A row of `trajectories`."""
    source, _, native = trajectory_id.partition("/")
    return {
        "trajectory_id": trajectory_id, "domain": domain, "source_name": source, "native_id": native, "license": "cc0-1.0",
        "num_steps": steps,
    } | further  # fmt: skip


def arc_step(trajectory_id: str, step: int, before: Any, after: Any, name: str = "paint", **further: Any) -> dict[str, Any]:
    """A row of `arc_steps` of the task `tiny`."""
    return {
        "trajectory_id": trajectory_id, "step": step, "timestamp": float(step), "action_kind": "grid_op", "action_name": name,
        "task_id": "tiny", "test_index": 0, "grid_before": before, "grid_after": after,
    } | further  # fmt: skip


@pytest.fixture(scope="session")
def layered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release of one ARC trace with layers, every verdict, a task that is known, and markup wherever a text may stand."""
    folder = tmp_path_factory.mktemp("layered")
    name = "two/layers"
    selected = {"selection": [[0, 1], [1, 1]], "background": A, "floating": [[1, 1, 2], [5, 5, 4]]}
    steps = [
        arc_step(name, 0, None, A, "select_rectangle", background=A, floating=[]),
        arc_step(name, 1, A, B, action_args={"color": 2, "note": MARKUP}, source_action={"raw": MARKUP}, **selected),
        arc_step(name, 2, B, B, MARKUP, background=B, floating=[]),
        arc_step(name, 3, B, C, "submit", background=C, floating=[]),
    ]
    outcomes = ["exact", "visible", "diverged", "unverifiable"]
    replay = said(
        "replay", name, start=0, end=4, steps=[0, 1, 2, 3], outcomes=outcomes, observed=[None, None, MARKUP, "no rule"]
    )
    write(
        folder, "trajectories",
        [header(name, "arc", 4, task_id="tiny", instruction=MARKUP, success=True, success_by="oracle:arc.success", score=1.0,
                agent=MARKUP, duration=4.0, completeness={MARKUP: {"gone": 3}}, extras={"k": MARKUP})],
    )  # fmt: skip
    write(folder, "arc_steps", steps)
    write(folder, "tasks", [TASK])
    write(folder, "checks", [replay], "replay")
    spans = [said("sub_goal", name, n, start=n, end=n + 2, label=MARKUP, text=MARKUP, annotator=MARKUP) for n in range(3)]
    write(folder, "segments", spans, "sub_goal")
    write(folder, "runs", [{"run": "r1", "producer": "test.producer", "producer_type": "signal", "parameters": {"p": MARKUP}}])
    return folder


@pytest.fixture(scope="session")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release in which five people solve `tiny`, or do not: see `WAYS`."""
    folder = tmp_path_factory.mktemp("crowd")
    headers, steps = [], []
    for who, (way, right) in WAYS.items():
        name = f"crowd/{who}"
        headers.append(header(name, "arc", len(way), task_id="tiny", agent=who, success=right, success_by="source"))
        steps += [arc_step(name, i, a, b) for i, (a, b) in enumerate(pairwise(way))]
        steps.append(arc_step(name, len(way) - 1, way[-1], way[-1], "submit", action_args={"correct": right}))
    write(folder, "trajectories", headers)
    write(folder, "arc_steps", steps)
    return folder


D, E = [[5, 5], [0, 0]], [[6, 6], [0, 0]]
WAYS: dict[str, tuple[list[Any], bool]] = {
    "ann": ([A, B, C], True), "bob": ([A, B, C], True), "cat": ([A, D, A, B, C], True), "dan": ([A, E, D], False),
    "eve": ([A, B, D], False),
}  # fmt: skip
"""Who went through which grids, and whether what they handed in was right."""


@pytest.fixture(scope="session")
def screens(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release of a screen recording with a picture that is none, one that is missing, and no times; a robot with images."""
    folder = tmp_path_factory.mktemp("screens")
    image = np.full((90, 160, 3), 200, np.uint8)
    png = cv2.imencode(".png", image)[1].tobytes()
    screenshots = [{"bytes": png, "path": "a.png"}, {"bytes": b"no picture", "path": "b.png"}, None]
    rows = [
        {"trajectory_id": "s/one", "step": i, "action_kind": "gui", "action_name": "click", "screenshot": shot, "point": [40.0, 30.0],
         "screenshot_missing": None if shot else "the page was closed", "frame_width": 160, "frame_height": 90}
        for i, shot in enumerate(screenshots)
    ]  # fmt: skip
    stream = {"name": "front", "kind": "images", "width": 160, "height": 90, "num_frames": 2, "intrinsics": [9.0] * 4}
    robot = header("r/one", "robot", 3, streams=[stream], state_names=["a", "b"])
    write(folder, "trajectories", [robot, header("s/one", "gui", 3), header("t/one", "agent", 1)])
    write(folder, "gui_steps", rows)
    frames = [[0], None, [1]]
    write(
        folder, "robot_steps",
        [{"trajectory_id": "r/one", "step": i, "state": [i, None], "gripper": i / 2, "frames": f, "camera_poses": [[1.0] * 16]}
         for i, f in enumerate(frames)],
    )  # fmt: skip
    pictures = [
        {"trajectory_id": "r/one", "stream": "front", "frame": i, "image": screenshots[0], "width": 160, "height": 90}
        for i in range(2)
    ]
    write(folder, "images", pictures)
    return folder


class Window:
    """A page in the browser, and what it asked for and complained of."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.asked: list[str] = []
        page.on("console", lambda message: self._heard(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}"))
        page.on("request", lambda request: self.asked.append(request.url))

    def _heard(self, text: str) -> None:
        if "willReadFrequently" not in text:  # it is the test that reads pixels
            self.complaints.append(text)

    def show(self, file: Path, step: int | None = None) -> Any:
        """Open a page."""
        self.page.goto(file.as_uri() + ("" if step is None else f"#step={step}"))
        return self.page

    def sheet(self, name: str) -> None:
        """Keep what is seen."""
        OUTPUT.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=str(OUTPUT / f"{name}.png"))


@pytest.fixture
def window(chromium: Any) -> Iterator[Window]:
    """A window of its own; at its end no page may have complained, or asked for anything but itself."""
    page = chromium.new_page(viewport={"width": 1440, "height": 1000})
    page.set_default_timeout(10_000)
    found = Window(page)
    yield found
    page.close()
    assert found.complaints == []
    assert [url for url in found.asked if not url.startswith(("data:", "file:"))] == []


@pytest.fixture
def view(tmp_path: Path) -> Callable[..., Path]:
    """`view("lift/episode_000000", "--release", folder)`: the page that the command wrote."""

    def run(*arguments: str | Path) -> Path:
        target = tmp_path / f"{len(list(tmp_path.iterdir()))}.html"
        done = CliRunner().invoke(app, ["view", *map(str, arguments), "--to", str(target)])
        assert done.exit_code == 0, done.output
        return target

    return run


def step_of(page: Any) -> int:
    return int(re.match(r"step (\d+) of", page.inner_text("#where"))[1])  # type: ignore[index]


def pixel(page: Any, selector: str, x: float, y: float) -> list[int]:
    """The colour at a place of a canvas, in parts of its size."""
    found = page.eval_on_selector(
        selector,
        "(c, [x, y]) => [...c.getContext('2d').getImageData(x * c.width | 0, y * c.height | 0, 1, 1).data]",
        [x, y],
    )
    return list(found[:3])


def refused(*arguments: str | Path) -> str:
    done = CliRunner().invoke(app, ["view", *map(str, arguments)])
    assert done.exit_code == 2, done.output
    return " ".join(done.output.split())
