"""Where a failed ARC trace parts from a successful one."""

from . import Layer, Term

LAYER = Layer(
    name="divergence",
    domain="arc",
    kind="links",
    level="step",
    doc=(
        "The step of a failed trace, and the one of the successful trace that goes the same way longest (`target`), after which "
        "the two are in different states."
    ),
    vocabulary=(Term("diverges", "up to here both went through the same states"),),
    stream=None,
    tiling=None,
    review=None,
    unreviewed_because="it follows from the states of both traces",
)
