"""The rule of the puzzle in words."""

from . import Layer, Review

LAYER = Layer(
    name="rule",
    domain="arc",
    kind="texts",
    level="trajectory",
    doc="What turns an input into its output, in one or two sentences, as the person seems to have understood it.",
    vocabulary=None,
    open_because="free text",
    stream=None,
    tiling=None,
    review=Review(view="arc_story", absent="the person followed no rule"),
)
