"""Publishing to a double through the real client: one commit, a tag, nothing sent twice, nothing of others touched."""

from __future__ import annotations

from pathlib import Path

import fsspec
import pytest
from huggingface_hub import CommitOperationAdd

from pipelines.errors import ConfigurationError, DataError
from pipelines.io.store import Store
from pipelines.publish.patience import MeanwhileError
from pipelines.publish.publish import destination, prepare, publish
from pipelines.recipe import load_recipe
from tests.hub_double import READER, STRANGER, Fault, HubDouble

from .made import REPO, bring, connect, held, make, quiet, ready, shards, wanted


def main_moves(hub: HubDouble) -> int:
    """How often main moved after the repository was made."""
    return sum(ref == "refs/heads/main" for ref, _, _ in hub.dataset(REPO).moves) - 1


def test_300_shards_are_one_commit_and_one_tag(hub: HubDouble, tmp_path: Path) -> None:
    recipe = make(tmp_path, shards(300, size=4_000))
    receipt = bring(recipe, connect(hub))
    repo = hub.dataset(REPO)
    assert receipt.committed
    assert main_moves(hub) == 1
    assert repo.refs["refs/tags/v1.0.0"] == repo.refs["refs/heads/main"] == receipt.commit
    assert held(hub) == wanted(recipe)
    assert set(hub.traffic.stored.values()) == {1}
    assert len(hub.traffic.calls(r"/commit/")) == 1


def test_published_again_nothing_is_sent_and_nothing_moves(hub: HubDouble, tmp_path: Path) -> None:
    recipe = make(tmp_path, shards(3))
    first = bring(recipe, connect(hub))
    moves = list(hub.dataset(REPO).moves)
    hub.traffic.clear()
    again = bring(recipe, connect(hub))
    assert (again.commit, again.committed) == (first.commit, False)
    assert hub.dataset(REPO).moves == moves
    assert hub.traffic.calls("^(POST|PUT|DELETE)") == []


def test_a_version_with_fewer_shards_removes_the_stale_ones_in_the_same_commit(hub: HubDouble, tmp_path: Path) -> None:
    old = wanted(make(tmp_path, shards(5)))
    bring(tmp_path / "recipe.yaml", connect(hub))
    recipe = make(tmp_path, shards(3), "1.1.0")
    hub.traffic.clear()
    bring(recipe, connect(hub))
    assert main_moves(hub) == 2
    assert held(hub) == wanted(recipe)
    assert held(hub, "v1.0.0") == old
    assert hub.traffic.bytes_uploaded() == 0  # the three shards only have other names now


def test_a_version_is_never_changed(hub: HubDouble, tmp_path: Path) -> None:
    bring(make(tmp_path, shards(2)), connect(hub))
    moves = list(hub.dataset(REPO).moves)
    recipe = make(tmp_path, shards(2, "b"))
    with pytest.raises(DataError, match=r"raise release.version \(version_exists\)"):
        bring(recipe, connect(hub))
    assert hub.dataset(REPO).moves == moves


def test_a_tag_that_appears_meanwhile_is_not_moved(hub: HubDouble, tmp_path: Path) -> None:
    bring(make(tmp_path, shards(1)), connect(hub))
    to = connect(hub)
    prepared = ready(make(tmp_path, shards(2), "1.1.0"), to)
    hub.dataset(REPO).point("refs/tags/v1.1.0", hub.dataset(REPO).refs["refs/heads/main"])
    with pytest.raises(ConfigurationError, match="is not moved: raise"):
        publish(prepared, to, quiet)
    assert held(hub, "v1.1.0") == held(hub, "v1.0.0")


def test_a_commit_of_somebody_else_is_never_overwritten(hub: HubDouble, tmp_path: Path) -> None:
    bring(make(tmp_path, shards(2)), connect(hub))
    to = connect(hub)
    recipe = make(tmp_path, shards(3), "1.1.0")
    prepared = ready(recipe, to)
    to.api.create_commit(REPO, [CommitOperationAdd("notes.txt", b"mine")], commit_message="x", repo_type="dataset")
    with pytest.raises(MeanwhileError, match="somebody committed"):
        publish(prepared, to, quiet)
    assert "notes.txt" in held(hub)
    assert "refs/tags/v1.1.0" not in hub.dataset(REPO).refs
    bring(recipe, to)
    assert held(hub).keys() - wanted(recipe).keys() == {"notes.txt"}  # it stays beside the new version


def test_a_repository_of_others_is_refused(hub: HubDouble, tmp_path: Path) -> None:
    to = connect(hub)
    to.create(private=False)
    to.api.create_commit(REPO, [CommitOperationAdd("data.parquet", b"x")], commit_message="x", repo_type="dataset")
    with pytest.raises(DataError, match="files that Cairn did not publish"):
        bring(make(tmp_path, shards(2)), to)
    assert held(hub).keys() == {"data.parquet"}


