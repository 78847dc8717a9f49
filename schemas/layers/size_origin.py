"""Where a grid's size may have come from."""

from . import Layer, Term

LAYER = Layer(
    name="size_origin",
    domain="arc",
    kind="checks",
    level="step",
    doc="What the size that an edit gives the grid may have been taken from: the first of the candidates, all of which stand in `observed`.",
    vocabulary=(
        Term("test_input", "the test's input has the size"),
        Term("example_output", "an example's output has it"),
        Term("scaled", "the test's input times the factor by which every example's output differs from its input"),
        Term("object", "the box around an object of the test's input has it"),
        Term("example_input", "an example's input has it"),
        Term("unknown", "none of these"),
    ),
    stream=None,
    tiling=None,
    review=None,
    unreviewed_because="candidates by a rule: what the person looked at, nobody knows",
)
