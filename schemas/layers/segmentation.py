"""Masks of the handled object."""

from . import Layer, Review, Term

LAYER = Layer(
    name="segmentation",
    domain="robot",
    kind="regions",
    level="trajectory",
    doc="Run-length encoded masks of one object, frame by frame; a frame without a mask does not show it.",
    vocabulary=(Term("object_mask", "all visible pixels of the object"),),
    stream="video",
    tiling=None,
    review=Review(view="verdict", absent="the object is never seen", shape="mask"),
)
