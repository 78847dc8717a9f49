"""Stretches that led nowhere, or that try again."""

from . import Layer, Review, Term, Tiling

LAYER = Layer(
    name="detour",
    domain="arc",
    kind="segments",
    level="span",
    doc="Stretches whose effect was undone later, that came back to a state seen before or changed nothing, and retries after a wrong submission.",
    vocabulary=(
        Term("undone", "what was done here was taken back", "q", "#cc79a7"),
        Term("detour", "a way round to a state that was there before", "t", "#56b4e9"),
        Term("oscillation", "to and fro between two states", "x", "#f0e442"),
        Term("no_effect", "edits that changed nothing", "c", "#665555"),
        Term("retry", "from a wrong submission to the next one", "z", "#9966ff"),
    ),
    stream=None,
    tiling=Tiling(overlap=True, gaps=True),
    review=Review(view="arc_story", absent="nothing was undone, repeated or tried again"),
)
