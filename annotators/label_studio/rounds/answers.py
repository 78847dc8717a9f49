"""What people said, sorted by the question: item, round and purpose."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .items import Opinion, Purpose, place_of


@dataclass(frozen=True, slots=True)
class Answers:
    """The opinions about one project's items. Of one person on one task the newest counts."""

    by_question: Mapping[tuple[str, int, Purpose], tuple[Opinion, ...]] = field(default_factory=dict)
    last_round: Mapping[str, int] = field(default_factory=dict)

    def of(self, key: str, round_: int, purpose: Purpose) -> tuple[Opinion, ...]:
        """All answers to a question, oldest first."""
        return self.by_question.get((key, round_, purpose), ())

    def given(self, key: str, round_: int, purpose: Purpose) -> tuple[Opinion, ...]:
        """Those that assert something."""
        return tuple(opinion for opinion in self.of(key, round_, purpose) if not opinion.skipped)

    def skips(self, key: str, round_: int, purpose: Purpose) -> int:
        """How many people skipped it."""
        return sum(opinion.skipped for opinion in self.of(key, round_, purpose))


def answers_of(recipe: str, project: str, opinions: Iterable[Opinion]) -> Answers:
    """The answers about one project; opinions about others are left aside."""
    newest: dict[tuple[str, int, Purpose], dict[str, Opinion]] = defaultdict(dict)
    last: dict[str, int] = {}
    for opinion in sorted(opinions, key=_order):
        place = place_of(opinion.uid)
        if (place.recipe, place.project) == (recipe, project):
            newest[place.key, place.round, place.purpose][opinion.annotator] = opinion
            last[place.key] = max(last.get(place.key, 0), place.round)
    return Answers({question: tuple(sorted(by.values(), key=_order)) for question, by in newest.items()}, last)


def _order(opinion: Opinion) -> tuple[str, str]:
    return opinion.created_at, opinion.submission
