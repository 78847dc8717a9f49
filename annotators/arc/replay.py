"""Each recorded ARC grid, computed again from the grid recorded before it and the action.

A step is checked against the *recorded* state before it, so that one wrong record does not condemn what follows. Checked
are the steps that show a grid: edits, `submit` and `show_editor` (which leave it as it is), steps whose name has no rule
here, and any other step that is recorded with two different grids. The first grid of each panel is where a person
started: nothing leads to it, and it is not counted.

What a grid depends on besides itself: `undo` and `redo` go through the edits of one panel; only edits that changed the
grid count, and every `paste_accept`; a new edit forgets what could be redone; `start_over` brings back the panel's first
grid and forgets both. The clipboard is one for all panels. These are the rules of BrainGridGame's editor, for whose names
see `schemas.arc_operations`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from ..annotation import Annotation, Statements
from ..protocol import Requires
from ..task import Task
from ..trajectory import Trajectories, TrajectoryView
from .larc_rules import RULES as LARC_RULES
from .layered import has_layers, layered_traces
from .layered_replay import replay_layers
from .operations import OPERATIONS, ArgumentError, crop, integer, paste, size
from .recorded import Grid, RecordedStep, recorded_steps
from .together import lists

_SHOWS = frozenset({"submit", "show_editor"})

_NAMELESS = (None, None)
"""The panel of a step that does not say which grid it is about: what comes first there starts nothing."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What replay says of one step: `outcome` (exact, diverged, unverifiable) and, where not exact, what was `observed`."""

    step: int
    outcome: str
    observed: str | None = None


@dataclass
class _Panel:
    """One grid that a person works on: its first state, and what undo and redo would bring back."""

    first: Grid | None = None
    undone: list[Grid] = field(default_factory=list)
    done: list[Grid] = field(default_factory=list)


class _Unverifiable(Exception):
    """The record does not say enough."""


@dataclass(frozen=True)
class Replay:
    """The replay oracle."""

    name: ClassVar[str] = "arc.replay"
    version: ClassVar[str] = "2"
    producer_type: ClassVar[str] = "oracle"
    emits: ClassVar[tuple[str, ...]] = ("replay", "free_replay")
    requires: ClassVar[Requires] = Requires(domain="arc", columns=("action_name", "grid_after"), task=True)
    deterministic: ClassVar[bool] = True

    def propose(self, trajectory: TrajectoryView) -> Iterable[Annotation]:
        """One row: the checked steps and what was found; of a trace with layers another on the free run."""
        if has_layers(trajectory.steps):
            yield from layered_annotations(trajectory)
            return
        verdicts = list(replay(recorded_steps(trajectory), trajectory.task))
        payload = series(
            "replay",
            [verdict.step for verdict in verdicts],
            [verdict.outcome for verdict in verdicts],
            [verdict.observed for verdict in verdicts],
        )
        yield Annotation("replay", payload, start=0, end=trajectory.num_steps)

    def propose_many(self, trajectories: Trajectories) -> Iterable[Statements] | None:
        """The same of many trajectories at once; None where one of them has no layers."""
        return layered_statements(trajectories) if has_layers(trajectories.steps) else None


ANNOTATOR = Replay()


def series(name: str, steps: list[int], outcomes: list[str], observed: list[str | None]) -> dict[str, Any]:
    """The payload of a row of one of the oracle's layers."""
    return {**signed(name), "steps": steps, "outcomes": outcomes, "observed": observed}


def signed(name: str) -> dict[str, str]:
    """What each row of a layer of the oracle says of itself."""
    return {"name": name, "function": Replay.name, "evaluator": Replay.name}


def layered_annotations(trajectory: TrajectoryView) -> Iterator[Annotation]:
    """The rows about a trace with layers (`annotators.arc.layered_replay`)."""
    number = trajectory.num_steps
    completeness = trajectory.header.get("completeness") or ""
    (trace,) = layered_traces(trajectory.steps, [number], ['"grid_before"' in completeness])
    found = replay_layers(trace)
    yield Annotation("replay", series("replay", list(range(number)), found.outcomes, found.observed), 0, number)
    yield Annotation("free_replay", series("free_replay", [number - 1], [found.end], [found.end_observed]), 0, number)


