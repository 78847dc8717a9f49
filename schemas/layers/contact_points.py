"""Where the fingers touch the object."""

from . import Layer, Review, Term

LAYER = Layer(
    name="contact_points",
    domain="robot",
    kind="regions",
    level="step",
    doc="Two points per contact, one for each finger, in the frame of the contact.",
    vocabulary=(Term("finger", "where a finger touches the object", "1", "#d55e00"),),
    stream="video",
    tiling=None,
    review=Review(view="robot_key_frames", absent="no point of contact can be seen", shape="point"),
)
