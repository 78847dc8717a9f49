"""`cairn check ORG/NAME@TAG`: the guards over what the Hub holds, without a byte of media."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationDelete

from pipelines.errors import ConfigurationError
from pipelines.io.store import Store
from pipelines.publish.publish import destination, prepare, publish
from pipelines.recipe import load_recipe
from pipelines.release.check_remote import check_published, is_published
from tests.hub_double import HubDouble, running

from .made import REPO, connect, quiet


@pytest.fixture(scope="module")
def published(quickstart: Path, tmp_path_factory: pytest.TempPathFactory) -> HubDouble:
    """The examples' release on a double, as v0.1.0."""
    with running(tmp_path_factory.mktemp("hub")) as hub:
        at = connect(hub)
        recipe = load_recipe(quickstart.parents[1] / "quickstart.yaml")
        publish(prepare(recipe, Store(str(quickstart)), at, destination(recipe, REPO, False, None, 1000), quiet), at, quiet)
        yield hub


@pytest.fixture
def spoil(published: HubDouble) -> Callable[..., set[tuple[str, str]]]:
    """`spoil(files, delete=…)`: change files on the Hub; returns what is found then as (file, code)."""

    def change(files: dict[str, bytes], delete: tuple[str, ...] = ()) -> set[tuple[str, str]]:
        hub = connect(published)
        branch = f"b{len(published.dataset(REPO).refs)}"
        hub.api.create_branch(REPO, repo_type="dataset", branch=branch, revision="v0.1.0")
        operations = [CommitOperationAdd(path, data) for path, data in files.items()]
        operations += [CommitOperationDelete(path) for path in delete]  # type: ignore[misc]
        hub.api.create_commit(REPO, operations, commit_message="x", repo_type="dataset", revision=branch)
        return {(found.file, found.code) for found in check_published(f"{REPO}@{branch}", hub.api)}

    return change


def test_a_sound_release_has_no_finding_and_its_media_are_not_fetched(published: HubDouble, quickstart: Path) -> None:
    published.traffic.clear()
    assert check_published(f"{REPO}@v0.1.0", connect(published).api) == []
    (videos,) = (quickstart / "release/videos").iterdir()
    media = sum(len(video["bytes"]) for video in pq.read_table(videos)["video"].to_pylist())
    # the footer comes with the 64 KiB before it, which are media here; more than that was not read
    assert published.traffic.bytes_served("^videos/") < videos.stat().st_size - media + 4 * (64 << 10)


def test_what_is_wrong_on_the_hub_is_found(spoil: Callable[..., set[tuple[str, str]]], quickstart: Path) -> None:
    release = quickstart / "release"
    (videos,) = (p.relative_to(release).as_posix() for p in (release / "videos").iterdir())
    (steps,) = (p.relative_to(release).as_posix() for p in (release / "robot_steps").iterdir())
    flipped = bytearray((release / videos).read_bytes())
    flipped[100] ^= 1
    assert (videos, "checksum") in spoil({videos: bytes(flipped)})
    assert (steps, "file_missing") in spoil({}, (steps,))
    assert ("notes.txt", "file_unlisted") in spoil({"notes.txt": b"x"})
    assert ("MANIFEST.sha256", "manifest_missing") in spoil({}, ("MANIFEST.sha256",))


def test_rows_are_checked_as_in_a_folder(spoil: Callable[..., set[tuple[str, str]]], quickstart: Path, tmp_path: Path) -> None:
    release = quickstart / "release"
    (path,) = (release / "robot_steps").iterdir()
    name = path.relative_to(release).as_posix()
    table = pq.read_table(path)
    pq.write_table(table.slice(1), tmp_path / "cut.parquet")
    data = (tmp_path / "cut.parquet").read_bytes()
    manifest = (release / "MANIFEST.sha256").read_text()
    listed = next(line for line in manifest.splitlines() if line.endswith(name))
    mended = manifest.replace(listed, f"{hashlib.sha256(data).hexdigest()}  {name}").encode()
    found = spoil({name: data, "MANIFEST.sha256": mended})
    assert (name, "checksum") not in found
    assert ("robot_labels", "labels_uneven") in found
    assert any(file == name for file, _ in found)


def test_how_a_published_release_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, published: HubDouble) -> None:
    assert is_published("me/data@v1.0.0")
    assert not any(is_published(place) for place in ("out/release", "me/data", "/me/data@v1", "a/b/c@v1"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "me/data@v1").mkdir(parents=True)
    assert not is_published("me/data@v1")
    for place in ("me/nothing@v1", f"{REPO}@v9"):
        with pytest.raises(ConfigurationError, match="check"):
            check_published(place, connect(published).api)
