"""Publishing from a new workspace: the card tells what changed since versions that were made elsewhere."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.io.store import Store
from pipelines.publish.changelog import unknown_versions
from pipelines.publish.publish import publish
from pipelines.release.changes import VersionRecord, put_record
from tests.command import cairn
from tests.finished_runs import run
from tests.hub_double import WRITER, HubDouble

from .made import REPO, bring, connect, held, make, quiet, ready, shards


@pytest.fixture
def elsewhere(quickstart: Path, tmp_path: Path) -> Path:
    """The recipe of the next version, released in a workspace that never released another: without the layer `noop`."""
    folder = Path(shutil.copytree(quickstart.parents[1], tmp_path / "work"))
    shutil.rmtree(folder / "out/quickstart/versions")
    recipe = folder / "quickstart.yaml"
    recipe.write_text(recipe.read_text().replace("version: 0.1.0", "version: 0.2.0").replace("arc.noop, ", ""))
    run(recipe)
    return recipe


def files_of(release: Path) -> dict[str, bytes]:
    return {path.relative_to(release).as_posix(): path.read_bytes() for path in release.rglob("*") if path.is_file()}


def test_a_new_workspace_learns_from_the_hub_what_came_before(quickstart: Path, elsewhere: Path, hub: HubDouble) -> None:
    at = connect(hub)
    publish(ready(quickstart.parents[1] / "quickstart.yaml", at), at, quiet)
    workspace = elsewhere.parent / "out/quickstart"
    before = files_of(workspace / "release")
    assert b"0.2.0 is the first version." in before["README.md"]

    environment = {"HF_ENDPOINT": hub.endpoint, "HF_TOKEN": WRITER, "HF_HOME": str(elsewhere.parent / "hf"), "COLUMNS": "250"}
    command = [sys.executable, "-m", "tools.cli", "publish", str(elsewhere), "--to", REPO, "--dry-run"]
    said = subprocess.run(command, capture_output=True, text=True, env=os.environ | environment, timeout=240, check=False)
    assert said.returncode == 0, said.stdout + said.stderr
    dry = said.stdout
    assert "README.md would be rendered again: its changelog is about v0.1.0 too" in dry
    assert files_of(workspace / "release") == before
    assert not (workspace / "versions/0.1.0.json").exists()

    prepared = ready(elsewhere, at)
    publish(prepared, at, quiet)
    after = files_of(workspace / "release")
    assert {name for name in after if after[name] != before[name]} == {"README.md", "MANIFEST.sha256"}
    assert f"change   README.md  {len(after['README.md']) / 1e6:,.2f} MB" in dry, "the size it has now"
    assert b"**0.2.0**, against 0.1.0: " in after["README.md"]
    assert b"Layers removed: noop." in after["README.md"]
    assert held(hub, "v0.2.0").keys() == after.keys()
    record = json.loads((workspace / "versions/0.1.0.json").read_text())
    assert record == json.loads((quickstart / "versions/0.1.0.json").read_text())

    assert cairn("release", elsewhere).returncode == 0
    assert files_of(workspace / "release") == after, "a release that knows of both versions is the same to the byte"
    assert ready(elsewhere, at).renewed is None
    assert ready(elsewhere, at).published


def test_what_is_not_ours_is_named_and_changes_nothing(quickstart: Path, hub: HubDouble, tmp_path: Path) -> None:
    at = connect(hub)
    bring(make(tmp_path, shards(2), "0.0.9"), at)
    folder = Path(shutil.copytree(quickstart.parents[1], tmp_path / "work"))
    before = files_of(folder / "out/quickstart/release")
    prepared = ready(folder / "quickstart.yaml", at)
    assert prepared.renewed is not None
    assert (prepared.renewed.records, prepared.renewed.unread) == ((), ("v0.0.9",))
    publish(prepared, at, quiet)
    assert files_of(folder / "out/quickstart/release") == before
    assert not (folder / "out/quickstart/versions/0.0.9.json").exists()


def test_a_torn_release_is_not_mended_by_the_way(quickstart: Path, hub: HubDouble, tmp_path: Path) -> None:
    at = connect(hub)
    bring(make(tmp_path, shards(2), "0.0.9"), at)
    folder = Path(shutil.copytree(quickstart.parents[1], tmp_path / "work"))
    card = folder / "out/quickstart/release/README.md"
    card.write_text(card.read_text() + "x")
    prepared = ready(folder / "quickstart.yaml", at)
    assert prepared.renewed is None
    assert "release_changed" in {refusal.code for refusal in prepared.refusals}


def test_only_the_last_few_tagged_versions_are_asked_for(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    tags = {f"v0.{n}.0": "c" for n in range(12)} | {"latest": "c", "v1": "c", "v2.0.0": "c"}
    assert unknown_versions(store, "0.11.0", tags) == ["0.6.0", "0.7.0", "0.8.0", "0.9.0", "0.10.0"]
    put_record(store, VersionRecord("0.10.0", {}, [], {}))
    put_record(store, VersionRecord("0.8.0", {}, [], {}))
    assert unknown_versions(store, "0.11.0", tags) == ["0.6.0", "0.7.0", "0.9.0"]
    assert unknown_versions(store, "0.0.1", {"v0.0.1": "c", "v0.0.2": "c"}) == []
