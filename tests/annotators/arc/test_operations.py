"""Each ARC operation on a grid of which every cell tells where it came from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from annotators.arc.larc_rules import RULES as LARC_RULES
from annotators.arc.operations import OPERATIONS, ArgumentError, paste
from annotators.arc.recorded import Grid
from schemas.arc_operations import OPERATIONS as VOCABULARY


def grid(*rows: str) -> Grid:
    return np.array([[int(cell) for cell in row] for row in rows], np.uint8)


ALL = {"x": 0, "y": 0, "width": 3, "height": 2}


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("draw", {"x": 2, "y": 0, "color": 9}, ("129", "456")),
        ("fill_selection", {"x": 1, "y": 0, "width": 1, "height": 2, "color": 0}, ("103", "406")),
        ("move_left", ALL, ("231", "564")),
        ("move_right", ALL, ("312", "645")),
        ("move_up", ALL, ("456", "123")),
        ("move_down", ALL, ("456", "123")),
        ("move_left", {"x": 1, "y": 1, "width": 2, "height": 1}, ("123", "465")),
        ("flip_x", ALL, ("321", "654")),
        ("flip_x", {"x": 0, "y": 0, "width": 2, "height": 1}, ("213", "456")),
        ("flip_y", ALL, ("456", "123")),
        ("rotate_grid_clockwise", {}, ("41", "52", "63")),
        ("rotate_grid_counterclockwise", {}, ("36", "25", "14")),
        ("rotate_selection_clockwise", {"x": 1, "y": 0, "width": 2, "height": 2}, ("152", "463")),
        ("rotate_selection_counterclockwise", {"x": 1, "y": 0, "width": 2, "height": 2}, ("136", "425")),
        ("rotate_selection_clockwise", ALL, ("123", "456")),
        ("rotate_selection_counterclockwise", ALL, ("123", "456")),
        ("resize", {"width": 4, "height": 1, "color": 8}, ("1238",)),
        ("resize", {"width": 2, "height": 3, "color": 8}, ("12", "45", "88")),
        ("crop", {"x": 1, "y": 1, "width": 2, "height": 1}, ("56",)),
    ],
)
def test_operation(name: str, arguments: dict[str, Any], expected: tuple[str, ...]) -> None:
    before = grid("123", "456")
    before.flags.writeable = False

    assert OPERATIONS[name](before, arguments).tolist() == grid(*expected).tolist()


def test_flood_fill_goes_through_edges_not_corners() -> None:
    before = grid("0010", "0100", "1000")

    assert OPERATIONS["flood_fill"](before, {"x": 0, "y": 0, "color": 7}).tolist() == grid("7710", "7100", "1000").tolist()
    assert OPERATIONS["flood_fill"](before, {"x": 3, "y": 0, "color": 7}).tolist() == grid("0017", "0177", "1777").tolist()
    assert OPERATIONS["flood_fill"](before, {"x": 0, "y": 0, "color": 0}).tolist() == before.tolist()


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [(1, 1, "000 078 090"), (2, 2, "000 000 007"), (-1, -1, "000 000 000"), (3, 0, "000 000 000"), (-5, 9, "000 000 000")],
)
def test_paste_cuts_what_hangs_out(x: int, y: int, expected: str) -> None:
    assert paste(np.zeros((3, 3), np.uint8), grid("78", "90"), x, y).tolist() == grid(*expected.split()).tolist()


def test_paste_from_above_and_left_shows_the_clips_end() -> None:
    assert paste(np.zeros((3, 3), np.uint8), grid("78", "96"), -1, -1).tolist() == grid("600", "000", "000").tolist()


@pytest.mark.parametrize(
    ("name", "arguments", "part"),
    [
        ("draw", {"x": 3, "y": 0, "color": 1}, "outside 2x3"),
        ("draw", {"x": -1, "y": 0, "color": 1}, "outside 2x3"),
        ("draw", {"x": 0, "y": 0}, "color is not recorded"),
        ("draw", {"x": 0, "y": 0, "color": 256}, "no colour"),
        ("draw", {"x": True, "y": 0, "color": 1}, "x is no integer"),
        ("flood_fill", {"x": 0, "y": 2, "color": 1}, "outside 2x3"),
        ("crop", {"x": 1, "y": 0, "width": 3, "height": 1}, "not inside 2x3"),
        ("crop", {"x": 0, "y": 0, "width": 0, "height": 1}, "not inside 2x3"),
        ("move_up", {"x": 0, "y": 0, "width": 1}, "height is not recorded"),
        ("resize", {"width": 0, "height": 1, "color": 1}, "no size"),
        ("resize", {"width": 10**9, "height": 10**9, "color": 1}, "no size"),
    ],
)
def test_what_cannot_be_done_is_said(name: str, arguments: dict[str, Any], part: str) -> None:
    with pytest.raises(ArgumentError, match=part):
        OPERATIONS[name](grid("123", "456"), arguments)


def test_every_edit_of_the_vocabulary_has_a_rule() -> None:
    elsewhere = {"paste_accept", "undo", "redo", "start_over"}  # they need more than the grid: annotators.arc.replay
    elsewhere |= {"paint", "paste"}  # of editors with layers: annotators.arc.layered
    elsewhere |= {*LARC_RULES, "copy_from_input"}  # of editors that work on lists of cells: annotators.arc.larc_rules
    elsewhere |= {name for name in VOCABULARY if name.startswith("game_")}  # a game's own rules

    assert OPERATIONS.keys() | elsewhere == {name for name, operation in VOCABULARY.items() if operation.edits}
