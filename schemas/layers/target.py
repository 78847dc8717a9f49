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
        words=(
            Term("button", "does something when it is pressed", "1", "#0072b2"),
            Term("link", "goes to another page or place", "2", "#e69f00"),
            Term("textbox", "takes text: fields, search boxes, editors", "3", "#009e73"),
            Term("combobox", "opens a list to pick from", "4", "#d55e00"),
            Term("option", "an entry of a list or of a tree", "5", "#cc79a7"),
            Term("menuitem", "an entry of a menu or of a menu bar", "6", "#56b4e9"),
            Term("checkbox", "is on or off: also radio buttons and switches", "7", "#f0e442"),
            Term("tab", "brings another page of a window to the front", "8", "#660000"),
            Term("cell", "a cell of a table or sheet", "9", "#9966ff"),
            Term("other", "anything else: pictures, sliders, map, canvas", "0", "#665555"),
        ),
    ),
    columns=(
        ViewColumn("gui_grounding", Column("target_box", "list<float32>", "x_min, y_min, x_max, y_max, frame pixels"), "boxes"),
    ),
)
