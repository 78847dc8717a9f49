"""The report of a review as people see it: in the terminal, as pictures, as a page that holds all of it."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from rich.console import Console

from annotators.label_studio.rounds.acceptance import clopper_pearson
from annotators.label_studio.rounds.batch import BatchOutcome
from annotators.label_studio.rounds.report import Fate, Person, Report, Score, Time, Window
from tools.review_report import print_report, write_report
from tools.review_report.plots import DPI, WIDTH, plots
from tools.review_report.tables import duration, tables

SCRIPT = "<script>document.title='broken'</script>"


def report(project: str = "language", **changes: Any) -> Report:
    people = ("a-11111111", "$a_{b}$ $\\frac", "[bold]")
    given: dict[str, Any] = {
        "project": project,
        "states": {"queued": 3, "accepted": 40, "hard": 1},
        "fates": (Fate("subtask", "model.vlm", 30, 9, 2, 4, 3), Fate("primitive_skill", SCRIPT, 3, 0, 0, 0, 0)),
        "proposals": (
            Score("subtask", "model.vlm", "people", "boundary_f1", 0.71, 80, 40, 0.6, 0.8, "0.5 s = 5 steps"),
            Score("trace", "signal.eef", "gold", "trace_distance", 0.012, 40, 40, 0.95, 0.03, pixels=9.6),
        ),
        "agreement": (Score("subtask", "", "each other", "label_kappa", 0.83, 400, 9, 0.9, 0.6, alpha=0.84),),
        "times": (Time("first", 44, 2, 40, 31.0, 75.0, 1500.0, 1), Time("acceptance", 9, 0, 0, None, None, None, 0)),
        "people": tuple(Person(name, 20, clopper_pearson(17 - i, 20), 30.0) for i, name in enumerate(people)),
        "drift": tuple(
            Window(name, 1 + 20 * i, 20 + 20 * i, "2026-01-01", "2026-01-02", clopper_pearson(18 - i, 20), None)
            for name in people
            for i in (0, 1)
        ),
        "batches": (
            BatchOutcome("b0", 1, ("k",) * 40, ("k",) * 20, clopper_pearson(19, 20), "accept"),
            BatchOutcome("b1", 1, ("k",) * 40, ("k",) * 20, clopper_pearson(12, 20), "again"),
            BatchOutcome("b1", 2, ("k",) * 20, ("k",) * 20, clopper_pearson(3, 7), None),
        ),
        "bar": 0.9,
        "cap": 600.0,
        "blind": "",
    }
    return Report(**(given | changes))


EMPTY = {
    "states": {},
    "fates": (),
    "proposals": (),
    "agreement": (),
    "times": (),
    "people": (),
    "drift": (),
    "batches": (),
    "bar": None,
}


def text_of(*reports: Report) -> str:
    out = io.StringIO()
    print_report(reports, Console(file=out, width=160))
    return out.getvalue()


def test_the_terminal_says_what_was_measured_and_what_was_not() -> None:
    said = text_of(report())
    assert re.search(r"subtask .*model\.vlm .*30 .*9 .*2 .*4 .*3 .*73%", said)
    assert re.search(r"acceptance .*9 .*not measured .*not measured .*0 of 9", said)
    assert "9.6 px (1.2% of the diagonal)" in said
    assert "0.83, alpha 0.84" in said
    assert "95% (75% to 100%), 19 of 20" in said
    assert "at most 10 min each (1 were longer)" in said
    assert "[bold]" in said  # a text, not a style
    assert SCRIPT in said


def test_nothing_to_report() -> None:
    assert tables(report(**EMPTY)) == ()
    assert plots(report(**EMPTY)) == {}


@pytest.mark.parametrize(("seconds", "words"), [(None, "not measured"), (31.4, "31 s"), (600, "10 min"), (9000, "2.5 h")])
def test_durations(seconds: float | None, words: str) -> None:
    assert duration(seconds) == words


def test_the_same_report_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = write_report([report()], tmp_path / "a"), write_report([report()], tmp_path / "b")
    assert {p.name: p.read_bytes() for p in first.parent.iterdir()} == {p.name: p.read_bytes() for p in second.parent.iterdir()}


def test_pictures_are_pictures(tmp_path: Path) -> None:
    page = write_report([report(), report("../" + SCRIPT)], tmp_path / "out")
    assert {p.parent for p in tmp_path.rglob("*.png")} == {page.parent}
    for path in page.parent.glob("*.png"):
        with Image.open(path) as picture:
            assert picture.width == pytest.approx(WIDTH * DPI, abs=2)
            colours = picture.convert("RGB").getcolors(1 << 24)
            assert colours is not None
            assert len(colours) > 20


def test_the_page_needs_nothing_else_and_runs_nothing(chromium: Any, tmp_path: Path) -> None:
    page = write_report([report(), report(SCRIPT)], tmp_path)
    window = chromium.new_page(viewport={"width": 1440, "height": 900})
    asked: list[str] = []
    window.on("request", lambda request: asked.append(request.url))
    window.goto(page.as_uri())
    assert [url for url in asked if not url.startswith("data:")] == [page.as_uri()]
    assert window.title() == "What the review was worth"
    assert window.locator("h2").all_inner_texts() == ["language", SCRIPT]
    sizes = window.eval_on_selector_all("img", "pictures => pictures.map(p => [p.naturalWidth, p.alt.length])")
    assert len(sizes) == 12
    assert all(width > 1000 and alt > 10 for width, alt in sizes)
    assert "not measured" in window.inner_text("main")
    for width in (1440, 420):
        window.set_viewport_size({"width": width, "height": 900})
        assert window.evaluate("document.documentElement.scrollWidth") <= width
    window.screenshot(path=str(tmp_path / "page.png"), full_page=True)
    window.close()
