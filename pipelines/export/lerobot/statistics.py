"""Statistics as LeRobot keeps them: min, max, mean, std, count and five quantiles of every feature, per episode and in all.

Per episode they are exact. In all, moments are merged exactly (Chan, Golub, LeVeque 1979); quantiles come from counts in
5,000 bins between the least and the greatest value, filled in a second pass over the written files, so that a quantile is
off by at most a 5,000th of the range. (LeRobot's own merge of quantiles averages them, or takes the outermost.)

Cameras: of up to `PICTURES` key frames per episode, made small, each channel in 0..1 as [channels, 1, 1].
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from PIL import Image

QUANTILES = {"q01": 0.01, "q10": 0.10, "q50": 0.50, "q90": 0.90, "q99": 0.99}
BINS = 5000
PICTURES = 100
_SIDE = 150
_MOMENTS = ("min", "max", "mean", "std", "count")

Stats = dict[str, npt.NDArray[Any]]
Matrix = npt.NDArray[np.float64]


def episode_stats(values: Matrix) -> Stats:
    """Of a matrix [rows, dimensions]: each statistic [dimensions], `count` [1]."""
    found: Stats = {
        "min": values.min(axis=0),
        "max": values.max(axis=0),
        "mean": values.mean(axis=0),
        "std": values.std(axis=0),
        "count": np.array([len(values)]),
    }
    return found | dict(zip(QUANTILES, np.quantile(values, list(QUANTILES.values()), axis=0), strict=True))


def picture_stats(pictures: Iterable[npt.NDArray[np.uint8]]) -> Stats | None:
    """Of RGB pictures [height, width, 3]: each statistic [3, 1, 1], `count` in pictures; None without a picture."""
    small = [picture[:: _stride(picture), :: _stride(picture)].reshape(-1, 3) for picture in pictures]
    if not small:
        return None
    found = episode_stats(np.concatenate(small).astype(np.float64) / 255)
    found["count"] = np.array([len(small)])
    return {key: value if key == "count" else value.reshape(3, 1, 1) for key, value in found.items()}


def key_pictures(data: bytes, most: int = PICTURES) -> list[npt.NDArray[np.uint8]]:
    """Up to `most` key frames of a video, evenly taken, as RGB; what does not decode is left out."""
    found: list[npt.NDArray[np.uint8]] = []
    with av.open(io.BytesIO(data), "r") as container:
        track = container.streams.video[0]
        keys = sum(packet.is_keyframe and packet.size > 0 for packet in container.demux(track))
        container.seek(0)
        track.codec_context.skip_frame = "NONKEY"
        every = max(1, -(-keys // most))
        for number, frame in enumerate(container.decode(track)):
            if number % every == 0:
                found.append(np.asarray(frame.to_ndarray(format="rgb24"), np.uint8))
    return found


def image_pictures(images: Iterable[bytes], most: int = PICTURES) -> list[npt.NDArray[np.uint8]]:
    """Up to `most` of the pictures, evenly taken, as RGB."""
    every = list(images)
    chosen = every[:: max(1, -(-len(every) // most))]
    return [np.asarray(Image.open(io.BytesIO(data)).convert("RGB")) for data in chosen]


@dataclass
class Running:
    """Statistics over all episodes of one feature. First all `add`, then (for exact-to-a-bin quantiles) all `count`."""

    moments: Stats | None = None
    _bins: npt.NDArray[np.int64] | None = field(default=None, repr=False)
    _pictures: list[tuple[float, Stats]] = field(default_factory=list)

    def add(self, stats: Stats) -> None:
        """Merge the moments of an episode."""
        if stats["mean"].ndim == 3:
            self._pictures.append((float(stats["count"][0]), stats))
        if self.moments is None:
            self.moments = {key: np.array(stats[key], np.float64) for key in _MOMENTS}
            return
        mine, n, m = self.moments, self.moments["count"], np.asarray(stats["count"], np.float64)
        apart = stats["mean"] - mine["mean"]
        total = n + m
        squares = mine["std"] ** 2 * n + stats["std"] ** 2 * m + apart**2 * n * m / total
        self.moments = {
            "min": np.minimum(mine["min"], stats["min"]),
            "max": np.maximum(mine["max"], stats["max"]),
            "mean": mine["mean"] + apart * m / total,
            "std": np.sqrt(squares / total),
            "count": total,
        }

    def count(self, values: Matrix) -> None:
        """Sort the values of an episode [rows, dimensions] into bins; all `add` have been made."""
        assert self.moments is not None
        low, high = self.moments["min"], self.moments["max"]
        if self._bins is None:
            self._bins = np.zeros((values.shape[1], BINS), np.int64)
        width = np.where(high > low, high - low, 1.0)
        places = np.clip(((values - low) / width * BINS).astype(np.int64), 0, BINS - 1)
        for dimension in range(values.shape[1]):
            self._bins[dimension] += np.bincount(places[:, dimension], minlength=BINS)

    def result(self) -> Stats:
        """All statistics. Quantiles of cameras are those of the episodes' samples, weighted by their pictures."""
        assert self.moments is not None
        found: Stats = dict(self.moments) | {"count": self.moments["count"].astype(np.int64)}
        if self._bins is not None:
            found |= {name: self._quantile(share) for name, share in QUANTILES.items()}
        elif self._pictures:
            total = sum(n for n, _ in self._pictures)
            found |= {name: np.asarray(sum(s[name] * n for n, s in self._pictures) / total) for name in QUANTILES}
        return found

    def _quantile(self, share: float) -> Matrix:
        assert self.moments is not None
        assert self._bins is not None
        low, high = self.moments["min"], self.moments["max"]
        reached = np.cumsum(self._bins, axis=1)
        rank = share * (reached[:, -1] - 1)
        bins = (reached > rank[:, None]).argmax(axis=1)
        return np.asarray(low + (bins + 0.5) / BINS * (high - low), np.float64)


def as_lists(stats: Stats, names: Iterable[str]) -> dict[str, Any]:
    """Plain lists of some statistics, for JSON and Arrow."""
    return {name: stats[name].tolist() for name in names if name in stats}


def all_names() -> tuple[str, ...]:
    """Names in LeRobot's order."""
    return (*_MOMENTS, *QUANTILES)


def merged(found: Mapping[str, Running]) -> dict[str, Stats]:
    """Feature → statistics over all episodes."""
    return {name: running.result() for name, running in found.items() if running.moments is not None}


def _stride(picture: npt.NDArray[np.uint8]) -> int:
    return max(1, max(picture.shape[:2]) // _SIDE)
