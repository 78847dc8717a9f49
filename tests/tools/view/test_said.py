"""Bands of a timeline and rows of a table, from rows of layers."""

from __future__ import annotations

from typing import Any

from schemas.arrow import columns_of
from tools.view.pictures import spread, within
from tools.view.said import bands_of, one_per_step, table_of
from tools.view.stored import Said

from .conftest import said


def entry(kind: str, layer: str, number: int = 0, **payload: Any) -> Said:
    return Said(kind, dict.fromkeys((c.name for c in columns_of(kind)), None) | said(layer, "a/b", number, **payload))


def test_a_run_of_equal_words_of_a_series_is_one_span() -> None:
    row = entry(
        "checks", "replay", start=0, end=9, steps=[0, 1, 2, 4, 5], outcomes=["exact", "exact", "diverged", "exact", "exact"]
    )
    (band,) = bands_of([row], 9)
    assert [[s, e, band["words"][w]] for s, e, w, _, _ in band["spans"]] == [
        [0, 2, "exact"],
        [2, 3, "diverged"],
        [4, 6, "exact"],
    ]
    assert band["meanings"][0] == "the recorded state is what the action gives"
    assert len(set(band["colours"])) == 2
    assert one_per_step([row], "replay", 4) == [["exact", None], ["exact", None], ["diverged", None], None]
    assert one_per_step([row], "success", 4) is None


def test_what_overlaps_lies_in_lanes() -> None:
    rows = [
        entry("segments", "sub_goal", n, start=s, end=e, label="build")
        for n, (s, e) in enumerate([(0, 4), (2, 6), (4, 5), (5, 9)])
    ]
    (band,) = bands_of(rows, 9)
    assert band["lanes"] == 2
    assert {number: lane for _, _, _, lane, number in band["spans"]} == {0: 0, 1: 1, 2: 0, 3: 0}
    many = [entry("segments", "sub_goal", n, start=0, end=9, label="build") for n in range(7)]
    assert bands_of(many, 9)[0]["lanes"] == 4


def test_spans_end_with_the_trajectory_and_events_are_one_step() -> None:
    (band,) = bands_of(
        [
            entry("segments", "contact", start=3, end=3, label="contact"),
            entry("segments", "contact", 1, start=8, end=20, label="release"),
        ],
        9,
    )
    assert [span[:2] for span in band["spans"]] == [[3, 4], [8, 9]]


def test_nothing_there_is_said_and_has_no_band() -> None:
    empty = [
        entry("segments", "detour", start=0, end=9),
        entry("texts", "intent", start=0, end=9, steps=[], texts=[], channel="intent"),
    ]
    assert bands_of(empty, 9) == []
    assert [row["says"] for row in table_of(empty)] == ["", ""]


def test_a_row_says_who_and_what() -> None:
    (row,) = table_of(
        [
            entry(
                "segments",
                "sub_goal",
                start=2,
                end=5,
                label="build",
                text="a wall",
                annotator="a-1",
                seconds=3.5,
                confidence=0.5,
            )
        ]
    )
    assert (row["says"], row["who"], row["version"], row["quality"], row["annotator"]) == (
        "build, a wall",
        "test.producer",
        "3",
        "secondary",
        "a-1",
    )
    assert ("text", "a wall") in row["facts"]


def test_series_of_numbers_leave_out_what_is_no_number() -> None:
    (band,) = bands_of([entry("scalars", "similarity", steps=[0, 1, 2], values=[0.5, None, float("nan")], unit="share")], 3)
    assert band["series"] == [{"steps": [0], "values": [0.5], "unit": "share"}]


def test_pictures_within_a_budget() -> None:
    assert spread(range(10), 4) == [0, 3, 6, 9]
    assert spread([5, 7], 4) == [5, 7]
    assert sorted(within(dict.fromkeys(range(8), b"x" * 10), 25)) == [0, 4]
    assert sorted(within({0: b"x" * 99}, 25)) == [0]  # one picture stays, whatever it takes
