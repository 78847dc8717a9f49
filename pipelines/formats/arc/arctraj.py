"""One row of ARCTraj (O2ARC 3.0): its `actionSequence`, checked and flattened.

    [{"category", "operation", "grid": [[3, 0]], "object": [{"x": 1, "y": 0, "color": 5}], "overlapped", "timestamp",
      "position"?: {"x", "y"}, "color"?, "direction"?, "source"?, "special"?}, …]

`x` is a column, `y` a row. `grid` and `object` are the two layers *after* the action: the background with the selection
lifted out of it (0 there), and the floating cells. Three traps: cells whose coordinates are null carry no place and are
dropped; the record of a Copy with `source: "input"` shows the input panel, not what is worked on; `overlapped` and
`special.succeed` say nothing (the latter is false also for right answers).
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson

from pipelines.formats.arc.arctraj_text import TextLayers, text_layers
from pipelines.formats.arc.grids import grid_of
from pipelines.formats.arc.tasks import MAX_TASK_SIDE
from pipelines.sources import Rejected
from schemas.arc_operations import MAX_COLOUR

Action = dict[str, Any]

NAMES: Mapping[str, str | Mapping[str, str]] = MappingProxyType(
    {
        "SelectGrid": "select_rectangle",
        "SelectCell": "select_cell",
        "SelectObject": "select_object",
        "Paint": "paint",
        "Paste": "paste",
        "Copy": "copy",
        "Move": {"up": "move_up", "down": "move_down", "left": "move_left", "right": "move_right"},
        "Flip": {"horizontal": "flip_x", "vertical": "flip_y"},
        "Rotate": {"clockwise": "rotate_selection_clockwise", "counterclockwise": "rotate_selection_counterclockwise"},
        "ResizeGrid": "resize",
        "Submit": "submit",
        "Undo": "undo",
        "Redo": "redo",
    }
)
"""The source's operations (with their directions) → `schemas.arc_operations`."""

SELECTS = frozenset({"SelectGrid", "SelectCell", "SelectObject"})

_CELL = itemgetter("y", "x", "color")
_COLOURS = frozenset(range(MAX_COLOUR + 1))
_COLOUR_BYTES = bytes(_COLOURS)
_SIDE = range(1, MAX_TASK_SIDE + 1)
_WRONG = (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError)
_BOOLEANS = frozenset({bool})
_FAR = 1000
"""No cell is further outside: 225 moves is the longest trace."""


@dataclass(slots=True)
class Trace:
    """The actions of one row, flattened: one entry per action, but for `cells`.

    `grids`: the background after the action, row after row; `heights`, `widths` its size. `cells`: row, column, colour of
    each floating cell after it, `counts` of them an action. Of a copy from the input panel both are those of the action
    before (`None` size where it is the first). `arguments`, `sources`: JSON texts of `action_args` and `source_action`.
    """

    names: list[str] = field(default_factory=list)
    selects: list[bool] = field(default_factory=list)
    grids: list[bytes] = field(default_factory=list)
    heights: list[int] = field(default_factory=list)
    widths: list[int] = field(default_factory=list)
    cells: array[int] = field(default_factory=lambda: array("h"))
    counts: list[int] = field(default_factory=list)
    stamps: list[str | None] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)
    """What is odd about it, for `completeness`."""


Start = tuple[bytes, int, int]
"""Cells row after row, height, width of what was seen first."""


def trace_of(text: bytes, start: Start | None = None) -> Trace:
    """The trace in the text of an `actionSequence`; `start` where the task is known.

    Raises Rejected: `actions_invalid` (no JSON, no list, empty), `action_unknown`, `argument_invalid`, `cell_invalid`,
    `submit_misplaced`, and what `grid_of` raises; the messages begin with the step.
    """
    layers = text_layers(text)
    if layers is not None:
        try:
            return _of_text(layers)
        except _WRONG:
            pass  # said below, where all of it is looked at
    actions = _parsed(text)
    try:
        return _of_actions(actions, start)
    except _WRONG as error:
        _diagnose(_parsed(text))
        raise Rejected("actions_invalid", f"an action is not as ARCTraj has it ({type(error).__name__}: {error})") from error


