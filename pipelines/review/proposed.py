"""The proposals of a task in words, numbered, so that nobody has to select a region to read what it says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from annotators.label_studio.codec.checks import key_of
from annotators.label_studio.codec.choices import ranked
from annotators.label_studio.project import Project

Row = Mapping[str, Any]


def proposed_lines(project: Project, rows: Mapping[str, Sequence[Row]], times: Sequence[float | None]) -> str:
    """One numbered line per region of the timeline, then one per other statement, in the order of the pictures.

    `times`: seconds of each step. "nothing" where empty.
    """
    lines = [*_regions(project, rows, times), *(line for _, line in sorted(_others(project, rows), key=lambda one: one[0]))]
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


def _others(project: Project, rows: Mapping[str, Sequence[Row]]) -> Iterator[tuple[int, str]]:
    """Step (-1 for what is about the whole) and line."""
    for layer in project.declared:
        name = layer.name.replace("_", " ")
        for row in rows.get(layer.name, ()):
            at = -1 if row["start"] is None or layer.level != "step" else row["start"]
            match layer.kind:
                case "texts":
                    for step, text in zip(row["steps"] or [None], row["texts"] or [], strict=False):
                        at = -1 if step is None or layer.level != "step" else step
                        yield at, f"{name}{'' if layer.level != 'step' else f', step {step}'}: {text}"
                case "verdicts":
                    yield at, f"{name}{_at(layer.level, row)}: {row['value']}"
                case "regions" | "traces":
                    yield at, f"{name}{_at(layer.level, row)}: {row['label'] or layer.name}{_named(row)}"
                case "checks":
                    yield at, f"{name}{_at(layer.level, row)}: {_condition(row)}"
                case "links":
                    yield at, f"{name}: step {row['source_step']} {row['relation']} step {row['destination_step']}"
                case "choices":
                    for candidate in ranked(row) if row["candidates"] else ():
                        yield at, candidate["text"] or candidate["action"] or candidate["id"]


def _condition(row: Row) -> str:
    """`<function> <key> = <value>`, as far as it was said."""
    said = " ".join(filter(None, (row["function"], key_of(row))))
    return f"{said} = {row['expected']}" if row["expected"] else said


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
