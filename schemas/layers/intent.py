"""What the person wanted with a step."""

from . import Layer, Review

LAYER = Layer(
    name="intent",
    domain="arc",
    kind="texts",
    level="step",
    doc="What a step was for, in a few words.",
    vocabulary=None,
    open_because="free text",
    stream=None,
    tiling=None,
    review=Review(view="arc_steps", absent="the purpose of the step is not clear"),
)
