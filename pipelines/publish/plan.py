"""What a publication would change, from two listings: nothing is sent to find out."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file of the release. `blob_id` is git's name of it, where the Hub may hold it outside of LFS."""

    path: str
    size: int
    sha256: str
    blob_id: str | None = None


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of the repository: git's name of it, and its sha256 where it is in LFS."""

    path: str
    size: int
    blob_id: str
    sha256: str | None = None

    def holds(self, file: LocalFile) -> bool:
        """Whether the content is the same."""
        return self.sha256 == file.sha256 if self.sha256 is not None else self.blob_id == file.blob_id


@dataclass(frozen=True, slots=True)
class Plan:
    """What a publication does to each file.

    `moved`: (file, the path that holds its content now), so nothing is sent. `foreign`: files of others, which stay.
    """

    added: tuple[LocalFile, ...] = ()
    changed: tuple[LocalFile, ...] = ()
    moved: tuple[tuple[LocalFile, str], ...] = ()
    kept: tuple[LocalFile, ...] = ()
    removed: tuple[RemoteFile, ...] = ()
    foreign: tuple[str, ...] = ()

    @property
    def sent(self) -> tuple[LocalFile, ...]:
        """Files whose content the repository does not hold."""
        return tuple(sorted(self.added + self.changed, key=lambda f: f.path))

    @property
    def operations(self) -> int:
        """How many operations the commit has; 0 = there is nothing to do."""
        return len(self.added) + len(self.changed) + len(self.moved) + len(self.removed)

    @property
    def bytes_sent(self) -> int:
        """Upper bound of the bytes to upload: what was uploaded before a stop is not sent again."""
        return sum({file.sha256: file.size for file in self.sent}.values())


def make_plan(local: Collection[LocalFile], remote: Collection[RemoteFile], ours: Collection[str]) -> Plan:
    """Compare a release with a repository. `ours`: names that the repository's own manifest lists; only those are removed."""
    there = {file.path: file for file in remote}
    by_content = {file.sha256: file.path for file in remote if file.sha256 is not None}
    added: list[LocalFile] = []
    changed: list[LocalFile] = []
    kept: list[LocalFile] = []
    moved: list[tuple[LocalFile, str]] = []
    for file in local:
        known = there.get(file.path)
        if known is not None and known.holds(file):
            kept.append(file)
        elif file.sha256 in by_content:
            moved.append((file, by_content[file.sha256]))
        else:
            (added if known is None else changed).append(file)
    names = {file.path for file in local}
    gone = [file for file in remote if file.path not in names]
    return Plan(
        tuple(added), tuple(changed), tuple(moved), tuple(kept),
        removed=tuple(file for file in gone if file.path in ours),
        foreign=tuple(file.path for file in gone if file.path not in ours),
    )  # fmt: skip


def differences(local: Collection[LocalFile], remote: Collection[RemoteFile]) -> list[str]:
    """Names of the release's files that a repository lacks or holds with another content."""
    there = {file.path: file for file in remote}
    return sorted(f.path for f in local if f.path not in there or not there[f.path].holds(f))


def marker(version: str, parent: str, local: Iterable[LocalFile]) -> str:
    """A name for exactly this publication on this parent, by which a commit or pull request is recognised as ours."""
    lines = [version, parent, *sorted(f"{file.sha256}  {file.path}" for file in local)]
    return "cairn-publish-" + hashlib.sha256("\n".join(lines).encode()).hexdigest()[:32]


def groups(files: Sequence[LocalFile], most_bytes: int, most_files: int) -> list[list[LocalFile]]:
    """Files in runs that are uploaded together: few calls for many small files, one file where it is large."""
    found: list[list[LocalFile]] = []
    filled = 0
    for file in files:
        if not found or filled + file.size > most_bytes or len(found[-1]) >= most_files:
            found.append([])
            filled = 0
        found[-1].append(file)
        filled += file.size
    return found


def read_manifest(text: str) -> dict[str, str]:
    """Name → sha256 of a `MANIFEST.sha256`; lines of another form are passed over."""
    pairs = (line.partition("  ") for line in text.splitlines())
    return {name: digest for digest, _, name in pairs if len(digest) == 64 and name}


def shown(paths: Iterable[str], most: int = 3) -> str:
    """The first few names of many."""
    first = list(islice(paths, most + 1))
    return ", ".join(first[:most]) + (" …" if len(first) > most else "")
