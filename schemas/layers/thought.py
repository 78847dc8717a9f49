"""What somebody may have been thinking before a step."""

from . import Layer, Review

LAYER = Layer(
    name="thought",
    domain="gui",
    kind="texts",
    level="step",
    doc="Why a step was done, in the first person: what is seen, what remains, why this action is next. An explanation afterwards, no record.",
    vocabulary=None,
    open_because="free text",
    stream="images",
    tiling=None,
    review=Review(view="gui_steps", absent="nothing can be said of why the step was done"),
)
