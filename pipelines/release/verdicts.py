"""What an oracle decided about trajectories, filled into their rows when they are published.

`success` and `success_by` are the oracle's where it could decide (layer `success`), else the source's own. Where it could not,
since the task or its answer is not known, `completeness.task_unknown` says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

LAYER = "success"
_CORRECT, _UNKNOWN = "correct", "unknown"


def with_success(trajectories: pa.Table, checks: pa.Table) -> pa.Table:
    """Rows of `trajectories` with what the current rows of the layer `success` decided. `checks`: those rows."""
    if not checks.num_rows:
        return trajectories
    verdicts = {
        row["trajectory_id"]: row for row in checks.select(["trajectory_id", "producer", "outcomes", "observed"]).to_pylist()
    }
    ids = trajectories["trajectory_id"].to_pylist()
    decided = [_decided(verdicts.get(i)) for i in ids]
    known = pa.array([one is not None for one in decided])
    producers = [f"oracle:{verdicts[i]['producer']}" if one is not None else None for i, one in zip(ids, decided, strict=True)]
    trajectories = _with(trajectories, "success", pc.if_else(known, pa.array(decided, pa.bool_()), trajectories["success"]))
    trajectories = _with(
        trajectories, "success_by", pc.if_else(known, pa.array(producers, pa.string()), trajectories["success_by"])
    )
    flagged = {row: _reason(verdicts[i]) for row, i in enumerate(ids) if i in verdicts and decided[row] is None}
    return _with(trajectories, "completeness", _flagged(trajectories["completeness"], flagged)) if flagged else trajectories


def _decided(verdict: Mapping[str, Any] | None) -> bool | None:
    """Whether all tests are right; None where that is not known. One that is wrong is enough to know."""
    outcomes: Sequence[str] = [] if verdict is None else verdict["outcomes"] or []
    if any(outcome not in (_CORRECT, _UNKNOWN) for outcome in outcomes):
        return False
    return True if outcomes and _UNKNOWN not in outcomes else None


def _reason(verdict: Mapping[str, Any]) -> str | None:
    return next((said for said in verdict["observed"] or [] if said is not None), None)


def _flagged(completeness: pa.ChunkedArray, reasons: Mapping[int, str | None]) -> pa.Array:
    texts = completeness.cast(pa.string()).to_pylist()
    for row, reason in reasons.items():
        notes = orjson.loads(texts[row]) if texts[row] is not None else {}
        texts[row] = orjson.dumps({**notes, "task_unknown": reason}, option=orjson.OPT_SORT_KEYS).decode()
    return pa.array(texts, pa.string()).cast(completeness.type)


def _with(table: pa.Table, name: str, values: pa.Array | pa.ChunkedArray) -> pa.Table:
    index = table.schema.get_field_index(name)
    return table.set_column(index, table.schema.field(index), values)
