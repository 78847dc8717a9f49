"""The steps at which the gripper takes hold and lets go."""

from ..types import Column
from . import Layer, Review, Term, ViewColumn

LAYER = Layer(
    name="contact",
    domain="robot",
    kind="segments",
    level="step",
    doc="Events of one step: the first step in contact with an object, and the first one after letting go.",
    vocabulary=(
        Term("contact", "the first step at which the gripper holds the object", "1", "#d55e00"),
        Term("release", "the first step at which the object is free again", "2", "#0072b2"),
    ),
    stream="video",
    tiling=None,
    review=Review(view="robot_contact", absent="there is no contact or release in the clip"),
    columns=(ViewColumn("robot_labels", Column("contact", "string", "contact or release at this step"), "label"),),
)
