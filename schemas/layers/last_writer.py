"""Which step last wrote what another one uses."""

from . import Layer, Term

LAYER = Layer(
    name="last_writer",
    domain="arc",
    kind="links",
    level="step",
    doc="From the step that last wrote cells (or copied them) to the step that uses them.",
    vocabulary=(
        Term("pastes", "the second lays down what the first copied"),
        Term("reads", "the second takes up cells that the first wrote"),
        Term("overwrites", "the second changes cells that the first wrote"),
    ),
    stream=None,
    tiling=None,
    review=None,
    unreviewed_because="follows from the grids and the recorded operations by a rule",
)
