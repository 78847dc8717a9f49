"""What the arm does, from its speed and its gripper."""

from ..types import Column
from . import Layer, Review, Term, Tiling, ViewColumn

LAYER = Layer(
    name="motion",
    domain="robot",
    kind="segments",
    level="span",
    doc="Phases of an episode, cut where the arm starts or stops moving or the gripper opens or closes.",
    vocabulary=(
        Term("still", "the arm rests and the gripper does not move", "z", "#bbddbb"),
        Term("move", "the arm moves, the gripper does not", "x", "#444466"),
        Term("close", "the gripper closes", "c", "#aa2200"),
        Term("open", "the gripper opens", "g", "#aa4488"),
    ),
    stream="video",
    tiling=Tiling(overlap=False, gaps=False),
    review=Review(view="robot_language", absent="the span has no motion label"),
    columns=(ViewColumn("robot_labels", Column("motion", "string", "phase of the arm at this step"), "label"),),
)
