"""Acceptance of one batch in one round: the sample, what the checkers said of it, what follows for everybody in it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from ..project import Finding
from .acceptance import Decision, Interval, clopper_pearson, decide
from .agreement import Agreement, opinions_agree
from .answers import Answers
from .items import Item, Opinion
from .quality import Acceptance
from .round import Rules
from .sampling import sample
from .states import Event


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """One batch in one round: who was in it, who was drawn, how many of the checked were right, what follows.

    An item is right where the checker's rows agree with it by the thresholds of the project; one that the checker cannot
    judge is not right. `decision` is None until all of the sample is checked.
    """

    batch: str
    round: int
    keys: tuple[str, ...]
    sample: tuple[str, ...]
    right: Interval
    decision: Decision | None


@dataclass(slots=True)
class Checked:
    """What acceptance does to the items of a batch: an event each, checkers' opinions, who is still waited for."""

    outcome: BatchOutcome
    events: dict[str, Event] = field(default_factory=dict)
    opinions: dict[str, Opinion] = field(default_factory=dict)
    agreements: dict[str, tuple[Agreement, ...]] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)
    why: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


def check_batch(
    rules: Rules,
    name: str,
    round_: int,
    ready: Mapping[str, tuple[Item, Opinion]],
    gone: Collection[str],
    answers: Answers,
) -> Checked:
    """Acceptance of the items that are ready, each with the opinion that counts.

    `gone`: keys of the batch that are in a later round already: it was sent back before, and stays so.
    Raises ValueError where the project asks for no acceptance.
    """
    wanted: Acceptance | None = rules.quality.acceptance
    if wanted is None:
        raise ValueError(f"project {rules.project.name!r} asks for no acceptance")
    keys = tuple(sorted({*ready, *gone}))
    drawn = sample(keys, wanted.sample, rules.recipe, rules.project.name, name, str(round_))
    found = Checked(BatchOutcome(name, round_, keys, drawn, clopper_pearson(0, 0), None))
    right = n = 0
    for key in drawn:
        if key in ready:
            verdict = _check(rules, *ready[key], round_, answers, found)
            right, n = right + (verdict is True), n + (verdict is not None)
    rate = clopper_pearson(right, n)
    decision: Decision | None = None if found.waiting else decide(rate, wanted.bar, round_, wanted.max_rounds)
    decision = "again" if gone else decision
    found.outcome = BatchOutcome(name, round_, keys, drawn, rate, decision)
    for key in ready.keys() - set(drawn):
        if decision is not None:
            found.events[key] = "batch_accepted" if decision == "accept" else "batch_sent_back"
            found.why[key] = (
                "" if decision == "accept" else f"{right} of {n} sampled items were right, the bar is {wanted.bar:g}"
            )
    return found


def _check(rules: Rules, item: Item, counts: Opinion, round_: int, answers: Answers, found: Checked) -> bool | None:
    """Whether a sampled item is right; None while nobody has looked. The newest check counts."""
    given = answers.given(item.key, round_, "acceptance")
    if not given:
        if not answers.skips(item.key, round_, "acceptance"):
            found.waiting.append(item.key)
            return None
        found.events[item.key], found.why[item.key] = "check_declined", "the checker could not judge it"
        return False
    checker = found.opinions[item.key] = given[-1]
    if checker.redo:
        found.events[item.key] = "found"
        found.why[item.key] = next(finding.message for finding in checker.findings if finding.redo)
        return False
    if checker.annotator == counts.annotator:
        sentence = (
            f"{item.key}: {checker.annotator} checked their own work; the rate of batch {found.outcome.batch!r} says less"
        )
        found.findings.append(Finding("checked_own", sentence, checker.uid))
    found.events[item.key] = "checked"
    found.agreements[item.key] = opinions_agree(rules.project, rules.quality, item.extent, counts, checker)
    return all(agreement.agreed for agreement in found.agreements[item.key])
