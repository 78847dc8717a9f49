"""ARC traces as sequences: one row per trajectory, for Decision Transformers (Chen et al. 2021).

The lists hold the transitions of `arc_transitions` in order; `states` are the ragged grids that a person saw when choosing.
A return-to-go is the sum of the rewards from a transition on, undiscounted.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.release.views import ViewTables, run_offsets, view_schema
from pipelines.release.views.arc_transitions import LAYERS as TRANSITIONS_SHOW
from pipelines.release.views.arc_transitions import NEEDS as TRANSITIONS_NEED
from pipelines.release.views.arc_transitions import transitions
from schemas.arrow import table_from_columns

BASE = "arc_steps"
NEEDS = TRANSITIONS_NEED
LAYERS = TRANSITIONS_SHOW


def derive(given: ViewTables) -> pa.Table:
    """A row per trajectory that has a transition; lists are cut from flat columns, no grid is touched."""
    kept = transitions(given)
    ids, offsets = run_offsets(kept.rows["trajectory_id"])
    tasks = kept.rows["task_id"].take(pa.array(offsets[:-1], pa.int64()))
    rewards = np.asarray(kept.rewards, np.float32)
    bounds = pa.array(offsets, pa.int32())
    flat = {
        "steps": kept.rows["step"],
        "test_indices": kept.rows["test_index"],
        "states": kept.rows["grid_before"],
        "operations": kept.rows["action_name"],
        "rewards": pa.chunked_array([pa.array(rewards)]),
        "returns_to_go": pa.chunked_array([pa.array(returns_to_go(rewards, offsets))]),
    }
    columns = {
        "trajectory_id": ids,
        "task_id": tasks,
        "success": [kept.succeeded[i] for i in ids],
        "num_transitions": np.diff(offsets).tolist(),
        **{name: pa.ListArray.from_arrays(bounds, column.combine_chunks()) for name, column in flat.items()},
    }
    return table_from_columns(view_schema("arc_sequences"), columns, len(ids))


def returns_to_go(rewards: npt.NDArray[np.float32], offsets: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """The sum of the rewards from each place to the end of its run; `offsets` bound the runs."""
    before = np.concatenate([[0.0], np.cumsum(rewards, dtype=np.float64)])
    return np.asarray(np.repeat(before[offsets[1:]], np.diff(offsets)) - before[:-1], np.float32)
