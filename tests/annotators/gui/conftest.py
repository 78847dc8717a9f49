"""The public AgentNetTool recording as annotators see it, and constructed ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from annotators.trajectory import TrajectoryView
from pipelines.io.media import MediaReader
from pipelines.stages.reading import Tables
from schemas.arrow import columns_of, stored_schema, table_from_rows


@pytest.fixture(scope="session")
def agentnet_view(public_recording: tuple[Tables, MediaReader]) -> TrajectoryView:
    tables, media = public_recording
    return TrajectoryView(tables["trajectories"].to_pylist()[0], tables, media.read, media.open)


@pytest.fixture
def gui_view() -> Callable[..., TrajectoryView]:
    """`gui_view(steps, trees, media)`: a constructed trajectory; `media` maps the name in a packed column to bytes."""

    def build(
        steps: Sequence[dict[str, Any]], trees: Sequence[dict[str, Any]] = (), media: dict[str, bytes] | None = None
    ) -> TrajectoryView:
        def table(name: str, rows: Sequence[dict[str, Any]]) -> pa.Table:
            return table_from_rows(stored_schema(name, columns_of(name)), [{"trajectory_id": "s/1", **row} for row in rows])

        numbered = [{"step": i, "action_kind": "gui", **row} for i, row in enumerate(steps)]
        tables = {"gui_steps": table("gui_steps", numbered), "gui_trees": table("gui_trees", trees)}
        header = {"trajectory_id": "s/1", "domain": "gui", "num_steps": len(steps)}
        return TrajectoryView(header, tables, lambda name: (media or {})[name], lambda name: nullcontext(Path(name)))

    return build
