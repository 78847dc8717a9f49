"""A step of a screen recording in a person's words."""

from ..types import Column
from . import Layer, Review, ViewColumn

LAYER = Layer(
    name="caption",
    domain="gui",
    kind="texts",
    level="step",
    doc="What a step does, in words, as the source's own annotators wrote it.",
    vocabulary=None,
    open_because="free text",
    stream="images",
    tiling=None,
    review=Review(view="gui_steps", absent="the step has no caption"),
    columns=(ViewColumn("gui_grounding", Column("caption", "string", "what the step does, in words"), "texts"),),
)
