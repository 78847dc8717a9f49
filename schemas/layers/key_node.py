"""What must hold for the work to count as done."""

from . import Layer, Review, Term

LAYER = Layer(
    name="key_node",
    domain="gui",
    kind="checks",
    level="step",
    doc="Conditions on the page at a step, each with the function that checks it, its key and the value expected.",
    vocabulary=None,
    open_because="outcomes are what the function returned",
    stream="images",
    tiling=None,
    review=Review(
        view="gui_steps",
        absent="nothing has to hold at this step",
        words=(
            Term("url", "an address is reached", "z", "#0072b2"),
            Term("value", "a field holds a value", "x", "#e69f00"),
            Term("element", "an element is there", "c", "#cc79a7"),
            Term("state", "the app is in a state", "n", "#665555"),
        ),
    ),
)
