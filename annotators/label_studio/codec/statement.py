"""What the codec speaks in: pieces that go out, statements that come back, and what could not be read."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..project import Finding

Result = Mapping[str, Any]
"""One entry of an annotation's `result`, as Label Studio exports it."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What one region (or one value without a region) is given: its `results` and the rows that it `carries`.

    `carries`: `(layer, annotation_id, element)`; `element` is the position in a series or in a row of several parts.
    """

    region: str
    results: tuple[Result, ...]
    carries: tuple[tuple[str, str, int | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Statement:
    """What a result says about one layer: the payload columns that its control carries, and the interval.

    `region`: id of the region, without the number of the part. `slot`: pairs it with what was pushed: the region, or the
    picture, or the whole task, or the two ends of a link. `regions`: ids of all regions that it was read from.
    """

    layer: str
    region: str
    slot: tuple[Hashable, ...]
    payload: Mapping[str, Any]
    start: int | None = None
    end: int | None = None
    stream: str | None = None
    regions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Decoded:
    """Results as statements per layer, and what is wrong with them."""

    rows: Mapping[str, tuple[Statement, ...]]
    findings: tuple[Finding, ...] = ()

    @property
    def redo(self) -> bool:
        """Whether something must be done again before any of it counts."""
        return any(finding.redo for finding in self.findings)


class Unreadable(ValueError):
    """A result that cannot be taken as it is: stable `code` and a sentence with the remedy."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Part:
    """The id of a region as `<base>.<number>`; `number` is None where the row has one region."""

    base: str
    number: int | None = field(default=None)

    @classmethod
    def of(cls, region: str) -> Part:
        """The part that a region's id names."""
        found = re.fullmatch(r"(.+)\.(\d+)", region)
        return cls(region) if found is None else cls(found[1], int(found[2]))


def part_id(base: str, number: int, parts: int) -> str:
    """The id of one of a row's regions: the row's own where it has one region, else with the number."""
    return base if parts == 1 else f"{base}.{number}"
