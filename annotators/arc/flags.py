"""What speaks against using an ARC trace as it is (layer `flag`), as far as the trace alone shows it.

* `orphan_paste`: a paste before any copy (of ARCTraj 471 of 9,110 traces); the first such step.
* `fraud_suspect`, the rule of ARCTraj's authors: a paste without any copy in a trace of under 10 s and at most 6 actions
  that ends with the right answer (342 traces): a script pasted the whole answer. The time is that from the first step to
  the last. The answer is the task's where it is known (`arc.success`), else the source says whether it was right.
* `idle`: a gap before a step, or a whole trace, longer than a threshold. ARCTraj's longest trace took 170,687 s.
* `empty_attempt`: nothing but submissions and looking around. Where the grid handed in is a blank 5x5 that is not the
  task's input, the page had not loaded.

Traces that repeat another are found over the whole task: `arc.duplicates`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from schemas.arc_operations import OPERATIONS

from ..annotation import Annotation
from ..protocol import Requires
from ..task import Task
from ..trajectory import TrajectoryView
from .recorded import Grid, grids_of
from .success import ANNOTATOR as SUCCESS
from .success import CORRECT, UNKNOWN

FRAUD_SECONDS, FRAUD_ACTIONS = 10.0, 6
"""Under so many seconds, and at most so many actions: the published rule."""

BLANK_SIDE = 5
"""Rows and columns of the grid that O2ARC shows before its page has loaded."""

_PASTES = frozenset({"paste", "paste_accept"})
"""Pastes that need a copy before them; `paste_cells` carries what it pastes."""

_LOOKING = frozenset(name for name, operation in OPERATIONS.items() if operation.kind == "system")


@dataclass(frozen=True, slots=True)
class Flag:
    """A word of the layer `flag`, the step where it shows, and what was seen there."""

    step: int
    outcome: str
    observed: str


def flag_row(
    layer: str, function: str, flags: Iterable[Flag], num_steps: int, thresholds: dict[str, Any] | None = None
) -> Annotation:
    """The one row of a layer about a trajectory."""
    found = sorted(flags, key=lambda flag: (flag.step, flag.outcome))
    payload = {
        "name": layer,
        "function": function,
        "evaluator": function,
        "args": thresholds,
        "steps": [flag.step for flag in found],
        "outcomes": [flag.outcome for flag in found],
        "observed": [flag.observed for flag in found],
    }
    return Annotation(layer, payload, start=0, end=num_steps)


def orphan_paste(names: Sequence[str | None]) -> Flag | None:
    """The first paste before any copy."""
    for step, name in enumerate(names):
        if name == "copy":
            return None
        if name in _PASTES:
            return Flag(step, "orphan_paste", "nothing was copied before: what is pasted is known from the record alone")
    return None


def looks_like_fraud(names: Sequence[str | None], times: Sequence[float | None]) -> bool:
    """Whether all of the published rule holds but for the answer, which costs more to look at."""
    known = [time for time in times if time is not None]
    quick = len(known) == len(names) > 0 and known[-1] - known[0] < FRAUD_SECONDS
    return quick and len(names) <= FRAUD_ACTIONS and "copy" not in names and not _PASTES.isdisjoint(names)


def idle(times: Sequence[float | None], gap_seconds: float, trace_seconds: float) -> list[Flag]:
    """The gaps longer than `gap_seconds`; where there is none, a whole trace longer than `trace_seconds`."""
    known = [(step, time) for step, time in enumerate(times) if time is not None]
    gaps = [(step, time - before) for (_, before), (step, time) in pairwise(known) if time - before > gap_seconds]
    if gaps:
        return [Flag(step, "idle", f"{gap:.0f} s passed before this step") for step, gap in gaps]
    whole = known[-1][1] - known[0][1] if known else 0.0
    return [Flag(known[-1][0], "idle", f"the trace took {whole:.0f} s")] if whole > trace_seconds else []


def empty_attempt(names: Sequence[str | None], last: Grid | None, task: Task | None, test: int | None) -> Flag | None:
    """Whether nothing was done but handing in the grid `last`, of the test of that number."""
    submits = [step for step, name in enumerate(names) if name == "submit"]
    others = [name for name in names if name != "submit"]
    if not submits or not all(name in _LOOKING for name in others):
        return None
    pair = None if task is None else task.test(test)
    given = None if pair is None else pair.input
    blank = np.zeros((BLANK_SIDE, BLANK_SIDE), np.uint8)
    not_loaded = last is not None and np.array_equal(last, blank) and (given is None or not np.array_equal(given, blank))
    observed = "page not loaded: the grid is a blank 5x5" if not_loaded else "the grid was handed in as it was"
    return Flag(submits[-1], "empty_attempt", observed)


@dataclass(frozen=True)
class Flags:
    """Fills `flag`. `gap_seconds`, `trace_seconds`: how long a gap and a trace may be before they are idle."""

    gap_seconds: float = 600.0
    trace_seconds: float = 3600.0

    name: ClassVar[str] = "arc.flags"
    version: ClassVar[str] = "1"
    producer_type: ClassVar[str] = "oracle"
    emits: ClassVar[tuple[str, ...]] = ("flag",)
    requires: ClassVar[Requires] = Requires("arc", columns=("action_name",), task=True)
    deterministic: ClassVar[bool] = True

    def propose(self, trajectory: TrajectoryView) -> Iterable[Annotation]:
        """One row, empty where nothing was found."""
        table = trajectory.steps
        names = table["action_name"].to_pylist()
        times = table["timestamp"].to_pylist()
        found = idle(times, self.gap_seconds, self.trace_seconds)
        if (paste := orphan_paste(names)) is not None:
            found.append(paste)
            if looks_like_fraud(names, times) and _solved(trajectory):
                seconds = times[-1] - times[0]
                found.append(
                    Flag(paste.step, "fraud_suspect", f"solved in {seconds:.1f} s and {len(names)} actions, without a copy")
                )
        if "submit" in names:
            row = len(names) - 1 - names[::-1].index("submit")
            test = table["test_index"].slice(row, 1).to_pylist()[0]
            last = grids_of(table["grid_after"].slice(row, 1))[0]
            empty = empty_attempt(names, last, trajectory.task, test)
            found += [empty] if empty is not None else []
        thresholds = {"gap_seconds": self.gap_seconds, "trace_seconds": self.trace_seconds}
        yield flag_row("flag", self.name, found, trajectory.num_steps, thresholds)


ANNOTATOR = Flags()


def _solved(trajectory: TrajectoryView) -> bool:
    """Whether the trace ends with the answers, or, where those are not known, its source says that it was right."""
    (row,) = SUCCESS.propose(trajectory)
    outcomes = set(row.payload["outcomes"])
    return outcomes == {CORRECT} or (UNKNOWN in outcomes and trajectory.header.get("success") is True)
