"""The outline of the handled object in a key frame."""

from . import Layer, Review, Term

LAYER = Layer(
    name="object_outline",
    domain="robot",
    kind="regions",
    level="step",
    doc="A polygon around what can be seen of the object.",
    vocabulary=(Term("outline", "the visible outline of the object", "4", "#cc79a7"),),
    stream="video",
    tiling=None,
    review=Review(view="robot_key_frames", absent="the object cannot be seen", shape="polygon"),
)
