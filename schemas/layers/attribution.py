"""What each step contributed to the outcome."""

from ..types import Column
from . import Layer, ViewColumn

LAYER = Layer(
    name="attribution",
    domain="arc",
    kind="scalars",
    level="step",
    doc="The step's share of the outcome (1 solved, 0 not): the difference of a potential before and after it. The values of a trajectory sum to its outcome exactly, in float32 too.",
    vocabulary=None,
    open_because="a number has no words",
    stream=None,
    tiling=None,
    review=None,
    unreviewed_because="an oracle computes it",
    columns=(
        ViewColumn(
            "arc_transitions",
            Column("attribution", "float32", "contribution of this step to the outcome; a trajectory's sum to it"),
            "values",
        ),
    ),
)
