"""What a submission says about the rows that were pushed: accepted, corrected, rejected, added, or nothing there.

Every layer is compared on its own with what was pushed, which `encode` gives again; Label Studio's own `origin` is no
evidence. A submission in which something cannot be taken as it is decides nothing: its task must be done again.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from schemas.json_column import json_text
from schemas.layers import Layer, layer
from schemas.stored_rows import with_ids
from schemas.tables import KINDS

from .codec import Decoded, Statement, carrier, decode, encode, same
from .corrections import Author, grafted, is_empty, units
from .decisions import Decision, Outcome, Resolved
from .project import Encoded, Finding, Project, ReviewTask, Row, Submission
from .tiling import Interval, Placed, settle

Slot = tuple[Hashable, ...]


def resolve(project: Project, task: ReviewTask, submission: Submission) -> Resolved:
    """The decisions of one submission. A skip asserts nothing. Raises ValueError for a submission of another task."""
    if submission.uid != task.uid:
        raise ValueError(f"submission {submission.submission} is of {submission.uid}, not of {task.uid}")
    if submission.skipped:
        return Resolved(task.uid)
    pushed = encode(project, task)
    returned = decode(project, task, submission.results)
    if returned.redo:
        return Resolved(task.uid, (), returned.findings)
    author = Author(project, task, submission)
    if any(carrier(project, declared) == "judgement" for declared in project.declared):
        return _judged(author, returned)
    comparison = _Comparison(author, pushed, decode(project, task, pushed.results), returned)
    conflicts = comparison.settle()
    if conflicts:
        return Resolved(task.uid, (), (*returned.findings, *conflicts))
    decisions = [d for declared in project.declared if declared.kind != "links" for d in comparison.decisions(declared)]
    decisions = _identified(decisions)
    names = comparison.ends(decisions)
    linked = [d for declared in project.declared if declared.kind == "links" for d in comparison.links(declared, names)]
    decisions += _identified(linked)
    decisions += _identified(comparison.empty_layers())
    return Resolved(task.uid, tuple(decisions), returned.findings)


@dataclass(slots=True)
class _Comparison:
    """What was pushed and what came back, slot by slot."""

    author: Author
    encoded: Encoded
    pushed: Decoded
    returned: Decoded
    intervals: dict[str, Interval] = field(default_factory=dict)

    def was(self, name: str) -> dict[Slot, tuple[Statement, Row, int | None]]:
        """Slot → what was pushed there of a layer: statement, row, element."""
        rows = {row["annotation_id"]: row for row in self.author.task.rows.get(name, ())}
        found = {}
        for statement in self.pushed.rows.get(name, ()):
            for unit in units(statement):
                carried = (c for region in (unit.region, *unit.regions) for c in self.encoded.rows.get(region, ()))
                annotation_id, element = next((i, e) for owner, i, e in carried if owner == name)
                parts = element if unit.slot[0] == "item" else None  # parts of one row are compared together
                found[unit.slot] = (unit, rows[annotation_id], parts)
        return found

    def now(self, name: str) -> dict[Slot, Statement]:
        """Slot → what came back there of a layer."""
        return {unit.slot: unit for statement in self.returned.rows.get(name, ()) for unit in units(statement)}

    def settle(self) -> list[Finding]:
        """Fill in `intervals`: where each region of the timeline lies once unmoved boundaries are the original's own and
        neighbours have followed. Returns the conflicts.
        """
        task, found = self.author.task, []
        for name, carried in self.author.project.regions.items():
            if carrier(self.author.project, carried[0]) != "segment":
                continue
            was: dict[str, tuple[Statement, Row]] = {}
            now: dict[str, Statement] = {}
            for declared in carried:
                was |= {str(s[1]): (old, row) for s, (old, row, _) in self.was(declared.name).items()}
                now |= {str(s[1]): new for s, new in self.now(declared.name).items()}
            placed = [_placed(region, was.get(region), new) for region, new in now.items()]
            before = [(row["start"], row["end"]) for _, row in was.values()]
            if all(declared.tiling is None for declared in carried):
                intervals: Mapping[str, Interval] = {p.region: (p.start, p.end) for p in placed}
            else:
                intervals, conflicts = settle(placed, carried, (task.surface.start, task.surface.end), before)
                found += [Finding("tiling_conflict", f"{name}: {c.message}", task.uid, c.region, redo=True) for c in conflicts]
            self.intervals |= intervals
        return found

    def interval(self, new: Statement, old: Statement | None, row: Row | None) -> tuple[int | None, int | None]:
        """The interval of what came back; the original's own where nobody moved it."""
        if new.slot[0] == "region" and str(new.slot[1]) in self.intervals:
            return self.intervals[str(new.slot[1])]
        if (
            row is not None
            and old is not None
            and (layer(new.layer).level == "trajectory" or (old.start, old.end) == (new.start, new.end))
        ):
            return row["start"], row["end"]
        return new.start, new.end

    def decisions(self, declared: Layer) -> Iterator[Decision]:
        """What became of each row of a layer, and what was added."""
        was, now = self.was(declared.name), self.now(declared.name)
        series: dict[str, list[tuple[Slot, Statement, Row, int]]] = {}
        for slot, (old, row, element) in was.items():
            if element is not None:
                series.setdefault(row["annotation_id"], []).append((slot, old, row, element))
                continue
            new = now.get(slot)
            if new is None:
                yield self._state("rejected", declared, row)
            elif self._equal(old, new, row):
                yield self._state("accepted", declared, row)
            else:
                yield self._corrected(declared, old, new, row)
        for entries in series.values():
            yield from self._series(declared, entries, now)
        tracks = [row["track"] for row in self.author.task.rows.get(declared.name, ())] if declared.kind == "regions" else []
        for slot, new in now.items():
            if slot not in was:
                yield self._added(declared, new, tracks)

    def _equal(self, old: Statement, new: Statement, row: Row) -> bool:
        return self.interval(new, old, row) == (row["start"], row["end"]) and same(dict(old.payload), dict(new.payload))

    def _state(self, outcome: Outcome, declared: Layer, row: Row) -> Decision:
        state = self.author.signed(row, outcome)
        return Decision(declared.name, outcome, state, row["annotation_id"], owned=self.owned(row["start"]))

    def _corrected(self, declared: Layer, old: Statement, new: Statement, row: Row) -> Decision:
        start, end = self.interval(new, old, row)
        payload = grafted(declared, row, old.payload, new.payload)
        if (start, end) != (row["start"], row["end"]):
            payload |= self._resolution(declared)
        state = self.author.corrected(declared, row, payload, (start, end))
        return Decision(declared.name, "corrected", state, row["annotation_id"], owned=self.owned(row["start"]))

    def _added(self, declared: Layer, new: Statement, tracks: list[str | None]) -> Decision:
        start, end = self.interval(new, None, None)
        payload = {**new.payload, **self._resolution(declared)}
        if carrier(self.author.project, declared) == "track":
            payload["track"] = _free(str(new.payload["label"]), tracks)
            tracks.append(payload["track"])
        return Decision(declared.name, "added", self.author.added(declared, payload, start, end), owned=self.owned(start))

    def _resolution(self, declared: Layer) -> dict[str, Any]:
        """An event that a person placed says how finely it could be placed."""
        resolution = self.author.task.surface.resolution
        if declared.kind != "segments" or declared.level != "step" or resolution is None:
            return {}
        return {"attributes": json_text({"resolution": resolution})}

    def _series(
        self, declared: Layer, entries: Sequence[tuple[Slot, Statement, Row, int]], now: Mapping[Slot, Statement]
    ) -> Iterator[Decision]:
        """A changed element is a row over its step that supersedes the series there, a deleted one such a row without text."""
        row, total = entries[0][2], sum(1 for text in entries[0][2]["texts"] if text)
        untouched = frozenset(
            e for slot, old, _, e in entries if slot in now and same(dict(old.payload), dict(now[slot].payload))
        )
        if all(slot not in now for slot, *_ in entries) and len(entries) == total:
            yield self._state("rejected", declared, row)
            return
        settled = frozenset(element for *_, element in entries)
        for slot, old, _, element in entries:
            if element not in untouched:
                payload = now[slot].payload if slot in now else {"steps": [], "texts": []}
                state = self.author.corrected(declared, row, payload, (old.start, old.end))
                owned = self.owned(old.start)
                yield Decision(declared.name, "corrected", state, row["annotation_id"], element, owned=owned)
        if untouched:
            outcome: Outcome = "accepted" if len(untouched) == total else "partly"
            state = self.author.signed(row, "accepted" if outcome == "accepted" else "corrected")
            owned = self.owned(row["start"])
            yield Decision(declared.name, outcome, state, row["annotation_id"], None, untouched, settled, total, owned=owned)

    def ends(self, decisions: Sequence[Decision]) -> dict[str, str]:
        """Region → the id of the row that it stands for now."""
        current = {d.original: str(d.row["annotation_id"]) for d in decisions if d.original is not None}
        shown = {region: current[i] for region, carried in self.encoded.rows.items() for _, i, _ in carried if i in current}
        found = current | shown
        rows = iter(d for d in decisions if d.outcome == "added")
        for declared in self.author.project.declared:
            if declared.kind != "links":
                was = self.was(declared.name)
                for slot, new in self.now(declared.name).items():
                    if slot not in was:
                        found |= dict.fromkeys((new.region, *new.regions), str(next(rows).row["annotation_id"]))
        return found

    def links(self, declared: Layer, names: Mapping[str, str]) -> Iterator[Decision]:
        """The decisions of a layer of links. What a person linked is named by the rows as they are now."""
        for decision in self.decisions(declared):
            if decision.outcome in ("corrected", "added"):
                now = {end: names.get(str(decision.row[end]), decision.row[end]) for end in ("source", "destination")}
                decision = replace(decision, row={**decision.row, **now})
            yield decision

    def empty_layers(self) -> Iterator[Decision]:
        """A row for each layer of which nothing is there after the submission."""
        task = self.author.task
        start, end = task.owned or (task.surface.start, task.surface.end)
        for declared in self.author.project.declared:
            owned_elsewhere = declared.level == "trajectory" and start > task.surface.start
            said = [s for s in self.returned.rows.get(declared.name, ()) if _meets(s.start, s.end, start, end)]
            rows = () if self.author.project.blind else task.rows.get(declared.name, ())
            stated = [row for row in rows if is_empty(declared, row)]
            hidden = [row for row in rows if row not in stated and not self._shown(declared, row)]
            if said:
                yield from (self._state("rejected", declared, row) for row in stated)
            elif stated:
                yield from (self._state("accepted", declared, row) for row in stated)
            elif not owned_elsewhere and not hidden:
                yield Decision(declared.name, "empty", self.author.empty(declared, start, end))

    def _shown(self, declared: Layer, row: Row) -> bool:
        return any((declared.name, row["annotation_id"]) == (n, i) for c in self.encoded.rows.values() for n, i, _ in c)

    def owned(self, start: int | None) -> bool:
        """Whether this task decides what begins at a step."""
        owned = self.author.task.owned
        return owned is None or owned[0] <= (start or 0) < owned[1]


