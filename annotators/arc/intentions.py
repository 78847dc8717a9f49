"""Intentions: the stretches of a trace between one popular state and the next (Kim, Lee, Kim, KDD 2025).

A person is at a popular state (`annotators.arc.popular_states`) and does what leads to another one: that stretch is one
intention, (from, to). It *reaches* where it ends in another popular state, *returns* where it comes back to the one that
it left, and *strays* where the trace ends before any is reached.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from pydantic import PositiveInt

from ..annotation import Annotation
from ..protocol import Requires
from ..trajectory import TaskView
from .paths import TABLE, Path, paths_of
from .popular_states import popular_states
from .state_graph import state_graph


@dataclass(frozen=True, slots=True)
class Intention:
    """Steps `[start, end)`, the popular state that they leave and the one that they lead to (None: none)."""

    start: int
    end: int
    source: str
    target: str | None

    @property
    def label(self) -> str:
        """`reach`, `return` or `stray`."""
        return "stray" if self.target is None else "return" if self.target == self.source else "reach"


def intentions(path: Path, popular: Mapping[str, str]) -> Iterator[Intention]:
    """The intentions of one path, in order."""
    source: str | None = None
    start: int | None = None
    reached = -1
    moves = {move.step for move in path.moves}
    for step, state, after in path.visits():
        if not after or step not in moves:  # it begins here, or the record does not lead here
            source, start = (state, None) if state in popular else (None, None)
            continue
        start = step if start is None else start
        reached = step
        if state in popular:
            if source is not None:
                yield Intention(start, step + 1, source, state)
            source, start = state, None
    if source is not None and start is not None:
        yield Intention(start, reached + 1, source, None)


@dataclass(frozen=True)
class Intentions:
    """Proposes `intention`. `least`: as in `arc.popular_states`."""

    least: PositiveInt = 2

    name: ClassVar[str] = "arc.intentions"
    version: ClassVar[str] = "1"
    producer_type: ClassVar[str] = "signal"
    emits: ClassVar[tuple[str, ...]] = ("intention",)
    requires: ClassVar[Requires] = Requires("arc", tables=(TABLE,), scope="task", task=True)
    deterministic: ClassVar[bool] = True

    def propose(self, task: TaskView) -> Iterable[Annotation]:
        """A span per intention, about the trajectory that had it."""
        paths = paths_of(task)
        popular = popular_states(paths, state_graph(paths), self.least)
        for path in paths:
            for one in intentions(path, popular):
                ends = {"from": one.source, "to": one.target}
                payload = {"label": one.label, "attributes": ends}
                yield Annotation("intention", payload, one.start, one.end, trajectory_id=path.trajectory_id)


ANNOTATOR = Intentions()
