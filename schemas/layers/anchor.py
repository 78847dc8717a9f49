"""Steps that the rest hangs on."""

from . import Layer, Review, Term

LAYER = Layer(
    name="anchor",
    domain="gui",
    kind="segments",
    level="step",
    doc="Events of one step: where a part of the work is finished, or goes wrong.",
    vocabulary=(
        Term("milestone", "a part of the work is finished here", "q", "#cc79a7"),
        Term("mistake", "what is done here has to be undone", "t", "#f0e442"),
    ),
    stream="images",
    tiling=None,
    review=Review(view="gui_story", absent="no step stands out"),
)
