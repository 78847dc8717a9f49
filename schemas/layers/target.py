"""The element a pointer action was aimed at."""

from ..types import Column
from . import Layer, Review, Term, ViewColumn

LAYER = Layer(
    name="target",
    domain="gui",
    kind="regions",
    level="step",
    doc="The box of the element under the pointer, with the number of candidates and whether a person's label agrees.",
    vocabulary=None,
    open_because="labels are the roles that accessibility and DOM trees use",
    stream="images",
    tiling=None,
    review=Review(
        view="gui_steps",
        absent="the action has no target",
        shape="box",
        words=(Term("target", "the element that the action is meant for, not just its text", "1", "#0072b2"),),
    ),
    columns=(
        ViewColumn("gui_grounding", Column("target_box", "list<float32>", "x_min, y_min, x_max, y_max, frame pixels"), "boxes"),
    ),
)
