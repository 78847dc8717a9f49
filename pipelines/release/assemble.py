"""The last step of a release: published names, the card, and the manifest of checksums.

The manifest is deleted first and written last: a folder without one is a release that is being made.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from data_cards.render import CardFacts, ConfigFacts, LayerFacts, ReviewFacts, SourceFacts, render_card
from pipelines.engine.job import read_table
from pipelines.engine.run import JobResult
from pipelines.io.files import fixed_part
from pipelines.io.store import Store
from pipelines.recipe import Recipe
from pipelines.release.products import UNSPLIT, products
from pipelines.release.splits import DEFAULT_KEY
from pipelines.review.account import read_states, sentences
from pipelines.shard import FileRecord, Outcome, Reject
from pipelines.stages.release import Release
from schemas.layers import layers
from schemas.tables import KINDS
from schemas.views import VIEWS
from schemas.vocabularies import SPLITS

FOLDER = "release"
MANIFEST = "MANIFEST.sha256"

DOCS = {
    "trajectories": "one recording: what was asked, who acted, how it ended",
    "robot_steps": "one control step of a robot",
    "arc_steps": "one action in an ARC editor, with the grid before and after",
    "gui_steps": "one action on a screen, with the screenshot before it",
    "videos": "one part of a video, with the time of each frame",
    "images": "one frame of a stream of images",
    "gui_trees": "the accessibility or DOM tree before a step",
    "tasks": "one task",
    "action_specs": "one action of an action space",
    "rejects": "a recording that could not be taken, and why",
    "runs": "what made annotations: producer, version, parameters",
    "annotation_history": "every state of every annotation",
}


@dataclass(frozen=True, slots=True)
class Published:
    """A release as it lies in the workspace: its folder, the facts of its card, and its files with their records."""

    folder: str
    facts: CardFacts
    files: Mapping[str, FileRecord]


def assemble(release: Release, ingested: JobResult, proposed: JobResult, released: JobResult) -> Published:
    """Give the parts their published names, write card and manifest, and delete what is no longer part of the release."""
    store = release.store
    files = published_files(released.outcomes)
    facts = card_facts(release, files, ingested, proposed)
    card = render_card(facts).encode()
    lines = {name: record.sha256 for name, record in files.items()} | {"README.md": hashlib.sha256(card).hexdigest()}
    manifest = "".join(f"{sha256}  {name}\n" for name, sha256 in sorted(lines.items())).encode()
    if not _is_whole(store, manifest, {name: record.bytes for name, record in files.items()} | {"README.md": len(card)}):
        store.delete(f"{FOLDER}/{MANIFEST}")
        for name, record in files.items():
            store.place(record.path, f"{FOLDER}/{name}")
        for stale in set(store.list(FOLDER)) - {f"{FOLDER}/{name}" for name in lines}:
            if "/." not in stale:  # a .git or .gitattributes is the user's
                store.delete(stale)
        store.put_bytes(f"{FOLDER}/README.md", card)
        store.put_bytes(f"{FOLDER}/{MANIFEST}", manifest)
    return Published(store.uri(FOLDER), facts, files)


def published_files(outcomes: Sequence[Outcome]) -> dict[str, FileRecord]:
    """Published name → part, in the order of the plan: `{split}-{i:05d}-of-{n:05d}.parquet` in the product's folder."""
    groups: dict[tuple[str, str], list[FileRecord]] = defaultdict(list)
    for outcome in outcomes:
        for product, record in outcome.files.items():
            groups[product, outcome.facts["split"]].append(record)
    return {
        f"{product}/{split}-{i:05d}-of-{len(records):05d}.parquet": record
        for (product, split), records in groups.items()
        for i, record in enumerate(records)
    }


