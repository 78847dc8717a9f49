"""Propose: what automatic annotators say about stored trajectories.

One key is one ingest shard and one annotator, or, for annotators of task scope, a run of tasks (`pipelines.stages.regroup`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import pyarrow as pa
import pyarrow.compute as pc

from annotators.annotation import Annotation, Refusal, annotation_tables
from annotators.protocol import Annotator, TaskAnnotator, annotator, lacking, meets, producer_of
from annotators.task import Task, Tasks
from annotators.trajectory import TaskView, TrajectoryView
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
from pipelines.engine.supervise import ChildDiedError, ChildHungError, supervised
from pipelines.io.media import MediaEntry, MediaReader
from pipelines.io.store import Store
from pipelines.plan import CODE_VERSION, Plan
from pipelines.recipe import Recipe
from pipelines.shard import FileRecord, Outcome, Reject, Shard, ShardKey
from pipelines.stages.ingest import Ingest
from pipelines.stages.reading import Tables
from pipelines.stages.regroup import declarations, joined_tasks, plan_tasks, read_task_rows, read_tasks, task_files
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
            return read_tasks(self.store, key)
        path = outcome_path(Ingest.name, key.spec["shard"])
        ingested = read_outcome(self.store, path)
        if ingested is None:
            raise FileNotFoundError(f"{path} is gone: run `cairn ingest` again")
        tables = read_tables(self.store, ingested.files)
        return Shard(key, tables | read_task_rows(self.store, key, _task_ids(tables)))

    def work(self, shard: Shard) -> Shard:
        """Ask the annotator about each trajectory; the shard then holds what it said beside what it was asked about."""
        found = annotator(shard.key.spec["annotator"], shard.key.spec["parameters"])
        if found.requires.scope == "task":
            return self._work_tasks(shard, cast(TaskAnnotator, found))
        entries = (
            {row["sha256"]: MediaEntry(**row) for row in shard.tables["media"].to_pylist()} if "media" in shard.tables else {}
        )
        kinds: dict[str, list[pa.Table]] = defaultdict(list)
        rejects: list[Reject] = []
        counts = {"proposed_for": 0, "lacking": 0}
        tasks = Tasks(shard.tables.get("tasks") if found.requires.task else None)
        for tables in trajectories_in(shard.tables):
            header = tables["trajectories"].to_pylist()[0]
            own = _own_media(tables, entries)
            reader = MediaReader(self.store.uri("ingest"), own)
            task = tasks.get(header["task_id"])
            said = None if "lacks" in shard.key.spec else _ask(found, header, tables, reader, task)
            if said is None:
                counts["lacking"] += 1
            elif isinstance(said, Reject):
                rejects.append(said)
                if said.code == "decode_hung":
                    say_alive(self.store, self.name, shard.key.name, len(rejects))
            else:
                counts["proposed_for"] += 1
                told, refusals = said
                rejects += [
                    _reject(header, found.name, refusal.code, f"{found.name}: {refusal.message}") for refusal in refusals
                ]
                for kind, table in told.items():
                    kinds[kind].append(table)
        return _with_proposals(shard, found, kinds, rejects, counts)

    def _work_tasks(self, shard: Shard, found: TaskAnnotator) -> Shard:
        """The same over tasks; a task of which no trajectory has what is required is not asked about."""
        kinds: dict[str, list[pa.Table]] = defaultdict(list)
        rejects: list[Reject] = []
        counts = {"proposed_for": 0, "lacking": 0}
        own = {str(tables["trajectories"]["trajectory_id"][0]): tables for tables in trajectories_in(shard.tables)}
        tasks = Tasks(shard.tables.get("tasks") if found.requires.task else None)
        for task_id, ids in shard.key.spec["tasks"].items():
            task = tasks.get(task_id)
            views = [_view(own[i], MediaReader(self.store.uri("ingest"), {}), task) for i in ids if i in own]
            meeting = tuple(view for view in views if meets(found.requires, view))
            counts["lacking"] += len(views) - len(meeting)
            counts["proposed_for"] += len(meeting)
            try:
                said = (
                    annotation_tables(None, producer_of(found), found.propose(TaskView(task_id, meeting, task)), task_id)
                    if meeting
                    else {}
                )
            except Exception as error:  # noqa: BLE001 - one task must not stop a run
                message = f"{found.name} on task {task_id} stopped with {type(error).__name__}: {error}"
                rejects.append(Reject("propose", "", f"task {task_id}", None, "annotator_failed", message))
                continue
            for kind, table in said.items():
                kinds[kind].append(table)
        return _with_proposals(shard, found, kinds, rejects, counts)

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


def trajectories_in(tables: Mapping[str, pa.Table]) -> Iterator[Tables]:
    """The tables of each trajectory of a shard, by runs of equal ids; the media index belongs to all."""
    ranges = {name: _ranges(table) for name, table in tables.items() if "trajectory_id" in table.column_names}
    for trajectory_id in ranges["trajectories"]:
        yield {name: tables[name].slice(*own[trajectory_id]) for name, own in ranges.items() if trajectory_id in own}


def _view(tables: Tables, media: MediaReader, task: Task | None) -> TrajectoryView:
    return TrajectoryView(tables["trajectories"].to_pylist()[0], tables, media.read, media.open, task)


def _task_ids(tables: Tables) -> list[str]:
    return [task_id for task_id in pc.unique(tables["trajectories"]["task_id"]).to_pylist() if task_id is not None]


def _with_proposals(
    shard: Shard,
    found: Annotator | TaskAnnotator,
    kinds: Mapping[str, list[pa.Table]],
    rejects: list[Reject],
    counts: Mapping[str, int],
) -> Shard:
    """The shard with what was said instead of the annotations it came with; the facts stay for the check."""
    facts = {name: table for name, table in shard.tables.items() if name not in KINDS and name != "runs"}
    proposed = {kind: pa.concat_tables(tables).combine_chunks() for kind, tables in kinds.items()}
    if proposed:
        proposed["runs"] = table_from_rows(stored_schema("runs", columns_of("runs")), [producer_of(found).row])
    return Shard(shard.key, {**facts, **proposed}, tuple(rejects), counts)


Said = tuple[dict[str, pa.Table], tuple[Refusal, ...]]
"""What an annotator says about one trajectory, by kind, and what it was told and cannot take."""


def propose_for(
    found: Annotator, header: Mapping[str, Any], tables: Tables, media: MediaReader, task: Task | None = None
) -> Said | None:
    """What an annotator says about one trajectory; None where the trajectory lacks what it requires."""
    view = TrajectoryView(header, tables, media.read, media.open, task)
    if not meets(found.requires, view):
        return None
    told = list(found.propose(view))
    annotations = [one for one in told if isinstance(one, Annotation)]
    refusals = tuple(one for one in told if isinstance(one, Refusal))
    return annotation_tables(view.trajectory_id, producer_of(found), annotations), refusals


def _ask(
    found: Annotator, header: Mapping[str, Any], tables: Tables, media: MediaReader, task: Task | None
) -> Said | Reject | None:
    """`propose_for`, in the decode child where frames are read; whatever goes wrong costs this trajectory alone."""
    place = f"{found.name} on {header['trajectory_id']}"
    try:
        if found.requires.frames:
            compact = {name: _compact(table) for name, table in tables.items()}
            return supervised(propose_for, found, header, compact, media, task)
        return propose_for(found, header, tables, media, task)
    except ChildDiedError as error:
        return _reject(header, found.name, "decode_died", f"{place}: {error}")
    except ChildHungError as error:
        return _reject(header, found.name, "decode_hung", f"{place}: {error}")
    except Exception as error:  # noqa: BLE001 - one annotator on one recording must not stop a run
        code = getattr(error, "code", None)
        code = code if isinstance(code, str) else "annotator_failed"
        return _reject(header, found.name, code, f"{place} stopped with {type(error).__name__}: {error}")


def _reject(header: Mapping[str, Any], what: str, code: str, message: str) -> Reject:
    return Reject(
        "propose", header.get("source_name", ""), header.get("source_uri") or what, header.get("native_id"), code, message
    )


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
        inputs["joined tasks"] = [record.sha256 for record in joined]
    return ShardKey(
        name=f"{ingested.name}.{found.name}",
        fingerprint=digest([CODE_VERSION, SCHEMA_VERSION, found.version, declarations(found.emits), spec, inputs]),
        spec=spec,
    )


def _may_apply(found: Annotator, ingested: Outcome) -> bool:
    return found.requires.scope == "trajectory" and f"{found.requires.domain}_steps" in ingested.files


def _own_media(tables: Tables, entries: Mapping[str, MediaEntry]) -> dict[str, MediaEntry]:
    """The media entries that a trajectory's packed columns name, so that a call carries no index of the whole shard."""
    own = {}
    for name, column in (("gui_steps", "screenshot"), ("images", "image"), ("videos", "video"), ("gui_trees", "tree")):
        if name in tables:
            own.update({sha: entries[sha] for sha in tables[name][column].to_pylist() if sha is not None})
    return own


def _compact(table: pa.Table) -> pa.Table:
    """A copy that holds its own rows only: a pickled slice drags the whole table along (measured)."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return pa.ipc.open_stream(sink.getvalue()).read_all()


def _ranges(table: pa.Table) -> dict[str, tuple[int, int]]:
    """trajectory_id → (first row, rows) of a table that is sorted by it."""
    if not table.num_rows:
        return {}
    encoded = pc.run_end_encode(table["trajectory_id"].combine_chunks())
    ends = encoded.run_ends.to_pylist()
    starts = [0, *ends[:-1]]
    return {value: (start, end - start) for value, start, end in zip(encoded.values.to_pylist(), starts, ends, strict=True)}
