"""What was done to an object, of the operations that it took."""

from . import Layer, Term, Tiling

LAYER = Layer(
    name="object_action",
    domain="arc",
    kind="segments",
    level="span",
    doc="Operations with the selections that serve them, and runs of moves and turns as one displacement (attributes dx, dy, k), as actions on objects.",
    vocabulary=(
        Term("draw", "cells one by one in one colour"),
        Term("paint", "what is selected takes a colour"),
        Term("flood_fill", "connected cells of one colour take another"),
        Term("move", "what is selected moves by dx columns and dy rows"),
        Term("rotate", "what is selected, or the grid, turns by k quarters clockwise"),
        Term("displace", "what is selected moves and turns"),
        Term("flip", "what is selected is mirrored"),
        Term("copy", "what is selected goes to the clipboard"),
        Term("copy_input", "the grid becomes the test's input"),
        Term("paste", "the clipboard is laid over the grid"),
        Term("resize", "the grid takes a size"),
        Term("crop", "the grid becomes one of its parts"),
        Term("undo", "edits are taken back"),
        Term("redo", "edits that were taken back are made again"),
        Term("reset", "the grid is again what it was at first, or empty"),
        Term("select", "a selection that no operation used"),
        Term("submit", "the grid is handed in"),
        Term("other", "an edit of another kind"),
    ),
    stream=None,
    tiling=Tiling(overlap=False, gaps=True),
    review=None,
    unreviewed_because="follows from the recorded operations by a rule",
)
