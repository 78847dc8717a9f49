"""Stretches that led nowhere."""

from . import Layer, Review, Term, Tiling

LAYER = Layer(
    name="detour",
    domain="arc",
    kind="segments",
    level="span",
    doc="Stretches whose effect was undone later, or that came back to a state seen before.",
    vocabulary=(
        Term("undone", "what was done here was taken back", "q", "#cc79a7"),
        Term("detour", "a way round to a state that was there before", "t", "#56b4e9"),
    ),
    stream=None,
    tiling=Tiling(overlap=True, gaps=True),
    review=Review(view="arc_story", absent="nothing was undone"),
)
