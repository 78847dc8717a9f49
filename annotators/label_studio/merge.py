"""Several tasks of one episode that overlap, merged back: the owning task decides what begins in its steps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from schemas.layers import layer

from .decisions import Decision, Outcome, Resolved
from .project import Finding

_CHANGES = ("corrected", "rejected")


def merge(resolved: Sequence[Resolved]) -> Resolved:
    """What the submissions on the tasks of one episode decide together; one submission per task.

    A row outside a task's own steps is context there. The owning task decides; where it left the row untouched and another
    changed it, the change counts; what only a context task left untouched is not decided. What cannot be joined is a
    finding with `redo` and the task's uid; then nothing of the episode is decided until that task was done again.
    """
    findings = [finding for one in resolved for finding in one.findings]
    rows: dict[tuple[str, str], list[tuple[str, Decision]]] = {}
    new: list[tuple[str, Decision]] = []
    for one in resolved:
        for decision in one.decisions:
            if decision.original is None:
                new.append((one.uid, decision))
            else:
                rows.setdefault((decision.layer, decision.original), []).append((one.uid, decision))
    decisions: list[Decision] = []
    for found in rows.values():
        pick = _series if any(d.element is not None or d.elements for _, d in found) else _whole
        decisions += pick(found, findings)
    decisions += _added(new, decisions)
    there = [d for d in decisions if d.outcome in ("accepted", "corrected", "added")]
    decisions = [d for d in decisions if d.outcome != "empty" or not any(d.layer == o.layer and _meet(d, o) for o in there)]
    findings += _overlaps(decisions, resolved)
    uid = resolved[0].uid if len(resolved) == 1 else resolved[0].uid.rpartition("#")[0]
    return Resolved(uid, () if any(finding.redo for finding in findings) else tuple(decisions), tuple(findings))


def _whole(found: Sequence[tuple[str, Decision]], findings: list[Finding]) -> Iterator[Decision]:
    """The decision about one row."""
    owners = [d for _, d in found if d.owned]
    changes = [(uid, d) for uid, d in found if not d.owned and d.outcome in _CHANGES]
    changed = next((d for d in owners if d.outcome in _CHANGES), None)
    if changed is not None:
        yield changed
        for uid, other in changes:
            if other.outcome != changed.outcome or other.row["annotation_id"] != changed.row["annotation_id"]:
                sentence = (
                    f"{other.layer} {other.original} was {other.outcome} here, and changed otherwise by the task that owns it"
                )
                findings.append(Finding("context_ignored", sentence, uid, other.original))
    elif changes:
        yield changes[0][1]
        if len({(d.outcome, d.row["annotation_id"]) for _, d in changes}) > 1:
            uid, other = changes[-1]
            sentence = (
                f"{other.layer} {other.original} was changed differently in two tasks that do not own it; settle it in one"
            )
            findings.append(Finding("tasks_disagree", sentence, uid, other.original, redo=True))
    elif owners:
        yield owners[0]


def _series(found: Sequence[tuple[str, Decision]], _findings: list[Finding]) -> Iterator[Decision]:
    """The decisions about one series: each element is changed or left; the series is accepted when all are left."""
    changed: dict[int, Decision] = {}
    for _, decision in sorted(found, key=lambda entry: entry[1].owned):  # the owner's come last, and win
        if decision.element is not None:
            changed[decision.element] = decision
    yield from changed.values()
    states = [d for _, d in found if d.elements]
    rejected = [d for _, d in found if d.outcome == "rejected"]
    if not states:
        yield from rejected[:1]
        return
    untouched = frozenset().union(*(d.untouched for d in states)) - changed.keys()
    settled = frozenset().union(*(d.settled for d in states)) | changed.keys()
    if untouched:
        outcome: Outcome = "accepted" if len(untouched) == states[0].elements else "partly"
        row = {**states[0].row, "status": "accepted" if outcome == "accepted" else "corrected"}
        yield replace(states[0], outcome=outcome, row=row, untouched=untouched, settled=settled)


def _added(new: Sequence[tuple[str, Decision]], decided: Sequence[Decision]) -> Iterator[Decision]:
    """New rows: all of the owners', and of the others what lies where the owner has said nothing new."""
    own = [d for _, d in new if d.owned]
    yield from own
    said = [d for d in (*own, *decided) if d.owned and d.outcome in ("added", "corrected")]
    for _, decision in new:
        if not decision.owned and not any(d.layer == decision.layer and _meet(d, decision) for d in said):
            yield decision


def _overlaps(decisions: Iterable[Decision], resolved: Sequence[Resolved]) -> Iterator[Finding]:
    """Rows that came together from different tasks and overlap where their layer forbids it."""
    layers: dict[str, list[Decision]] = {}
    for decision in decisions:
        tiling = layer(decision.layer).tiling
        if tiling is not None and not tiling.overlap and decision.outcome in ("accepted", "corrected", "added"):
            layers.setdefault(decision.layer, []).append(decision)
    homes = {id(decision): one.uid for one in resolved for decision in one.decisions}
    for name, found in layers.items():
        found.sort(key=lambda d: (d.row["start"], d.row["end"]))
        for left, right in pairwise(found):
            apart = homes.get(id(left)) != homes.get(id(right))
            if apart and left.row["end"] > right.row["start"]:
                sentence = (
                    f"{name}: [{left.row['start']}, {left.row['end']}) and [{right.row['start']}, {right.row['end']}) come "
                    "from two tasks and overlap; drag one boundary to where the other is"
                )
                uid = homes.get(id(right)) or homes.get(id(left)) or resolved[0].uid
                yield Finding("tasks_disagree", sentence, uid, right.original, redo=True)


def _meet(one: Decision, other: Decision) -> bool:
    a, b = one.row, other.row
    if a["start"] is None or b["start"] is None:
        return True
    return bool(a["start"] < b["end"] and b["start"] < a["end"])
