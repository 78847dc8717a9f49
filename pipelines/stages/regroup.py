"""Regrouping by task: a second plan over ids and small rows, never a shuffle.

An annotator of task scope is asked about all trajectories of a task, wherever their shards lie. The plan reads ids; a key
names tasks, their trajectories and the stored files that hold them; reading fetches the declared columns alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from annotators.protocol import Annotator, Requires, producer_of
from pipelines.engine.job import read_table
from pipelines.io.store import Store
from pipelines.plan import CODE_VERSION, cut
from pipelines.recipe import Shards
from pipelines.shard import FileRecord, Outcome, Shard, ShardKey
from schemas.identity import digest
from schemas.layers import layer
from schemas.tables import STEP_TABLES
from schemas.versions import SCHEMA_VERSION


def plan_tasks(
    store: Store, ingested: Sequence[Outcome], found: Annotator, bounds: Shards, task_files: Sequence[FileRecord] = ()
) -> list[ShardKey]:
    """One key per run of tasks, in order of task_id, cut by the steps of their trajectories. Trajectories without a task
    are in none. `task_files`: as that function gives them.
    """
    shards_of: dict[str, set[str]] = defaultdict(set)
    ids: dict[str, list[str]] = defaultdict(list)
    steps: dict[str, int] = defaultdict(int)
    for outcome in ingested:
        columns = ["trajectory_id", "task_id", "domain", "num_steps"]
        for row in read_table(store, outcome.files["trajectories"].path, columns).to_pylist():
            if row["task_id"] is not None and row["domain"] == found.requires.domain:
                ids[row["task_id"]].append(row["trajectory_id"])
                steps[row["task_id"]] += row["num_steps"]
                shards_of[row["task_id"]].add(outcome.name)
    by_name = {outcome.name: outcome for outcome in ingested}
    runs = cut(sorted(ids), lambda task: steps[task] / bounds.steps, lambda task: task)
    return [
        _key(found, {task: sorted(ids[task]) for task in run}, _outcomes(run, shards_of, by_name), task_files) for run in runs
    ]


def read_tasks(store: Store, key: ShardKey) -> Shard:
    """The declared columns of the trajectories of a key's tasks, sorted by trajectory."""
    wanted = pa.array([i for ids in key.spec["tasks"].values() for i in ids], pa.string())
    tables = {}
    for name, paths in key.spec["files"].items():
        parts = [read_table(store, path, key.spec["columns"][name]) for path in paths]
        kept = [part.filter(pc.is_in(part["trajectory_id"], value_set=wanted)) for part in parts]
        joined = pa.concat_tables(kept).combine_chunks()
        order = [(column, "ascending") for column in ("trajectory_id", "step", "start") if column in joined.column_names]
        tables[name] = joined.sort_by(order)
    return Shard(key, tables | read_task_rows(store, key, key.spec["tasks"]))


def _key(
    found: Annotator, tasks: dict[str, list[str]], ingested: Sequence[Outcome], task_files: Sequence[FileRecord]
) -> ShardKey:
    columns = _columns(found.requires)
    joined = joined_tasks(task_files, ingested) if found.requires.task else []
    records = {name: [o.files[name] for o in ingested if name in o.files] for name in columns}
    shard = f"tasks-{digest(sorted(tasks))[:12]}"
    spec: dict[str, Any] = {
        "annotator": found.name,
        "parameters": dict(producer_of(found).parameters),
        "shard": shard,
        "source": "",
        "tasks": tasks,
        "columns": columns,
        "files": {name: [record.path for record in of_name] for name, of_name in records.items() if of_name},
    }
    inputs = {name: [record.sha256 for record in of_name] for name, of_name in records.items()}
    if found.requires.task:
        spec["task_files"] = [record.path for record in joined]
        spec["tasks_digest"] = digest([record.sha256 for record in joined])
        inputs["tasks"] = [record.sha256 for record in joined]
    fingerprint = digest([CODE_VERSION, SCHEMA_VERSION, found.version, declarations(found.emits), spec, inputs])
    return ShardKey(f"{shard}.{found.name}", fingerprint, (), spec)


def task_files(ingested: Sequence[Outcome]) -> list[FileRecord]:
    """The tables that hold tasks of no single trajectory, in order of shard: what the trajectories of all shards join."""
    found = [o for o in ingested if o.counts.get("tasks") and "tasks" in o.files]
    return [outcome.files["tasks"] for outcome in sorted(found, key=lambda o: o.name)]


def joined_tasks(files: Sequence[FileRecord], ingested: Sequence[Outcome]) -> list[FileRecord]:
    """`files` and the tables `tasks` of some shards themselves, each once."""
    own = [outcome.files["tasks"] for outcome in ingested if "tasks" in outcome.files]
    return list({record.path: record for record in (*files, *own)}.values())


def read_task_rows(store: Store, key: ShardKey, task_ids: Iterable[str]) -> dict[str, pa.Table]:
    """The rows of `tasks` with these ids, as the table of that name; nothing where the key joins no tasks."""
    paths = key.spec.get("task_files", ())
    if not paths:
        return {}
    joined = pa.concat_tables([read_table(store, path) for path in paths])
    return {"tasks": joined.filter(pc.is_in(joined["task_id"], value_set=pa.array(sorted(task_ids), pa.string())))}


def declarations(emits: Sequence[str]) -> list[str]:
    """The declarations of the layers that are filled: rows are checked against them, so they are part of a fingerprint."""
    return [repr(layer(name)) for name in emits]


def _columns(requires: Requires) -> dict[str, list[str] | None]:
    """Stored table → columns that are fetched; None = all. Headers are small and come whole."""
    steps = STEP_TABLES[requires.domain]
    return {
        "trajectories": None,
        steps: ["trajectory_id", "step", *(c for c in requires.columns if c not in ("trajectory_id", "step"))],
        **dict.fromkeys(requires.tables),
    }


def _outcomes(run: Sequence[str], shards_of: dict[str, set[str]], by_name: dict[str, Outcome]) -> list[Outcome]:
    return [by_name[name] for name in sorted({name for task in run for name in shards_of[task]})]
