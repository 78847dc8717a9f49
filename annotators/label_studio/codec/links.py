"""Relations between regions; every picture has a small region of its own, so that a step can be an end."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from schemas.layers import Layer

from ..config.controls import marker_word
from ..project import Project, ReviewTask
from .fields import item_of
from .geometry import image_keys
from .reading import Reading
from .statement import Part, Piece, Statement, Unreadable
from .words import words_of

MARKER = "marker"
"""The control of the markers; the label of each is its step's word."""


@dataclass(frozen=True, slots=True)
class End:
    """An end of a link: the row's id, None for a marker, and the step."""

    annotation: str | None
    step: int | None


def markers(task: ReviewTask) -> Iterator[Piece]:
    """A region per picture, id `marker.<step>`, in its lower right corner."""
    for item, step in enumerate(task.surface.steps):
        place = {"x": 98.0, "y": 98.0, "width": 1.5, "height": 1.5, "rotation": 0}
        value = {**place, "rectanglelabels": [marker_word(step)]}
        where = {"id": f"{MARKER}.{step}", "from_name": MARKER, "to_name": "media", "type": "rectanglelabels"}
        yield Piece(f"{MARKER}.{step}", ({**image_keys(task.surface, item), **where, "value": value},))


def encode(project: Project, task: ReviewTask, layers: Sequence[Layer], drawn: Sequence[Piece]) -> Iterator[Piece]:
    """A relation per link both of whose ends are drawn. `drawn`: the other regions."""
    regions: dict[str, str] = {}
    for piece in drawn:
        for _, annotation_id, _ in piece.carries:
            regions.setdefault(annotation_id, piece.region)
    steps = set(task.surface.steps) if project.review_view.markers else set()
    taken: set[tuple[str, str]] = set()
    for layer in layers:
        for row in task.rows.get(layer.name, ()):
            ends = [
                regions.get(row[end])
                if row[end] is not None
                else f"{MARKER}.{row[f'{end}_step']}"
                if row[f"{end}_step"] in steps
                else None
                for end in ("source", "destination")
            ]
            if row["relation"] is None or ends[0] is None or ends[1] is None or (ends[0], ends[1]) in taken:
                continue
            taken.add((ends[0], ends[1]))
            labels = [row["relation"]]
            result = {"from_id": ends[0], "to_id": ends[1], "type": "relation", "direction": "right", "labels": labels}
            yield Piece(relation_id(ends[0], ends[1]), (result,), ((layer.name, str(row["annotation_id"]), None),))


def decode(reading: Reading, layers: Sequence[Layer]) -> Iterator[Statement]:
    """A statement per relation. One without a label, or with several, must be done again."""
    words = {word: layer for layer in layers for word in words_of(layer)}
    regions = _ends(reading)
    taken: set[tuple[str, str]] = set()
    for result in reading.of("relation"):
        from_id, to_id = str(result.get("from_id")), str(result.get("to_id"))
        with reading.place(from_id):
            if result.get("direction") == "left":
                from_id, to_id = to_id, from_id
            elif result.get("direction") == "bi":
                raise Unreadable("relation_both_ways", "a relation points both ways; say which end makes the other possible")
            label = _label(result.get("labels"), list(words), _place(regions, from_id, to_id))
            ends = []
            for region in (from_id, to_id):
                if region not in regions:
                    raise Unreadable("relation_end_missing", f"a relation ends at {region}, which is not there; draw it again")
                ends.append(regions[region])
            if (from_id, to_id) in taken:
                raise Unreadable("relation_twice", f"{_place(regions, from_id, to_id)} has two relations; delete one of them")
            taken.add((from_id, to_id))
            source, destination = ends
            payload = {
                "source": source.annotation,
                "destination": destination.annotation,
                "source_step": source.step,
                "destination_step": destination.step,
                "relation": label,
            }
            region, steps = relation_id(from_id, to_id), [end.step for end in ends if end.step is not None]
            start, end_ = (min(steps), max(steps) + 1) if steps else (None, None)
            slot = ("relation", from_id, to_id)
            yield Statement(words[label].name, region, slot, payload, start, end_, regions=(from_id, to_id))


def relation_id(from_id: str, to_id: str) -> str:
    """What stands for the id that a relation does not have."""
    return f"{from_id}>{to_id}"


def _ends(reading: Reading) -> dict[str, End]:
    """Region → what it stands for as an end. Markers are there even where a person deleted them."""
    surface = reading.surface
    found = {f"{MARKER}.{step}": End(None, step) for step in surface.steps}
    reading.known.add(MARKER)
    for result in reading.results:
        region = result.get("id")
        if isinstance(region, str) and region not in found and re.fullmatch("(?!relation).*labels", str(result.get("type"))):
            with suppress(Unreadable):  # the region's own control says what is wrong with it
                step = surface.steps[item_of(result, len(surface.steps))]
                found[region] = End(Part.of(region).base, step)
    return found


def _label(labels: Any, words: Sequence[str], place: str) -> str:
    if not isinstance(labels, (list, tuple)) or not labels:
        raise Unreadable("relation_unlabelled", f"the relation {place} has no label; choose one of {', '.join(words)}")
    if len(labels) > 1:
        raise Unreadable("words_two", f"the relation {place} has {len(labels)} labels; keep one of them")
    if labels[0] not in words:
        raise Unreadable("word_unknown", f"the relation {place} says {labels[0]!r}, which is none of {', '.join(words)}")
    return str(labels[0])


def _place(regions: Mapping[str, End], from_id: str, to_id: str) -> str:
    names = [f"step {regions[end].step}" if end in regions else end for end in (from_id, to_id)]
    return f"from {names[0]} to {names[1]}"
