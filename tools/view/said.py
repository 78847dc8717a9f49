"""What was said about a trajectory, for a page: the rows of its table, and the bands of its timeline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from annotators.label_studio.pictures.facts import facts
from pipelines.release.pictures.canvas import COLOURS
from schemas.layers import Layer, layers

from .stored import Said

Json = dict[str, Any]

_LANES = 4
"""Rows of one band at most; what overlaps more often lies over the last."""
_BANDS = {"segments": 0, "texts": 1, "checks": 2, "verdicts": 3, "scalars": 4, "regions": 5, "traces": 6, "links": 7}
_VERDICTS = {"exact": "#009e73", "visible": "#56b4e9", "diverged": "#d55e00", "unverifiable": "#96969e"}
"""Words of the replay oracle, in colours that colour-blind people tell apart."""


@dataclass(frozen=True, slots=True)
class Span:
    """Steps `[start, end)` of a band, its word, and the number of the row that says it."""

    start: int
    end: int
    word: str
    number: int


def table_of(said: Sequence[Said]) -> list[Json]:
    """The rows of the table: what is said, about which steps, and who says it. A row that says nothing has `says` ""."""
    return [_row(entry) for entry in said]


def bands_of(said: Sequence[Said], count: int) -> list[Json]:
    """A band per layer that speaks about steps: spans with colours per word, or the values of a series."""
    found = []
    numbered = list(enumerate(said))
    for (layer, kind), group in groupby(numbered, key=lambda entry: (entry[1].row["layer"], entry[1].kind)):
        if kind not in _BANDS:
            continue
        rows = list(group)
        declared = layers().get(layer)
        band: Json = {"layer": layer, "kind": kind, "doc": declared.doc if declared is not None else ""}
        if kind == "scalars":
            band["series"] = [s for _, entry in rows if (s := _series(entry.row)) is not None]
            if not band["series"]:
                continue
        else:
            spans = [span for number, entry in rows for span in _spans(number, entry, count)]
            if not spans:
                continue
            band |= _drawn(spans, declared)
        found.append(band)
    return sorted(found, key=lambda band: (_BANDS[band["kind"]], band["layer"]))


def one_per_step(said: Sequence[Said], layer: str, count: int, kind: str = "checks") -> list[list[Any]] | None:
    """Of a series, `[outcome, what was observed]` per step, null where nothing was said; None where there is no row of it."""
    rows = [entry.row for entry in said if entry.row["layer"] == layer and entry.kind == kind]
    if not rows:
        return None
    found: list[Any] = [None] * count
    for row in rows:
        outcomes, observed = row["outcomes"] or (), row["observed"]
        for place, (step, outcome) in enumerate(zip(row["steps"] or (), outcomes, strict=True)):
            if 0 <= step < count:
                found[step] = [outcome, observed[place] if observed else None]
    return found


def _row(entry: Said) -> Json:
    row, kind = entry.row, entry.kind
    says = _says(kind, row)
    return {
        "layer": row["layer"], "kind": kind, "says": says, "facts": facts(kind, row) if says else [],
        "start": row["start"], "end": row["end"], "from": row["start_time"], "to": row["end_time"], "stream": row["stream"],
        "who": row["producer"], "type": row["producer_type"], "version": row["producer_version"], "run": row["run"],
        "status": row["status"], "quality": row["quality"], "confidence": row["confidence"], "annotator": row["annotator"],
        "seconds": row["seconds"], "at": row["created_at"].isoformat() if row["created_at"] is not None else None,
        "supersedes": row["supersedes"], "id": row["annotation_id"],
    }  # fmt: skip


def _says(kind: str, row: Mapping[str, Any]) -> str:
    """A row in a few words; "" where it says that nothing is there."""
    if kind == "checks" and row["outcomes"]:
        return ", ".join(f"{word} {n}" for word, n in Counter(row["outcomes"]).most_common())
    if kind == "texts" and row["texts"]:
        more = f" (and {len(row['texts']) - 1} more)" if len(row["texts"]) > 1 else ""
        return f"{row['texts'][0]}{more}"
    if kind == "scalars" and row["values"]:
        known = [v for v in row["values"] if v is not None and v == v]
        return f"{min(known):.4g} to {max(known):.4g}, {len(known)} values" if known else ""
    if kind == "codes" and row["steps"]:
        return f"{len(row['steps'])} codes"
    if kind == "regions":
        return _of_region(row)
    if kind == "traces" and row["points"]:
        return f"{row['label'] or 'path'}, {len(row['points'])} points, {row['space']}"
    if kind == "links" and row["relation"]:
        return f"{row['relation']}: step {row['source_step']} to {row['destination_step']}"
    if kind == "choices" and row["candidates"]:
        return f"{len(row['candidates'])} candidates"
    words = (row.get(name) for name in ("label", "text", "value", "score", "rationale", "node", "action_name", "uri"))
    return ", ".join(str(word) for word in words if word is not None)


def _of_region(row: Mapping[str, Any]) -> str:
    if not any(row[name] for name in ("points", "boxes", "masks", "cells")):
        return ""
    words = " ".join(word for word in (row["label"], row["role"]) if word)
    if row["shape"] == "cells":
        return f"{words or 'marked'}, {len(row['cells'])} cells"
    many = f", {len(row['frames'])} frames" if row["frames"] and len(row["frames"]) > 1 else ""
    return f"{words or row['shape']}{many}"


def _spans(number: int, entry: Said, count: int) -> list[Span]:
    """The spans of a row; a run of equal words of a series is one."""
    row = entry.row
    words = row.get("outcomes") or row.get("texts")
    if words and row["steps"]:
        runs: list[list[tuple[int, str]]] = []
        for step, word in zip(row["steps"], words, strict=True):
            if word is None or not 0 <= step < count:
                continue
            if runs and runs[-1][-1][0] + 1 == step and runs[-1][-1][1] == word:
                runs[-1].append((step, word))
            else:
                runs.append([(step, str(word))])
        return [Span(run[0][0], run[-1][0] + 1, run[0][1], number) for run in runs]
    says = _says(entry.kind, row)
    if row["start"] is None or not says:
        return []
    end = row["start"] + 1 if row["end"] is None else row["end"]
    return [Span(row["start"], min(count, max(end, row["start"] + 1)), _word(row, says), number)]


def _word(row: Mapping[str, Any], says: str) -> str:
    return str(row.get("label") or row.get("text") or row.get("value") or says)


def _drawn(spans: Sequence[Span], declared: Layer | None) -> Json:
    """Spans `[start, end, word, lane, row]`, how many lanes, and colour and meaning of each word."""
    ends: list[int] = []
    words = list(dict.fromkeys(span.word for span in spans))
    place = {word: i for i, word in enumerate(words)}
    drawn = []
    for span in sorted(spans, key=lambda s: (s.start, -s.end, s.number)):
        lane = next((i for i, end in enumerate(ends) if end <= span.start), len(ends))
        if lane == len(ends) and lane < _LANES:
            ends.append(0)
        lane = min(lane, _LANES - 1)
        ends[lane] = max(ends[lane], span.end)
        drawn.append([span.start, span.end, place[span.word], lane, span.number])
    terms = {term.value: term for term in (declared.vocabulary if declared is not None else None) or ()}
    colours = [(terms[w].colour if w in terms else None) or _VERDICTS.get(w) or _cycled(i) for i, w in enumerate(words)]
    meanings = [terms[word].meaning if word in terms else "" for word in words]
    return {"spans": drawn, "lanes": len(ends), "words": words, "colours": colours, "meanings": meanings}


def _cycled(number: int) -> str:
    red, green, blue = COLOURS[number % len(COLOURS)]
    return f"#{red:02x}{green:02x}{blue:02x}"


def _series(row: Mapping[str, Any]) -> Json | None:
    pairs = [(s, round(float(v), 6)) for s, v in zip(row["steps"] or (), row["values"] or (), strict=True) if v is not None]
    pairs = [(step, value) for step, value in pairs if value == value]
    if not pairs:
        return None
    return {"steps": [s for s, _ in pairs], "values": [v for _, v in pairs], "unit": row["unit"] or row["estimator"] or ""}
