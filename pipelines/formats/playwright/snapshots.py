"""DOM snapshots of a Playwright trace, and how one is put together again.

A snapshot's `html` is a nested array: a text, or `[name, attributes, child…]`. A subtree that did not change is written
as `[[back, index]]`: the node `index` of the snapshot `back` earlier *of the same frame*, where nodes that are no
references are counted in post-order, texts included. So a tree needs earlier snapshots, which may need still earlier ones.

Trees come from outside: a reference may only go back (no cycle), and what a tree may grow to is bounded, since a few
lines that each refer twice to the one before would grow without end.

Memory: the trace's text stays as bytes; snapshots are parsed when a tree is asked for and forgotten again.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

MAX_NODES = 500_000
"""Nodes of one tree. Large real pages have some 20,000."""
MAX_DEPTH = 400
"""Depth of one tree."""
CACHE_BYTES = 32 << 20
"""JSON text whose parsed form is kept at hand (about ten times as much memory)."""

Node = Any
"""A text, or a list as described above."""

PHASES = {"input": "action"}
"""What phases were called in snapshot names before version 10."""


class TreeError(ValueError):
    """A tree cannot be put together; the message says why."""


class Viewport(BaseModel):
    """CSS px."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    width: int
    height: int


class Snapshot(BaseModel):
    """What a snapshot says besides its tree."""

    model_config = ConfigDict(extra="ignore", frozen=True, alias_generator=to_camel)

    call_id: str = ""
    phase: str | None = None
    snapshot_name: str | None = None
    page_id: str
    frame_id: str
    frame_url: str = ""
    viewport: Viewport | None = None
    timestamp: float | None = None
    is_main_frame: bool = False

    @property
    def moment(self) -> str | None:
        """before, action (just before the input goes to the page) or after; from `before@call@7` up to version 9."""
        if self.phase or not self.snapshot_name:
            return self.phase
        name = self.snapshot_name.split("@")[0]
        return PHASES.get(name, name)


@dataclass
class Snapshots:
    """All snapshots of one trace file; `data` is its text."""

    data: bytes
    _places: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    _found: dict[tuple[str, str | None], tuple[Snapshot, int]] = field(default_factory=dict)
    _page: dict[str, str] = field(default_factory=dict)
    _cache: OrderedDict[tuple[str, int], list[Node]] = field(default_factory=OrderedDict)
    _cached: int = 0

    @property
    def pages(self) -> tuple[str, ...]:
        """Pages that have a snapshot, by first appearance."""
        return tuple(dict.fromkeys(self._page.values()))

    def add(self, snapshot: Snapshot, start: int, end: int) -> None:
        """A snapshot whose line is `data[start:end]`."""
        places = self._places.setdefault(snapshot.frame_id, [])
        if snapshot.is_main_frame:
            # An action may be tried again: the last picture before it is what the input met.
            self._found[snapshot.call_id, snapshot.moment] = (snapshot, len(places))
        self._page.setdefault(snapshot.call_id, snapshot.page_id)
        places.append((start, end))

    def page_of(self, call_id: str) -> str | None:
        """The page that a call's snapshots show."""
        return self._page.get(call_id)

    def before(self, call_id: str) -> Snapshot | None:
        """The main frame before a call acted: at its start or, for mouse and keyboard calls, just before the input."""
        found = self._found.get((call_id, "before")) or self._found.get((call_id, "action"))
        return found[0] if found else None

    def after(self, call_id: str) -> Snapshot | None:
        """The main frame after a call."""
        found = self._found.get((call_id, "after"))
        return found[0] if found else None

    def tree(self, snapshot: Snapshot) -> Node:
        """Its tree without references: nested `[name, attributes, child…]` and texts. Raises TreeError."""
        _, index = self._found[snapshot.call_id, snapshot.moment]
        start, end = self._places[snapshot.frame_id][index]
        return _Resolver(self, snapshot.frame_id).resolve(_html(self.data[start:end]), index, 0)

    def nodes(self, frame: str, index: int) -> list[Node]:
        """Nodes of a frame's snapshot in the order that references count. Raises TreeError where there is none."""
        key = (frame, index)
        if key in self._cache:
            self._cache.move_to_end(key)
            return self._cache[key]
        start, end = self._places[frame][index]
        nodes: list[Node] = []
        _count(_html(self.data[start:end]), nodes, 0)
        self._cache[key] = nodes
        self._cached += end - start
        while self._cached > CACHE_BYTES and len(self._cache) > 1:
            (old_frame, old_index), _ = self._cache.popitem(last=False)
            begin, finish = self._places[old_frame][old_index]
            self._cached -= finish - begin
        return nodes


@dataclass
class _Resolver:
    snapshots: Snapshots
    frame: str
    count: int = 0

    def resolve(self, node: Node, index: int, depth: int) -> Node:
        """`node` of the snapshot `index` without references."""
        while _is_reference(node):
            node, index = self._referred(node[0], index)
        self.count += 1
        if depth > MAX_DEPTH or self.count > MAX_NODES:
            raise TreeError(f"it grows beyond {MAX_NODES:,} nodes or {MAX_DEPTH} levels")
        if isinstance(node, str):
            return node
        _check_element(node)
        resolved = list(node[:2])  # no comprehension: it would cost a second stack frame per level
        for child in node[2:]:
            resolved.append(self.resolve(child, index, depth + 1))
        return resolved

    def _referred(self, reference: list[Any], index: int) -> tuple[Node, int]:
        back, position = reference
        if not (isinstance(back, int) and isinstance(position, int) and 1 <= back <= index and position >= 0):
            raise TreeError("it refers to a snapshot that was not recorded")
        nodes = self.snapshots.nodes(self.frame, index - back)
        if position >= len(nodes):
            raise TreeError("it refers to a node that was not recorded")
        return nodes[position], index - back


def tree_bytes(tree: Node) -> bytes:
    """A tree as JSON text."""
    return json.dumps(tree, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def title_of(tree: Node) -> str | None:
    """The text of the first TITLE in the head, stripped; None where there is none or it is empty."""
    heads = [child for child in tree[2:] if isinstance(child, list) and child[0] == "HEAD"]
    for child in (child for head in heads for child in head[2:]):
        if isinstance(child, list) and child[0] == "TITLE":
            return "".join(text for text in child[2:] if isinstance(text, str)).strip() or None
    return None


def _html(line: bytes) -> Node:
    try:
        return json.loads(line)["snapshot"].get("html", "")
    except RecursionError as error:
        raise TreeError(f"it is deeper than {MAX_DEPTH} levels") from error


def _count(node: Node, nodes: list[Node], depth: int) -> None:
    """Append the nodes below `node` and itself in post-order, references left out."""
    if depth > MAX_DEPTH:
        raise TreeError(f"it is deeper than {MAX_DEPTH} levels")
    if _is_reference(node):
        return
    if not isinstance(node, str):
        _check_element(node)
        for child in node[2:]:
            _count(child, nodes, depth + 1)
    nodes.append(node)


def _is_reference(node: Node) -> bool:
    return isinstance(node, list) and bool(node) and isinstance(node[0], list) and len(node[0]) == 2


def _check_element(node: Node) -> None:
    if not (isinstance(node, list) and node and isinstance(node[0], str)):
        raise TreeError("it holds a node that is neither text, element nor reference")
