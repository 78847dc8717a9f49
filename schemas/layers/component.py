"""Which object each cell of a grid belongs to."""

from . import Layer

LAYER = Layer(
    name="component",
    domain="arc",
    kind="codes",
    level="step",
    doc="Objects (4-connected cells of one colour other than 0) with ids that stay through a trajectory: per cell of grid_after, row by row, the id, 0 = none. A step that is not listed shows the objects of the listed one before it.",
    vocabulary=None,
    open_because="ids count the objects of one trajectory",
    stream=None,
    tiling=None,
    review=None,
    unreviewed_because="computed from the grids by a rule that its annotator states",
)
