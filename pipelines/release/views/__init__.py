"""How the views are derived: one file here derives the view of its name, whose columns stand in `schemas.views`.

BASE = "robot_steps"                              # the table (or kinds) whose trajectories it covers, and whose size it has
NEEDS = {"robot_steps": ("trajectory_id", ...)}   # stored tables and columns it reads; None = all columns
LAYERS = ("rule", ...)                            # optional: layers that it reads besides those that become its columns
def derive(tables: ViewTables) -> pa.Table        # rows in the stored schema of the view
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.arrow import stored_schema
from schemas.views import VIEWS


@dataclass(frozen=True)
class ViewTables:
    """What a view is derived from: stored tables, sorted, and the current rows of each layer that it shows."""

    tables: Mapping[str, pa.Table]
    layers: Mapping[str, pa.Table]

    def headers(self) -> dict[str, dict[str, Any]]:
        """trajectory_id → row of `trajectories`."""
        return {row["trajectory_id"]: row for row in self.tables["trajectories"].to_pylist()}


def view_module(name: str) -> ModuleType:
    """The module that derives a view."""
    return importlib.import_module(f"{__name__}.{name}")


def view_schema(name: str) -> pa.Schema:
    """The stored schema of a view."""
    return stored_schema(name, VIEWS[name].columns)


def run_offsets(ids: pa.ChunkedArray) -> tuple[list[str], npt.NDArray[np.int64]]:
    """The distinct ids of a sorted column, and the offsets of their runs (one more than ids)."""
    encoded = pc.run_end_encode(ids.combine_chunks())
    return encoded.values.to_pylist(), np.concatenate([[0], encoded.run_ends.to_numpy()]).astype(np.int64)


def run_lengths(ids: pa.ChunkedArray) -> dict[str, int]:
    """Rows of each id's run in a sorted column, in order."""
    values, offsets = run_offsets(ids)
    return dict(zip(values, np.diff(offsets).tolist(), strict=True))
