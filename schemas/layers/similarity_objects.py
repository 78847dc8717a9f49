"""How many objects are those of the answer."""

from . import Layer

LAYER = Layer(
    name="similarity_objects",
    domain="arc",
    kind="scalars",
    level="step",
    doc="Objects of the grid after a step that the answer has, of all objects of the two, 0 to 1.",
    vocabulary=None,
    open_because="a number has no words",
    stream=None,
    tiling=None,
    review=None,
    unreviewed_because="an oracle computes it",
)
