"""The state graph of a task, for a page: which states are shown, how many people went between them, and where they lie.

Of a graph with very many states those stay that most people came to, beside where people began and what was handed in. What
lies between is left out and its edges are joined, so that every way through the graph stays whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from annotators.arc.paths import Path
from annotators.arc.popular_states import popular_states
from annotators.arc.state_graph import StateGraph, state_graph

from .layered import layered


@dataclass(frozen=True, slots=True)
class Node:
    """A state that is shown.

    `role`: start, end (a right answer that was handed in), wrong (handed in, not right), popular, or None. `people`: who
    came there. `seen`: trajectory, step, whether its grid is the one after that step. `value`: the share of those who came
    there that handed in a right answer later; None where no outcome is known.
    """

    name: str
    role: str | None
    people: int
    visits: int
    value: float | None
    seen: tuple[str, int, bool]
    column: int
    row: float


@dataclass(slots=True)
class Edge:
    """People who went from one shown state to another, by which operations; `over`: most states left out between them."""

    people: set[str] = field(default_factory=set)
    operations: Counter[str] = field(default_factory=Counter)
    over: int = 0


@dataclass(frozen=True, slots=True)
class GraphOfTest:
    """The graph of one test: `states` and `people` are how many there are in all; `ways`: the shown states of each path."""

    test: int | None
    nodes: tuple[Node, ...]
    edges: dict[tuple[str, str], Edge]
    ways: tuple[tuple[Path, tuple[str, ...]], ...]
    states: int
    people: int


def graphs_of_tests(paths: Sequence[Path], most: int) -> list[GraphOfTest]:
    """A graph per test that somebody worked on, of at most `most` states each (where people began is always among them)."""
    tests = sorted({path.test for path in paths}, key=lambda test: (test is None, test or 0))
    return [_graph(test, [path for path in paths if path.test == test and path.entries], most) for test in tests]


def _graph(test: int | None, paths: Sequence[Path], most: int) -> GraphOfTest:
    graph = state_graph(paths)
    roles = dict(popular_states(paths, graph))
    wrong = {state for path in paths for _, state, right in path.submissions if right is False}
    roles |= {state: "wrong" for state in wrong if roles.get(state) not in ("start", "end")}
    people: dict[str, set[str]] = {name: set() for name in graph.states}
    for path in paths:
        for _, name, _ in path.visits():
            people[name].add(path.person)
    kept = _kept(graph, roles, people, most)
    edges: dict[tuple[str, str], Edge] = {}
    ways = tuple((path, _walk(path, kept, edges)) for path in paths)
    starts = [name for name in kept if graph.states[name].began]
    places = layered(list(kept), edges, starts)
    nodes = tuple(_node(name, graph, roles, len(people[name]), places[name]) for name in kept)
    return GraphOfTest(test, nodes, edges, ways, len(graph.states), len(set().union(*people.values())) if people else 0)


def _kept(graph: StateGraph, roles: dict[str, str], people: dict[str, set[str]], most: int) -> dict[str, None]:
    """The states that are shown, in the order of the graph."""
    ranks = {"start": 0, "end": 1, "wrong": 3}

    def rank(name: str) -> tuple[int, int, int]:
        return ranks.get(roles.get(name, ""), 2), -len(people[name]), -graph.states[name].visits

    ordered = sorted(graph.states, key=rank)
    chosen = {*ordered[:most], *(name for name in ordered if graph.states[name].began)}
    return {name: None for name in graph.states if name in chosen}


def _walk(path: Path, kept: Iterable[str], edges: dict[tuple[str, str], Edge]) -> tuple[str, ...]:
    """The shown states of a path in order; its edges are added."""
    operations = {move.step: move.operation or "unknown" for move in path.moves}
    way: list[str] = []
    before: str | None = None
    over, used = 0, ""
    for step, name, came in path.visits():
        if not came:
            before = None  # the record does not lead here
        if name not in kept:
            over, used = over + 1, used or operations.get(step, "unknown")
            continue
        if came and before is not None and before != name:
            edge = edges.setdefault((before, name), Edge())
            edge.people.add(path.person)
            edge.operations[used or operations.get(step, "unknown")] += 1
            edge.over = max(edge.over, over)
        if not way or way[-1] != name:
            way.append(name)
        before, over, used = name, 0, ""
    return tuple(way)


def _node(name: str, graph: StateGraph, roles: dict[str, str], people: int, place: tuple[int, float]) -> Node:
    state = graph.states[name]
    return Node(name, roles.get(name), people, state.visits, state.value, state.seen, *place)
