"""Typed reading of a result's value: what is missing or doubled is refused with a sentence."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from .statement import Result, Unreadable


def value_of(result: Result) -> Mapping[str, Any]:
    """The `value`. Raises Unreadable where there is none."""
    value = result.get("value")
    if not isinstance(value, Mapping):
        raise Unreadable("value_missing", f"a result of {result.get('from_name')} has no value; enter it again")
    return value


def region_of(result: Result) -> str:
    """The id of the region. Raises Unreadable where there is none."""
    region = result.get("id")
    if not isinstance(region, str) or not region:
        raise Unreadable("id_missing", f"a result of {result.get('from_name')} has no id; draw the region again")
    return region


def number(value: Mapping[str, Any], key: str) -> float:
    """A finite number. Raises Unreadable."""
    found = value.get(key)
    if isinstance(found, bool) or not isinstance(found, (int, float)) or not math.isfinite(found):
        raise Unreadable("number_invalid", f"{key} is {found!r} and should be a number; draw the region again")
    return float(found)


def whole(value: Mapping[str, Any], key: str) -> int:
    """A number without a fraction. Raises Unreadable."""
    found = number(value, key)
    if not found.is_integer():
        raise Unreadable("number_invalid", f"{key} is {found} and should be a whole number; set it again")
    return int(found)


def one_text(result: Result) -> str | None:
    """The text of a TextArea; None where it is empty. Raises Unreadable for two texts, which are never joined."""
    texts = value_of(result).get("text")
    texts = [texts] if isinstance(texts, str) else texts
    if texts is None or not texts:
        return None
    if len(texts) > 1:
        shown = ", ".join(repr(text) for text in texts)
        raise Unreadable("texts_two", f"{result.get('from_name')} has {len(texts)} texts ({shown}); keep one of them")
    return str(texts[0]) or None


def one_word(result: Result, key: str, words: Sequence[str]) -> str:
    """The label or choice of a result. Raises Unreadable for none, two, or one that its layer does not have."""
    found = value_of(result).get(key)
    if not isinstance(found, (list, tuple)) or not found:
        raise Unreadable(
            "word_missing", f"a region of {result.get('from_name')} has no label; choose one of {', '.join(words)}"
        )
    if len(found) > 1:
        raise Unreadable(
            "words_two", f"{result.get('from_name')} has {len(found)} values ({', '.join(map(str, found))}); choose one"
        )
    if found[0] not in words:
        raise Unreadable(
            "word_unknown", f"{result.get('from_name')}: {found[0]!r} is none of {', '.join(words)}; choose one of them"
        )
    return str(found[0])


def item_of(result: Result, pictures: int) -> int:
    """The 0-based picture of a result. Raises Unreadable where there is no such picture."""
    item = result.get("item_index", 0 if pictures == 1 else None)
    if isinstance(item, bool) or not isinstance(item, int) or not 0 <= item < pictures:
        raise Unreadable("item_unknown", f"{result.get('from_name')}: picture {item!r} is none of the {pictures} of the task")
    return item
