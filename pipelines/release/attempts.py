"""Which try of its agent at its task a trajectory is: `trajectories.attempt`, known only over the whole workspace.

Agents are pseudonyms of their source, so tries are counted per source, agent and task, from 0, by `started_at` (then by id).
Where the start of any of them is not known, nobody can count them, and all stay null; so do those without agent or task.
What a source counted itself stays as it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

COLUMNS = ("trajectory_id", "source_name", "agent", "task_id", "started_at", "attempt")
"""The columns of `trajectories` that numbering looks at."""


def numbered(headers: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """trajectory_id → its number, of rows of `trajectories` (their `COLUMNS`); what is not known is not there."""
    tries: dict[tuple[str, str, str], list[tuple[Any, str]]] = defaultdict(list)
    for row in headers:
        if row["attempt"] is None and row["agent"] is not None and row["task_id"] is not None:
            tries[row["source_name"], row["agent"], row["task_id"]].append((row["started_at"], row["trajectory_id"]))
    return {
        trajectory_id: number
        for of_agent in tries.values()
        if all(started is not None for started, _ in of_agent)
        for number, (_, trajectory_id) in enumerate(sorted(of_agent))
    }


def with_attempts(trajectories: pa.Table, numbers: Mapping[str, int]) -> pa.Table:
    """Rows of `trajectories` with these numbers where they have none."""
    if not numbers:
        return trajectories
    place = trajectories.schema.get_field_index("attempt")
    known = zip(trajectories["trajectory_id"].to_pylist(), trajectories["attempt"].to_pylist(), strict=True)
    column = [numbers.get(trajectory_id) if attempt is None else attempt for trajectory_id, attempt in known]
    return trajectories.set_column(place, trajectories.schema.field(place), pa.array(column, pa.int32()))
