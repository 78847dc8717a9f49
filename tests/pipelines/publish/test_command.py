"""`cairn publish` as a user runs it, from a finished release to `load_dataset` by tag."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from tests.hub_double import READER, WRITER, HubDouble

from .made import REPO, held, make, shards

LOAD = Path(__file__).with_name("load_published.py")
CAIRN = Path(sys.executable).parent / "cairn"
HUB_TOKEN, HUB_REPO = "HF_TOKEN", "CAIRN_HUB_REPO"

Cairn = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def cairn(hub: HubDouble, tmp_path: Path) -> Cairn:
    """`cairn("publish", …, HF_TOKEN=…)`: the command with the double as its Hub."""

    def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        return run_with(hub.endpoint, tmp_path, *arguments, **{"HF_TOKEN": WRITER, **environment})

    return run


def run_with(endpoint: str, home: Path, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"HF_ENDPOINT": endpoint, "HF_HOME": str(home / "hf"), "COLUMNS": "250"} | environment
    program = sys.executable if str(arguments[0]).endswith(".py") else str(CAIRN)
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, env=env, timeout=280, check=False)


@pytest.mark.parametrize("without_xet", ["1", pytest.param("0", marks=pytest.mark.slow)], ids=["lfs", "xet"])
def test_from_a_release_to_load_dataset_by_tag(
    quickstart: Path, hub: HubDouble, cairn: Cairn, tmp_path: Path, without_xet: str
) -> None:
    recipe = Path(shutil.copytree(quickstart.parents[1], tmp_path / "work")) / "quickstart.yaml"
    release = recipe.parent / "out/quickstart/release"
    dry = cairn("publish", recipe, "--to", REPO, "--dry-run", HF_HUB_DISABLE_XET=without_xet)
    assert dry.returncode == 0, dry.stderr
    files = {path.relative_to(release).as_posix() for path in release.rglob("*") if path.is_file()}
    assert set(re.findall(r"^add +(\S+)", dry.stdout, re.MULTILINE)) == files
    assert not hub.traffic.calls("^(POST|PUT|DELETE) (?!/v1/telemetry)")

    done = cairn("publish", recipe, "--to", REPO, HF_HUB_DISABLE_XET=without_xet)
    assert done.returncode == 0, done.stderr
    assert f'load_dataset("{REPO}", revision="v0.1.0")' in done.stdout
    assert held(hub).keys() == files
    assert [ref for ref, _, _ in hub.dataset(REPO).moves] == ["refs/heads/main", "refs/heads/main", "refs/tags/v0.1.0"]
    verified = HfApi(endpoint=hub.endpoint, token=WRITER).verify_repo_checksums(
        REPO, repo_type="dataset", revision="v0.1.0", local_dir=release
    )
    assert (verified.mismatches, verified.missing_paths, verified.extra_paths) == ([], [".gitattributes"], [])

    loaded = cairn(LOAD, REPO, "v0.1.0", release, HF_HUB_DISABLE_XET=without_xet)
    assert loaded.returncode == 0, loaded.stderr
    result = json.loads(loaded.stdout.splitlines()[-1])
    assert result["failed"] == []
    assert result["loads"] >= 2 * len({Path(name).parent for name in files if name.endswith(".parquet")})

    checked = cairn("check", f"{REPO}@v0.1.0", HF_HUB_DISABLE_XET=without_xet)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "not run: media_corrupt" in checked.stdout


def test_exit_codes_and_what_is_said(hub: HubDouble, cairn: Cairn, tmp_path: Path) -> None:
    recipe = make(tmp_path, shards(3), license="cc-by-4.0")
    assert cairn("publish", recipe).returncode == 0
    recipe = make(tmp_path, shards(2, "b"), sources=[
        {"name": "s", "reader": "braingridgame", "uri": "arc/*.json", "license": "cc-by-nc-4.0"}], license="cc-by-4.0")  # fmt: skip
    dry = cairn("publish", recipe, "--dry-run")
    assert dry.returncode == 1
    assert "refused (licence_not_allowed)" in dry.stdout
    assert "refused (version_exists)" in dry.stdout
    assert re.search(r"^remove +steps/train-00002-of-00003.parquet$", dry.stdout, re.MULTILINE)
    refused = cairn("publish", recipe)
    assert refused.returncode == 1
    assert "NC forbids commercial use" in refused.stderr
    denied = cairn("publish", make(tmp_path, shards(2, "b"), "1.1.0"), HF_TOKEN=READER)
    assert denied.returncode == 2
    assert "Use one with the right to write" in denied.stderr
    unknown = cairn("publish", recipe, HF_TOKEN="hf_secret_0123456789")
    assert unknown.returncode == 2
    assert "settings/tokens" in unknown.stderr
    everything = "".join(done.stdout + done.stderr for done in (dry, refused, denied, unknown))
    assert not any(token in everything for token in (WRITER, READER, "hf_secret_0123456789"))
    nowhere = cairn("publish", make(tmp_path, shards(2), release={"version": "1.0.0"}))
    assert nowhere.returncode == 2
    assert "--to ORG/NAME" in nowhere.stderr
    assert hub.dataset(REPO).refs.keys() == {"refs/heads/main", "refs/tags/v1.0.0"}


@pytest.mark.hub
@pytest.mark.skipif(
    not (os.environ.get(HUB_TOKEN) and os.environ.get(HUB_REPO)),
    reason=f"talks to the real Hub: set {HUB_TOKEN}, and {HUB_REPO} to an ORG/NAME that may be deleted",
)
def test_the_same_on_the_real_hub(quickstart: Path, tmp_path: Path) -> None:
    """Publish, load every config by tag, publish again; the repository is made for it and deleted afterwards."""
    repo, release = os.environ[HUB_REPO], quickstart / "release"
    endpoint = os.environ.get("HF_ENDPOINT", "https://huggingface.co")
    recipe = Path(shutil.copytree(quickstart.parents[1], tmp_path / "work")) / "quickstart.yaml"
    api = HfApi(endpoint=endpoint)
    assert not api.repo_exists(repo, repo_type="dataset"), f"{repo} exists: name one that may be made and deleted"
    try:
        done = run_with(endpoint, tmp_path, "publish", recipe, "--to", repo, "--private")
        assert done.returncode == 0, done.stderr
        assert len(api.list_repo_commits(repo, repo_type="dataset")) == 2
        verified = api.verify_repo_checksums(repo, repo_type="dataset", revision="v0.1.0", local_dir=release)
        assert (verified.mismatches, verified.missing_paths) == ([], [".gitattributes"])
        loaded = run_with(endpoint, tmp_path, LOAD, repo, "v0.1.0", release)
        assert json.loads(loaded.stdout.splitlines()[-1])["failed"] == [], loaded.stderr
        again = run_with(endpoint, tmp_path, "publish", recipe, "--to", repo, "--private")
        assert "no commit was made" in again.stdout
        assert run_with(endpoint, tmp_path, "check", f"{repo}@v0.1.0").returncode == 0
    finally:
        api.delete_repo(repo, repo_type="dataset", missing_ok=True)
