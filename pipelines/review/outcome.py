"""What people said, as stored rows by ingest shard, checked before it is written."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from annotators.annotation import Producer
from annotators.label_studio.corrections import is_empty
from annotators.label_studio.project import Finding
from annotators.label_studio.rounds.items import Opinion
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


@dataclass(frozen=True, slots=True)
class Assertion:
    """A stretch that somebody settled: every row of these layers there was looked at.

    `steps`: those whose pictures were shown. `stream`: None = any. `known`: ids of the rows that were shown.
    """

    trajectory_id: str
    layers: tuple[str, ...]
    stream: str | None
    steps: frozenset[int]
    known: frozenset[str]
    by: Opinion

    def overrules(self, row: Row) -> bool:
        """Whether a proposal that nobody was shown lies in what was settled."""
        if row["layer"] not in self.layers or row["annotation_id"] in self.known:
            return False
        seen = (row["start"] is None and 0 in self.steps) or (
            row["start"] is not None and {row["start"], row["end"] - 1} <= self.steps
        )
        return seen and (self.stream is None or row["stream"] in (None, self.stream))


def overruled(proposed: Sequence[Row], settled: Sequence[Assertion], said: Container[str]) -> list[Row]:
    """Rejections of proposals that came after people had settled their stretch: what people said outlives new proposals."""
    found: list[Row] = []
    for row in proposed:
        by = next((one.by for one in settled if one.overrules(row)), None)
        if by is not None and row["annotation_id"] not in said and row["producer_type"] != "human":
            signature = {"annotator": by.annotator, "submission": by.submission, "seconds": by.seconds}
            stamp = datetime.fromisoformat(by.created_at).astimezone(UTC)
            found.append({**row, **signature, "status": "rejected", "quality": "primary", "created_at": stamp})
    return found


def put_resolved(recipe: Recipe, store: Store, rows: Sequence[Row], settled: Sequence[Assertion] = ()) -> list[Finding]:
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
        for name, given in own.items():
            of_it = [one for one in settled if one.trajectory_id == name]
            said = {row["annotation_id"] for row in given}
            states = [*given, *overruled(proposed.get(name, []), of_it, said)]
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
