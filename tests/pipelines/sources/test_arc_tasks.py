"""The `arc_tasks` reader on the real tasks and on files with a fault each, and how trajectories get their task."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from annotators.task import Tasks
from pipelines.engine.job import read_outcome
from pipelines.io.store import Store
from pipelines.recipe import Recipe
from pipelines.stages.ingest import Ingest
from pipelines.stages.propose import Propose

TASK = {"train": [{"input": [[1]], "output": [[2, 2]]}], "test": [{"input": [[3]], "output": [[4]]}, {"input": [[5]]}]}


def write(folder: Path, **files: Any) -> Path:
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / f"{name}.json").write_text(content if isinstance(content, str) else json.dumps(content))
    return folder


def test_the_400_tasks_are_read(shared_data: Path, read_source: Callable[..., Any]) -> None:
    found = read_source("arc_tasks", shared_data / "arc" / "arc_agi_1" / "training", collection="ARC-AGI-1")

    assert not found.rejects
    assert not found.trajectories
    assert len(found.tasks) == 400
    task = found.tasks["007bbfb7"]
    assert (task.collection, len(task.demonstrations), len(task.tests)) == ("ARC-AGI-1", 5, 1)
    assert task.tests[0].input.tolist() == [[7, 0, 7], [7, 0, 7], [7, 7, 0]]
    assert task.tests[0].output.shape == (9, 9)
    assert sum(len(found.tasks[name].tests) > 1 for name in found.tasks) == 14


def test_an_unknown_answer_is_null(read_source: Callable[..., Any], tmp_path: Path) -> None:
    found = read_source("arc_tasks", write(tmp_path / "tasks", a=TASK))
    task = found.tasks["a"]

    assert task.tests[1].output is None
    assert task.test(1).input.tolist() == [[5]]
    assert (task.test(2), task.test(None), task.collection) == (None, None, None)
    with pytest.raises(ValueError, match="read-only"):
        task.tests[0].input[0, 0] = 1


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("{", "json_invalid"),
        ("[]", "not_a_task"),
        ({"train": []}, "not_a_task"),
        ({"train": 3, "test": [{"input": [[1]]}]}, "not_a_task"),
        ({"train": [], "test": [{"output": [[1]]}]}, "pair_invalid"),
        ({"train": [], "test": [{"input": [[1, 2], [3]]}]}, "grid_ragged"),
        ({"train": [], "test": [{"input": [["1"]]}]}, "grid_colour"),
        ({"train": [], "test": [{"input": [[10]]}]}, "grid_colour"),
        ({"train": [], "test": [{"input": [[0] * 31]}]}, "grid_size"),
    ],
)
def test_a_file_that_is_no_task_costs_itself_alone(
    read_source: Callable[..., Any], tmp_path: Path, content: Any, code: str
) -> None:
    found = read_source("arc_tasks", write(tmp_path / "tasks", a=TASK, b=content))

    assert list(found.tasks) == ["a"]
    assert [(reject.native_id, reject.code) for reject in found.rejects] == [("b", code)]


RECIPE = """
name: test
license: cc0-1.0
workspace: out
sources:
  - {name: traces, reader: braingridgame, uri: traces, license: mit}
  - {name: tasks, reader: arc_tasks, uri: tasks, license: apache-2.0}
annotators: [arc.success, arc.noop]
"""


@pytest.fixture
def workspace(tmp_path: Path) -> tuple[Recipe, Store]:
    """Two histories, of a task that is there and of one that is not; ingested."""
    from pipelines.recipe import load_recipe

    write(tmp_path / "tasks", a=TASK)
    for name, task in (("one", "a"), ("other", "z")):
        shown = {"imageHandle": "test 0 output", "image": [[4]]}
        history = [
            {"id": i, "wait": 1, "message": "", "context": {"action": action, **shown}}
            for i, action in enumerate(("hide overview show editor", "submit"))
        ]
        history[1]["context"]["correct"] = False  # type: ignore[index]
        write(tmp_path / "traces", **{name: {"task": task, "dataset": "ARC", "history": history}})
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    recipe = load_recipe(tmp_path / "recipe.yaml")
    store = Store(recipe.workspace_uri)
    ingest = Ingest(recipe, store)
    for key in ingest.plan().keys:
        ingest.write(ingest.check(ingest.work(ingest.read(key))))
    return recipe, store


def test_trajectories_join_the_tasks_of_another_source(workspace: tuple[Recipe, Store]) -> None:
    job = Propose(*workspace)
    keys = {key.spec["annotator"]: key for key in job.plan().keys}
    shard = job.check(job.work(job.read(keys["arc.success"])))
    said = {row["trajectory_id"]: row for row in shard.tables["checks"].to_pylist()}

    assert Tasks(shard.tables["tasks"])["a"].tests[0].output is not None
    assert said["traces/one"]["outcomes"] == ["correct", "unknown"]  # test 1 has no answer
    assert said["traces/other"]["outcomes"] == ["unknown"]
    assert said["traces/other"]["observed"] == ["no source of the recipe holds this task"]


def test_only_who_looks_at_tasks_is_asked_again_when_one_changes(workspace: tuple[Recipe, Store], tmp_path: Path) -> None:
    before = {key.spec["annotator"]: key.fingerprint for key in Propose(*workspace).plan().keys}
    write(tmp_path / "tasks", a={**TASK, "train": []})
    ingest = Ingest(*workspace)
    for key in ingest.plan().keys:
        outcome = read_outcome(workspace[1], f"outcomes/ingest/{key.name}.json")
        if outcome is None or outcome.fingerprint != key.fingerprint:
            ingest.write(ingest.check(ingest.work(ingest.read(key))))
    after = {key.spec["annotator"]: key.fingerprint for key in Propose(*workspace).plan().keys}

    assert before["arc.noop"] == after["arc.noop"]
    assert before["arc.success"] != after["arc.success"]
