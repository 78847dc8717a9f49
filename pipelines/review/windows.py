"""Which stretches of a long trajectory become tasks of their own.

A person keeps about a dozen timeline regions in view. What has more is cut where no region crosses, and each task shows the
region before its own as well, so that the boundary between two tasks is seen from both sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

Span = tuple[int, int]
"""`[start, end)` in steps."""


@dataclass(frozen=True, slots=True)
class Window:
    """The steps that a task shows, and those whose rows it decides, both `[start, end)`."""

    shown: Span
    owned: Span


def windows(spans: Sequence[Span], num_steps: int, max_regions: int | None) -> list[Window]:
    """Windows whose `owned` parts partition `[0, num_steps)`, each showing at most `max_regions` of the spans.

    `spans` may repeat (layers that share a region) and overlap; where no clean cut exists a window shows more.
    """
    regions = sorted(set(spans))
    whole = Window((0, num_steps), (0, num_steps))
    if max_regions is None or len(regions) <= max_regions:
        return [whole]
    clean = _clean_cuts(regions)
    before = dict(zip(clean, [clean[0], *clean], strict=False)) | {0: 0}
    cuts = [0]
    for cut, following in pairwise([*clean, num_steps]):
        if cut > cuts[-1] and _inside(regions, before[cuts[-1]], following) > max_regions:
            cuts.append(cut)
    return [Window((before[start], end), (start, end)) for start, end in pairwise([*cuts, num_steps])]


def around(events: Sequence[int], times: Sequence[float | None], seconds: float, num_steps: int) -> list[Window]:
    """Windows of `seconds` either side of events (steps); events whose windows meet share one. Without times, the step's
    neighbours stand in: one step is taken for a tenth of a second.
    """
    found: list[Window] = []
    for event in sorted(set(events)):
        start, end = _reach(event, times, seconds, num_steps)
        if found and start <= found[-1].shown[1]:
            start = found.pop().shown[0]
        found.append(Window((start, end), (start, end)))
    return found


def _reach(event: int, times: Sequence[float | None], seconds: float, num_steps: int) -> Span:
    at = times[event]
    if at is None:
        steps = round(10 * seconds)
        return max(0, event - steps), min(num_steps, event + steps + 1)
    near = [step for step, time in enumerate(times) if time is not None and abs(time - at) <= seconds + 1e-9]
    return near[0], near[-1] + 1


def _clean_cuts(regions: Sequence[Span]) -> list[int]:
    """Starts of regions (sorted) that no other region crosses."""
    found: list[int] = []
    reached = 0
    for start, end in regions:
        if start >= reached and (not found or start > found[-1]):
            found.append(start)
        reached = max(reached, end)
    return found


def _inside(regions: Sequence[Span], start: int, end: int) -> int:
    return sum(start <= a and b <= end for a, b in regions)
