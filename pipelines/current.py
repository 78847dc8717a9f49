"""Which annotations count: current rows, and their values step by step.

A row is current unless it is rejected or another row replaces it. A person's correction of a *series* (a row with a value
per step) replaces only the steps it covers: the series keeps its id and leaves those steps out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from schemas.arrow import table_from_rows
from schemas.tables import SERIES


def current_rows(kind: str, table: pa.Table) -> pa.Table:
    """The current rows of a kind. `table` holds all states of the rows of some trajectories."""
    if not table.num_rows or (table["supersedes"].null_count == table.num_rows and not _any_rejected(table)):
        return table
    rows = table.to_pylist()
    standing = {row["annotation_id"]: row for row in rows if row["status"] != "rejected"}
    for row in list(standing.values()):
        replaced = standing.get(row["supersedes"] or "")
        if replaced is None:
            continue
        if _covers(row, replaced) or kind not in SERIES or replaced["steps"] is None:
            del standing[replaced["annotation_id"]]
        else:
            standing[replaced["annotation_id"]] = _without_steps(kind, replaced, row["start"], row["end"])
    return _typed(table, [standing[row["annotation_id"]] for row in rows if standing.get(row["annotation_id"]) is not None])


def with_times(table: pa.Table, headers: pa.Table, steps: Sequence[pa.Table]) -> pa.Table:
    """`start_time` and `end_time` filled in: timestamp of `start`, and of `end`, or the duration after the last step."""
    if not table.num_rows:
        return table
    times: dict[tuple[str, int], float | None] = {}
    for part in steps:
        times.update(
            ((trajectory, step), time)
            for trajectory, step, time in zip(
                *(part[c].to_pylist() for c in ("trajectory_id", "step", "timestamp")), strict=True
            )
        )
    for row in headers.select(["trajectory_id", "num_steps", "duration"]).to_pylist():
        times[row["trajectory_id"], row["num_steps"]] = row["duration"]
    owners = table["trajectory_id"].to_pylist()
    for name, bound in (("start_time", "start"), ("end_time", "end")):
        values = [times.get((owner, at)) for owner, at in zip(owners, table[bound].to_pylist(), strict=True)]
        index = table.schema.get_field_index(name)
        table = table.set_column(index, table.schema.field(index), pa.array(values, pa.float64()))
    return table


def per_step(table: pa.Table, value: str, lengths: Mapping[str, int]) -> dict[str, list[Any]]:
    """The values of one layer, a list of `num_steps` per trajectory; None where nothing was said.

    `value` is the payload column. Series and tracks give theirs at their `steps` or `frames`, other rows over their
    interval. What a person or an oracle confirmed wins over what nobody looked at, a person over a machine.
    """
    found: dict[str, list[Any]] = {trajectory: [None] * length for trajectory, length in lengths.items()}
    for row in sorted(table.to_pylist(), key=_authority):
        out = found.get(row["trajectory_id"])
        if out is None or row[value] is None:
            continue
        at = row.get("steps") if row.get("steps") is not None else row.get("frames")
        if isinstance(row[value], list) and at is not None:
            for step, item in zip(at, row[value], strict=True):
                if 0 <= step < len(out):
                    out[step] = item
        else:
            for step in range(row["start"] or 0, len(out) if row["end"] is None else row["end"]):
                out[step] = row[value]
    return found


def _authority(row: Mapping[str, Any]) -> tuple[bool, bool, str]:
    return row["quality"] == "primary", row["producer_type"] == "human", row["annotation_id"]


def _any_rejected(table: pa.Table) -> bool:
    return bool(pc.any(pc.equal(table["status"], "rejected")).as_py())


def _covers(row: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    if other["start"] is None or row["start"] is None:
        return True
    return bool(row["start"] <= other["start"] and other["end"] <= row["end"])


def _without_steps(kind: str, row: dict[str, Any], start: int, end: int) -> dict[str, Any]:
    keep = [i for i, step in enumerate(row["steps"]) if not start <= step < end]
    return row | {name: [row[name][i] for i in keep] for name in SERIES[kind] if row[name] is not None}


def _typed(table: pa.Table, rows: list[dict[str, Any]]) -> pa.Table:
    """Rows as a table of the same schema; `Json` columns come back from Arrow as text and go in as text."""
    json_columns = {field.name for field in table.schema if isinstance(field.type, pa.JsonType)}
    plain = table_from_rows(table.schema, [{k: v for k, v in row.items() if k not in json_columns} for row in rows])
    for name in json_columns:
        index = plain.schema.get_field_index(name)
        texts = pa.array([row[name] for row in rows], pa.string()).cast(pa.json_())
        plain = plain.set_column(index, plain.schema.field(index), texts)
    return plain
