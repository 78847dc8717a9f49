"""From a real workspace to the tasks of every project of its recipe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import pytest

from annotators.label_studio.codec import encode
from annotators.label_studio.config import check_results, render
from annotators.label_studio.project import ReviewTask
from pipelines.io.store import Store
from pipelines.recipe import Recipe, load_recipe
from pipelines.review.tasks import Desk, asked_about, spans_of, tasks_of
from pipelines.review.workspace import Reviewable, reviewable

Make = Callable[[str], Mapping[str, list[ReviewTask]]]


@pytest.fixture(scope="module")
def recipe(quickstart: Path) -> Recipe:
    return load_recipe(quickstart.parents[1] / "quickstart.yaml")


def found_in(recipe: Recipe, project: str) -> tuple[Desk, list[Reviewable]]:
    assert recipe.review is not None
    spec = next(spec for spec in recipe.review.projects if spec.name == project)
    desk = Desk(recipe.name, spec, Path("unset"))
    return desk, list(reviewable(recipe, Store(recipe.workspace_uri), desk.project.review_view.domain, desk.project.layers))


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the pictures and videos of tasks are put."""
    return tmp_path_factory.mktemp("media")


@pytest.fixture(scope="module")
def make(recipe: Recipe, media: Path) -> Make:
    """`make(project)`: trajectory → its tasks, made once."""

    @cache
    def made(project: str) -> Mapping[str, list[ReviewTask]]:
        desk, found = found_in(recipe, project)
        desk = Desk(desk.recipe, desk.spec, media)
        return {one.view.trajectory_id: tasks_of(desk, one) for one in found}

    return made


PROJECTS = ("clips", "contacts", "arc-story", "arc-steps", "screen-story", "screen-steps", "changes")


@pytest.mark.parametrize("project", PROJECTS)
def test_every_proposal_of_a_project_is_asked_about_once(recipe: Recipe, make: Make, media: Path, project: str) -> None:
    desk, found = found_in(recipe, project)
    tasks = make(project)
    proposed = {row["annotation_id"] for one in found for rows in one.rows.values() for row in rows}
    shown = [row["annotation_id"] for of in tasks.values() for task in of for rows in task.rows.values() for row in rows]
    assert sorted(shown) == sorted(proposed)
    assert asked_about([task for of in tasks.values() for task in of]) == len(proposed)
    for task in (task for of in tasks.values() for task in of):
        assert task.uid.startswith(f"quickstart/{project}/1/{task.trajectory_id}")
        assert set(task.rows) == set(desk.project.layers)
        addresses = task.data.get("images") or [task.data["media"]]
        for address in addresses:
            assert (media / address.removeprefix("/data/local-files/?d=")).is_file()
        if "images" in task.data:
            assert len(addresses) == len(task.surface.steps)


@pytest.mark.parametrize("project", PROJECTS)
def test_what_is_sent_is_sound(recipe: Recipe, make: Make, project: str) -> None:
    desk, _ = found_in(recipe, project)
    config = render(desk.project)
    for task in (task for of in make(project).values() for task in of):
        results = encode(desk.project, task).results
        assert check_results(config, task.uid, task.surface, results) == []


def test_texts_stand_beside_the_video(make: Make) -> None:
    (task,) = make("clips")["lift/episode_000000"]
    lines = task.data["proposed"].splitlines()
    assert len(lines) == len(task.rows["primitive_skill"]) == len(task.rows["subtask"])
    for number, (line, skill, text) in enumerate(
        zip(lines, task.rows["primitive_skill"], task.rows["subtask"], strict=True), 1
    ):
        assert line.startswith(f"{number}. {skill['label']}: {text['text']} (")
    assert task.data["title"] == "lift/episode_000000: lift the red cube"
    assert task.data["fps"] == task.surface.fps


def test_an_arc_story_comes_with_stretches_and_a_strategy(make: Make) -> None:
    tasks = make("arc-story")
    (task,) = tasks["puzzles/fall_cell_by_cell"]
    assert {"detour", "strategy", "sub_goal"} == {layer for layer, rows in task.rows.items() if rows}
    lines = task.data["proposed"].splitlines()
    assert "strategy: cell-wise" in lines[-1]
    assert sum("undone (" in line for line in lines) == 1
    assert all(any(task.rows["sub_goal"] for task in of) for of in tasks.values())


def test_arc_steps_come_with_what_each_was_for_and_what_it_got_wrong(recipe: Recipe, make: Make) -> None:
    desk, found = found_in(recipe, "arc-steps")
    (task,) = make("arc-steps")["puzzles/fall_cell_by_cell"]
    lines = task.data["proposed"].splitlines()
    assert lines[:3] == [
        "1. intent, step 2: draw one cell in blue",
        "2. intent, step 5: draw 2 cells in red",
        "3. marked, step 5: mistake",
    ]
    assert lines[-1] == f"{len(lines)}. intent, step 16: hand it in: it is the answer"
    results = encode(desk.project, task).results
    texts = {r["item_index"]: r["value"]["text"] for r in results if r["from_name"] == "intent"}
    assert texts[5] == ["draw 2 cells in red"]
    (mark,) = [r for r in results if r["from_name"] == "marked"]
    x, y, cell, _, _ = task.data["grid"]
    width, height = task.surface.width, task.surface.height
    assert mark["item_index"] == 5
    assert mark["value"]["rectanglelabels"] == ["mistake"]
    corner = [mark["value"]["x"] * width / 100, mark["value"]["y"] * height / 100]
    assert corner == pytest.approx([x + 3 * cell, y + 3 * cell], abs=0.01)
    assert all(one.tasks[one.view.header["task_id"]]["demonstrations"] for one in found)


def test_a_named_element_is_named(make: Make) -> None:
    (task,) = make("screen-steps")["shop/buy_one"]
    assert 'button "Place order"' in task.data["proposed"]


def test_an_event_is_shown_with_a_second_on_either_side(recipe: Recipe, make: Make) -> None:
    _, found = found_in(recipe, "contacts")
    for one in found:
        for task in make("contacts")[one.view.trajectory_id]:
            (event,) = task.rows["contact"]
            times = one.view.steps["timestamp"].to_pylist()
            middle = times[event["start"]]
            assert times[task.surface.start] == pytest.approx(max(0.0, middle - 1), abs=0.06)
            assert times[task.surface.end - 1] == pytest.approx(min(times[-1], middle + 1), abs=0.06)
            assert len(task.surface.steps) == task.surface.end - task.surface.start, "full rate"


def test_tasks_that_were_pushed_keep_their_borders(recipe: Recipe, tmp_path: Path) -> None:
    desk, found = found_in(recipe, "clips")
    desk = Desk(desk.recipe, desk.spec, tmp_path)
    one = found[0]
    steps = one.view.num_steps
    cut = {f"{one.view.trajectory_id}#0-35@x": ((0, 40), (0, 35))}
    assert [task.owned for task in tasks_of(desk, one, cut)] == [None], "another camera's"
    stream = one.view.header["streams"][0]["name"]
    known = {
        f"{one.view.trajectory_id}#0-35@{stream}": ((0, 35), (0, 35)),
        f"{one.view.trajectory_id}#35-{steps}@{stream}": ((25, steps), (35, steps)),
    }
    tasks = tasks_of(desk, one, known)
    assert [task.owned for task in tasks] == [(0, 35), (35, steps)]
    assert [spans_of(task, steps) for task in tasks] == list(known.values())
