"""Acceptance sampling: the rate of right items in a sample, its interval, and what follows for the batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Decision = Literal["accept", "again", "give up"]


@dataclass(frozen=True, slots=True)
class Interval:
    """`count` of `n`, as a share, with its two-sided Clopper–Pearson interval (C. J. Clopper, E. S. Pearson, 1934).

    The interval is exact for draws with replacement; a sample of a finite batch is drawn without, so it is wider than it
    need be there, never too narrow. `share` is None for n = 0.
    """

    count: int
    n: int
    low: float
    high: float
    confidence: float = 0.95

    @property
    def share(self) -> float | None:
        """The point estimate."""
        return self.count / self.n if self.n else None

    def __contains__(self, share: float) -> bool:
        return self.low <= share <= self.high


def clopper_pearson(count: int, n: int, confidence: float = 0.95) -> Interval:
    """The interval of a share of which `count` of `n` were seen. Raises ValueError unless 0 <= count <= n."""
    if not 0 <= count <= n:
        raise ValueError(f"{count} of {n} is no share")
    from scipy.stats import beta  # takes as long to import as all else that a command needs, and most need none of it

    tail = (1 - confidence) / 2
    low = 0.0 if count == 0 else float(beta.ppf(tail, count, n - count + 1))
    high = 1.0 if count == n else float(beta.ppf(1 - tail, count + 1, n - count))
    return Interval(count, n, low, high, confidence)


def decide(right: Interval, bar: float, round_: int, max_rounds: int) -> Decision:
    """Accept where the share of right items in the sample reaches the bar; else another round while one is left.

    The bar is met by the rate, not by the lower end of its interval: with the samples that people can afford no batch would
    pass otherwise (50 right of 50 leave 93 %). What that lets through stands in the report. Nothing to sample is accepted:
    there is nothing to be wrong.
    """
    if right.share is None or right.share >= bar:
        return "accept"
    return "again" if round_ < max_rounds else "give up"
