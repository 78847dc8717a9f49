"""More files than a commit should have: a pull request of several commits, merged at once, found again after a stop."""

from __future__ import annotations

from pathlib import Path

import pytest
from huggingface_hub import CommitOperationAdd

from pipelines.errors import CairnError, ConfigurationError
from pipelines.publish.patience import MeanwhileError
from pipelines.publish.publish import publish
from tests.hub_double import Fault, HubDouble

from .made import REPO, bring, connect, held, make, quiet, ready, shards, wanted


def mains(hub: HubDouble) -> list[set[str]]:
    """The files of main after each of its moves."""
    repo = hub.dataset(REPO)
    return [set(repo.commits[to].tree) - {".gitattributes"} for ref, _, to in repo.moves if ref == "refs/heads/main"]


def test_main_has_nothing_and_then_everything(hub: HubDouble, tmp_path: Path) -> None:
    recipe = make(tmp_path, shards(25, size=2_000))
    bring(recipe, connect(hub), max_files=10)
    repo = hub.dataset(REPO)
    assert mains(hub) == [set(), set(wanted(recipe))]
    assert sum(ref == "refs/pr/1" for ref, _, _ in repo.moves) == 1 + 3
    assert [pull.status for pull in repo.pulls] == ["merged"]
    assert held(hub, "v1.0.0") == wanted(recipe)


def test_a_second_version_removes_what_is_stale(hub: HubDouble, tmp_path: Path) -> None:
    old = set(wanted(make(tmp_path, shards(9))))
    bring(tmp_path / "recipe.yaml", connect(hub))
    recipe = make(tmp_path, shards(7, "b"), "1.1.0")
    bring(recipe, connect(hub), max_files=4)
    assert mains(hub)[1:] == [old, set(wanted(recipe))]
    assert held(hub) == wanted(recipe)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(r"POST .*/discussions$", after=True, disconnect=True),
        Fault(r"POST .*/discussions$", status=503),
        Fault(r"POST .*/commit/refs", skip=1, after=True, status=504),
        Fault(r"POST .*/status$", after=True, disconnect=True),
        Fault(r"POST .*/merge$", after=True, status=504),
        Fault(r"POST .*/merge$", status=429, headers={"RateLimit": '"api";r=0;t=0'}),
    ],
    ids=["opening lost", "opening 503", "commit lost", "publishing lost", "merge lost", "merge 429"],
)
def test_lost_replies_make_no_second_pull_request_and_no_second_merge(hub: HubDouble, tmp_path: Path, fault: Fault) -> None:
    hub.faults.add(fault)
    recipe = make(tmp_path, shards(12, size=2_000))
    bring(recipe, connect(hub), max_files=6)
    assert hub.faults.happened == 1
    assert len(hub.dataset(REPO).pulls) == 1
    assert mains(hub) == [set(), set(wanted(recipe))]


def test_a_stopped_run_goes_on_in_its_pull_request(hub: HubDouble, tmp_path: Path) -> None:
    recipe = make(tmp_path, shards(12, size=2_000))
    hub.faults.add(Fault(r"POST .*/commit/refs", skip=1, status=403))
    with pytest.raises(CairnError):
        bring(recipe, connect(hub), max_files=5)
    assert mains(hub) == [set()]
    bring(recipe, connect(hub), max_files=5)
    assert len(hub.dataset(REPO).pulls) == 1
    assert mains(hub) == [set(), set(wanted(recipe))]
    assert set(hub.traffic.stored.values()) == {1}


def test_where_main_moved_nothing_is_merged(hub: HubDouble, tmp_path: Path) -> None:
    bring(make(tmp_path, shards(2)), connect(hub))
    to = connect(hub)
    prepared = ready(make(tmp_path, shards(8), "1.1.0"), to, max_files=3)
    to.api.create_commit(REPO, [CommitOperationAdd("notes.txt", b"mine")], commit_message="x", repo_type="dataset")
    with pytest.raises(MeanwhileError, match="left unmerged"):
        publish(prepared, to, quiet)
    assert "refs/tags/v1.1.0" not in hub.dataset(REPO).refs


def test_pull_requests_go_to_main_only(hub: HubDouble, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="raise --max-files"):
        bring(make(tmp_path, shards(8)), connect(hub), max_files=3, branch="next")
