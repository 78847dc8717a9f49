"""Nodes of recorded interface trees, and the rule that picks one under the pointer.

A tree is what `gui_trees` holds. Only `accessibility` trees carry geometry: JSON nodes with Name, ControlType,
BoundingRectangle {left, top, right, bottom} and Children, as AgentNetTool writes them. Snapshots of a DOM say nothing
of where an element lay, so they have no nodes here.

The rule: of the nodes that people can act on and whose box holds the pointer, the smallest area, then the deepest, then
the first in document order. It is stated because trees overlap: two groups that took "the node under the click" from
the same dump published different boxes (reference/gui-recordings 3.3). Nodes without area are never candidates.

Boxes are [x_min, y_min, x_max, y_max] in the tree's own pixels, x_max and y_max exclusive. They are frame pixels only
while the desktop's scaling is 100 %; see `labels`.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

Box = tuple[float, float, float, float]
Point = tuple[float, float]

RULE = "smallest area, then deepest, then document order, among actionable nodes"
RULE_FALLBACK = "smallest area, then deepest, then document order; no actionable node under the pointer"

_ACTIONABLE = frozenset(
    (
        # UI Automation
        *("button", "checkbox", "combobox", "edit", "hyperlink", "listitem", "menuitem", "radiobutton", "scrollbar", "slider"),
        *("spinner", "splitbutton", "tabitem", "treeitem", "dataitem", "headeritem"),
        # AX
        *("link", "textfield", "textarea", "popupbutton", "menubutton", "menubaritem", "disclosuretriangle", "incrementor"),
        # AT-SPI
        *("pushbutton", "togglebutton", "entry", "pagetab", "spinbutton", "tablecell"),
        # ARIA
        *("option", "radio", "switch", "tab", "textbox", "searchbox", "menuitemcheckbox", "menuitemradio"),
    )
)
"""Roles of UI Automation, AX, AT-SPI and ARIA that a person acts on, in small letters and without affixes."""

_DRAGGED = frozenset({"thumb"})
"""Roles that are acted on by dragging alone: a click on a switch's thumb is meant for the switch."""


class TreeError(ValueError):
    """A tree that is not what its format says."""


@dataclass(frozen=True, slots=True)
class Node:
    """One node: `name`, `role` as written, `box` (None without area), `depth`, `order` in the document, `path`.

    `path` is `/Role[n]/Role[n]`, n counted from 1 among siblings of that role, as XPath counts.
    """

    name: str
    role: str
    box: Box | None
    depth: int
    order: int
    path: str

    def holds(self, point: Point, scale: float = 1.0) -> bool:
        """Whether the box, times `scale`, holds the point."""
        if self.box is None:
            return False
        x_min, y_min, x_max, y_max = (value * scale for value in self.box)
        return x_min <= point[0] < x_max and y_min <= point[1] < y_max

    @property
    def area(self) -> float:
        """Square pixels of the tree's own space; infinite without a box."""
        return math.inf if self.box is None else (self.box[2] - self.box[0]) * (self.box[3] - self.box[1])


def nodes(format_: str, data: bytes) -> tuple[Node, ...]:
    """All nodes of a tree in document order; none where the format has no geometry.

    Raises TreeError for text that is not the format's.
    """
    if format_ != "accessibility":
        return ()
    try:
        tree = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise TreeError(f"an accessibility tree is not JSON: {error}") from error
    return accessibility_nodes(tree)


def accessibility_nodes(tree: Any) -> tuple[Node, ...]:
    """All nodes of a parsed accessibility tree (an object, or a list of them) in document order.

    Raises TreeError where something that should be a node is none.
    """
    found: list[Node] = []
    waiting = list(reversed(list(_children("", 0, tree if isinstance(tree, list) else [tree]))))
    while waiting:
        path, depth, value = waiting.pop()
        found.append(Node(str(value.get("Name") or ""), _role(value), _box(value), depth, len(found), path))
        waiting += reversed(list(_children(path, depth + 1, value.get("Children") or [])))
    return tuple(found)


def actionable(role: str, dragging: bool = False) -> bool:
    """Whether a person acts on nodes of this role; `dragging` adds those that are only dragged."""
    plain = re.sub(r"[^a-z]", "", role.casefold())
    plain = plain.removesuffix("control").removeprefix("ax")
    return plain in _ACTIONABLE or (dragging and plain in _DRAGGED)


def under(found: Sequence[Node], point: Point) -> list[Node]:
    """The nodes with area that hold the point, in the order of the rule: the first is the pick."""
    return sorted((node for node in found if node.holds(point)), key=lambda n: (n.area, -n.depth, n.order))


def pick(candidates: Iterable[Node], dragging: bool = False) -> Node | None:
    """The first actionable node of `candidates` (ordered as `under` orders), or None."""
    return next((node for node in candidates if actionable(node.role, dragging)), None)


def _children(path: str, depth: int, values: Any) -> Iterator[tuple[str, int, Mapping[str, Any]]]:
    if not isinstance(values, list):
        raise TreeError(f"below {path or '/'} the children are {type(values).__name__}, not a list")
    seen: Counter[str] = Counter()
    for value in values:
        if not isinstance(value, dict):
            raise TreeError(f"below {path or '/'} a node is {type(value).__name__}, not an object")
        role = _role(value)
        seen[role] += 1
        yield f"{path}/{role}[{seen[role]}]", depth, value


def _role(value: Mapping[str, Any]) -> str:
    return str(value.get("ControlType") or "unknown")


def _box(value: Mapping[str, Any]) -> Box | None:
    rectangle = value.get("BoundingRectangle") or {}
    try:
        x_min, y_min, x_max, y_max = (float(rectangle[side]) for side in ("left", "top", "right", "bottom"))
    except (KeyError, TypeError, ValueError):
        return None
    return (x_min, y_min, x_max, y_max) if x_max > x_min and y_max > y_min else None
