"""How many cells agree with the answer."""

from ..types import Column
from . import Layer, ViewColumn

LAYER = Layer(
    name="similarity",
    domain="arc",
    kind="scalars",
    level="step",
    doc="Cells of the grid after a step that agree with the answer of its test, of the cells of the larger of the two, 0 to 1.",
    vocabulary=None,
    open_because="a number has no words",
    stream=None,
    tiling=None,
    review=None,
    unreviewed_because="an oracle computes it",
    columns=(
        ViewColumn(
            "arc_transitions",
            Column("similarity", "float32", "cells after this step that agree with the answer, of the larger grid's, 0 to 1"),
            "values",
        ),
    ),
)
