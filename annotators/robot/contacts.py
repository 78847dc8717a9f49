"""The steps at which the gripper takes hold and lets go (layer `contact`), from its opening alone.

Fingers that close come to rest on what they hold: the first step after they closed is the first one of the contact. Fingers
that open leave it at once: the step after the first one in which they open is the first one of the release. Which closings
and openings count is the rule of `clips.grips`. A gripper that closes on nothing looks the same; people see the difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ..annotation import Annotation
from ..trajectory import TrajectoryView
from .clips import grips
from .motion_segments import MotionSegments, Segment


@dataclass(frozen=True, slots=True)
class Event:
    """`label` (contact, release) at a `step`; `travel`: how far the gripper closed (-) or opened (+), share of its range."""

    step: int
    label: str
    travel: float | None
    agreement: float


def contacts(segments: Sequence[Segment]) -> list[Event]:
    """The events of an episode, in order. A step beyond its last one is no event."""
    last = segments[-1].end - 1 if segments else -1
    found = []
    for grip in grips(segments):
        close = segments[grip.close]
        found.append(Event(close.end, "contact", close.gripper_change, close.agreement))
        if grip.open is not None:
            opening = segments[grip.open]
            found.append(Event(opening.start + 1, "release", opening.gripper_change, opening.agreement))
    return [event for event in found if event.step <= last]


@dataclass(frozen=True)
class Contacts(MotionSegments):
    """Proposes `contact`; the parameters are those of `MotionSegments`."""

    name: ClassVar[str] = "robot.contacts"
    version: ClassVar[str] = "1"
    emits: ClassVar[tuple[str, ...]] = ("contact",)

    def propose(self, trajectory: TrajectoryView) -> Iterable[Annotation]:
        """One row of one step per event; none without a gripper."""
        found, said_by = self.segments(trajectory)
        for event in contacts(found):
            attributes: dict[str, Any] = {"gripper_from": said_by}
            if event.travel is not None:
                attributes["gripper_change"] = float(f"{event.travel:.6g}")
            payload = {"label": event.label, "attributes": attributes}
            yield Annotation("contact", payload, event.step, event.step + 1, confidence=event.agreement)


ANNOTATOR = Contacts()