def layered_statements(trajectories: Trajectories) -> Iterator[Statements]:
    """The rows about many traces with layers."""
    lengths = trajectories.lengths
    inferred = ['"grid_before"' in (view.header.get("completeness") or "") for view in trajectories.views]
    found = [replay_layers(trace) for trace in layered_traces(trajectories.steps, lengths.tolist(), inferred)]
    every = len(lengths)
    steps = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    outcomes = list(chain.from_iterable(one.outcomes for one in found))
    observed = list(chain.from_iterable(one.observed for one in found))
    end = lengths.astype(np.int32)
    for name, at, counts, words, said in (
        ("replay", steps, lengths, outcomes, observed),
        ("free_replay", lengths - 1, np.ones(every, np.int64), [f.end for f in found], [f.end_observed for f in found]),
    ):
        payload = {
            **{column: [value] * every for column, value in signed(name).items()},
            "steps": lists(at.astype(np.int32), counts),
            "outcomes": lists(words, counts, pa.string()),
            "observed": lists(said, counts, pa.string()),
        }
        yield Statements(name, np.arange(every), payload, [0] * every, end)


def replay(steps: Iterable[RecordedStep], task: Task | None = None) -> Iterator[Verdict]:
    """The verdict on each step that shows a grid, in order. `task`: for what is copied from a test's input."""
    panels: dict[tuple[int | None, str | None], _Panel] = {}
    clipboard: Grid | None = None
    for step in steps:
        panel = panels.setdefault(step.panel, _Panel())
        if panel.first is None:
            panel.first = step.before if step.before is not None else step.after
            if step.before is None and step.panel != _NAMELESS:
                continue
        if step.after is not None and _is_checked(step):
            try:
                made = _expected(step, panel, clipboard, task)
            except (_Unverifiable, ArgumentError) as error:
                yield Verdict(step.step, "unverifiable", str(error))
            else:
                difference = _difference(made, step.after)
                yield Verdict(step.step, "diverged" if difference else "exact", difference)
        if step.name == "copy":
            clipboard = _copied(step)
        _remember(step, panel)


def _is_checked(step: RecordedStep) -> bool:
    """Whether the step shows a grid (it has one after it) that something must lead to."""
    known = step.operation
    return known is None or known.edits or known.name in _SHOWS or step.changed


def _expected(step: RecordedStep, panel: _Panel, clipboard: Grid | None, task: Task | None) -> Grid:
    """The grid after the step. Raises _Unverifiable or ArgumentError where the record does not say enough."""
    if step.operation is None:
        raise _Unverifiable("the action has no name" if step.name is None else f"no rule for the action {step.name!r}")
    if step.before is None:
        raise _Unverifiable("the grid before is not recorded")
    name = step.operation.name
    if name in OPERATIONS:
        return OPERATIONS[name](step.before, step.arguments)
    if name in LARC_RULES:
        return LARC_RULES[name](step.before, step.arguments)
    if name == "copy_from_input":
        return _test_input(step, task)
    if name == "paste_accept":
        if clipboard is None:
            raise _Unverifiable("the clipboard is unknown: no copy is recorded")
        return paste(step.before, clipboard, integer(step.arguments, "pasteX"), integer(step.arguments, "pasteY"))
    if name in ("undo", "redo"):
        stack = panel.done if name == "undo" else panel.undone
        if not stack:
            raise _Unverifiable(f"nothing to {name}: no edit is recorded that it could be")
        return stack[-1]
    if name == "start_over":
        if panel.first is None:
            raise _Unverifiable("the first grid is not recorded")
        return panel.first
    if step.operation.edits:
        raise _Unverifiable(f"no rule says what {name} gives")
    return step.before


def _test_input(step: RecordedStep, task: Task | None) -> Grid:
    """The input of the test that a step is about. Raises _Unverifiable where the task or the test is not known."""
    test = None if task is None else task.test(step.panel[0])
    if test is None or test.input is None:
        raise _Unverifiable("the test's input is not known: no source of the recipe holds this task")
    return test.input


def _remember(step: RecordedStep, panel: _Panel) -> None:
    """What undo and redo bring back after this step, by what was recorded."""
    edits = step.operation is None or step.operation.edits
    if step.name == "start_over" or (step.operation is not None and edits and (step.before is None or step.after is None)):
        panel.done, panel.undone = [], []
    elif step.name in ("undo", "redo"):
        source, target = (panel.done, panel.undone) if step.name == "undo" else (panel.undone, panel.done)
        if source:
            source.pop()
        if step.before is not None:
            target.append(step.before)
    elif (step.name == "paste_accept" or (edits and step.changed)) and step.before is not None:
        panel.done.append(step.before)
        panel.undone = []


def _copied(step: RecordedStep) -> Grid | None:
    """What a copy puts on the clipboard; None where the record does not say."""
    try:
        return None if step.before is None else crop(step.before, step.arguments)
    except ArgumentError:
        return None


def _difference(made: Grid, recorded: Grid) -> str | None:
    """None where they are the same, else what differs, for a person."""
    if made.shape != recorded.shape:
        return f"expected {size(made)}, recorded {size(recorded)} (rows x columns)"
    differing = int(np.count_nonzero(made != recorded))
    return f"{differing} of {made.size} cells differ" if differing else None
