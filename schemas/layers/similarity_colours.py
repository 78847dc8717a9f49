"""How many cells have the colours of the answer, wherever they are."""

from . import Layer

LAYER = Layer(
    name="similarity_colours",
    domain="arc",
    kind="scalars",
    level="step",
    doc="Histogram intersection of the grid after a step and the answer, of the cells of the larger of the two, 0 to 1.",
    vocabulary=None,
    open_because="a number has no words",
    stream=None,
    tiling=None,
    review=None,
    unreviewed_because="an oracle computes it",
)
