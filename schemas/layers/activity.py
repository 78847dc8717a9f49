"""What the person was doing on the screen, stretch by stretch."""

from . import Layer, Review, Term, Tiling

LAYER = Layer(
    name="activity",
    domain="gui",
    kind="segments",
    level="span",
    doc="Stretches of a recording with one purpose each, and the purpose in words.",
    vocabulary=(
        Term("navigate", "goes to the place where the work is", "1", "#0072b2"),
        Term("search", "looks for something", "2", "#e69f00"),
        Term("enter", "types, picks or uploads", "3", "#009e73"),
        Term("check", "reads and compares", "4", "#56b4e9"),
        Term("recover", "takes back a mistake", "5", "#d55e00"),
    ),
    stream="images",
    tiling=Tiling(overlap=False, gaps=False),
    review=Review(view="gui_story", absent="the purpose of the steps is not known", text=True),
)
