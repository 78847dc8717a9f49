"""One item in one round, before acceptance: first opinion, second opinion, adjudication."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..project import Finding, Project
from .agreement import Agreement, opinions_agree
from .answers import Answers
from .items import Item, Opinion, Purpose
from .quality import Quality
from .sampling import overlapping
from .states import Event, State, fold

READY: frozenset[State] = frozenset({"labelled", "agreed", "adjudicated"})
"""The states in which an item may be sampled, accepted or sent back, unless a second opinion is still to come."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Whose round it is: the names that stand in the uids, the project, what the recipe asks of it."""

    recipe: str
    project: Project
    quality: Quality

    def asks_second(self, key: str, round_: int) -> bool:
        """Whether a second person is asked about an item; drawn anew in every round."""
        return key in overlapping((key,), self.quality.overlap, self.recipe, self.project.name, str(round_))


@dataclass(frozen=True, slots=True)
class InRound:
    """What the opinions of a round make of an item. `authority`: whose rows count; None while nobody's do.

    `seconded`: submission of a second opinion that agreed → that of the first.
    """

    events: tuple[Event, ...] = ()
    waiting: tuple[Purpose, ...] = ()
    why: str = ""
    authority: Opinion | None = None
    opinions: tuple[Opinion, ...] = ()
    agreements: tuple[Agreement, ...] = ()
    findings: tuple[Finding, ...] = ()
    seconded: Mapping[str, str] = field(default_factory=dict)

    @property
    def state(self) -> State:
        """The state in this round."""
        return fold(self.events)


def ask(rules: Rules, item: Item, round_: int, answers: Answers) -> InRound:
    """What a round has made of an item so far."""
    firsts, seconds = (answers.given(item.key, round_, purpose) for purpose in ("first", "second"))
    asks_second = rules.asks_second(item.key, round_)
    if not firsts:
        if answers.skips(item.key, round_, "first") >= rules.quality.skips:
            return InRound(("declined",), why="everybody who was asked skipped it")
        return InRound(waiting=("first", "second") if asks_second and not seconds else ("first",))
    first, *more = firsts
    if first.redo:
        return InRound(("found",), why=_sentence(first), opinions=firsts)
    other = next((o for o in (*seconds, *more) if o.annotator != first.annotator), None)
    said = (*firsts, *seconds)
    if other is not None:
        return _compare(rules, item, round_, answers, first, other, said)
    if asks_second:
        if seconds or answers.skips(item.key, round_, "second") >= rules.quality.skips:
            return _no_second(rules, item, round_, answers, first, said, own=bool(seconds))
        return InRound(("submitted",), ("second",), authority=first, opinions=said)
    return InRound(("submitted",), authority=first, opinions=said)


def _compare(
    rules: Rules, item: Item, round_: int, answers: Answers, first: Opinion, other: Opinion, said: tuple[Opinion, ...]
) -> InRound:
    if other.redo:
        return InRound(("submitted", "found"), why=_sentence(other), opinions=said)
    agreements = opinions_agree(rules.project, rules.quality, item.extent, first, other)
    apart = [a for a in agreements if not a.agreed]
    if not apart:
        seconded = {other.submission: first.submission}
        return InRound(("submitted", "agreed"), authority=first, opinions=said, agreements=agreements, seconded=seconded)
    why = "; ".join(f"{a.layer}: {a.measure} is {a.value:.2f}, should be {a.threshold:g}" for a in apart)
    return _adjudicate(item, round_, answers, InRound(("submitted", "disputed"), (), why, None, said, agreements))


def _no_second(
    rules: Rules, item: Item, round_: int, answers: Answers, first: Opinion, said: tuple[Opinion, ...], *, own: bool
) -> InRound:
    findings: tuple[Finding, ...] = ()
    why = "nobody gave a second opinion"
    if own:
        why = f"{first.annotator} gave both opinions, which makes it one"
        findings = (Finding("second_opinion_own", f"{item.key}: {why}; ask somebody else to settle it", first.uid),)
    return _adjudicate(item, round_, answers, InRound(("submitted", "second_declined"), (), why, None, said, (), findings))


def _adjudicate(item: Item, round_: int, answers: Answers, disputed: InRound) -> InRound:
    """A dispute, settled or waiting. The newest adjudication counts; whoever skips it leaves the item hard."""
    given = answers.given(item.key, round_, "adjudication")
    events, why, said = disputed.events, disputed.why, (*disputed.opinions, *given)
    if not given:
        if answers.skips(item.key, round_, "adjudication"):
            return InRound((*events, "declined"), (), f"not settled: {why}", None, said, disputed.agreements, disputed.findings)
        return InRound(events, ("adjudication",), why, None, said, disputed.agreements, disputed.findings)
    judge = given[-1]
    if judge.redo:
        return InRound((*events, "found"), (), _sentence(judge), None, said, disputed.agreements, disputed.findings)
    findings = disputed.findings
    if any(judge.annotator == opinion.annotator for opinion in disputed.opinions):
        sentence = f"{item.key}: {judge.annotator} settled a dispute that was about their own opinion"
        findings = (*findings, Finding("adjudicated_own", sentence, judge.uid))
    return InRound((*events, "adjudicated"), (), why, judge, said, disputed.agreements, findings)


def _sentence(opinion: Opinion) -> str:
    return next(finding.message for finding in opinion.findings if finding.redo)
