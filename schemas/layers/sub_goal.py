"""What the person was doing, stretch by stretch."""

from . import Layer, Review, Term, Tiling

LAYER = Layer(
    name="sub_goal",
    domain="arc",
    kind="segments",
    level="span",
    doc="Stretches of a trace with one purpose each, and the purpose in words.",
    vocabulary=(
        Term("explore", "looks and tries", "1", "#0072b2"),
        Term("build", "makes what the answer needs", "2", "#e69f00"),
        Term("repair", "mends a mistake", "3", "#d55e00"),
        Term("finish", "checks and submits", "4", "#009e73"),
    ),
    stream=None,
    tiling=Tiling(overlap=False, gaps=False),
    review=Review(view="arc_story", absent="the purpose of the steps is not known", text=True),
)
