"""How far the grid has the answer's size."""

from . import Layer

LAYER = Layer(
    name="similarity_size",
    domain="arc",
    kind="scalars",
    level="step",
    doc="Cells that the grid after a step and the answer both have, of the cells that one of them has, 0 to 1.",
    vocabulary=None,
    open_because="a number has no words",
    stream=None,
    tiling=None,
    review=None,
    unreviewed_because="an oracle computes it",
)
