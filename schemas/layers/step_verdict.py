"""Whether a step was right."""

from . import Layer, Review, Term

LAYER = Layer(
    name="step_verdict",
    domain="gui",
    kind="verdicts",
    level="step",
    doc="What a step did for the goal.",
    vocabulary=(
        Term("needed", "the goal is not reached without it", "q", "#009e73"),
        Term("unneeded", "it could be left out", "t", "#e69f00"),
        Term("wrong", "it led away from the goal", "y", "#d55e00"),
    ),
    stream="images",
    tiling=None,
    review=Review(view="gui_steps", absent="the step was not judged"),
)
