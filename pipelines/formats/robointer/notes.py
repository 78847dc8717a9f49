"""What RoboInter says of one episode, frame by frame, whatever file it lies in.

Three states are told apart: None, nobody annotated it; `[]` or -1, it was annotated and the contact is past; else a value.
In LeRobot's columns they are the texts ``, `[]` and `-1`. A value is as in the files: a box is two corners [[x, y], [x, y]] in
whole pixels of `origin_shape` [width, height] of the primary camera.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from pipelines.formats.robointer.names import ANNOTATION, BY_NAME, NAMES, QUALITY, RATINGS, spelled


class Findings:
    """What is amiss with the annotations of one episode: code → how often, and the first case in words."""

    def __init__(self) -> None:
        self._found: dict[str, dict[str, Any]] = {}

    def add(self, code: str, said: str) -> None:
        """Count a case."""
        self._found.setdefault(code, {"count": 0, "first": said})["count"] += 1

    @property
    def said(self) -> dict[str, dict[str, Any]]:
        """In order of code."""
        return dict(sorted(self._found.items()))


@dataclass(frozen=True, slots=True)
class Notes:
    """`values`: field → value of each frame; `ratings`: field → the source's word (Primary, Secondary) or None."""

    values: Mapping[str, Sequence[Any]]
    ratings: Mapping[str, str | None] = field(default_factory=dict)

    def of(self, name: str, frames: int) -> list[Any]:
        """The values of a field, None for all frames where it is absent."""
        return list(self.values.get(name, [None] * frames))

    def first(self, name: str) -> Any:
        """The first value that is one, for what is the same on all frames."""
        return next((value for value in self.values.get(name, ()) if value is not None and not is_past(value)), None)

    def quality(self, name: str) -> str | None:
        """`primary`, `secondary`, or None where the source did not rate the field."""
        return RATINGS.get(self.ratings.get(name) or "")


def is_past(value: Any) -> bool:
    """Whether a value says that the contact is past (or, of a box, that there is nothing to see)."""
    return (isinstance(value, list) and not value) or (isinstance(value, int) and not isinstance(value, bool) and value == -1)


def notes_of_columns(columns: Mapping[str, pa.Array], findings: Findings) -> Notes:
    """The notes of LeRobot's `annotation.*` and `Q_annotation.*` columns, by name."""
    values: dict[str, list[Any]] = {}
    ratings: dict[str, str | None] = {}
    for column, texts in columns.items():
        if column.startswith(ANNOTATION):
            name = spelled(column.removeprefix(ANNOTATION))
            values[name] = _parsed(name, texts.to_pylist(), findings)
    for column, texts in columns.items():
        if column.startswith(QUALITY):
            name = spelled(column.removeprefix(QUALITY))
            said = sorted({text for text in texts.to_pylist() if text})
            if len(said) > 1:
                findings.add("quality_differs", f"{name} is rated {' and '.join(said)} in one episode; the first counts")
            ratings[name] = rating(name, said[0] if said else None, findings)
            if ratings[name] and all(value is None for value in values.get(name, ())):
                findings.add("rated_without_value", f"{name} is rated {ratings[name]} and has no value")
    absent = sorted(set(NAMES) - set(values))
    if absent:
        findings.add("keys_missing", f"keys missing [{', '.join(absent)}]")
    return Notes(values, ratings)


def notes_of_frames(frames: Mapping[Any, Any], length: int, where: str, findings: Findings) -> Notes:
    """The notes of `{frame: {field: value}}`, as an LMDB record holds them."""
    values: dict[str, list[Any]] = {name: [None] * length for name in NAMES}
    for frame, said in frames.items():
        if isinstance(frame, bool) or not isinstance(frame, int) or not 0 <= frame < length or not isinstance(said, dict):
            findings.add("frame_outside", f"{where}: frame {frame} is none of the episode's {length}")
            continue
        names = {spelled(str(key)): value for key, value in said.items()}
        missing, unknown = sorted(set(NAMES) - set(names)), sorted(set(names) - set(NAMES))
        if missing or unknown:
            said_so = f"{where} frame {frame}: keys missing [{', '.join(missing)}], unknown [{', '.join(unknown)}]"
            findings.add("keys_unfit", said_so)
        for name in NAMES:
            values[name][frame] = plain(names.get(name))
    return Notes(values)


def rating(name: str, said: Any, findings: Findings) -> str | None:
    """The source's rating, None for a word that is none (which is a finding)."""
    if said in (None, ""):
        return None
    if said not in RATINGS:
        findings.add("rating_unknown", f"Q_{name} is {said!r}, it should be Primary, Secondary or nothing")
        return None
    return str(said)


def plain(value: Any) -> Any:
    """Tuples and arrays as lists, a text that is empty as None."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return None if value == "" else value


def _parsed(name: str, texts: Sequence[str | None], findings: Findings) -> list[Any]:
    """Values of a column; the same text, which most frames repeat, is read once."""
    known: dict[str | None, Any] = {None: None, "": None, "null": None}
    plain_text = name in BY_NAME and BY_NAME[name].text
    for frame, text in enumerate(texts):
        if text not in known and text is not None:
            if plain_text and text[:1] not in ('"', "["):
                known[text] = text
                continue
            try:
                known[text] = json.loads(text)
            except (ValueError, RecursionError):
                known[text] = text if plain_text else None  # words that only begin like JSON are words
                if not plain_text:
                    findings.add("json_unreadable", f"frame {frame}: annotation.{name} is {text[:40]!r}, which is no JSON")
    return [known[text] for text in texts]
