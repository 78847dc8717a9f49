"""A layered drawing of a graph: nodes in columns by their distance from the start, and in each column near their neighbours."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import TypeVar

N = TypeVar("N", bound=Hashable)

_SWEEPS = 8


def layered(nodes: Sequence[N], edges: Collection[tuple[N, N]], starts: Collection[N]) -> dict[N, tuple[int, float]]:
    """Column and row of every node: the column is the fewest edges from a start, rows are centred on 0 and 1 apart.

    Nodes that no start leads to stand in columns of their own behind the last, in the order of `nodes`. Within a column the
    order follows the mean row of the neighbours, swept to and fro (Sugiyama, Tagawa, Toda 1981).
    """
    depth = _depths(nodes, edges, starts)
    columns: dict[int, list[N]] = {}
    for node in nodes:
        columns.setdefault(depth[node], []).append(node)
    near: dict[N, list[N]] = {node: [] for node in nodes}
    for a, b in edges:
        if depth[a] != depth[b]:
            near[a].append(b)
            near[b].append(a)
    rows = {node: row for column in columns.values() for node, row in _centred(column).items()}
    for sweep in range(_SWEEPS):
        behind = sweep % 2 == 0
        for number in sorted(columns, reverse=not behind):
            columns[number] = _ordered(columns[number], near, rows, depth, behind)
            rows |= _centred(columns[number])
    return {node: (depth[node], rows[node]) for node in nodes}


def _depths(nodes: Sequence[N], edges: Collection[tuple[N, N]], starts: Collection[N]) -> dict[N, int]:
    ahead: dict[N, list[N]] = {}
    for a, b in edges:
        ahead.setdefault(a, []).append(b)
    found: dict[N, int] = {}
    first = 0
    waiting = [*starts, *nodes]
    level = [node for node in nodes if node in set(starts)]
    while True:
        depth = first
        while level:
            found |= dict.fromkeys(level, depth)
            following = dict.fromkeys(b for node in level for b in ahead.get(node, ()))
            level = [node for node in following if node not in found]
            depth += 1
        left = next((node for node in waiting if node not in found), None)
        if left is None:
            return found
        first, level = max(found.values(), default=-1) + 1, [left]


def _centred(column: Sequence[N]) -> dict[N, float]:
    return {node: place - (len(column) - 1) / 2 for place, node in enumerate(column)}


def _ordered(
    column: Sequence[N], near: Mapping[N, Sequence[N]], rows: Mapping[N, float], depth: Mapping[N, int], behind: bool
) -> list[N]:
    """The column in order of the mean row of the neighbours on one side; a node without any keeps its row."""

    def middle(node: N) -> float:
        side = [rows[other] for other in near[node] if (depth[other] < depth[node]) == behind]
        return sum(side) / len(side) if side else rows[node]

    return sorted(column, key=middle)
