"""Each recorded state of a trace with two layers, computed again: from the record before it, and free-running from the start.

**From the record before it.** *exact*: both layers are what the action gives. *visible*: what a person saw is, the layers
under it are not. *diverged*: neither. *unverifiable*: the record does not say enough: a paste without a clipboard (its
payload is known from the record alone; where the rest does not follow either, it diverged), or a first step whose
beginning is not recorded. What the record has to say, since no rule can: which cells a selection chose, and to which side
of half a cell a turn fell. An undo or redo is verified as "equals an earlier state", the latest that does: which one a stack
of states predicts is wrong in a third of ARCTraj's.

**One fault, once.** A record may be wrong for good, and the next follows from it; or for one step, and the next follows from
what that step should have shown. Then the next step is no second fault: it is exact (or visible) *because of* the step that
is named, which happens only where it does not follow from the record.

**Free-running** from the start with the actions alone, undo and redo by a stack of states, to the grid that was submitted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from .layered import LayeredTrace
from .layers import (
    FLIPS,
    MOVES,
    SELECTIONS,
    TURNS,
    State,
    clip_of,
    flip,
    lift,
    move,
    paint,
    paste,
    place_bytes,
    put_down,
    resize,
    seen,
    turn,
)

EXACT, VISIBLE, DIVERGED, UNVERIFIABLE = "exact", "visible", "diverged", "unverifiable"
REACHED, MISSED = "reached", "missed"

ORPHAN = "paste without a clipboard: its payload is taken from the record"
NO_START = "what was seen before the first step is not recorded"
START_INFERRED = "what was seen before it is taken from this step itself, since the task is not known"
HALF_A_CELL = "turned about half a cell: the side is taken from the record"

_STACKED = frozenset({"paint", "paste", "resize", *MOVES, *FLIPS, *TURNS})
"""What an undo takes back: selections and copies are not."""


@dataclass(slots=True)
class LayeredVerdicts:
    """`outcomes` and `observed` (None where there is nothing to say) per step; of the free run its `end` (reached, missed,
    unverifiable), what was `end_observed`, and `free`: whether each step showed what was recorded.
    """

    outcomes: list[str]
    observed: list[str | None]
    end: str = UNVERIFIABLE
    end_observed: str | None = None
    free: list[bool] = field(default_factory=list)


def replay_layers(trace: LayeredTrace) -> LayeredVerdicts:
    """The verdicts on one trace. Raises ValueError or KeyError for arguments that no reader writes."""
    return _Replay(trace).run()


class _Replay:
    """Both replays of one trace, side by side: the free run takes the step from the record while it is in that state."""

    def __init__(self, trace: LayeredTrace) -> None:
        self.trace = trace
        self.clips: list[tuple[bytes, bytes]] = []  # what may be on the clipboard: as the record says, and what floated
        self.stack = [-1]  # steps whose states an undo brings back; -1 is the start
        self.at = 0
        self.others: list[State] = []  # what the step before should have shown, where its record is not that
        self.unsure: State | None = None  # what was seen when a selection was made whose record is wrong
        self.cause = -1  # the step that `others` and `unsure` are about
        self.ghosts: list[tuple[int, State]] = []  # all states that wrong records should have shown, with their steps
        self.free: dict[int, State] = {}  # the free run's states where they are not the recorded ones
        self.synced = trace.start is not None

    def run(self) -> LayeredVerdicts:
        trace = self.trace
        found = LayeredVerdicts([], [])
        for step, name in enumerate(trace.names):
            outcome, said = self._verdict(step, name)
            if step == 0 and outcome == EXACT and not trace.start_recorded:
                outcome, said = UNVERIFIABLE, START_INFERRED
            if name in _STACKED:
                del self.stack[self.at + 1 :]
                self.stack.append(step)
                self.at += 1
            found.outcomes.append(outcome)
            found.observed.append(said)
            found.free.append(self.synced or self._shows(step))
        self._end(found)
        return found

    # One step from the record before it

    def _verdict(self, step: int, name: str) -> tuple[str, str | None]:
        trace = self.trace
        if name in ("undo", "redo"):
            return self._returned(step, name)
        follows = trace.follows[step]
        if not follows:
            before, after = self._recorded(step - 1), trace.states[step]
            if before is None:
                self._set_clip(step, name, after)
                return UNVERIFIABLE, NO_START
            if name == "copy":
                self._set_clip(step, name, before)
                follows = before == after and self._panel(step) is None
            if not follows:
                return self._looked_at(step, name, before, after)
        self.others, self.unsure = [], None
        if not self.synced:
            self._run_free(step, name, trace.states[step])
        return EXACT, None

    def _looked_at(self, step: int, name: str, before: State, after: State) -> tuple[str, str | None]:
        """The verdict on a step whose state has to be computed, and what it leaves for the next."""
        if name == "copy" and (panel := self._panel(step)) is not None:
            if not self.synced:
                self._run_free(step, name, after)
            if panel == self.trace.start:
                return EXACT, None
            return DIVERGED, "the input panel that was copied from is not what the trace started with"
        made = self._made(step, name, before, after)
        orphan = name == "paste" and self._orphan(step)
        if after in made:
            self._run_free(step, name, after, after)
            self.others, self.unsure = [], None
            if orphan:
                return UNVERIFIABLE, ORPHAN
            return EXACT, HALF_A_CELL if len(made) > 1 and name in TURNS else None
        others = [state for other in self._candidates(step, name, after) for state in self._made(step, name, other, after)]
        view = self.trace.views[step]
        outcome, said = DIVERGED, _difference(made[0], after, view)
        if after in others:
            outcome, said = EXACT, _because(self.cause)
        elif any(_same_view(state, after, view) for state in made):
            outcome, said = VISIBLE, _layers_differ(made[0], after)
        elif any(_same_view(state, after, view) for state in others):
            outcome, said = VISIBLE, _because(self.cause)
        self._run_free(step, name, after)
        if said is not None and outcome != DIVERGED and said.startswith("because"):
            self.others, self.unsure = [], None
        else:
            self.others = list(dict.fromkeys([*made, *others]))[:_MOST]
            self.unsure = before if name in SELECTIONS else None
            self.cause = step
            self.ghosts += [(step, state) for state in self.others]
        if orphan and outcome in (EXACT, VISIBLE):
            outcome, said = UNVERIFIABLE, f"{ORPHAN}; {said}"
        return outcome, said

    def _candidates(self, step: int, name: str, after: State) -> list[State]:
        """The states that the step before may really have had: what its action gave, and, where it was a selection, the cells
        that this step's record says it chose.
        """
        if self.unsure is None:
            return self.others
        places = _before(name, after)
        return [*self.others, *(lift(self.unsure, chosen) for chosen in places)]

    def _made(self, step: int, name: str, before: State, after: State) -> list[State]:
        """The states that an action may give; `after` says what only the record can."""
        if name in SELECTIONS:
            return [lift(before, after.places)]
        if name == "paint":
            return [paint(before, self._arguments(step)["color"])]
        if name in MOVES:
            return [move(before, *MOVES[name])]
        if name in FLIPS:
            return [flip(before, FLIPS[name])]
        if name in TURNS:
            return turn(before, TURNS[name])
        if name == "paste":
            if self._orphan(step):
                return [State(before.width, seen(before), after.places, after.colours)]
            arguments = self._arguments(step)
            return [paste(before, clip, arguments["y"], arguments["x"]) for clip in self.clips]
        if name == "resize":
            arguments = self._arguments(step)
            return [resize(before, arguments["height"], arguments["width"])]
        if name == "submit":
            return [put_down(before)]
        return [before]

    # Undo and redo

    def _returned(self, step: int, name: str) -> tuple[str, str | None]:
        """The verdict on an undo or redo: the latest earlier state that it equals."""
        self.at = max(self.at - 1, 0) if name == "undo" else min(self.at + 1, len(self.stack) - 1)
        trace, after = self.trace, self.trace.states[step]
        predicted = self.stack[self.at]
        if self.synced or self.free:
            target = self._free_state(predicted)
            self._keep(step, target, after)
        self.others, self.unsure = [], None
        for earlier in range(step - 1, -2, -1):
            if self._recorded(earlier) == after:
                return EXACT, _restored(earlier)
        for cause, state in reversed(self.ghosts):
            if state == after:
                return EXACT, _because(cause)
        view = trace.views[step]
        for earlier in range(step - 1, -2, -1):
            known = self._recorded(earlier)
            shown = trace.views[earlier] if earlier >= 0 or known is None else known.grid
            if known is not None and known.width == after.width and shown == view:
                return VISIBLE, _restored(earlier)
        if trace.start is None:
            return UNVERIFIABLE, NO_START
        guess = self._recorded(predicted)
        self.others, self.cause = [] if guess is None else [guess], step
        return DIVERGED, "it equals no earlier state"

    def _recorded(self, step: int) -> State | None:
        return self.trace.start if step < 0 else self.trace.states[step]

    # The free run

    def _run_free(self, step: int, name: str, after: State, made: State | None = None) -> None:
        """One step of the free run; `made`: what the step from the record gave, which is it while both are in one state."""
        if self.trace.start is None:
            return
        if self.synced and made is not None:
            return
        before = self._free_state(step - 1)
        states = self._made(step, name, before, after)
        self._keep(step, after if after in states else states[0], after)

    def _keep(self, step: int, state: State, after: State) -> None:
        self.synced = state == after
        if not self.synced:
            self.free[step] = state

    def _free_state(self, step: int) -> State:
        state = self.free.get(step)
        if state is None:
            state = self._recorded(step)
        if state is None:
            raise ValueError("the free run has no start")
        return state

    def _shows(self, step: int) -> bool:
        """Whether the free run shows what was recorded."""
        state = self.free.get(step)
        return state is not None and _same_view(state, self.trace.states[step], self.trace.views[step])

    def _end(self, found: LayeredVerdicts) -> None:
        if self.trace.start is None:
            found.end, found.end_observed = UNVERIFIABLE, NO_START
            return
        found.end = REACHED if found.free[-1] else MISSED
        first = next((step for step, same in enumerate(found.free) if not same), None)
        if first is not None:
            found.end_observed = f"first differs at step {first} ({self.trace.names[first]})"

    # What a step says

    def _arguments(self, step: int) -> dict[str, Any]:
        text = self.trace.arguments[step]
        found: dict[str, Any] = {} if text is None else orjson.loads(text)
        return found

    def _orphan(self, step: int) -> bool:
        """Whether the record alone says what was pasted, or where."""
        return not self.clips or not self.clips[0][0] or "x" not in self._arguments(step)

    def _set_clip(self, step: int, name: str, before: State) -> None:
        if name == "copy":
            cells = self._arguments(step).get("cells")
            said = [] if cells is None else [place_bytes(cells)]
            floated = [] if self._from_input(step) else [clip_of(before)]
            self.clips = list(dict.fromkeys([*said, *floated]))

    def _from_input(self, step: int) -> bool:
        return '"source":"input"' in (self.trace.arguments[step] or "")

    def _panel(self, step: int) -> State | None:
        """What the input panel showed, where a copy was from there."""
        if not self._from_input(step):
            return None
        record = orjson.loads(self.trace.sources[step] or "{}")
        grid = record.get("grid")
        if not grid:
            return None
        cells = {(c["y"], c["x"]): c["color"] for c in record.get("object") or () if c["x"] is not None and c["y"] is not None}
        floating = place_bytes([[*place, colour] for place, colour in sorted(cells.items())])
        return put_down(State(len(grid[0]), b"".join(map(bytes, grid)), *floating))


_MOST = 8
"""No more states than these are tried for what a wrong record should have been."""


def _before(name: str, after: State) -> Sequence[bytes]:
    """Where the cells that float after an operation were before it; nothing where the record does not say."""
    if name in MOVES:
        rows, columns = MOVES[name]
        return [move(after, -rows, -columns).places]
    if name in FLIPS:
        return [flip(after, FLIPS[name]).places]
    if name in TURNS:
        return [state.places for state in turn(after, -TURNS[name])]
    return [after.places] if name in ("paint", "copy") else []


def _because(step: int) -> str:
    return f"because of step {step}: it follows from what that step should have recorded"


def _restored(step: int) -> str:
    return "equals the start" if step < 0 else f"equals the state after step {step}"


def _same_view(state: State, after: State, view: bytes) -> bool:
    return state.width == after.width and len(state.grid) == len(after.grid) and seen(state) == view


def _layers_differ(made: State, after: State) -> str:
    wrong = [name for name, same in (("background", made.grid == after.grid), ("floating", made[2:] == after[2:])) if not same]
    return f"differs under what is seen: {', '.join(wrong)}"


def _difference(made: State, after: State, view: bytes) -> str:
    """What differs, for a person."""
    expected = seen(made)
    if made.width != after.width or len(expected) != len(view):
        sizes = [f"{len(cells) // width}x{width}" for cells, width in ((expected, made.width), (view, after.width))]
        return f"expected {sizes[0]}, recorded {sizes[1]} (rows x columns)"
    return f"{sum(a != b for a, b in zip(expected, view, strict=True))} of {len(view)} cells differ"
