"""What the review was worth, as tables: what became of the proposals, how good they were, how people agreed, their time."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from schemas.layers import layer as layer_named

from ..corrections import is_empty
from ..project import Row
from .acceptance import Interval, clopper_pearson
from .agreement import Agreement, layer_agreement
from .batch import BatchOutcome
from .items import Opinion, Purpose
from .judged import Judged, judged
from .measures import cohen_kappa, krippendorff_alpha
from .progress import ItemProgress, Progress
from .round import Rules
from .settle import settled_rows
from .states import STATES, State

PEOPLE = "people"
"""The producer of what no machine proposed, where a layer has several producers or none."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of the rows that a producer proposed. `added`: rows that it missed. `pending`: nothing is settled yet."""

    layer: str
    producer: str
    accepted: int = 0
    corrected: int = 0
    rejected: int = 0
    added: int = 0
    pending: int = 0


@dataclass(frozen=True, slots=True)
class Score:
    """A measure over many items. `against`: people, gold, or each other. `n`: boundaries, steps or rows compared.

    `value`: the mean weighted by `n`, of a kappa the kappa over all pairs. `agreed`: share of the items that meet the
    threshold. `alpha`: Krippendorff's, where the measure is a kappa.
    """

    layer: str
    producer: str
    against: Literal["people", "gold", "each other"]
    measure: str
    value: float
    n: int
    items: int
    agreed: float
    threshold: float
    tolerance: str | None = None
    pixels: float | None = None
    alpha: float | None = None


@dataclass(frozen=True, slots=True)
class Time:
    """Seconds per submission, idle included. `measured` of `submissions` have one; None = not measured."""

    purpose: Purpose
    submissions: int
    skipped: int
    measured: int
    median: float | None
    p90: float | None
    total: float | None
    capped: int


@dataclass(frozen=True, slots=True)
class Window:
    """An annotator's judged opinions number `first` to `last` in order of time, of which `right` were right."""

    annotator: str
    first: int
    last: int
    since: str
    until: str
    right: Interval
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Person:
    """One annotator: submissions, and the share of those somebody else judged that were right."""

    annotator: str
    submissions: int
    right: Interval
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Report:
    """The tables of one project."""

    project: str
    states: Mapping[State, int]
    fates: tuple[Fate, ...]
    proposals: tuple[Score, ...]
    agreement: tuple[Score, ...]
    times: tuple[Time, ...]
    people: tuple[Person, ...]
    drift: tuple[Window, ...]
    batches: tuple[BatchOutcome, ...]
    bar: float | None
    cap: float | None
    blind: str


def report(
    rules: Rules,
    known: Progress,
    opinions: Iterable[Opinion],
    gold: Iterable[Row] = (),
    *,
    cap: float | None = None,
    window: int = 20,
) -> Report:
    """All tables of one project. `gold`: rows known to be right. `cap`: seconds that a submission counts at most."""
    said = tuple(sorted(opinions, key=lambda o: (o.created_at, o.submission)))
    verdicts = judged(rules, known)
    acceptance = rules.quality.acceptance
    return Report(
        rules.project.name,
        {state: known.counts[state] for state in STATES if state in known.counts},
        tuple(_fates(known)),
        tuple(_proposals(rules, known, gold)),
        tuple(_scores("", "each other", _between_people(known))),
        tuple(_times(said, cap)),
        tuple(_people(said, verdicts)),
        tuple(_drift(verdicts, window)),
        known.batches,
        acceptance.bar if acceptance else None,
        cap,
        "nobody saw proposals" if rules.project.blind else "the second opinion saw none" if rules.quality.blind else "",
    )


def _fates(known: Progress) -> Iterator[Fate]:
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    producers: dict[str, set[str]] = defaultdict(set)
    for one in known.items.values():
        for layer, rows in one.item.rows.items():
            producers[layer].update(row["producer"] for row in rows)
    for one in known.items.values():
        for layer, producer, fate in _fates_of(one):
            of_layer = producers[layer]
            who = producer or (next(iter(of_layer)) if len(of_layer) == 1 else PEOPLE)
            counts[layer, who][fate] += 1
    for (layer, producer), found in sorted(counts.items()):
        yield Fate(layer, producer, **found)


def _fates_of(one: ItemProgress) -> Iterator[tuple[str, str, str]]:
    """(layer, producer, what became of it) for every proposal of an item, and for every row that people added."""
    history = settled_rows(one)
    last = {row["annotation_id"]: row for row in history}
    standing = {i: row for i, row in last.items() if row["status"] != "rejected"}
    replaced = {row["supersedes"] for row in standing.values() if row["supersedes"]}
    proposed = {row["annotation_id"] for rows in one.item.rows.values() for row in rows}
    for layer, rows in one.item.rows.items():
        for row in rows:
            state = last.get(row["annotation_id"])
            fate = "pending" if state is None else "rejected" if state["status"] == "rejected" else "accepted"
            if row["annotation_id"] in replaced:
                fate = "corrected"
            yield layer, row["producer"], fate
    for i, row in standing.items():
        if i not in {*proposed, *replaced} and row["supersedes"] is None and not is_empty(layer_named(row["layer"]), row):
            yield row["layer"], "", "added"


