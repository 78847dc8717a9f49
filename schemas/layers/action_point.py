"""Where an action touched the screen."""

from . import Layer, Review, Term

LAYER = Layer(
    name="action_point",
    domain="gui",
    kind="regions",
    level="step",
    doc="The point of a pointer action in the pixels of the screenshot, named by the action.",
    vocabulary=(
        Term("click", "a click or tap", "a", "#d55e00"),
        Term("drag", "where a drag began", "s", "#cc79a7"),
        Term("scroll", "where the wheel was turned", "d", "#56b4e9"),
        Term("type", "the field that was typed into", "f", "#009e73"),
        Term("point", "any other use of the pointer", "g", "#f0e442"),
    ),
    stream="images",
    tiling=None,
    review=Review(view="gui_steps", absent="the action has no place", shape="point"),
)
