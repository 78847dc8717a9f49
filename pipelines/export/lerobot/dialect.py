"""What a format that is built on LeRobot's layout has of its own: names, columns of words, layers that they hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa

from pipelines.export.lerobot.layout import NAMES


class Dialect(Protocol):
    """A format on LeRobot's layout. `names`: column of `robot_steps` → feature; `texts`: its columns of words; `held`: layers that it holds."""

    @property
    def names(self) -> Mapping[str, str]:
        """Column of `robot_steps` → feature."""
        ...

    @property
    def texts(self) -> Sequence[str]:
        """Its own columns of words, a text per row."""
        ...

    @property
    def held(self) -> frozenset[str]:
        """Layers that have a place in it."""
        ...

    def words(self, header: Mapping[str, Any], steps: pa.Table) -> Mapping[str, Sequence[str]]:
        """Of a trajectory: column of `texts` → a text per step."""
        ...


@dataclass(frozen=True, slots=True)
class Plain:
    """LeRobot itself."""

    held: frozenset[str]
    texts: tuple[str, ...] = ()

    @property
    def names(self) -> Mapping[str, str]:
        """Column of `robot_steps` → feature."""
        return NAMES

    def words(self, header: Mapping[str, Any], steps: pa.Table) -> Mapping[str, Sequence[str]]:
        """None."""
        return {}
