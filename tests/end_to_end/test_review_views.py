"""All views from proposal to release, as people meet them: real Label Studio, real Chromium, mouse and keyboard.

Each task is opened in the label stream, one thing is corrected, and it is submitted; then the stored rows hold that
correction and nothing else. Pictures of what was seen are kept in `tests/output/review`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from annotators.label_studio.codec.timeline import frame_range, step_range
from annotators.label_studio.config import check_config
from annotators.label_studio.config.hotkeys import terms_of
from annotators.label_studio.project import ReviewTask
from schemas.layers import layer
from tests.end_to_end.conftest import Workplace
from tests.end_to_end.review_page import OUTPUT, ReviewPage, centre
from tests.end_to_end.reviewed_workspace import LAYERS, Between, Expected, Reviewed, copied, empty, make, project

pytestmark = [pytest.mark.xdist_group("review_views"), pytest.mark.timeout(600)]

Correct = Callable[[ReviewPage, ReviewTask], Callable[[list[dict[str, Any]]], Expected]]
"""Corrects one thing on a page; gives what must come of it, once what was saved is known."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """The examples, read and proposed for."""
    found = make(tmp_path_factory.mktemp("views"))
    found.propose()
    return found


@pytest.fixture(scope="module")
def reviewed(place: Workplace, label_studio: Any) -> Reviewed:
    """The workspace with all its tasks on the server."""
    found = Reviewed(place, label_studio)
    lines = found.push()
    assert sum("tasks sent" in line for line in lines) == len(LAYERS)
    return found


@pytest.fixture
def opened(label_stream: Any) -> Iterator[Callable[[Reviewed, str], tuple[ReviewPage, ReviewTask]]]:
    """`opened(reviewed, name)`: the next task of a project as people get it, and the task that was pushed."""
    said: list[str] = []

    def go(reviewed: Reviewed, name: str) -> tuple[ReviewPage, ReviewTask]:
        page = label_stream(reviewed.number(name))
        page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
        found = ReviewPage(page)
        task = reviewed.tasks(name)[found.title]
        if any(task.rows.values()) and not name.startswith("verdict") and "blind" not in name:
            page.locator(".lsf-outliner-item").first.wait_for()
            if "media" in task.data:  # the timeline draws its rows after the outliner
                page.locator(".lsf-keypoints").nth(len(intervals(task)) - 1).wait_for()
        return found, task

    yield go
    assert said == []


def assert_in_sight(page: ReviewPage, task: ReviewTask, reviewed: Reviewed) -> None:
    """Nothing is covered, nothing scrolls but the lists beside the media, and every proposal can be read at once."""
    found = page.layout()
    assert max(found["page"]) <= 0
    assert max(found["main"]) <= 0
    assert found["missed"] == []
    submit = found["submit"]
    assert 0 < submit["y"] < submit["y"] + submit["height"] <= 900
    left, top, right, bottom = found["media"]
    assert 0 <= left < right <= 1440
    assert 0 <= top < bottom <= submit["y"]
    shown = found["proposed"]
    if not any(task.rows.values()):
        assert "nothing" in page.proposed
        return
    assert shown["hidden"] <= 0
    assert shown["box"][3] <= submit["y"]
    for rows in task.rows.values():
        for row in rows:
            texts = [row.get("label"), row.get("text"), *(row.get("texts") or [])]
            assert all(text in shown["text"] for text in texts if text), shown["text"]
    if "media" in task.data:
        assert found["rows"] >= len(intervals(task))


def intervals(task: ReviewTask) -> set[tuple[int, int]]:
    """The intervals of a task's rows: a timeline shows a row for each, at least."""
    return {(row["start"], row["end"]) for rows in task.rows.values() for row in rows}


def assert_keys(page: ReviewPage, reviewed: Reviewed, name: str) -> None:
    """The config on the server is sound, and each key that stands beside a label chooses that label alone."""
    number = reviewed.number(name)
    spec = next(spec for spec in reviewed.recipe.review.projects if spec.name == name)  # type: ignore[union-attr]
    assert check_config(spec.project, reviewed.label_studio.client.project(number)["label_config"]) == []
    labels = page.page.locator(".review-side .lsf-label:visible")
    for at in range(labels.count()):
        word, key = labels.nth(at).inner_text().split("\n")
        page.page.keyboard.press(key)
        chosen = page.page.locator(".review-side .lsf-label_selected")
        chosen.filter(has_text=word).wait_for()
        assert chosen.count() == 1
    page.page.keyboard.press("u")
    page.page.keyboard.press("Escape")


# What is corrected


def ids(task: ReviewTask, layer: str) -> list[str]:
    return [row["annotation_id"] for row in task.rows[layer]]


