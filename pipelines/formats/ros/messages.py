"""Messages whatever their encoding (ROS classes, protobuf, JSON): a field by its path, the numbers in it, its own stamp."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Protocol

import numpy as np


@dataclass(frozen=True, slots=True)
class Topic:
    """What a bag says of a topic: its message type, its encoding, and how many messages it declares (None: it does not)."""

    type: str
    encoding: str
    declared: int | None


@dataclass(frozen=True, slots=True)
class Received:
    """One message: when it was logged and published (ns of those clocks; publish None where there is none), and decoded."""

    topic: str
    log_time: int
    publish_time: int | None
    message: Any


class Bag(Protocol):
    """A bag that is open. `notes` is whole when `messages` has ended: what was repaired or is odd."""

    name: str
    notes: dict[str, Any]

    @property
    def topics(self) -> Mapping[str, Topic]:
        """All topics by name."""
        ...

    @property
    def attributes(self) -> Mapping[str, Any]:
        """Metadata records of the file, by name."""
        ...

    def messages(self, wanted: Set[str]) -> Iterator[Received]:
        """The messages of some topics in the file's order; all are counted.

        Raises Rejected where the file is damaged, a message cannot be decoded, or the counts are not those declared.
        """
        ...


def field_of(message: Any, path: str) -> Any:
    """The value at `a.b.c`, or None where a step of the path is not there."""
    for name in path.split("."):
        message = message.get(name) if isinstance(message, Mapping) else getattr(message, name, None)
        if message is None:
            return None
    return message


def numbers(value: Any) -> list[float]:
    """The numbers in a value, in order: of a number, an array, or of all fields of a message. Raises TypeError for others."""
    if isinstance(value, bool | int | float | np.number | np.bool_):
        return [float(value)]
    if isinstance(value, np.ndarray):
        return [float(number) for number in value.reshape(-1)]
    if isinstance(value, Mapping):
        keys = [key for key in "xyzw" if key in value] if set(value) <= set("xyzw") else list(value)
        return [number for key in keys for number in numbers(value[key])]
    if is_dataclass(value):
        names = [field.name for field in fields(value) if not field.name.startswith("__")]
        return [number for name in names for number in numbers(getattr(value, name))]
    if hasattr(value, "DESCRIPTOR"):
        return [number for field in value.DESCRIPTOR.fields for number in numbers(getattr(value, field.name))]
    if isinstance(value, str | bytes):
        raise TypeError(f"{value!r:.60} holds no numbers")
    return [number for entry in value for number in numbers(entry)]  # TypeError for what is no sequence either


def nanoseconds(stamp: Any) -> int | None:
    """A stamp of any of the usual spellings in nanoseconds; None for what is none."""
    for whole, part in (("sec", "nanosec"), ("sec", "nsec"), ("secs", "nsecs"), ("seconds", "nanos")):
        seconds, rest = field_of(stamp, whole), field_of(stamp, part)
        if isinstance(seconds, int | np.integer) and isinstance(rest, int | np.integer):
            return int(seconds) * 10**9 + int(rest)
    return None


def stamp_of(message: Any) -> int | None:
    """The message's own stamp, ns: `header.stamp` (ROS), `timestamp` (Foxglove) or `stamp`; None where it has none."""
    for path in ("header.stamp", "timestamp", "stamp"):
        stamp = field_of(message, path)
        if stamp is not None and (found := nanoseconds(stamp)) is not None:
            return found
    return None


def frame_of(message: Any) -> str | None:
    """The coordinate frame that the message names."""
    found = field_of(message, "header.frame_id") or field_of(message, "frame_id")
    return str(found) if found else None


def raw_bytes(value: Any) -> bytes:
    """Bytes of a binary field; JSON holds them as base64. Raises ValueError."""
    if isinstance(value, str):
        return base64.b64decode(value, validate=True)
    if isinstance(value, np.ndarray):
        return value.astype(np.uint8, copy=False).tobytes()
    return bytes(value)
