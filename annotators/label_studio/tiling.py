"""Neighbours on the timeline: when one of two adjacent boundaries is moved, the other follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from schemas.layers import Layer

Interval = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Placed:
    """A region: where it was pushed (None for a new one) and where it lies now, steps `[start, end)`."""

    region: str
    before: Interval | None
    start: int
    end: int

    @property
    def start_moved(self) -> bool:
        """Whether a person set where it begins."""
        return self.before is None or self.before[0] != self.start

    @property
    def end_moved(self) -> bool:
        """Whether a person set where it ends."""
        return self.before is None or self.before[1] != self.end


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two regions that lie as the tiling forbids, and nobody can tell which of them gives way."""

    region: str
    message: str


def settle(
    regions: list[Placed], carried: tuple[Layer, ...], stretch: Interval, before: list[Interval]
) -> tuple[Mapping[str, Interval], list[Conflict]]:
    """Where the regions lie when neighbours have followed, and what conflicts.

    `before`: the intervals that were pushed. What lay wrong before and was left untouched is no conflict: nobody moved it.
    """
    tilings = [layer.tiling for layer in carried if layer.tiling is not None]
    overlap, gaps = all(t.overlap for t in tilings), all(t.gaps for t in tilings)
    placed = sorted(regions, key=lambda r: (r.start, r.end))
    conflicts: list[Conflict] = []
    for i, j in pairwise(range(len(placed))):
        left, right = placed[i], placed[j]
        touched = left.end_moved or right.start_moved
        if (left.end > right.start and not overlap and touched) or (left.end < right.start and not gaps):
            gone = left.end < right.start and _covered(before, left.end, right.start)
            if not touched and not gone:
                continue
            placed[i], placed[j], conflict = _follow(left, right)
            conflicts += [conflict] if conflict else []
    if not gaps and placed:
        conflicts += _edges(placed, stretch, before)
    return {r.region: (r.start, r.end) for r in placed}, conflicts


def _follow(left: Placed, right: Placed) -> tuple[Placed, Placed, Conflict | None]:
    """The one whose boundary a person did not set goes to where the other's is.

    Both set, none set, or one inside the other: a conflict.
    """
    if left.end_moved and not right.start_moved and left.end < right.end:
        return left, replace(right, start=left.end), None
    if right.start_moved and not left.end_moved and left.start < right.start and left.end <= right.end:
        return replace(left, end=right.start), right, None
    where = f"[{left.start}, {left.end}) and [{right.start}, {right.end})"
    if left.end > right.start:
        message = f"the regions over steps {where} overlap; drag one boundary to where the other is"
    else:
        message = f"the steps {left.end} to {right.start} between {where} belong to no region; drag one of them over the gap"
    return left, right, Conflict(right.region, message)


def _edges(placed: list[Placed], stretch: Interval, before: list[Interval]) -> list[Conflict]:
    """Steps before the first and behind the last region: those that belonged to one, and those that a new one leaves out."""
    first, last = placed[0], placed[-1]
    found = []
    for region, start, end in ((first, stretch[0], first.start), (last, max(r.end for r in placed), stretch[1])):
        if start < end and (region.before is None or _covered(before, start, end)):
            found.append(Conflict(region.region, f"the steps {start} to {end} belong to no region; drag one over them"))
    return found


def _covered(before: list[Interval], start: int, end: int) -> bool:
    """Whether some step of `[start, end)` belonged to a region that was pushed."""
    return any(a < end and b > start for a, b in before)
