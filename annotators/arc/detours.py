"""Stretches of a trace that led nowhere (layer `detour`), from the grids alone.

*undone*: from an edit to the `undo` (or `start_over`) that took it back for good; several in a row are one stretch. What was
taken back and made again by `redo` is not undone: there the undo and the redo are the *detour*. A *detour* is also any
stretch of edits that brings back a grid that was there before, without `undo`.

Looked at is the way through the grids of one panel (a test, an image): when a grid of the way comes back, the loop is cut
out of it, so that a loop inside a loop is told apart. Steps that change nothing are not looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from ..annotation import Annotation
from ..protocol import Requires
from ..trajectory import TrajectoryView
from .recorded import Grid, RecordedStep, recorded_steps

_BACK = frozenset({"undo", "start_over"})


@dataclass(frozen=True, slots=True, order=True)
class Detour:
    """Steps `[start, end)`, and whether they were taken back (`undone`) or came round by themselves (`detour`)."""

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


def detours(steps: Iterable[RecordedStep]) -> list[Detour]:
    """All of a trace, in order of start."""
    ways: dict[tuple[int | None, str | None], _Way] = {}
    found: list[Detour] = []
    for step in steps:
        if not step.changed or step.before is None or step.after is None:
            continue
        way = ways.setdefault(step.panel, _Way())
        before, after = _key(step.before), _key(step.after)
        if not way.grids or way.grids[-1][0] != before:
            # The first edit, or one whose beginning the record does not lead to: the way starts anew.
            found += _settled(way)
            way.grids = [(before, step.step)]
        found += _walk(way, step, after)
    for way in ways.values():
        found += _settled(way)
    return sorted(set(found))


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
    version: ClassVar[str] = "1"
    producer_type: ClassVar[str] = "signal"
    emits: ClassVar[tuple[str, ...]] = ("detour",)
    requires: ClassVar[Requires] = Requires("arc", columns=("grid_before", "grid_after"))
    deterministic: ClassVar[bool] = True

    def propose(self, trajectory: TrajectoryView) -> Iterable[Annotation]:
        """A span per stretch."""
        for one in detours(recorded_steps(trajectory)):
            yield Annotation("detour", {"label": one.label}, one.start, one.end)


ANNOTATOR = Detours()
