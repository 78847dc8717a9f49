"""The states of an ARC task where the ways of many people meet."""

from . import Layer

LAYER = Layer(
    name="popular_state",
    domain="arc",
    kind="nodes",
    level="trajectory",
    doc="States that at least sqrt(n) of a task's n trajectories came to, with where people began and where a right answer ended.",
    vocabulary=None,
    open_because="states are grids",
    stream=None,
    tiling=None,
    review=None,
    unreviewed_because="it counts what was recorded",
)
