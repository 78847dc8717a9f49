"""Moves of an ARC trace that changed its prospects most."""

from . import Layer, Term, Tiling

LAYER = Layer(
    name="pivot",
    domain="arc",
    kind="segments",
    level="span",
    doc="The move after which the share of people who succeed differs most from before; `attributes` hold both shares.",
    vocabulary=(
        Term("gain", "more people succeed from the state after it than from the one before"),
        Term("loss", "fewer people succeed from the state after it"),
    ),
    stream=None,
    tiling=Tiling(overlap=True, gaps=True),
    review=None,
    unreviewed_because="it follows from the values of the states",
)
