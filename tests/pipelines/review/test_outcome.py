"""What people settled outlives proposals that came afterwards."""

from __future__ import annotations

from typing import Any

import pytest

from annotators.annotation import Annotation, Producer, annotation_tables
from annotators.label_studio.rounds.items import Opinion
from pipelines.review.outcome import Assertion, overruled

BY = Opinion("r/clips/1/s/e", "a-1", "sub-1", "2026-11-22T10:00:00Z", seconds=4.0)


def proposal(start: int, end: int, layer: str = "primitive_skill", stream: str | None = "cam") -> dict[str, Any]:
    said = [Annotation(layer, {"label": "pick" if layer == "primitive_skill" else "contact"}, start, end, stream=stream)]
    (row,) = annotation_tables("s/e", Producer("signal", "p", "2"), said)["segments"].to_pylist()
    return dict(row)


def settled(**changes: Any) -> Assertion:
    known = {"trajectory_id": "s/e", "layers": ("primitive_skill",), "stream": "cam", "known": frozenset[str]()}
    return Assertion(**{**known, "steps": frozenset(range(10, 30)), "by": BY, **changes})


def test_a_new_proposal_where_people_settled_everything_is_rejected_by_them() -> None:
    row = proposal(12, 20)
    (state,) = overruled([row], [settled()], ())
    changed = {name for name in row if row[name] != state[name]}
    assert changed == {"status", "quality", "annotator", "submission", "seconds", "created_at"}
    assert (state["status"], state["annotator"], state["submission"], state["seconds"]) == ("rejected", "a-1", "sub-1", 4.0)
    assert state["created_at"].isoformat() == "2026-11-22T10:00:00+00:00"


@pytest.mark.parametrize(
    ("row", "given"),
    [
        (proposal(5, 20), {}),
        (proposal(20, 31), {}),
        (proposal(12, 20, stream="other"), {}),
        (proposal(12, 13, layer="contact"), {}),
        (proposal(12, 20), {"known": frozenset({proposal(12, 20)["annotation_id"]})}),
    ],
    ids=["begins before", "ends after", "another camera", "another layer", "was shown"],
)
def test_what_was_not_settled_stays(row: dict[str, Any], given: dict[str, Any]) -> None:
    assert overruled([row], [settled(**given)], ()) == []


def test_a_row_that_people_spoke_of_is_not_rejected_twice() -> None:
    row = proposal(12, 20)
    assert overruled([row], [settled()], {row["annotation_id"]}) == []
