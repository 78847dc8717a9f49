"""How much of the screen changed because of an action."""

from . import Layer

LAYER = Layer(
    name="change",
    domain="gui",
    kind="scalars",
    level="step",
    doc="Share of pixels that differ between this step's screenshot and the next one's, 0 to 1.",
    vocabulary=None,
    open_because="a number has no words",
    stream="images",
    tiling=None,
    review=None,
    unreviewed_because="a measurement of pixels",
)
