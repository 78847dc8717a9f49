"""Which tasks: chosen by hash, so that the same keys are chosen again whoever asks, and in whatever order they come."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping


def draw(key: str, *salt: str) -> float:
    """A number in [0, 1) that depends on nothing but its arguments. Other salts give independent numbers."""
    digest = hashlib.sha256("\x1f".join((*salt, key)).encode()).digest()
    return int.from_bytes(digest[:7], "big") / 2**56


def overlapping(keys: Iterable[str], share: float, *salt: str) -> frozenset[str]:
    """The keys that are asked of a second person: each with probability `share`, whatever the others are."""
    return frozenset(key for key in keys if draw(key, "overlap", *salt) < share)


def sample(keys: Iterable[str], n: int, *salt: str) -> tuple[str, ...]:
    """`n` of the keys, all if there are fewer, without replacement, in random order."""
    return in_random_order(keys, "sample", *salt)[:n]


def in_random_order(keys: Iterable[str], *salt: str) -> tuple[str, ...]:
    """The keys in an order that has nothing to do with them."""
    return tuple(sorted(set(keys), key=lambda key: (draw(key, *salt), key)))


def uncertain_first(priorities: Mapping[str, float]) -> tuple[str, ...]:
    """The keys by priority, lowest first; equal ones in random order."""
    return tuple(sorted(priorities, key=lambda key: (priorities[key], draw(key, "uncertain"), key)))
