"""Stretches of a trace that led nowhere, or that try again (layer `detour`), from the grids and the submissions.

*undone*: from an edit to the `undo` (or `start_over`) that took it back for good; several in a row are one stretch. What was
taken back and made again by `redo` is not undone: there the undo and the redo are the *detour*. A *detour* is also any
stretch of edits that brings back a grid that was there before, without `undo`; where it goes to and fro between two grids
(a move up and down, once or several times) it is an *oscillation*.

Looked at is the way through the grids of one panel (a test, an image): when a grid of the way comes back, the loop is cut
out of it, so that a loop inside a loop is told apart. Steps that change nothing are not looked at there; edits in a row
that change nothing are a stretch with *no_effect*.

*retry*: from the step after a wrong submission to the next submission of that panel. Wrong is what the source called wrong
or, where it did not judge, what is not the task's answer.

These are the errors that ARC studies count: undone and repeated work and resubmissions (H-ARC's `incorrect_submissions`;
Johnson et al. 2021), and detours although a direct edge exists (Kim, Lee, Kim, arXiv 2409.14191, "user-tool misalignment").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from typing import ClassVar

import numpy as np

from ..annotation import Annotation
from ..protocol import Requires
from ..task import Task
from ..trajectory import TrajectoryView
from .recorded import Grid, RecordedStep, recorded_steps
from .states import Panel

_BACK = frozenset({"undo", "start_over"})
_HISTORY = _BACK | {"redo"}


@dataclass(frozen=True, slots=True, order=True)
class Detour:
    """Steps `[start, end)` and what they are: a word of the layer `detour`."""

    start: int
    end: int
    label: str


@dataclass
class _Way:
    """The way through the grids of one panel: each grid as a key, and the step that made it.

    `taken`: (edit, undo, what was cut out of the way), latest last: what a redo would bring back.
    """

    grids: list[tuple[bytes, int]] = field(default_factory=list)
    taken: list[tuple[int, int, list[tuple[bytes, int]]]] = field(default_factory=list)


def detours(steps: Sequence[RecordedStep]) -> list[Detour]:
    """What was undone, and ways round and to and fro, in order of start."""
    panels: dict[Panel, list[RecordedStep]] = {}
    for step in steps:
        if step.changed:
            panels.setdefault(step.panel, []).append(step)
    found: set[Detour] = set()
    for edits in panels.values():
        to_and_fro = _oscillations(edits)
        found.update(to_and_fro)
        for one in _rounds(edits):
            inside = any(other.start <= one.start and one.end <= other.end for other in to_and_fro)
            if one.label != "detour" or not inside:
                found.add(one)
    return sorted(found)


def without_effect(steps: Sequence[RecordedStep]) -> list[Detour]:
    """Edits in a row that changed nothing, in order of start."""
    panels: dict[Panel, list[RecordedStep]] = {}
    for step in steps:
        if step.operation is not None and step.operation.edits and step.before is not None and step.after is not None:
            panels.setdefault(step.panel, []).append(step)
    found = []
    for edits in panels.values():
        for changed, run in groupby(edits, key=lambda step: step.changed):
            if not changed:
                own = list(run)
                found.append(Detour(own[0].step, own[-1].step + 1, "no_effect"))
    return sorted(found)


def retries(steps: Sequence[RecordedStep], task: Task | None = None) -> list[Detour]:
    """From the step after a wrong submission to the next submission of its panel, in order of start."""
    found = []
    wrong: dict[Panel, int] = {}
    for step in steps:
        if step.name != "submit":
            continue
        if step.panel in wrong:
            found.append(Detour(wrong.pop(step.panel) + 1, step.step + 1, "retry"))
        if _is_wrong(step, task):
            wrong[step.panel] = step.step
    return sorted(found)


def _is_wrong(step: RecordedStep, task: Task | None) -> bool:
    """Whether a submission was judged wrong, or is not the answer; False where nobody knows."""
    judged = step.arguments.get("correct")
    if isinstance(judged, bool):
        return not judged
    test = None if task is None else task.test(step.panel[0])
    handed_in = step.before if step.before is not None else step.after
    if test is None or test.output is None or handed_in is None:
        return False
    return not np.array_equal(handed_in, test.output)


def _oscillations(edits: Sequence[RecordedStep]) -> list[Detour]:
    """Stretches of one panel's edits, each of which brings back the grid before the one before it; undo and redo apart."""
    back = [
        one.name not in _HISTORY
        and other.name not in _HISTORY
        and _same(one.before, other.after)
        and _same(one.after, other.before)
        for one, other in pairwise(edits)
    ]
    found = []
    place = 0
    for is_back, run in groupby(back):
        size = len(list(run))
        if is_back:
            found.append(Detour(edits[place].step, edits[place + size].step + 1, "oscillation"))
        place += size
    return found


