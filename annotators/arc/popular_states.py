"""Popular states of an ARC task: where the ways of many people meet (Kim, Lee, Kim, KDD 2025, arXiv 2409.14191).

A state is popular where at least sqrt(n) of the task's n trajectories came to it by a move; each trajectory counts once,
however often it comes back. `start` (where people began) and `end` (a right answer that was handed in) are always among
them. With fewer than four trajectories the square root is below two, and every state would be popular: so at least
`least` must have come.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import ClassVar

from pydantic import PositiveInt

from ..annotation import Annotation
from ..protocol import Requires
from ..trajectory import TaskView
from .paths import TABLE, Path, paths_of
from .state_graph import StateGraph, state_graph


def popular_states(paths: Sequence[Path], graph: StateGraph, least: int = 2) -> Mapping[str, str]:
    """State → `start`, `end` or `popular`, in the order in which the graph holds them. A start that is an end is an `end`."""
    ends = {state for path in paths for _, state, right in path.submissions if right}
    needed = max(sqrt(graph.trajectories), least)
    found = {}
    for name, state in graph.states.items():
        role = "end" if name in ends else "start" if state.began else "popular" if state.arrived >= needed else None
        if role is not None:
            found[name] = role
    return found


@dataclass(frozen=True)
class PopularStates:
    """Proposes `popular_state`. `least`: trajectories that must have come to a state, however few the task has."""

    least: PositiveInt = 2

    name: ClassVar[str] = "arc.popular_states"
    version: ClassVar[str] = "1"
    producer_type: ClassVar[str] = "signal"
    emits: ClassVar[tuple[str, ...]] = ("popular_state",)
    requires: ClassVar[Requires] = Requires("arc", tables=(TABLE,), scope="task", task=True)
    deterministic: ClassVar[bool] = True

    def propose(self, task: TaskView) -> Iterable[Annotation]:
        """A row per popular state."""
        paths = paths_of(task)
        graph = state_graph(paths)
        for name, role in popular_states(paths, graph, self.least).items():
            state = graph.states[name]
            told = {"role": role, "trajectories": graph.trajectories}
            payload = {"node": name, "visits": state.arrived, "value": state.value, "depth": state.depth, "state": told}
            yield Annotation("popular_state", payload | {"terminal": role == "end"})


ANNOTATOR = PopularStates()
