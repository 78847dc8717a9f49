"""A source's actions in Cairn's words, as a declaration: what the source calls an action → a word and where its arguments stand.

    WORDS = {"edit": Word("draw", {"x": "y", "y": "x", "color": "symbol"}), "check": Word("submit", {"correct": "correct"})}

The left of an argument is Cairn's name for it (`schemas.arc_operations`: `x` is a column, `y` a row), the right the source's.
So a source whose x is a row says so here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from schemas.arc_operations import OPERATIONS


@dataclass(frozen=True, slots=True)
class Word:
    """`name`: a word of `schemas.arc_operations`; `arguments`: name of each argument → the source's key for it.

    `always`: arguments that the source does not write because they are always the same. Raises ValueError for a word that
    is not in the vocabulary.
    """

    name: str
    arguments: Mapping[str, str] = field(default_factory=dict)
    always: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.name not in OPERATIONS:
            raise ValueError(f"{self.name!r} is no word of schemas.arc_operations")


def in_our_words(words: Mapping[str, Word], name: str, said: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The word for what a source calls `name`, and its arguments out of what the source `said`.

    What the source left out or null is no argument. A name without a word stays as it is, with all that was said.
    """
    word = words.get(name)
    if word is None:
        return name, dict(said)
    found = {argument: number(said[key]) for argument, key in word.arguments.items() if said.get(key) is not None}
    return word.name, {**word.always, **found}


def number(value: Any) -> Any:
    """A value with integers for texts of digits, also inside lists: `"7"` → 7, `[["0", 1]]` → [[0, 1]]."""
    if isinstance(value, str) and value.isascii() and value.removeprefix("-").isdigit() and len(value) < 10:
        return int(value)
    return [number(element) for element in value] if isinstance(value, list) else value


def cells(value: Any, length: int) -> list[list[int]] | None:
    """A list of cells that a source wrote as a list or as its JSON text; None where it is not lists of `length` integers each."""
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return None
    found = number(value)
    if not isinstance(found, list) or not all(isinstance(cell, list) and len(cell) == length for cell in found):
        return None
    return found if all(type(part) is int for cell in found for part in cell) else None
