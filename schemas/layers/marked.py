"""Cells that matter to a step."""

from . import Layer, Review, Term

LAYER = Layer(
    name="marked",
    domain="arc",
    kind="regions",
    level="step",
    doc="Cells of the grid before a step that made the person act, or that the step got wrong.",
    vocabulary=(
        Term("reason", "the cells that made the person act", "1", "#0072b2"),
        Term("mistake", "cells that will be changed again", "2", "#d55e00"),
    ),
    stream=None,
    tiling=None,
    review=Review(view="arc_steps", absent="no cell matters more than others", shape="cells"),
)
