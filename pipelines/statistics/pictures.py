"""Statistics of pictures of 8 bits: how often each of the 256 values was seen in each channel, from which all else is exact."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from pipelines.statistics.numbers import QUANTILES, Stats

LEVELS = 256
CHANNELS = 3


@dataclass
class PictureStatistics:
    """Of RGB pictures: `pictures` that were seen, and `seen` [channel, value]."""

    pictures: int = 0
    seen: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros((CHANNELS, LEVELS), np.int64))

    def add(self, picture: npt.NDArray[np.uint8]) -> None:
        """Take a picture [height, width, 3]."""
        self.pictures += 1
        for channel in range(CHANNELS):
            self.seen[channel] += np.bincount(picture[..., channel].ravel(), minlength=LEVELS)

    def merge(self, other: PictureStatistics) -> None:
        """Take what another has seen; that one stays as it is."""
        self.pictures += other.pictures
        self.seen += other.seen

    def result(self) -> Stats:
        """Statistic → value per channel [3, 1, 1] in 0..1, as LeRobot has them; `count` [1] counts pictures.

        Raises ValueError where none was seen.
        """
        if not self.pictures:
            raise ValueError("statistics of no picture")
        values = np.arange(LEVELS) / (LEVELS - 1)
        total, reached = self.seen.sum(axis=1), np.cumsum(self.seen, axis=1)
        mean = (self.seen * values).sum(axis=1) / total
        found = {
            "min": values[(self.seen > 0).argmax(axis=1)],
            "max": values[LEVELS - 1 - (self.seen[:, ::-1] > 0).argmax(axis=1)],
            "mean": mean,
            "std": np.sqrt((self.seen * (values - mean[:, None]) ** 2).sum(axis=1) / total),
        }
        for name, share in QUANTILES.items():
            at = share * (total - 1)
            before, after = (values[(reached > rank[:, None]).argmax(axis=1)] for rank in (np.floor(at), np.ceil(at)))
            found[name] = before + (after - before) * (at - np.floor(at))
        return {name: value.reshape(CHANNELS, 1, 1) for name, value in found.items()} | {"count": np.array([self.pictures])}
