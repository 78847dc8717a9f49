"""From a real workspace to the tasks of every project of its recipe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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


@pytest.fixture
def make(recipe: Recipe, tmp_path: Path) -> Make:
    """`make(project)`: trajectory → its tasks."""

    def made(project: str) -> Mapping[str, list[ReviewTask]]:
        desk, found = found_in(recipe, project)
        desk = Desk(desk.recipe, desk.spec, tmp_path)
        return {one.view.trajectory_id: tasks_of(desk, one) for one in found}

    return made


PROJECTS = ("clips", "contacts", "arc-story", "arc-steps", "screen-story", "screen-steps", "changes")


@pytest.mark.parametrize("project", PROJECTS)
def test_every_proposal_of_a_project_is_asked_about_once(recipe: Recipe, make: Make, tmp_path: Path, project: str) -> None:
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
            assert (tmp_path / address.removeprefix("/data/local-files/?d=")).is_file()
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
