"""Pauses against the other gaps of a trace."""

from __future__ import annotations

import pytest

from annotators.arc.pauses import ANNOTATOR, Pauses, pauses
from annotators.protocol import annotator, meets
from tests.annotators.arc.traces import proposed, trace, view


def found(*times: float | None) -> list[tuple[int, str]]:
    return [(step, label) for step, _, label in pauses(times, 3.0, 3.0, 300.0)]


def test_a_pause_is_long_by_itself_and_against_the_others() -> None:
    assert found(0, 1, 2, 3, 4, 10) == [(5, "planning")]
    assert found(0, 0.1, 0.2, 0.3, 1.3) == []  # ten times the median, and yet a second
    assert found(0, 4, 8, 12, 18) == []  # six seconds, of a slow hand
    assert found(0, 1, 2, 3, 303.5, 304) == [(4, "away")]


def test_only_recorded_times_count() -> None:
    assert found(0, None, 9, 10, 11, 12, 22) == [(6, "planning")]
    assert found() == found(0) == found(None, None) == []
    assert not meets(ANNOTATOR.requires, view(trace("0", ("draw", "1"))))


def test_the_span_is_the_step_that_ended_the_pause() -> None:
    steps = trace("0", *[("draw", None)] * 4)
    (said,) = proposed(ANNOTATOR, view(steps, times=[0, 1, 2, 9.25]))["planning_pause"]
    assert (said.start, said.end) == (3, 4)
    assert said.payload == {"label": "planning", "attributes": {"seconds": 7.25}}
    assert not proposed(Pauses(seconds=8), view(steps, times=[0, 1, 2, 9.25]))


def test_a_threshold_below_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="should be 0 or more"):
        annotator("arc.pauses", {"seconds": -1})