def _same(one: Grid | None, other: Grid | None) -> bool:
    return one is not None and other is not None and np.array_equal(one, other)


def _rounds(edits: Iterable[RecordedStep]) -> list[Detour]:
    """What was undone in one panel, and all ways that came round, those of two edits too."""
    way = _Way()
    found: list[Detour] = []
    for step in edits:
        assert step.before is not None
        assert step.after is not None
        before, after = _key(step.before), _key(step.after)
        if not way.grids or way.grids[-1][0] != before:
            # The first edit, or one whose beginning the record does not lead to: the way starts anew.
            found += _settled(way)
            way.grids = [(before, step.step)]
        found += _walk(way, step, after)
    return [*found, *_settled(way)]


def _walk(way: _Way, step: RecordedStep, after: bytes) -> Iterator[Detour]:
    """Go to the next grid; what has become certain by it."""
    if step.name == "redo" and way.taken and way.taken[-1][2][-1][0] == after:
        _, undo, cut = way.taken.pop()
        way.grids += cut
        yield Detour(undo, step.step + 1, "detour")
        return
    seen = next((n for n, (grid, _) in enumerate(way.grids) if grid == after), None)
    if step.name in _BACK and seen is not None:
        cut = way.grids[seen + 1 :]
        way.taken.append((cut[0][1], step.step, cut))
        del way.grids[seen + 1 :]
        if step.name == "start_over":
            yield from _settled(way)
        return
    yield from _settled(way)
    if seen is None:
        way.grids.append((after, step.step))
    else:
        yield Detour(way.grids[seen + 1][1], step.step + 1, "detour")
        del way.grids[seen + 1 :]


def _settled(way: _Way) -> list[Detour]:
    """What was taken back and cannot be made again any more, stretches that touch or contain each other as one."""
    spans: list[tuple[int, int]] = []
    for start, undo, _ in sorted((start, undo, len(cut)) for start, undo, cut in way.taken):
        if spans and start < spans[-1][1]:
            spans[-1] = spans[-1][0], max(spans[-1][1], undo + 1)
        else:
            spans.append((start, undo + 1))
    way.taken.clear()
    return [Detour(start, end, "undone") for start, end in spans]


def _key(grid: Grid) -> bytes:
    return bytes(grid.shape) + grid.tobytes()


@dataclass(frozen=True)
class Detours:
    """Proposes `detour`."""

    name: ClassVar[str] = "arc.detours"
    version: ClassVar[str] = "2"
    producer_type: ClassVar[str] = "signal"
    emits: ClassVar[tuple[str, ...]] = ("detour",)
    requires: ClassVar[Requires] = Requires("arc", columns=("grid_before", "grid_after"), task=True)
    deterministic: ClassVar[bool] = True

    def propose(self, trajectory: TrajectoryView) -> Iterable[Annotation]:
        """A span per stretch."""
        steps = recorded_steps(trajectory)
        for one in sorted([*detours(steps), *without_effect(steps), *retries(steps, trajectory.task)]):
            yield Annotation("detour", {"label": one.label}, one.start, one.end)


ANNOTATOR = Detours()
