"""Annotators are asked about a shard at once or one by one: the same rows, and a fault costs its trajectory alone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pyarrow as pa
import pytest

from annotators.annotation import Annotation, Refusal
from annotators.protocol import Requires, annotator, annotator_names
from annotators.task import Tasks
from annotators.trajectory import TaskView, TrajectoryView
from pipelines.io.media import MediaReader
from pipelines.io.store import Store
from pipelines.recipe import Recipe
from pipelines.stages.asking import Answers, Asked, asked_about_tasks
from pipelines.stages.ingest import Ingest
from pipelines.stages.views import ShardViews, shard_views
from tests.annotators.arc.made_tasks import small_tasks
from tools.recorders.arctraj import made_traces, write_rows

EXAMPLES = Path(__file__).parents[3] / "examples" / "data" / "arc"
MEDIA = MediaReader("", {})
TOGETHER = [name for name in annotator_names() if hasattr(annotator(name), "propose_many")]
OF_TRAJECTORIES = [name for name in TOGETHER if annotator(name).requires.scope == "trajectory"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pa.Table]:
    """An ingested shard of made ARCTraj traces; the task of some is not known."""
    folder = tmp_path_factory.mktemp("made")
    tasks = small_tasks(8, seed=1)
    (folder / "rows").mkdir()
    (folder / "tasks").mkdir()
    write_rows(folder / "rows" / "traces.csv", (trace.row() for trace in made_traces(tasks, 40, seed=2)))
    for task in tasks[:6]:
        pairs = {"train": [], "test": [{"input": task.start, "output": task.answer}]}
        (folder / "tasks" / f"{task.task_id}.json").write_text(json.dumps(pairs))
    return ingested(folder, "arctraj", folder / "rows", {"tasks": str(folder / "tasks")})


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pa.Table]:
    """The examples: one layer, some steps without a grid."""
    return ingested(tmp_path_factory.mktemp("examples"), "braingridgame", EXAMPLES, {})


def ingested(folder: Path, reader: str, uri: Path, options: dict[str, str]) -> dict[str, pa.Table]:
    source = {"name": "arc", "reader": reader, "uri": str(uri), "license": "cc0-1.0", "options": options}
    workspace = folder / "workspace"
    recipe = Recipe.model_validate({"name": "t", "license": "cc0-1.0", "workspace": str(workspace), "sources": [source]})
    job = Ingest(recipe, Store(str(workspace)))
    (key,) = job.plan().keys
    return dict(job.check(job.work(job.read(key))).tables)


def views_of(tables: dict[str, pa.Table]) -> tuple[ShardViews, list[TrajectoryView]]:
    shard = shard_views(tables)
    tasks = Tasks(tables.get("tasks"))
    return shard, [shard.view(number, tasks, MEDIA) for number in range(len(shard.headers))]


@pytest.mark.parametrize("name", OF_TRAJECTORIES)
@pytest.mark.parametrize("source", ["made", "examples"])
def test_asked_at_once_it_says_the_same(name: str, source: str, request: pytest.FixtureRequest) -> None:
    tables: dict[str, pa.Table] = request.getfixturevalue(source)
    shard, views = views_of(tables)
    found = annotator(name)
    meeting = shard.meeting(found.requires, views)
    asked = Asked(found, [view for view, does in zip(views, meeting, strict=True) if does])
    assert sum(meeting) > 5
    one_by_one = asked.answers()
    assert one_by_one.rejects == []
    if all(meeting):
        assert_same(asked.answers(shard.together(views)), one_by_one)
        said = found.propose_many(shard.together(views))  # type: ignore[attr-defined]
        assert said is None or list(said) or not one_by_one.tables  # it was not the fallback that agreed


def test_tasks_asked_at_once_give_the_same(made: dict[str, pa.Table]) -> None:
    found = annotator("arc.state_graph")
    _, views = views_of(made)
    ids = sorted({view.header["task_id"] for view in views})
    tasks = [TaskView(i, own := tuple(v for v in views if v.header["task_id"] == i), own[0].task) for i in ids]
    at_once = asked_about_tasks(found, tasks)  # type: ignore[arg-type]
    single = [asked_about_tasks(found, [task]) for task in tasks]  # type: ignore[arg-type]
    rows = [row for one in single for row in one.tables["nodes"].to_pylist()]
    assert len(rows) > 100
    assert at_once.tables["nodes"].to_pylist() == rows
    assert list(found.propose_many(tasks))  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Faulty:
    """Says a span of each trajectory, and stops, says what fits no table, or refuses at some."""

    stops: str = ""
    unfit: str = ""
    refuses: str = ""
    name: ClassVar[str] = "arc.faulty"
    version: ClassVar[str] = "1"
    producer_type: ClassVar[str] = "signal"
    emits: ClassVar[tuple[str, ...]] = ("object_action",)
    requires: ClassVar[Requires] = Requires("arc")
    deterministic: ClassVar[bool] = True

    def propose(self, trajectory: TrajectoryView) -> Iterator[Annotation | Refusal]:
        name = trajectory.trajectory_id
        if name == self.stops:
            raise RuntimeError("no more")
        if name == self.refuses:
            yield Refusal("said_no", "not this one")
        yield Annotation("object_action", {"label": "paint", "depth": 0.5 if name == self.unfit else None}, 0, 1)

    def propose_many(self, trajectories: object) -> Iterable[Annotation]:
        raise RuntimeError("not at once")


def test_a_fault_costs_its_trajectory_alone(examples: dict[str, pa.Table]) -> None:
    shard, views = views_of(examples)
    ids = [view.trajectory_id for view in views]
    answers = Asked(Faulty(stops=ids[4], unfit=ids[2], refuses=ids[1]), views).answers(shard.together(views))
    assert [(reject.code, reject.native_id) for reject in answers.rejects] == [
        ("said_no", views[1].header["native_id"]),
        ("annotator_failed", views[2].header["native_id"]),
        ("annotator_failed", views[4].header["native_id"]),
    ]
    assert "depth" in answers.rejects[1].message
    assert answers.failed == 2
    assert answers.tables["segments"]["trajectory_id"].to_pylist() == [i for i in ids if i not in (ids[2], ids[4])]


def test_what_is_decoded_is_kept_for_the_next(examples: dict[str, pa.Table]) -> None:
    _, views = views_of(examples)
    Asked(annotator("arc.detours"), views).answers()
    steps = views[0].known["recorded_steps"]
    Asked(annotator("arc.provenance"), views).answers()
    assert views[0].known["recorded_steps"] is steps


def assert_same(one: Answers, other: Answers) -> None:
    assert one.rejects == other.rejects
    assert one.tables.keys() == other.tables.keys()
    for kind, table in other.tables.items():
        assert one.tables[kind].schema.equals(table.schema, check_metadata=True)
        assert one.tables[kind].to_pylist() == table.to_pylist()
