"""The state graph of an ARC task over all trajectories: which grids people went through, and by which operations.

A state is a grid of one test (`annotators.arc.paths`). One row of layer `state_graph` is one *way into a state*: the state
(`node`), the state before it (`parent`; null where people began), the operations that led there and how often, how many
times it was gone (`visits`). What is about the state itself stands in each of its rows: `value`, `depth`, `terminal`, and
where a person stood there. So the rows with a parent are the edges, and the distinct `node` are the nodes; the visits of a
node are the sum over its rows. (They are not links: a state graph has cycles, undo is one, and links have none.)

The value of a state is Monte Carlo: of the trajectories that came through it and whose outcome is known, the share that
handed in a right answer from there on (Sutton and Barto 1998, first visit, no discount).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import orjson
import pyarrow as pa

from ..annotation import Annotation, Statements
from ..protocol import Requires
from ..trajectory import TaskView
from .paths import TABLE, Path, paths_of, paths_of_all


@dataclass(slots=True)
class State:
    """A node: `visits` (times people came or began there), `arrivals` (of them by a move), `began`, `ended`: trajectories.

    `arrived`: the trajectories that came there by a move; `passed`, `reached`: those through it whose outcome is known, and
    how many of them succeeded later; `depth`: fewest moves from where people began; `seen`: (trajectory, step, whether the
    grid is the one after the step) where its grid can be looked up.
    """

    visits: int = 0
    began: int = 0
    ended: int = 0
    arrived: int = 0
    passed: int = 0
    reached: float = 0.0
    depth: int | None = None
    seen: tuple[str, int, bool] = ("", 0, False)

    @property
    def value(self) -> float | None:
        """Share of known outcomes that are right; None where none is known."""
        return self.reached / self.passed if self.passed else None


@dataclass(slots=True)
class StateGraph:
    """`states` by name; `edges`: (from, to) → operation → how often; `trajectories`: how many the graph is made of."""

    states: dict[str, State] = field(default_factory=dict)
    edges: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)
    trajectories: int = 0


def state_graph(paths: Sequence[Path]) -> StateGraph:
    """The graph of the paths of one task."""
    graph = StateGraph(trajectories=len({path.trajectory_id for path in paths}))
    states, edges = graph.states, graph.edges
    for path in paths:
        _walk(path, states)
        for move in path.moves:
            way = move.source, move.target
            if way not in edges:
                edges[way] = Counter()
            edges[way][move.operation or "unknown"] += 1
    _measure(graph)
    return graph


def _walk(path: Path, states: dict[str, State]) -> None:
    """Take up what one path says about the states it goes through."""
    last = max((at for at, _, right in path.submissions if right), default=-1)
    known = any(right is not None for _, _, right in path.submissions)
    passed: set[str] = set()
    arrived: set[str] = set()
    moved = {move.step for move in path.moves}
    for step, name, after in path.visits():
        state = states.get(name)
        if state is None:
            state = states[name] = State(seen=(path.trajectory_id, step, after))
        state.visits += 1
        if known and name not in passed:
            passed.add(name)
            state.passed += 1
            state.reached += step <= last
        if after and step in moved and name not in arrived:
            arrived.add(name)
            state.arrived += 1
    if path.entries:
        states[path.entries[0][1]].began += 1
        states[path.end].ended += 1


def _measure(graph: StateGraph) -> None:
    """Fill in the depths, breadth first from where people began."""
    ahead: dict[str, list[str]] = {}
    for source, target in graph.edges:
        ahead.setdefault(source, []).append(target)
    level = [name for name, state in graph.states.items() if state.began]
    depth = 0
    while level:
        for name in level:
            graph.states[name].depth = depth
        depth += 1
        level = [n for n in dict.fromkeys(t for name in level for t in ahead.get(name, ())) if graph.states[n].depth is None]


@dataclass(frozen=True)
class StateGraphs:
    """Proposes `state_graph`."""

    name: ClassVar[str] = "arc.state_graph"
    version: ClassVar[str] = "1"
    producer_type: ClassVar[str] = "signal"
    emits: ClassVar[tuple[str, ...]] = ("state_graph",)
    requires: ClassVar[Requires] = Requires("arc", tables=(TABLE,), scope="task", task=True)
    deterministic: ClassVar[bool] = True

    def propose(self, task: TaskView) -> Iterable[Annotation]:
        """A row per way into a state."""
        graph = state_graph(paths_of(task))
        coming = Counter[str]()
        for (source, target), operations in graph.edges.items():
            coming[target] += operations.total()
            yield _row(graph.states[target], target, source, operations.total(), dict(operations))
        for name, state in graph.states.items():
            if state.visits > coming[name]:
                yield _row(state, name, None, state.visits - coming[name], None)

    def propose_many(self, tasks: Sequence[TaskView]) -> Iterable[Statements]:
        """The same of many tasks at once."""
        owners: list[int] = []
        rows: list[tuple[Any, ...]] = []
        for place, paths in enumerate(paths_of_all(tasks)):
            found = _rows(state_graph(paths))
            rows += found
            owners += [place] * len(found)
        if rows:
            columns = dict(zip(_COLUMNS, map(list, zip(*rows, strict=True)), strict=True))
            texts = {name: pa.array(columns[name], pa.string()) for name in ("state", "action")}
            yield Statements("state_graph", owners, {**columns, **texts})


_COLUMNS = ("node", "parent", "depth", "state", "action", "visits", "value", "terminal")


def _rows(graph: StateGraph) -> list[tuple[Any, ...]]:
    """The rows of a graph, values of `_COLUMNS`, JSON as text."""
    about: dict[str, tuple[int | None, str, float | None, bool]] = {}
    for name, state in graph.states.items():
        trajectory_id, step, after = state.seen
        text = f'{{"grid":"{"grid_after" if after else "grid_before"}","step":{step},"trajectory_id":{json_string(trajectory_id)}}}'
        about[name] = state.depth, text, state.value, state.ended > 0
    coming: dict[str, int] = dict.fromkeys(graph.states, 0)
    rows: list[tuple[Any, ...]] = []
    for (source, target), operations in graph.edges.items():
        visits = operations.total()
        coming[target] += visits
        depth, text, value, terminal = about[target]
        said = orjson.dumps(operations, option=orjson.OPT_SORT_KEYS).decode()
        rows.append((target, source, depth, text, said, visits, value, terminal))
    for name, state in graph.states.items():
        if state.visits > coming[name]:
            depth, text, value, terminal = about[name]
            rows.append((name, None, depth, text, None, state.visits - coming[name], value, terminal))
    return rows


def json_string(text: str) -> str:
    """A text as JSON spells it."""
    return orjson.dumps(text).decode()


def _row(state: State, name: str, parent: str | None, visits: int, operations: dict[str, int] | None) -> Annotation:
    trajectory_id, step, after = state.seen
    payload: dict[str, Any] = {
        "node": name,
        "parent": parent,
        "depth": state.depth,
        "state": {"trajectory_id": trajectory_id, "step": step, "grid": "grid_after" if after else "grid_before"},
        "action": operations,
        "visits": visits,
        "value": state.value,
        "terminal": state.ended > 0,
    }
    return Annotation("state_graph", payload)


ANNOTATOR = StateGraphs()
