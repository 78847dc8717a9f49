"""How close two people are, one number per measure: boundaries, words, shapes, points, texts, sets.

Plain statistics over plain values; `agreement` takes the values out of rows. 1 is agreement, for distances 0.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure: what it says, its unit, whether more is better, and the threshold where a recipe names none."""

    name: str
    doc: str
    unit: str
    threshold: float
    higher: bool = True


MEASURES: dict[str, Measure] = {
    m.name: m
    for m in (
        Measure("boundary_f1", "F1 of the boundaries inside the stretch, one to one within the tolerance", "share", 0.8),
        Measure("label_kappa", "Cohen's kappa of the words, step by step or row by row", "kappa", 0.6),
        Measure("text_similarity", "F1 of the words of paired texts, without case and punctuation", "share", 0.6),
        Measure("iou", "intersection over union of paired shapes, of a track the mean over its frames", "share", 0.6),
        Measure("point_distance", "distance of paired points, over the diagonal of the frame", "diagonals", 0.02, False),
        Measure("trace_distance", "mean distance of paired paths step by step, over the diagonal", "diagonals", 0.03, False),
        Measure("metric_distance", "mean distance of paired paths step by step", "metres", 0.02, False),
        Measure("set_f1", "F1 of the rows that are the same in all that they say", "share", 0.8),
        Measure("rank_tau", "Kendall's tau-b of two orders of the same candidates", "tau", 0.6),
        Measure("verdict_kappa", "Cohen's kappa of right and wrong, row by row", "kappa", 0.6),
    )
}

KIND_MEASURES: dict[str, tuple[str, ...]] = {
    "segments": ("boundary_f1", "label_kappa", "text_similarity"),
    "texts": ("text_similarity",),
    "regions": ("iou", "point_distance", "label_kappa"),
    "traces": ("trace_distance", "metric_distance"),
    "verdicts": ("label_kappa",),
    "checks": ("set_f1",),
    "links": ("set_f1",),
    "choices": ("rank_tau",),
    "scalars": ("verdict_kappa",),
    "codes": ("verdict_kappa",),
    "fields": ("verdict_kappa",),
    "nodes": ("verdict_kappa",),
    "alternatives": ("verdict_kappa",),
}
"""Kind → its measures, the main one first. A project of the view `verdict` has `verdict_kappa` for every kind."""


def boundary_f1(first: Iterable[int], second: Iterable[int], tolerance: float) -> float:
    """F1 of two sets of positions, matched one to one no further apart than `tolerance`; 1 where both are empty.

    Going through both in order and matching whatever is close enough gives the most matches there are on a line.
    """
    left, right = sorted(set(first)), sorted(set(second))
    if not left and not right:
        return 1.0
    i = j = matched = 0
    while i < len(left) and j < len(right):
        if abs(left[i] - right[j]) <= tolerance:
            i, j, matched = i + 1, j + 1, matched + 1
        elif left[i] < right[j]:
            i += 1
        else:
            j += 1
    return 2 * matched / (len(left) + len(right))


def cohen_kappa(pairs: Collection[tuple[Hashable, Hashable]]) -> float:
    """Cohen's kappa (J. Cohen, 1960) of what two people called each thing.

    1 where there is nothing, or where both used one and the same word throughout: chance alone would agree then and kappa
    is 0/0, but nothing speaks against them.
    """
    n = len(pairs)
    if not n:
        return 1.0
    observed = sum(a == b for a, b in pairs) / n
    first, second = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    chance = sum(first[word] * second[word] for word in first) / n**2
    return 1.0 if chance == 1 else (observed - chance) / (1 - chance)


def krippendorff_alpha(units: Iterable[Sequence[Hashable]]) -> float | None:
    """Krippendorff's alpha for words, any number of people, some of them absent (K. Krippendorff, 2004, nominal metric).

    `units`: per thing, what each person who saw it called it. None where no two people saw one thing, or all used one word.
    """
    weights: Counter[Hashable] = Counter()
    disagreement = total = 0.0
    for words in units:
        m = len(words)
        if m < 2:
            continue
        counts = Counter(words)
        weights.update(counts)
        total += m
        disagreement += sum(c * (m - c) for c in counts.values()) / (m - 1)
    expected = total**2 - sum(c * c for c in weights.values())
    return None if expected == 0 else 1 - (total - 1) * disagreement / expected


_WORD = re.compile(r"[぀-ヿ㐀-䶿一-鿿]|[^\W_]+")


def words_of(text: str) -> list[str]:
    """The words of a text, folded: NFKC, no case, no punctuation; of Chinese and Japanese each character is a word."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def text_similarity(first: str, second: str) -> float:
    """F1 of the words of two texts as bags, as for answers in SQuAD; 1 where both have none."""
    left, right = Counter(words_of(first)), Counter(words_of(second))
    total = left.total() + right.total()
    return 2 * (left & right).total() / total if total else 1.0


def set_f1(first: Iterable[Hashable], second: Iterable[Hashable]) -> float:
    """F1 of two bags; 1 where both are empty."""
    left, right = Counter(first), Counter(second)
    total = left.total() + right.total()
    return 2 * (left & right).total() / total if total else 1.0


def box_iou(first: Sequence[float], second: Sequence[float]) -> float:
    """Intersection over union of `[x_min, y_min, x_max, y_max]`; of two boxes without an area 1 where they are the same."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    shared = max(width, 0.0) * max(height, 0.0)
    union = sum((b[2] - b[0]) * (b[3] - b[1]) for b in (first, second)) - shared
    return shared / union if union > 0 else float(list(first) == list(second))


def area_iou(first: npt.NDArray[np.bool_], second: npt.NDArray[np.bool_]) -> float:
    """Intersection over union of two masks of one shape; 1 where both are empty."""
    union = np.count_nonzero(first | second)
    return np.count_nonzero(first & second) / union if union else 1.0


def pair_up(first: Sequence[T], second: Sequence[T], closeness: Callable[[T, T], float]) -> list[tuple[int, int, float]]:
    """The pairs (position, position, closeness) whose closeness sums up highest, each member in one pair at most."""
    if not first or not second:
        return []
    table = np.array([[closeness(a, b) for b in second] for a in first])
    from scipy.optimize import linear_sum_assignment  # takes as long to import as a recipe to read, which needs the names here

    rows, columns = linear_sum_assignment(table, maximize=True)
    return [(int(i), int(j), float(table[i, j])) for i, j in zip(rows, columns, strict=True)]
