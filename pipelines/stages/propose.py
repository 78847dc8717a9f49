"""Propose: what automatic annotators say about stored trajectories.

One key is one ingest shard and one annotator, or, for annotators of task scope, a run of tasks (`pipelines.stages.regroup`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import pyarrow as pa
import pyarrow.compute as pc

from annotators.protocol import Annotator, TaskAnnotator, annotator, lacking, meets, producer_of
from annotators.task import Tasks
from annotators.trajectory import TaskView, TrajectoryView
from pipelines.engine.collector import collector_paused
from pipelines.engine.job import (
    outcome_path,
    planned_outcomes,
    put_outcome,
    put_table,
    read_outcome,
    read_tables,
    say_alive,
    take_out_annotations,
)
from pipelines.io.media import MediaEntry, MediaReader
from pipelines.io.store import Store
from pipelines.plan import CODE_VERSION, Plan
from pipelines.recipe import Recipe
from pipelines.shard import FileRecord, Outcome, Reject, Shard, ShardKey
from pipelines.stages.asking import Answers, Asked, asked_about_tasks, asked_in_child
from pipelines.stages.ingest import Ingest
from pipelines.stages.regroup import declarations, joined_tasks, plan_tasks, read_task_rows, read_tasks, task_files
from pipelines.stages.views import forget, kept_tables, kept_tasks, kept_views, shard_views
from schemas.arrow import columns_of, stored_schema, table_from_rows
from schemas.identity import digest
from schemas.tables import KINDS
from schemas.versions import SCHEMA_VERSION

UNREACHED = ("endpoint_failed", "endpoint_down")
"""Codes of what is not the trajectory's fault: a model that did not answer."""


@dataclass(frozen=True)
class Propose:
    """The propose job of a recipe. `ingested`: what ingest left; None = as planned now."""

    recipe: Recipe
    store: Store
    ingested: tuple[Outcome, ...] | None = None
    name: ClassVar[str] = "propose"
    folder: ClassVar[str] = "propose"

    def __reduce__(self) -> tuple[Any, ...]:
        """Workers get the job without the outcomes, which may be many."""
        return Propose, (self.recipe, self.store)

    def plan(self) -> Plan:
        """One key per finished ingest shard and annotator of its domains, in order of shard, then those over tasks."""
        keys = []
        annotators = self.recipe.resolved_annotators
        found = planned_outcomes(Ingest(self.recipe, self.store)) if self.ingested is None else self.ingested
        ingested = sorted((o for o in found if o.counts.get("trajectories")), key=lambda o: o.name)
        tasks = task_files(found)
        for outcome in ingested:
            keys += [_key(outcome, a, tasks) for a in annotators if _may_apply(a, outcome)]
        for over_tasks in [a for a in annotators if a.requires.scope == "task"]:
            keys += plan_tasks(self.store, ingested, over_tasks, self.recipe.shards, tasks)
        return Plan(tuple(keys))

    def read(self, key: ShardKey) -> Shard:
        """The stored tables of the ingest shard, or what is declared of the trajectories of some tasks."""
        if "tasks" in key.spec:
            forget()
            return read_tasks(self.store, key)
        path = outcome_path(Ingest.name, key.spec["shard"])
        ingested = read_outcome(self.store, path)
        if ingested is None:
            raise FileNotFoundError(f"{path} is gone: run `cairn ingest` again")
        identity = self.store.root, sorted((record.path, record.sha256) for record in ingested.files.values())
        tables = kept_tables(identity, lambda: read_tables(self.store, ingested.files))
        return Shard(key, tables | read_task_rows(self.store, key, _task_ids(tables)))

    def work(self, shard: Shard) -> Shard:
        """Ask the annotator about each trajectory; the shard then holds what it said beside what it was asked about."""
        found = annotator(shard.key.spec["annotator"], shard.key.spec["parameters"])
        if found.requires.scope == "task":
            return self._work_tasks(shard, cast(TaskAnnotator, found))
        headers = shard.tables["trajectories"]
        if "lacks" in shard.key.spec:
            return _with_proposals(shard, found, {}, (), {"proposed_for": 0, "lacking": headers.num_rows})
        shard_of = kept_views(shard.tables)
        tasks = _tasks(shard, found)
        entries = (
            {row["sha256"]: MediaEntry(**row) for row in shard.tables["media"].to_pylist()} if "media" in shard.tables else {}
        )
        views = shard_of.views(tasks, self.store.uri("ingest"), entries)
        meeting = shard_of.meeting(found.requires, views)
        if found.requires.frames:
            said = self._watched(shard, found, [view for view, does in zip(views, meeting, strict=True) if does])
        else:
            asked = Asked(found, [view for view, does in zip(views, meeting, strict=True) if does])
            with collector_paused():
                said = asked.answers(shard_of.together(views) if all(meeting) else None)
        lacking_it = len(views) - sum(meeting)
        counts = {"proposed_for": sum(meeting) - said.failed, "lacking": lacking_it}
        return _with_proposals(shard, found, said.tables, said.rejects, counts)

    def _watched(self, shard: Shard, found: Annotator, views: Sequence[TrajectoryView]) -> Answers:
        """Ask about each trajectory in the decode child."""
        said = Answers()
        for view in views:
            answer = asked_in_child(found, view)
            said.add(answer)
            if any(reject.code == "decode_hung" for reject in answer.rejects):
                say_alive(self.store, self.name, shard.key.name, len(said.rejects))
        return said

    def _work_tasks(self, shard: Shard, found: TaskAnnotator) -> Shard:
        """The same over tasks; a task of which no trajectory has what is required is not asked about."""
        shard_of = shard_views(shard.tables)
        numbers = {header["trajectory_id"]: number for number, header in enumerate(shard_of.headers)}
        tasks = _tasks(shard, found)
        media = MediaReader(self.store.uri("ingest"), {})
        counts = {"proposed_for": 0, "lacking": 0}
        asked: list[TaskView] = []
        for task_id, ids in shard.key.spec["tasks"].items():
            views = [shard_of.view(numbers[i], tasks, media) for i in ids if i in numbers]
            meeting = tuple(view for view in views if meets(found.requires, view))
            counts["lacking"] += len(views) - len(meeting)
            counts["proposed_for"] += len(meeting)
            if meeting:
                asked.append(TaskView(task_id, meeting, tasks.get(task_id)))
        with collector_paused():
            said = asked_about_tasks(found, asked)
        return _with_proposals(shard, found, said.tables, said.rejects, counts)

    def check(self, shard: Shard) -> Shard:
        """Take out annotations that break an invariant, one reject per trajectory and code."""
        return take_out_annotations(shard, "propose")

    def write(self, shard: Shard) -> Outcome:
        """Put one file per kind below `propose/<annotator>/`, then the outcome."""
        name = shard.key.spec["annotator"]
        files = {
            kind: put_table(self.store, f"propose/{name}/{kind}/{shard.key.spec['shard']}.parquet", shard.tables[kind])
            for kind in sorted({*KINDS, "runs"} & shard.tables.keys())
            if shard.tables[kind].num_rows
        }
        counts = {**shard.counts, "annotations": sum(record.rows for kind, record in files.items() if kind in KINDS)}
        facts = {"source": shard.key.spec["source"], "annotator": name}
        unreached = next((reject.code for reject in shard.rejects if reject.code in UNREACHED), None)
        facts |= {"again": unreached} if unreached else {}
        outcome = Outcome(shard.key.name, shard.key.fingerprint, files, shard.rejects, counts, facts)
        return put_outcome(self.store, self.name, outcome)


