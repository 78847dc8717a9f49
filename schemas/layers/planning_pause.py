"""Steps before which the person did nothing for a while."""

from . import Layer, Term

LAYER = Layer(
    name="planning_pause",
    domain="arc",
    kind="segments",
    level="step",
    doc="Steps that ended a pause (attribute seconds), long against the other pauses of the trace.",
    vocabulary=(
        Term("planning", "the person looked and thought before this step"),
        Term("away", "too long for thinking: the page stood open"),
    ),
    stream=None,
    tiling=None,
    review=None,
    unreviewed_because="measured from the recorded times",
)
