"""Rows of ARCTraj as one batch of trajectories: what is wrong with one costs it alone, the rest becomes columns at once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.formats.arc.arctraj import Start, Trace, trace_of
from pipelines.formats.arc.arctraj_rows import Refused, Rows
from pipelines.formats.arc.layers import Layers, Starts, in_order, layer_columns, outside, visible
from pipelines.sources import Batch, Rejected
from schemas.arc_operations import OPERATIONS
from schemas.json_column import printable

NUMBER_OF_TASKS = 400
"""ARC-AGI-1's training tasks, in whose sorted names the older export counts."""

_NULL = frozenset({"", "null", "none", "nan"})
_NUMBER = re.compile(r"(\d{1,3})(?:\.0)?")
_FROM_INPUT = '"source":"input"'
_MARKED = frozenset({"select_rectangle", "select_cell", "select_object", "paint", "copy"})
"""Steps at which a floating cell outside the grid is odd; moves, turns and pastes push them there all the time."""
_NOT_LOADED: Start = (bytes(25), 5, 5)
"""What the page shows before its task has come up."""
_UNTIMED = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True)
class KnownTasks:
    """`names`: of all tasks, sorted; `starts`: what the first test of each begins with."""

    names: Sequence[str] = ()
    starts: Mapping[str, Start] = field(default_factory=dict)

    def named(self, text: str) -> str:
        """The id of the task that a row names, by id or by number. Raises Rejected (`task_missing`, `task_number`)."""
        text = text.strip()
        if text.lower() in _NULL:
            raise Rejected("task_missing", "there is no task, so it cannot be replayed; 476 such rows are known in ARCTraj")
        number = _NUMBER.fullmatch(text)
        if number is None:
            return text
        if len(self.names) != NUMBER_OF_TASKS:
            message = (
                f"taskId {text} counts the {NUMBER_OF_TASKS} training tasks of ARC-AGI-1: "
                f"give the option `tasks`, the folder that holds them all (found: {len(self.names)})"
            )
            raise Rejected("task_number", message, {"found": len(self.names)})
        if not 1 <= int(number[1]) <= NUMBER_OF_TASKS:
            raise Rejected("task_number", f"taskId {text}: there are tasks 1 to {NUMBER_OF_TASKS}")
        return self.names[int(number[1]) - 1]


@dataclass(slots=True)
class _Taken:
    """One row that is taken: its number, its trace, its task, and what was seen before its first action (None: unknown)."""

    row: int
    trace: Trace
    task: str
    start: Start | None = None


def batch_of(rows: Rows, tasks: KnownTasks, agent_type: str) -> tuple[Batch | None, Refused]:
    """The trajectories of some rows (None where there is none), and what is wrong with the others."""
    taken: list[_Taken] = []
    refused: Refused = []
    for row, native_id in enumerate(rows.ids):
        try:
            task = tasks.named(rows.tasks[row])
            start = tasks.starts.get(task)
            taken.append(_Taken(row, trace_of(rows.actions[row], start), task, start))
        except Rejected as rejected:
            refused.append(_named(native_id, rejected))
    stamps = _stamps(list(chain.from_iterable(one.trace.stamps for one in taken)))
    began, ended = _stamps(rows.started), _stamps(rows.ended)
    lengths = np.array([len(one.trace.names) for one in taken], np.int64)
    good = np.ones(len(taken), np.bool_)
    ends = np.cumsum(lengths)
    for number, one in enumerate(taken):
        own = stamps[ends[number] - lengths[number] : ends[number]]
        wrong = _wrong_times(one.trace, own, rows, one.row, began, ended)
        if wrong is not None:
            good[number] = False
            refused.append(_named(rows.ids[one.row], wrong))
    if not good.all():
        stamps = stamps[np.repeat(good, lengths)]
        taken, lengths = [one for one, fine in zip(taken, good, strict=True) if fine], lengths[good]
    return (_batch(rows, taken, lengths, stamps, agent_type) if taken else None), refused


def _named(native_id: str, rejected: Rejected) -> tuple[str, Rejected]:
    return native_id, Rejected(rejected.code, f"row logId={native_id}: {rejected.message}", rejected.detail)


