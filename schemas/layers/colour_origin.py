"""Where a colour may have come from."""

from . import Layer, Term

LAYER = Layer(
    name="colour_origin",
    domain="arc",
    kind="checks",
    level="step",
    doc="Where the colour that an edit takes may have been seen: the first of the candidates, all of which stand in `observed`.",
    vocabulary=(
        Term("test_input", "the test's input has the colour"),
        Term("example_output", "an example's output has it"),
        Term("example_input", "an example's input has it"),
        Term("unknown", "no grid of the task that a person sees has it"),
    ),
    stream=None,
    tiling=None,
    review=None,
    unreviewed_because="candidates by a rule: what the person looked at, nobody knows",
)