def _tasks(shard: Shard, found: Annotator | TaskAnnotator) -> Tasks:
    """The tasks that an annotator joins."""
    table = shard.tables.get("tasks") if found.requires.task else None
    return kept_tasks([shard.key.spec.get("shard"), shard.key.spec.get("tasks_digest")], table)


def _task_ids(tables: Mapping[str, pa.Table]) -> list[str]:
    return [task_id for task_id in pc.unique(tables["trajectories"]["task_id"]).to_pylist() if task_id is not None]


def _with_proposals(
    shard: Shard,
    found: Annotator | TaskAnnotator,
    proposed: Mapping[str, pa.Table],
    rejects: Sequence[Reject],
    counts: Mapping[str, int],
) -> Shard:
    """The shard with what was said instead of the annotations it came with; the facts stay for the check."""
    facts = {name: table for name, table in shard.tables.items() if name not in KINDS and name != "runs"}
    kinds = dict(proposed)
    if kinds:
        kinds["runs"] = table_from_rows(stored_schema("runs", columns_of("runs")), [producer_of(found).row])
    return Shard(shard.key, {**facts, **kinds}, tuple(rejects), counts)


def _key(ingested: Outcome, found: Annotator, tasks: Sequence[FileRecord]) -> ShardKey:
    """The key of a shard and an annotator. What the annotator lacks is part of it: once it is there, the key is another.

    `tasks`: the tables (`task_files`) that an annotator that declares `task` reads besides the shard's own.
    """
    spec = {
        "annotator": found.name,
        "parameters": dict(producer_of(found).parameters),
        "shard": ingested.name,
        "source": ingested.facts["source"],
    }
    lacks = lacking(found)
    if lacks is not None:
        spec["lacks"] = lacks
    inputs: dict[str, Any] = {name: record.sha256 or record.bytes for name, record in ingested.files.items()}
    if found.requires.task:
        joined = joined_tasks(tasks, [ingested])
        spec["task_files"] = [record.path for record in joined]
        spec["tasks_digest"] = digest([record.sha256 for record in joined])
        inputs["joined tasks"] = [record.sha256 for record in joined]
    return ShardKey(
        name=f"{ingested.name}.{found.name}",
        fingerprint=digest([CODE_VERSION, SCHEMA_VERSION, found.version, declarations(found.emits), spec, inputs]),
        spec=spec,
    )


def _may_apply(found: Annotator, ingested: Outcome) -> bool:
    return found.requires.scope == "trajectory" and f"{found.requires.domain}_steps" in ingested.files
