"""What the panel of an ARC trace shows: the task, and per step the grids, the layers, the selection and the verdict of replay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from annotators.label_studio.pictures.arc import COLOURS, FURTHER

from .said import Json, one_per_step
from .stored import Stored

Grid = list[list[int]]

PALETTE = [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in (*COLOURS, *FURTHER)]


def panel(stored: Stored) -> Json:
    """The columns of `arc_steps` that are drawn, each grid once."""
    steps = stored.view.steps
    grids: dict[str, int] = {}

    def numbers(name: str) -> list[int | None]:
        return [_number(grid, grids) for grid in steps[name].to_pylist()]

    columns: Json = {
        "before": numbers("grid_before"),
        "after": numbers("grid_after"),
        "background": numbers("background"),
        "between": [len(frames) if frames else 0 for frames in steps["grids_between"].to_pylist()],
        "floating": steps["floating"].to_pylist(),
        "selection": [_runs(cells) for cells in steps["selection"].to_pylist()],
        "test": steps["test_index"].to_pylist(),
        "marked": _marked(stored),
    }
    layered = any(grid is not None for grid in columns["background"])
    if not layered:
        columns["background"] = columns["floating"] = None
    return {
        "domain": "arc", "palette": PALETTE, "task": task_of(stored.task, grids), "steps": columns, "layered": layered,
        "replay": one_per_step(stored.said, "replay", stored.view.num_steps), "grids": list(grids),
    }  # fmt: skip


def task_of(task: Mapping[str, Any] | None, grids: dict[str, int]) -> Json | None:
    """Demonstrations and tests as numbers of grids; None where neither is known."""
    if task is None or not (task["demonstrations"] or task["tests"]):
        return None
    return {
        name: [{side: _number(pair[side], grids) for side in ("input", "output")} for pair in task[name] or ()]
        for name in ("demonstrations", "tests")
    }


def coded(grid: Grid) -> str:
    """A grid as text: a letter or digit per cell (base 36), rows between slashes."""
    return "/".join("".join(_DIGITS[cell] for cell in row) for row in grid)


_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def _number(grid: Grid | None, grids: dict[str, int]) -> int | None:
    """The number of a grid among those of the page; a new one is added."""
    return None if grid is None else grids.setdefault(coded(grid), len(grids))


def _runs(cells: list[list[int]] | None) -> list[list[int]] | None:
    """Selected cells as `[row, first column, columns]`, which is much shorter for rectangles."""
    if cells is None:
        return None
    runs: list[list[int]] = []
    for row, column in sorted(map(tuple, cells)):
        if runs and runs[-1][0] == row and runs[-1][1] + runs[-1][2] == column:
            runs[-1][2] += 1
        elif not runs or runs[-1][0] != row or column >= runs[-1][1] + runs[-1][2]:  # one cell may be named twice
            runs.append([row, column, 1])
    return runs


def _marked(stored: Stored) -> list[Json]:
    """Cells that annotations mark: `layer`, `label`, steps and runs of cells."""
    return [
        {
            "layer": r["layer"],
            "label": r["label"] or r["role"],
            "start": r["start"] or 0,
            "end": r["end"],
            "cells": _runs(r["cells"]),
        }
        for entry in stored.of_kind("regions")
        if (r := entry.row)["cells"]
    ]
