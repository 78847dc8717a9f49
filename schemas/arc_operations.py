"""The vocabulary of what is done to an ARC grid: every `action_name` of `arc_steps`, whatever the source.

A reader maps its source's names to these *by name* (the numbers that simulators give to operations disagree with each
other). Arguments stand in `action_args`: `x` = column and `y` = row from the top left, 0-based; `width` and `height` in
cells; `color` 0 to 9; `imageHandle` = the grid that is worked on, where the source has more than one. Operations on a
rectangle have `x, y, width, height`.

Some editors have two layers: what is selected is lifted out of the grid and floats over it (`arc_steps.floating` over
`arc_steps.background`). There the operations on a rectangle are about the floating cells instead and have no arguments, and a
move does not come round the edge.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

MAX_SIDE = 100
"""Most rows or columns of a grid. Tasks stay within 30, the editor that people use lets them resize up to 100."""

MAX_COLOUR = 9
"""Colours are 0 to 9."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One word: its `name`, its `meaning`, the `kind` for `action_kind`, its `arguments`, and whether it `edits` the grid.

    `edits` False means that the grid after it is the grid before it.
    """

    name: str
    meaning: str
    kind: str
    arguments: tuple[str, ...] = ()
    edits: bool = False


_CELL = ("x", "y", "color")
_RECTANGLE = ("x", "y", "width", "height")

_EDITS = (
    Operation("draw", "one cell takes a colour", "grid_op", _CELL, True),
    Operation("flood_fill", "the 4-connected cells of one colour around a cell take another", "grid_op", _CELL, True),
    Operation("fill_selection", "every cell of a rectangle takes a colour", "grid_op", (*_RECTANGLE, "color"), True),
    Operation("move_up", "the cells of a rectangle move up by one, around its edge", "grid_op", _RECTANGLE, True),
    Operation("move_down", "the cells of a rectangle move down by one, around its edge", "grid_op", _RECTANGLE, True),
    Operation("move_left", "the cells of a rectangle move left by one, around its edge", "grid_op", _RECTANGLE, True),
    Operation("move_right", "the cells of a rectangle move right by one, around its edge", "grid_op", _RECTANGLE, True),
    Operation("flip_x", "the columns of a rectangle are mirrored", "grid_op", _RECTANGLE, True),
    Operation("flip_y", "the rows of a rectangle are mirrored", "grid_op", _RECTANGLE, True),
    Operation("rotate_selection_clockwise", "a square turns by 90 degrees; other rectangles stay", "grid_op", _RECTANGLE, True),
    Operation(
        "rotate_selection_counterclockwise",
        "a square turns back by 90 degrees; other rectangles stay",
        "grid_op",
        _RECTANGLE,
        True,
    ),
    Operation("rotate_grid_clockwise", "the whole grid turns by 90 degrees", "grid_op", (), True),
    Operation("rotate_grid_counterclockwise", "the whole grid turns back by 90 degrees", "grid_op", (), True),
    Operation(
        "resize",
        "the grid takes a size; its top left stays, new cells take a colour",
        "grid_op",
        ("width", "height", "color"),
        True,
    ),
    Operation("crop", "the grid becomes one of its rectangles", "grid_op", _RECTANGLE, True),
    Operation(
        "paste_accept", "the clipboard is laid over the grid; what hangs out is cut", "grid_op", ("pasteX", "pasteY"), True
    ),
    Operation("undo", "the last edit is taken back", "grid_op", (), True),
    Operation("redo", "an edit that was taken back is made again", "grid_op", (), True),
    Operation("start_over", "the grid is again what it was at first", "grid_op", (), True),
)

_IN_THE_EDITOR = (
    Operation("copy", "a rectangle goes to the clipboard", "grid_op", _RECTANGLE),
    Operation("paste_begin", "the clipboard floats over the grid", "grid_op", ("width", "height")),
    Operation("paste_reject", "the floating clipboard is put away", "grid_op"),
    Operation("select_begin", "a selection starts at a cell", "grid_op", ("x", "y")),
    Operation("select_update", "the selection reaches to a cell", "grid_op", ("x", "y")),
    Operation("pick_color", "a colour is taken up", "grid_op", ("color",)),
    Operation("pick_tool", "a tool is taken up: draw, fill, select", "grid_op", ("toolId",)),
    Operation("submit", "the grid is handed in; `correct` says how it was judged", "grid_op", ("correct",)),
)

_WITH_LAYERS = (
    Operation("select_cell", "a cell is taken up, added to what floats, or everything is put down", "grid_op", ("x", "y")),
    Operation("select_rectangle", "the cells of a rectangle are taken up", "grid_op"),
    Operation("select_object", "the connected cells of one colour around a cell are taken up", "grid_op", ("x", "y")),
    Operation("paint", "every floating cell takes a colour; 0 erases", "grid_op", ("color",), True),
    Operation("paste", "the clipboard floats over the grid, its top left at a cell", "grid_op", ("x", "y"), True),
)

_AROUND_IT = (
    Operation("show_editor", "from the task's pairs to the grid", "system"),
    Operation("show_overview", "from the grid to the task's pairs", "system"),
    Operation("show_tool_panel", "the panel of tools opens", "system"),
    Operation("activate_test", "another test of the task comes up", "system", ("valueOld", "valueNew")),
    Operation("show_page", "a page of the task's pairs comes up", "system", ("pageIndex", "pageCount")),
    Operation("show_all_pairs", "the task's pairs fit on one page", "system"),
)

_OF_CELLS = (
    Operation("copy_from_input", "the grid becomes the test's input", "grid_op", (), True),
    Operation("reset_grid", "the grid becomes 3x3 cells of colour 0", "grid_op", (), True),
    Operation("fill_cells", "listed cells [row, column] take a colour", "grid_op", ("cells", "color"), True),
    Operation(
        "paste_cells",
        "listed cells [row, column, colour] are laid over the grid, their least row and column at a cell; what hangs out is cut",
        "grid_op",
        ("x", "y", "cells"),
        True,
    ),
    Operation("copy_cells", "listed cells [row, column, colour] go to the clipboard", "grid_op", ("cells",)),
    Operation("select_cells", "listed cells [row, column] are marked", "grid_op", ("cells",)),
    Operation("describe", "the person writes the rule in words, or declines to", "speak"),
)
"""Of the page that ARC came with and the editors made from it (LARC, H-ARC), which work on lists of cells."""

_IN_GAMES = (
    Operation("game_reset", "the game or its level begins anew", "grid_op", (), True),
    *(
        Operation(f"game_action_{n}", f"button {n} of a game; the game decides what it does", "grid_op", (), True)
        for n in range(1, 6)
    ),
    Operation("game_action_6", "a cell of a game is clicked; the game decides what that does", "grid_op", ("x", "y"), True),
    Operation("game_action_7", "button 7 of a game; the game decides what it does", "grid_op", (), True),
)
"""Of games (ARC-AGI-3): what an action does is the game's to know, no rule of ours."""

OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {o.name: o for o in (*_EDITS, *_IN_THE_EDITOR, *_AROUND_IT, *_WITH_LAYERS, *_OF_CELLS, *_IN_GAMES)}
)
"""All words by name."""
