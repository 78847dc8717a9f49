"""One episode of a replay buffer: rows `start` to `stop` of every array below `data/`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.formats.arrays.pictures import Picture
from pipelines.formats.zarr.store import ZarrStore
from pipelines.sources import Rejected

Array = npt.NDArray[Any]

ENDS = "meta/episode_ends"


def episode_borders(store: ZarrStore) -> list[tuple[int, int]]:
    """(first row, row after the last) of each episode.

    Raises Rejected: `episode_ends_missing`, `episode_ends_unfit` where they do not ascend from above 0, or do not end with the
    last row of every array below `data/`.
    """
    if ENDS not in store.arrays:
        keys = ", ".join(store.arrays) or "none"
        raise Rejected("episode_ends_missing", f"{store.name} has no {ENDS}, as a replay buffer has: its arrays are {keys}")
    ends = store.rows(ENDS, 0, store.arrays[ENDS].shape[0])
    if ends.ndim != 1 or ends.dtype.kind not in "ui" or not len(ends) or ends[0] <= 0 or (np.diff(ends) <= 0).any():
        message = f"{store.name}: {ENDS} should be whole numbers that ascend from above 0, they are {ends.tolist()[:20]}"
        raise Rejected("episode_ends_unfit", message)
    for key, array in store.arrays.items():
        if key.startswith("data/") and array.shape[0] != ends[-1]:
            message = (
                f"{store.name}: {ENDS}[-1]={ends[-1]} but {key} has {array.shape[0]} rows: the writer broke off, or mend it"
            )
            raise Rejected("episode_ends_unfit", message, {"key": key, "rows": array.shape[0], "episode_ends": int(ends[-1])})
    return [(int(start), int(stop)) for start, stop in zip([0, *ends[:-1]], ends, strict=True)]


class ZarrEpisode:
    """See `pipelines.formats.arrays.places.Arrays`; keys are without `data/`."""

    def __init__(self, store: ZarrStore, start: int, stop: int, native_id: str) -> None:
        self.native_id = native_id
        self._store, self._start, self._stop = store, start, stop

    def names(self) -> Sequence[str]:
        """Keys of all arrays below `data/`."""
        return tuple(key.removeprefix("data/") for key in self._store.arrays if key.startswith("data/"))

    def shape(self, key: str) -> tuple[int, ...]:
        """The shape of the episode's part of an array."""
        return (self._stop - self._start, *self._store.arrays[f"data/{key}"].shape[1:])

    def array(self, key: str) -> Array:
        """The episode's rows of an array."""
        return self._store.rows(f"data/{key}", self._start, self._stop)

    def picture(self, key: str, row: int) -> Picture:
        """One row of an array of pictures."""
        return self._store.row(f"data/{key}", self._start + row)

    def attributes(self) -> Mapping[str, Any]:
        """Attributes of the store's root."""
        return self._store.attributes
