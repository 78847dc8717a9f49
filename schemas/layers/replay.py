"""Whether each recorded ARC state follows from the recorded action."""

from ..types import Column
from . import Layer, Term, ViewColumn

LAYER = Layer(
    name="replay",
    domain="arc",
    kind="checks",
    level="step",
    doc="Each step's recorded state, re-computed from the state before it and the action.",
    vocabulary=(
        Term("exact", "the recorded state is what the action gives"),
        Term("visible", "what a person saw agrees, the layers underneath do not"),
        Term("diverged", "the recorded state is not what the action gives"),
        Term("unverifiable", "the record does not say enough to compute it"),
    ),
    stream=None,
    tiling=None,
    review=None,
    unreviewed_because="an oracle computes it",
    columns=(ViewColumn("arc_transitions", Column("replay", "string", "verdict of arc.replay on this step"), "outcomes"),),
)
