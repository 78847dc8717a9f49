"""The changelog of a release whose earlier versions were made in another workspace: what the Hub has of them is read first.

A workspace keeps a record of every version that it released (`pipelines.release.changes`). A new one has none, so its card
calls itself the first version. The cards and manifests of the versions that the Hub has tagged tell what is missing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from data_cards.render import has_changes, with_changes
from pipelines.io.store import Store
from pipelines.release.changes import (
    SHOWN,
    VersionRecord,
    changes,
    order_of,
    put_record,
    record_of_release,
    record_of_version,
    records_before,
)
from pipelines.release.place import CARD, FOLDER, MANIFEST

from .hub import Hub
from .local import LocalRelease
from .plan import LocalFile


@dataclass(frozen=True)
class Renewal:
    """A release with a card that knows the versions before it. Nothing is written yet.

    `records`: what was learned of earlier versions. `unread`: tags whose card is not one of Cairn's. `small`: the card and
    the manifest as they will be.
    """

    release: LocalRelease
    records: tuple[VersionRecord, ...]
    unread: tuple[str, ...]
    small: Mapping[str, bytes]

    def write(self) -> None:
        """Put card, manifest and records. The manifest is deleted first, the records come last: a stop is seen, or made good."""
        store = self.release.store
        if self.small:
            store.delete(f"{FOLDER}/{MANIFEST}")
            for name in (CARD, MANIFEST):
                store.put_bytes(f"{FOLDER}/{name}", self.small[name])
        for record in self.records:
            put_record(store, record)


def renewal(release: LocalRelease, version: str, tags: Mapping[str, str], hub: Hub) -> Renewal | None:
    """What the Hub can tell of versions that the workspace has no record of; None where there is nothing to learn.

    Raises CairnError where the Hub does not answer.
    """
    unknown = unknown_versions(release.store, version, tags)
    own = None if release.torn or not unknown else _own_record(release, version)
    if own is None:
        return None
    found = {name: _record(hub, tags[f"v{name}"], name) for name in unknown}
    records = tuple(record for record in found.values() if record is not None)
    unread = tuple(f"v{name}" for name, record in found.items() if record is None)
    if not records:
        return Renewal(release, (), unread, {})
    every = sorted([*records_before(release.store, version), *records, own], key=lambda record: order_of(record.version))
    small = _renewed(release, with_changes(release.card, version, changes(every)))
    return Renewal(_with(release, small), records, unread, small)


def unknown_versions(store: Store, version: str, tags: Mapping[str, str]) -> list[str]:
    """Of the last few versions before this one that the Hub has tagged, those that the workspace has no record of."""
    tagged = [tag.removeprefix("v") for tag in tags if re.fullmatch(r"v\d+\.\d+\.\d+", tag)]
    last = sorted((one for one in tagged if order_of(one) < order_of(version)), key=order_of)[-SHOWN:]
    known = {record.version for record in records_before(store, version)}
    return [one for one in last if one not in known]


def _own_record(release: LocalRelease, version: str) -> VersionRecord | None:
    """The record of the release itself; None where its card is not one of Cairn's, and so has no changelog."""
    if not has_changes(release.card):
        return None
    try:
        return record_of_version(release.store, version) or record_of_release(release.card, _manifest(release.files))
    except ValueError:
        return None


def _record(hub: Hub, commit: str, version: str) -> VersionRecord | None:
    """The record of a published version; None where what is tagged is not a release of Cairn's of this version."""
    if not {CARD, MANIFEST} <= {file.path for file in hub.files(commit)}:
        return None
    try:
        record = record_of_release(hub.text(CARD, commit), hub.text(MANIFEST, commit))
    except ValueError:
        return None
    return record if record.version == version else None


def _renewed(release: LocalRelease, card: str) -> dict[str, bytes]:
    """Card and manifest, where the card is this one."""
    data = card.encode()
    files = [replace(f, sha256=hashlib.sha256(data).hexdigest()) if f.path == CARD else f for f in release.files]
    return {CARD: data, MANIFEST: _manifest(files).encode()}


def _with(release: LocalRelease, small: Mapping[str, bytes]) -> LocalRelease:
    """The release as it will be on the disk."""
    files = tuple(_local_file(f.path, small[f.path]) if f.path in small else f for f in release.files)
    return replace(release, files=files, card=small[CARD].decode())


def _local_file(path: str, data: bytes) -> LocalFile:
    git = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False)
    return LocalFile(path, len(data), hashlib.sha256(data).hexdigest(), git.hexdigest())


def _manifest(files: Sequence[LocalFile]) -> str:
    return "".join(f"{file.sha256}  {file.path}\n" for file in sorted(files, key=lambda f: f.path) if file.path != MANIFEST)
