"""Where each pointer action touched the screen, and which kind of action it was (layer `action_point`).

The recorded point, where there is one. Where text was typed into an element whose box is recorded (`action_args.box`), its
middle, which is only where it could have been touched. A point outside the frame, or in a frame of unknown size, has no row.

`confidence` ranks proposals (recorded 0.9, middle of a box 0.6); it is no measured probability.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import orjson

from ..annotation import Annotation
from ..protocol import Requires
from ..trajectory import TrajectoryView

TYPES = frozenset({"type", "fill", "press", "hotkey", "key", "keypress", "pressSequentially"})
_LABELS = (("click", "click"), ("tap", "click"), ("drag", "drag"), ("scroll", "scroll"), ("wheel", "scroll"))
_COLUMNS = ["step", "action_name", "action_args", "point", "frame_width", "frame_height"]


@dataclass(frozen=True)
class ActionPoints:
    """Proposes `action_point`."""

    name: ClassVar[str] = "gui.action_points"
    version: ClassVar[str] = "1"
    producer_type: ClassVar[str] = "signal"
    emits: ClassVar[tuple[str, ...]] = ("action_point",)
    requires: ClassVar[Requires] = Requires("gui", columns=("action_name",))
    deterministic: ClassVar[bool] = True

    def propose(self, trajectory: TrajectoryView) -> Iterator[Annotation]:
        """A point per action that has a place, in frame pixels."""
        for row in trajectory.steps.select(_COLUMNS).to_pylist():
            found = point_of(row)
            width, height, step = row["frame_width"], row["frame_height"], row["step"]
            if found is None or not width or not height:
                continue
            (x, y), rule = found
            if not (0 <= x < width and 0 <= y < height):
                continue
            payload = {
                "shape": "point",
                "label": label_of(row["action_name"]),
                "role": row["action_name"],
                "frames": [step],
                "points": [[x, y]],
                "frame_width": width,
                "frame_height": height,
                "attributes": {"rule": rule},
            }
            yield Annotation("action_point", payload, step, step + 1, confidence=0.9 if rule == "recorded" else 0.6)


ANNOTATOR = ActionPoints()


def label_of(action: str) -> str:
    """The layer's word for the name of an action: `doubleClick` is a click, `hover` a use of the pointer."""
    if action in TYPES:
        return "type"
    return next((label for part, label in _LABELS if part in action.lower()), "point")


def point_of(row: Mapping[str, Any]) -> tuple[tuple[float, float], str] | None:
    """The point of a step and the rule it was found by; None where the action has no place."""
    if row["action_name"] is None:
        return None
    if row["point"] is not None:
        return (row["point"][0], row["point"][1]), "recorded"
    box = arguments_of(row).get("box") if row["action_name"] in TYPES else None
    if not box:
        return None
    x_min, y_min, x_max, y_max = (float(value) for value in box)
    return ((x_min + x_max) / 2, (y_min + y_max) / 2), "middle of the recorded box"


def arguments_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a step's action; empty where they are no object."""
    value = orjson.loads(row["action_args"]) if row["action_args"] is not None else None
    return value if isinstance(value, dict) else {}
