"""Which annotations count: current rows, and their values step by step.

A row is current unless it is rejected or another row replaces it. A person's correction of a *series* (a row with a value
per step) replaces only the steps it covers: the series keeps its id and leaves those steps out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.stored_rows import table_from_stored_rows
from schemas.tables import SERIES

_BEGINNING = datetime.min.replace(tzinfo=UTC)


def current_rows(kind: str, table: pa.Table) -> pa.Table:
    """The current rows of a kind. `table` holds all states of the rows of some trajectories; the last state counts.

    A series of which corrections leave no step is superseded whole.
    """
    if not table.num_rows or (table["supersedes"].null_count == table.num_rows and not _restated(table)):
        return table
    last = {row["annotation_id"]: row for row in sorted(table.to_pylist(), key=_state_order)}
    standing = {i: row for i, row in last.items() if row["status"] != "rejected"}
    for row in list(standing.values()):
        replaced = standing.get(row["supersedes"] or "")
        if replaced is None or _state_order(row)[:2] < _state_order(replaced)[:2]:
            continue  # nothing there, or somebody came back to it later
        kept = None
        if kind in SERIES and replaced["steps"] is not None and not _covers(row, replaced):
            kept = _without_steps(kind, replaced, row["start"], row["end"])
        if kept is None or (replaced["steps"] and not kept["steps"]):
            del standing[replaced["annotation_id"]]
        else:
            standing[replaced["annotation_id"]] = kept
    order = dict.fromkeys(table["annotation_id"].to_pylist())
    return table_from_stored_rows(table.schema, [standing[i] for i in order if i in standing])


def follow(table: pa.Table, columns: Sequence[str], others: Sequence[pa.Table]) -> pa.Table:
    """References (`columns` of current rows) led on from superseded rows to the rows that stand in their place.

    `others`: tables with annotation_id, supersedes, status, created_at and submission of all states of the rows that may
    be meant. The history keeps what was said.
    """
    wanted = {value for name in columns for value in table[name].to_pylist() if value is not None}
    if not wanted:
        return table
    successor: dict[str, str] = {}
    states = [row for other in others for row in other.filter(pc.is_valid(other["supersedes"])).to_pylist()]
    for row in sorted(states, key=_state_order):
        if row["status"] != "rejected":
            successor[row["supersedes"]] = row["annotation_id"]
    for name in columns:
        led = [_end_of(value, successor) for value in table[name].to_pylist()]
        table = table.set_column(table.column_names.index(name), table.schema.field(name), pa.array(led, pa.string()))
    return table


def _end_of(value: str | None, successor: Mapping[str, str]) -> str | None:
    seen: set[str] = set()
    while value is not None and value in successor and value not in seen:
        seen.add(value)
        value = successor[value]
    return value


def with_times(table: pa.Table, headers: pa.Table, steps: Sequence[pa.Table]) -> pa.Table:
    """`start_time` and `end_time` filled in: timestamp of `start`, and of `end`, or the duration after the last step."""
    if not table.num_rows:
        return table
    ids = headers["trajectory_id"].combine_chunks()
    lengths = np.append(headers["num_steps"].to_numpy(), 0)  # the last is what position -1 finds
    base = np.concatenate([[0], np.cumsum(lengths + 1)])  # a trajectory's times, and its duration behind them
    times = np.full(int(base[-1]), np.nan)
    times[base[1:-1] - 1] = _floats(headers["duration"])
    for part in steps:
        owner = _positions(part["trajectory_id"], ids)
        step = part["step"].to_numpy()
        inside = (owner >= 0) & (step < lengths[owner])
        times[(base[owner] + step)[inside]] = _floats(part["timestamp"])[inside]
    owner = _positions(table["trajectory_id"], ids)
    for name, bound in (("start_time", "start"), ("end_time", "end")):
        at = np.asarray(table[bound].fill_null(-1))
        inside = (owner >= 0) & (at >= 0) & (at <= lengths[owner])
        values = np.full(len(at), np.nan)
        values[inside] = times[(base[owner] + at)[inside]]
        index = table.schema.get_field_index(name)
        table = table.set_column(index, table.schema.field(index), pa.array(values, pa.float64(), mask=np.isnan(values)))
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
            for step in range(row["start"] or 0, len(out) if row["end"] is None else min(row["end"], len(out))):
                out[step] = row[value]
    return found


def _authority(row: Mapping[str, Any]) -> tuple[bool, bool, str]:
    return row["quality"] == "primary", row["producer_type"] == "human", row["annotation_id"]


def _state_order(row: Mapping[str, Any]) -> tuple[bool, datetime, str]:
    """What a machine said first, then the states in order of submission."""
    return row["created_at"] is not None, row["created_at"] or _BEGINNING, row["submission"] or ""


def _restated(table: pa.Table) -> bool:
    """Whether a row was rejected, or has more than one state."""
    rejected = pc.any(pc.equal(table["status"], "rejected")).as_py()
    return bool(rejected) or len(pc.unique(table["annotation_id"])) < table.num_rows


def _positions(values: pa.ChunkedArray, ids: pa.Array) -> npt.NDArray[np.int64]:
    """Where each value stands in `ids`; -1 where it does not."""
    return np.asarray(pc.index_in(values, value_set=ids).fill_null(-1)).astype(np.int64)


def _floats(column: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    """A float64 column; null is NaN."""
    return np.asarray(column.to_numpy(zero_copy_only=False), np.float64)


def _covers(row: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    if other["start"] is None or row["start"] is None:
        return True
    return bool(row["start"] <= other["start"] and other["end"] <= row["end"])


def _without_steps(kind: str, row: dict[str, Any], start: int, end: int) -> dict[str, Any]:
    keep = [i for i, step in enumerate(row["steps"]) if not start <= step < end]
    return row | {name: [row[name][i] for i in keep] for name in SERIES[kind] if row[name] is not None}