def _parsed(text: bytes) -> list[Action]:
    try:
        actions = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        message = (
            f"actionSequence is not JSON (starts {text[:40].decode(errors='replace')!r}): leave the row out, or export it again"
        )
        raise Rejected("actions_invalid", message) from error
    if not isinstance(actions, list) or not actions:
        raise Rejected("actions_invalid", "actionSequence is no list of actions, or is empty: leave the row out")
    return actions


def _of_text(layers: TextLayers) -> Trace:
    """The trace whose layers were found in the text; raises what it raises where something is not as usual."""
    trace = Trace()
    for grid, height, width in layers.grids:
        trace.grids.append(grid)
        trace.heights.append(height)
        trace.widths.append(width)
    trace.counts, trace.cells = layers.counts, layers.cells
    texts, trace.stamps = _stamped(layers.rest)
    if len(texts) != len(layers.grids):
        raise ValueError("an action has no grid, or two")
    for step, text in enumerate(texts):
        _note_order(trace, step, said := _said_in(text))
        _add(trace, said)
    return _checked(trace)


def _stamped(rest: bytes) -> tuple[list[bytes], list[str | None]]:
    """The text of each action up to its stamp, which its source writes last, and the stamps."""
    first, *pieces = rest.split(b'"timestamp":"')
    texts: list[bytes] = [first[1:]]
    stamps: list[str | None] = []
    for piece in pieces:
        stamp, end, following = piece.partition(b'"}')
        if not end or b"\\" in stamp:
            raise ValueError("an action does not end with its stamp")
        stamps.append(stamp.decode())
        texts.append(following[1:])
    if texts.pop() or not first.startswith(b"[") or not rest.endswith(b'"}]'):
        raise ValueError("it does not end with the last action")
    return texts, stamps


@lru_cache(maxsize=1 << 16)
def _said_in(text: bytes) -> _Said:
    """What an action says besides its layers and its stamp; of most there are few different ones."""
    action = orjson.loads(text.removesuffix(b",") + b"}")
    if action["grid"] != 0 or action["object"] != 0 or action.get("source") == "input" or "timestamp" in action:
        raise ValueError("its layers are not its own")
    return _said(action)


def _of_actions(actions: list[Action], start: Start | None) -> Trace:
    """The trace of parsed actions; raises what it raises where they are not as they should be (`_diagnose`)."""
    trace = Trace()
    places: list[int] = []
    for step, action in enumerate(actions):
        grid = action["grid"]
        if len(set(map(len, grid))) != 1 or len(grid) not in _SIDE or len(grid[0]) not in _SIDE:
            raise ValueError("grid")
        if any(map(_BOOLEANS.intersection, (map(type, row) for row in grid))):
            raise ValueError("a truth value in a grid")  # bytes() takes it for 1 or 0
        data = b"".join(map(bytes, grid))
        if action["operation"] == "Copy" and action.get("source") == "input":
            _carry_over(trace, (data, len(grid), len(grid[0])), action["object"], start, places)
        else:
            trace.grids.append(data)
            trace.heights.append(len(grid))
            trace.widths.append(len(grid[0]))
            places += chain.from_iterable(map(_CELL, action["object"]))
            trace.counts.append(len(action["object"]))
        _take(trace, step, action)
    try:
        trace.cells = array("h", places)
    except (TypeError, OverflowError):
        trace.cells = _placed(trace, places)
    return _checked(trace)


class _Said(NamedTuple):
    """What an action says besides its layers and its stamp: columns of `Trace`."""

    name: str
    selects: bool
    arguments: str
    source: str


def _take(trace: Trace, step: int, action: Action) -> None:
    """What an action says besides its layers. Those of the input panel, which are not what is worked on, stay with it."""
    trace.stamps.append(action.pop("timestamp"))
    said = _said(action)
    _note_order(trace, step, said)
    _add(trace, said)


