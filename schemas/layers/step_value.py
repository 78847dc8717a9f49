"""What the state after each move of an ARC trace was worth."""

from ..types import Column
from . import Layer, ViewColumn

LAYER = Layer(
    name="step_value",
    domain="arc",
    kind="scalars",
    level="step",
    doc="Share of right answers among all trajectories of the task that came through the state after the step, from there on.",
    vocabulary=None,
    open_because="a number from 0 to 1",
    stream=None,
    tiling=None,
    review=None,
    unreviewed_because="it counts what was recorded",
    columns=(ViewColumn("arc_transitions", Column("step_value", "float32", "value of the next state, 0 to 1"), "values"),),
)
