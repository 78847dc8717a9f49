"""Which of several next actions people prefer."""

from . import Layer, Review

LAYER = Layer(
    name="preference",
    domain="gui",
    kind="choices",
    level="step",
    doc="Candidates for a step's action, ranked.",
    vocabulary=None,
    open_because="candidates are actions",
    stream="images",
    tiling=None,
    review=Review(view="verdict", absent="no candidate was judged"),
)
