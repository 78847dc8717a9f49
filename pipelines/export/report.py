"""What an export did and what its format could not hold, for the terminal and for a file beside the data."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import orjson

FILE = "cairn_export.json"


class CannotHold(Exception):
    """A trajectory that the format cannot hold: `code` is stable, the message says why and what would be right."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class Report:
    """Counts of what was written, trajectories that were left out, and what was lost of those that were not.

    `left_out`: (trajectory_id, code, sentence); `not_held`: what → (how many, why); `notes`: things to know.
    """

    format: str
    trajectories: int = 0
    steps: int = 0
    videos_copied: int = 0
    videos_reencoded: list[tuple[str, str, str]] = field(default_factory=list)
    left_out: list[tuple[str, str, str]] = field(default_factory=list)
    not_held: dict[str, tuple[int, str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def lose(self, what: str, count: int, why: str) -> None:
        """Count something that the format cannot hold."""
        if count:
            before, _ = self.not_held.get(what, (0, why))
            self.not_held[what] = before + count, why

    @property
    def first_reason(self) -> str:
        """Why the first trajectory was left out."""
        return self.left_out[0][2] if self.left_out else "it holds no trajectory of a robot"

    def to_json(self) -> bytes:
        """As it stands beside the data: the same inputs give the same bytes."""
        value: dict[str, Any] = {
            "format": self.format,
            "trajectories": self.trajectories,
            "steps": self.steps,
            "videos_copied": self.videos_copied,
            "videos_reencoded": [dict(zip(("trajectory", "stream", "why"), one, strict=True)) for one in self.videos_reencoded],
            "left_out": [dict(zip(("trajectory", "code", "why"), one, strict=True)) for one in sorted(self.left_out)],
            "not_held": {what: {"count": count, "why": why} for what, (count, why) in sorted(self.not_held.items())},
            "notes": self.notes,
        }
        return orjson.dumps(value, option=orjson.OPT_INDENT_2) + b"\n"

    def lines(self) -> list[str]:
        """For people: one line per kind of thing."""
        found = [f"{self.trajectories} trajectories, {self.steps} steps, {self.videos_copied} videos copied packet by packet"]
        if self.videos_reencoded:
            first = self.videos_reencoded[0]
            found.append(f"{len(self.videos_reencoded)} videos encoded again, the first: {first[0]} {first[1]}: {first[2]}")
        for code, count in sorted(Counter(code for _, code, _ in self.left_out).items()):
            first_of = next(one for one in self.left_out if one[1] == code)
            found.append(f"left out ({code}): {count}, the first: {first_of[0]}: {first_of[2]}")
        found += [f"not held: {what}: {count} ({why})" for what, (count, why) in sorted(self.not_held.items())]
        return found + self.notes
