"""What reading a part of a release costs, from the footers of its files: bytes of the column chunks that a reader must fetch.

A reader of some columns fetches their chunks, one that filters by `trajectory_id` those of the row groups whose range of ids
may hold one that is asked for. To both come the footers of the files that are opened, which are stated beside it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from data_cards.facts import ReadingFacts
from schemas.arrow import columns_of
from schemas.tables import KINDS, STEP_TABLES

from .published import IDS, Footer

STATES = {"robot": "state", "arc": "grid_before", "gui": "screenshot"}
"""Domain → the column of its steps that shows what was there before the action."""


@dataclass(frozen=True)
class Sizes:
    """The footers of a release, by name of file."""

    footers: Mapping[str, Footer]

    @property
    def folders(self) -> list[str]:
        """Folders that hold files, in order of name."""
        return sorted({name.rsplit("/", 1)[0] for name in self.footers})

    def of(self, *folders: str) -> list[Footer]:
        """The footers of all files of some folders."""
        return [footer for name, footer in self.footers.items() if name.rsplit("/", 1)[0] in folders]

    def reading(self, what: str, folders: Collection[str], without: Collection[str] = ()) -> ReadingFacts:
        """The cost of whole folders, but for some columns."""
        files = self.of(*folders)
        stored = [group.stored for footer in files for group in footer.groups]
        size = sum(sum(size for column, size in of.items() if column not in without) for of in stored)
        return ReadingFacts(what, size, len(files), sum(footer.size for footer in files))


def reading_facts(footers: Mapping[str, Footer], tasks: Mapping[str, Mapping[str, str]]) -> list[ReadingFacts]:
    """The parts that readers ask for, with what each costs; the last is everything. Only parts that the release has.

    `tasks`: domain → trajectory_id → task_id, of the trajectories that have one.
    """
    sizes = Sizes(footers)
    there = sizes.folders
    labels = [folder for folder in there if folder.split("/")[0] in KINDS]
    steps = [table for table in STEP_TABLES.values() if table in there]
    found = []
    if labels:
        found.append(sizes.reading("labels alone, all layers", labels))
        by_layer = [sizes.reading(f"one layer (the largest: `{folder.split('/')[1]}`)", [folder]) for folder in labels]
        found.append(max(by_layer, key=lambda one: one.bytes))
    if "trajectories" in there:
        found.append(sizes.reading("`trajectories`", ["trajectories"]))
    for domain, task_of in tasks.items():
        if task_of and STEP_TABLES.get(domain) in steps:
            found.append(_states_of_a_task(sizes, domain, task_of))
    if steps:
        media = {column.name for table in steps for column in columns_of(table) if column.media}
        named = ", ".join(f"`{table}`" for table in steps)
        found.append(sizes.reading(f"all steps without media ({named})", steps, media))
    return [*found, sizes.reading("everything", there)]


def task_costs(groups: Iterable[tuple[str | None, str | None, int]], task_of: Mapping[str, str]) -> dict[str, int]:
    """Task → bytes of the row groups that may hold one of its trajectories. `groups`: least id, greatest id, bytes."""
    ids = sorted(task_of)
    costs = dict.fromkeys(task_of.values(), 0)
    for first, last, size in groups:
        low, high = (0, len(ids)) if first is None or last is None else (bisect_left(ids, first), bisect_right(ids, last))
        for task in {task_of[i] for i in ids[low:high]}:
            costs[task] += size
    return costs


def _states_of_a_task(sizes: Sizes, domain: str, task_of: Mapping[str, str]) -> ReadingFacts:
    """Ids from `trajectories`, then the states of those ids: of the task in the middle, in order of what they cost."""
    table, state = STEP_TABLES[domain], STATES[domain]
    steps = sizes.of(table)
    groups = [
        (group.first, group.last, _stored(group.stored, (IDS, "step", state))) for footer in steps for group in footer.groups
    ]
    costs = sorted(task_costs(groups, task_of).values())
    headers = sizes.of("trajectories")
    ids = sum(_stored(group.stored, (IDS, "task_id")) for footer in headers for group in footer.groups)
    files = [*headers, *steps]
    which = f"the median of {len(costs)}" if len(costs) > 1 else "the only one"
    what = f"`{state}` of one task of {domain} ({which})"
    return ReadingFacts(what, ids + costs[(len(costs) - 1) // 2], len(files), sum(footer.size for footer in files))


def _stored(of: Mapping[str, int], columns: Sequence[str]) -> int:
    return sum(of.get(column, 0) for column in columns)
