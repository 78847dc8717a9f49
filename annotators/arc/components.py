"""Objects with an identity over a trajectory (layer `component`), for each grid that a person had before them.

An object is a set of 4-connected cells of one colour other than 0 (`annotators.arc.objects`). From a grid to the one that
a step made of it, an object keeps its id where only one reading is possible; these are tried in this order, each on what
the ones before left over:

1. *stayed*: the same cells in the same colour;
2. *moved*: one old and one new object of that colour and shape;
3. *turned*: one old and one new object of that colour whose shapes are mirrored or turned by quarters;
4. *grew or shrank*: an old and a new object of one colour that share cells, with each other and with no other;
5. *recoloured*: the same cells in another colour.

Whatever else appears gets a new id: where two objects become one, or one falls apart, none of them goes on. A grid that
was there before (after an undo) has the ids that it had then. Per-cell ids are what models with object masks take
("push and pull" clusters in Park et al. 2023; Kim, Lee, Kim, arXiv 2409.14191).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from ..annotation import Annotation, Statements
from ..protocol import Requires
from ..trajectory import Trajectories, TrajectoryView
from .objects import Ints, Objects, objects_of
from .recorded import RecordedStep, recorded_steps
from .states import States, states_of
from .together import Together, lists, together

Ints64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Components:
    """Proposes `component`."""

    name: ClassVar[str] = "arc.components"
    version: ClassVar[str] = "1"
    producer_type: ClassVar[str] = "signal"
    emits: ClassVar[tuple[str, ...]] = ("component",)
    requires: ClassVar[Requires] = Requires("arc", columns=("grid_after",))
    deterministic: ClassVar[bool] = True

    def propose(self, trajectory: TrajectoryView) -> Iterable[Annotation]:
        """One row: the ids of the cells of each grid, at the steps that led to another one."""
        steps, ids, count = components(recorded_steps(trajectory))
        payload = {"steps": steps, "codes": ids, "codebook": CODEBOOK, "codebook_size": count + 1}
        yield Annotation("component", payload, 0, trajectory.num_steps)

    def propose_many(self, trajectories: Trajectories) -> Iterable[Statements]:
        """The same of many trajectories at once."""
        steps = together(trajectories)
        objects = steps.objects
        owners = np.searchsorted(steps.first_grid, np.arange(len(steps.states.grids)), side="right") - 1
        ids = identities(steps.states, objects, owners)
        counts = np.zeros(len(steps.lengths), np.int32)
        np.maximum.at(counts, owners[objects.grid[1:]], ids[1:])
        rows = _shown(steps)
        of_cells = ids[objects.labels]
        grids = steps.after[rows].tolist()
        firsts, shapes = objects.first_row.tolist(), objects.shapes.tolist()
        cells = [of_cells[firsts[g] : firsts[g] + shapes[g][0], : shapes[g][1]].ravel() for g in grids]
        codes = lists(np.concatenate([np.zeros(0, np.int32), *cells]), [len(one) for one in cells])
        shown = np.bincount(steps.owners[rows], minlength=len(steps.lengths))
        payload = {
            "steps": lists(steps.steps[rows].astype(np.int32), shown),
            "codes": lists(codes, shown),
            "codebook": [CODEBOOK] * len(steps.lengths),
            "codebook_size": counts + 1,
        }
        every = np.arange(len(steps.lengths))
        yield Statements("component", every, payload, [0] * len(every), steps.lengths.astype(np.int32))


ANNOTATOR = Components()

CODEBOOK = "objects of this trajectory from 1, 0 = colour 0; cells of grid_after row by row"


def _shown(steps: Together) -> Ints64:
    """The steps that show another grid than the one before them that shows one, in a trajectory."""
    rows = np.flatnonzero(steps.after >= 0)
    grids, owners = steps.after[rows], steps.owners[rows]
    other = np.append(True, (grids[1:] != grids[:-1]) | (owners[1:] != owners[:-1]))[: len(rows)]
    return np.asarray(rows[other])


def components(steps: Sequence[RecordedStep]) -> tuple[list[int], list[list[int]], int]:
    """Steps that show another grid than the listed step before them, the id of each cell of theirs, and how many ids."""
    states = states_of(steps)
    objects = objects_of(states.grids)
    ids = identities(states, objects)
    of_cells = ids[objects.labels]
    shown: list[int] = []
    cells: list[list[int]] = []
    last = None
    for step, number in zip(steps, states.after, strict=True):
        if number is not None and number != last:
            rows, columns = states.grids[number].shape
            first = int(objects.first_row[number])
            shown.append(step.step)
            cells.append(of_cells[first : first + rows, :columns].ravel().tolist())
            last = number
    return shown, cells, int(ids.max(initial=0))


def identities(states: States, objects: Objects, owners: Ints64 | None = None) -> Ints:
    """The id of each object by its number, from 1 in order of appearance; 0 for no object.

    `owners`: the trajectory of each grid where there are several; ids count from 1 in each.
    """
    parents, sharing, repainted = _stayed(states, objects)
    colour, area, box = objects.colour.tolist(), objects.area.tolist(), objects.box.tolist()
    known = _Known(objects, colour, area, box, parents.tolist(), sharing, repainted)
    borders = np.searchsorted(objects.grid[1:], np.arange(len(states.grids) + 1)) + 1
    numbers = [range(start, end) for start, end in pairwise(borders.tolist())]
    for grid, source in enumerate(states.came_from):
        if source is not None:
            _match(known, numbers[source], numbers[grid], grid)
    parents = np.array(known.parents)
    new = (parents == 0).astype(np.int32)
    new[0] = 0
    ids = np.cumsum(new, dtype=np.int32)
    if owners is not None:
        first = np.searchsorted(owners[objects.grid[1:]], np.arange(owners.max(initial=-1) + 1)) + 1
        ids[1:] -= ids[first - 1][owners[objects.grid[1:]]]
    given = ids.tolist()
    for number, parent in enumerate(known.parents):
        if parent:
            given[number] = given[parent]
    return np.array(given, np.int32)


Pair = tuple[int, int]
"""An object of the grid before, and one of the grid after."""


@dataclass(frozen=True, slots=True)
class _Known:
    """The objects as lists by number, `parents` (which object before it an object is, 0 = none yet), and pairs by grid.

    `sharing`: pairs of one colour that share cells; `repainted`: pairs of the same cells in two colours.
    """

    objects: Objects
    colour: list[int]
    area: list[int]
    box: list[list[int]]
    parents: list[int]
    sharing: dict[int, list[Pair]]
    repainted: dict[int, list[Pair]]

    def size(self, number: int) -> tuple[int, int]:
        """Rows and columns of its box."""
        top, left, bottom, right = self.box[number]
        return bottom - top, right - left


def _stayed(states: States, objects: Objects) -> tuple[Ints, dict[int, list[Pair]], dict[int, list[Pair]]]:
    """By number of an object the one that it was in the grid before, where cells and colour are the same, else 0.

    Of the others by the grid after: pairs of one colour that share cells, and pairs of the same cells in two colours.
    """
    parents = np.zeros(len(objects.area), np.int32)
    made = [grid for grid, source in enumerate(states.came_from) if source is not None]
    after, before, counts = objects.overlaps(made, [source for source in states.came_from if source is not None])
    same_cells = (counts == objects.area[after]) & (counts == objects.area[before])
    same_colour = objects.colour[after] == objects.colour[before]
    stayed = same_cells & same_colour
    parents[after[stayed]] = before[stayed]
    sharing = _by_grid(objects, before, after, same_colour & ~stayed)
    return parents, sharing, _by_grid(objects, before, after, same_cells & ~stayed)


def _by_grid(objects: Objects, before: Ints, after: Ints, which: npt.NDArray[np.bool_]) -> dict[int, list[Pair]]:
    """Some of the pairs by the grid after."""
    found: dict[int, list[Pair]] = {}
    before, after = before[which], after[which]
    for grid, one, other in zip(objects.grid[after].tolist(), before.tolist(), after.tolist(), strict=True):
        found.setdefault(grid, []).append((one, other))
    return found


def _match(known: _Known, all_old: range, all_new: range, grid: int) -> None:
    """Find what the objects of a grid were that have not stayed, by the rules from 2 on."""
    parents = known.parents
    new = {number for number in all_new if not parents[number]}
    old = set(all_old).difference(parents[all_new.start : all_new.stop]) if new else set()
    if not old:
        return

    def take(pairs: Iterable[Pair]) -> None:
        for before, after in list(pairs):
            parents[after] = before
            old.remove(before)
            new.remove(after)

    alike = _alike(old, new, lambda n: (known.colour[n], known.area[n], *sorted(known.size(n))))
    if alike:
        take(_alone(alike, lambda n: (known.size(n), known.objects.mask(n).tobytes())))  # moved
        left = [([n for n in befores if n in old], [n for n in afters if n in new]) for befores, afters in alike]
        take(_alone(left, lambda n: _lying(known.objects.mask(n))))  # turned
    take(_grown(known.sharing.get(grid, ()), old, new))
    take([pair for pair in known.repainted.get(grid, ()) if pair[0] in old and pair[1] in new])  # recoloured


def _grown(sharing: Iterable[Pair], old: set[int], new: set[int]) -> list[Pair]:
    """Pairs of one colour that share cells with each other alone."""
    left = [(before, after) for before, after in sharing if before in old and after in new]
    befores, afters = [before for before, _ in left], [after for _, after in left]
    return [pair for pair in left if befores.count(pair[0]) == 1 and afters.count(pair[1]) == 1]


Groups = list[tuple[list[int], list[int]]]
"""Old and new objects that may be each other."""


def _alike(old: Iterable[int], new: Iterable[int], key: Callable[[int], Hashable]) -> Groups:
    """Old and new objects of one key, of the keys that both have; in order of number."""
    befores: dict[Hashable, list[int]] = {}
    for number in sorted(old):
        befores.setdefault(key(number), []).append(number)
    afters: dict[Hashable, list[int]] = {}
    for number in sorted(new):
        afters.setdefault(key(number), []).append(number)
    return [(befores[what], numbers) for what, numbers in afters.items() if what in befores]


def _alone(groups: Groups, key: Callable[[int], Hashable]) -> Iterator[Pair]:
    """The pairs of one old and one new object of a group whose key no other of it has."""
    for befores, afters in groups:
        for one, other in _alike(befores, afters, key):
            if len(one) == len(other) == 1:
                yield one[0], other[0]


def _lying(mask: npt.NDArray[np.bool_]) -> bytes:
    """A shape as bytes that are the same for all its mirror images and quarter turns."""
    wide = mask if mask.shape[1] >= mask.shape[0] else mask.T
    sides = [wide, wide.T] if wide.shape[0] == wide.shape[1] else [wide]
    return min(side[::down, ::across].tobytes() for side in sides for down in (1, -1) for across in (1, -1))
