"""Two ways to do the same work, in turn: what each costs in CPU seconds of all processes and in wall seconds."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psutil

Work = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU and wall seconds of one piece of work."""

    cpu: float
    wall: float


def once(work: Work) -> Cost:
    """Do it; CPU seconds are those of this process, of its children and of children that ended meanwhile."""
    began = time.perf_counter()
    before = _cpu()
    work()
    return Cost(_cpu() - before, time.perf_counter() - began)


def in_turn(ours: Work, plain: Work, pairs: int, between: Work) -> tuple[Cost, Cost]:
    """Medians of both, each first in half of the pairs; the first pair warms up and does not count. `between`: after each."""
    found: list[tuple[Cost, Cost]] = []
    for pair in range(pairs + 1):
        costs = []
        for work in (ours, plain) if pair % 2 else (plain, ours):
            costs.append(once(work))
            between()
        found.append((costs[0], costs[1]) if pair % 2 else (costs[1], costs[0]))
    return median([mine for mine, _ in found[1:]]), median([theirs for _, theirs in found[1:]])


def median(costs: Sequence[Cost]) -> Cost:
    """The middle CPU seconds, and the middle wall seconds."""
    return Cost(statistics.median(cost.cpu for cost in costs), statistics.median(cost.wall for cost in costs))


def _cpu() -> float:
    here = psutil.Process()
    own = time.process_time()  # finer than the kernel's ticks of children
    times = here.cpu_times()
    living = sum(sum(child.cpu_times()[:4]) for child in here.children())
    return own + times.children_user + times.children_system + float(living)
