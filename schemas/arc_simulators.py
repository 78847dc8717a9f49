"""What ARC's reinforcement-learning environments call Cairn's operations, BY NAME, and what they cannot express.

Both number 35 operations from 0, and the numbers disagree: 22 is *right* in ARCLE and *left* in JaxARC, 24 turns
counter-clockwise in one and clockwise in the other. So a word of `schemas.arc_operations` is mapped to the environment's own
name for the same thing, and the number is looked up behind that name; nothing here maps a number to a number.

* `names`: word → the environment's name. `Color` and `FloodFill` (`Fill`, `Flood Fill`) take the argument `color` behind.
* `differs`: words that have a name there whose effect is not quite the same; replaying ids in the environment then leads to
  other grids than the recorded ones, which stand in the transitions.
* `cannot`: words that the environment has nothing for, and why. Their id is null.

Read from ARCLE 0.2.6 (`O2ARCv2Env`, Apache-2.0) and JaxARC (`grid_operations`, MIT). A selection is given to both as a mask.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_COLOURS = range(10)


@dataclass(frozen=True, slots=True)
class Simulator:
    """One environment: `name`, the `version` that was read, its own `ids` by its own names, and the mapping of our words."""

    name: str
    version: str
    ids: Mapping[str, int]
    names: Mapping[str, str]
    differs: Mapping[str, str]
    cannot: Mapping[str, str]

    def operation_id(self, operation: str | None, arguments: Mapping[str, Any]) -> int | None:
        """The id of an operation with its arguments; None where the environment cannot express it (see `why_not`)."""
        name = self.names.get(operation or "")
        if name is None or (operation == "copy" and arguments.get("source") == "input" and name not in _FROM_INPUT):
            return None
        colour = arguments.get("color")
        if name in _COLOURED:
            return self.ids.get(f"{name} {colour}") if type(colour) is int else None
        return self.ids[_FROM_INPUT[name] if operation == "copy" and arguments.get("source") == "input" else name]

    def why_not(self, operation: str) -> str | None:
        """Why an operation has no id; None where it has one (for a colour from 0 to 9, and a copy from the grid itself)."""
        return self.cannot.get(operation)


_COLOURED = frozenset({"Color", "FloodFill", "Fill", "Flood Fill"})
_FROM_INPUT = {"CopyO": "CopyI"}
"""The name of a copy → of the same from the task's input, where the environment has it."""

_FILLS = ("draw", "fill_selection", "paint", "fill_cells")
_LOOKS = {
    **dict.fromkeys(
        ("show_editor", "show_overview", "show_tool_panel", "activate_test", "show_page", "show_all_pairs"),
        "what the person looks at is no part of the environment; an episode has one test",
    ),
    **dict.fromkeys(
        (
            "select_begin", "select_update", "select_cell", "select_rectangle", "select_object", "select_cells",
            "pick_color", "pick_tool", "paste_begin", "paste_reject",
        ),
        "an action is one operation with its selection; what only prepares one is none",
    ),
    "describe": "words are no operation",
    "undo": "there is no history to go back in",
    "redo": "there is no history to go forward in",
    **dict.fromkeys(
        ("game_reset", *(f"game_action_{n}" for n in range(1, 8))), "an action of a game, whose rules the game alone knows"
    ),
}  # fmt: skip

