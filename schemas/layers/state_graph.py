"""The states that people went through in an ARC task, and the ways between them."""

from . import Layer

LAYER = Layer(
    name="state_graph",
    domain="arc",
    kind="nodes",
    level="trajectory",
    doc=(
        "One row per way into a state, over all trajectories of a task: a state is a grid, `parent` the one before it (null where "
        "people began), `action` the operations that led there and how often, `visits` how often it was gone, `value` the share "
        "of right answers from there on."
    ),
    vocabulary=None,
    open_because="states are grids",
    stream=None,
    tiling=None,
    review=None,
    unreviewed_because="it counts what was recorded",
)
