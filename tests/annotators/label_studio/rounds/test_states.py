"""The table of states: what can happen, and that nothing else does."""

from __future__ import annotations

from typing import get_args

import pytest

from annotators.label_studio.rounds.states import FINAL, STATES, TRANSITIONS, Event, ImpossibleEventError, after, fold


def test_the_table_is_complete_and_reachable() -> None:
    assert TRANSITIONS.keys() == set(STATES)
    assert {event for known in TRANSITIONS.values() for event in known} == set(get_args(Event))
    reached, open_ = {"queued"}, ["queued"]
    while open_:
        for state in TRANSITIONS[open_.pop()].values():  # type: ignore[index]
            if state not in reached:
                reached.add(state)
                open_.append(state)
    assert reached == set(STATES)
    assert {state for state, known in TRANSITIONS.items() if not known} == FINAL


def test_nothing_else_can_happen() -> None:
    for state in STATES:
        for event in get_args(Event):
            if event in TRANSITIONS[state]:
                assert after(state, event) == TRANSITIONS[state][event]
            else:
                with pytest.raises(ImpossibleEventError, match=f"an item that is {state} cannot be {event}; possible: "):
                    after(state, event)


def test_a_long_way() -> None:
    way = ("submitted", "disputed", "adjudicated", "batch_sent_back", "requeued", "submitted", "batch_accepted")
    assert fold(way) == "accepted"
    with pytest.raises(ImpossibleEventError, match="it is final"):
        fold((*way, "submitted"))
