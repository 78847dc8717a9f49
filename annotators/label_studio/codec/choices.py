"""Candidates in order of preference: the ranker of the verdict view, one row per task."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from schemas.layers import Layer

from ..project import Project, ReviewTask, Row
from .fields import region_of, value_of
from .reading import Reading
from .statement import Piece, Statement, Unreadable


def encode(_project: Project, task: ReviewTask, layers: Sequence[Layer]) -> Iterator[Piece]:
    """The candidates of a layer's row, ranked ones first, the best on top."""
    for layer in layers:
        for row in task.rows.get(layer.name, ())[:1]:
            if not row["candidates"]:
                continue
            region = str(row["annotation_id"])
            result = {"id": region, "from_name": layer.name, "to_name": "candidates", "type": "ranker"}
            value = {"ranker": {layer.name: [str(c["id"]) for c in ranked(row)]}}
            yield Piece(region, ({**result, "value": value},), ((layer.name, region, None),))


def decode(reading: Reading, layers: Sequence[Layer]) -> Iterator[Statement]:
    """The order of the candidates: `candidates` of id and rank, 1 = best."""
    surface = reading.surface
    for layer in layers:
        for result in reading.of(layer.name):
            with reading.place(result.get("id")):
                ids = _order(layer, value_of(result).get("ranker"))
                known = {str(c["id"]) for row in reading.task.rows.get(layer.name, ())[:1] for c in row["candidates"] or ()}
                if known and set(ids) != known:
                    raise Unreadable(
                        "candidate_unknown", f"{layer.name} ranks {sorted(set(ids) ^ known)}; rank what is in the list"
                    )
                payload: dict[str, Any] = {"candidates": [{"id": name, "rank": i + 1} for i, name in enumerate(ids)]}
                yield Statement(layer.name, region_of(result), ("task",), payload, surface.start, surface.end)


def ranked(row: Row) -> list[Any]:
    """The candidates of a row by rank; those without one last, in their own order."""
    return sorted(row["candidates"], key=lambda c: (c["rank"] is None, c["rank"] or 0))


def _order(layer: Layer, ranker: Any) -> list[str]:
    """The ids, best first. Raises Unreadable for what is no order, or names a candidate twice."""
    lists = ranker.get(layer.name, next(iter(ranker.values()), None)) if isinstance(ranker, dict) else ranker
    if not isinstance(lists, list):
        raise Unreadable("order_missing", f"{layer.name} has no order; rank the candidates again")
    if len(set(lists)) < len(lists):
        raise Unreadable("candidate_twice", f"{layer.name} ranks a candidate twice; rank the candidates again")
    return [str(name) for name in lists]
