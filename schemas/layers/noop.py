"""Whether an ARC action changed what the person saw."""

from ..types import Column
from . import Layer, Term, ViewColumn

LAYER = Layer(
    name="noop",
    domain="arc",
    kind="checks",
    level="step",
    doc="Whether an action that edits the grid changed it.",
    vocabulary=(
        Term("changed", "the grid after the action differs from the grid before it"),
        Term("noop", "the action left the grid as it was"),
    ),
    stream=None,
    tiling=None,
    review=None,
    unreviewed_because="an oracle computes it",
    columns=(ViewColumn("arc_transitions", Column("noop", "string", "verdict of arc.noop on this step"), "outcomes"),),
)
