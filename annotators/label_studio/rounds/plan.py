"""What to ask next: the tasks that are open, project by project, in the order in which people should see them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..project import Row
from .items import Item, Opinion, Purpose, task_uid
from .progress import ItemProgress, Progress, progress
from .round import Rules
from .sampling import in_random_order, uncertain_first


@dataclass(frozen=True, slots=True)
class Shown:
    """One prediction of a task: layer → rows, and the pseudonym of who says so; None = what machines proposed."""

    annotator: str | None
    rows: Mapping[str, tuple[Row, ...]]


@dataclass(frozen=True, slots=True)
class Push:
    """One open task. `shown`: its predictions in this order; the first is what a person's answer is compared with.

    `order`: the place in its project, from 0: uncertain items first for correction, random for everything that is
    measured. `score`: the same as Label Studio's uncertainty sampling wants it, 0 is asked first.
    """

    uid: str
    key: str
    purpose: Purpose
    round: int
    shown: tuple[Shown, ...]
    order: int
    score: float


def next_round(rules: Rules, items: Iterable[Item], opinions: Iterable[Opinion]) -> tuple[Push, ...]:
    """The open tasks, given what people saved so far. Pushing one that is there already changes nothing."""
    return open_tasks(rules, progress(rules, items, opinions))


def open_tasks(rules: Rules, known: Progress) -> tuple[Push, ...]:
    """The open tasks of a project, by purpose, then in order."""
    asked: dict[Purpose, list[ItemProgress]] = defaultdict(list)
    for one in known.items.values():
        for purpose in one.waiting:
            asked[purpose].append(one)
    pushes: list[Push] = []
    for purpose, waiting in asked.items():
        by_key = {one.item.key: one for one in waiting}
        if purpose == "first":
            keys = uncertain_first({key: one.item.priority for key, one in by_key.items()})
        else:
            keys = in_random_order(by_key, purpose, rules.recipe, rules.project.name)
        for order, key in enumerate(keys):
            pushes.append(_push(rules, by_key[key], purpose, order, order / len(keys)))
    return tuple(pushes)


def _push(rules: Rules, one: ItemProgress, purpose: Purpose, order: int, score: float) -> Push:
    uid = task_uid(rules.recipe, rules.project.name, purpose, one.round, one.item.key)
    return Push(uid, one.item.key, purpose, one.round, shown_for(rules, one, purpose), order, score)


def shown_for(rules: Rules, one: ItemProgress, purpose: Purpose) -> tuple[Shown, ...]:
    """The predictions of a task. First and second opinion see the proposals, in a later round what counted before; the
    adjudicator both opinions in random order; the checker what counts now.
    """
    if rules.project.blind and purpose in ("first", "second"):
        return ()
    if purpose == "adjudication":
        this_round = [o for o in one.opinions if o.place.round == one.round]
        by_person = {o.annotator: o for o in reversed(this_round)}
        return tuple(_opinion(by_person[name]) for name in in_random_order(by_person, one.item.key, str(one.round)))
    if purpose == "second" and rules.quality.blind:
        return ()
    if one.authority is not None and (purpose == "acceptance" or one.round > 1):
        return (_opinion(one.authority),)
    return (Shown(None, one.item.rows),)


def _opinion(opinion: Opinion) -> Shown:
    rows = {layer: tuple(row for row in of if row["status"] != "rejected") for layer, of in opinion.rows.items()}
    return Shown(opinion.annotator, rows)
