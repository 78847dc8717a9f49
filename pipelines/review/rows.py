"""What people made of the proposals, as stored tables beside the proposals, so that a release reads both.

One outcome per ingest shard, as every job leaves them; files of a shard that nobody reviewed do not exist.
"""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from pipelines.engine.job import outcome_path, put_outcome, put_table, read_outcome
from pipelines.io.store import Store
from pipelines.shard import Outcome
from schemas.identity import digest
from schemas.tables import KINDS

JOB = "review"
FOLDER = "review/rows"


def put_rows(store: Store, shard: str, source: str, tables: Mapping[str, pa.Table]) -> Outcome:
    """Put the states of one ingest shard's rows (kind → table) and `runs`, then the outcome. Same rows, same bytes."""
    files = {
        name: put_table(store, f"{FOLDER}/{name}/{shard}.parquet", table)
        for name, table in sorted(tables.items())
        if table.num_rows
    }
    counts = {"annotations": sum(record.rows for kind, record in files.items() if kind in KINDS)}
    fingerprint = digest([[name, record.sha256] for name, record in files.items()])
    return put_outcome(store, JOB, Outcome(shard, fingerprint, files, (), counts, {"source": source, "annotator": JOB}))


def reviewed_outcomes(store: Store) -> tuple[Outcome, ...]:
    """What people's work left, in order of shard; empty where nobody has reviewed anything."""
    paths = [path for path in store.list(f"outcomes/{JOB}") if path.endswith(".json")]
    return tuple(outcome for path in sorted(paths) if (outcome := read_outcome(store, path)) is not None)


def sweep_rows(store: Store, kept: tuple[Outcome, ...]) -> None:
    """Delete rows that no longer follow from the ledger."""
    keep = {outcome_path(JOB, outcome.name) for outcome in kept}
    keep |= {record.path for outcome in kept for record in outcome.files.values()}
    store.sweep(keep, (f"outcomes/{JOB}", FOLDER))
