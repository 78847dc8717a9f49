"""Where the handled things are in each frame."""

from . import Layer, Review, Term

LAYER = Layer(
    name="object_box",
    domain="robot",
    kind="regions",
    level="trajectory",
    doc="Boxes around what is or will be held and where it goes, a track each.",
    vocabulary=(
        Term("object", "what is or will be held", "2", "#0072b2"),
        Term("container", "where it goes", "3", "#009e73"),
    ),
    stream="video",
    tiling=None,
    review=Review(view="robot_tracks", absent="nothing is handled", shape="box"),
)
