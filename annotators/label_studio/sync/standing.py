"""What stands in the project in Label Studio, against what the ledger says; copies that arrived twice are removed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ..client import Client
from ..ledger import Entry, Ledger, State
from .patience import Patience
from .sentences import many


@dataclass(frozen=True, slots=True)
class Standing:
    """A task in Label Studio. `uid`, `version`: empty where we did not make it. `predictions`: how many it has."""

    id: int
    uid: str
    version: str
    predictions: int


def standing_tasks(client: Client, project: int, patience: Patience) -> list[Standing]:
    """All tasks of a project, ascending by id. Pages follow the id, so that what is deleted meanwhile hides nothing."""
    found: list[Standing] = []
    while True:
        after = found[-1].id if found else 0
        page = patience.repeat(partial(client.tasks_after, project, after))
        found += [_standing(task) for task in page]
        if not page:
            return found


def with_counted_predictions(client: Client, project: int, tasks: Sequence[Standing], patience: Patience) -> Sequence[Standing]:
    """The tasks with the true number of their predictions: Label Studio does not lower its own when many are deleted."""
    if not tasks:
        return tasks
    number = int(patience.repeat(partial(client.project, project))["total_predictions_number"])
    if number == sum(task.predictions for task in tasks):
        return tasks
    counts = Counter(int(found["task"]) for found in patience.repeat(partial(client.predictions, project_id=project)))
    return [replace(task, predictions=counts[task.id]) for task in tasks]


def by_uid(tasks: Iterable[Standing]) -> dict[str, list[Standing]]:
    """By uid, the tasks that carry it, ascending by id; without those that somebody added by hand."""
    found: dict[str, list[Standing]] = defaultdict(list)
    for task in tasks:
        if task.uid:
            found[task.uid].append(task)
    return dict(found)


def remove_copies(
    client: Client, ledger: Ledger, state: State, tasks: Sequence[Standing], patience: Patience, notes: list[str]
) -> list[Standing]:
    """The tasks without the copies that no person has touched; they are deleted.

    One of each uid stays: those with human work, else the one that the ledger knows, else the oldest. Where people worked
    on two, both stay, and what was saved on either counts for the uid.
    """
    doubled = {uid: found for uid, found in by_uid(tasks).items() if len(found) > 1}
    if not doubled:
        return list(tasks)
    assert state.identity is not None
    project = state.identity.project
    touched = touched_tasks(client, project, [task.id for found in doubled.values() for task in found], patience)
    remove: list[Standing] = []
    for uid, found in doubled.items():
        worked_on = [task for task in found if task.id in touched]
        if len(worked_on) > 1:
            where = ", ".join(str(task.id) for task in worked_on)
            notes.append(
                f"task {uid} stands {len(worked_on)} times and people worked on each ({where}): all of it counts for it"
            )
        keep = worked_on or [min(found, key=lambda task: (state.ids.get(task.id) != task.uid, task.id))]
        remove += [task for task in found if task not in keep]
    ids = [task.id for task in remove]
    for start in range(0, len(ids), 500):
        patience.repeat(partial(client.delete_untouched_tasks, project, ids[start : start + 500]))
    left = {task.id for task in standing_tasks(client, project, patience)}
    gone = [task for task in remove if task.id not in left]
    ledger.keep(state, [_gone(task.id, task.uid, "copy") for task in gone if task.id in state.ids])
    if gone:
        notes.append(f"{many(len(gone), 'task')} had arrived twice; the copies, which nobody had touched, were removed")
    removed = {task.id for task in gone}
    return [task for task in tasks if task.id not in removed]


def touched_tasks(client: Client, project: int, ids: Sequence[int], patience: Patience) -> set[int]:
    """Those of the tasks that hold human work: something saved, a skip, or a draft."""
    return {
        int(task["id"])
        for task in patience.repeat(lambda: client.export(project, ids))
        if task["annotations"] or task["drafts"]
    }


def reconcile(ledger: Ledger, state: State, tasks: Sequence[Standing], notes: list[str]) -> None:
    """Record what a full listing shows and the ledger does not: tasks that people deleted or added, answers that were lost."""
    here = {task.id: task for task in tasks}
    uids = {task.uid for task in tasks}
    entries: list[Entry] = []
    deleted: list[str] = []
    for task, uid in state.ids.items():
        if task in here and here[task].uid == uid:
            continue
        why = "deleted" if uid not in uids else "copy"  # another copy of it still stands
        entries.append(_gone(task, uid, why))
        if uid and why == "deleted":
            deleted.append(uid)
    for found in tasks:
        if state.ids.get(found.id) != found.uid:
            entries.append({"kind": "task", "uid": found.uid, "id": found.id, "version": found.version})
    ledger.keep(state, entries)
    if deleted:
        notes.append(
            f"deleted in Label Studio: {many(len(deleted), 'task')} ({_some(deleted)}); what was pulled of them is kept, and they "
            f"are not pushed again unless that is asked for"
        )


def _standing(task: dict[str, Any]) -> Standing:
    data = task["data"] if isinstance(task["data"], dict) else {}
    ours = isinstance(data.get("uid"), str) and isinstance(data.get("version"), str)
    uid, version = (data["uid"], data["version"]) if ours else ("", "")
    return Standing(int(task["id"]), uid, version, int(task["total_predictions"]))


def _gone(task: int, uid: str, why: str) -> Entry:
    return {"kind": "task_gone", "id": task, "uid": uid, "why": why}


def _some(uids: Sequence[str]) -> str:
    return ", ".join(uids[:3]) + (", ..." if len(uids) > 3 else "")
