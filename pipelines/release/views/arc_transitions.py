"""ARC steps as transitions: ragged grids as they were, never padded (`examples/consume/padded.py` shows how to pad them)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.release.current import per_step
from pipelines.release.verdicts import LAYER as SUCCESS
from pipelines.release.verdicts import with_success
from pipelines.release.views import ViewTables, run_lengths, view_schema
from schemas.arc_simulators import SIMULATORS
from schemas.arrow import table_from_columns
from schemas.views import VIEWS

BASE = "arc_steps"
NEEDS = {
    "arc_steps": (
        "trajectory_id", "step", "action_kind", "action_name", "action_args", "task_id", "test_index", "grid_before", "grid_after",
        "selection",
    ),
    "trajectories": ("trajectory_id", "success", "success_by", "completeness"),
}  # fmt: skip
LAYERS = (SUCCESS,)


@dataclass(frozen=True, slots=True)
class Kept:
    """The steps that are transitions: which rows of `arc_steps` (`keep`), those rows, and of each owner, arguments, reward.

    `succeeded`: trajectory_id → outcome, the oracle's where it could decide.
    """

    keep: pa.Array
    rows: pa.Table
    owners: list[str]
    arguments: Sequence[Mapping[str, Any]]
    rewards: list[float]
    succeeded: Mapping[str, bool | None]


def derive(given: ViewTables) -> pa.Table:
    """Every editor action whose grids are known."""
    kept = transitions(given)
    lengths = run_lengths(given.tables["arc_steps"]["trajectory_id"])
    labels = {}
    for layer, view_column in VIEWS["arc_transitions"].layer_columns:
        values = per_step(given.layers[layer.name], view_column.value, lengths)
        column = pa.array([value for i in lengths for value in values[i]], view_column.column.arrow)
        labels[view_column.column.name] = column.filter(kept.keep)
    names = kept.rows["action_name"].to_pylist()
    columns = {
        **{name: kept.rows[name] for name in ("trajectory_id", "step", "task_id", "test_index", "selection")},
        "state": kept.rows["grid_before"],
        "next_state": kept.rows["grid_after"],
        "operation": kept.rows["action_name"],
        "arguments": kept.rows["action_args"],
        "reward": kept.rewards,
        "done": [i + 1 == len(names) or kept.owners[i + 1] != owner for i, owner in enumerate(kept.owners)],
        **{
            f"{simulator.name}_operation": [
                simulator.operation_id(name, arguments) for name, arguments in zip(names, kept.arguments, strict=True)
            ]
            for simulator in SIMULATORS
        },
        **labels,
    }
    return table_from_columns(view_schema("arc_transitions"), columns, kept.rows.num_rows)


def transitions(given: ViewTables) -> Kept:
    """The editor actions whose grids are known, and what each was rewarded by."""
    steps = given.tables["arc_steps"]
    keep = pc.and_(
        pc.equal(steps["action_kind"], "grid_op").fill_null(False),
        pc.and_(steps["grid_before"].is_valid(), steps["grid_after"].is_valid()),
    ).combine_chunks()
    rows = steps.filter(keep)
    owners = rows["trajectory_id"].to_pylist()
    parsed = [orjson.loads(text) if text else {} for text in rows["action_args"].cast(pa.string()).to_pylist()]
    arguments = [found if isinstance(found, dict) else {} for found in parsed]
    judged = with_success(given.tables["trajectories"], given.layers[SUCCESS])
    succeeded = dict(zip(judged["trajectory_id"].to_pylist(), judged["success"].to_pylist(), strict=True))
    rewards = _rewards(rows, owners, arguments, succeeded, _oracle(given.layers[SUCCESS]))
    return Kept(keep, rows, owners, arguments, rewards, succeeded)


def _oracle(checks: pa.Table) -> dict[tuple[str, int], bool]:
    """(trajectory_id, step) → whether the grid that was handed in there is the answer, as `arc.success` says."""
    return {
        (row["trajectory_id"], step): outcome == "correct"
        for row in checks.to_pylist()
        for step, outcome in zip(row["steps"] or (), row["outcomes"] or (), strict=True)
        if outcome in ("correct", "wrong")
    }


def _rewards(
    rows: pa.Table,
    owners: Sequence[str],
    arguments: Sequence[Mapping[str, Any]],
    succeeded: Mapping[str, bool | None],
    oracle: Mapping[tuple[str, int], bool],
) -> list[float]:
    """1 for a submission that is right: by the oracle, which judges the last one of each test, else by the source; where
    neither says anything of it, for the last one of a trace that succeeded.
    """
    names, steps = rows["action_name"].to_pylist(), rows["step"].to_pylist()
    last = {owner: row for row, (owner, name) in enumerate(zip(owners, names, strict=True)) if name == "submit"}
    rewards = [0.0] * len(owners)
    for row in [row for row, name in enumerate(names) if name == "submit"]:
        said = oracle.get((owners[row], steps[row]), arguments[row].get("correct"))
        if said is None and last[owners[row]] == row:
            said = succeeded.get(owners[row])
        rewards[row] = float(said is True)
    return rewards
