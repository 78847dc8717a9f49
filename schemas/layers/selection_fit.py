"""Whether a selection is an object."""

from ..types import Column
from . import Layer, Term, ViewColumn

LAYER = Layer(
    name="selection_fit",
    domain="arc",
    kind="checks",
    level="step",
    doc="How the selected cells lie to the objects (4-connected cells of one colour other than 0) of the grid before a step.",
    vocabulary=(
        Term("object", "all cells of one object and nothing else"),
        Term("objects", "all cells of several objects and nothing else"),
        Term("framed", "all cells of one or more objects, with ground (colour 0)"),
        Term("part", "some cells of one object"),
        Term("ground", "cells of colour 0 alone"),
        Term("mixed", "anything else: parts of several objects, or a part with ground"),
    ),
    stream=None,
    tiling=None,
    review=None,
    unreviewed_because="an oracle computes it",
    columns=(
        ViewColumn("arc_transitions", Column("selection_fit", "string", "how the selection lies to the objects"), "outcomes"),
    ),
)
