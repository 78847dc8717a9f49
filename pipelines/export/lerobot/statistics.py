"""Statistics as LeRobot keeps them, by the names it has for them: per episode, and those merged over all episodes.

Numbers are those of `pipelines.statistics`. (LeRobot's own merge of quantiles averages them, or takes the outermost.) Cameras:
of up to `PICTURES` key frames per episode, made small, each channel in 0..1 as [channels, 1, 1].
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

from pipelines.export.report import Report
from pipelines.statistics.numbers import QUANTILES, NumberStatistics, Stats
from pipelines.statistics.pictures import PictureStatistics

PICTURES = 100
MOMENTS = ("min", "max", "mean", "std", "count")
ALL = (*MOMENTS, *QUANTILES)
"""In LeRobot's order."""
_SIDE = 150

Picture = npt.NDArray[np.uint8]
Running = NumberStatistics | PictureStatistics


@dataclass
class Totals:
    """Statistics of all episodes, feature by feature, as they come."""

    numbers: dict[str, NumberStatistics] = field(default_factory=dict)
    cameras: dict[str, PictureStatistics] = field(default_factory=dict)

    def add(self, name: str, found: Running) -> Stats | None:
        """Take a feature of an episode; its statistics of the episode alone, None where LeRobot has no word for them."""
        if isinstance(found, PictureStatistics):
            self.cameras.setdefault(name, PictureStatistics()).merge(found)
            return found.result() if found.pictures else None
        self.numbers.setdefault(name, NumberStatistics(found.width)).merge(found)
        return _of_numbers(found)

    def result(self, report: Report) -> dict[str, Stats]:
        """Feature → statistics over all episodes; what stands outside them is reported."""
        found = {name: of.result() for name, of in self.cameras.items() if of.pictures}
        for name, numbers in self.numbers.items():
            stats = _of_numbers(numbers)
            found |= {name: stats} if stats is not None else {}
            report.lose(f"statistics of {name}", int(stats is None), "a dimension of it has no finite number")
            amiss = int((numbers.nan + numbers.inf).sum())
            report.lose(f"values of {name} in its statistics", amiss, "they are no finite numbers")
        return found


def _of_numbers(found: NumberStatistics) -> Stats | None:
    """`count` is of rows; None where a dimension has no finite value, since LeRobot has no null."""
    rows = found.count + found.nan + found.inf
    return found.result() | {"count": rows[:1]} if found.whole else None


def picture_stats(pictures: Iterable[Picture]) -> PictureStatistics:
    """Of RGB pictures [height, width, 3], made small."""
    found = PictureStatistics()
    for picture in pictures:
        step = max(1, max(picture.shape[:2]) // _SIDE)
        found.add(picture[::step, ::step])
    return found


def key_pictures(data: bytes, most: int = PICTURES) -> list[Picture]:
    """Up to `most` key frames of a video, evenly taken, as RGB; what does not decode is left out."""
    found: list[Picture] = []
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


def image_pictures(images: Iterable[bytes], most: int = PICTURES) -> list[Picture]:
    """Up to `most` of the pictures, evenly taken, as RGB."""
    every = list(images)
    chosen = every[:: max(1, -(-len(every) // most))]
    return [np.asarray(Image.open(io.BytesIO(data)).convert("RGB")) for data in chosen]


def as_lists(stats: Mapping[str, npt.NDArray[Any]], names: Iterable[str]) -> dict[str, Any]:
    """Plain lists of some statistics, for JSON and Arrow."""
    return {name: stats[name].tolist() for name in names if name in stats}
