"""An annotator of task scope, from plan to release: it sees all trajectories of a task, wherever their shards lie."""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipelines.engine.job import Job, finished
from pipelines.io.store import Store
from pipelines.recipe import Recipe
from pipelines.release.assemble import assemble
from pipelines.release.check import check_release
from pipelines.session import Session
from pipelines.stages.ingest import Ingest
from pipelines.stages.propose import Propose
from pipelines.stages.release import Release
from schemas.layers import layers

ARC = Path(__file__).resolve().parents[3] / "examples" / "data" / "arc"

LAYER = """
from schemas.layers import Layer

LAYER = Layer(
    name="popularity", domain="arc", kind="scalars", level="trajectory", doc="How often an operation occurs over a task.",
    vocabulary=None, open_because="a number", stream=None, tiling=None, review=None, unreviewed_because="a count",
)
"""
ANNOTATOR = '''
from collections import Counter
from dataclasses import dataclass
from typing import ClassVar

from annotators.annotation import Annotation
from annotators.protocol import Requires


@dataclass(frozen=True)
class Popularity:
    """Rows about the task, and one about each of its trajectories."""

    name: ClassVar[str] = "arc.popularity"
    version: ClassVar[str] = "1"
    producer_type: ClassVar[str] = "signal"
    emits: ClassVar[tuple[str, ...]] = ("popularity",)
    requires: ClassVar[Requires] = Requires(domain="arc", columns=("action_name",), scope="task")
    deterministic: ClassVar[bool] = True

    def propose(self, task):
        total = Counter()
        for view in task.trajectories:
            assert view.steps.column_names == ["trajectory_id", "step", "action_name"], "declared columns alone"
            names = view.steps["action_name"].to_pylist()
            total.update(names)
            yield Annotation("popularity", {"values": [float(len(names))], "unit": "steps"}, trajectory_id=view.trajectory_id)
        yield Annotation("popularity", {"values": [float(total.total())], "unit": "steps"})


ANNOTATOR = Popularity()
'''


@pytest.fixture
def popularity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The layer and the annotator, as if their files lay in their packages."""
    for package, module, text in (("schemas.layers", "popularity", LAYER), ("annotators.arc", "popularity", ANNOTATOR)):
        folder = tmp_path / package
        folder.mkdir()
        (folder / f"{module}.py").write_text(text)
        found = importlib.import_module(package)
        monkeypatch.setattr(found, "__path__", [*found.__path__, str(folder)])
    layers.cache_clear()
    yield
    layers.cache_clear()


@pytest.fixture
def session(tmp_path: Path, popularity: None) -> Session:
    """The examples' ARC traces, a shard each, and the annotator over tasks."""
    recipe = Recipe.model_validate(
        {
            "name": "tasks", "license": "cc0-1.0", "workspace": str(tmp_path / "out"), "annotators": ["arc.popularity"],
            "sources": [{"name": "puzzles", "reader": "braingridgame", "uri": str(ARC / "*.json"), "license": "cc0-1.0"}],
            "shards": {"steps": 5},
        }
    )  # fmt: skip
    return Session(recipe)


def build(job: Job) -> None:
    """The job without Beam."""
    for key in job.plan().keys:
        job.write(job.check(job.work(job.read(key))))


def test_a_task_is_asked_about_once_with_all_its_trajectories(session: Session) -> None:
    ingest, propose = Ingest(session.recipe, session.store), Propose(session.recipe, session.store)
    build(ingest)
    assert len(ingest.plan().keys) > 6, "the traces of a task lie in several shards"
    build(propose)
    headers = read(session.store, "ingest/trajectories")
    said = read(session.store, "propose/arc.popularity/scalars")
    about_tasks = {row["task_id"]: row["values"][0] for row in said if row["trajectory_id"] is None}
    steps = Counter[str]()
    for header in headers:
        steps[header["task_id"]] += header["num_steps"]
    assert about_tasks == dict(steps)
    assert {row["trajectory_id"] for row in said} - {None} == {header["trajectory_id"] for header in headers}
    assert len({row["annotation_id"] for row in said}) == len(said)


def test_a_changed_trace_asks_about_its_tasks_again_and_not_about_others(session: Session) -> None:
    ingest, propose = Ingest(session.recipe, session.store), Propose(session.recipe, session.store)
    build(ingest)
    build(propose)
    before = {key.name: key.fingerprint for key in propose.plan().keys}
    assert all(finished(session.store, "propose", key, session.store.sizes("propose")) for key in propose.plan().keys)
    changed = ingest.plan().keys[0]
    shard = ingest.read(changed)
    index = shard.tables["trajectories"].schema.get_field_index("agent")
    renamed = shard.tables["trajectories"].set_column(index, "agent", [["someone"] * shard.tables["trajectories"].num_rows])
    ingest.write(type(shard)(shard.key, {**shard.tables, "trajectories": renamed.cast(shard.tables["trajectories"].schema)}))
    tasks = {row["task_id"] for row in renamed.to_pylist()}
    after = {key.name: key for key in propose.plan().keys}
    assert set(after) == set(before)
    assert {name for name in before if after[name].fingerprint != before[name]} == {
        name for name, key in after.items() if tasks & set(key.spec["tasks"])
    }


def test_annotations_about_tasks_are_published(session: Session) -> None:
    jobs = [job(session.recipe, session.store) for job in (Ingest, Propose, Release)]
    for job in jobs:
        build(job)
    ingested, proposed, released = (session.last(job) for job in jobs)
    assert released.rejects == ()
    assert isinstance(jobs[2], Release)
    published = assemble(jobs[2], ingested, proposed, released)
    assert check_release(Path(published.folder)) == []
    rows = read(session.store, "release/scalars/popularity")
    tasks = {row["task_id"] for row in rows}
    assert Counter(row["trajectory_id"] is None for row in rows) == {False: 11, True: len(tasks)}
    assert None not in tasks


def read(store: Store, folder: str) -> list[dict[str, object]]:
    files = [path for path in store.list(folder) if path.endswith(".parquet")]
    return [row for path in files for row in pq.read_table(f"{store.root}/{path}").to_pylist()]
