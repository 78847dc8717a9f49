"""Each rule of publication: its code, and the sentence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import DataError
from pipelines.io.store import Store
from pipelines.publish.records import ACCEPTANCE, read_rows
from pipelines.publish.refusals import Case, ConfigCounts, refusals

from .made import remote

SOUND = Case("cc-by-4.0", {"s": "mit"}, "1.0.0")
SAMPLE = {"project": "p", "batch": "b", "round": 1, "right": 8, "checked": 10, "bar": 0.9}
INFO = {"config_name": "steps", "features": [{"name": "a", "dtype": "int64"}], "splits": [{"name": "train", "num_examples": 3}]}
COUNTED = {"steps": ConfigCounts([{"name": "a", "dtype": "int64"}], {"train": 3})}


def found(**changes: Any) -> list[tuple[str, str]]:
    return [(refusal.code, refusal.message) for refusal in refusals(replace(SOUND, **changes))]


def test_a_sound_release_is_not_refused() -> None:
    assert found(card={"dataset_info": [INFO]}, configs=COUNTED, repo_private=False, files=[remote(".gitattributes")]) == []


@pytest.mark.parametrize(
    ("code", "said", "changes"),
    [
        ("release_changed", "a.parquet", {"torn": ["a.parquet"]}),
        ("licence_not_allowed", "NC", {"sources": {"s": "cc-by-nc-4.0"}}),
        ("source_gated", "'s' is a gated repository", {"gated": ["s"]}),
        ("version_exists", "raise release.version", {"version_taken": True}),
        ("card_differs", "num_examples is 3, its files hold 4", {"card": {"dataset_info": INFO},
                                                                  "configs": {"steps": ConfigCounts(None, {"train": 4})}}),
        ("card_differs", "b is not on the card", {"card": {"dataset_info": [INFO]}, "configs": {
            "steps": ConfigCounts([*INFO["features"], {"name": "b", "dtype": "bool"}], {"train": 3})}}),  # type: ignore[misc]
        ("card_differs", "which no file belongs to", {"card": {"dataset_info": [INFO]}}),
        ("acceptance_below_bar", "8 of 10 were right, the bar is 90%", {"acceptances": [SAMPLE]}),
        ("finding_open", "2 findings", {"findings": [{"project": "p", "message": "two texts", "open": True}] * 2}),
        ("private_data_open", "t1, phone", {"private_data": [{"trajectory_id": "t1", "kind": "phone", "decision": None}]}),
        ("repository_public", "--private", {"private": True, "repo_private": False}),
        ("repository_foreign", "data.csv", {"files": [remote("data.csv")]}),
        ("repository_foreign", "steps/train-x.parquet", {"manifested": True, "foreign": ["steps/train-x.parquet"], "card": {
            "configs": [{"data_files": [{"path": "steps/train-*.parquet"}]}]}}),
    ],
)  # fmt: skip
def test_each_rule(code: str, said: str, changes: dict[str, Any]) -> None:
    ((found_code, message),) = found(**changes)
    assert found_code == code
    assert said in message


def test_the_last_round_of_a_batch_decides() -> None:
    assert found(acceptances=[SAMPLE, SAMPLE | {"round": 2, "right": 9}]) == []
    assert [code for code, _ in found(acceptances=[SAMPLE | {"round": 2}, SAMPLE | {"right": 10}])] == ["acceptance_below_bar"]


def test_what_is_settled_is_no_reason() -> None:
    assert found(
        findings=[{"project": "p", "message": "x", "open": False}],
        private_data=[{"trajectory_id": "t", "kind": "phone", "decision": "masked"}],
        gated=["s"], private=True, repo_private=True,
    ) == []  # fmt: skip


def test_a_new_repository_may_have_a_card_of_its_own() -> None:
    assert found(files=[remote(".gitattributes"), remote("README.md")]) == []


def test_torn_records_are_an_error_not_a_pass(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    assert read_rows(store, ACCEPTANCE) == ()
    store.put_json(ACCEPTANCE, [SAMPLE])
    assert read_rows(store, ACCEPTANCE) == [SAMPLE]
    for broken in ({"p": 1}, [{"project": "p"}]):
        store.put_json(ACCEPTANCE, broken)
        with pytest.raises(DataError, match="torn"):
            read_rows(store, ACCEPTANCE)
    store.put_bytes(ACCEPTANCE, b"[{")
    with pytest.raises(DataError, match="torn"):
        read_rows(store, ACCEPTANCE)
