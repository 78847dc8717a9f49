"""The operations of ARCLE and JaxARC by name: complete, and different where the two disagree."""

from __future__ import annotations

import pytest

from schemas.arc_operations import OPERATIONS
from schemas.arc_simulators import ARCLE, JAXARC, SIMULATORS, Simulator

EVERY = pytest.mark.parametrize("simulator", SIMULATORS, ids=lambda s: s.name)


@EVERY
def test_every_operation_has_a_name_there_or_a_reason(simulator: Simulator) -> None:
    """A new word of the vocabulary needs a line in `schemas.arc_simulators`: its name there, or why there is none."""
    assert set(simulator.names) | set(simulator.cannot) == set(OPERATIONS)
    assert not set(simulator.names) & set(simulator.cannot)
    assert set(simulator.differs) <= set(simulator.names)
    assert all([*simulator.cannot.values(), *simulator.differs.values()])
    for word in simulator.cannot:
        assert simulator.operation_id(word, {"color": 1}) is None
        assert simulator.why_not(word)
    for word in simulator.names:
        assert simulator.operation_id(word, {"color": 1}) is not None
        assert simulator.why_not(word) is None


@EVERY
def test_the_environment_has_35_operations_numbered_from_0(simulator: Simulator) -> None:
    assert sorted(simulator.ids.values()) == list(range(35))


@pytest.mark.parametrize(
    ("word", "arcle", "jaxarc"),
    [
        ("move_up", 20, 20),
        ("move_down", 21, 21),
        ("move_left", 23, 22),
        ("move_right", 22, 23),
        ("rotate_selection_clockwise", 25, 24),
        ("rotate_selection_counterclockwise", 24, 25),
        ("flip_x", 26, 26),
        ("flip_y", 27, 27),
        ("copy", 29, 28),
        ("paste", 30, 29),
        ("copy_from_input", 31, 32),
        ("reset_grid", 32, 31),
        ("resize", 33, 33),
        ("submit", 34, 34),
        ("undo", None, None),
    ],
)
def test_ids_are_looked_up_behind_names(word: str, arcle: int | None, jaxarc: int | None) -> None:
    assert (ARCLE.operation_id(word, {}), JAXARC.operation_id(word, {})) == (arcle, jaxarc)


@EVERY
def test_colours_are_part_of_an_operation(simulator: Simulator) -> None:
    assert [simulator.operation_id("draw", {"color": c}) for c in (0, 9, 10, None, True)] == [0, 9, None, None, None]
    assert simulator.operation_id("flood_fill", {"color": 3}) == 13


def test_a_copy_of_the_input_panel_is_another_operation_or_none() -> None:
    assert ARCLE.operation_id("copy", {"source": "input"}) == 28
    assert JAXARC.operation_id("copy", {"source": "input"}) is None
    assert ARCLE.operation_id("copy", {"source": "output"}) == 29


@EVERY
def test_a_word_that_nobody_knows_has_no_id(simulator: Simulator) -> None:
    assert simulator.operation_id("wink", {}) is None
    assert simulator.operation_id(None, {}) is None
