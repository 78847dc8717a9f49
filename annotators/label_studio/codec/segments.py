"""Spans and events on the timeline. Layers that share a region share its interval."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from schemas.layers import Layer

from ..config.controls import labelling_layer, timeline_control, timeline_words
from ..project import Project, ReviewTask, Row
from .fields import one_text, one_word, value_of
from .reading import Reading
from .statement import Piece, Result, Statement, Unreadable
from .timeline import ranges, shown, steps_of
from .words import shown_word, words_of


def encode(project: Project, task: ReviewTask, layers: Sequence[Layer]) -> Iterator[Piece]:
    """A region per interval, in order of the intervals; its id is that of the first declared layer that is there."""
    for name, carried in project.regions.items():
        if carried[0] in layers:
            for group in _grouped(task, carried):
                yield _piece(project, task, name, carried, group)


def decode(reading: Reading, layers: Sequence[Layer]) -> Iterator[Statement]:
    """A statement per region and layer that has a value on it."""
    control, words = timeline_control(reading.project), timeline_words(reading.project)
    regions = {name: carried for name, carried in reading.project.regions.items() if carried[0] in layers}
    owners = {field: name for name, carried in regions.items() for field in _fields(carried)}
    for region, found in reading.by_region(control, *owners).items():
        with reading.place(region):
            label = None
            name = next((owners[field] for field in found if field in owners), None)
            if control in found:
                every = [term.value for terms in words.values() for term in terms]
                label = one_word(found[control], "timelinelabels", every)
                name = next(name for name, terms in words.items() if label in [term.value for term in terms])
            if name is None:
                continue
            if lost := [field for field in found if owners.get(field, name) != name]:
                reading.note("field_of_other_region", f"{', '.join(lost)} stands on a region {label!r} and is not read", region)
            yield from _statements(reading, region, regions[name], found, control, label)


def _fields(carried: Sequence[Layer]) -> Iterator[str]:
    """The controls inside a region: texts, and the words of all layers but the one that labels it."""
    for layer in carried:
        if layer.review is not None and layer.review.text:
            yield f"{layer.name}_text"
        if words_of(layer) and layer is not labelling_layer(tuple(carried)):
            yield layer.name


def _grouped(task: ReviewTask, carried: Sequence[Layer]) -> list[Mapping[str, Row]]:
    """The rows of a region's layers by interval, layer → row; a second row of one layer on an interval is another region."""
    groups: list[dict[str, Row]] = []
    for layer in carried:
        for row in task.rows.get(layer.name, ()):
            if not shown(task.surface, row) or (row["label"] is None and row["text"] is None):
                continue
            interval = (row["start"], row["end"])
            free = (g for g in groups if layer.name not in g and interval == _interval(g))
            group = next(free, None)
            if group is None:
                groups.append({layer.name: row})
            else:
                group[layer.name] = row
    return sorted(groups, key=_interval)


def _interval(group: Mapping[str, Row]) -> tuple[int, int]:
    row = next(iter(group.values()))
    return row["start"], row["end"]


def _piece(project: Project, task: ReviewTask, name: str, carried: Sequence[Layer], group: Mapping[str, Row]) -> Piece:
    first = next(iter(group.values()))
    region = str(first["annotation_id"])
    at = ranges(task.surface, first["start"], first["end"])
    results: list[Result] = []

    def add(control: str, type_: str, key: str, value: str | None) -> None:
        if value is not None:
            where = {"id": region, "from_name": control, "to_name": "media", "type": type_}
            results.append({**where, "value": {**at, key: [value]}})

    labelling = labelling_layer(tuple(carried))
    if labelling is None:
        add(timeline_control(project), "timelinelabels", "timelinelabels", name)
    elif labelling.name in group:
        label = shown_word(labelling, group[labelling.name]["label"])
        add(timeline_control(project), "timelinelabels", "timelinelabels", label)
    for layer in carried:
        if layer.name in group:
            row = group[layer.name]
            if words_of(layer) and layer is not labelling:
                add(layer.name, "choices", "choices", shown_word(layer, row["label"]))
            if layer.review is not None and layer.review.text:
                add(f"{layer.name}_text", "textarea", "text", row["text"])
    carries = tuple((layer, str(row["annotation_id"]), None) for layer, row in group.items())
    return Piece(region, tuple(results), carries)


def _statements(
    reading: Reading, region: str, carried: Sequence[Layer], found: Mapping[str, Result], control: str, label: str | None
) -> Iterator[Statement]:
    start, end = steps_of(reading.surface, value_of(next(iter(found.values()))))
    labelling = labelling_layer(tuple(carried))
    says = False
    for layer in carried:
        word = label if layer is labelling else None
        if layer is not labelling and words_of(layer) and layer.name in found:
            word = one_word(found[layer.name], "choices", words_of(layer))
        texts = layer.review is not None and layer.review.text
        text = one_text(found[f"{layer.name}_text"]) if texts and f"{layer.name}_text" in found else None
        if word is not None or text is not None:
            says = True
            last = start + 1 if layer.level == "step" else end
            yield Statement(
                layer.name, region, ("region", region), {"label": word, "text": text}, start, last, regions=(region,)
            )
    if not says:
        what = "label" if labelling is not None else "text"
        raise Unreadable("region_empty", f"the region from step {start} to {end} has no {what}; give it one or delete it")
    if label is None and control not in found and labelling is not None and len(carried) == 1:
        raise Unreadable("word_missing", f"the region from step {start} to {end} has no label; choose one")