def _batch(
    rows: Rows,
    taken: list[_Taken],
    lengths: npt.NDArray[np.int64],
    stamps: npt.NDArray[np.int64],
    agent_type: str,
) -> Batch:
    traces = [one.trace for one in taken]
    layers, doubled = in_order(_layers(traces))
    seen = visible(layers)
    first = np.cumsum(lengths) - lengths
    names = list(chain.from_iterable(trace.names for trace in traces))
    _find_starts(taken, layers, seen, first)
    _note(taken, first, lengths, names, doubled, outside(layers))
    own = [taken[i].row for i in range(len(taken))]
    steps = {
        "step": pa.array((np.arange(len(names)) - np.repeat(first, lengths)).astype(np.int32)),
        "timestamp": _seconds(stamps, np.repeat(stamps[first], lengths)),
        "action_kind": _repeated([OPERATIONS[name].kind for name in ("paint",)], np.full(1, len(names))),
        "action_name": pa.array(names, pa.string()),
        "action_args": _json(chain.from_iterable(trace.arguments for trace in traces)),
        "source_action": _json(chain.from_iterable(trace.sources for trace in traces)),
        "task_id": _repeated([one.task for one in taken], lengths),
        "test_index": pa.array(np.zeros(len(names), np.int32)),
        **layer_columns(
            layers, seen, _starts(taken), lengths, np.fromiter(chain.from_iterable(t.selects for t in traces), np.bool_)
        ),
    }
    headers = {
        "task_id": [one.task for one in taken],
        "agent": [rows.users[i] if rows.users[i].strip().lower() not in _NULL else None for i in own],
        "agent_type": pa.repeat(pa.scalar(agent_type), len(own)),
        "started_at": pa.array(stamps[first], pa.timestamp("us", "UTC"), mask=stamps[first] == _UNTIMED),
        "score": None if rows.scores is None else [_score(rows.scores[i]) for i in own],
        "completeness": _json(orjson.dumps(t.notes).decode() if t.notes else None for t in traces),
        "extras": _json(_extras(rows, i) for i in own),
    }
    return Batch(
        "arc", [rows.ids[i] for i in own], {k: v for k, v in headers.items() if v is not None}, lengths.tolist(), steps
    )


def _layers(traces: Sequence[Trace]) -> Layers:
    def numbers(name: str) -> npt.NDArray[np.int64]:
        return np.fromiter(chain.from_iterable(getattr(trace, name) for trace in traces), np.int64)

    cells = np.frombuffer(b"".join(trace.cells.tobytes() for trace in traces), np.int16).reshape(-1, 3)
    background = np.frombuffer(b"".join(chain.from_iterable(trace.grids for trace in traces)), np.uint8)
    return Layers(numbers("heights"), numbers("widths"), background, cells, numbers("counts"))


def _find_starts(taken: list[_Taken], layers: Layers, seen: npt.NDArray[np.uint8], first: npt.NDArray[np.int64]) -> None:
    """What was seen before the first action: the input of the task's first test, else what a first action left as it was."""
    sizes = layers.sizes
    at = np.cumsum(sizes) - sizes
    for one, step in zip(taken, first.tolist(), strict=True):
        trace = one.trace
        shown = seen[at[step] : at[step] + sizes[step]].tobytes(), int(layers.heights[step]), int(layers.widths[step])
        if one.start is not None:
            if len(trace.names) == 1 and shown == _NOT_LOADED != one.start:
                one.start = shown
                trace.notes["page_not_loaded"] = "a bare submission of a blank grid: the task's input had not come up yet"
        elif trace.selects[0] or trace.names[0] == "copy":
            one.start = shown
            reason = "the task is not known: what was seen first is taken from the first record, which changes nothing"
            trace.notes["grid_before"] = {"reason": reason, "steps": [0]}
        else:
            reason = "the task is not known, and the first action changes what is seen"
            trace.notes["grid_before"] = {"reason": reason, "steps": [0]}


def _starts(taken: Sequence[_Taken]) -> Starts:
    starts = [one.start or (b"", 0, 0) for one in taken]
    cells = np.frombuffer(b"".join(start[0] for start in starts), np.uint8)
    return Starts(np.array([start[1] for start in starts]), np.array([start[2] for start in starts]), cells)


