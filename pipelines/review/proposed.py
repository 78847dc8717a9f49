"""The proposals of a task in words, numbered, so that nobody has to select a region to read what it says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from annotators.label_studio.project import Project

Row = Mapping[str, Any]


def proposed_lines(project: Project, rows: Mapping[str, Sequence[Row]], times: Sequence[float | None]) -> str:
    """One numbered line per region, then one per text and verdict. `times`: seconds of each step. "nothing" where empty."""
    lines = [*_regions(project, rows, times), *_others(project, rows)]
    return "\n".join(f"{number}. {line}" for number, line in enumerate(lines, 1)) or "nothing"


def _regions(project: Project, rows: Mapping[str, Sequence[Row]], times: Sequence[float | None]) -> Iterator[str]:
    """The intervals of all layers of segments, those that share a region on one line."""
    found: list[tuple[int, int, str]] = []
    for layers in project.regions.values():
        words: dict[tuple[int, int], list[str]] = {}
        for layer in layers:
            for row in rows.get(layer.name, ()) if layer.kind == "segments" else ():
                words.setdefault((row["start"], row["end"]), []).extend(w for w in (row["label"], row["text"]) if w)
        found += [(start, end, ": ".join(said) or "empty") for (start, end), said in words.items()]
    for start, end, said in sorted(found):
        yield f"{said} ({_stretch(start, end, times)})"


def _others(project: Project, rows: Mapping[str, Sequence[Row]]) -> Iterator[str]:
    for layer in project.declared:
        name = layer.name.replace("_", " ")
        for row in rows.get(layer.name, ()):
            match layer.kind:
                case "texts":
                    for step, text in zip(row["steps"] or [None], row["texts"] or [], strict=False):
                        yield f"{name}{'' if layer.level != 'step' else f', step {step}'}: {text}"
                case "verdicts":
                    yield f"{name}{_at(layer.level, row)}: {row['value']}"
                case "regions" | "traces":
                    yield f"{name}{_at(layer.level, row)}: {row['label'] or layer.name}{_named(row)}"
                case "checks":
                    yield f"{name}{_at(layer.level, row)}: {row['function']} {row['expected'] or ''}".rstrip()
                case "links":
                    yield f"{name}: step {row['source_step']} {row['relation']} step {row['destination_step']}"


def _named(row: Row) -> str:
    """The name of the element, where the producer said one."""
    said = orjson.loads(row["attributes"]) if row.get("attributes") else {}
    return f' "{said["name"]}"' if isinstance(said, dict) and said.get("name") else ""


def _at(level: str, row: Row) -> str:
    return f", step {row['start']}" if level == "step" and row["start"] is not None else ""


def _stretch(start: int, end: int, times: Sequence[float | None]) -> str:
    """Steps as people count time: seconds where there are some."""
    first = times[start] if start < len(times) else None
    last = times[end] if end < len(times) else (times[-1] if times else None)
    steps = f"step {start}" if end == start + 1 else f"steps {start} to {end - 1}"
    return steps if first is None or last is None else f"{first:.1f} to {last:.1f} s"
