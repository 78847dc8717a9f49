"""Where every item stands: the rounds of one project, replayed from what people saved.

Nothing is remembered between two calls. What was asked follows from hashes, what was answered stands in the ledger; so the
same ledger gives the same states, and a person who mends an answer moves the item as if it had been so from the start.
One thing is not taken back: an item that was answered in a later round has left the round before.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..project import Finding
from .agreement import Agreement
from .answers import Answers, answers_of
from .batch import BatchOutcome, Checked, check_batch
from .items import Item, Opinion, Purpose
from .round import READY, Rules, ask
from .states import FINAL, Event, State, fold


@dataclass(frozen=True, slots=True)
class ItemProgress:
    """One item: its `state`, the `round` it is in, the `events` that led there, and `why`, a sentence for people.

    `waiting`: what people are asked now. `authority`: whose rows count, of this round or else the one before; None where
    nobody's do. `settled`: whether they may be published. `opinions`: everything that was said, round by round.
    `agreements`: between the first two opinions of the last round; `check`: between what counted and the checker.
    `seconded`: submission of a second opinion that agreed → that of the first. `complete`: an opinion says all that there is
    (in the verdict view silence about a row says nothing). `unseen`: nobody saw the proposals.
    """

    item: Item
    state: State = "queued"
    round: int = 1
    events: tuple[Event, ...] = ()
    why: str = ""
    waiting: tuple[Purpose, ...] = ()
    authority: Opinion | None = None
    opinions: tuple[Opinion, ...] = ()
    agreements: tuple[Agreement, ...] = ()
    check: tuple[Agreement, ...] = ()
    seconded: Mapping[str, str] = field(default_factory=dict)
    complete: bool = True
    unseen: bool = False

    @property
    def settled(self) -> bool:
        """Whether the rows of `authority` are what people say about the item."""
        return self.authority is not None and self.state in {*READY, "accepted"}


@dataclass(frozen=True, slots=True)
class Progress:
    """The whole project: items by key, batches in order, and what is odd about who answered."""

    items: Mapping[str, ItemProgress]
    batches: tuple[BatchOutcome, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def counts(self) -> dict[State, int]:
        """State → number of items; states without items are left out."""
        return dict(Counter(one.state for one in self.items.values()))


def progress(rules: Rules, items: Iterable[Item], opinions: Iterable[Opinion]) -> Progress:
    """The state of every item of a project. `opinions`: of all its purposes and rounds, in any order.

    Opinions about other projects or items are left aside. Raises ValueError for two items with one key.
    """
    batches: dict[str, dict[str, ItemProgress]] = defaultdict(dict)
    keys: set[str] = set()
    for item in items:
        if item.key in keys:
            raise ValueError(f"two items are called {item.key!r}")
        keys.add(item.key)
        complete = rules.project.view != "verdict"
        batches[item.batch][item.key] = ItemProgress(item, complete=complete, unseen=rules.project.blind and complete)
    answers = answers_of(rules.recipe, rules.project.name, opinions)
    found: dict[str, ItemProgress] = {}
    outcomes: list[BatchOutcome] = []
    findings: list[Finding] = []
    for name, members in sorted(batches.items()):
        _replay(rules, name, members, answers, outcomes, findings)
        found |= members
    return Progress({key: found[key] for key in sorted(found)}, tuple(outcomes), tuple(findings))


def _replay(
    rules: Rules,
    name: str,
    members: dict[str, ItemProgress],
    answers: Answers,
    outcomes: list[BatchOutcome],
    findings: list[Finding],
) -> None:
    """All rounds of one batch, in place. Items that must be done again go ahead; a sample waits for all before it."""
    active: Sequence[str] = sorted(members)
    complete = True
    for round_ in range(1, rules.quality.rounds + 1):
        for key in active:
            members[key] = _answered(rules, members[key], round_, answers, findings)
        gone = {key for key in active if answers.last_round.get(key, 0) > round_ and members[key].state not in FINAL}
        ready = {key for key in active if members[key].state in READY and not members[key].waiting} - gone
        returned = {key for key in gone if members[key].state in READY}
        complete = complete and not any(members[key].waiting for key in active if key not in gone)
        if rules.quality.acceptance and ((complete and ready) or returned):
            pairs = {key: (one.item, one.authority) for key in ready if (one := members[key]).authority is not None}
            checked = check_batch(rules, name, round_, pairs, returned, answers)
            outcomes.append(checked.outcome)
            findings += checked.findings
            complete = complete and checked.outcome.decision is not None
            for key in ready:
                members[key] = _sampled(members[key], key, checked)
        for key in gone:
            members[key] = _left(members[key])
        again = [key for key in active if members[key].state == "redo"]
        for key in again:
            members[key] = _next_round(members[key], round_, last=round_ == rules.quality.rounds)
        active = again


def _answered(rules: Rules, before: ItemProgress, round_: int, answers: Answers, findings: list[Finding]) -> ItemProgress:
    """What first, second and adjudicating opinions of a round make of an item."""
    said = ask(rules, before.item, round_, answers)
    findings += said.findings
    return replace(
        before,
        state=fold(said.events, before.state),
        round=round_,
        events=(*before.events, *said.events),
        why=said.why or (before.why if said.state == "queued" else ""),
        waiting=said.waiting,
        authority=said.authority or before.authority,
        opinions=(*before.opinions, *said.opinions),
        agreements=said.agreements,
        seconded={**before.seconded, **said.seconded},
    )


def _sampled(before: ItemProgress, key: str, checked: Checked) -> ItemProgress:
    """What acceptance makes of an item that was ready."""
    after = _moved(before, *((checked.events[key],) if key in checked.events else ()), why=checked.why.get(key, before.why))
    checker = checked.opinions.get(key)
    if checker is not None:
        counts = checker if after.state == "accepted" else before.authority
        after = replace(after, opinions=(*before.opinions, checker), authority=counts, check=checked.agreements.get(key, ()))
    return replace(after, waiting=("acceptance",)) if key in checked.waiting else after


def _left(before: ItemProgress) -> ItemProgress:
    """An item that is in a later round already, whatever its answers in this one have become since."""
    if before.state == "redo":
        return before
    event: Event = "batch_sent_back" if before.state in READY else "found"
    return replace(_moved(before, event, why="it was asked again"), waiting=())


def _next_round(before: ItemProgress, round_: int, *, last: bool) -> ItemProgress:
    if last:
        return _moved(before, "gave_up", why=f"not right after {round_} rounds: {before.why}")
    return replace(_moved(before, "requeued", why=before.why), round=round_ + 1)


def _moved(before: ItemProgress, *events: Event, why: str) -> ItemProgress:
    """Events happen to an item. Raises ImpossibleEventError for one that its state does not know."""
    return replace(before, state=fold(events, before.state), events=(*before.events, *events), why=why)
