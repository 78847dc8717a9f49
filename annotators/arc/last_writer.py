"""Which action last wrote what another one uses (layer `last_writer`): links from step to step.

Writers and readers are actions on objects (`annotators.arc.object_actions`), so that a stroke of thirty cells is one
writer; each is named by its last step. Three relations:

* `pastes`: what is pasted was copied there. A paste without a copy before it (an orphan, in ARCTraj) has none;
* `reads`: cells that a copy, a move, a turn or a flip takes up were last written there;
* `overwrites`: cells that an edit changes were last written there, where it does not read them as well.

What the test began with was written by nobody. Undo, redo and start over bring back the writers of the grid that they
bring back, and write nothing. Of many writers the `most` with the most cells are linked (of equals the later ones);
`evidence` says how many of the cells are theirs. Copy to paste and last writer are what the value flow of screen recordings
is on grids: it tells which earlier step an outcome hangs on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from ..annotation import Annotation
from ..protocol import Requires
from ..trajectory import TrajectoryView
from .object_actions import ObjectAction, object_actions
from .recorded import Grid, RecordedStep, recorded_steps
from .selections import selected_cells
from .states import States, states_of

Cells = npt.NDArray[np.int64]
Writers = npt.NDArray[np.int32]
"""Per cell of a grid the place of the action that last wrote it, -1 = nobody."""

_BRINGS_BACK = frozenset({"undo", "redo", "start_over"})
_READS = frozenset({"copy", "move", "rotate", "displace", "flip"})


@dataclass(frozen=True, slots=True)
class Link:
    """`source` wrote what `destination` uses: both steps; `evidence` is a count of cells in words, None for a paste."""

    source: int
    destination: int
    relation: str
    evidence: str | None = None


@dataclass(frozen=True)
class LastWriter:
    """Proposes `last_writer`. `most`: writers that are linked per action and relation."""

    most: int = 3

    name: ClassVar[str] = "arc.last_writer"
    version: ClassVar[str] = "1"
    producer_type: ClassVar[str] = "signal"
    emits: ClassVar[tuple[str, ...]] = ("last_writer",)
    requires: ClassVar[Requires] = Requires("arc", columns=("action_name", "grid_after"))
    deterministic: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Raises ValueError for fewer than one writer."""
        if self.most < 1:
            raise ValueError("most should be 1 or more")

    def propose(self, trajectory: TrajectoryView) -> Iterable[Annotation]:
        """A link per pair of actions and relation."""
        steps = recorded_steps(trajectory)
        for link in links(steps, states_of(steps), *selected_cells(trajectory.steps["selection"]), self.most):
            payload = {
                "source_step": link.source,
                "destination_step": link.destination,
                "relation": link.relation,
                "evidence": link.evidence,
            }
            yield Annotation("last_writer", payload, link.destination, link.destination + 1)


ANNOTATOR = LastWriter()


@dataclass(slots=True)
class _Used:
    """What one action used: how many cells of each writer it read and overwrote, of how many."""

    read: dict[int, int] = field(default_factory=dict)
    overwritten: dict[int, int] = field(default_factory=dict)
    cells_read: int = 0
    cells_overwritten: int = 0


def links(steps: Sequence[RecordedStep], states: States, rows: Cells, cells: Cells, most: int = 3) -> list[Link]:
    """All links, by destination; `rows`, `cells` as `selected_cells` gives them."""
    actions = object_actions(steps, states)
    action_of = {step: place for place, action in enumerate(actions) for step in range(action.start, action.end)}
    used = [_Used() for _ in actions]
    began: set[int] = set()
    written: dict[int, Writers] = {}
    for row, step in enumerate(steps):
        place = action_of.get(step.step)
        before, after = states.before[row], states.after[row]
        if before is None:
            continue
        writers = written.get(before)
        if writers is None:
            writers = written[before] = np.full(states.grids[before].shape, -1, np.int32)
        works = step.operation is None or step.operation.edits or step.name == "copy"
        if place is not None and works and place not in began and actions[place].label in _READS:
            began.add(place)
            _read(used[place], writers, cells[np.searchsorted(rows, row) : np.searchsorted(rows, row, "right")])
        if after is None or after == before:
            continue
        if not (step.name in _BRINGS_BACK and after in written):
            both = states.grids[before], states.grids[after], _corner(step), writers
            written[after] = _written(*both, -1 if place is None else place)
            if place is not None and step.name not in _BRINGS_BACK:
                _overwrite(used[place], *both)
    return [*_linked(actions, used, most)]


def _read(used: _Used, writers: Writers, cells: Cells) -> None:
    """Count who wrote the selected cells."""
    inside = cells[(cells >= 0).all(axis=1) & (cells < writers.shape).all(axis=1)]
    used.cells_read = len(inside)
    _count(used.read, writers[inside[:, 0], inside[:, 1]])


def _overwrite(used: _Used, old: Grid, new: Grid, corner: tuple[int, int], writers: Writers) -> None:
    """Count who wrote the cells that become others, or are lost."""
    changed = np.ones(old.shape, np.bool_)
    window, kept = _common(old, new, corner)
    changed[window] = old[window] != new[kept]
    used.cells_overwritten += int(np.count_nonzero(changed))
    _count(used.overwritten, writers[changed])


def _count(counts: dict[int, int], writers: Writers) -> None:
    places, sizes = np.unique(writers[writers >= 0], return_counts=True)
    for place, size in zip(places.tolist(), sizes.tolist(), strict=True):
        counts[place] = counts.get(place, 0) + size


def _written(old: Grid, new: Grid, corner: tuple[int, int], writers: Writers, place: int) -> Writers:
    """Who last wrote the cells of the new grid."""
    made = np.full(new.shape, place, np.int32)
    window, kept = _common(old, new, corner)
    made[kept] = np.where(old[window] == new[kept], writers[window], np.int32(place))
    return made


def _corner(step: RecordedStep) -> tuple[int, int]:
    """Row and column of the grid before that is the top left of the grid after: of a crop, its own."""
    row, column = step.arguments.get("y"), step.arguments.get("x")
    if step.name != "crop" or type(row) is not int or type(column) is not int or min(row, column) < 0:
        return 0, 0
    return row, column


Window = tuple[slice, slice]


def _common(old: Grid, new: Grid, corner: tuple[int, int]) -> tuple[Window, Window]:
    """The cells that both grids have, in the old one (from `corner`) and in the new one."""
    (row, column), (rows, columns) = corner, new.shape
    rows, columns = max(min(rows, old.shape[0] - row), 0), max(min(columns, old.shape[1] - column), 0)
    return (slice(row, row + rows), slice(column, column + columns)), (slice(0, rows), slice(0, columns))


def _linked(actions: Sequence[ObjectAction], used: Sequence[_Used], most: int) -> Iterable[Link]:
    """The links of all actions."""
    copied: int | None = None
    for place, (action, own) in enumerate(zip(actions, used, strict=True)):
        last = action.end - 1
        if action.label == "paste" and copied is not None:
            yield Link(copied, last, "pastes")
        if action.label == "copy":
            copied = last
        overwritten = {writer: size for writer, size in own.overwritten.items() if writer not in own.read}
        for relation, counts, cells in (
            ("reads", own.read, own.cells_read),
            ("overwrites", overwritten, own.cells_overwritten),
        ):
            for size, writer in sorted(((n, w) for w, n in counts.items() if w != place), reverse=True)[:most]:
                yield Link(actions[writer].end - 1, last, relation, f"{size} of {cells} cells")
