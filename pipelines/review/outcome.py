"""What people said, as stored rows by ingest shard, checked before it is written."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from annotators.annotation import Producer
from annotators.label_studio.corrections import is_empty
from annotators.label_studio.project import Finding
from pipelines.engine.job import outcome_path, read_outcome, read_table
from pipelines.io.store import Store
from pipelines.recipe import Recipe
from pipelines.release.current import current_rows
from pipelines.review.rows import put_rows, sweep_rows
from pipelines.review.workspace import stored_rows
from pipelines.stages.ingest import Ingest
from schemas.arrow import columns_of, stored_schema, table_from_rows
from schemas.invariants import check_annotations
from schemas.layers import layer
from schemas.stored_rows import state_tables
from schemas.tables import KINDS

Row = Mapping[str, Any]


def layer_counts(rows: Sequence[Row], counts: dict[str, Counter[str]]) -> None:
    """Add the rows of a project to layer → accepted, corrected, rejected, added, empty (looked at, nothing there)."""
    for row in rows:
        new = row["producer_type"] == "human" and row["supersedes"] is None and row["status"] != "rejected"
        what = ("empty" if is_empty(layer(row["layer"]), row) else "added") if new else row["status"]
        counts.setdefault(row["layer"], Counter())[what] += 1


def put_resolved(recipe: Recipe, store: Store, rows: Sequence[Row]) -> list[Finding]:
    """Put the states, by ingest shard. A trajectory whose rows break a rule with them is left as it was: a finding."""
    of_trajectory: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        of_trajectory[row["trajectory_id"]].append(row)
    kept, findings = [], []
    for key in Ingest(recipe, store).plan().keys:
        outcome = read_outcome(store, outcome_path(Ingest.name, key.name))
        if outcome is None or "trajectories" not in outcome.files:
            continue
        headers = read_table(store, outcome.files["trajectories"].path)
        own = {name: of_trajectory[name] for name in headers["trajectory_id"].to_pylist() if name in of_trajectory}
        if not own:
            continue
        proposed = stored_rows(recipe, store, key.name)
        sound: list[Row] = []
        for name, states in own.items():
            faults = _faults(headers, name, states, proposed.get(name, []))
            findings += faults
            sound += [] if faults else states
        kept.append(put_rows(store, key.name, outcome.facts["source"], _tables(sound)))
    sweep_rows(store, tuple(kept))
    return findings


def _tables(rows: Sequence[Row]) -> dict[str, pa.Table]:
    """The states by kind, and the `runs` of the people among their producers."""
    people = sorted({(row["producer"], row["producer_version"]) for row in rows if row["producer_type"] == "human"})
    runs = [Producer("human", name, version).row for name, version in people]
    found = state_tables(rows)
    return found | ({"runs": table_from_rows(stored_schema("runs", columns_of("runs")), runs)} if runs else {})


def _faults(headers: pa.Table, name: str, states: Sequence[Row], proposed: Sequence[Row]) -> list[Finding]:
    """What the current rows of a trajectory would break, proposals and people's rows together."""
    both = state_tables([*proposed, *states])
    current = {kind: current_rows(kind, table) for kind, table in both.items() if kind in KINDS}
    violations = check_annotations({**current, "trajectories": headers})
    own = {row["annotation_id"] for row in states} | {None}
    return [
        Finding(v.code, f"{v.message}; what people said about {name} is kept in the ledger and not published", name)
        for v in violations
        if v.annotation_id in own and v.code != "link_dangling"
    ]
