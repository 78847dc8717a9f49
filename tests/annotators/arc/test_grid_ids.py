"""The small table of ids that tasks are regrouped by, from recorded steps."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from annotators.arc.grid_ids import COLUMNS, grid_id, grid_ids, state_rows
from schemas.arrow import columns_of, stored_schema, table_from_rows

EXAMPLES = Path(__file__).resolve().parents[3] / "examples/data/arc"
GRIDS = pa.list_(pa.list_(pa.uint8()))
A, B = [[0, 1], [2, 3]], [[0, 1, 2, 3]]


def said(grid: list[list[int]]) -> str:
    """The formula of the docstring."""
    return hashlib.blake2b(
        f"{len(grid)}x{len(grid[0])}:".encode() + bytes(c for row in grid for c in row), digest_size=8
    ).hexdigest()


def steps(*rows: dict[str, object]) -> pa.Table:
    schema = stored_schema("arc_steps", columns_of("arc_steps"))
    return table_from_rows(schema, [{"trajectory_id": "t", "step": n, "test_index": 0} | row for n, row in enumerate(rows)])


def test_an_id_is_what_the_docstring_says_and_knows_the_shape() -> None:
    assert grid_id(np.array(A, np.uint8)) == said(A)
    assert said(A) != said(B)
    column = pa.array([A, None, B, A], GRIDS)
    assert grid_ids(column).to_pylist() == [said(A), None, said(B), said(A)]
    assert grid_ids(column.slice(1, 2)).to_pylist() == [None, said(B)]
    assert grid_ids(pa.chunked_array([column.slice(3), column.slice(0, 2)])).to_pylist() == [said(A), said(A), None]
    assert grid_ids(pa.array([], GRIDS)).to_pylist() == []


def test_kept_are_the_first_grid_of_a_test_moves_and_submissions() -> None:
    found = state_rows(
        steps(
            {"action_name": "show_overview"},
            {"action_name": "show_editor", "grid_after": A},
            {"action_name": "pick_color", "grid_before": A, "grid_after": A},
            {"action_name": "draw", "grid_before": A, "grid_after": B, "action_args": {"x": 1, "y": 2, "color": 3}},
            {"action_name": "crop", "grid_before": B, "grid_after": A, "selection": [[3, 1], [2, 5]]},
            {"action_name": "submit", "grid_before": A, "grid_after": A, "action_args": {"correct": True}},
            {"action_name": "show_editor", "grid_before": A, "grid_after": A, "test_index": 1},
            {"action_name": "submit", "grid_before": A, "grid_after": A, "test_index": 1, "action_args": {"correct": "yes"}},
        )
    ).to_pylist()
    kept = [(row["step"], row["before"], row["after"], row["region"], row["correct"]) for row in found]
    a, b = said(A), said(B)
    assert kept == [
        (1, None, a, None, None),
        (3, a, b, [2, 1, 3, 2], None),
        (4, b, a, [2, 1, 4, 6], None),
        (5, a, a, None, True),
        (6, a, a, None, None),
        (7, a, a, None, None),
    ]


def test_what_is_not_checked_yet_stops_nothing() -> None:
    """Ingest makes the rows before it takes out what is ragged or no cell."""
    ragged = [[1, 2], [3]]
    found = state_rows(
        steps(
            {"action_name": "draw", "grid_before": A, "grid_after": ragged, "selection": [[1, 2], [3]]},
            {"action_name": "draw", "grid_before": [], "grid_after": [[]], "selection": [[1, None]]},
        )
    )
    assert found["region"].to_pylist() == [None, None]
    assert state_rows(steps()).num_rows == 0


@pytest.mark.parametrize("where", ["examples", "histories"])
def test_the_ids_of_recorded_traces_are_those_of_their_grids(read_source, request, where: str) -> None:
    place = EXAMPLES if where == "examples" else request.getfixturevalue("shared_data") / "arc/braingridgame_history/2"
    recorded = read_source("braingridgame", str(place / "*.json")).table("arc_steps").combine_chunks()
    at = {(row["trajectory_id"], row["step"]): row for row in recorded.select(COLUMNS).to_pylist()}
    rows = state_rows(recorded).to_pylist()
    assert len({row["trajectory_id"] for row in rows}) == len({trajectory for trajectory, _ in at})
    for row in rows[:: 1 if where == "examples" else 17]:
        step = at[row["trajectory_id"], row["step"]]
        for name, grid in (("before", "grid_before"), ("after", "grid_after")):
            assert row[name] == (None if step[grid] is None else said(step[grid]))
    moves = {key for key, step in at.items() if step["grid_before"] and step["grid_after"] not in (None, step["grid_before"])}
    assert moves == {(r["trajectory_id"], r["step"]) for r in rows if r["before"] and r["after"] and r["before"] != r["after"]}
    cells = [row for row in rows if row["operation"] == "draw" and row["before"] is not None]
    assert cells
    assert all(row["region"] is not None for row in cells)
