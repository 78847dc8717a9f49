"""Where the recorded ARC actions lead from the start alone, without any recorded state."""

from . import Layer, Term

LAYER = Layer(
    name="free_replay",
    domain="arc",
    kind="checks",
    level="trajectory",
    doc="The grid that the actions alone lead to from the first grid, against the grid that was handed in.",
    vocabulary=(
        Term("reached", "the actions alone lead to the grid that was handed in"),
        Term("missed", "they lead to another grid"),
        Term("unverifiable", "the grid that the trace starts with is not recorded"),
    ),
    stream=None,
    tiling=None,
    review=None,
    unreviewed_because="an oracle computes it",
)