def _said(action: Action) -> _Said:
    """The same of an action without its stamp."""
    operation = action["operation"]
    name = NAMES[operation]
    if not isinstance(name, str):
        name = name[action["direction"]]
    arguments = _ARGUMENTS[operation](action)
    if operation != "Copy" or action.get("source") != "input":
        del action["grid"], action["object"]
    return _Said(name, operation in SELECTS, arguments, orjson.dumps(action, option=orjson.OPT_SORT_KEYS).decode())


def _note_order(trace: Trace, step: int, said: _Said) -> None:
    if said.name == "paste" and "copy" not in trace.names:
        reason = "nothing was copied before: a script may have pasted"
        trace.notes.setdefault("orphan_paste", {"reason": reason, "steps": []})["steps"].append(step)


def _add(trace: Trace, said: _Said) -> None:
    trace.names.append(said.name)
    trace.selects.append(said.selects)
    trace.arguments.append(said.arguments)
    trace.sources.append(said.source)


def _checked(trace: Trace) -> Trace:
    """The trace, whose colours are 0 to 9 and whose one submission is the last step. Raises ValueError where they are not."""
    if not _COLOURS.issuperset(trace.cells[2::3]) or b"".join(trace.grids).translate(None, _COLOUR_BYTES):
        raise ValueError("colour")
    if trace.names.index("submit") != len(trace.names) - 1:
        raise ValueError("submit")
    return trace


def _carry_over(trace: Trace, panel: Start, objects: list[Action], start: Start | None, places: list[int]) -> None:
    """A copy from the input panel: what is worked on stays as it was, at first what the panel shows."""
    if trace.grids:
        trace.grids.append(trace.grids[-1])
        trace.heights.append(trace.heights[-1])
        trace.widths.append(trace.widths[-1])
        places += places[len(places) - 3 * trace.counts[-1] :]
        trace.counts.append(trace.counts[-1])
        return
    data, height, width = start or _panel(panel, objects)
    trace.grids.append(data)
    trace.heights.append(height)
    trace.widths.append(width)
    trace.counts.append(0)


def _panel(panel: Start, objects: list[Action]) -> Start:
    data, height, width = panel
    shown = bytearray(data)
    for cell in objects:
        x, y = cell["x"], cell["y"]
        if x is not None and y is not None and cell["color"] and 0 <= x < width and 0 <= y < height:
            shown[y * width + x] = cell["color"]
    return bytes(shown), height, width


def _placed(trace: Trace, places: list[Any]) -> array[int]:
    """The cells that have a place; how many have none, and at which steps, is noted."""
    kept, place, dropped = array("h"), 0, {}
    for step, count in enumerate(trace.counts):
        own = [tuple(places[i : i + 3]) for i in range(place, place + 3 * count, 3)]
        place += 3 * count
        good = [cell for cell in own if cell[0] is not None and cell[1] is not None]
        if len(good) < count:
            dropped[step] = count - len(good)
            trace.counts[step] = len(good)
        kept.extend(chain.from_iterable(good))
    reason = "the coordinates of these cells are null"
    trace.notes["cells_without_place"] = {"reason": reason, "steps": list(dropped), "cells": list(dropped.values())}
    return kept


def _point(position: Any) -> tuple[int, int] | None:
    """X and y of a position; None where it is null, or holds a null."""
    if position is None:
        return None
    x, y = position["x"], position["y"]
    if x is None or y is None:
        return None
    if type(x) is not int or type(y) is not int or not -_FAR < x < _FAR or not -_FAR < y < _FAR:
        raise ValueError("position")
    return x, y


def _nothing(action: Action) -> str:
    return "{}"


def _at(action: Action) -> str:
    point = _point(action.get("position"))
    return "{}" if point is None else f'{{"x":{point[0]},"y":{point[1]}}}'


def _paint(action: Action) -> str:
    if type(action["color"]) is not int or action["color"] not in _COLOURS:
        raise ValueError("color")
    return f'{{"color":{action["color"]}}}'


def _resize(action: Action) -> str:
    point = _point(action["position"])
    if point is None or point[0] not in _SIDE or point[1] not in _SIDE:
        raise ValueError("size")
    return f'{{"color":0,"height":{point[1]},"width":{point[0]}}}'


