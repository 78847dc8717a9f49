"""Where a selection lies, how large it is and which colours it has."""

from . import Layer

LAYER = Layer(
    name="selection_box",
    domain="arc",
    kind="codes",
    level="step",
    doc="Selected cells in the grid before a step: top, left, height and width of the box around them, their number, then each of their colours, ascending.",
    vocabulary=None,
    open_because="a selection is numbers",
    stream=None,
    tiling=None,
    review=None,
    unreviewed_because="an oracle computes it",
)