def robot_language(page: ReviewPage, task: ReviewTask) -> Any:
    """The first clip ends two frames later: the clip after it begins there."""
    skills, texts = task.rows["primitive_skill"], task.rows["subtask"]
    page.drag_boundary(skills[0]["annotation_id"], 2)
    border = task.surface.steps[page.frames(skills[0]["annotation_id"])[1]]
    assert border > skills[0]["end"]
    moved = [({"end": border}, 0), ({"start": border}, 1)]
    return lambda _: Expected(
        task,
        {
            rows[at]["annotation_id"]: {**{n: rows[at][n] for n in ("start", "end", "label", "text")}, **change}
            for rows in (skills, texts)
            for change, at in moved
        },
    )


def robot_contact(page: ReviewPage, task: ReviewTask) -> Any:
    """The contact is two frames later; the correction says how finely it could be placed."""
    (row,) = task.rows["contact"]
    page.drag_event(row["annotation_id"], 2)
    step = task.surface.steps[page.frames(row["annotation_id"])[0] - 1]
    assert step == row["start"] + 2
    wanted = {"start": step, "end": step + 1, "label": "contact", "attributes": {"resolution": 0.05}}
    return lambda _: Expected(task, {row["annotation_id"]: wanted})


def robot_tracks(page: ReviewPage, task: ReviewTask) -> Any:
    """The box has drifted on frame 26: it is put right there; the tracker fills in around it."""
    (row,) = task.rows["object_box"]
    at = 25
    page.go_to_frame(at + 1)
    page.drag_track(row["annotation_id"], (6, 4))

    def expected(results: list[dict[str, Any]]) -> Expected:
        sequence = next(r for r in results if r["id"] == row["annotation_id"])["value"]["sequence"]
        set_by_person = pixels(next(key for key in sequence if key["frame"] == at + 1), task)
        moved = np.subtract(set_by_person, row["boxes"][at])
        assert moved == pytest.approx([6, 4, 6, 4], abs=1)
        boxes, between = list(row["boxes"]), list(row["interpolated"])
        assert between[at]
        boxes[at], between[at] = set_by_person, False
        wanted = {name: row[name] for name in ("start", "end", "stream", "label", "track", "frames", "visible")}
        return Expected(task, {row["annotation_id"]: {**wanted, "interpolated": between, "boxes": Between(boxes, between)}})

    return expected


def robot_key_frames(page: ReviewPage, task: ReviewTask) -> Any:
    """A finger touches the object somewhere else: the point is dragged there, though it lies on the box of the grasp."""
    (row,) = task.rows["contact_points"]
    region = f"{row['annotation_id']}.1"
    page.go_to_picture(task.surface.frames.index(row["frames"][0]) + 1)
    page.drag_shape(region, (14, -9))

    def expected(results: list[dict[str, Any]]) -> Expected:
        saved = next(r for r in results if r["id"] == region)["value"]
        x, y = saved["x"] * task.surface.width / 100, saved["y"] * task.surface.height / 100
        first = list(row["points"][0])
        scale = 320 / 734  # pixels of the frame per pixel of the page
        assert [x - first[2], y - first[3]] == pytest.approx([14 * scale, -9 * scale], abs=1)
        wanted = {name: row[name] for name in ("start", "end", "stream", "label", "frames")}
        return Expected(task, {row["annotation_id"]: {**wanted, "points": [[*first[:2], x, y]]}})

    return expected


def arc_story(page: ReviewPage, task: ReviewTask) -> Any:
    """What was taken for building mends a mistake: its word is changed by its key."""
    row = task.rows["sub_goal"][1]
    assert row["label"] == "build"
    page.select(row["annotation_id"])
    page.press("3")
    page.row(row["annotation_id"]).get_by_text("repair").wait_for()
    wanted = {"start": row["start"], "end": row["end"], "label": "repair"}
    return lambda _: Expected(task, {row["annotation_id"]: wanted}, empty=("rule", "strategy"))


def arc_steps(page: ReviewPage, task: ReviewTask) -> Any:
    """The fourth step is given a purpose in words."""
    page.go_to_picture(4)
    page.write_text("intent", "copy the left half")
    wanted = {"layer": "intent", "start": 3, "end": 4, "channel": "intent", "steps": [3], "texts": ["copy the left half"]}
    return lambda _: Expected(task, added=(wanted,), empty=("marked",))


def gui_story(page: ReviewPage, task: ReviewTask) -> Any:
    """One purpose is said in better words; the word and the borders of the stretch stay."""
    row = task.rows["activity"][1]
    page.select(row["annotation_id"])
    page.mend_text(row["text"], "find the cheapest pencils")
    wanted = {"start": row["start"], "end": row["end"], "label": row["label"], "text": "find the cheapest pencils"}
    return lambda _: Expected(task, {row["annotation_id"]: wanted}, empty=("anchor",))


