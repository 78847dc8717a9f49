"""The codec: rows of a task as Label Studio results, and results as statements about the trajectory.

`encode` writes what the editor would save, `decode` reads it without knowing what was pushed. Which control carries a
layer follows from the layer's declaration (`carriers`). Frames are 1-based and inclusive, coordinates percent of the
picture; nothing outside this package knows that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from schemas.layers import Layer

from ..project import Encoded, Project, ReviewTask
from . import cells, checks, choices, links, regions, segments, texts, traces, tracks, verdicts
from .carriers import Carrier, carried, carrier
from .geometry import TOLERANCE, same, smallest_first
from .reading import Reading, name_of
from .statement import Decoded, Part, Piece, Result, Statement, Unreadable
from .verdicts import judged_rows

_ENCODERS: Mapping[Carrier, Callable[[Project, ReviewTask, Sequence[Layer]], Iterator[Piece]]] = {
    "segment": segments.encode,
    "text": texts.encode,
    "region": regions.encode,
    "cells": cells.encode,
    "track": tracks.encode,
    "trace": traces.encode,
    "check": checks.encode,
    "verdict": verdicts.encode,
    "ranking": choices.encode,
    "judgement": verdicts.encode_judged,
}
_DECODERS: Mapping[Carrier, Callable[[Reading, Sequence[Layer]], Iterator[Statement]]] = {
    "segment": segments.decode,
    "text": texts.decode,
    "region": regions.decode,
    "cells": cells.decode,
    "track": tracks.decode,
    "trace": traces.decode,
    "check": checks.decode,
    "verdict": verdicts.decode,
    "ranking": choices.decode,
    "judgement": verdicts.decode_judged,
    "link": links.decode,
}


def encode(project: Project, task: ReviewTask) -> Encoded:
    """The proposals of a task in the shapes that the editor saves. The same task gives the same results.

    The smallest shapes come first: the editor draws the first on top, and a mouse takes hold of what is on top.
    What the task's pictures do not show (steps outside its stretch, empty rows, second texts of one picture) is left out
    and stands in no `rows`: nobody can say anything about it. A `blind` project is given nothing.
    """
    if project.blind:
        return Encoded(())
    layers = carried(project)
    pieces = [piece for name, encoder in _ENCODERS.items() if name in layers for piece in encoder(project, task, layers[name])]
    pieces = smallest_first(pieces)
    if project.review_view.markers:
        pieces += links.markers(task)
    if "link" in layers:
        pieces += links.encode(project, task, layers["link"], pieces)
    results = tuple(result for piece in pieces for result in piece.results)
    return Encoded(results, {piece.region: piece.carries for piece in pieces if piece.carries})


def decode(project: Project, task: ReviewTask, results: Sequence[Result]) -> Decoded:
    """What results say, without knowing what was pushed. Of the task only surface, data and (verdict view) rows are used.

    Unknown keys of a value are ignored; results of a control that the project does not have are a finding.
    """
    reading = Reading(project, task, results)
    rows: dict[str, list[Statement]] = {}
    for name, layers in carried(project).items():
        for statement in _DECODERS[name](reading, layers):
            rows.setdefault(statement.layer, []).append(statement)
    if project.review_view.markers:
        reading.known.add(links.MARKER)
    for strange in sorted({name_of(result) for result in results} - reading.known):
        reading.note("control_unknown", f"results of {strange}, which is no control of project {project.name}, are not read")
    return Decoded({layer: tuple(found) for layer, found in rows.items()}, tuple(reading.findings))


__all__ = [
    "TOLERANCE",
    "Decoded",
    "Part",
    "Piece",
    "Result",
    "Statement",
    "Unreadable",
    "carried",
    "carrier",
    "decode",
    "encode",
    "judged_rows",
    "same",
]
