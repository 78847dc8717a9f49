"""How the person went about the puzzle."""

from . import Layer, Review, Term

LAYER = Layer(
    name="strategy",
    domain="arc",
    kind="verdicts",
    level="trajectory",
    doc="The way in which the answer was made.",
    vocabulary=(
        Term("object-wise", "moves or copies whole objects", "a", "#0072b2"),
        Term("cell-wise", "paints cell by cell", "s", "#e69f00"),
        Term("copy-edit", "copies the input, then mends it", "d", "#009e73"),
        Term("trial", "tries until it fits", "f", "#d55e00"),
    ),
    stream=None,
    tiling=None,
    review=Review(view="arc_story", absent="the strategy is not clear"),
)
