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
            Term("url", "an address is reached", "7", "#0072b2"),
            Term("value", "a field holds a value", "8", "#e69f00"),
            Term("element", "an element is there", "9", "#b3a100"),
            Term("state", "the app is in a state", "0", "#777777"),
        ),
    ),
)
