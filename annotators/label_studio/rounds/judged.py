"""Who was right: opinions against what was settled by somebody else."""

from __future__ import annotations

from dataclasses import dataclass

from .agreement import opinions_agree
from .items import Opinion
from .progress import ItemProgress, Progress
from .round import Rules


@dataclass(frozen=True, slots=True)
class Judged:
    """An opinion about an item, and whether it agrees with what the item was settled as."""

    key: str
    opinion: Opinion
    right: bool


def judged(rules: Rules, known: Progress) -> tuple[Judged, ...]:
    """All first and second opinions that can be judged, by key.

    An opinion is held against the one that counts in the end (a checker's, an adjudicator's, a later round's). What counts
    itself is judged only where a second opinion agreed with it; an item that one person saw judges nobody.
    """
    found: list[Judged] = []
    for key, one in known.items.items():
        if one.settled and one.authority is not None:
            found += _judged(rules, key, one, one.authority)
    return tuple(found)


def _judged(rules: Rules, key: str, one: ItemProgress, truth: Opinion) -> list[Judged]:
    found: list[Judged] = []
    for opinion in one.opinions:
        if opinion.redo or opinion.place.purpose not in ("first", "second"):
            continue
        if opinion.submission != truth.submission:
            agreements = opinions_agree(rules.project, rules.quality, one.item.extent, opinion, truth)
            found.append(Judged(key, opinion, all(agreement.agreed for agreement in agreements)))
        elif truth.submission in one.seconded.values():
            found.append(Judged(key, opinion, True))
    return found
