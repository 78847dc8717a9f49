"""What people did in one state of an ARC task, ranked by how it went on."""

from . import Layer

LAYER = Layer(
    name="step_preference",
    domain="arc",
    kind="choices",
    level="step",
    doc="The ways on from a state that people took, the best first: the share of right answers after each, and of how many.",
    vocabulary=None,
    open_because="candidates are actions",
    stream=None,
    tiling=None,
    review=None,
    unreviewed_because="it counts what was recorded",
)
