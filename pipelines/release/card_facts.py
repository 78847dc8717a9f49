"""What the card says of a release: from its published files, the recipe, and what Review left in the workspace.

Files are read one by one, their small columns only; nothing is typed by hand.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_cards.facts import (
    AcceptanceFacts,
    AgreementFacts,
    CardFacts,
    ColumnFacts,
    ConfigFacts,
    LayerFacts,
    RejectFacts,
    ReviewFacts,
    RunFacts,
    SourceFacts,
)
from pipelines.engine.job import read_table
from pipelines.engine.run import JobResult
from pipelines.io.store import Store
from pipelines.publish.records import PRIVATE_DATA, read_rows
from pipelines.recipe import Recipe, SourceSpec
from pipelines.release.card_counts import (
    HISTORY_COLUMNS,
    LAYER_COLUMNS,
    TRAJECTORY_COLUMNS,
    HistoryCount,
    LayerCount,
    TrajectoryCount,
    languages,
)
from pipelines.release.place import FOLDER
from pipelines.release.products import UNSPLIT, products
from pipelines.release.splits import DEFAULT_KEY
from pipelines.review.account import read_figures, read_states, sentences
from pipelines.shard import FileRecord, Reject
from pipelines.stages.release import Release
from schemas.arrow import columns_of
from schemas.layers import layers
from schemas.tables import HISTORY, KINDS, TABLES
from schemas.views import VIEWS
from schemas.vocabularies import SPLITS

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

_RECORDINGS = ("plan", "read", "check")
"""Stages at which a recording is refused; at others it is an annotation."""
_LONGEST_EXAMPLE = 160


@dataclass(frozen=True)
class Published:
    """The published files of a release (name → record) in a store, for whoever counts them."""

    store: Store
    files: Mapping[str, FileRecord]

    def tables(self, folder: str, columns: Sequence[str]) -> Iterator[tuple[str, pa.Table]]:
        """(split, table) of each file of a folder, one in memory at a time."""
        for name, record in self.files.items():
            of_folder, file = name.rsplit("/", 1)
            if of_folder == folder:
                yield file.split("-")[0], read_table(self.store, record.path, list(columns))

    def footer(self, record: FileRecord) -> tuple[pa.Schema, int]:
        """The schema of a file, and the bytes of its pages before compression."""
        with self.store.open(record.path) as file:
            metadata = pq.read_metadata(file)
        size = sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
        return metadata.schema.to_arrow_schema(), size


def card_facts(release: Release, files: Mapping[str, FileRecord], ingested: JobResult, proposed: JobResult) -> CardFacts:
    """What the card says, from the files and the outcomes; without pictures and changes, which come after."""
    recipe, store = release.recipe, release.store
    published = Published(store, files)
    trajectories = TrajectoryCount()
    for split, table in published.tables("trajectories", TRAJECTORY_COLUMNS):
        trajectories.add(split, table)
    details = [trajectories.domain(name) for name in sorted(trajectories.rows)]
    domains = {one.name: one.trajectories for one in details}
    history = HistoryCount()
    for _, table in published.tables("annotation_history", HISTORY_COLUMNS):
        history.add(table)
    configs = config_facts(published)
    names = [*(product.name.rsplit("/", 1)[-1] for product in products({})), *UNSPLIT, *KINDS]
    splits: Counter[str] = Counter()
    for one in details:
        splits.update({split: count for split, (count, _) in one.splits.items()})
    instructions = {row["instruction"] for rows in trajectories.rows.values() for row in rows} - {None}
    return CardFacts(
        name=recipe.name,
        license=recipe.license,
        version=recipe.release.version,
        place=recipe.release.repo_id or _place(recipe.workspace),
        domains=domains,
        steps=sum(one.steps for one in details),
        configs=configs,
        absent=[name for name in names if name not in {c.name for c in configs}],
        layers=layer_facts(published, domains, history),
        sources=source_facts(release, ingested),
        splits={split: splits[split] for split in SPLITS if splits[split]},
        dealt_by=recipe.release.splits.by or ", ".join(f"{DEFAULT_KEY[d]} ({d})" for d in domains),
        leaks=release.leaks,
        lacking=_lacking(proposed),
        review=review_facts(recipe, store),
        details=details,
        people=history.people,
        rejected=reject_facts(release.rejects),
        runs=_runs(published),
        lacks=trajectories.lacks() | _screens(published)[0],
        exposed=_exposed(published),
        scan=scan_sentences(store),
        languages=languages(sorted(instructions)),
    )


def step_counts(store: Store, files: Mapping[str, FileRecord]) -> dict[str, list[int]]:
    """Domain → steps of each of its trajectories."""
    found: dict[str, list[int]] = defaultdict(list)
    for _, table in Published(store, files).tables("trajectories", ["domain", "num_steps"]):
        for domain, steps in zip(table["domain"].to_pylist(), table["num_steps"].to_pylist(), strict=True):
            found[domain].append(steps)
    return dict(sorted(found.items()))


def config_facts(published: Published) -> list[ConfigFacts]:
    """A config per folder, and one per kind over its layers; `trajectories` first."""
    by_folder: dict[str, dict[str, list[FileRecord]]] = defaultdict(lambda: defaultdict(list))
    for name, record in published.files.items():
        folder, file = name.rsplit("/", 1)
        by_folder[folder][file.split("-")[0]].append(record)
    for folder in [folder for folder in by_folder if "/" in folder]:
        kind = folder.split("/")[0]
        for split, records in by_folder[folder].items():
            by_folder[f"{kind}/*"][split] += records
    found = []
    for folder, of_split in by_folder.items():
        name = folder.removesuffix("/*") if folder.endswith("/*") else folder.rsplit("/", 1)[-1]
        ordered = {split: of_split[split] for split in SPLITS if split in of_split}
        footers = {split: [published.footer(record) for record in records] for split, records in ordered.items()}
        schema = next(iter(footers.values()))[0][0]
        found.append(
            ConfigFacts(
                name=name,
                glob=folder,
                doc=_doc(name),
                rows={split: sum(r.rows for r in records) for split, records in ordered.items()},
                files=sum(len(records) for records in ordered.values()),
                bytes=sum(r.bytes for records in ordered.values() for r in records),
                memory={split: sum(size for _, size in of_split) for split, of_split in footers.items()},
                features=features_of(schema),
                columns=_columns(name, schema),
                group=_group(name),
            )
        )
    order = [*DOCS, *VIEWS, *KINDS, *layers()]  # facts, views, kinds, layers
    return sorted(found, key=lambda c: order.index(c.name))


def features_of(schema: pa.Schema) -> dict[str, object]:
    """The Hugging Face features in the metadata of a published file."""
    found: dict[str, object] = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
    return found


def layer_facts(published: Published, domains: Mapping[str, int], history: HistoryCount) -> list[LayerFacts]:
    """The facts of every layer that has current rows, or had rows that people took out."""
    counts: dict[str, LayerCount] = {}
    for folder in sorted({name.rsplit("/", 1)[0] for name in published.files if name.split("/")[0] in KINDS}):
        count = counts.setdefault(folder.split("/")[1], LayerCount())
        for _, table in published.tables(folder, LAYER_COLUMNS):
            count.add(table)
    for name in {key[0] for key in history.fates}:
        counts.setdefault(name, LayerCount())
    return [
        LayerFacts(
            name=name,
            kind=layers()[name].kind,
            doc=layers()[name].doc,
            rows=count.rows,
            trajectories=count.trajectories,
            producers=sorted(count.producers),
            primary=count.primary,
            by_people=count.by_people,
            domain=layers()[name].domain,
            of=domains.get(layers()[name].domain, 0),
            confirmed=count.confirmed,
            rejected=history.rejected[name],
            added=history.added[name],
            fates=history.of_layer(name),
        )
        for name, count in sorted(counts.items())
    ]


def source_facts(release: Release, ingested: JobResult) -> list[SourceFacts]:
    """The sources of the recipe, with what was taken and refused of each.

    A reject of a recording that was taken is about annotations that came with it, and no refusal.
    """
    taken = Counter(header["source_name"] for header in release.catalogue.headers)
    there = {header["trajectory_id"] for header in release.catalogue.headers}
    found = []
    for source in release.recipe.sources:
        own = [r for r in ingested.rejects if r.source_name == source.name and r.stage in _RECORDINGS]
        refused = Counter(r.code for r in own if f"{source.name}/{r.native_id}" not in there)
        found.append(
            SourceFacts(
                name=source.name,
                reader=source.reader,
                license=source.license,
                trajectories=taken[source.name],
                rejects=dict(sorted(refused.items())),
                address=public_address(source),
                revision=source.revision,
                citation=source.citation,
            )
        )
    return found


def public_address(source: SourceSpec) -> str | None:
    """Where the public finds a source: a page of the Hub, or a web address without names, keys and queries in it."""
    if found := re.match(r"hf://(?:datasets/)?(?P<repo>[^/]+/[^/@]+)(?:@(?P<revision>[^/]+))?", source.uri):
        revision = source.revision or found["revision"]
        return f"https://huggingface.co/datasets/{found['repo']}" + (f"/tree/{revision}" if revision else "")
    parts = urlsplit(source.uri)
    if parts.scheme in ("http", "https") and parts.hostname:
        return f"{parts.scheme}://{parts.hostname}{parts.path}"
    return None


def reject_facts(rejects: Sequence[Reject]) -> list[RejectFacts]:
    """What was refused, by source, stage and code."""
    groups: dict[tuple[str, str, str], list[Reject]] = defaultdict(list)
    for reject in rejects:
        groups[reject.source_name, reject.stage, reject.code].append(reject)
    return [
        RejectFacts(source, stage, code, len(group), _shortened(group[0].message))
        for (source, stage, code), group in sorted(groups.items())
    ]


def review_facts(recipe: Recipe, store: Store) -> list[ReviewFacts]:
    """What people did, as the last `cairn review resolve` left it; empty where nobody reviewed."""
    states = read_states(store)
    if recipe.review is None or not states:
        return []
    figures = read_figures(store)
    found = []
    for spec in recipe.review.projects:
        if spec.name in states:
            measured = figures.get(spec.name, {})
            found.append(
                ReviewFacts(
                    spec.name,
                    spec.layers,
                    states[spec.name],
                    sentences(spec, recipe.review.seconds_cap),
                    [AgreementFacts(**row) for row in measured.get("scores", ())],
                    [AcceptanceFacts(**row) for row in measured.get("batches", ())],
                )
            )
    return found


def scan_sentences(store: Store) -> list[str]:
    """What a scan for private data found and what was decided, as the gate left it; empty where nothing was scanned."""
    if not store.exists(PRIVATE_DATA):
        return []
    rows = read_rows(store, PRIVATE_DATA)
    if not rows:
        return ["Scanned: nothing was found."]
    kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(Counter(str(row["kind"]) for row in rows).items()))
    decided = Counter(str(row["decision"]) for row in rows if row["decision"])
    open_ = len(rows) - sum(decided.values())
    said = [f"Scanned: {len(rows)} findings in {len({row['trajectory_id'] for row in rows})} trajectories ({kinds})."]
    said += [f"Decided: {', '.join(f'{word} {count}' for word, count in sorted(decided.items()))}."] if decided else []
    return [*said, *([f"Not decided yet: {open_}."] if open_ else [])]


def _lacking(proposed: JobResult) -> dict[str, int]:
    lacking: Counter[str] = Counter()
    for outcome in proposed.outcomes:
        lacking[outcome.facts["annotator"]] += outcome.counts.get("lacking", 0)
    return {name: count for name, count in sorted(lacking.items()) if count}


def _runs(published: Published) -> list[RunFacts]:
    columns = ["run", "producer_type", "producer", "producer_version", "parameters"]
    rows = [row for _, table in published.tables("runs", columns) for row in table.to_pylist()]
    rows.sort(key=lambda row: (row["producer"], row["producer_version"] or "", row["run"]))
    return [
        RunFacts(row["run"], row["producer_type"], row["producer"], row["producer_version"] or "", row["parameters"] or "{}")
        for row in rows
    ]


def _screens(published: Published) -> tuple[dict[str, int], dict[str, int]]:
    """Of GUI steps: what is missing, and what may hold private data. Reads names of pictures, no picture."""
    steps = shown = typed = 0
    for name, record in published.files.items():
        if name.startswith("gui_steps/"):
            with published.store.open(record.path) as file:
                table = pq.ParquetFile(file).read(columns=["screenshot.path", "text"])
            steps += table.num_rows
            shown += table.num_rows - pc.struct_field(table["screenshot"], "path").null_count
            typed += pc.sum(pc.greater(pc.utf8_length(table["text"]), 0)).as_py() or 0
    missing = {"GUI steps without a screenshot": steps - shown}
    exposed = {"screenshots": shown, "typed texts": typed}
    return ({k: v for k, v in missing.items() if v}, {k: v for k, v in exposed.items() if v})


def _exposed(published: Published) -> dict[str, int]:
    """What may hold private data → how many."""
    words = {"videos": "parts of videos", "images": "camera images", "gui_trees": "DOM or accessibility trees"}
    found = dict(_screens(published)[1])
    for name, record in published.files.items():
        if (word := words.get(name.split("/")[0])) is not None:
            found[word] = found.get(word, 0) + record.rows
    return found


def _columns(name: str, schema: pa.Schema) -> list[ColumnFacts]:
    """The columns of a config with their types and meanings; of a layer they are its kind's, so none."""
    if name in layers():
        return []
    if name in VIEWS:
        declared = VIEWS[name].columns
    elif name == "annotation_history":
        declared = HISTORY
    else:
        declared = KINDS[name] if name in KINDS else columns_of(name)
    known = [ColumnFacts(column.name, column.type, column.doc) for column in declared]
    if name not in TABLES:
        return known
    more = [field for field in schema if field.name not in {column.name for column in declared}]
    return [*known, *(ColumnFacts(field.name, str(field.type), "as the source has it") for field in more)]


def _group(name: str) -> str:
    return "layers" if name in layers() else "views" if name in VIEWS else "kinds" if name in KINDS else "facts"


def _doc(name: str) -> str:
    if name in layers():
        return layers()[name].doc
    if name in VIEWS:
        return VIEWS[name].doc
    return DOCS.get(name) or f"an annotation of the kind {name}, of all its layers"


def _place(workspace: str) -> str:
    """How a card names a release that has no repository: as the recipe does, or without a path of this machine."""
    return f"path/to/{FOLDER}" if workspace.startswith("/") or ":" in workspace else f"{workspace.rstrip('/')}/{FOLDER}"


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_EXAMPLE else f"{text[: _LONGEST_EXAMPLE - 1].rstrip()}…"