ARCLE = Simulator(
    "arcle",
    "0.2.6, O2ARCv2Env",
    {
        **{f"Color {c}": c for c in _COLOURS},
        **{f"FloodFill {c}": 10 + c for c in _COLOURS},
        "MoveU": 20, "MoveD": 21, "MoveR": 22, "MoveL": 23, "Rotate90": 24, "Rotate270": 25, "FlipH": 26, "FlipV": 27,
        "CopyI": 28, "CopyO": 29, "Paste": 30, "CopyInput": 31, "ResetGrid": 32, "ResizeGrid": 33, "Submit": 34,
    },
    {
        **dict.fromkeys(_FILLS, "Color"), "flood_fill": "FloodFill",
        "move_up": "MoveU", "move_down": "MoveD", "move_right": "MoveR", "move_left": "MoveL",
        "rotate_selection_counterclockwise": "Rotate90", "rotate_selection_clockwise": "Rotate270",
        "rotate_grid_counterclockwise": "Rotate90", "rotate_grid_clockwise": "Rotate270",
        "flip_x": "FlipH", "flip_y": "FlipV",
        "copy": "CopyO", "copy_cells": "CopyO", "paste": "Paste", "paste_accept": "Paste", "paste_cells": "Paste",
        "copy_from_input": "CopyInput", "reset_grid": "ResetGrid", "resize": "ResizeGrid", "submit": "Submit",
    },
    {
        **dict.fromkeys(
            ("move_up", "move_down", "move_right", "move_left"),
            "the selection floats over what it covers and leaves the grid at its edge; where our source moves the cells of a "
            "rectangle around its edge, it does not come round there",
        ),
        **dict.fromkeys(
            ("rotate_selection_counterclockwise", "rotate_selection_clockwise"),
            "any rectangle turns; with an odd width - height it falls to one side by turns, where ours is recorded",
        ),
        **dict.fromkeys(
            ("rotate_grid_counterclockwise", "rotate_grid_clockwise"), "the grid keeps its size: what is not square is cut"
        ),
        **dict.fromkeys(("flip_x", "flip_y"), "colour 0 of the selection shows the background, which is 0 there too"),
        **dict.fromkeys(
            ("paste", "paste_accept", "paste_cells"), "opaque and not floating; the clip lies inside the grid from the selection on"
        ),
        "resize": "the grid is cleared; ours keeps its top left",
        "reset_grid": "the grid keeps its size; ours becomes 3x3",
    },
    {
        **_LOOKS,
        "crop": "CropGrid exists, and is not among the operations of O2ARCv2Env",
        "start_over": "an episode begins anew by `reset`, which is no operation",
    },
)  # fmt: skip

JAXARC = Simulator(
    "jaxarc",
    "grid_operations of 2025",
    {
        **{f"Fill {c}": c for c in _COLOURS},
        **{f"Flood Fill {c}": 10 + c for c in _COLOURS},
        "Move Up": 20, "Move Down": 21, "Move Left": 22, "Move Right": 23, "Rotate CW": 24, "Rotate CCW": 25, "Flip H": 26,
        "Flip V": 27, "Copy": 28, "Paste": 29, "Cut": 30, "Clear": 31, "Copy Input": 32, "Resize": 33, "Submit": 34,
    },
    {
        **dict.fromkeys(_FILLS, "Fill"), "flood_fill": "Flood Fill",
        "move_up": "Move Up", "move_down": "Move Down", "move_left": "Move Left", "move_right": "Move Right",
        "rotate_selection_clockwise": "Rotate CW", "rotate_selection_counterclockwise": "Rotate CCW",
        "rotate_grid_clockwise": "Rotate CW", "rotate_grid_counterclockwise": "Rotate CCW",
        "flip_x": "Flip H", "flip_y": "Flip V",
        "copy": "Copy", "copy_cells": "Copy", "paste": "Paste", "paste_accept": "Paste", "paste_cells": "Paste",
        "copy_from_input": "Copy Input", "reset_grid": "Clear", "resize": "Resize", "submit": "Submit",
    },
    {
        **dict.fromkeys(
            ("move_up", "move_down", "move_left", "move_right"),
            "wraps inside the bounding box of the selection, as the rectangles of one of our sources do; cells that float do not",
        ),
        **dict.fromkeys(
            ("rotate_selection_clockwise", "rotate_selection_counterclockwise"),
            "a bounding box that is not square stays; cells that float turn in any shape",
        ),
        **dict.fromkeys(("rotate_grid_clockwise", "rotate_grid_counterclockwise"), "a grid that is not square stays"),
        **dict.fromkeys(("paste", "paste_accept", "paste_cells"), "cells outside the selection are not pasted, colour 0 is"),
        "flood_fill": "stops after 64 rounds",
        "copy_from_input": "the grid keeps its size",
        "reset_grid": "the grid keeps its size; ours becomes 3x3",
        "resize": "new cells are 0 whatever colour was chosen",
    },
    {
        **_LOOKS,
        "crop": "Resize keeps the top left; a rectangle elsewhere cannot be cut out",
        "start_over": "an episode begins anew by `reset`, which is no operation",
    },
)  # fmt: skip

SIMULATORS: tuple[Simulator, ...] = (ARCLE, JAXARC)
"""Each becomes a column `<name>_operation` of `arc_transitions`."""
