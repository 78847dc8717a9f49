"""The end-effector's pose at a contact, as its source wrote it down."""

from . import Layer, Term

LAYER = Layer(
    name="state_affordance",
    domain="robot",
    kind="traces",
    level="step",
    doc=(
        "The recorded pose of the end-effector in the frame of the contact: x y z rx ry rz. RoboInter does not say in which "
        "frame, units and convention of rotation, so `reference` is `undeclared` and it is no `grasp_pose`."
    ),
    vocabulary=(Term("state_affordance", "the recorded pose at the contact"),),
    stream=None,
    tiling=None,
    review=None,
    unreviewed_because="it is a measurement of the recording, imported",
)
