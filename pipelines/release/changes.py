"""What changed between versions: a small record of each version is kept in the workspace, and the card compares them.

A workspace that has no record of the versions before (another machine, a fresh folder) takes them from their cards and
manifests, as they lie on the Hub, when it publishes (`pipelines.publish.changelog`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise

import yaml

from data_cards.facts import CardFacts, ChangeFacts
from data_cards.header import read_header
from pipelines.io.store import Store

FOLDER = "versions"
"""`versions/0.1.0.json`, one per version that this workspace has released or was told of."""
SHOWN = 5
"""Versions whose changes stand on the card."""

_LAYER = re.compile(r"^- \*\*(\w+)\*\* \(\w+\): ", re.MULTILINE)
_VERSION = re.compile(r"^\| version \|.*\n\|[-:| ]+\|\n\| (\d+\.\d+\.\d+) \|", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """One version: rows by config, its layers, and the sha256 of each Parquet file by name."""

    version: str
    rows: Mapping[str, int]
    layers: Sequence[str]
    files: Mapping[str, str]


def record_of(facts: CardFacts, files: Mapping[str, str]) -> VersionRecord:
    """The record of a release. `files`: name → sha256 of its Parquet files."""
    rows = {config.name: sum(config.rows.values()) for config in facts.configs}
    return VersionRecord(facts.version, rows, [layer.name for layer in facts.layers], dict(files))


def record_of_release(card: str, manifest: str) -> VersionRecord:
    """The record of a release that is known by its card (README.md) and manifest (MANIFEST.sha256).

    Raises ValueError where the card is not one of Cairn's.
    """
    try:
        _, header, page = card.split("---\n", 2)
        infos = read_header(header)["dataset_info"]
        rows = {info["config_name"]: sum(split["num_examples"] for split in info["splits"]) for info in infos}
        version = _VERSION.search(page)
    except (ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        raise ValueError(f"this card lists no dataset_info of configs ({type(error).__name__}: {error})") from error
    if version is None:
        raise ValueError("this card names no version")
    listed = [line.partition("  ")[::2] for line in manifest.splitlines()]
    files = {name: digest for digest, name in listed if name.endswith(".parquet")}
    return VersionRecord(version[1], rows, sorted(_LAYER.findall(page)), files)


def put_record(store: Store, record: VersionRecord) -> None:
    """Keep the record of a version; what is there already is not written again."""
    path = f"{FOLDER}/{record.version}.json"
    value = asdict(record)
    if store.read_json(path) != value:
        store.put_json(path, value)


def records_before(store: Store, version: str) -> list[VersionRecord]:
    """The records of all earlier versions, in order of version."""
    found = [store.read_json(path) for path in store.list(FOLDER) if path.endswith(".json")]
    records = [VersionRecord(**value) for value in found if value is not None]
    return sorted((r for r in records if order_of(r.version) < order_of(version)), key=lambda r: order_of(r.version))


def record_of_version(store: Store, version: str) -> VersionRecord | None:
    """The record that the workspace has of a version."""
    value = store.read_json(f"{FOLDER}/{version}.json")
    return None if value is None else VersionRecord(**value)


def changes(records: Sequence[VersionRecord]) -> list[ChangeFacts]:
    """What changed from each version to the next, the latest first; at most `SHOWN`."""
    return [_change(old, new) for old, new in reversed(list(pairwise(records)))][:SHOWN]


def _change(old: VersionRecord, new: VersionRecord) -> ChangeFacts:
    names = sorted({*new.rows, *old.rows})  # a record that was read from the workspace has them in no other order
    rows = {name: (old.rows.get(name), new.rows.get(name)) for name in names if old.rows.get(name) != new.rows.get(name)}
    before, after = set(old.files.values()), set(new.files.values())
    return ChangeFacts(
        version=new.version,
        before=old.version,
        rows=rows,
        layers_added=sorted(set(new.layers) - set(old.layers)),
        layers_removed=sorted(set(old.layers) - set(new.layers)),
        files_kept=len(before & after),
        files_new=len(after - before),
        files_gone=len(before - after),
    )


def order_of(version: str) -> tuple[int, ...]:
    """What versions are ordered by."""
    return tuple(int(part) for part in version.split("."))
