"""Faults for made ARCTraj traces, each with what is to be expected of whoever checks the trace.

A *seen* fault changes what its record shows to a person in a way that the actions don't explain. An *unseen* one changes
what no rule can know: a cell hidden under what floats, the payload of a paste that was never copied, the side that half a
cell fell to, a transparent cell that is left out. Either is persistent (all later states follow from it) or transient (one
record alone is wrong).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .arctraj import MadeTrace
from .o2arc_editor import Action, Editor, Fault, State, box, played

Planner = Callable[[random.Random, Action, State], Fault | None]
"""A fault for the state that an action leaves; None where there is none of the kind to plant there."""


@dataclass(frozen=True, slots=True)
class Planted:
    """A fault at a `step`, and the editor after the trace was played with it."""

    kind: str
    step: int
    persistent: bool
    editor: Editor


def planted(dice: random.Random, trace: MadeTrace, kind: str, persistent: bool) -> Planted | None:
    """The trace with one fault of a kind at a step of chance; None where it has no place for one."""
    steps = list(range(len(trace.script)))
    dice.shuffle(steps)
    for step in steps:
        action, state = trace.script[step], trace.states[step]
        if action.operation == "Copy" and action.source == "input":
            continue  # shows the input panel, which is not what is worked on
        fault = {**SEEN, **UNSEEN}[kind](dice, action, state)
        if fault is None:
            continue
        editor = played(trace.script, trace.start, step, fault, persistent)
        states = editor.shown
        if (states[step].seen != state.seen) != (kind in SEEN or kind in ("payload", "half_cell")):
            continue
        before = [State(trace.start), *states[:step]]
        if action.operation in ("Undo", "Redo") and any(states[step].seen == earlier.seen for earlier in before):
            continue  # it returns to another state than it should: nobody can say that it did not
        return Planted(kind, step, persistent, editor)
    return None


def _cell(dice: random.Random, action: Action, state: State) -> Fault | None:
    """Another colour of a cell that nothing covers."""
    free = [(x, y) for y, row in enumerate(state.grid) for x in range(len(row)) if not state.floating.get((x, y))]
    if not free:
        return None
    x, y = dice.choice(free)
    colour = (state.grid[y][x] + dice.randint(1, 9)) % 10

    def change(found: State) -> None:
        found.grid[y][x] = colour

    return change


def _colour(dice: random.Random, action: Action, state: State) -> Fault | None:
    """Another colour of a cell that floats."""
    shown = [point for point, colour in state.floating.items() if colour and state.has(point)]
    if not shown or action.payload is not None:
        return None
    point = dice.choice(shown)
    colour = 1 + (state.floating[point] - 1 + dice.randint(1, 8)) % 9

    def change(found: State) -> None:
        found.floating[point] = colour

    return change


def _shift(dice: random.Random, action: Action, state: State) -> Fault | None:
    """What floats lies elsewhere."""
    if not state.floating or action.payload is not None or action.operation == "Rotate":
        return None
    dx, dy = dice.choice([(0, 1), (1, 0), (0, -1), (-1, 0)])

    def change(found: State) -> None:
        found.floating = {(x + dx, y + dy): c for (x, y), c in found.floating.items()}

    return change


def _size(dice: random.Random, action: Action, state: State) -> Fault | None:
    """A row is gone."""
    if len(state.grid) == 1:
        return None

    def change(found: State) -> None:
        found.grid.pop()

    return change


def _unlogged(dice: random.Random, action: Action, state: State) -> Fault | None:
    """A colour is given to a cell that was never selected."""
    free = [(x, y) for y, row in enumerate(state.grid) for x in range(len(row)) if (x, y) not in state.floating]
    if action.operation != "Paint" or not free:
        return None
    x, y = dice.choice(free)

    def change(found: State) -> None:
        found.grid[y][x] = 0
        found.floating[x, y] = action.color or 0

    return change


def _hidden(dice: random.Random, action: Action, state: State) -> Fault | None:
    """Another colour under a cell that floats."""
    covered = [point for point, colour in state.floating.items() if colour and state.has(point)]
    if not covered:
        return None
    x, y = dice.choice(covered)

    def change(found: State) -> None:
        found.grid[y][x] = (found.grid[y][x] + 3) % 10

    return change


def _payload(dice: random.Random, action: Action, state: State) -> Fault | None:
    """Another colour in what was pasted and never copied."""
    return None if action.payload is None else _colour(dice, Action("Paste"), state)


def _half_cell(dice: random.Random, action: Action, state: State) -> Fault | None:
    """A turn that fell to the other side of half a cell."""
    if action.operation != "Rotate" or not state.floating:
        return None
    x0, y0, x1, y1 = box(state.floating)
    if (x1 - x0 - y1 + y0) % 2 == 0:
        return None
    by = -1 if action.side else 1

    def change(found: State) -> None:
        found.floating = {(x + by, y + by): c for (x, y), c in found.floating.items()}

    return change


def _transparent(dice: random.Random, action: Action, state: State) -> Fault | None:
    """A transparent cell is left out."""
    clear = [point for point, colour in state.floating.items() if not colour]
    if not clear or len(clear) == len(state.floating):
        return None
    point = dice.choice(clear)

    def change(found: State) -> None:
        del found.floating[point]

    return change


SEEN: Mapping[str, Planner] = {"cell": _cell, "colour": _colour, "shift": _shift, "size": _size, "unlogged": _unlogged}
UNSEEN: Mapping[str, Planner] = {
    "hidden": _hidden,
    "payload": _payload,
    "half_cell": _half_cell,
    "transparent": _transparent,
}
