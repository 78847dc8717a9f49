"""Count, extremes, mean, deviation and quantiles of a column of vectors, dimension by dimension, in one pass and merged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.statistics.quantiles import QuantileSketch

QUANTILES: Mapping[str, float] = {"q01": 0.01, "q10": 0.10, "q50": 0.50, "q90": 0.90, "q99": 0.99}
"""Name of a quantile → share of the values below it."""

Matrix = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Stats = dict[str, npt.NDArray[Any]]
"""Name of a statistic → its value per dimension."""


def _zeros(width: int) -> Counts:
    return np.zeros(width, np.int64)


@dataclass
class NumberStatistics:
    """Of vectors of `width` numbers. NaN and infinities are counted (`nan`, `inf`) and stand outside all else.

    Mean and deviation: of a block by the corrected two-pass rule, of two blocks by that of Chan, Golub and LeVeque
    (Algorithms for computing the sample variance, 1983). The deviation is that of the population, as numpy's own.
    """

    width: int
    count: Counts = field(default_factory=lambda: _zeros(0))
    nan: Counts = field(default_factory=lambda: _zeros(0))
    inf: Counts = field(default_factory=lambda: _zeros(0))
    least: Matrix = field(default_factory=lambda: np.empty(0))
    greatest: Matrix = field(default_factory=lambda: np.empty(0))
    mean: Matrix = field(default_factory=lambda: np.empty(0))
    squares: Matrix = field(default_factory=lambda: np.empty(0))
    """Sum of the squared distances from the mean."""
    sketches: list[QuantileSketch] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.sketches:
            self.count, self.nan, self.inf = (_zeros(self.width) for _ in range(3))
            self.least, self.greatest = np.full(self.width, np.inf), np.full(self.width, -np.inf)
            self.mean, self.squares = np.zeros(self.width), np.zeros(self.width)
            self.sketches = [QuantileSketch() for _ in range(self.width)]

    @classmethod
    def of(cls, values: Matrix) -> NumberStatistics:
        """Of a matrix [rows, dimensions] alone."""
        found = cls(values.shape[1])
        found.add(values)
        return found

    def add(self, values: Matrix) -> None:
        """Take a block of vectors [rows, width]."""
        for dimension, column in enumerate(np.ascontiguousarray(values.T, np.float64)):
            finite = np.isfinite(column)
            if not finite.all():
                self.nan[dimension] += int(np.isnan(column).sum())
                self.inf[dimension] += int(np.isinf(column).sum())
                column = column[finite]
            if len(column):
                mean, squares = _moments(column)
                self._join(dimension, len(column), float(column.min()), float(column.max()), mean, squares)
                self.sketches[dimension].add(column)

    def merge(self, other: NumberStatistics) -> None:
        """Take what another has seen; that one stays as it is. Raises ValueError for another width."""
        if other.width != self.width:
            raise ValueError(f"vectors of {other.width} numbers do not go together with vectors of {self.width}")
        self.nan += other.nan
        self.inf += other.inf
        for i in range(self.width):
            if other.count[i]:
                values = (other.least[i], other.greatest[i], other.mean[i], other.squares[i])
                self._join(i, int(other.count[i]), *map(float, values))
                self.sketches[i].merge(other.sketches[i])

    @property
    def whole(self) -> bool:
        """Whether every dimension has a value: else min, max, mean, std and quantiles of some are NaN."""
        return bool((self.count > 0).all())

    @property
    def rank_error(self) -> Matrix:
        """The share of the ranks that a quantile may be off, per dimension; 0: it is exact."""
        return np.array([sketch.error / max(sketch.count, 1) for sketch in self.sketches])

    def result(self) -> Stats:
        """Statistic → value per dimension: min, max, mean, std, count, and `QUANTILES`; NaN where no finite number was."""
        none = self.count == 0
        quantiles = np.array([sketch.quantiles(QUANTILES.values()) for sketch in self.sketches]).reshape(self.width, -1)
        found = {
            "min": np.where(none, np.nan, self.least),
            "max": np.where(none, np.nan, self.greatest),
            "mean": np.where(none, np.nan, self.mean),
            "std": np.where(none, np.nan, np.sqrt(self.squares / np.maximum(self.count, 1))),
            "count": self.count.copy(),
        }
        return found | dict(zip(QUANTILES, np.ascontiguousarray(quantiles.T), strict=True))

    def _join(self, i: int, count: int, least: float, greatest: float, mean: float, squares: float) -> None:
        before, total = int(self.count[i]), int(self.count[i]) + count
        apart = mean - self.mean[i]
        self.squares[i] += squares + apart * apart * (before * (count / total))
        self.mean[i] = mean if not before else self.mean[i] + apart * (count / total)
        self.least[i], self.greatest[i] = min(self.least[i], least), max(self.greatest[i], greatest)
        self.count[i] = total


def merged(found: Iterable[NumberStatistics], width: int) -> NumberStatistics:
    """All of them together, in their order. Raises ValueError as `merge` does."""
    whole = NumberStatistics(width)
    for one in found:
        whole.merge(one)
    return whole


def _moments(values: Matrix) -> tuple[float, float]:
    """Mean, and sum of the squared distances from it, of values [n]; of equal values exact."""
    rough = values.sum() / len(values)
    mean = rough + (values - rough).sum() / len(values)
    apart = values - mean
    return float(mean), float((apart * apart).sum() - apart.sum() ** 2 / len(values))
