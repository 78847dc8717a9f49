"""The states of an item: a table of transitions, and the fold of events over it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

State = Literal["queued", "labelled", "agreed", "disputed", "adjudicated", "accepted", "redo", "hard"]
Event = Literal[
    "submitted",  # the first opinion
    "agreed",  # the second opinion is close enough
    "disputed",  # it is not
    "second_declined",  # so many people skipped the second opinion that it will not come
    "adjudicated",  # somebody settled the dispute
    "found",  # a finding says that the task must be done again
    "checked",  # a checker looked at it, and what the checker left counts
    "check_declined",  # the checker could not tell
    "batch_accepted",
    "batch_sent_back",
    "requeued",  # the next round begins
    "declined",  # so many people skipped it that nobody is asked again
    "gave_up",  # there is no round left
]

STATES: tuple[State, ...] = get_args(State)
FINAL: frozenset[State] = frozenset({"accepted", "hard"})
"""Nothing leaves these. Where a recipe asks for no acceptance, `labelled`, `agreed` and `adjudicated` are ends as well."""

_READY: dict[Event, State] = {
    "found": "redo",
    "checked": "accepted",
    "check_declined": "hard",
    "batch_accepted": "accepted",
    "batch_sent_back": "redo",
}
TRANSITIONS: dict[State, dict[Event, State]] = {
    "queued": {"submitted": "labelled", "found": "redo", "declined": "hard"},
    "labelled": {"agreed": "agreed", "disputed": "disputed", "second_declined": "disputed", **_READY},
    "agreed": _READY,
    "disputed": {"adjudicated": "adjudicated", "found": "redo", "declined": "hard"},
    "adjudicated": _READY,
    "redo": {"requeued": "queued", "gave_up": "hard"},
    "accepted": {},
    "hard": {},
}
"""State → event → the next state. What is not here cannot happen."""


class ImpossibleEventError(ValueError):
    """An event in a state that does not know it."""


def after(state: State, event: Event) -> State:
    """The state after an event. Raises ImpossibleEventError with what could have happened instead."""
    if event not in TRANSITIONS[state]:
        possible = ", ".join(TRANSITIONS[state]) or "nothing, it is final"
        raise ImpossibleEventError(f"an item that is {state} cannot be {event}; possible: {possible}")
    return TRANSITIONS[state][event]


def fold(events: Iterable[Event], state: State = "queued") -> State:
    """The state after all events, in order."""
    for event in events:
        state = after(state, event)
    return state
