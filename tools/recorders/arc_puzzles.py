"""Cairn's own ARC puzzles, and how the example traces of them are played: data.

A grid is written as its rows of digits. A puzzle has a `rule` in words, demonstration pairs and tests (input, output). A
`Trace` is one visit of one puzzle: moves for `tools.recorders.arc_editor`, in its words. `seed` makes the pauses,
`started` is the clock of the visit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Rows = tuple[str, ...]
Pair = tuple[Rows, Rows]
Move = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Puzzle:
    """`name`, the `rule` that leads from input to output, `demonstrations` and `tests`."""

    name: str
    rule: str
    demonstrations: tuple[Pair, ...]
    tests: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Trace:
    """One visit: file `name`, `puzzle`, wall clock at the start, seed of the pauses, and the moves."""

    name: str
    puzzle: str
    started: str
    seed: int
    moves: tuple[Move, ...]


PUZZLES: tuple[Puzzle, ...] = (
    Puzzle(
        "mirror",
        "The picture is seen in a mirror that stands at its right.",
        ((("120", "100"), ("021", "001")), (("3004", "0300"), ("4003", "0030"))),
        ((("50060", "55000", "50700"), ("06005", "00055", "00705")),),
    ),
    Puzzle(
        "paint_the_room",
        "The room that holds a green cell becomes green.",
        ((("53555", "50555", "55500"), ("53555", "53555", "55500")), (("0050", "0350", "5550"), ("3350", "3350", "5550"))),
        ((("0050000", "0050000", "0350050", "5555050", "0000055"), ("3350000", "3350000", "3350050", "5555050", "0000055")),),
    ),
    Puzzle(
        "belt",
        "The row between the grey rows runs three cells to the right; what leaves comes back at the left.",
        ((("5555", "1200", "5555"), ("5555", "2001", "5555")),),
        ((("555555", "120040", "555555"), ("555555", "040120", "555555")),),
    ),
    Puzzle(
        "cut_out",
        "What stands inside the frame of grey cells is the answer.",
        ((("0000", "5550", "5150", "5550"), ("1",)),),
        ((("00000000", "05555550", "05120450", "05031150", "05555550", "00000000"), ("1204", "0311")),),
    ),
    Puzzle(
        "twice",
        "The picture is put beside itself.",
        ((("12", "00"), ("1212", "0000")),),
        ((("103", "020", "301"), ("103103", "020020", "301301")),),
    ),
    Puzzle(
        "quarter_turn",
        "The picture turns to the right by a quarter.",
        ((("12", "34"), ("31", "42")),),
        ((("1200", "0030"), ("01", "02", "30", "00")), (("124", "000", "000"), ("001", "002", "004"))),
    ),
    Puzzle(
        "fall",
        "Coloured cells fall to the ground.",
        ((("102", "000", "000"), ("000", "000", "102")), (("10", "02", "00"), ("00", "00", "12"))),
        ((("1020", "0000", "0300", "0000"), ("0000", "0000", "0000", "1320")),),
    ),
)

TRACES: tuple[Trace, ...] = (
    Trace(
        "mirror_straight",
        "mirror",
        "2026-01-12T09:00:00Z",
        1,
        (("editor",), ("panel",), ("flip", "x"), ("submit",), ("overview",)),
    ),
    Trace(
        "mirror_wrong_way_first",
        "mirror",
        "2026-01-12T09:05:00Z",
        2,
        (
            ("fits",),
            ("editor",),
            ("panel",),
            ("flip", "y"),
            ("panel",),
            ("undo",),
            ("redo",),
            ("undo",),
            ("panel",),
            ("flip", "x"),
            ("overview",),
            ("reveal",),
            ("editor",),
            ("submit",),
        ),
    ),
    Trace(
        "paint_the_room_second_try",
        "paint_the_room",
        "2026-01-12T10:00:00Z",
        3,
        (
            ("editor",),
            ("tool", "fill"),
            ("colour", 4),
            ("fill", 0, 0),
            ("submit",),
            ("overview",),
            ("editor",),
            ("panel",),
            ("start_over",),
            ("colour", 3),
            ("colour", 3),
            ("fill", 0, 0),
            ("fill", 1, 2),
            ("submit",),
            ("overview",),
        ),
    ),
    Trace(
        "belt_around_the_edge",
        "belt",
        "2026-01-12T11:00:00Z",
        4,
        (
            ("editor",),
            ("tool", "select"),
            ("select", 0, 1, 5, 1),
            ("move", "up"),
            ("move", "right"),
            ("move", "right"),
            ("move", "right"),
            ("move", "right"),
            ("move", "left"),
            ("submit",),
        ),
    ),
    Trace(
        "belt_everything_moved",
        "belt",
        "2026-01-12T11:10:00Z",
        5,
        (
            ("editor",),
            ("move", "right"),
            ("move", "down"),
            ("move", "up"),
            ("move", "right"),
            ("move", "right"),
            ("undo",),
            ("undo",),
            ("redo",),
            ("redo",),
            ("submit",),
        ),
    ),
    Trace(
        "cut_out_crop",
        "cut_out",
        "2026-01-12T13:00:00Z",
        6,
        (
            ("editor",),
            ("tool", "select"),
            ("panel",),
            ("crop",),
            ("select", 1, 1, 6, 4),
            ("panel",),
            ("crop",),
            ("select", 1, 1, 4, 2),
            ("panel",),
            ("crop",),
            ("submit",),
            ("overview",),
        ),
    ),
    Trace(
        "cut_out_gave_up",
        "cut_out",
        "2026-01-12T13:20:00Z",
        7,
        (
            ("pages", 2, 3),
            ("editor",),
            ("tool", "select"),
            ("select", 2, 2, 5, 3),
            ("colour", 0),
            ("undo",),
            ("panel",),
            ("resize", 4, 2),
            ("submit",),
            ("overview",),
        ),
    ),
    Trace(
        "twice_copy_and_paste",
        "twice",
        "2026-01-12T14:00:00Z",
        8,
        (
            ("editor",),
            ("panel",),
            ("copy",),
            ("copy",),
            ("panel",),
            ("resize", 6, 3),
            ("paste", 4, -1),
            ("undo",),
            ("paste_reject",),
            ("paste", 0, 0),
            ("paste", 3, 0),
            ("submit",),
            ("overview",),
        ),
    ),
    Trace(
        "quarter_turn_two_tests",
        "quarter_turn",
        "2026-01-12T15:00:00Z",
        9,
        (
            ("editor",),
            ("panel",),
            ("rotate", "counter-clockwise"),
            ("panel",),
            ("rotate", "clockwise"),
            ("panel",),
            ("rotate", "clockwise"),
            ("submit",),
            ("overview",),
            ("activate", 1),
            ("editor",),
            ("tool", "select"),
            ("select", 0, 0, 1, 2),
            ("rotate", "clockwise"),
            ("select", 0, 0, 2, 2),
            ("rotate", "counter-clockwise"),
            ("rotate", "clockwise"),
            ("rotate", "clockwise"),
            ("submit",),
            ("overview",),
        ),
    ),
    Trace(
        "fall_cell_by_cell",
        "fall",
        "2026-01-12T16:00:00Z",
        10,
        (
            ("editor",),
            ("colour", 1),
            ("draw", (0, 3)),
            ("colour", 2),
            ("draw", (2, 3), (3, 3)),
            ("undo",),
            ("colour", 3),
            ("draw", (1, 3), (1, 3)),
            ("colour", 0),
            ("draw", (0, 0), (1, 0), (2, 0)),
            ("submit",),
            ("draw", (1, 2)),
            ("submit",),
            ("overview",),
        ),
    ),
    Trace(
        "fall_with_selections",
        "fall",
        "2026-01-12T16:30:00Z",
        11,
        (
            ("editor",),
            ("tool", "select"),
            ("select", 0, 0, 3, 3),
            ("move", "up"),
            ("submit",),
            ("select", 1, 1, 1, 3),
            ("move", "down"),
            ("move", "down"),
            ("undo",),
            ("flip", "y"),
            ("select", 1, 2, 1, 2),
            ("colour", 0),
            ("select", 1, 3, 1, 3),
            ("colour", 3),
            ("submit",),
            ("overview",),
        ),
    ),
)