def _judged(author: Author, returned: Decoded) -> Resolved:
    """The verdict view: right accepts a row, wrong rejects it, anything else says nothing about it."""
    decisions = []
    findings = list(returned.findings)
    rows = {row["annotation_id"]: row for of_layer in author.task.rows.values() for row in of_layer}
    for name, statements in returned.rows.items():
        for statement in statements:
            outcome: Outcome | None = {"right": "accepted", "wrong": "rejected"}.get(statement.payload["verdict"])  # type: ignore[assignment]
            if outcome is not None:
                state = author.signed(rows[statement.region], outcome)
                decisions.append(Decision(name, outcome, state, statement.region))
            if statement.payload["why"] is not None:
                why = f"{name}, {statement.payload['verdict']}: {statement.payload['why']}"
                findings.append(Finding("reason_given", why, author.task.uid, statement.region))
    return Resolved(author.task.uid, tuple(decisions), tuple(findings))


def _placed(region: str, was: tuple[Statement, Row] | None, new: Statement) -> Placed:
    """A region with the original's own boundaries where they were not moved. An event is one step long wherever it lies."""
    assert new.start is not None
    assert new.end is not None
    if was is None:
        return Placed(region, None, new.start, new.end)
    old, row = was
    start = row["start"] if old.start == new.start else new.start
    end = row["end"] if old.end == new.end else new.end
    return Placed(region, (row["start"], row["end"]), start, end)


def _identified(decisions: Iterable[Decision]) -> list[Decision]:
    """The decisions with their rows as stored: all columns, and an id where the row is new."""
    found = list(decisions)
    stored: dict[int, Row] = {}
    for kind in KINDS:
        at = [i for i, decision in enumerate(found) if layer(decision.layer).kind == kind]
        stored |= zip(at, with_ids(kind, [found[i].row for i in at]), strict=True) if at else ()
    return [replace(decision, row=stored[i]) for i, decision in enumerate(found)]


def _meets(start: int | None, end: int | None, first: int, last: int) -> bool:
    return start is None or end is None or (start < last and end > first)


def _free(name: str, taken: Sequence[str | None]) -> str:
    """`name`, or with a number if it is taken."""
    return next(n for n in (name, *(f"{name} {i}" for i in range(2, len(taken) + 3))) if n not in taken)


__all__ = ["Decision", "Resolved", "resolve"]
