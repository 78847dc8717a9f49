"""A first draft of what the robot does, clip by clip (layers `primitive_skill` and `subtask`, on the same intervals).

It knows of an arm that moves and a gripper that closes and opens (`motion_segments`), so it knows of picking and placing
alone; pushing, pouring and the rest are for people, or for a model that looks at the pictures. The rules:

* a gripper that closes while nothing is held takes hold: *pick*, with the rest right before and after it;
* a gripper that opens while something is held lets go: *place*, with the rest right before and after it;
* what lies between is *transfer*: reaching before the first pick, carrying until a place, moving on after it;
* a gripper that opens before anything was taken, or closes further on what it holds, belongs to the movement around it;
* rest at the beginning and at the end of the episode belongs to no clip.

The sentences come from templates. What is handled is taken from the instruction ("lift the red cube" → the red cube) if
it is plain and only one thing is picked; else it is "the object".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from ..annotation import Annotation
from ..trajectory import TrajectoryView
from .motion_segments import MotionSegments, Segment

OBJECT = "the object"
_PLAIN = re.compile(
    r"^(?:please\s+)?(?P<verb>[a-z]+)(?:\s+up|\s+down)?\s+(?P<object>(?:the|a|an|one)\s+[\w -]+?)"
    r"(?:\s+up|\s+down)?(?:\s+(?P<where>(?:into|onto|in|on|to|inside|over|under|beside|next to|from|off|with|and)\b[^.!]*))?[.!]?$"
)
_UPWARD = frozenset({"lift", "raise", "pick", "grab", "take"})
_WHERETO = ("in", "into", "on", "onto", "to", "inside")


@dataclass(frozen=True, slots=True)
class Grip:
    """The index of the segment in which a gripper took hold, and of that in which it let go (None: it never did)."""

    close: int
    open: int | None


@dataclass(frozen=True, slots=True)
class Clip:
    """Steps `[start, end)` of one skill; `agreement`: the share of its steps that have their phase on their own."""

    start: int
    end: int
    skill: str
    text: str
    agreement: float


def grips(segments: Sequence[Segment]) -> list[Grip]:
    """What was held from when to when, in order. At the beginning nothing is held."""
    found: list[Grip] = []
    held: int | None = None
    for index, segment in enumerate(segments):
        if segment.label == "close" and held is None:
            held = index
        elif segment.label == "open" and held is not None:
            found.append(Grip(held, index))
            held = None
    return found if held is None else [*found, Grip(held, None)]


def clips(segments: Sequence[Segment], instruction: str | None = None) -> list[Clip]:
    """The clips of an episode, in order, without overlap; none where the gripper never closes."""
    held = grips(segments)
    if not held:
        return []
    skills: list[str | None] = ["transfer"] * len(segments)
    for grip in held:
        _spread(skills, segments, grip.close, "pick")
        if grip.open is not None:
            _spread(skills, segments, grip.open, "place")
    for index in (0, len(segments) - 1):
        if segments[index].label == "still":
            skills[index] = None
    thing, where, upward = _said(instruction) if len(held) == 1 else (OBJECT, "", False)
    found: list[Clip] = []
    holding = False
    for first, last in _runs(skills):
        skill = skills[first]
        holding = holding if skill in (None, "transfer") else skill == "pick"
        if skill is not None:
            text = _sentence(skill, holding, bool(found) and not holding, thing, where, upward)
            found.append(_clip(segments[first : last + 1], skill, text))
    return found


def _spread(skills: list[str | None], segments: Sequence[Segment], index: int, skill: str) -> None:
    """Give a travel of the gripper its skill, and the rest beside it that no other travel has."""
    skills[index] = skill
    for beside in (index - 1, index + 1):
        if 0 <= beside < len(segments) and segments[beside].label == "still" and skills[beside] == "transfer":
            skills[beside] = skill


def _runs(skills: Sequence[str | None]) -> Iterable[tuple[int, int]]:
    """(first, last) of every run of equal skills."""
    first = 0
    for index in range(1, len(skills) + 1):
        if index == len(skills) or skills[index] != skills[first]:
            yield first, index - 1
            first = index


def _clip(segments: Sequence[Segment], skill: str, text: str) -> Clip:
    steps = sum(segment.end - segment.start for segment in segments)
    agreement = sum((segment.end - segment.start) * segment.agreement for segment in segments) / steps
    return Clip(segments[0].start, segments[-1].end, skill, text, agreement)


def _sentence(skill: str, holding: bool, after: bool, thing: str, where: str, upward: bool) -> str:
    """The words of a clip. `after`: it follows a clip and nothing is held."""
    if skill == "pick":
        return f"grasp {thing}"
    if skill == "place":
        return f"put down {thing}{where}"
    if holding:
        return f"{'lift' if upward and not where else 'carry'} {thing}{where}"
    return "move on" if after else f"reach for {thing}"


def _said(instruction: str | None) -> tuple[str, str, bool]:
    """The thing, where it goes (with a space before it, or empty), and whether it is lifted, as an instruction says it."""
    found = _PLAIN.match(" ".join((instruction or "").lower().split())[:200])
    if found is None:
        return OBJECT, "", False
    where = found["where"] or ""
    goes = where if where.split(" ")[0] in _WHERETO and " and " not in where else ""
    return found["object"], f" {goes}" if goes else "", found["verb"] in _UPWARD


@dataclass(frozen=True)
class Clips(MotionSegments):
    """Proposes `primitive_skill` and `subtask`; the parameters are those of `MotionSegments`.

    Confidence is the share of a clip's steps that have their phase of motion on their own.
    """

    name: ClassVar[str] = "robot.clips"
    version: ClassVar[str] = "1"
    emits: ClassVar[tuple[str, ...]] = ("primitive_skill", "subtask")

    def propose(self, trajectory: TrajectoryView) -> Iterable[Annotation]:
        """Two rows per clip; none for an episode whose gripper never closes, of which nothing is known."""
        found, _ = self.segments(trajectory)
        for clip in clips(found, trajectory.header["instruction"]):
            yield Annotation("primitive_skill", {"label": clip.skill}, clip.start, clip.end, confidence=clip.agreement)
            yield Annotation("subtask", {"text": clip.text}, clip.start, clip.end, confidence=clip.agreement)


ANNOTATOR = Clips()
