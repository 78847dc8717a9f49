"""What there is to review in a workspace: trajectories with what was proposed for them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from annotators.task import Pair, Tasks
from annotators.trajectory import TrajectoryView
from pipelines.engine.job import outcome_path, read_outcome, read_table, read_tables
from pipelines.io.media import MediaEntry, MediaReader
from pipelines.io.store import Store
from pipelines.recipe import Recipe
from pipelines.shard import FileRecord, Outcome, Shard
from pipelines.stages.ingest import Ingest
from pipelines.stages.propose import Propose
from pipelines.stages.regroup import joined_tasks, task_files
from pipelines.stages.views import trajectories_in
from schemas.layers import layers as declared
from schemas.tables import KINDS

Row = dict[str, Any]


@dataclass(frozen=True)
class Reviewable:
    """One trajectory, the ingest shard that holds it, and its proposals by layer, sorted by start and id.

    `tasks`: by task_id the `demonstrations` and `tests` of the tasks of its shard, whichever source of the recipe holds them.
    """

    shard: str
    view: TrajectoryView
    rows: Mapping[str, tuple[Row, ...]]
    tasks: Mapping[str, Row]


def reviewable(recipe: Recipe, store: Store, domain: str | None, layers: Sequence[str]) -> Iterator[Reviewable]:
    """All trajectories of a domain (None = all) in order of shard, one shard in memory at a time."""
    proposed = _proposed(recipe, store)
    keys = Ingest(recipe, store).plan().keys
    outcomes = [read_outcome(store, outcome_path(Ingest.name, key.name)) for key in keys]
    of_tasks = task_files([outcome for outcome in outcomes if outcome is not None])
    for key, outcome in zip(keys, outcomes, strict=True):
        if outcome is None or not outcome.counts.get("trajectories"):
            continue
        shard = Shard(key, read_tables(store, outcome.files))
        rows = _rows(store, proposed.get(key.name, ()), layers)
        entries = (
            {row["sha256"]: MediaEntry(**row) for row in shard.tables["media"].to_pylist()} if "media" in shard.tables else {}
        )
        media = MediaReader(store.uri(Ingest.folder), entries)
        tasks = _tasks(store, joined_tasks(of_tasks, [outcome]), shard.tables["trajectories"]["task_id"])
        for tables in trajectories_in(shard.tables):
            header = tables["trajectories"].to_pylist()[0]
            if domain in (None, header["domain"]) and header["num_steps"]:
                view = TrajectoryView(header, tables, media.read, media.open)
                own = rows.get(header["trajectory_id"], {})
                yield Reviewable(key.name, view, {layer: tuple(own.get(layer, ())) for layer in layers}, tasks)


def stored_rows(recipe: Recipe, store: Store, shard: str) -> dict[str, list[Row]]:
    """trajectory_id → all proposals about the trajectories of one ingest shard."""
    rows = _rows(store, _proposed(recipe, store).get(shard, ()), tuple(declared()))
    return {name: [row for of_layer in of_layers.values() for row in of_layer] for name, of_layers in rows.items()}


def _tasks(store: Store, files: Sequence[FileRecord], ids: pa.ChunkedArray) -> dict[str, Row]:
    """What the tasks of these ids show; of several rows with one id that counts which annotators are given."""
    if not files:
        return {}
    joined = pa.concat_tables([read_table(store, record.path) for record in files])
    known = Tasks(joined.filter(pc.is_in(joined["task_id"], value_set=pc.unique(ids))))
    return {name: {"demonstrations": _pairs(task.demonstrations), "tests": _pairs(task.tests)} for name, task in known.items()}


def _pairs(pairs: Sequence[Pair]) -> list[dict[str, Any]]:
    sides = [(pair.input, pair.output) for pair in pairs]
    return [{"input": i if i is None else i.tolist(), "output": o if o is None else o.tolist()} for i, o in sides]


def _proposed(recipe: Recipe, store: Store) -> dict[str, list[Outcome]]:
    """Ingest shard → the outcomes of its annotators."""
    found: dict[str, list[Outcome]] = defaultdict(list)
    for key in Propose(recipe, store).plan().keys:
        outcome = read_outcome(store, outcome_path(Propose.name, key.name))
        if outcome is not None and "shard" in key.spec:
            found[key.spec["shard"]].append(outcome)
    return found


def _rows(store: Store, outcomes: Sequence[Outcome], layers: Sequence[str]) -> dict[str, dict[str, list[Row]]]:
    """trajectory_id → layer → rows."""
    found: dict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    wanted = pa.array(list(layers), pa.string())
    for outcome in outcomes:
        for kind, record in outcome.files.items():
            if kind in KINDS:
                table = read_table(store, record.path)
                for row in table.filter(pc.is_in(table["layer"], value_set=wanted)).to_pylist():
                    found[row["trajectory_id"]][row["layer"]].append(row)
    for of_layer in found.values():
        for rows in of_layer.values():
            rows.sort(key=lambda row: (-1 if row["start"] is None else row["start"], row["annotation_id"]))
    return found
