"""The part of the object that is taken hold of."""

from . import Layer, Review, Term

LAYER = Layer(
    name="affordance_box",
    domain="robot",
    kind="regions",
    level="step",
    doc="The box in which gripper and object touch, in the frame of the contact.",
    vocabulary=(Term("grasp", "where gripper and object touch", "2", "#0072b2"),),
    stream="video",
    tiling=None,
    review=Review(view="robot_key_frames", absent="no contact can be seen", shape="box"),
)
