"""Giving proposals to people: batch after batch, each task once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

from ..client import Client
from ..errors import LabelStudioError
from ..ledger import Entry, Ledger, State
from .outgoing import Outgoing, ProjectSpec, Rendered, rendered
from .patience import Patience, may_pass, rest
from .projects import ensure_project
from .replace import replace_proposals
from .sentences import many
from .standing import Standing, by_uid, reconcile, remove_copies, standing_tasks, touched_tasks, with_counted_predictions

BATCH = 500
"""Tasks of one import: fast, and it fits into an address when they are looked for."""
Watch = Callable[[int], None]
"""Called with how many tasks are done."""
T = TypeVar("T")


@dataclass(slots=True)
class PushReport:
    """What a push did, in numbers of tasks.

    `added`: sent now. `unchanged`: stood there already. `replaced`: got new proposals, nobody had touched them. `left`: uids
    with other proposals now, kept as they are because somebody worked on them. `deleted`: uids that people deleted, not sent
    again. `unknown`: imports whose answer was lost, each looked for before it was sent again. `notes`: sentences.
    """

    project: int = 0
    added: int = 0
    unchanged: int = 0
    replaced: int = 0
    left: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    unknown: int = 0
    notes: list[str] = field(default_factory=list)


def push(
    client: Client,
    ledger: Ledger,
    spec: ProjectSpec,
    config: str,
    outgoing: Iterable[Outgoing],
    watch: Watch = lambda _: None,
    patience: Patience | None = None,
    restore: bool = False,
    batch: int = BATCH,
) -> PushReport:
    """Let the project hold these tasks; what stands there already is not sent again, and human work is never touched.

    `restore`: send again what people deleted. `batch`: tasks of one import. Can be broken off anywhere and run again.
    Raises LabelStudioError when the server does not answer for longer than the patience, or refuses; LedgerError when the
    ledger cannot be written; ValueError for two tasks of one uid.
    """
    run = _Push(client, ledger, ledger.state(), patience or Patience(), PushReport(), restore)
    identity = ensure_project(client, ledger, run.state, spec, config, run.patience, run.report.notes)
    run.report.project = identity.project
    if identity.by_hand:
        run.report.notes.append("proposals that the edited config has no words for are refused")
    run.await_strays()
    run.look()
    done = 0
    for some in _batches(outgoing, batch):
        run.batch([rendered(one, spec.blind) for one in some])
        done += len(some)
        watch(done)
    run.settle()
    run.conclude()
    return run.report


@dataclass(slots=True)
class _Push:
    """One push under way. `standing`: uid → its task as it stood at the last look, kept up to date by what is sent."""

    client: Client
    ledger: Ledger
    state: State
    patience: Patience
    report: PushReport
    restore: bool
    standing: dict[str, Standing] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    worked_on: frozenset[str] = frozenset()
    doubt: bool = False

    @property
    def project(self) -> int:
        assert self.state.identity is not None
        return self.state.identity.project

    def look(self) -> None:
        """List what stands there, remove copies, and bring the ledger up to it."""
        tasks: Sequence[Standing] = standing_tasks(self.client, self.project, self.patience) if self.count() else []
        tasks = with_counted_predictions(self.client, self.project, tasks, self.patience)
        tasks = remove_copies(self.client, self.ledger, self.state, tasks, self.patience, self.report.notes)
        reconcile(self.ledger, self.state, tasks, self.report.notes)
        self.standing = {uid: found[0] for uid, found in by_uid(tasks).items()}
        self.worked_on = frozenset(saved.uid for saved in self.state.standing.values() if not saved.skipped)

    def await_strays(self) -> None:
        """After a push that was broken off: its last import may still be under way, so wait until nothing comes any more."""
        if not self.state.sending:
            return
        self.doubt = True
        for pause in self.patience.looks():
            time.sleep(pause)
            if self.count() != len(self.state.ids):
                return

    def count(self) -> int:
        """How many tasks the project has, by the server's own count."""
        return int(self.patience.repeat(lambda: self.client.project(self.project))["task_number"])

    def batch(self, tasks: Sequence[Rendered]) -> None:
        """Send what is missing, and give what stands there its new proposals."""
        missing, changed = [], []
        for task in tasks:
            if task.uid in self.seen:
                raise ValueError(f"two tasks of one push have the uid {task.uid!r}")
            self.seen.add(task.uid)
            stands = self.standing.get(task.uid)
            if stands is None:
                if self._may_send(task.uid):
                    missing.append(task)
            elif stands.version == task.version and stands.predictions == len(task.predictions):
                self.report.unchanged += 1
            else:
                changed.append(task)
        self._import(missing)
        self._replace(changed)

    def settle(self) -> None:
        """Look until the number of tasks is what it should be, and stays so where an answer had been lost.

        An import that something held back can land after it was sent again. Until the patience ends, such copies are found
        here; later ones by the next push or pull.
        """
        pauses = iter((0.0, *self.patience.looks()) if self.doubt or self.report.unknown else (0.0,))
        for pause in pauses:
            time.sleep(pause)
            if self.count() != len(self.state.ids):
                self.look()
        if self.state.sending:
            self.ledger.keep(self.state, [{"kind": "sending", "uids": []}])

    def conclude(self) -> None:
        """The sentences."""
        report = self.report
        if report.left:
            report.notes.append(
                f"somebody worked on {many(len(report.left), 'task')} for which there are other proposals now: they stay as they are"
            )
        if report.unknown:
            report.notes.append(
                f"the answer to {many(report.unknown, 'import')} was lost: each was looked for before it was repeated"
            )
        again = [uid for uid in report.deleted if uid in self.worked_on]
        if again:
            report.notes.append(
                f"not sent again: {many(len(again), 'task')} that had been done, and then deleted in Label Studio; the work was pulled"
            )
        if len(report.deleted) > len(again):
            report.notes.append(
                f"not sent again unless that is asked for: {many(len(report.deleted) - len(again), 'task')} that people deleted"
            )

    def _may_send(self, uid: str) -> bool:
        if self.restore or not (uid in self.state.gone or uid in self.worked_on):
            return True
        self.report.deleted.append(uid)
        return False

    def _import(self, tasks: Sequence[Rendered]) -> None:
        """Import tasks, once: after an answer that was lost it looks for them, and waits before it takes them as missing."""
        if not tasks:
            return
        self._offer(tasks, [{"kind": "sending", "uids": [task.uid for task in tasks]}])
        waits = self.patience.waits()
        todo = list(tasks)
        while todo:
            try:
                ids = self.client.import_tasks(self.project, [task.body for task in todo])
            except LabelStudioError as error:
                pause = next(waits, None)
                if not may_pass(error) or pause is None:
                    raise
                rest(error, pause)
                if error.unknown_outcome:
                    self.report.unknown += 1
                    found = self._looked_for([task.uid for task in todo])
                    self._sent([task for task in todo if task.uid in found], [found[t.uid] for t in todo if t.uid in found])
                    todo = [task for task in todo if task.uid not in found]
                continue
            self._sent(todo, ids)
            return

    def _looked_for(self, uids: Sequence[str]) -> dict[str, int]:
        """Ids of those that arrived after all; returns early when all did."""
        found: dict[str, int] = {}
        for pause in (0.0, *self.patience.looks()):
            time.sleep(pause)
            found = self.patience.repeat(lambda: self.client.find_tasks(self.project, uids))
            if len(found) == len(uids):
                break
        return found

    def _sent(self, tasks: Sequence[Rendered], ids: Sequence[int]) -> None:
        self.ledger.keep(
            self.state,
            [
                {"kind": "task", "uid": task.uid, "id": number, "version": task.version}
                for task, number in zip(tasks, ids, strict=True)
            ],
        )
        for task, number in zip(tasks, ids, strict=True):
            self.standing[task.uid] = Standing(number, task.uid, task.version, len(task.predictions))
        self.report.added += len(tasks)

    def _replace(self, tasks: Sequence[Rendered]) -> None:
        """New proposals for tasks that nobody has touched."""
        if not tasks:
            return
        touched = touched_tasks(self.client, self.project, [self.standing[task.uid].id for task in tasks], self.patience)
        untouched = [task for task in tasks if self.standing[task.uid].id not in touched]
        self.report.left += [task.uid for task in tasks if self.standing[task.uid].id in touched]
        self._offer(untouched)
        entries: list[Entry] = []
        for task in untouched:
            stands = self.standing[task.uid]
            at = replace_proposals(self.client, self.project, stands, task, self.patience)
            entries.append({"kind": "task", "uid": task.uid, "id": stands.id, "version": task.version, "at": at})
        self.ledger.keep(self.state, entries)
        self.report.replaced += len(untouched)

    def _offer(self, tasks: Sequence[Rendered], more: Sequence[Entry] = ()) -> None:
        new = [task.offered for task in tasks if (task.uid, task.version) not in self.state.offered]
        self.ledger.keep(self.state, [*new, *more])


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
