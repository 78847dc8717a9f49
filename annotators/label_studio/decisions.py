"""What one submission decided about the rows of a task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from schemas.layers import layer

from .project import Finding

Outcome = Literal["accepted", "corrected", "rejected", "added", "empty", "partly"]


@dataclass(frozen=True, slots=True)
class Decision:
    """One row that a submission says something about. `row` is its state, as stored.

    `outcome`: accepted and rejected carry the original row with another status; corrected is a new row that supersedes it;
    added a new row; empty says that a layer was looked at and nothing is there; partly is what is left of a series some of
    whose elements were corrected. `original`: the id of the proposal. `element`: which one of a series. `untouched`,
    `settled`, `elements`: of a series, which elements were left as they were, which were decided, and how many it has.
    `owned`: False where another task decides and this one only shows the row.
    """

    layer: str
    outcome: Outcome
    row: Mapping[str, Any]
    original: str | None = None
    element: int | None = None
    untouched: frozenset[int] = frozenset()
    settled: frozenset[int] = frozenset()
    elements: int = 0
    owned: bool = True

    @property
    def counts(self) -> bool:
        """Whether its state is one: of a series, only when every element was decided."""
        return self.outcome != "partly" or len(self.settled) == self.elements


@dataclass(frozen=True, slots=True)
class Resolved:
    """What came of a submission: decisions, and what a person must settle. With `redo` there are no decisions."""

    uid: str
    decisions: tuple[Decision, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def redo(self) -> bool:
        """Whether the task must be done again."""
        return any(finding.redo for finding in self.findings)

    @property
    def states(self) -> dict[str, tuple[Mapping[str, Any], ...]]:
        """Kind → the states of its rows, for `schemas.stored_rows.state_tables`."""
        found: dict[str, list[Mapping[str, Any]]] = {}
        for decision in self.decisions:
            if decision.counts:
                found.setdefault(layer(decision.layer).kind, []).append(decision.row)
        return {kind: tuple(rows) for kind, rows in sorted(found.items())}
