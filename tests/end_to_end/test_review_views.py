"""All views from proposal to release, as people meet them: real Label Studio, real Chromium, mouse and keyboard.

Each task is opened in the label stream, one thing is corrected, and it is submitted; then the stored rows hold that
correction and nothing else. Pictures of what was seen are kept in `tests/output/review`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from annotators.label_studio.config import check_config
from annotators.label_studio.project import ReviewTask
from tests.end_to_end.conftest import Workplace
from tests.end_to_end.review_page import ReviewPage, centre
from tests.end_to_end.reviewed_workspace import LAYERS, Expected, Reviewed, copied, make, project

pytestmark = [pytest.mark.xdist_group("review_views"), pytest.mark.timeout(600)]

Correct = Callable[[ReviewPage, ReviewTask], Callable[[list[dict[str, Any]]], Expected]]
"""Corrects one thing on a page; gives what must come of it, once what was saved is known."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """The examples, read and proposed for."""
    found = make(tmp_path_factory.mktemp("views"))
    for verb in ("ingest", "propose"):
        done = found.cairn(verb)
        assert done.returncode == 0, done.stdout + done.stderr
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
        return found, reviewed.tasks(name)[found.title]

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
        assert found["rows"] >= len({(row["start"], row["end"]) for rows in task.rows.values() for row in rows})


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
    wanted = {"start": step, "end": step + 1, "label": "contact", "attributes": json.dumps({"resolution": 0.05})}
    return lambda _: Expected(task, {row["annotation_id"]: wanted})


VIEWS: dict[str, Correct] = {
    "robot_language": robot_language,
    "robot_contact": robot_contact,
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
    reviewed.done[view] = expected
