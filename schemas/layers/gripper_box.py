"""Where the gripper is in each frame."""

from . import Layer, Review, Term

LAYER = Layer(
    name="gripper_box",
    domain="robot",
    kind="regions",
    level="trajectory",
    doc="The box around the closing part of the gripper, one track per camera; boxes touch the border where the gripper leaves.",
    vocabulary=(Term("gripper", "the closing part, fingers included", "1", "#d55e00"),),
    stream="video",
    tiling=None,
    review=Review(view="robot_tracks", absent="the gripper is never seen", shape="box"),
)
