"""Where a colour or a size may have come from (layers `colour_origin`, `size_origin`): candidates, for no source logs it.

ARCTraj's second research question asks for it and proposes to log `fill(color, source)`; without a log it found 266 of 400
tasks that need the colours of the test input alone, and 134 that also need those of example outputs (arXiv 2511.11079).

A *colour* is looked at where an edit takes one (`color` of its arguments, but for `resize`), a *size* where an edit gives
the grid another one. Of several candidates the first in the order of the layer's words is the outcome; `observed` lists
all of them. A size is *scaled* where it is the test input's times what makes every example's output of its input. Without
the task nothing is proposed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

import numpy as np

from ..annotation import Annotation
from ..protocol import Requires
from ..task import Pair, Task
from ..trajectory import TrajectoryView
from .objects import objects_of
from .recorded import Grid, RecordedStep, recorded_steps

Origin = tuple[int, list[str]]
"""A step, and where what it brings may have come from, likeliest first; `unknown` alone where there is no candidate."""

Size = tuple[int, int]


@dataclass(frozen=True)
class Provenance:
    """Proposes `colour_origin` and `size_origin`."""

    name: ClassVar[str] = "arc.provenance"
    version: ClassVar[str] = "1"
    producer_type: ClassVar[str] = "signal"
    emits: ClassVar[tuple[str, ...]] = ("colour_origin", "size_origin")
    requires: ClassVar[Requires] = Requires("arc", columns=("action_name", "grid_after"), task=True)
    deterministic: ClassVar[bool] = True

    def propose(self, trajectory: TrajectoryView) -> Iterable[Annotation]:
        """A row for colours and one for sizes; none where the task is not known."""
        task = trajectory.task
        if task is None or not (task.demonstrations or task.tests):
            return
        steps = recorded_steps(trajectory)
        for layer, origins in (("colour_origin", colour_origins(steps, task)), ("size_origin", size_origins(steps, task))):
            payload = {
                "name": layer,
                "function": self.name,
                "evaluator": self.name,
                "steps": [step for step, _ in origins],
                "outcomes": [candidates[0] for _, candidates in origins],
                "observed": [" ".join(candidates) for _, candidates in origins],
            }
            yield Annotation(layer, payload, 0, trajectory.num_steps)


ANNOTATOR = Provenance()


def colour_origins(steps: Sequence[RecordedStep], task: Task) -> list[Origin]:
    """The candidates of each colour that an edit takes."""
    outputs, inputs = (_colours(grids) for grids in (_outputs(task), _inputs(task)))
    found = []
    for step in steps:
        colour = step.arguments.get("color")
        if step.operation is not None and step.operation.edits and step.name != "resize" and type(colour) is int:
            test = _test(task, step)
            places = (
                ("test_input", _colours([test.input] if test is not None and test.input is not None else [])),
                ("example_output", outputs),
                ("example_input", inputs),
            )
            found.append((step.step, [word for word, colours in places if colour in colours] or ["unknown"]))
    return found


def size_origins(steps: Sequence[RecordedStep], task: Task) -> list[Origin]:
    """The candidates of each size that an edit gives the grid."""
    outputs, inputs = (_sizes(grids) for grids in (_outputs(task), _inputs(task)))
    own: dict[int | None, tuple[set[Size], set[Size], set[Size]]] = {}
    found = []
    for step in steps:
        if step.before is None or step.after is None or step.before.shape == step.after.shape:
            continue
        size = _size(step.after)
        if step.panel[0] not in own:
            test = _test(task, step)
            given = None if test is None else test.input
            own[step.panel[0]] = (set(), set(), set()) if given is None else _sizes_of(given, task)
        whole, scaled, boxes = own[step.panel[0]]
        places = (
            ("test_input", whole),
            ("example_output", outputs),
            ("scaled", scaled),
            ("object", boxes),
            ("example_input", inputs),
        )
        found.append((step.step, [word for word, sizes in places if size in sizes] or ["unknown"]))
    return found


def _test(task: Task, step: RecordedStep) -> Pair | None:
    """The test that a step is about; a task's only test where the step does not say."""
    index = step.panel[0]
    return task.test(0 if index is None and len(task.tests) == 1 else index)


def _inputs(task: Task) -> list[Grid]:
    return [pair.input for pair in task.demonstrations if pair.input is not None]


def _outputs(task: Task) -> list[Grid]:
    return [pair.output for pair in task.demonstrations if pair.output is not None]


def _colours(grids: Iterable[Grid]) -> set[int]:
    return {colour for grid in grids for colour in np.flatnonzero(np.bincount(grid.ravel())).tolist()}


def _sizes(grids: Iterable[Grid]) -> set[Size]:
    return {_size(grid) for grid in grids}


def _size(grid: Grid) -> Size:
    return grid.shape[0], grid.shape[1]


def _sizes_of(given: Grid, task: Task) -> tuple[set[Size], set[Size], set[Size]]:
    """What a test's input suggests: its own size, that size scaled as in the examples, those of its objects."""
    return {_size(given)}, _scaled(given, task), _object_sizes(given)


def _object_sizes(grid: Grid) -> set[Size]:
    """The sizes of the boxes around its objects."""
    boxes = objects_of([grid]).box[1:]
    return {(bottom - top, right - left) for top, left, bottom, right in boxes.tolist()}


def _scaled(given: Grid, task: Task) -> set[Size]:
    """The test input's size times what makes every example's output of its input; empty where that is not one factor."""
    factors = {
        (Fraction(pair.output.shape[0], pair.input.shape[0]), Fraction(pair.output.shape[1], pair.input.shape[1]))
        for pair in task.demonstrations
        if pair.input is not None and pair.output is not None
    }
    if len(factors) != 1 or factors == {(Fraction(1), Fraction(1))}:
        return set()
    ((down, across),) = factors
    rows, columns = given.shape[0] * down, given.shape[1] * across
    return {(int(rows), int(columns))} if rows.denominator == columns.denominator == 1 else set()