def card_facts(release: Release, files: Mapping[str, FileRecord], ingested: JobResult, proposed: JobResult) -> CardFacts:
    """What the card says, from the files and the outcomes."""
    recipe = release.recipe
    candidates = release.catalogue.candidates
    splits = Counter(release.dealt[c.trajectory_id] for c in candidates)
    configs = _configs(files)
    lacking: Counter[str] = Counter()
    for outcome in proposed.outcomes:
        lacking[outcome.facts["annotator"]] += outcome.counts.get("lacking", 0)
    sources = []
    taken = Counter(header["source_name"] for header in release.catalogue.headers)
    for source in recipe.sources:
        refused = Counter(r.code for r in ingested.rejects if r.source_name == source.name)
        sources.append(
            SourceFacts(source.name, source.reader, source.license, taken[source.name], dict(sorted(refused.items())))
        )
    names = [*(product.name.rsplit("/", 1)[-1] for product in products({})), *UNSPLIT, *KINDS]
    return CardFacts(
        name=recipe.name,
        license=recipe.license,
        version=recipe.release.version,
        place=recipe.release.repo_id or _place(recipe.workspace),
        domains=dict(sorted(Counter(c.domain for c in candidates).items())),
        steps=sum(outcome.counts.get("steps", 0) for outcome in ingested.outcomes),
        configs=configs,
        absent=[name for name in names if name not in {c.name for c in configs}],
        layers=_layer_facts(release.store, files),
        sources=sources,
        splits={split: splits[split] for split in SPLITS if splits[split]},
        dealt_by=recipe.release.splits.by
        or ", ".join(f"{DEFAULT_KEY[d]} ({d})" for d in sorted({c.domain for c in candidates})),
        leaks=release.leaks,
        lacking={name: count for name, count in sorted(lacking.items()) if count},
        review=_review_facts(recipe, store=release.store),
    )


def _review_facts(recipe: Recipe, store: Store) -> list[ReviewFacts]:
    """What people did, as the last `cairn review resolve` left it; empty where nobody reviewed."""
    states = read_states(store)
    if recipe.review is None or not states:
        return []
    return [
        ReviewFacts(spec.name, spec.layers, states[spec.name], sentences(spec, recipe.review.seconds_cap))
        for spec in recipe.review.projects
        if spec.name in states
    ]


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


def _place(workspace: str) -> str:
    """How a card names a release that has no repository: as the recipe does, or without a path of this machine."""
    return f"path/to/{FOLDER}" if workspace.startswith("/") or ":" in workspace else f"{workspace.rstrip('/')}/{FOLDER}"


def _configs(files: Mapping[str, FileRecord]) -> list[ConfigFacts]:
    """A config per folder, and one per kind over its layers; `trajectories` first."""
    by_folder: dict[str, dict[str, list[FileRecord]]] = defaultdict(lambda: defaultdict(list))
    for name, record in files.items():
        folder, file = name.rsplit("/", 1)
        by_folder[folder][file.split("-")[0]].append(record)
    for folder in [folder for folder in by_folder if "/" in folder]:
        kind = folder.split("/")[0]
        for split, records in by_folder[folder].items():
            by_folder[f"{kind}/*"][split] += records
    found = []
    for folder, of_split in by_folder.items():
        name = folder.removesuffix("/*") if folder.endswith("/*") else folder.rsplit("/", 1)[-1]
        records = [record for split in of_split.values() for record in split]
        rows = {split: sum(r.rows for r in of_split[split]) for split in SPLITS if split in of_split}
        found.append(ConfigFacts(name, folder, _doc(name), rows, len(records), sum(r.bytes for r in records)))
    order = [*DOCS, *VIEWS, *KINDS, *layers()]  # facts, views, kinds, layers
    return sorted(found, key=lambda c: order.index(c.name))


def _doc(name: str) -> str:
    if name in layers():
        return layers()[name].doc
    if name in VIEWS:
        return VIEWS[name].doc
    return DOCS.get(name) or f"an annotation of the kind {name}, of all its layers"


def _layer_facts(store: Store, files: Mapping[str, FileRecord]) -> list[LayerFacts]:
    parts: dict[str, list[pa.Table]] = defaultdict(list)
    for name, record in files.items():
        kind, _, rest = name.partition("/")
        if kind in KINDS:
            parts[rest.split("/")[0]].append(
                read_table(store, record.path, ["trajectory_id", "producer", "quality", "annotator"])
            )
    found = []
    for name, tables in sorted(parts.items()):
        table = pa.concat_tables(tables)
        found.append(
            LayerFacts(
                name=name,
                kind=layers()[name].kind,
                doc=layers()[name].doc,
                rows=table.num_rows,
                trajectories=pc.count_distinct(table["trajectory_id"]).as_py(),
                producers=sorted(set(table["producer"].to_pylist())),
                primary=pc.sum(pc.equal(table["quality"], "primary")).as_py() or 0,
                by_people=table.num_rows - table["annotator"].null_count,
            )
        )
    return found


def _is_whole(store: Store, manifest: bytes, sizes: Mapping[str, int]) -> bool:
    """Whether the folder is this very release already, by its manifest and the size of each file."""
    present = store.sizes(FOLDER)
    expected = {f"{FOLDER}/{name}": size for name, size in {**sizes, MANIFEST: len(manifest)}.items()}
    return present == expected and store.read_bytes(f"{FOLDER}/{MANIFEST}") == manifest