def _note(
    taken: Sequence[_Taken],
    first: npt.NDArray[np.int64],
    lengths: npt.NDArray[np.int64],
    names: Sequence[str],
    doubled: npt.NDArray[np.int64],
    outside_cells: npt.NDArray[np.int64],
) -> None:
    """Cells that stood twice, and cells outside the grid where there should be none."""
    marked = np.fromiter((name in _MARKED for name in names), np.bool_, len(names))
    for row in [row for row, name in enumerate(names) if name == "copy" and outside_cells[row]]:
        owner = int(np.searchsorted(first, row, "right")) - 1
        marked[row] = _FROM_INPUT not in taken[owner].trace.arguments[row - int(first[owner])]  # else it copied none of them
    for key, counts, reason in (
        ("cells_doubled", doubled, "cells of one place stood here more than once; the last counts"),
        ("cells_outside", np.where(marked, outside_cells, 0), "cells outside the grid were selected, painted or copied"),
    ):
        odd = np.flatnonzero(counts)
        owners = np.searchsorted(first, odd, "right") - 1
        for owner in np.unique(owners).tolist():
            own = odd[owners == owner]
            taken[owner].trace.notes[key] = {
                "reason": reason,
                "steps": (own - first[owner]).tolist(),
                "cells": counts[own].tolist(),
            }


def _stamps(texts: Sequence[str | None]) -> npt.NDArray[np.int64]:
    """Microseconds since 1970 of ISO times, without a zone UTC; `_UNTIMED` for what is none."""
    column = pa.array([text if isinstance(text, str) else None for text in texts], pa.string())
    try:
        return _microseconds(column)
    except pa.ArrowInvalid:
        return np.concatenate([np.zeros(0, np.int64), *(_stamp(text) for text in column)])


def _stamp(text: pa.StringScalar) -> npt.NDArray[np.int64]:
    try:
        return _microseconds(pa.array([text.as_py()], pa.string()))
    except pa.ArrowInvalid:
        return np.array([_UNTIMED])


def _microseconds(column: pa.Array) -> npt.NDArray[np.int64]:
    plain = pc.utf8_rtrim(column, "Z")
    parsed = plain.cast(pa.timestamp("us")).cast(pa.int64())
    return np.asarray(pc.fill_null(parsed, _UNTIMED)).astype(np.int64)


def _wrong_times(
    trace: Trace,
    own: npt.NDArray[np.int64],
    rows: Rows,
    row: int,
    began: npt.NDArray[np.int64],
    ended: npt.NDArray[np.int64],
) -> Rejected | None:
    """What is wrong with the times of a row; None where nothing is."""
    if (len(own) > 1 and (own[1:] < own[:-1]).any()) or (own == _UNTIMED).any():
        for step, (text, stamp) in enumerate(zip(trace.stamps, own.tolist(), strict=True)):
            if stamp == _UNTIMED and text is not None:
                return Rejected("timestamp_invalid", f"step {step}: the timestamp {str(text)[:80]!r} is no ISO time")
        known = [(step, stamp) for step, stamp in enumerate(own.tolist()) if stamp != _UNTIMED]
        for (_, before), (step, after) in pairwise(known):
            if after < before:
                shown = f"{trace.stamps[step]} at step {step} comes after {trace.stamps[step - 1]}"
                return Rejected("timestamp_back", f"the timestamps go back: {shown}")
    if began[row] != _UNTIMED and ended[row] != _UNTIMED and began[row] > ended[row]:
        return Rejected("timestamp_back", f"startedAt {rows.started[row]} is later than endedAt {rows.ended[row]}")
    return None


def _seconds(stamps: npt.NDArray[np.int64], origin: npt.NDArray[np.int64]) -> pa.Array:
    unknown = (stamps == _UNTIMED) | (origin == _UNTIMED)
    elapsed = np.where(unknown, 0, stamps - np.where(unknown, 0, origin)) / 1e6
    return pa.array(elapsed, mask=unknown)


def _extras(rows: Rows, row: int) -> str:
    return orjson.dumps(
        {"endedAt": printable(rows.ended[row]), "startedAt": printable(rows.started[row]), "tests_offered": [0]}
    ).decode()


def _score(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if np.isfinite(value) else None


def _json(texts: Any) -> pa.Array:
    return pa.array(list(texts), pa.string()).cast(pa.json_())


def _repeated(values: Sequence[str], counts: npt.NDArray[Any]) -> pa.Array:
    numbers = pa.array(np.repeat(np.arange(len(values), dtype=np.int32), counts))
    return pa.DictionaryArray.from_arrays(numbers, pa.array(values, pa.string())).dictionary_decode()
