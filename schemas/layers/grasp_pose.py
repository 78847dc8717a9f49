"""How the gripper holds the object, as a pose."""

from . import Layer, Review, Term

LAYER = Layer(
    name="grasp_pose",
    domain="robot",
    kind="traces",
    level="step",
    doc="Position and rotation of the gripper at the contact, metres and xyzw in the trajectory's reference frame.",
    vocabulary=(Term("grasp_pose", "the pose of the gripper at the contact"),),
    stream="video",
    tiling=None,
    review=Review(view="verdict", absent="there is no grasp"),
)
