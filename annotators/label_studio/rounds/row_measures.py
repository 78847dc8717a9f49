"""Each measure over the rows of two people: the values are taken out of the rows here, by kind."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..project import Row
from .items import Extent
from .measures import boundary_f1, cohen_kappa, pair_up, set_f1, text_similarity
from .quality import Quality
from .shapes import point_distance, region_iou, trace_distance


@dataclass(frozen=True, slots=True)
class Found:
    """What a measure says before it is known by which layer and against which threshold."""

    value: float
    n: int
    tolerance: str | None = None
    pixels: float | None = None
    pairs: tuple[tuple[Hashable, Hashable], ...] = ()


def _boundaries(first: Sequence[Row], second: Sequence[Row], extent: Extent, quality: Quality) -> Found:
    sets = _boundary_steps(first, extent), _boundary_steps(second, extent)
    value = boundary_f1(sets[0], sets[1], quality.tolerance.within(extent))
    return Found(value, len(sets[0]) + len(sets[1]), quality.tolerance.stated(extent))


def _boundary_steps(rows: Iterable[Row], extent: Extent) -> set[int]:
    """Starts and ends inside the stretch, whose own ends nobody chose; of an event, one step long, only the start."""
    found = set()
    for row in rows:
        if row["end"] - row["start"] == 1:
            found.add(row["start"])
        else:
            found.update(step for step in (row["start"], row["end"]) if extent.start < step < extent.end)
    return found


def _labels(first: Sequence[Row], second: Sequence[Row], extent: Extent, quality: Quality) -> Found | None:
    """Kappa of the words: of segments step by step, of regions over the paired shapes, of verdicts over rubrics."""
    rows = (*first, *second)
    if not any(row.get("label") is not None or row.get("value") is not None for row in rows):
        return None
    if "rubric" in rows[0]:
        pairs = _joined(*({(r["start"], r["target"], r["rubric"]): r["value"] for r in side} for side in (first, second)))
    elif "shape" in rows[0]:
        paired = pair_up(first, second, lambda a, b: _closeness(a, b, extent))
        pairs = [(first[i]["label"], second[j]["label"]) for i, j, close in paired if close > 0]
    else:
        pairs = list(zip(*(_step_words(side, extent) for side in (first, second)), strict=True))
    return Found(cohen_kappa(pairs), len(pairs), pairs=tuple(pairs))


def _joined(first: Mapping[Any, Any], second: Mapping[Any, Any]) -> list[tuple[Any, Any]]:
    return [(first.get(key), second.get(key)) for key in dict.fromkeys((*first, *second))]


def _step_words(rows: Iterable[Row], extent: Extent) -> list[tuple[str, ...]]:
    """The words over each step, sorted; layers may overlap."""
    words: list[list[str]] = [[] for _ in range(extent.end - extent.start)]
    for row in rows:
        for step in range(max(row["start"], extent.start), min(row["end"], extent.end)):
            words[step - extent.start].append(row["label"] or "")
    return [tuple(sorted(of_step)) for of_step in words]


def _closeness(first: Row, second: Row, extent: Extent) -> float:
    """Of two regions, 0 to 1: intersection over union, or for points how little of the diagonal lies between them."""
    if first["shape"] != "point":
        return region_iou(first, second, extent)
    distance = point_distance(first, second)
    return 0.0 if distance is None else max(1 - distance / (_diagonal(first, extent) or 1.0), 1e-9)


def _diagonal(row: Row, extent: Extent) -> float:
    if row["frame_width"] and row["frame_height"]:
        return float((row["frame_width"] ** 2 + row["frame_height"] ** 2) ** 0.5)
    return extent.diagonal


def _texts(first: Sequence[Row], second: Sequence[Row], extent: Extent, quality: Quality) -> Found | None:
    """Similarity of the texts: of segments paired by time, of series step by step; a text without a partner counts 0."""
    rows = (*first, *second)
    if not rows:
        return None
    if "texts" in rows[0]:
        both = _joined(*(_series_texts(side) for side in (first, second)))
        scores = [0.0 if a is None or b is None else text_similarity(a, b) for a, b in both]
    elif any(row["text"] for row in rows):
        paired = [pair for pair in pair_up(first, second, _time_iou) if pair[2] > 0]
        scores = [text_similarity(first[i]["text"] or "", second[j]["text"] or "") for i, j, _ in paired]
        scores += [0.0] * (len(first) + len(second) - 2 * len(paired))
    else:
        return None
    return Found(sum(scores) / len(scores) if scores else 1.0, len(scores))


def _series_texts(rows: Iterable[Row]) -> dict[Hashable, str]:
    """(channel, step) → text. A correction of a series counts over its steps, one without a text deletes there."""
    found: dict[Hashable, str] = {}
    for row in sorted(rows, key=lambda row: row["supersedes"] is not None):
        if row["supersedes"] is not None and row["start"] is not None:
            for step in range(row["start"], row["end"]):
                found.pop((row["channel"], step), None)
        steps = row["steps"] or [row["start"]] * len(row["texts"] or ())
        found |= {(row["channel"], step): text for step, text in zip(steps, row["texts"] or (), strict=True)}
    return found


def _time_iou(first: Row, second: Row) -> float:
    shared = min(first["end"], second["end"]) - max(first["start"], second["start"])
    return float(max(shared, 0) / (max(first["end"], second["end"]) - min(first["start"], second["start"])))


def _iou(first: Sequence[Row], second: Sequence[Row], extent: Extent, quality: Quality) -> Found | None:
    """Mean over the paired regions; one without a partner counts 0."""
    left, right = ([row for row in side if row["shape"] != "point"] for side in (first, second))
    if not left and not right:
        return None
    paired = pair_up(left, right, lambda a, b: region_iou(a, b, extent))
    n = len(left) + len(right) - len(paired)
    return Found(sum(close for _, _, close in paired) / n, n)


def _points(first: Sequence[Row], second: Sequence[Row], extent: Extent, quality: Quality) -> Found | None:
    left, right = ([row for row in side if row["shape"] == "point"] for side in (first, second))
    return _distances(left, right, point_distance, lambda row: _diagonal(row, extent))


def _paths(first: Sequence[Row], second: Sequence[Row], extent: Extent, quality: Quality) -> Found | None:
    left, right = ([row for row in side if row["space"] == "pixel"] for side in (first, second))
    return _distances(left, right, trace_distance, lambda row: _diagonal(row, extent))


def _metric_paths(first: Sequence[Row], second: Sequence[Row], extent: Extent, quality: Quality) -> Found | None:
    left, right = ([row for row in side if row["space"] == "metric"] for side in (first, second))
    found = _distances(left, right, trace_distance, lambda _: 1.0)
    return found and Found(found.value, found.n)


def _distances(
    first: Sequence[Row], second: Sequence[Row], distance: Callable[[Row, Row], float | None], whole: Callable[[Row], float]
) -> Found | None:
    """Mean distance of the paired rows, relative to `whole` and absolute; a row without a partner is a whole away.

    Raises ValueError where the size of the frame is not known.
    """
    if not first and not second:
        return None
    scale = whole((*first, *second)[0])
    if not scale:
        raise ValueError("distances need the size of the frame that the pixels refer to")

    def apart(a: Row, b: Row) -> float:
        found = distance(a, b)
        return scale if found is None else min(found, scale)

    paired = pair_up(first, second, lambda a, b: -apart(a, b))
    n = len(first) + len(second) - len(paired)
    mean = (sum(-close for _, _, close in paired) + scale * (n - len(paired))) / n
    return Found(mean / scale, n, pixels=mean)


def _sets(first: Sequence[Row], second: Sequence[Row], extent: Extent, quality: Quality) -> Found:
    keys = [[_said(row) for row in side] for side in (first, second)]
    return Found(set_f1(*keys), len({*keys[0], *keys[1]}))


def _said(row: Row) -> Hashable:
    """What a check or link says, whoever says it."""
    if "relation" in row:
        ends = [row["source"], row["destination"], row["source_step"], row["destination_step"]]
        return (*ends, row["relation"])
    args = json.loads(row["args"]) if isinstance(row["args"], str) else row["args"]
    return (row["start"], row["function"], json.dumps(args, sort_keys=True), row["expected"])


def _ranks(first: Sequence[Row], second: Sequence[Row], extent: Extent, quality: Quality) -> Found | None:
    """Mean Kendall tau-b over the choices that both ranked; -1 to 1; one that only one person ranked counts 0."""
    both = _joined(*({(r["start"], r["target"]): _order(r) for r in side} for side in (first, second)))
    if not both:
        return None
    from scipy.stats import kendalltau  # see acceptance.py

    taus = []
    for a, b in both:
        shared = sorted((a or {}).keys() & (b or {}).keys())
        if a is None or b is None:
            taus.append(0.0)
        elif len(shared) < 2:
            taus.append(1.0)
        else:
            tau = float(kendalltau([a[i] for i in shared], [b[i] for i in shared]).statistic)
            taus.append(0.0 if tau != tau else tau)
    return Found(sum(taus) / len(taus), len(taus))


def _order(row: Row) -> dict[str, float]:
    """Candidate → rank; without ranks the selected ones come before the rest."""
    found = {}
    for candidate in row["candidates"] or ():
        rank = candidate.get("rank")
        found[candidate["id"]] = float(rank if rank is not None else not candidate.get("selected"))
    return found


def verdicts(first: Iterable[Row], second: Iterable[Row]) -> Found:
    """Kappa of accepted and rejected over the rows that either judged."""
    words = [{row["annotation_id"]: _verdict(row) for row in side} for side in (first, second)]
    pairs = _joined(*words)
    return Found(cohen_kappa(pairs), len(pairs), pairs=tuple(pairs))


def _verdict(row: Row) -> str:
    return "wrong" if row["status"] == "rejected" else "right"


def _whole_rows(first: Sequence[Row], second: Sequence[Row], extent: Extent, quality: Quality) -> Found:
    """Of kinds without a measure of their own: right where the same row is there."""
    words = [{row["annotation_id"]: "right" for row in side} for side in (first, second)]
    pairs = _joined(*words)
    return Found(cohen_kappa(pairs), len(pairs), pairs=tuple(pairs))


ROW_MEASURES: dict[str, Callable[[Sequence[Row], Sequence[Row], Extent, Quality], Found | None]] = {
    "boundary_f1": _boundaries,
    "label_kappa": _labels,
    "text_similarity": _texts,
    "iou": _iou,
    "point_distance": _points,
    "trace_distance": _paths,
    "metric_distance": _metric_paths,
    "set_f1": _sets,
    "rank_tau": _ranks,
    "verdict_kappa": _whole_rows,
}
"""Measure → the function; None where the measure has nothing to say about the rows."""
