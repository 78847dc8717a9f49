"""The ways of people through the grids of one ARC task, grids being ids (`annotators.arc.grid_ids`).

What annotators over a task start from. A *state* is a grid of one test of the task: its name is `<test>:<id of the grid>`,
or the id alone where a source does not say which test. A *path* is one trajectory on one test: the states that it saw
first, and a *move* per step that led from one state to another. Steps that change nothing are no moves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from ..task import Task
from ..trajectory import TaskView
from .grid_ids import grid_id

TABLE = "arc_states"

Region = tuple[int, int, int, int]
"""Top, left, bottom, right (half-open), in cells."""


@dataclass(frozen=True, slots=True)
class Move:
    """A step that led from `source` to another state, `target`; `operation` is its name, `region` where it worked."""

    step: int
    operation: str | None
    source: str
    target: str
    region: Region | None


@dataclass(slots=True)
class Path:
    """One trajectory on one test.

    `person`: who; a trajectory that does not say counts as a person of its own. `entries`: (step, state, whether it is the
    grid after that step) where it begins, and again wherever the record does not lead to what a move starts from.
    `submissions`: (step, state, verdict), the verdict None where nobody knows. `end`: the last state.
    """

    trajectory_id: str
    person: str
    test: int | None
    entries: list[tuple[int, str, bool]] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)
    submissions: list[tuple[int, str, bool | None]] = field(default_factory=list)
    end: str = ""

    def visits(self) -> Iterator[tuple[int, str, bool]]:
        """(step, state, whether it is the grid after that step), in order: where it begins, then where each move led."""
        entries = iter([*self.entries, (2**31, "", False)])
        following = next(entries)
        for move in self.moves:
            while following[0] <= move.step:
                yield following
                following = next(entries)
            yield move.step, move.target, True
        while following[1]:
            yield following
            following = next(entries)

    def outcome(self, step: int) -> float | None:
        """1 where a right answer was handed in at this step or later, 0 where only wrong ones were by then or before.

        None where no verdict on any submission is known.
        """
        known = [(at, right) for at, _, right in self.submissions if right is not None]
        return float(any(right for at, right in known if at >= step)) if known else None


def paths_of(task: TaskView) -> list[Path]:
    """The paths of all trajectories of a task, in order of trajectory and test; the views need the table `arc_states`.

    A submission is right where its grid is the answer; where the answer is not known its source says (`correct`), and of
    a single submission the header (`success`).
    """
    (found,) = paths_of_all([task])
    return found


def paths_of_all(tasks: Sequence[TaskView]) -> Iterator[list[Path]]:
    """`paths_of` of each of several tasks, whose tables are decoded at once."""
    tables = [view.tables[TABLE] for task in tasks for view in task.trajectories]
    joined = pa.concat_tables(tables).select(_COLUMNS)
    rows = list(zip(*(_values(column) for column in joined.columns), strict=True))
    lengths = iter(map(len, tables))
    first = 0
    for task in tasks:
        answers = _answers(task.task)
        found: list[Path] = []
        for view in task.trajectories:
            end = first + next(lengths)
            found += _paths(view.header, rows[first:end], answers)
            first = end
        yield found


def _values(column: pa.ChunkedArray) -> list[Any]:
    """The column as Python objects, None for null; by numpy, which is five times as fast as `to_pylist` (measured)."""
    array = pa.concat_arrays(column.chunks)
    if not pa.types.is_list(array.type):
        whole = pa.types.is_integer(array.type) and array.null_count  # numpy would make fractions of them
        values: list[Any] = array.to_pylist() if whole else array.to_numpy(zero_copy_only=False).tolist()
        return values
    boxes = iter(map(tuple, array.flatten().to_numpy().reshape(-1, 4).tolist()))
    return [next(boxes) if there else None for there in array.is_valid().to_numpy(zero_copy_only=False).tolist()]


_COLUMNS = ["step", "test_index", "operation", "before", "after", "region", "correct"]


def divergence(one: Path, other: Path) -> tuple[int, int] | None:
    """Where two paths part: the step of each that leads to a state which the other does not go to then.

    None where they begin in different states, or one ends before they part.
    """
    if not one.entries or not other.entries or one.entries[0][1] != other.entries[0][1]:
        return None
    for a, b in zip(one.moves, other.moves, strict=False):
        if (a.source, a.target) != (b.source, b.target):
            return a.step, b.step
    return None


def _paths(header: Mapping[str, Any], rows: Iterable[tuple[Any, ...]], answers: Mapping[str, str]) -> list[Path]:
    """The paths of one trajectory, by test. `rows`: its values of `_COLUMNS`, in order of step."""
    trajectory_id = str(header["trajectory_id"])
    person = str(header["agent"] or trajectory_id)
    found: dict[int | None, Path] = {}
    for step, test, operation, before, after, region, correct in rows:
        path = found.get(test)
        if path is None:
            path = found[test] = Path(trajectory_id, person, test)
        prefix = "" if test is None else f"{test}:"
        shown = after if before is None else before
        if not path.end or path.end != prefix + shown:
            path.entries.append((step, prefix + shown, before is None))
        if before is not None and after is not None and before != after:
            path.moves.append(Move(step, operation, prefix + before, prefix + after, region))
        path.end = prefix + (before if after is None else after)
        if operation == "submit":
            answer = answers.get(prefix)
            path.submissions.append((step, path.end, correct if answer is None else path.end == answer))
    for path in found.values():
        if len(found) == 1 and len(path.submissions) == 1 and path.submissions[0][2] is None:
            path.submissions[0] = (*path.submissions[0][:2], header["success"])
    return [found[test] for test in sorted(found, key=lambda test: (test is None, test or 0))]


def _answers(task: Task | None) -> dict[str, str]:
    """Prefix of a test → the state that is its answer, where it is known; a source that names no test plays the first."""
    found: dict[str, str] = {}
    for test, pair in enumerate(task.tests if task is not None else ()):
        if pair.output is not None:
            found[f"{test}:"] = f"{test}:{grid_id(pair.output)}"
            if test == 0:
                found[""] = grid_id(pair.output)
    return found
