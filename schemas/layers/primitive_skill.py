"""What the robot does, clip by clip, in RoboInter's 15 words."""

from ..types import Column
from . import Layer, Review, Term, Tiling, ViewColumn

LAYER = Layer(
    name="primitive_skill",
    domain="robot",
    kind="segments",
    level="span",
    doc="The skill of each clip of an episode; steps between two clips are not annotated.",
    vocabulary=(
        Term("transfer", "moves, free or holding, and touches nothing new", "1", "#0072b2"),
        Term("pick", "takes hold of an object", "2", "#e69f00"),
        Term("place", "lets go of an object where it belongs", "3", "#009e73"),
        Term("press", "pushes a button or a surface", "4", "#d55e00"),
        Term("push", "moves an object by pushing", "5", "#cc79a7"),
        Term("pull", "moves an object by pulling", "6", "#56b4e9"),
        Term("twist", "turns an object about an axis", "7", "#f0e442"),
        Term("pour", "empties one thing into another", "8", "#660000"),
        Term("fold", "folds something soft", "9", "#220088"),
        Term("slide", "moves along a surface in contact", "q", "#55eeff"),
        Term("insert", "puts one thing into another", "t", "#665555"),
        Term("shake", "moves back and forth", "a", "#4400dd"),
        Term("strike", "hits", "s", "#9966ff"),
        Term("throw", "lets go in flight", "d", "#bbbb99"),
        Term("other", "none of these", "f", "#442244"),
    ),
    stream="video",
    tiling=Tiling(overlap=False, gaps=True),
    review=Review(view="robot_language", region="clip", absent="the steps belong to no clip"),
    columns=(ViewColumn("robot_labels", Column("primitive_skill", "string", "skill of the clip at this step"), "label"),),
)
