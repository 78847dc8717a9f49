"""Small releases that a test makes itself: a recipe, Parquet shards of random bytes, a card, a manifest."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from huggingface_hub import HfApi

from pipelines.io.store import Store
from pipelines.publish.hub import Hub
from pipelines.publish.patience import Patience
from pipelines.publish.plan import RemoteFile
from pipelines.publish.publish import Destination, Prepared, Receipt, destination, prepare, publish
from pipelines.recipe import Recipe, load_recipe
from tests.hub_double import WRITER, HubDouble

REPO = "me/data"
FEATURES = {"row": {"dtype": "int64", "_type": "Value"}, "noise": {"dtype": "binary", "_type": "Value"}}
SCHEMA = pa.schema(
    [("row", pa.int64()), ("noise", pa.binary())],
    metadata={b"huggingface": json.dumps({"info": {"features": FEATURES}}).encode()},
)
QUICK = Patience(first_wait=0.02)


def quiet(*_: object) -> None:
    """Nobody watches."""


def shard(seed: str, size: int = 20_000, rows: int = 4) -> bytes:
    """A Parquet file whose bytes depend on `seed` alone."""
    noise = random.Random(seed)
    table = pa.table({"row": range(rows), "noise": [noise.randbytes(size // rows) for _ in range(rows)]}, schema=SCHEMA)
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="none", use_dictionary=False)
    return bytes(sink.getvalue())


def shards(count: int, seed: str = "a", folder: str = "steps", size: int = 20_000) -> dict[str, bytes]:
    """`count` files of one split."""
    return {f"{folder}/train-{i:05d}-of-{count:05d}.parquet": shard(f"{seed}{i}", size) for i in range(count)}


def make(folder: Path, files: Mapping[str, bytes], version: str = "1.0.0", **keys: Any) -> Path:
    """A recipe with a finished release of these files and a card; returns the recipe's path. It replaces what was there."""
    release = folder / "out/release"
    shutil.rmtree(release, ignore_errors=True)
    names = sorted({name.rsplit("/", 1)[0] for name in files if "/" in name})
    header = {
        "license": "cc0-1.0",
        "configs": [
            {"config_name": name.replace("/", "-"), "data_files": [{"split": "train", "path": f"{name}/train-*.parquet"}]}
            for name in names
        ],
    } | keys.pop("card", {})
    card = f"---\n{yaml.safe_dump(header, sort_keys=False)}---\n# A test, version {version}\n"
    every = {"README.md": card.encode(), **files}
    for name, data in every.items():
        (release / name).parent.mkdir(parents=True, exist_ok=True)
        (release / name).write_bytes(data)
    lines = [f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(every.items())]
    (release / "MANIFEST.sha256").write_text("".join(lines))
    (folder / "out/workspace.json").write_text('{"recipe": "test"}')
    source = {"name": "s", "reader": "braingridgame", "uri": "arc/*.json", "license": "cc0-1.0"}
    content = {
        "name": "test", "license": "cc0-1.0", "workspace": "out", "sources": [source],
        "release": {"version": version, "repo_id": REPO},
    }  # fmt: skip
    recipe = folder / "recipe.yaml"
    recipe.write_text(yaml.safe_dump(content | keys))
    return recipe


def connect(hub: HubDouble, token: str | None = WRITER, repo_id: str = REPO, patience: Patience = QUICK) -> Hub:
    """The publisher's view of a double."""
    return Hub(repo_id, HfApi(endpoint=hub.endpoint, token=token or False), patience)


def ready(recipe: Path, at: Hub, **options: Any) -> Prepared:
    """`prepare` of a recipe file."""
    loaded: Recipe = load_recipe(recipe)
    given = {"to": at.repo_id, "private": False, "branch": None, "max_files": 1000} | options
    place: Destination = destination(loaded, **given)
    return prepare(loaded, Store(loaded.workspace_uri), at, place, quiet)


def bring(recipe: Path, at: Hub, **options: Any) -> Receipt:
    """Prepare and publish."""
    return publish(ready(recipe, at, **options), at, quiet)


def held(hub: HubDouble, revision: str = "main", repo_id: str = REPO) -> dict[str, str]:
    """Path → sha256 of what a revision holds, without the Hub's own file."""
    tree = hub.dataset(repo_id).resolve(revision).tree
    return {path: entry.content for path, entry in tree.items() if path != ".gitattributes"}


def wanted(recipe: Path) -> dict[str, str]:
    """Path → sha256 of the release."""
    release = recipe.parent / "out/release"
    files = (path for path in release.rglob("*") if path.is_file())
    return {path.relative_to(release).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def remote(path: str, data: bytes = b"", lfs: bool = True) -> RemoteFile:
    """A file as the Hub lists it."""
    sha1 = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
    return RemoteFile(path, len(data), "p" * 40 if lfs else sha1, hashlib.sha256(data).hexdigest() if lfs else None)
