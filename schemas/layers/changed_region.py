"""Where the screen changed because of an action."""

from . import Layer, Review, Term

LAYER = Layer(
    name="changed_region",
    domain="gui",
    kind="regions",
    level="step",
    doc="The smallest box around the pixels that differ between this step's screenshot and the next one's.",
    vocabulary=(Term("changed", "pixels in this box differ after the action"),),
    stream="images",
    tiling=None,
    review=Review(view="verdict", absent="nothing changed", shape="box"),
)
