"""The release as it lies in the workspace: its files with their checksums, its card, and what the workspace says of people."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow.parquet as pq
import yaml

from data_cards.header import read_header
from pipelines.errors import ConfigurationError
from pipelines.io.parquet import open_parquet
from pipelines.io.store import Store
from pipelines.release.place import CARD, FOLDER, MANIFEST

from .plan import LocalFile, read_manifest

Watch = Callable[[str, int, int], None]
"""Told of progress: (what, bytes done, bytes in all)."""
_BLOCK = 1 << 20
_MAY_BE_GIT = 20_000_000
"""Files of other kinds than Parquet below this size may lie in git itself, whose names they need."""


@dataclass(frozen=True)
class LocalRelease:
    """A finished release folder. `files` has the manifest as well; `torn`: names whose bytes the manifest does not know."""

    store: Store
    files: tuple[LocalFile, ...]
    torn: tuple[str, ...]
    card: str

    @property
    def parquet(self) -> tuple[str, ...]:
        """Names of the Parquet files."""
        return tuple(file.path for file in self.files if file.path.endswith(".parquet"))

    @property
    def front_matter(self) -> dict[str, Any]:
        """The YAML of the card; empty where it has none. Raises ConfigurationError where it is torn."""
        parts = self.card.split("---\n")
        try:
            header = read_header(parts[1]) if len(parts) > 2 else None
        except yaml.YAMLError as error:
            raise ConfigurationError(f"{CARD} begins with torn YAML ({error}): run `cairn release` again") from error
        return header if isinstance(header, dict) else {}

    @contextmanager
    def at_hand(self, paths: list[str]) -> Iterator[dict[str, Path]]:
        """Files as local paths: themselves, or copies where the workspace is elsewhere."""
        if self.store.is_local:
            yield {path: self.store.local_root / FOLDER / path for path in paths}
            return
        with self.store.scratch() as folder:
            places = {path: folder / str(number) for number, path in enumerate(paths)}
            for path, place in places.items():
                with self.store.open(f"{FOLDER}/{path}") as source, place.open("wb") as target:
                    shutil.copyfileobj(source, target, _BLOCK)
            yield places

    @contextmanager
    def open_parquet(self, path: str) -> Iterator[pq.ParquetFile]:
        """A Parquet file, of which only what is asked for is read."""
        with self.store.open(f"{FOLDER}/{path}") as file:
            yield open_parquet(file)


def read_release(store: Store, watch: Watch) -> LocalRelease:
    """List and hash the release of a workspace. Raises ConfigurationError where there is no finished one."""
    if not store.exists(f"{FOLDER}/{MANIFEST}"):
        raise ConfigurationError(
            f"there is no finished release in {store.uri(FOLDER)}: run `cairn run` or `cairn release` first"
        )
    listed = read_manifest(store.read_bytes(f"{FOLDER}/{MANIFEST}").decode())
    sizes = {path.removeprefix(f"{FOLDER}/"): size for path, size in store.sizes(FOLDER).items()}
    total, done = sum(sizes.values()), 0
    files = []
    for name in sorted([*listed, MANIFEST]):
        if name in sizes:
            with store.open(f"{FOLDER}/{name}") as file:
                may_be_git = not name.endswith(".parquet") and sizes[name] < _MAY_BE_GIT
                files.append(_hashed(name, sizes[name], file, may_be_git))
            done += sizes[name]
            watch("checksums", done, total)
    torn = [file.path for file in files if file.path != MANIFEST and file.sha256 != listed[file.path]]
    torn += sorted(listed.keys() - sizes.keys())
    card = store.read_bytes(f"{FOLDER}/{CARD}").decode() if CARD in sizes else ""
    return LocalRelease(store, tuple(files), tuple(torn), card)


def _hashed(name: str, size: int, file: BinaryIO, may_be_git: bool) -> LocalFile:
    sha256, sha1 = hashlib.sha256(), hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    while block := file.read(_BLOCK):
        sha256.update(block)
        if may_be_git:
            sha1.update(block)
    return LocalFile(name, size, sha256.hexdigest(), sha1.hexdigest() if may_be_git else None)