def test_a_stopped_upload_goes_on_and_a_commit_without_tag_gets_it(hub: HubDouble, tmp_path: Path) -> None:
    recipe = make(tmp_path, shards(120, size=2_000))
    hub.faults.add(Fault(r"POST .*/commit/", status=403))
    with pytest.raises(ConfigurationError, match="403"):
        bring(recipe, connect(hub))
    sent = hub.traffic.bytes_uploaded()
    hub.faults.add(Fault(r"POST .*/tag/", status=403))
    with pytest.raises(ConfigurationError, match="setting the tag"):
        bring(recipe, connect(hub))
    assert held(hub) == wanted(recipe)
    receipt = bring(recipe, connect(hub))
    assert not receipt.committed
    assert main_moves(hub) == 1
    assert held(hub, "v1.0.0") == wanted(recipe)
    assert hub.traffic.bytes_uploaded() == sent


@pytest.mark.usefixtures("with_xet")
def test_through_xet_as_well(hub: HubDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = make(tmp_path, shards(40))
    bring(recipe, connect(hub))
    assert held(hub) == wanted(recipe)
    assert hub.traffic.calls(r"^POST /cas/v1/xorbs/")
    assert not hub.traffic.calls(r"^PUT /lfs/")


def test_private_is_private_from_its_first_moment(hub: HubDouble, tmp_path: Path) -> None:
    recipe = make(tmp_path, shards(2))
    bring(recipe, connect(hub), private=True)
    assert hub.dataset(REPO).private
    for token in (None, STRANGER):
        with pytest.raises(ConfigurationError):
            connect(hub, token).head("main")


def test_a_public_repository_is_not_taken_for_a_private_one(hub: HubDouble, tmp_path: Path) -> None:
    recipe = make(tmp_path, shards(2))
    connect(hub).create(private=False)
    with pytest.raises(DataError, match="make it private on its page"):
        bring(recipe, connect(hub), private=True)
    assert held(hub) == {}


@pytest.mark.parametrize("token", [None, READER, STRANGER, "hf_unknown_0123456789"])
def test_a_token_without_rights_is_a_sentence_without_the_token(hub: HubDouble, tmp_path: Path, token: str | None) -> None:
    recipe = make(tmp_path, shards(2))
    connect(hub).create(private=False)
    with pytest.raises(ConfigurationError, match="token") as error:
        bring(recipe, connect(hub, token))
    assert error.value.exit_code == 2
    assert not token or token not in str(error.value)
    assert main_moves(hub) == 0


def test_a_branch_of_its_own_leaves_main_alone(hub: HubDouble, tmp_path: Path) -> None:
    bring(make(tmp_path, shards(2)), connect(hub))
    recipe = make(tmp_path, shards(3), "2.0.0")
    bring(recipe, connect(hub), branch="next")
    assert main_moves(hub) == 1
    assert held(hub, "next") == held(hub, "v2.0.0") == wanted(recipe)


def test_a_file_that_changed_on_this_disk_is_refused(hub: HubDouble, tmp_path: Path) -> None:
    recipe = make(tmp_path, shards(2))
    file = next((tmp_path / "out/release/steps").iterdir())
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    with pytest.raises(DataError, match="release_changed"):
        bring(recipe, connect(hub))
    assert not hub.traffic.calls("^(POST|PUT)")


def test_without_a_release_or_a_name_there_is_a_sentence(hub: HubDouble, tmp_path: Path) -> None:
    recipe = make(tmp_path, shards(1))
    (tmp_path / "out/release/MANIFEST.sha256").unlink()
    with pytest.raises(ConfigurationError, match="run `cairn run`"):
        bring(recipe, connect(hub))
    with pytest.raises(ConfigurationError, match="ORG/NAME"):
        bring(recipe, connect(hub), to="nonsense")


def test_large_files_go_in_parts(hub: HubDouble, tmp_path: Path) -> None:
    hub.part_size = 30_000
    recipe = make(tmp_path, shards(2, size=100_000))
    bring(recipe, connect(hub))
    assert held(hub) == wanted(recipe)
    assert len(hub.traffic.calls(r"^PUT /lfs/\w+/parts/")) == 8


def test_a_workspace_on_an_object_store(hub: HubDouble, tmp_path: Path) -> None:
    recipe = make(tmp_path, shards(4))
    files = fsspec.filesystem("memory")
    files.put(str(tmp_path / "out/release"), "/publish/release", recursive=True)
    loaded, at = load_recipe(recipe), connect(hub)
    prepared = prepare(loaded, Store("memory://publish"), at, destination(loaded, None, False, None, 1000), quiet)
    publish(prepared, at, quiet)
    assert held(hub, "v1.0.0") == wanted(recipe)


def test_a_torn_card_is_a_sentence(hub: HubDouble, tmp_path: Path) -> None:
    recipe = make(tmp_path, shards(1))
    (tmp_path / "out/release/README.md").write_text("---\n[\n---\n")
    with pytest.raises(ConfigurationError, match="torn YAML"):
        bring(recipe, connect(hub))
