"""`gui.activities`: its rules one by one, and what it says of real recordings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from annotators.annotation import annotation_tables
from annotators.gui.activities import Stretch, activities
from annotators.protocol import annotator, producer_of
from schemas.invariants import check_annotations

SHOP = Path(__file__).resolve().parents[3] / "examples/data/web"


def step(name: str | None, url: str = "http://a.example/x", window: str = "A", **more: Any) -> dict[str, Any]:
    row = {"action_name": name, "action_args": None, "text": None, "keys": None, "app": "browser", "window": window, "url": url}
    if "args" in more:
        more["action_args"] = orjson.dumps(more.pop("args")).decode()
    return row | more


def told(*rows: dict[str, Any]) -> list[tuple[int, int, str]]:
    return [(one.start, one.end, one.label) for one in activities(rows)]


def test_a_query_is_no_other_place_and_a_path_is():
    same = told(step("scroll"), step("scroll", "http://a.example/x?q=1"), step("scroll", "http://a.example/x#part"))
    assert same == [(0, 3, "check")]
    assert told(step("scroll"), step("scroll", "http://a.example/y")) == [(0, 1, "check"), (1, 2, "check")]
    assert told(step("scroll", "", "Mail"), step("scroll", "", "Draft")) == [(0, 1, "check"), (1, 2, "check")]


def test_typing_is_a_search_where_the_field_says_so_and_until_another_field_is_typed_into():
    search = step("fill", args={"selector": "label=Search", "box": [1, 1, 9, 9]}, text="pens")
    assert told(search, step("press", keys=["Enter"])) == [(0, 2, "search")]
    assert told(search, step("type", args={"selector": "label=Name"}, text="Kim")) == [(0, 1, "search"), (1, 2, "enter")]
    assert activities([search])[0] == Stretch(0, 1, "search", "search for pens")


def test_a_click_goes_with_what_follows_it_in_its_place_else_with_the_typing_before():
    assert told(step("click"), step("type", text="Kim")) == [(0, 2, "enter")]
    sent = told(step("type", text="Kim"), step("click"), step(None, "http://a.example/thanks"))
    assert sent == [(0, 2, "enter"), (2, 3, "check")]
    assert told(step("click"), step("scroll", "http://a.example/next")) == [(0, 1, "navigate"), (1, 2, "check")]


def test_one_step_between_two_stretches_of_a_kind_joins_them():
    assert told(step("type"), step("scroll"), step("select")) == [(0, 3, "enter")]
    assert told(step("type"), step("scroll"), step("wait"), step("select")) == [
        (0, 1, "enter"),
        (1, 3, "check"),
        (3, 4, "enter"),
    ]


def test_going_back_and_undoing_recover():
    assert told(step("goBack"), step("hotkey", keys=["Ctrl", "z"])) == [(0, 2, "recover")]
    assert told(step("hotkey", keys=["Ctrl", "Shift", "p"])) == [(0, 1, "enter")]


def test_markup_in_a_title_and_in_typed_text_stays_text():
    assert activities([step("scroll", window="<b>x</b>")])[0].text == "look at <b>x</b>"
    assert activities([]) == []


def test_the_shop_recording_is_cut_where_its_reader_would_cut_it(read_source):
    view = read_source("playwright", str(SHOP / "*.zip")).view("s/buy_one")
    said = [(a.start, a.end, a.payload["label"]) for a in annotator("gui.activities").propose(view)]
    assert said == [(0, 1, "navigate"), (1, 3, "search"), (3, 6, "check"), (6, 11, "enter"), (11, 12, "check")]


def test_it_tiles_real_recordings(shared_data, read_source):
    found = annotator("gui.activities")
    source = read_source("playwright", shared_data / "gui/playwright")
    assert source.trajectories
    for name in source.trajectories:
        view = source.view(name)
        tables = annotation_tables(name, producer_of(found), found.propose(view))
        assert check_annotations({**view.tables, **tables}) == []
