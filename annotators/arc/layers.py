"""The state of an editor with two layers, and what its operations do to it: pure functions (state, arguments) → new state.

A state is a background and cells that float over it, lifted out of it (0 there). What is seen is the background with the
floating cells over it: colour 0 is transparent there, cells outside are hidden but kept, and come back when they are moved
back. The rules are those of O2ARC 3.0, measured on ARCTraj (arXiv 2511.11079), whose paper leaves them open:

* a selection puts down what floats and lifts the chosen cells; painting, moving and turning change floating cells alone
* a turn is about the centre of the box around the cells; where its width - height is odd the centre lies on half a cell,
  and which way the result falls is not in the record
* a paste puts down what floats, and the clipboard floats; a new size and a submission put down what floats

Everything is flat bytes, so that two states are compared by memcmp. `places` are int16 pairs row, column in order of row and
column; `colours` one byte each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Places = npt.NDArray[np.int16]

SELECTIONS = frozenset({"select_cell", "select_rectangle", "select_object"})
MOVES = {"move_up": (-1, 0), "move_down": (1, 0), "move_left": (0, -1), "move_right": (0, 1)}
FLIPS = {"flip_x": 1, "flip_y": 0}
TURNS = {"rotate_selection_clockwise": 1, "rotate_selection_counterclockwise": -1}


class State(NamedTuple):
    """`grid`: the background, row after row, `width` columns. `places`, `colours`: the floating cells."""

    width: int
    grid: bytes
    places: bytes = b""
    colours: bytes = b""


def seen(state: State) -> bytes:
    """What a person sees, row after row."""
    if not state.places:
        return state.grid
    at, inside = _at(state)
    colours = np.frombuffer(state.colours, np.uint8)
    shown = inside & (colours != 0)
    cells = np.frombuffer(state.grid, np.uint8).copy()
    cells[at[shown]] = colours[shown]
    return cells.tobytes()


def put_down(state: State) -> State:
    """What floats becomes part of the grid."""
    return State(state.width, seen(state))


def lift(state: State, places: bytes) -> State:
    """What floats is put down, and the cells at `places` are lifted; one outside the grid is transparent."""
    whole = State(state.width, seen(state), places)
    at, inside = _at(whole)
    cells = np.frombuffer(whole.grid, np.uint8).copy()
    colours = np.zeros(len(at), np.uint8)
    colours[inside] = cells[at[inside]]
    cells[at[inside]] = 0
    return State(state.width, cells.tobytes(), places, colours.tobytes())


def paint(state: State, colour: int) -> State:
    """Every floating cell takes a colour."""
    return state._replace(colours=bytes([colour]) * len(state.colours))


def move(state: State, rows: int, columns: int) -> State:
    """The floating cells shift; they may leave the grid."""
    return state._replace(places=(places_of(state.places) + np.array([rows, columns], np.int16)).astype(np.int16).tobytes())


def flip(state: State, axis: int) -> State:
    """The floating cells are mirrored inside their box: axis 1 the columns, axis 0 the rows."""
    if not state.places:
        return state
    places = places_of(state.places).copy()
    places[:, axis] = places[:, axis].min() + places[:, axis].max() - places[:, axis]
    return sorted_state(state.width, state.grid, places, state.colours)


def turn(state: State, direction: int) -> list[State]:
    """The floating cells turned by 90 degrees about the centre of their box, 1 clockwise, -1 counter-clockwise.

    One state, or the four that half a cell up or down, left or right give.
    """
    if not state.places:
        return [state]
    places = places_of(state.places).astype(np.int64)
    top, left = places.min(axis=0).tolist()
    bottom, right = places.max(axis=0).tolist()
    turned = (places - [top, left])[:, ::-1].copy()
    if direction == 1:
        turned[:, 1] = bottom - top - turned[:, 1]
    else:
        turned[:, 0] = right - left - turned[:, 0]
    # The new box has the old one's width as height: its top is the centre minus half of that, doubled here.
    twice = np.array([top + bottom - (right - left), left + right - (bottom - top)])
    corners = [[(twice[0] + up) // 2, (twice[1] + across) // 2] for up in (0, 1) for across in (0, 1)]
    found = [sorted_state(state.width, state.grid, turned + corner, state.colours) for corner in corners]
    return list(dict.fromkeys(found))


def paste(state: State, clip: tuple[bytes, bytes], row: int, column: int) -> State:
    """What floats is put down, and a clip (places from its own top left, colours) floats with that at `row`, `column`."""
    return move(State(state.width, seen(state), *clip), row, column)


def clip_of(state: State) -> tuple[bytes, bytes]:
    """What floats as a clip: its places from the top left of its box."""
    if not state.places:
        return b"", b""
    places = places_of(state.places)
    return (places - places.min(axis=0)).astype(np.int16).tobytes(), state.colours


def resize(state: State, height: int, width: int) -> State:
    """What floats is put down, and the grid takes a size; its top left stays, new cells are 0."""
    whole, old = seen(state), state.width
    rows = [whole[i : i + min(old, width)].ljust(width, b"\0") for i in range(0, len(whole), old)][:height]
    return State(width, b"".join(rows).ljust(width * height, b"\0"))


def place_bytes(cells: Sequence[Sequence[int]]) -> tuple[bytes, bytes]:
    """Places and colours of cells [row, column, colour] that are in order of row and column."""
    flat = np.array(cells, np.int16).reshape(-1, 3)
    return np.ascontiguousarray(flat[:, :2]).tobytes(), flat[:, 2].astype(np.uint8).tobytes()


def sorted_state(width: int, grid: bytes, places: npt.NDArray[np.signedinteger], colours: bytes) -> State:
    """A state with its floating cells in order of row and column."""
    order = np.lexsort((places[:, 1], places[:, 0]))
    return State(width, grid, places[order].astype(np.int16).tobytes(), np.frombuffer(colours, np.uint8)[order].tobytes())


def places_of(places: bytes) -> Places:
    """Rows of (row, column)."""
    return np.frombuffer(places, np.int16).reshape(-1, 2)


def _at(state: State) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Where the floating cells lie in the flat grid, and whether they do."""
    places = places_of(state.places).astype(np.int64)
    row, column = places[:, 0], places[:, 1]
    inside = (row >= 0) & (row < len(state.grid) // state.width) & (column >= 0) & (column < state.width)
    return row * state.width + column, inside
