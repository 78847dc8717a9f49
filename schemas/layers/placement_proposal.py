"""Where the object belongs at the end of a clip."""

from . import Layer, Review, Term

LAYER = Layer(
    name="placement_proposal",
    domain="robot",
    kind="regions",
    level="step",
    doc="The box that the object fills when the clip is over; the row says in which frame it was seen there.",
    vocabulary=(Term("placement", "where the object is put", "3", "#009e73"),),
    stream="video",
    tiling=None,
    review=Review(view="robot_key_frames", absent="the object is put nowhere", shape="box"),
)
