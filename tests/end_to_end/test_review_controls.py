"""Every control that people use by hand beside timelines, boxes and texts: outlines, checks, links, cells, rankings.

Each task is a real one, opened in the label stream of a real Label Studio. What no annotator of ours proposes, a source has
proposed here; it is corrected or rejected and something is added, with mouse and keyboard; then the stored rows hold that.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from annotators.annotation import Annotation
from annotators.label_studio.project import ReviewTask
from tests.end_to_end.conftest import ROOT, Workplace, place_in
from tests.end_to_end.review_page import ReviewPage, centre
from tests.end_to_end.reviewed_workspace import AGENTVIEW, LAYERS, SEEDS, Expected, Reviewed, plant

pytestmark = [pytest.mark.xdist_group("review_controls"), pytest.mark.timeout(600)]

PROJECTS = {
    "key-frames": ("robot_key_frames", ["affordance_box", "contact_points", "object_outline"]),
    "arc-steps": ("arc_steps", LAYERS["arc_steps"]),
    "gui-steps": ("gui_steps", LAYERS["gui_steps"]),
    "preference": ("verdict", ["preference"]),
}
"""Project → its view and layers."""

EPISODES, TRACES = ("lift/episode_000000", "lift/episode_000001"), ("puzzles/mirror_wrong_way_first",)
RECORDINGS = ("shop/buy_one", "shop/search")
FRAME = 31
"""The frame at which the gripper closes."""
OUTLINE = [140.0, 113.0, 161.0, 112.0, 172.0, 150.0, 139.0, 134.0]
"""Around the cube, but for the third corner."""


def outline() -> Annotation:
    """The cube, seen from the front."""
    size = {"frame_width": 320, "frame_height": 240}
    said = {"shape": "polygon", "label": "outline", "frames": [FRAME], "points": [OUTLINE], **size}
    return Annotation("object_outline", said, FRAME, FRAME + 1, stream=AGENTVIEW)


def cells(step: int, label: str, *which: tuple[int, int]) -> Annotation:
    said = {"shape": "cells", "label": label, "frames": [step], "cells": [list(cell) for cell in which]}
    return Annotation("marked", said, step, step + 1)


def check(step: int, function: str, key: str, expected: str) -> Annotation:
    said = {"name": function, "function": function, "args": {"key": key}, "expected": expected, "required": True}
    return Annotation("key_node", said, step, step + 1)


def link(source: int, destination: int, relation: str, targets: dict[int, str] | None = None) -> Annotation:
    """From one step to another, or between their targets: step → annotation_id."""
    ends = {} if targets is None else {"source": targets[source], "destination": targets[destination]}
    said = {**ends, "source_step": source, "destination_step": destination, "relation": relation, "critical": True}
    return Annotation("dependency", said, min(source, destination), max(source, destination) + 1)


def ranking() -> Annotation:
    """Three ways to go on, the first held to be the best."""
    said = {
        "enter": ("press Enter", {"keys": ["Enter"]}),
        "search": ("click the button beside the field", {"point": [827, 30]}),
        "sort": ("sort the whole list by price, and look for the cheapest ones at its beginning", {"point": [618, 99]}),
    }
    candidates = [
        {"id": name, "rank": rank, "text": text, "action": json.dumps(action), "source": "model"}
        for rank, (name, (text, action)) in enumerate(said.items(), 1)
    ]
    return Annotation("preference", {"context": {"found": "nothing yet"}, "candidates": candidates}, 3, 4)


def of_a_recording(targets: dict[int, str]) -> list[Annotation]:
    """Checks, links and a choice, at steps that have the targets."""
    checks = [
        check(3, "value", "#search", "pencil"),
        check(3, "url", "path", "/results"),
        check(6, "element", "#sort", "price"),
    ]
    links = [link(3, 7, "enables", targets), link(1, 2, "causes"), link(4, 10, "enables")]
    return [*checks, *links, ranking()]


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory: pytest.TempPathFactory, label_studio: Any) -> Reviewed:
    """The examples with what a source proposed for them, on the server."""
    data = ROOT / "examples/data"
    place = place_in(
        tmp_path_factory.mktemp("controls"),
        [
            {"name": "lift", "reader": "lerobot", "uri": str(data / "lift")},
            {"name": "puzzles", "reader": "braingridgame", "uri": str(data / "arc/mirror_wrong_way_first.json")},
            {"name": "shop", "reader": "playwright", "uri": str(data / "web")},
        ],
        [
            {"name": "robot.gripper_key_frames", "parameters": {"seeds": {"*": SEEDS}}},
            *("robot.clips", "arc.sub_goals", "gui.target_region", "gui.action_points"),
        ],
        review={"projects": [{"name": name, "view": view, "layers": own} for name, (view, own) in PROJECTS.items()]},
    )
    place.propose()
    return shown(place, label_studio)


def shown(place: Workplace, label_studio: Any) -> Reviewed:
    """A workspace with the proposals of a source, on the server."""
    found = Reviewed(place, label_studio)
    marks = [cells(2, "reason", (0, 0), (1, 0), (1, 1)), cells(3, "mistake", (2, 4))]
    targets = {name: {row["start"]: row["annotation_id"] for row in found.proposed(name, "target")} for name in RECORDINGS}
    plant(place, {EPISODES[0]: [outline()]})
    plant(place, dict.fromkeys(TRACES, marks))
    plant(place, {name: of_a_recording(targets[name]) for name in RECORDINGS})
    found.lines.extend(found.push())
    return found


@pytest.fixture
def opened(reviewed: Reviewed, label_stream: Any) -> Iterator[Callable[[str], tuple[ReviewPage, ReviewTask]]]:
    """`opened(name)`: the next task of a project as people get it, and the task that was pushed."""
    said: list[str] = []

    def go(name: str) -> tuple[ReviewPage, ReviewTask]:
        page = label_stream(reviewed.number(name))
        page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
        found = ReviewPage(page)
        page.locator(".lsf-outliner-item, .htx-ranker-item").first.wait_for()
        return found, reviewed.tasks(name)[found.title]

    yield go
    assert said == []


def settled(reviewed: Reviewed, expected: Expected) -> None:
    """That the submission came to this, and to nothing else."""
    assert reviewed.settle(expected.task.project).findings == ()
    expected.check(reviewed.states(expected.task))


def percents(task: ReviewTask, *points: tuple[float, float]) -> list[tuple[float, float]]:
    """Pixels of the frame as percents of the picture."""
    return [(100 * x / task.surface.width, 100 * y / task.surface.height) for x, y in points]


def in_reach(page: ReviewPage) -> None:
    """Nothing is covered, and nothing scrolls but the column beside the media."""
    found = page.layout()
    assert max(*found["page"], *found["main"]) <= 0
    assert found["missed"] == []


def mended(page: ReviewPage, task: ReviewTask) -> Any:
    """The third corner is pulled back to the cube."""
    (row,) = task.rows["object_outline"]
    (edge,) = percents(task, (150.5, 112.5))
    page.click_at(page.place_on_picture(*edge))
    page.drag_corner(2, (-23, -32))

    def expected(results: list[dict[str, Any]]) -> Expected:
        points = corners(task, next(result for result in results if result["id"] == row["annotation_id"]))
        scale = 320 / 734  # pixels of the frame per pixel of the page
        assert points == pytest.approx([*OUTLINE[:4], 172 - 23 * scale, 150 - 32 * scale, *OUTLINE[6:]], abs=1)
        assert points[:4] + points[6:] == pytest.approx(OUTLINE[:4] + OUTLINE[6:], abs=0.01)
        wanted = {name: row[name] for name in ("start", "end", "stream", "label", "frames", "frame_width", "frame_height")}
        return Expected(task, {row["annotation_id"]: {**wanted, "shape": "polygon", "points": [points]}})

    return expected


def drawn(page: ReviewPage, task: ReviewTask) -> Any:
    """The outline lies inside the box of the grasp, and the fingers lie on it."""
    places = [(143.0, 147.0), (141.0, 126.0), (159.0, 126.0), (158.0, 146.0)]
    page.draw_outline("4", *percents(task, *places))

    def expected(results: list[dict[str, Any]]) -> Expected:
        points = corners(task, next(result for result in results if result["type"] == "polygonlabels"))
        assert points == pytest.approx([at for place in places for at in place], abs=1)
        about = {"layer": "object_outline", "start": FRAME, "end": FRAME + 1, "stream": AGENTVIEW, "frames": [FRAME]}
        return Expected(task, added=({**about, "shape": "polygon", "label": "outline", "points": [points]},))

    return expected


def corners(task: ReviewTask, saved: dict[str, Any]) -> list[float]:
    """Pixels of the frame: x, y of each corner in turn."""
    width, height = task.surface.width, task.surface.height
    return [at for x, y in saved["value"]["points"] for at in (x * width / 100, y * height / 100)]


def test_an_outline_is_mended_and_another_is_drawn(reviewed: Reviewed, opened: Any) -> None:
    """One episode has an outline of which a corner lies wrong, the other has none."""
    for _ in EPISODES:
        page, task = opened("key-frames")
        in_reach(page)
        correct = mended if task.rows["object_outline"] else drawn
        saved = correct(page, task)
        page.keep(f"outline_{correct.__name__}")
        settled(reviewed, saved(page.submit()["result"]))


def test_checks_of_a_step(reviewed: Reviewed, opened: Any) -> None:
    """One has another value, one need not hold, and one more has to."""
    page, task = opened("gui-steps")
    by_function = {row["function"]: row for row in task.rows["key_node"]}
    value, url = by_function["value"], by_function["url"]
    for said in ("key node, step 3: value #search = pencil", "key node, step 3: url path = /results"):
        assert said in page.proposed
    page.go_to_picture(4)
    page.select_shape(value["annotation_id"])
    page.keep("check_selected")
    in_reach(page)
    page.mend_text("pencil", "pencils")
    page.press("u")
    page.select_shape(url["annotation_id"])
    page.press("Backspace")
    page.draw_box("n", (90, 80, 94, 86))
    page.click_at(page.place_on_picture(92, 83))
    page.write_text("key_node_key", "title")
    page.write_text("key_node_value", "Larch Lane")
    page.keep("check_added")
    in_reach(page)
    page.submit()
    at = {"start": 3, "end": 4}
    changed = {**at, "function": "value", "args": {"key": "#search"}, "expected": "pencils", "required": True}
    new = {"layer": "key_node", **at, "name": "state", "function": "state", "args": {"key": "title"}, "expected": "Larch Lane"}
    gone, empty = (url["annotation_id"],), ("caption", "step_verdict")
    settled(reviewed, Expected(task, {value["annotation_id"]: changed}, added=(new,), rejected=gone, empty=empty))


def test_links_between_steps_and_regions(reviewed: Reviewed, opened: Any) -> None:
    """One has the wrong word, one is none, one is left as it is, and a target is linked to a later step."""
    page, task = opened("gui-steps")
    by_ends = {(row["source_step"], row["destination_step"]): row for row in task.rows["dependency"]}
    target = next(row["annotation_id"] for row in task.rows["target"] if row["start"] == 4)
    page.go_to_picture(5)
    page.link(target, 7, "marker.6", "enables")
    page.keep("link_added")
    assert [ends for ends in page.links() if ends[0].startswith("step")] == [["step 1", "step 2"], ["step 4", "step 10"]]
    page.say_of_link(["step 1", "step 2"], "enables")
    page.delete_link(["step 4", "step 10"])
    page.keep("links")
    in_reach(page)
    page.submit()
    ends = {"source": None, "destination": None, "source_step": 1, "destination_step": 2}
    changed = {"start": 1, "end": 3, **ends, "relation": "enables"}
    ends = {"source": target, "destination": None, "source_step": 4, "destination_step": 6}
    new = {"layer": "dependency", "start": 4, "end": 7, **ends, "relation": "enables"}
    gone = (by_ends[4, 10]["annotation_id"],)
    empty = ("caption", "step_verdict")
    settled(reviewed, Expected(task, {by_ends[1, 2]["annotation_id"]: changed}, added=(new,), rejected=gone, empty=empty))


def test_cells_are_marked(reviewed: Reviewed, opened: Any) -> None:
    """One more cell is the reason of a step, no cell is a mistake of the next, and some are of another: two boxes, one row."""
    page, task = opened("arc-steps")
    reason, mistake = task.rows["marked"]
    left, top, cell, *_ = task.data["grid"]

    def box(row: float, column: float, row_end: float, column_end: float) -> tuple[float, float, float, float]:
        places = [(left + cell * column, top + cell * row), (left + cell * column_end, top + cell * row_end)]
        (x, y), (x_end, y_end) = percents(task, *places)
        return x, y, x_end, y_end

    page.go_to_picture(3)
    page.select_shape(f"{reason['annotation_id']}.1")
    right = centre(page.shape("middle-right _anchor"))
    page.drag(right, (page.place_on_picture(*box(0, 0, 0, 2.9)[2:])[0], right[1] + 3))
    page.keep("cells_mended")
    page.go_to_picture(4)
    page.select_shape(f"{mistake['annotation_id']}.0")
    page.press("Backspace")
    page.go_to_picture(7)
    page.draw_box("2", box(-0.1, 3.2, 1.8, 4.9))
    page.draw_box("2", box(2.3, 0.2, 2.8, 0.9))
    page.keep("cells_drawn")
    in_reach(page)
    page.submit()
    changed = {"start": 2, "end": 3, "label": "reason", "frames": [2], "cells": [[0, 0], [1, 0], [1, 1], [1, 2]]}
    drawn = [[0, 3], [0, 4], [1, 3], [1, 4], [2, 0]]
    new = {"layer": "marked", "start": 6, "end": 7, "shape": "cells", "label": "mistake", "frames": [6], "cells": drawn}
    gone = (mistake["annotation_id"],)
    settled(reviewed, Expected(task, {reason["annotation_id"]: changed}, added=(new,), rejected=gone, empty=("intent",)))


def test_candidates_are_ranked(reviewed: Reviewed, opened: Any) -> None:
    """The last one is the best."""
    page, task = opened("preference")
    (row,) = task.rows["preference"]
    assert page.order == [candidate["id"] for candidate in row["candidates"]]
    for candidate in row["candidates"]:
        assert candidate["text"] in page.proposed
    page.drag_to_top("sort")
    page.keep("ranked")
    in_reach(page)
    page.submit()
    ranks = {"enter": 2, "search": 3, "sort": 1}
    candidates = [{**candidate, "rank": ranks[candidate["id"]]} for candidate in row["candidates"]]
    changed = {"start": 3, "end": 4, "context": json.loads(row["context"]), "candidates": candidates}
    settled(reviewed, Expected(task, {row["annotation_id"]: changed}))