def _proposals(rules: Rules, known: Progress, gold: Iterable[Row]) -> Iterator[Score]:
    """How close each producer's proposals came to what people made of them, and to gold."""
    truth: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in gold:
        truth[row["layer"], row["trajectory_id"]].append(row)
    people: dict[str, list[Agreement]] = defaultdict(list)
    against_gold: dict[str, list[Agreement]] = defaultdict(list)
    for one in known.items.values():
        for layer in rules.project.declared:
            for producer, rows in _by_producer(one.item.rows.get(layer.name, ())).items():
                if one.settled and one.authority is not None and rules.project.view != "verdict":
                    final = one.authority.standing(layer.name)
                    people[producer] += layer_agreement(layer, rules.quality, one.item.extent, rows, final)
                right = [row for row in truth[layer.name, one.item.trajectory_id] if _inside(row, one)]
                if truth[layer.name, one.item.trajectory_id]:
                    against_gold[producer] += layer_agreement(layer, rules.quality, one.item.extent, rows, right)
    for producer in sorted({*people, *against_gold}):
        yield from _scores(producer, "people", people[producer])
        yield from _scores(producer, "gold", against_gold[producer])


def _by_producer(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["producer"]].append(row)
    return found


def _inside(row: Row, one: ItemProgress) -> bool:
    return row["start"] is None or (row["start"] < one.item.extent.end and row["end"] > one.item.extent.start)


def _between_people(known: Progress) -> list[Agreement]:
    return [agreement for one in known.items.values() for agreement in one.agreements]


def _scores(producer: str, against: Literal["people", "gold", "each other"], found: Iterable[Agreement]) -> Iterator[Score]:
    """One score per layer and measure; items in which neither side says anything count for `agreed` alone."""
    grouped: dict[tuple[str, str], list[Agreement]] = defaultdict(list)
    for one in found:
        grouped[one.layer, one.measure].append(one)
    for (layer, measure), group in sorted(grouped.items()):
        n = sum(one.n for one in group)
        pairs = [pair for one in group for pair in one.pairs]
        value = sum(one.value * one.n for one in group) / n if n else group[0].value
        distances = [(one.pixels, one.n) for one in group if one.pixels is not None]
        pixels = sum(p * k for p, k in distances) / sum(k for _, k in distances) if distances else None
        yield Score(
            layer,
            producer,
            against,
            measure,
            cohen_kappa(pairs) if pairs else value,
            n,
            len(group),
            sum(one.agreed for one in group) / len(group),
            group[0].threshold,
            "; ".join(sorted({one.tolerance for one in group if one.tolerance})[:3]) or None,
            pixels,
            krippendorff_alpha(pairs) if pairs else None,
        )


def _times(opinions: Sequence[Opinion], cap: float | None) -> Iterator[Time]:
    """Per purpose; a submission counts once."""
    grouped: dict[Purpose, dict[str, Opinion]] = defaultdict(dict)
    for opinion in opinions:
        grouped[opinion.place.purpose][opinion.submission] = opinion
    for purpose, group in grouped.items():
        seconds = sorted(o.seconds for o in group.values() if o.seconds is not None)
        yield Time(
            purpose,
            len(group),
            sum(o.skipped for o in group.values()),
            len(seconds),
            median(seconds) if seconds else None,
            seconds[min(int(len(seconds) * 0.9), len(seconds) - 1)] if seconds else None,
            sum(seconds) if seconds else None,
            sum(cap is not None and s >= cap for s in seconds),
        )


def _people(opinions: Sequence[Opinion], verdicts: Sequence[Judged]) -> Iterator[Person]:
    """Best first; who was never judged comes last."""
    of_person: dict[str, list[bool]] = defaultdict(list)
    for verdict in verdicts:
        of_person[verdict.opinion.annotator].append(verdict.right)
    seconds: dict[str, list[float]] = defaultdict(list)
    submissions: dict[str, set[str]] = defaultdict(set)
    for opinion in opinions:
        submissions[opinion.annotator].add(opinion.submission)
        if opinion.seconds is not None:
            seconds[opinion.annotator].append(opinion.seconds)

    def rank(name: str) -> tuple[float, str]:
        right = of_person[name]
        return (-sum(right) / len(right) if right else 1.0, name)

    for name in sorted(submissions, key=rank):
        right = clopper_pearson(sum(of_person[name]), len(of_person[name]))
        yield Person(name, len(submissions[name]), right, median(seconds[name]) if seconds[name] else None)


def _drift(verdicts: Sequence[Judged], size: int) -> Iterator[Window]:
    """Windows of `size` judged opinions; a rest shorter than half a window joins the one before."""
    of_person: dict[str, list[Judged]] = defaultdict(list)
    for verdict in verdicts:
        of_person[verdict.opinion.annotator].append(verdict)
    for name, group in sorted(of_person.items()):
        group.sort(key=lambda verdict: (verdict.opinion.created_at, verdict.opinion.submission))
        windows = max(round(len(group) / size), 1)
        for i in range(windows):
            first, last = i * size, len(group) if i == windows - 1 else (i + 1) * size
            part = group[first:last]
            times = [v.opinion.seconds for v in part if v.opinion.seconds is not None]
            yield Window(
                name,
                first + 1,
                last,
                part[0].opinion.created_at,
                part[-1].opinion.created_at,
                clopper_pearson(sum(v.right for v in part), len(part)),
                median(times) if times else None,
            )
