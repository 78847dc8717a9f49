"""How many cells agree with the answer, the ground apart."""

from . import Layer

LAYER = Layer(
    name="similarity_foreground",
    domain="arc",
    kind="scalars",
    level="step",
    doc="Cells of the grid after a step that agree with the answer, of those that are not 0 in one of the two, 0 to 1.",
    vocabulary=None,
    open_because="a number has no words",
    stream=None,
    tiling=None,
    review=None,
    unreviewed_because="an oracle computes it",
)
