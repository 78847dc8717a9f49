"""Which licence a dataset may have, given those of its sources."""

from __future__ import annotations

import pytest

from pipelines.publish.licences import LICENCES, licence_faults


def codes(target: str, source: str) -> list[str]:
    return [code for code, _ in licence_faults(target, {"s": source})]


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("cc0-1.0", "cc-by-4.0"), ("mit", "cc-by-4.0"), ("cc-by-4.0", "cc-by-nc-4.0"), ("cc-by-sa-4.0", "cc-by-sa-4.0"),
        ("cc-by-sa-3.0", "cc-by-sa-4.0"), ("cc-by-nc-4.0", "cc-by-nc-sa-4.0"), ("CC-BY-4.0 ", "cc-by-4.0"), ("cc0-1.0", "cc0-1.0"),
    ],
)  # fmt: skip
def test_what_a_source_allows(source: str, target: str) -> None:
    assert codes(target, source) == []


@pytest.mark.parametrize(
    ("source", "target", "said"),
    [
        ("cc-by-nc-4.0", "cc-by-4.0", "NC forbids commercial use"),
        ("cc-by-nd-4.0", "cc-by-nd-4.0", "ND allows no changed copies"),
        ("cc-by-nc-nd-4.0", "cc-by-nc-4.0", "ND allows no changed copies"),
        ("cc-by-sa-4.0", "cc-by-4.0", "SA asks that changed copies have the licence cc-by-sa-4.0"),
        ("cc-by-nc-sa-4.0", "cc-by-nc-4.0", "SA asks"),
        ("cc-by-4.0", "cc0-1.0", "it asks to be named"),
    ],
)
def test_what_a_source_forbids_is_named_with_the_remedy(source: str, target: str, said: str) -> None:
    (code, message), *_ = licence_faults(target, {"robots": source})
    assert code == "licence_not_allowed"
    assert message.startswith(f"source 'robots' is {source}: ")
    assert said in message


def test_a_licence_that_is_not_in_the_table_is_named() -> None:
    assert codes("made-up", "mit") == ["licence_unknown"]
    assert codes("mit", "proprietary") == ["licence_unknown"]


def test_no_licence_forbids_itself_but_for_nd() -> None:
    assert {name for name in LICENCES if codes(name, name)} == {n for n, terms in LICENCES.items() if not terms.changes}
