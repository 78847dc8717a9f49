"""Which step makes which other one possible."""

from . import Layer, Review, Term

LAYER = Layer(
    name="dependency",
    domain="gui",
    kind="links",
    level="step",
    doc="A step that another one needs.",
    vocabulary=(
        Term("causes", "the second would not be there without the first"),
        Term("enables", "the first makes the second possible"),
    ),
    stream="images",
    tiling=None,
    review=Review(view="gui_steps", absent="no step depends on another"),
)