def _copy(action: Action) -> str:
    """`cells`: [row, column, colour] of the clip, from its own top left; absent where the source did not say it."""
    panel = action.get("source", "output")
    if panel not in ("input", "output"):
        raise ValueError("source")
    special = action.get("special") or {}
    clip = special.get("clipboard")
    if clip is None:
        return f'{{"source":"{panel}"}}'
    cells = sorted(set(_last_wins(map(_CELL, clip)).items()))
    if any(type(n) is not int or not -_FAR < n < _FAR for (y, x), c in cells for n in (y, x)) or not _COLOURS.issuperset(
        c for _, c in cells
    ):
        raise ValueError("clipboard")
    text = ",".join(f"[{y},{x},{c}]" for (y, x), c in cells)
    return f'{{"cells":[{text}],"source":"{panel}"}}'


def _last_wins(cells: Any) -> dict[tuple[int, int], int]:
    return {(y, x): colour for y, x, colour in cells if x is not None and y is not None}


_ARGUMENTS: Mapping[str, Callable[[Action], str]] = MappingProxyType(
    {
        **dict.fromkeys(NAMES, _nothing),
        "SelectCell": _at,
        "SelectObject": _at,
        "Paste": _at,
        "Paint": _paint,
        "ResizeGrid": _resize,
        "Copy": _copy,
    }
)


def _diagnose(actions: list[Any]) -> None:
    """Raise Rejected for the first thing that is wrong, in words. `_flattened` has found that something is."""
    for step, action in enumerate(actions):
        if not isinstance(action, dict):
            raise Rejected("actions_invalid", f"step {step}: the action is no object: leave the row out")
        operation = action.get("operation")
        where = f"step {step} ({operation})"
        if not isinstance(operation, str) or operation not in NAMES:
            message = f"step {step}: unknown operation {str(operation)[:80]!r}; ARCTraj has {', '.join(NAMES)}"
            raise Rejected("action_unknown", message)
        grid = grid_of(action.get("grid"), where)
        if max(grid.shape) > MAX_TASK_SIDE:
            message = f"{where}: the grid is {grid.shape[0]} x {grid.shape[1]}; sizes go up to 30 x 30"
            raise Rejected("grid_size", message, {"rows": grid.shape[0], "columns": grid.shape[1]})
        _diagnose_cells(action.get("object"), where)
        _diagnose_arguments(action, operation, where)
    places = [step for step, action in enumerate(actions) if action["operation"] == "Submit"]
    if places != [len(actions) - 1]:
        message = f"Submit stands at steps {places} of {len(actions)}; a row is one attempt and ends with its one Submit"
        raise Rejected("submit_misplaced", message, {"steps": places})


def _diagnose_cells(objects: Any, where: str) -> None:
    for cell in objects if isinstance(objects, list) else [None]:
        if not isinstance(cell, dict) or not _is_cell(cell):
            message = (
                f"{where}: `object` holds {str(cell)[:80]}; a cell has integers x and y (or null), and a color from 0 to 9"
            )
            raise Rejected("cell_invalid", message)


def _is_cell(cell: Action) -> bool:
    if not {"x", "y", "color"} <= cell.keys() or type(cell["color"]) is not int or cell["color"] not in _COLOURS:
        return False
    return all(n is None or (type(n) is int and -_FAR < n < _FAR) for n in (cell["x"], cell["y"]))


def _diagnose_arguments(action: Action, operation: str, where: str) -> None:
    name = NAMES[operation]
    if not isinstance(name, str) and action.get("direction") not in name:
        message = f"{where}: direction {str(action.get('direction'))[:80]!r} is none of {', '.join(name)}"
        raise Rejected("argument_invalid", message)
    if "timestamp" not in action:
        raise Rejected("argument_invalid", f"{where}: there is no `timestamp`; null says that none was recorded")
    try:
        _ARGUMENTS[operation](action)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        shown = {key: action[key] for key in ("position", "color", "source", "special") if key in action}
        message = f"{where}: the arguments {str(shown)[:200]} are not those of this operation ({error})"
        raise Rejected("argument_invalid", message) from error
