"""What an AgentNetTool recording lacks, and where its coordinates stop meaning what they say.

*Geometry.* When a person changes scaling or resolution, the pointer stays in physical pixels, accessibility boxes are in
logical ones, and the video shows the top left of a larger desktop. The scale at an action is known where a person named
its element: the node of that name holds the pointer after one factor. A change lies between two such actions that give
different scales; where one window's size changes by that very factor in between, it lies there.

*Holes.* Ids that the reviewer took out leave a span of time of which nothing is known. It is stated, never filled.

Everything is plain data for `trajectories.completeness`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from annotators.gui.labels import SCALES, look_up
from annotators.gui.trees import Node
from pipelines.formats.agentnet.events import POINTER_ACTIONS, Event

SAME_FACTOR = 0.03
"""How far a window's sides may lie from the factor of a change of scale: its borders and the task bar do not scale."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What an action's tree tells of the display: `scale` and the `node` it was read from, and the top window's extent."""

    id: int
    start: float
    scale: float | None = None
    node: str | None = None
    window: tuple[str, float, float] | None = None


def sight_of(event: Event, found: Sequence[Node]) -> Sight:
    """The display at one action. `found`: the nodes of its tree."""
    top = next((node for node in found if node.box is not None), None)
    window = (top.name, top.box[2] - top.box[0], top.box[3] - top.box[1]) if top and top.box else None
    point = event.row.get("point")
    if point is None or event.label is None or event.action not in POINTER_ACTIONS:
        return Sight(event.id, event.start, window=window)
    hit = look_up(found, (point[0], point[1]), event.label, SCALES, event.action == "drag")
    if hit.recovered is not None:
        return Sight(event.id, event.start, hit.recovered.scale, hit.recovered.node.name, window)
    if hit.agrees and hit.acted_on and hit.node is not None:
        return Sight(event.id, event.start, 1.0, hit.node.name, window)
    return Sight(event.id, event.start, window=window)


def geometry(sights: Sequence[Sight], origin: float) -> dict[str, Any]:
    """The scales that names gave (`estimates`) and the `changes` between them; times in seconds of the video."""
    known = [i for i, sight in enumerate(sights) if sight.scale is not None]
    changes = []
    for i, j in pairwise(known):
        before, after = sights[i], sights[j]
        if before.scale == after.scale or before.scale is None or after.scale is None:
            continue
        k = _resized(sights[i : j + 1], after.scale / before.scale)
        one, two = (before, after) if k is None else (sights[i + k], sights[i + k + 1])
        changes.append(
            {
                "after_id": one.id,
                "by_id": two.id,
                "after_video_time": round(one.start - origin, 3),
                "by_video_time": round(two.start - origin, 3),
                "scale_before": before.scale,
                "scale_after": after.scale,
                "evidence": [_estimate(before), _estimate(after)],
            }
        )
    return {"estimates": [_estimate(sights[i]) for i in known], "changes": changes}


def outside(
    records: Iterable[tuple[float, Mapping[str, Any]]], width: int, height: int, origin: float
) -> dict[str, Any] | None:
    """How many raw pointer events lie outside the declared screen, by kind, and the box of them; None where none does.

    Nothing is moved into the screen.
    """
    counts: Counter[str] = Counter()
    first: float | None = None
    extent = [math.inf, math.inf, -math.inf, -math.inf]
    for time, record in records:
        x, y = record.get("x"), record.get("y")
        if x is None or y is None or (0 <= x < width and 0 <= y < height):
            continue
        counts[str(record.get("action"))] += 1
        first = time if first is None else first
        extent = [min(extent[0], x), min(extent[1], y), max(extent[2], x), max(extent[3], y)]
    if first is None:
        return None
    return {
        "events": sum(counts.values()),
        "by_action": dict(sorted(counts.items())),
        "first_video_time": round(first - origin, 3),
        "extent": extent,
        "screen": [width, height],
    }


def holes(events: Sequence[Event], origin: float) -> list[dict[str, Any]]:
    """Runs of ids that are missing between the kept ones, with the time between the starts of their neighbours."""
    found = []
    for i, (one, two) in enumerate(pairwise(events)):
        if two.id > one.id + 1:
            found.append(
                {
                    "ids": list(range(one.id + 1, two.id)),
                    "between_steps": [i, i + 1],
                    "video_time": [round(one.start - origin, 3), round(two.start - origin, 3)],
                    "why": "deleted by the reviewer of the recording",
                }
            )
    return found


def _resized(sights: Sequence[Sight], factor: float) -> int | None:
    """The first index after which one window shrinks by `factor` in both directions."""
    for k, (one, two) in enumerate(pairwise(sights)):
        if one.window and two.window and one.window[0] == two.window[0]:
            ratios = (one.window[1] / two.window[1], one.window[2] / two.window[2])
            if all(abs(ratio / factor - 1) <= SAME_FACTOR for ratio in ratios):
                return k
    return None


def _estimate(sight: Sight) -> dict[str, Any]:
    return {"id": sight.id, "node": sight.node, "scale": sight.scale}
