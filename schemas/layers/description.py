"""How an ARC output is made, in the words that its solver wrote down."""

from . import Layer

LAYER = Layer(
    name="description",
    domain="arc",
    kind="texts",
    level="trajectory",
    doc=(
        "How the output is made, as one person wrote it for another: on the trajectory of who wrote it and of those who "
        "followed it. The channel says which part: what is seen in the input (see), what is done (do), the size of the "
        "output (grid)."
    ),
    vocabulary=None,
    open_because="free text",
    stream=None,
    tiling=None,
    review=None,
    unreviewed_because="it is what the source's people wrote; `rule` is where reviewers write",
)
