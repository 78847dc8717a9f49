"""Which calls act, and their keys; the columns are tested with the reader."""

from __future__ import annotations

import pytest

from pipelines.formats.playwright.actions import ACTIONS, keys_of
from schemas.vocabularies import ACTION_KINDS


def test_kinds_are_words_of_the_contract() -> None:
    assert {action.kind for action in ACTIONS.values()} <= set(ACTION_KINDS)


@pytest.mark.parametrize(
    ("key", "keys"),
    [
        ("Enter", ["Enter"]),
        ("Control+Shift+T", ["Control", "Shift", "T"]),
        ("+", ["+"]),
        ("Control++", ["Control", "+"]),
        ("Shift+ArrowLeft", ["Shift", "ArrowLeft"]),
    ],
)
def test_keys_of_a_combination(key: str, keys: list[str]) -> None:
    assert keys_of(key) == keys