def gui_steps(page: ReviewPage, task: ReviewTask) -> Any:
    """A step without a target is given one."""
    step = 2
    assert step not in {row["start"] for row in task.rows["target"]}
    page.go_to_picture(step + 1)
    page.draw_box("3", (29, 3, 80, 9))

    def expected(results: list[dict[str, Any]]) -> Expected:
        known = {row["annotation_id"] for rows in task.rows.values() for row in rows}
        (saved,) = [r for r in results if r.get("from_name") == "target" and r["id"] not in known]
        box = pixels(saved["value"], task)
        width, height = task.surface.width, task.surface.height
        assert box == pytest.approx([0.29 * width, 0.03 * height, 0.80 * width, 0.09 * height], abs=2)
        wanted = {"layer": "target", "start": step, "end": step + 1, "shape": "box", "label": "textbox", "frames": [step]}
        size = {"frame_width": width, "frame_height": height}
        empty = ("caption", "dependency", "key_node", "step_verdict")
        return Expected(task, added=({**wanted, **size, "boxes": [box]},), empty=empty)

    return expected


def verdict(page: ReviewPage, task: ReviewTask) -> Any:
    """All pictures are right but the third."""
    rows = task.rows["changed_region"]
    for number in range(len(rows)):
        page.go_to_picture(number + 1)
        page.choose("2" if number == 2 else "1", "wrong" if number == 2 else "right")
    return lambda _: Expected(task, rejected=(rows[2]["annotation_id"],))


def pixels(value: dict[str, Any], task: ReviewTask) -> list[float]:
    """A box as Label Studio saves it (percent) in pixels of the frame."""
    width, height = task.surface.width, task.surface.height
    left, top = value["x"] * width / 100, value["y"] * height / 100
    return [left, top, left + value["width"] * width / 100, top + value["height"] * height / 100]


VIEWS: dict[str, Correct] = {
    "robot_language": robot_language,
    "robot_contact": robot_contact,
    "robot_tracks": robot_tracks,
    "robot_key_frames": robot_key_frames,
    "arc_story": arc_story,
    "arc_steps": arc_steps,
    "gui_story": gui_story,
    "gui_steps": gui_steps,
    "verdict": verdict,
}


@pytest.mark.parametrize("view", VIEWS)
def test_one_thing_is_corrected(reviewed: Reviewed, opened: Any, view: str) -> None:
    name = view.replace("_", "-")
    page, task = opened(reviewed, name)
    page.keep(f"{view}_opened")
    assert_in_sight(page, task, reviewed)
    assert_keys(page, reviewed, name)
    saved = VIEWS[view](page, task)
    page.keep(f"{view}_corrected")
    results = page.submit()["result"]
    expected = saved(results)
    assert reviewed.settle(name).findings == ()
    expected.check(reviewed.states(task))
    reviewed.done[view], reviewed.efforts[view] = expected, page.effort


# More that people mend, on the second task of a project


def mend_subtask(page: ReviewPage, task: ReviewTask) -> Any:
    """One sentence is written anew: the skill on the same region is accepted."""
    row = task.rows["subtask"][2]
    page.select(task.rows["primitive_skill"][2]["annotation_id"])
    page.mend_text(row["text"], "raise the cube off the table")
    wanted = {"start": row["start"], "end": row["end"], "label": None, "text": "raise the cube off the table"}
    return lambda _: Expected(task, {row["annotation_id"]: wanted})


def drag_vertex(page: ReviewPage, task: ReviewTask) -> Any:
    """The end of a path is dragged; its step and the other points stay."""
    row = task.rows["trace"][4]
    last = len(row["points"]) - 1
    page.go_to_picture(task.surface.steps.index(row["start"]) + 1)
    page.click_at(centre(page.shape(f"point-{last}")))
    page.drag_shape(f"point-{last}", (-22, 11))

    def expected(results: list[dict[str, Any]]) -> Expected:
        vertices = next(r for r in results if r["id"] == row["annotation_id"])["value"]["vertices"]
        saved = [vertices[last]["x"] * task.surface.width / 100, vertices[last]["y"] * task.surface.height / 100]
        points = [list(point) for point in row["points"]]
        assert np.subtract(saved, points[last]) == pytest.approx([-22 * 320 / 734, 11 * 320 / 734], abs=1)
        points[last] = saved
        wanted = {name: row[name] for name in ("start", "end", "stream", "label", "space", "steps", "valid", "horizon")}
        return Expected(task, {row["annotation_id"]: {**wanted, "points": points}})

    return expected


@pytest.mark.parametrize(("view", "correct"), [("robot_language", mend_subtask), ("robot_key_frames", drag_vertex)])
def test_something_else_is_corrected(reviewed: Reviewed, opened: Any, view: str, correct: Correct) -> None:
    name = view.replace("_", "-")
    page, task = opened(reviewed, name)
    saved = correct(page, task)
    page.keep(f"{view}_{correct.__name__}")
    expected = saved(page.submit()["result"])
    assert reviewed.settle(name).findings == ()
    expected.check(reviewed.states(task))
    reviewed.done[correct.__name__] = expected


