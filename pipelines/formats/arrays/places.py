"""What an episode of arrays is to the field map, whatever file it lies in."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy.typing as npt

from pipelines.formats.arrays.pictures import Picture

Array = npt.NDArray[Any]


class Arrays(Protocol):
    """The arrays of one episode by key, first axis = steps, and its attributes."""

    native_id: str

    def names(self) -> Sequence[str]:
        """The keys of all arrays, in a fixed order."""
        ...

    def shape(self, key: str) -> tuple[int, ...]:
        """The shape of an array. Raises KeyError."""
        ...

    def array(self, key: str) -> Array:
        """All of an array. Raises KeyError, and Rejected where its bytes cannot be read."""
        ...

    def picture(self, key: str, row: int) -> Picture:
        """One row of an array of pictures. Raises as `array` does."""
        ...

    def attributes(self) -> Mapping[str, Any]:
        """Attributes of the episode and of what it lies in, the episode's own first, as text, numbers or arrays."""
        ...


def looked_up(attributes: Mapping[str, Any], place: str) -> Any:
    """The attribute that `@name.key` names, JSON in it read; None where it is not there. A name with dots is tried whole first."""
    path = place.removeprefix("@")
    if path in attributes:
        return attributes[path]
    name, *keys = path.split(".")
    value = attributes.get(name)
    if keys and isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value
