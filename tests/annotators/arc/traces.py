"""ARC traces made by hand: what the tests of annotators plant their known cases in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from annotators.annotation import Annotation, annotation_tables
from annotators.arc import layers
from annotators.arc.recorded import Grid, RecordedStep
from annotators.protocol import Annotator, producer_of
from annotators.task import Pair, Task
from annotators.trajectory import TrajectoryView
from schemas.arrow import columns_of, stored_schema, table_from_rows
from schemas.invariants import check_annotations

Cells = Sequence[tuple[int, int]]


def grid(text: str) -> Grid:
    """`grid("10 02")`: rows apart by a space, a digit a cell."""
    return np.array([[int(cell) for cell in row] for row in text.split()], np.uint8)


def trace(start: str, *actions: tuple[Any, ...], test: int | None = 0, first: int = 0) -> list[RecordedStep]:
    """Steps from (name, grid after[, arguments]); None for a grid that stays."""
    state, made = grid(start), []
    for number, (name, after, *arguments) in enumerate(actions, first):
        result = state if after is None else grid(after)
        made.append(RecordedStep(number, name, arguments[0] if arguments else {}, (test, None), state, result))
        state = result
    return made


def layered(start: str, *actions: tuple[Any, ...]) -> tuple[list[RecordedStep], list[Cells | None]]:
    """A trace of an editor with two layers and what is selected at each step, as ARCTraj's reader gives it.

    Actions: ("select_object", cells), ("move_right",), ("paint", colour), ("submit",), …
    """
    cells = grid(start)
    state = layers.State(cells.shape[1], cells.tobytes())
    made: list[RecordedStep] = []
    selected: list[Cells | None] = []
    for number, (name, *arguments) in enumerate(actions):
        before, floating = _seen(state), layers.places_of(state.places)
        if name in layers.SELECTIONS:
            state = layers.lift(state, np.array(arguments[0], np.int16).tobytes())
            floating = layers.places_of(state.places)
        elif name in layers.MOVES:
            state = layers.move(state, *layers.MOVES[name])
        elif name in layers.TURNS:
            state = layers.turn(state, layers.TURNS[name])[0]
        elif name in layers.FLIPS:
            state = layers.flip(state, layers.FLIPS[name])
        elif name == "paint":
            state = layers.paint(state, arguments[0])
        elif name == "submit":
            state = layers.put_down(state)
        named = {"color": arguments[0]} if name == "paint" else {}
        made.append(RecordedStep(number, name, named, (0, None), before, _seen(state)))
        selected.append([(row, column) for row, column in floating.tolist()])
    return made, selected


def _seen(state: layers.State) -> Grid:
    return np.frombuffer(layers.seen(state), np.uint8).reshape(-1, state.width)


def task(*tests: tuple[str, str | None], demonstrations: Sequence[tuple[str, str]] = ()) -> Task:
    """A task from (input, output) texts; None for an answer that is not known."""

    def pair(texts: tuple[str, str | None]) -> Pair:
        return Pair(grid(texts[0]), None if texts[1] is None else grid(texts[1]))

    return Task("t", demonstrations=tuple(map(pair, demonstrations)), tests=tuple(map(pair, tests)))


def view(
    steps: Sequence[RecordedStep],
    of: Task | None = None,
    selections: Sequence[Cells | None] | None = None,
    times: Sequence[float | None] | None = None,
) -> TrajectoryView:
    """The trajectory of a trace, its tables as they are stored."""
    rows = [
        {
            "trajectory_id": "s/a",
            "step": step.step,
            "timestamp": times[place] if times else None,
            "action_kind": "grid_op",
            "action_name": step.name,
            "action_args": dict(step.arguments) | ({"imageHandle": step.panel[1]} if step.panel[1] else {}),
            "test_index": step.panel[0],
            "grid_before": None if step.before is None else step.before.tolist(),
            "grid_after": None if step.after is None else step.after.tolist(),
            "selection": selections[place] if selections else None,
        }
        for place, step in enumerate(steps)
    ]
    header = {"trajectory_id": "s/a", "domain": "arc", "task_id": "t", "num_steps": len(steps)}
    tables = {
        "trajectories": table_from_rows(stored_schema("trajectories", columns_of("trajectories")), [header]),
        "arc_steps": table_from_rows(stored_schema("arc_steps", columns_of("arc_steps")), rows),
    }
    return TrajectoryView(header, tables, _no_media, lambda sha: _no_media(sha), of)


def _no_media(sha: str) -> Any:
    raise FileNotFoundError(sha)


def proposed(annotator: Annotator, trajectory: TrajectoryView) -> dict[str, list[Annotation]]:
    """What an annotator says, by layer; its rows must keep every rule that stored rows keep."""
    said = [one for one in annotator.propose(trajectory) if isinstance(one, Annotation)]
    tables = annotation_tables(trajectory.trajectory_id, producer_of(annotator), said)
    assert check_annotations({**trajectory.tables, **tables}) == []
    assert {one.layer for one in said} <= set(annotator.emits)
    found: dict[str, list[Annotation]] = {}
    for one in said:
        found.setdefault(one.layer, []).append(one)
    return found


def by_step(annotation: Annotation, column: str) -> Mapping[int, Any]:
    """A series as step → value."""
    return dict(zip(annotation.payload["steps"], annotation.payload[column], strict=True))


TRAINING = Path(__file__).resolve().parents[4] / "shared/data/arc/arc_agi_1/training"
