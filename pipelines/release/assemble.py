"""The last step of a release: published names, the card with its pictures, and the manifest of checksums.

The manifest is deleted first and written last: a folder without one is a release that is being made.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from data_cards.facts import CardFacts
from data_cards.render import render_card
from pipelines.engine.run import JobResult
from pipelines.io.files import fixed_part
from pipelines.io.store import Store
from pipelines.recipe import Recipe
from pipelines.release import step_statistics
from pipelines.release.card_facts import card_facts, step_counts
from pipelines.release.changes import changes, put_record, record_of, records_before
from pipelines.release.pictures import make_pictures
from pipelines.release.place import FOLDER, MANIFEST
from pipelines.shard import FileRecord, Outcome, Reject
from pipelines.stages.release import Release


@dataclass(frozen=True, slots=True)
class Published:
    """A release as it lies in the workspace: its folder, the facts of its card, and its shards with their records."""

    folder: str
    facts: CardFacts
    files: Mapping[str, FileRecord]


def assemble(release: Release, ingested: JobResult, proposed: JobResult, released: JobResult) -> Published:
    """Give the parts their published names, write card, pictures and manifest, and delete what is no longer part of it."""
    store = release.store
    files = published_files(released.outcomes)
    facts = card_facts(release, files, ingested, proposed)
    pictures = make_pictures(release, facts, step_counts(store, files))
    record = record_of(facts, {name: of_file.sha256 for name, of_file in files.items()})
    statistics = _statistics(store, released.outcomes)
    facts = replace(
        facts,
        statistics=next(iter(statistics), None),
        pictures=pictures.facts,
        unpictured=pictures.missing,
        changes=changes([*records_before(store, facts.version), record]),
    )
    small = {**pictures.files, **statistics, "README.md": render_card(facts).encode()}
    digests = {name: of_file.sha256 for name, of_file in files.items()}
    digests |= {name: hashlib.sha256(data).hexdigest() for name, data in small.items()}
    sizes = {name: of_file.bytes for name, of_file in files.items()} | {name: len(data) for name, data in small.items()}
    manifest = "".join(f"{sha256}  {name}\n" for name, sha256 in sorted(digests.items())).encode()
    if not _is_whole(store, manifest, sizes):
        store.delete(f"{FOLDER}/{MANIFEST}")
        for name, of_file in files.items():
            store.place(of_file.path, f"{FOLDER}/{name}")
        for stale in set(store.list(FOLDER)) - {f"{FOLDER}/{name}" for name in digests}:
            if "/." not in stale:  # a .git or .gitattributes is the user's
                store.delete(stale)
        for name, data in small.items():
            store.put_bytes(f"{FOLDER}/{name}", data)
        store.put_bytes(f"{FOLDER}/{MANIFEST}", manifest)
    put_record(store, record)
    return Published(store.uri(FOLDER), facts, files)


def published_files(outcomes: Sequence[Outcome]) -> dict[str, FileRecord]:
    """Published name → part, in the order of the plan: `{split}-{i:05d}-of-{n:05d}.parquet` in the product's folder."""
    groups: dict[tuple[str, str], list[FileRecord]] = defaultdict(list)
    for outcome in outcomes:
        for product, record in outcome.files.items():
            if product != step_statistics.PART:
                groups[product, outcome.facts["split"]].append(record)
    return {
        f"{product}/{split}-{i:05d}-of-{len(records):05d}.parquet": record
        for (product, split), records in groups.items()
        for i, record in enumerate(records)
    }


def _statistics(store: Store, outcomes: Sequence[Outcome]) -> dict[str, bytes]:
    """`statistics.json`, merged from what each part of `robot_steps` kept; nothing where there are no numbers of robots."""
    kept = [(o.facts["split"], o.files[step_statistics.PART]) for o in outcomes if step_statistics.PART in o.files]
    data = step_statistics.release_statistics((split, store.read_bytes(record.path)) for split, record in kept)
    return {} if data is None else {step_statistics.FILE: data}


def private_prefixes(recipe: Recipe, store: Store) -> list[str]:
    """Folders of this machine that must not stand in a release: of the recipe, the workspace, and local sources."""
    local_sources = [source.uri for source in recipe.resolved_sources if "://" not in source.uri.removeprefix("file://")]
    folders = {recipe.folder, store.root, *map(fixed_part, local_sources)}
    local = {folder.removeprefix("file://").rstrip("/") for folder in folders if "://" not in folder.removeprefix("file://")}
    return sorted(local - {""}, key=len, reverse=True)


def scrubbed(rejects: Sequence[Reject], prefixes: Sequence[str]) -> tuple[Reject, ...]:
    """Rejects without paths of this machine, in a stable order."""
    names = ("source_uri", "native_id", "message", "detail")
    cleaned = [replace(r, **{name: _scrubbed(getattr(r, name), prefixes) for name in names}) for r in rejects]
    return tuple(sorted(cleaned, key=lambda r: (r.source_name, r.source_uri, r.native_id or "", r.code, r.message)))


def _scrubbed(value: Any, prefixes: Sequence[str]) -> Any:
    """Text, or JSON, in which a private folder is gone from a path below it, and is its own last name where it stands alone."""
    if isinstance(value, Mapping):
        return {_scrubbed(key, prefixes): _scrubbed(child, prefixes) for key, child in value.items()}
    if isinstance(value, (list, tuple)):
        return [_scrubbed(child, prefixes) for child in value]
    if not isinstance(value, str):
        return value
    for prefix in prefixes:
        path = rf"(?:file://|(?<![\w./-])){re.escape(prefix)}(?:(/)|(?![\w-]))"
        value = re.sub(path, lambda m: "" if m[1] else prefix.rsplit("/", 1)[-1], value)  # noqa: B023 - used at once
    return value


def _is_whole(store: Store, manifest: bytes, sizes: Mapping[str, int]) -> bool:
    """Whether the folder is this very release already, by its manifest and the size of each file."""
    present = store.sizes(FOLDER)
    expected = {f"{FOLDER}/{name}": size for name, size in {**sizes, MANIFEST: len(manifest)}.items()}
    return present == expected and store.read_bytes(f"{FOLDER}/{MANIFEST}") == manifest
