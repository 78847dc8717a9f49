"""Free text about a picture (one step) or about the whole task."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from schemas.layers import Layer

from ..project import Project, ReviewTask, Row
from .fields import item_of, one_text, region_of
from .reading import Reading
from .statement import Part, Piece, Statement, Unreadable, part_id
from .timeline import item_of_step


def encode(_project: Project, task: ReviewTask, layers: Sequence[Layer]) -> Iterator[Piece]:
    """A text per picture (or one for the task): of two rows about one picture the first is shown."""
    for layer in layers:
        rows = [row for row in task.rows.get(layer.name, ()) if row["texts"]]
        if layer.level == "step":
            yield from _per_picture(layer, task, rows)
        elif rows:
            row = rows[0]
            yield _piece(layer, row, str(row["annotation_id"]), 0, None)


def decode(reading: Reading, layers: Sequence[Layer]) -> Iterator[Statement]:
    """A statement per row: the texts of one series come back as one."""
    for layer in layers:
        if layer.level == "step":
            yield from _pictures(reading, layer)
        else:
            yield from _whole(reading, layer)


def _per_picture(layer: Layer, task: ReviewTask, rows: Sequence[Row]) -> Iterator[Piece]:
    taken: set[int] = set()
    for row in rows:
        texts = row["texts"]
        steps = row["steps"] if row["steps"] is not None else [row["start"]]
        for element, (step, text) in enumerate(zip(steps, texts, strict=True)):
            item = item_of_step(task.surface, step)
            if item is None or item in taken or not text:
                continue
            taken.add(item)
            yield _piece(layer, row, part_id(str(row["annotation_id"]), element, len(texts)), element, item)


def _piece(layer: Layer, row: Row, region: str, element: int, item: int | None) -> Piece:
    result: dict[str, Any] = {"id": region, "from_name": layer.name, "to_name": "media", "type": "textarea"}
    result["value"] = {"text": [row["texts"][element]]}
    if item is not None:
        result["item_index"] = item
    series = element if len(row["texts"]) > 1 else None
    return Piece(region, (result,), ((layer.name, str(row["annotation_id"]), series),))


def _pictures(reading: Reading, layer: Layer) -> Iterator[Statement]:
    rows: dict[str, list[tuple[int, str, str, bool]]] = {}
    taken: set[int] = set()
    for result in reading.of(layer.name):
        with reading.place(result.get("id")):
            item, text, region = item_of(result, len(reading.surface.steps)), one_text(result), region_of(result)
            if text is None:
                continue
            if item in taken:
                raise Unreadable("texts_two", f"picture {item + 1} has two texts of {layer.name}; keep one of them")
            taken.add(item)
            part = Part.of(region)
            rows.setdefault(part.base, []).append((item, text, region, part.number is not None))
    for base, found in rows.items():
        found.sort()
        steps = [reading.surface.steps[item] for item, *_ in found]
        series = any(numbered for *_, numbered in found)
        start, end = (reading.surface.start, reading.surface.end) if series else (steps[0], steps[0] + 1)
        payload = {"steps": steps, "texts": [text for _, text, _, _ in found]}
        slot = ("items", *(item for item, *_ in found))
        yield Statement(layer.name, base, slot, payload, start, end, regions=tuple(region for _, _, region, _ in found))


def _whole(reading: Reading, layer: Layer) -> Iterator[Statement]:
    surface = reading.surface
    said = False
    for result in reading.of(layer.name):
        with reading.place(result.get("id")):
            text = one_text(result)
            if text is None:
                continue
            if said:
                raise Unreadable("texts_two", f"the task has two texts of {layer.name}; keep one of them")
            said = True
            payload = {"steps": [surface.start], "texts": [text]}
            region = region_of(result)
            yield Statement(layer.name, region, ("task",), payload, surface.start, surface.end, regions=(region,))
