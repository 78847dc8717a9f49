"""Taking back what people saved: what changed since the last time, and what is not there any more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from ..client import Changed, Client
from ..ledger import Entry, Ledger, Saved, State
from ..ledger.submissions import pseudonym
from ..ledger.texts import exact_text
from .patience import Patience
from .projects import find_known, note_config, note_gone
from .sentences import many
from .standing import reconcile, remove_copies, standing_tasks

OVERLAP = timedelta(seconds=60)
"""How far a pull looks back beyond the last one: for clocks that are set back, and writes that took their time."""
CHUNK = 250
"""Tasks per file of the ledger."""
Watch = Callable[[int, int], None]
"""Called with how many of how many changed tasks are read."""


@dataclass(slots=True)
class PullReport:
    """What a pull found. Numbers of annotations: `saved` new or saved again, `skipped` of them skips, `withdrawn` deleted by
    people. `tasks`: read. `drafts`: tasks with one, in all. `gone`: the project is. `notes`: sentences.
    """

    tasks: int = 0
    saved: int = 0
    skipped: int = 0
    withdrawn: int = 0
    drafts: int = 0
    gone: bool = False
    notes: list[str] = field(default_factory=list)


def pull(
    client: Client,
    ledger: Ledger,
    watch: Watch = lambda *_: None,
    patience: Patience | None = None,
    full: bool = False,
) -> PullReport:
    """Bring the ledger up to what people saved. `full`: read all tasks, not only those that changed.

    Can be broken off anywhere and run again. Raises LabelStudioError when the server does not answer for longer than the
    patience, or refuses; LedgerError when the ledger cannot be written.
    """
    patience = patience or Patience()
    report = PullReport()
    state = ledger.state()
    if state.identity is None:
        report.notes.append("nothing was pushed yet: `cairn review push` does")
        return report
    found = None if state.identity.gone else find_known(client, state.identity, patience)
    if found is None:
        report.gone = True
        if not state.identity.gone:
            note_gone(ledger, state, report.notes)
        return report
    note_config(ledger, state, found, report.notes)
    run = _Pull(client, ledger, state, patience, report, watch)
    run.changed(None if full else state.watermark)
    run.rest(run.tasks())
    run.drafts()
    run.conclude()
    return report


@dataclass(slots=True)
class _Pull:
    """One pull under way."""

    client: Client
    ledger: Ledger
    state: State
    patience: Patience
    report: PullReport
    watch: Watch

    @property
    def project(self) -> int:
        assert self.state.identity is not None
        return self.state.identity.project

    def changed(self, watermark: str | None) -> None:
        """Read the tasks that were touched since the watermark, oldest first; then move it.

        Of the overlap before it only what people answered is listed, not what a push has just brought.
        """
        with ThreadPoolExecutor(1) as beside:
            overlap = beside.submit(self._answered_before, watermark)
            tasks = self.patience.repeat(lambda: list(self.client.changed_tasks(self.project, watermark)))
            tasks += overlap.result()
        worth = (task for task in tasks if task.annotations or self.state.keys.get(task.task_id))
        self._read(list(dict.fromkeys(task.task_id for task in worth)))
        newest = max((task.updated_at for task in tasks), default=None, key=datetime.fromisoformat)
        if newest and newest != self.state.watermark:
            self.ledger.keep(self.state, [{"kind": "pulled", "watermark": newest}])

    def _answered_before(self, watermark: str | None) -> list[Changed]:
        """What people answered in the overlap before the watermark."""
        if watermark is None:
            return []
        since = datetime.fromisoformat(watermark) - OVERLAP
        return self.patience.repeat(lambda: list(self.client.answered_tasks(self.project, since, watermark)))

    def tasks(self) -> int:
        """Where the number of tasks is not the known one, list them: people deleted or added some, or an import came late.

        How many annotations there are now.
        """
        number, annotations = self._counts()
        if number == len(self.state.ids):
            return annotations
        tasks = standing_tasks(self.client, self.project, self.patience)
        tasks = remove_copies(self.client, self.ledger, self.state, tasks, self.patience, self.report.notes)
        reconcile(self.ledger, self.state, tasks, self.report.notes)
        return self._counts()[1]

    def rest(self, annotations: int) -> None:
        """Where the number of annotations is not the known one, read again, in the end everything.

        A server that is killed between an annotation and the time of its task hides the annotation from all later deltas.
        """
        for _ in range(2):
            if self._complete(annotations):
                return
            self.changed(self.state.watermark)
            annotations = self._counts()[1]
        if not self._complete(annotations):
            self._read(sorted(self.state.ids))

    def drafts(self) -> None:
        """Count what people began and did not submit."""
        tasks = self.patience.repeat(lambda: self.client.tasks_with_drafts(self.project))
        uids = sorted({self.state.ids.get(int(task["id"]), "") for task in tasks} - {""})
        self.report.drafts = len(uids)
        if frozenset(uids) != self.state.drafts:
            self.ledger.keep(self.state, [{"kind": "drafts", "uids": uids}])
        if uids:
            self.report.notes.append(
                f"a draft that was not submitted lies on {many(len(uids), 'task')}: it stays in Label Studio and counts once submitted"
            )

    def conclude(self) -> None:
        """The sentences about what people saved, as far as this pull found something new."""
        if not self.report.saved:
            return
        standing = [saved for saved in self.state.standing.values() if saved.uid]
        twice = sum(number > 1 for number in Counter((saved.uid, saved.annotator) for saved in standing).values())
        if twice:
            self.report.notes.append(
                f"submitted more than once by one person: {many(twice, 'task')}; what was saved last counts"
            )
        others = sum(saved.editor != saved.annotator for saved in standing)
        if others:
            self.report.notes.append(f"changed by somebody else than who submitted it: {many(others, 'annotation')}")
        strange = sum(not saved.uid for saved in self.state.standing.values())
        if strange:
            self.report.notes.append(f"on tasks that were added by hand: {many(strange, 'annotation')}; the ledger keeps them")

    def _complete(self, annotations: int) -> bool:
        return annotations == sum(len(keys) for keys in self.state.keys.values())

    def _counts(self) -> tuple[int, int]:
        """Tasks and annotations (skips too) of the project, by the server's own count."""
        found = self.patience.repeat(lambda: self.client.project(self.project))
        return int(found["task_number"]), int(found["total_annotations_number"]) + int(found["skipped_annotations_number"])

    def _read(self, tasks: Sequence[int]) -> None:
        """Read tasks chunk by chunk; while one is kept, the server makes the next."""
        chunks = [tasks[start : start + CHUNK] for start in range(0, len(tasks), CHUNK)]
        with ThreadPoolExecutor(1) as ahead:

            def ask(some: Sequence[int]) -> Future[list[dict[str, Any]]]:
                return ahead.submit(self.patience.repeat, partial(self.client.export, self.project, some))

            coming = [ask(some) for some in chunks[:1]]
            for n, some in enumerate(chunks):
                found = coming.pop().result()
                coming += [ask(following) for following in chunks[n + 1 : n + 2]]
                self._keep(found)
                self.report.tasks += len(found)
                self.watch(n * CHUNK + len(some), len(tasks))

    def _keep(self, tasks: Iterable[dict[str, Any]]) -> None:
        """Record what is new on some tasks that stand, and what is not there any more."""
        here = {int(task["id"]): task for task in tasks}
        assert self.state.identity is not None
        entries: list[Entry] = []
        for number, task in here.items():
            uid = self._uid(task)
            for annotation in task["annotations"]:
                entries += self._saved(number, uid, annotation)
        self.report.saved += len(entries)
        self.report.skipped += sum(entry["skipped"] for entry in entries)
        keys = {str(annotation["unique_id"]) for task in here.values() for annotation in task["annotations"]}
        known = {key for number in here for key in self.state.keys.get(number, ())}
        withdrawn = sorted(known - keys)
        entries += [{"kind": "withdrawn", "key": key} for key in withdrawn]
        self.report.withdrawn += len(withdrawn)
        if withdrawn:
            self.report.notes.append(
                f"deleted in Label Studio: {many(len(withdrawn), 'annotation')}; the ledger keeps what was in them, they count no more"
            )
        self.ledger.keep(self.state, entries)

    def _saved(self, task: int, uid: str, annotation: dict[str, Any]) -> Iterator[Entry]:
        """The entry of an annotation, where it is new or was saved again."""
        state = self.state
        assert state.identity is not None
        lead_time = annotation["lead_time"]
        saved = {
            "uid": uid,
            "task": task,
            "annotation": int(annotation["id"]),
            "key": str(annotation["unique_id"]),
            "generation": state.identity.generation,
            "annotator": self._who(annotation["completed_by"]),
            "editor": self._who(annotation["updated_by"] or annotation["completed_by"]),
            "created_at": annotation["created_at"],
            "updated_at": annotation["updated_at"],
            "lead_time": lead_time,
            "skipped": bool(annotation["was_cancelled"]),
            "version": state.version_seen(uid, annotation["created_at"], lead_time) if uid else None,
            "text": exact_text(annotation["result"] or []),
        }
        if state.standing.get(saved["key"]) != Saved(**saved):
            yield {"kind": "saved", **saved}

    def _uid(self, task: dict[str, Any]) -> str:
        uid = task["data"].get("uid") if isinstance(task["data"], dict) else None
        return uid if isinstance(uid, str) and uid in self.state.versions else ""

    def _who(self, user: Any) -> str:
        return pseudonym(self.state.salt, int(user["id"] if isinstance(user, dict) else user))
