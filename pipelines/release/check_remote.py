"""`cairn check ORG/NAME@TAG`: the guards over a published release, of which no media bytes are fetched.

Media are compared as whole files: the Hub's sha256 of each against the manifest. Of a table only the columns without media and
the footer come over the wire, by ranges.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow.parquet as pq
from huggingface_hub import HfApi, HfFileSystem

from pipelines.errors import ConfigurationError
from pipelines.publish.hub import Hub
from pipelines.publish.plan import RemoteFile

from .check import Finding, Folder, check_folder

NOT_RUN = (
    ("media_corrupt", "whether the bytes inside are those of each row's sha256; the files were compared as wholes, by sha256"),
    ("media_length", "whether each video holds the frames that its row states"),
)
"""Guards that need media bytes: code, and what was not looked at."""


@dataclass(frozen=True)
class RemoteFolder(Folder):
    """A release on the Hub, at one commit."""

    hub: Hub
    commit: str
    files: Mapping[str, RemoteFile]

    @cached_property
    def _fs(self) -> HfFileSystem:
        return HfFileSystem(endpoint=self.hub.api.endpoint, token=self.hub.api.token, skip_instance_cache=True)

    def open(self, name: str) -> pq.ParquetFile:
        """A Parquet file, read by ranges."""
        file = self._fs.open(f"datasets/{self.hub.repo_id}@{self.commit}/{name}", "rb", cache_type="none")
        return pq.ParquetFile(file, page_checksum_verification=True, pre_buffer=True)

    def text(self, name: str) -> str:
        """A text file."""
        return self.hub.text(name, self.commit)

    def sha256(self, name: str) -> str:
        """What the Hub says of it; of the few files that lie in git themselves, the checksum of what it gives."""
        return self.files[name].sha256 or hashlib.sha256(self.text(name).encode()).hexdigest()


def is_published(place: str) -> bool:
    """Whether `place` is spelled ORG/NAME@TAG, and is no folder here."""
    return bool(re.fullmatch(r"[\w.-]+/[\w.-]+@[^/@]+", place)) and not Path(place).exists()


def check_published(place: str, api: HfApi | None = None) -> list[Finding]:
    """All findings about ORG/NAME@TAG. Raises ConfigurationError where there is no such release."""
    repo_id, _, tag = place.partition("@")
    hub = Hub(repo_id, api)
    commit = hub.head(tag)
    files = {file.path: file for file in hub.files(commit)}
    folder = RemoteFolder(Path(), tuple(sorted(files)), hub, commit, files)
    if not folder.parquet:
        raise ConfigurationError(f"{place} holds no Parquet file, so it is no release; check the name and the tag")
    return check_folder(folder, media=False)
