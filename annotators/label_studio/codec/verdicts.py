"""One word about a picture (one step) or about the whole task; and, in the verdict view, right or wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from schemas.layers import Layer

from ..config.hotkeys import VERDICTS
from ..project import Project, ReviewTask, Row
from .fields import item_of, one_text, one_word
from .reading import Reading
from .statement import Piece, Statement, Unreadable
from .timeline import item_of_step
from .words import shown_word, words_of


def encode(_project: Project, task: ReviewTask, layers: Sequence[Layer]) -> Iterator[Piece]:
    """A word per picture (or one for the task): of two rows about one picture the first is shown."""
    for layer in layers:
        taken: set[int | None] = set()
        for row in task.rows.get(layer.name, ()):
            item = item_of_step(task.surface, row["start"]) if layer.level == "step" else None
            word = shown_word(layer, row["value"])
            if word is None or item in taken or (layer.level == "step" and item is None):
                continue
            taken.add(item)
            region = str(row["annotation_id"])
            result: dict[str, Any] = {"id": region, "from_name": layer.name, "to_name": "media", "type": "choices"}
            result["value"] = {"choices": [word]}
            if item is not None:
                result["item_index"] = item
            yield Piece(region, (result,), ((layer.name, region, None),))


def decode(reading: Reading, layers: Sequence[Layer]) -> Iterator[Statement]:
    """A statement per picture (or one for the task) that was judged."""
    surface = reading.surface
    for layer in layers:
        taken: set[int | None] = set()
        for result in reading.of(layer.name):
            with reading.place(result.get("id")):
                item = item_of(result, len(surface.steps)) if layer.level == "step" else None
                word = one_word(result, "choices", words_of(layer))
                if item in taken:
                    raise Unreadable("words_two", f"{layer.name} has two values; choose one")
                taken.add(item)
                region = str(result.get("id"))
                if item is None:
                    yield Statement(
                        layer.name, region, ("task",), {"value": word}, surface.start, surface.end, regions=(region,)
                    )
                else:
                    step = surface.steps[item]
                    yield Statement(layer.name, region, ("item", item), {"value": word}, step, step + 1, regions=(region,))


def judged_rows(project: Project, task: ReviewTask) -> tuple[tuple[str, Row], ...]:
    """(layer, row) of each picture of a task in the verdict view, in order: by start, then as the project and task list them.

    Raises ValueError unless the surface has a picture for each.
    """
    rows = [(layer, row) for layer in project.layers for row in task.rows.get(layer, ())]
    rows.sort(key=lambda entry: -1 if entry[1]["start"] is None else entry[1]["start"])
    if len(rows) != len(task.surface.steps):
        raise ValueError(
            f"{task.uid}: {len(task.surface.steps)} pictures for {len(rows)} rows; the verdict view has one for each"
        )
    return tuple(rows)


def encode_judged(project: Project, task: ReviewTask, _layers: Sequence[Layer]) -> Iterator[Piece]:
    """A row per picture, with nothing chosen: a verdict that stands there already would be a person's to undo."""
    for layer, row in judged_rows(project, task):
        region = str(row["annotation_id"])
        yield Piece(region, (), ((layer, region, None),))


def decode_judged(reading: Reading, _layers: Sequence[Layer]) -> Iterator[Statement]:
    """A statement per picture that was judged, of the layer of its row: payload `verdict` and `why`."""
    rows = judged_rows(reading.project, reading.task)
    why: dict[int, str | None] = {}
    for result in reading.of("verdict_why"):
        with reading.place(result.get("id")):
            why[item_of(result, len(rows))] = one_text(result)
    taken: set[int] = set()
    for result in reading.of("verdict"):
        with reading.place(result.get("id")):
            item = item_of(result, len(rows))
            word = one_word(result, "choices", [term.value for term in VERDICTS])
            layer, row = rows[item]
            region = str(row["annotation_id"])
            if item in taken:
                raise Unreadable("words_two", f"picture {item + 1} has two verdicts; choose one")
            taken.add(item)
            payload = {"verdict": word, "why": why.get(item)}
            yield Statement(layer, region, ("item", item), payload, row["start"], row["end"], regions=(region,))
