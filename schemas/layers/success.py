"""Whether the grids that were handed in are the answers of the ARC task."""

from . import Layer, Term

LAYER = Layer(
    name="success",
    domain="arc",
    kind="checks",
    level="trajectory",
    doc="For each test that could be played, the last grid handed in against the task's answer. `args` names the tests.",
    vocabulary=(
        Term("correct", "the grid is the test's answer"),
        Term("wrong", "it is not"),
        Term("not_submitted", "no grid was handed in for this test"),
        Term("unknown", "the task, or the answer of this test, is not known"),
    ),
    stream=None,
    tiling=None,
    review=None,
    unreviewed_because="an oracle computes it",
)