def test_the_release_holds_the_corrections_and_what_they_supersede(reviewed: Reviewed, opened: Any) -> None:
    if not reviewed.done:  # alone, or on a worker of its own
        test_one_thing_is_corrected(reviewed, opened, "robot_contact")
    done = reviewed.place.cairn("release")
    assert done.returncode == 0, done.stdout + done.stderr
    for expected in reviewed.done.values():
        expected.check_release(reviewed)


# The same without proposals


def words(layer_name: str) -> dict[str, str]:
    """Word → its key."""
    return {term.value: str(term.hotkey) for term in terms_of(layer(layer_name))}


def spans_from_nothing(page: ReviewPage, task: ReviewTask) -> None:
    """All spans that were proposed, drawn and named by hand, with their texts."""
    texts = {(row["start"], row["end"]): row["text"] for row in task.rows.get("subtask", ())}
    for name in ("primitive_skill", "sub_goal", "detour"):
        for row in task.rows.get(name, ()):
            first, last = frame_range(task.surface, row["start"], row["end"])
            region = page.draw_span(words(name)[row["label"]], first, last)
            if text := texts.get((row["start"], row["end"])):
                page.select(region)
                page.write_text("subtask_text", text)


def regions_from_nothing(page: ReviewPage, task: ReviewTask) -> None:
    """All points and boxes that were proposed, drawn by hand; a click on a box would select it, so the points come first."""
    width, height = task.surface.width, task.surface.height
    for step in task.surface.steps:
        boxes, points = ([r for r in task.rows[name] if r["start"] == step] for name in ("target", "action_point"))
        if boxes or points:
            page.go_to_picture(step + 1)
        for row in points:
            x, y = row["points"][0]
            page.set_point(words("action_point")[row["label"]], 100 * x / width, 100 * y / height)
        for row in boxes:
            label = row["label"].split(" ")[0]
            key = words("target").get(label, words("target")["other"])
            x_min, y_min, x_max, y_max = row["boxes"][0]
            page.draw_box(key, (100 * x_min / width, 100 * y_min / height, 100 * x_max / width, 100 * y_max / height))


BLIND = {"robot_language": spans_from_nothing, "arc_story": spans_from_nothing, "gui_steps": regions_from_nothing}


def test_the_same_from_nothing_takes_more(reviewed: Reviewed, opened: Any, tmp_path: Path) -> None:
    projects = [{**project(view), "name": f"{view.replace('_', '-')}-blind", "proposals": False} for view in BLIND]
    blind = Reviewed(copied(reviewed.place, tmp_path / "blind", projects), reviewed.label_studio)
    blind.push()
    lines = [f"{'view':16} {'':18} clicks drags keys total"]
    for view, from_nothing in BLIND.items():
        name = view.replace("_", "-")
        page, task = opened(blind, f"{name}-blind")
        assert page.page.locator(".lsf-outliner-item").count() == 0
        shown = reviewed.tasks(name)[page.title]
        from_nothing(page, shown)
        page.keep(f"{view}_from_nothing")
        page.submit()
        assert blind.settle(f"{name}-blind").findings == ()
        own = [row for row in blind.states(task) if row["status"] != "rejected"]  # what was proposed unseen gives way
        assert said(own) == said([row for rows in shown.rows.values() for row in rows], shown)
        for what, effort in (("with a proposal", reviewed.efforts.get(view)), ("without", page.effort)):
            if effort is not None:
                numbers = f"{effort.clicks:6} {effort.drags:5} {effort.keys:4} {effort.total:5}"
                lines.append(f"{view:16} {what:18} {numbers}")
        if view in reviewed.efforts:
            assert reviewed.efforts[view].total < page.effort.total / 3
    table = "\n".join(lines)
    print(f"\n{table}")
    OUTPUT.mkdir(parents=True, exist_ok=True)
    (OUTPUT / "effort.txt").write_text(table + "\n")


def said(rows: list[dict[str, Any]], task: ReviewTask | None = None) -> set[tuple[Any, ...]]:
    """What rows say, as a person can say it with a mouse: intervals of the proxy's frames, words, texts."""
    found = set()
    for row in rows:
        start, end = row["start"], row["end"]
        if task is not None and row["layer"] not in ("target", "action_point"):
            start, end = step_range(task.surface, *frame_range(task.surface, start, end))
        word = row.get("label")
        if row["layer"] == "target" and word not in words("target"):
            word = "other" if task is None or word.split(" ")[0] not in words("target") else word.split(" ")[0]
        if not empty(row) or task is not None:
            found.add((row["layer"], start, end, word, row.get("text")))
    return found
