"""The box of the element that a pointer action was aimed at, from the tree that was recorded with it.

Three sources, in this order: the node that bears the person's label after a change of display scaling (`labels`); the
smallest actionable node under the pointer (`trees`); the element's own box, where the source recorded one
(`action_args.box`, [x_min, y_min, x_max, y_max] in frame pixels, with `role` and `name` where known). A pick that is no
actionable node becomes a row only where a person's label disagrees with it, so that the reviewer sees the disagreement.

A tree hit is a proposal: `attributes.agrees` says whether its name fits what a person called it, null where nobody did.
`confidence` ranks proposals (named 0.9, recovered 0.8, recorded 0.8, unconfirmed 0.6, contradicted 0.1); it is no
measured probability. Scrolls have no row: a wheel turns what scrolls, not the smallest element under the pointer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import orjson

from ..annotation import Annotation
from ..protocol import Requires
from ..trajectory import TrajectoryView
from .labels import SCALES, Hit, fits, look_up
from .trees import RULE, RULE_FALLBACK, Box, Node, Point, actionable, nodes

RULE_RECORDED = "recorded"
RULE_NAMED = "the node that bears the label's name, after one scale factor"

_COLUMNS = ["step", "action_name", "action_args", "source_action", "point", "frame_width", "frame_height"]
_SCROLLS = ("scroll", "hscroll", "wheel")


@dataclass(frozen=True, slots=True)
class Region:
    """A box before it is cut to the frame: `box` in frame pixels, what it is, and why it was taken."""

    box: Box
    label: str
    path: str | None
    rule: str
    candidates: int
    agrees: bool | None
    name: str
    recovered: Mapping[str, Any] | None
    confidence: float


@dataclass(frozen=True)
class TargetRegion:
    """`scales`: display scalings that are tried where a name disagrees."""

    name: ClassVar[str] = "gui.target_region"
    version: ClassVar[str] = "1"
    producer_type: ClassVar[str] = "signal"
    emits: ClassVar[tuple[str, ...]] = ("target",)
    requires: ClassVar[Requires] = Requires("gui")
    deterministic: ClassVar[bool] = True

    scales: tuple[float, ...] = SCALES

    def propose(self, trajectory: TrajectoryView) -> Iterator[Annotation]:
        """A box per pointer action that has one, in frame pixels. Raises TreeError for a tree that cannot be read."""
        trees = _trees(trajectory)
        for row in trajectory.steps.select(_COLUMNS).to_pylist():
            arguments = _object(row["action_args"])
            label = _object(row["source_action"]).get("label")
            point = _point(row)
            found: Sequence[Node] = ()
            if point and row["step"] in trees:
                format_, sha256 = trees[row["step"]]
                found = nodes(format_, trajectory.read_media(sha256))
            region = choose(found, point, label, arguments, row["action_name"] == "drag", self.scales)
            if region is not None:
                yield from _annotation(row, region, label)


def choose(
    found: Sequence[Node],
    point: Point | None,
    label: str | None,
    arguments: Mapping[str, Any],
    dragging: bool,
    scales: Sequence[float],
) -> Region | None:
    """The region of one step from its tree, its recorded element and its label; None where nothing can be said."""
    hit = look_up(found, point, label, scales, dragging) if point else Hit(None, 0, False, None, None)
    recorded = _recorded(arguments, label, dragging) if not hit.acted_on else None
    if hit.recovered is not None:
        node, scale, box = hit.recovered.node, hit.recovered.scale, hit.recovered.box
        said = {"name": node.name, "scale": scale, "box": list(box)}
        name = recorded.name if recorded else hit.node.name if hit.node else ""
        return Region(box, node.role, node.path, RULE_NAMED, hit.candidates, False, name, said, 0.8)
    if recorded is not None:
        return recorded
    if hit.node is None or hit.node.box is None or not (hit.acted_on or hit.agrees is not None):
        return None
    confidence = {None: 0.6, True: 0.9, False: 0.1}[hit.agrees]
    rule = RULE if hit.acted_on else RULE_FALLBACK
    return Region(hit.node.box, hit.node.role, hit.node.path, rule, hit.candidates, hit.agrees, hit.node.name, None, confidence)


def inside(box: Box, width: float, height: float) -> Box | None:
    """The part of a box that lies in the frame, or None where nothing does."""
    cut = (max(box[0], 0.0), max(box[1], 0.0), min(box[2], float(width)), min(box[3], float(height)))
    return cut if cut[2] > cut[0] and cut[3] > cut[1] else None


def _recorded(arguments: Mapping[str, Any], label: str | None, dragging: bool) -> Region | None:
    """The element's box as the source recorded it; None without one, or where its role is that of a container."""
    box, role = arguments.get("box"), arguments.get("role")
    if not box or (role is not None and not actionable(role, dragging)):
        return None
    x_min, y_min, x_max, y_max = (float(value) for value in box)
    name = str(arguments.get("name") or "")
    agrees = fits(label, name)
    confidence = {None: 0.8, True: 0.9, False: 0.1}[agrees]
    return Region((x_min, y_min, x_max, y_max), role or "element", None, RULE_RECORDED, 1, agrees, name, None, confidence)


def _annotation(row: Mapping[str, Any], region: Region, label: str | None) -> Iterator[Annotation]:
    """The row of one region, cut to the frame; none where the frame is unknown or no part of the box lies in it."""
    width, height, step = row["frame_width"], row["frame_height"], row["step"]
    box = inside(region.box, width, height) if width and height else None
    if box is None:
        return
    attributes = {
        "rule": region.rule,
        "candidates": region.candidates,
        "agrees": region.agrees,
        "label": label,
        "name": region.name,
        "recovered": region.recovered,
    }
    if box != region.box:
        attributes["unclipped"] = list(region.box)
    payload = {
        "shape": "box",
        "label": region.label,
        "role": "target",
        "frames": [step],
        "boxes": [list(box)],
        "frame_width": width,
        "frame_height": height,
        "element_path": region.path,
        "attributes": attributes,
    }
    yield Annotation("target", payload, step, step + 1, confidence=region.confidence)


def _trees(trajectory: TrajectoryView) -> dict[int, tuple[str, str]]:
    """Step → format and sha256 of its tree."""
    table = trajectory.tables.get("gui_trees")
    if table is None:
        return {}
    rows = table.select(["step", "format", "tree"]).to_pylist()
    return {row["step"]: (row["format"], row["tree"]) for row in rows if row["tree"] is not None}


def _point(row: Mapping[str, Any]) -> Point | None:
    point = row["point"]
    return (point[0], point[1]) if point and row["action_name"] not in _SCROLLS else None


def _object(text: str | None) -> dict[str, Any]:
    """The object in a `Json` cell; empty where it is null or something else."""
    value = orjson.loads(text) if text is not None else None
    return value if isinstance(value, dict) else {}


ANNOTATOR = TargetRegion()
