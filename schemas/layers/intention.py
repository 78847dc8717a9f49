"""Stretches of an ARC trace between popular states."""

from ..types import Column
from . import Layer, Term, Tiling, ViewColumn

LAYER = Layer(
    name="intention",
    domain="arc",
    kind="segments",
    level="span",
    doc="Stretches from one popular state to the next; `attributes` name both, `from` and `to`.",
    vocabulary=(
        Term("reach", "leads to another popular state"),
        Term("return", "comes back to the popular state that it left"),
        Term("stray", "ends before any popular state is reached"),
    ),
    stream=None,
    tiling=Tiling(overlap=True, gaps=True),
    review=None,
    unreviewed_because="it follows from the states that other people went through",
    columns=(ViewColumn("arc_transitions", Column("intention", "string", "what the stretch of this step led to"), "label"),),
)
