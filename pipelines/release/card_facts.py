"""What the card says of a release: from its published files, the recipe, and what Review left in the workspace.

Nothing is typed by hand. Each subject has a file: configs, sources, review, what reading costs, and the counting itself.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

import pyarrow.compute as pc

from data_cards.facts import CardFacts, LayerFacts, RunFacts
from pipelines.engine.run import JobResult
from pipelines.io.parquet import open_parquet
from pipelines.io.store import Store
from pipelines.shard import FileRecord
from pipelines.stages.release import Release
from schemas.layers import layers
from schemas.tables import KINDS
from schemas.vocabularies import SPLITS

from .card_bytes import reading_facts
from .card_configs import config_facts
from .card_counts import (
    HISTORY_COLUMNS,
    LAYER_COLUMNS,
    TRAJECTORY_COLUMNS,
    HistoryCount,
    LayerCount,
    TrajectoryCount,
    languages,
)
from .card_review import review_facts, scan_sentences
from .card_sources import reject_facts, source_facts
from .place import FOLDER
from .products import UNSPLIT, products
from .published import PublishedFiles
from .splits import DEFAULT_KEY


def card_facts(release: Release, files: Mapping[str, FileRecord], ingested: JobResult, proposed: JobResult) -> CardFacts:
    """What the card says, from the files and the outcomes; without pictures and changes, which come after."""
    recipe, store = release.recipe, release.store
    published = PublishedFiles(store, files)
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
        reading=reading_facts(published.footers, {one.name: trajectories.tasks(one.name) for one in details}),
    )


def step_counts(store: Store, files: Mapping[str, FileRecord]) -> dict[str, list[int]]:
    """Domain → steps of each of its trajectories."""
    found: dict[str, list[int]] = defaultdict(list)
    for _, table in PublishedFiles(store, files).tables("trajectories", ["domain", "num_steps"]):
        for domain, steps in zip(table["domain"].to_pylist(), table["num_steps"].to_pylist(), strict=True):
            found[domain].append(steps)
    return dict(sorted(found.items()))


def layer_facts(published: PublishedFiles, domains: Mapping[str, int], history: HistoryCount) -> list[LayerFacts]:
    """The facts of every layer that has current rows, or had rows that people took out."""
    counts: dict[str, LayerCount] = {}
    for folder in sorted(folder for folder in published.folders if folder.split("/")[0] in KINDS):
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


def _lacking(proposed: JobResult) -> dict[str, int]:
    lacking: Counter[str] = Counter()
    for outcome in proposed.outcomes:
        lacking[outcome.facts["annotator"]] += outcome.counts.get("lacking", 0)
    return {name: count for name, count in sorted(lacking.items()) if count}


def _runs(published: PublishedFiles) -> list[RunFacts]:
    columns = ["run", "producer_type", "producer", "producer_version", "parameters"]
    rows = [row for _, table in published.tables("runs", columns) for row in table.to_pylist()]
    rows.sort(key=lambda row: (row["producer"], row["producer_version"] or "", row["run"]))
    return [
        RunFacts(row["run"], row["producer_type"], row["producer"], row["producer_version"] or "", row["parameters"] or "{}")
        for row in rows
    ]


def _screens(published: PublishedFiles) -> tuple[dict[str, int], dict[str, int]]:
    """Of GUI steps: what is missing, and what may hold private data. Reads names of pictures, no picture."""
    steps = shown = typed = 0
    for name, record in published.files.items():
        if name.startswith("gui_steps/"):
            with published.store.open(record.path) as file:
                table = open_parquet(file).read(columns=["screenshot.path", "text"])
            steps += table.num_rows
            shown += table.num_rows - pc.struct_field(table["screenshot"], "path").null_count
            typed += pc.sum(pc.greater(pc.utf8_length(table["text"]), 0)).as_py() or 0
    missing = {"GUI steps without a screenshot": steps - shown}
    exposed = {"screenshots": shown, "typed texts": typed}
    return ({k: v for k, v in missing.items() if v}, {k: v for k, v in exposed.items() if v})


def _exposed(published: PublishedFiles) -> dict[str, int]:
    """What may hold private data → how many."""
    words = {"videos": "parts of videos", "images": "camera images", "gui_trees": "DOM or accessibility trees"}
    found = dict(_screens(published)[1])
    for name, record in published.files.items():
        if (word := words.get(name.split("/")[0])) is not None:
            found[word] = found.get(word, 0) + record.rows
    return found


def _place(workspace: str) -> str:
    """How a card names a release that has no repository: as the recipe does, or without a path of this machine."""
    return f"path/to/{FOLDER}" if workspace.startswith("/") or ":" in workspace else f"{workspace.rstrip('/')}/{FOLDER}"
