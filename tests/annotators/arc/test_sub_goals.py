"""`arc.sub_goals`: its rules one by one, and that it tiles real traces."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from annotators.annotation import annotation_tables
from annotators.arc.recorded import RecordedStep
from annotators.arc.sub_goals import sub_goals
from annotators.protocol import annotator, producer_of
from schemas.invariants import check_annotations

EXAMPLES = Path(__file__).resolve().parents[3] / "examples/data/arc"
GRID = np.zeros((1, 1), np.uint8)


def trace(*names: str) -> list[RecordedStep]:
    """Steps by name; `submit!` was wrong, `submit` right."""
    return [
        RecordedStep(
            n, name.rstrip("!"), {"correct": not name.endswith("!")} if "submit" in name else {}, (0, None), GRID, GRID
        )
        for n, name in enumerate(names)
    ]


def test_looking_first_then_preparing_and_editing_then_handing_in():
    steps = trace("show_page", "show_editor", "pick_color", "draw", "show_tool_panel", "crop", "submit", "show_overview")
    assert sub_goals(steps) == [(0, 2, "explore"), (2, 6, "build"), (6, 8, "finish")]


def test_looking_for_long_between_edits_is_exploring_and_a_glance_is_not():
    glance = trace("draw", *["show_page"] * 2, "draw")
    assert sub_goals(glance) == [(0, 4, "build")]
    long = trace("draw", *["show_page"] * 5, "draw")
    assert sub_goals(long) == [(0, 1, "build"), (1, 6, "explore"), (6, 7, "build")]
    assert sub_goals(long, looking=6) == [(0, 7, "build")]


def test_after_a_wrong_submission_all_editing_is_mending_until_the_next():
    steps = trace("draw", "submit!", "select_begin", "fill_selection", "submit", "draw", "undo")
    assert sub_goals(steps) == [
        (0, 1, "build"),
        (1, 2, "finish"),
        (2, 4, "repair"),
        (4, 5, "finish"),
        (5, 6, "build"),
        (6, 7, "repair"),
    ]


def test_a_trace_of_looking_alone_of_preparing_alone_and_none_at_all():
    assert sub_goals(trace("show_page", "show_page")) == [(0, 2, "explore")]
    assert sub_goals(trace("pick_color")) == [(0, 1, "explore")]
    assert sub_goals([]) == []


def test_it_tiles_every_trace_with_words_of_the_layer(shared_data, read_source):
    found = annotator("arc.sub_goals")
    for uri in (str(EXAMPLES / "*.json"), shared_data / "arc/braingridgame_history/3"):
        source = read_source("braingridgame", uri)
        labels = set()
        for name in source.trajectories:
            view = source.view(name)
            tables = annotation_tables(name, producer_of(found), found.propose(view))
            assert check_annotations({**view.tables, **tables}) == []
            labels |= set(tables["segments"]["label"].to_pylist())
        assert labels == {"explore", "build", "repair", "finish"}
