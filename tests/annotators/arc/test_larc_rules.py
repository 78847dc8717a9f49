"""What the editors of cells do to a grid, and what cannot be said of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from annotators.arc.larc_rules import RULES
from annotators.arc.operations import ArgumentError
from annotators.arc.recorded import Grid, RecordedStep
from annotators.arc.replay import replay
from annotators.task import Pair, Task


def grid(*rows: str) -> Grid:
    return np.array([[int(cell) for cell in row] for row in rows], np.uint8)


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("reset_grid", {}, ("000", "000", "000")),
        ("fill_cells", {"cells": [[0, 2], [1, 0]], "color": 9}, ("129", "956")),
        ("paste_cells", {"x": 1, "y": 0, "cells": [[4, 7, 8], [5, 8, 0]]}, ("183", "450")),  # least row 4, least column 7
        ("paste_cells", {"x": 0, "y": 1, "cells": [[0, 0, 8], [1, 0, 7], [0, 5, 7]]}, ("123", "856")),  # two hang out
        ("paste_cells", {"x": 0, "y": 0, "cells": [[0, 1, 8], [1, 0, 7]]}, ("183", "756")),  # the corner is in neither
    ],
)
def test_rule(name: str, arguments: dict[str, Any], expected: tuple[str, ...]) -> None:
    before = grid("123", "456")
    before.flags.writeable = False

    assert RULES[name](before, arguments).tolist() == grid(*expected).tolist()


@pytest.mark.parametrize(
    ("name", "arguments", "part"),
    [
        ("fill_cells", {"color": 1}, "cells is not recorded"),
        ("fill_cells", {"cells": [], "color": 1}, "no list of 2 integers"),
        ("fill_cells", {"cells": [[0]], "color": 1}, "no list of 2 integers"),
        ("fill_cells", {"cells": [[0, "1"]], "color": 1}, "no list of 2 integers"),
        ("fill_cells", {"cells": [[0, 3]], "color": 1}, r"cell \[0, 3\] lies outside 2x3"),
        ("fill_cells", {"cells": [[-1, 0]], "color": 1}, "outside"),
        ("paste_cells", {"cells": [[0, 0, 1]], "x": 0}, "y is not recorded"),
        ("paste_cells", {"cells": [[0, 0, 300]], "x": 0, "y": 0}, "no colour"),
        ("paste_cells", {"cells": 7, "x": 0, "y": 0}, "no list of 3 integers"),
    ],
)
def test_what_cannot_be_done_is_said(name: str, arguments: dict[str, Any], part: str) -> None:
    with pytest.raises(ArgumentError, match=part):
        RULES[name](grid("123", "456"), arguments)


@pytest.mark.parametrize(
    ("task", "test", "outcome"),
    [
        (Task("t", tests=(Pair(grid("12"), None),)), 0, "exact"),
        (Task("t", tests=(Pair(grid("13"), None),)), 0, "diverged"),
        (Task("t", tests=(Pair(grid("12"), None),)), 1, "unverifiable"),
        (Task("t", tests=(Pair(None, None),)), 0, "unverifiable"),
        (None, 0, "unverifiable"),
    ],
)
def test_a_copy_from_the_input_is_checked_against_the_task(task: Task | None, test: int, outcome: str) -> None:
    step = RecordedStep(0, "copy_from_input", {}, (test, None), grid("000"), grid("12"))

    assert [verdict.outcome for verdict in replay([step], task)] == [outcome]
