"""Faults planted in made traces: those that a record shows are found at their step, what no rule can see is none."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from annotators.arc.layered_replay import HALF_A_CELL, LayeredVerdicts
from tests.annotators.arc.made_tasks import small_tasks, verdicts
from tools.recorders.arctraj import MadeTask, MadeTrace, made_traces
from tools.recorders.arctraj_faults import SEEN, UNSEEN, Planted, planted
from tools.recorders.o2arc_editor import Action, Cells, Editor, State, played

RETURNS = ("Undo", "Redo")


@pytest.fixture(scope="module", params=[400, pytest.param(5000, marks=pytest.mark.slow)], ids=["hundreds", "thousands"])
def traces(request: pytest.FixtureRequest) -> list[MadeTrace]:
    return [*made_traces(small_tasks(40), request.param, seed=3), *(turned(random.Random(n)) for n in range(20))]


@pytest.mark.parametrize("kind", SEEN)
def test_a_fault_that_stays_is_found_at_its_step_alone(traces: list[MadeTrace], kind: str) -> None:
    for made, fault, found in faulty(traces, kind, persistent=True):
        assert diverged(found) == [fault.step], (made.log_id, fault.step)
        assert not any("because of" in (said or "") for said in found.observed)


@pytest.mark.parametrize("kind", SEEN)
def test_a_fault_of_one_record_is_found_once_and_named_by_the_next_step(traces: list[MadeTrace], kind: str) -> None:
    named = 0
    for made, fault, found in faulty(traces, kind, persistent=False):
        assert diverged(found) == [fault.step], (made.log_id, fault.step)
        after = fault.step + 1
        if after == len(found.outcomes) or made.script[after].operation in RETURNS:
            continue  # an undo is an earlier state, whatever the record before it
        said = found.observed[after] or ""
        if said == HALF_A_CELL:
            continue  # where it falls is the record's to say
        follows = from_record(made, fault.editor.shown, after) == fault.editor.shown[after]
        assert follows != (f"because of step {fault.step}:" in said), (made.log_id, fault.step, said)
        named += not follows
    assert named > 25


@pytest.mark.parametrize("kind", UNSEEN)
def test_what_no_rule_can_see_is_no_fault_where_it_stays(traces: list[MadeTrace], kind: str) -> None:
    for made, fault, found in faulty(traces, kind, persistent=True):
        assert diverged(found) == [], (made.log_id, fault.step)


@pytest.mark.parametrize("kind", UNSEEN)
def test_what_no_rule_can_see_in_one_record_is_found_at_most_where_it_comes_out(traces: list[MadeTrace], kind: str) -> None:
    for made, fault, found in faulty(traces, kind, persistent=False):
        assert diverged(found) in ([], [uncovered(made, fault)]), (made.log_id, fault.step)


def faulty(traces: list[MadeTrace], kind: str, persistent: bool) -> Iterator[tuple[MadeTrace, Planted, LayeredVerdicts]]:
    """Traces with a fault of a kind each, and what the replay says of them."""
    dice = random.Random(kind)
    found = [(made, fault) for made in traces if (fault := planted(dice, made, kind, persistent)) is not None]
    assert len(found) > {"half_cell": 10, "payload": 10}.get(kind, 100)
    said = verdicts([made for made, _ in found], [made.row(made.actions(fault.editor)) for made, fault in found])
    return ((made, fault, one) for (made, fault), one in zip(found, said, strict=True))


def uncovered(made: MadeTrace, fault: Planted) -> int | None:
    """The first step after a fault that shows something else than its action gives from the record before it."""
    shown = fault.editor.shown
    for step in range(fault.step + 1, len(shown)):
        if made.script[step].operation in RETURNS:
            if shown[step] not in [State(made.start), *shown[:step]]:
                return step
        elif from_record(made, shown, step).seen != shown[step].seen:
            return step
    return None


def from_record(made: MadeTrace, shown: Sequence[State], step: int) -> State:
    """What the editor shows after a step, from the state recorded before it."""
    action, editor = made.script[step], Editor(made.start)
    editor.clip = _clip(made, step)
    own = [state for state, before in zip(shown[:step], made.script, strict=False) if before.source != "input"]
    editor.state = own[-1] if own else State(made.start)
    editor.play(action)
    return editor.shown[-1]


def _clip(made: MadeTrace, step: int) -> Cells:
    copies = [clip for clip, action in zip(made.clips[:step], made.script, strict=False) if action.operation == "Copy"]
    return copies[-1] if copies else {}


def turned(dice: random.Random) -> MadeTrace:
    """Six cells of six colours, turned about half a cell, which players seldom do, and then worked on."""
    grid = [[1, 2, 3, 0, 0], [4, 5, 6, 0, 0], *([0] * 5 for _ in range(3))]
    script = [
        Action("SelectGrid", cells=tuple((x, y) for x in range(3) for y in range(2))),
        Action("Rotate", direction=dice.choice(["clockwise", "counterclockwise"]), side=dice.randrange(2)),
        Action("Move", direction="down"),
        Action("Paint", color=8),
        Action("Submit"),
    ]
    editor = played(script, grid)
    made = MadeTrace(1, MadeTask("t", grid, [[1]]), script, editor.shown, editor.clips, grid)
    made.stamps = ["2024-02-15T02:35:26.767Z"] * len(script)
    return made


def diverged(found: LayeredVerdicts) -> list[Any]:
    return [step for step, outcome in enumerate(found.outcomes) if outcome == "diverged"]
