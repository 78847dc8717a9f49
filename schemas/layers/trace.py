"""Where the gripper goes next, as a path in the picture."""

from . import Layer, Review, Term

LAYER = Layer(
    name="trace",
    domain="robot",
    kind="traces",
    level="step",
    doc="The path of the gripper in the picture over the next steps; `steps` says which, points outside the picture are not valid.",
    vocabulary=(Term("gripper_path", "the path of the point between the fingers", "5", "#e69f00"),),
    stream="video",
    tiling=None,
    review=Review(view="robot_key_frames", absent="the path cannot be seen"),
)
