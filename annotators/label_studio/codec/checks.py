"""Conditions at a step: the function is the word of a small region, its key and the expected value are typed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from schemas.json_column import json_text
from schemas.layers import Layer

from ..project import Project, ReviewTask, Row, Surface
from .fields import item_of, one_text, one_word
from .geometry import image_keys
from .reading import Reading
from .statement import Piece, Result, Statement, Unreadable
from .timeline import item_of_step
from .words import shown_word, words_of

_SLOT = {"width": 3.0, "height": 3.0, "rotation": 0}
_ROWS = 24


def slot(number: int) -> dict[str, float]:
    """Where the `number`-th region of a picture that only carries fields is drawn: down its left edge. Percent."""
    return {"x": 1.0 + 4.0 * (number // _ROWS), "y": 1.0 + 4.0 * (number % _ROWS), **_SLOT}


def encode(_project: Project, task: ReviewTask, layers: Sequence[Layer]) -> Iterator[Piece]:
    """A region with its fields per check. A series, which a machine evaluated step by step, is not shown."""
    used: Counter[int] = Counter()
    for layer in layers:
        for row in task.rows.get(layer.name, ()):
            item, word = item_of_step(task.surface, row["start"]), shown_word(layer, row["function"])
            if item is None or word is None or row["steps"] is not None:
                continue
            place = slot(used[item])
            used[item] += 1
            region = str(row["annotation_id"])
            yield Piece(region, tuple(_results(layer, row, item, word, place, task.surface)), ((layer.name, region, None),))


def decode(reading: Reading, layers: Sequence[Layer]) -> Iterator[Statement]:
    """A statement per region. Where it lies on the picture says nothing."""
    surface = reading.surface
    for layer in layers:
        key, value = f"{layer.name}_key", f"{layer.name}_value"
        for region, found in reading.by_region(layer.name, key, value).items():
            with reading.place(region):
                if layer.name not in found:
                    raise Unreadable("region_missing", f"{layer.name} has a key or value without a region; enter it again")
                item = item_of(found[layer.name], len(surface.steps))
                function = one_word(found[layer.name], "rectanglelabels", words_of(layer))
                typed = one_text(found[key]) if key in found else None
                payload = {
                    "name": function,
                    "function": function,
                    "args": None if typed is None else json_text({"key": typed}),
                    "expected": one_text(found[value]) if value in found else None,
                }
                step = surface.steps[item]
                yield Statement(layer.name, region, ("region", region), payload, step, step + 1, regions=(region,))


def key_of(row: Row) -> str | None:
    """The key that a row's arguments name; None where they name none."""
    arguments = json.loads(row["args"]) if row["args"] is not None else None
    key = arguments.get("key") if isinstance(arguments, dict) else None
    return key if isinstance(key, str) or key is None else json_text(key)


def _results(layer: Layer, row: Row, item: int, word: str, place: dict[str, float], surface: Surface) -> Iterator[Result]:
    where: dict[str, Any] = {**image_keys(surface, item), "id": str(row["annotation_id"]), "to_name": "media"}
    drawn = {**place, "rectanglelabels": [word]}
    yield {**where, "from_name": layer.name, "type": "rectanglelabels", "value": drawn}
    for name, text in (("key", key_of(row)), ("value", row["expected"])):
        if text:
            yield {**where, "from_name": f"{layer.name}_{name}", "type": "textarea", "value": {**place, "text": [text]}}
