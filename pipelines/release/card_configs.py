"""The configs of a card: one per folder of the release, and one per kind over its layers."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence

import pyarrow as pa

from data_cards.facts import ColumnFacts, ConfigFacts
from schemas.arrow import columns_of
from schemas.layers import layers
from schemas.tables import HISTORY, KINDS, TABLES
from schemas.views import VIEWS
from schemas.vocabularies import SPLITS

from .published import PublishedFiles, split_of

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


def config_facts(published: PublishedFiles) -> list[ConfigFacts]:
    """A config per folder, and one per kind over its layers; `trajectories` first."""
    by_glob: dict[str, list[str]] = defaultdict(list)
    for folder, names in published.folders.items():
        by_glob[folder] += names
        if "/" in folder:
            by_glob[f"{folder.split('/')[0]}/*"] += names
    order = [*DOCS, *VIEWS, *KINDS, *layers()]  # facts, views, kinds, layers
    found = [_config(published, glob, names) for glob, names in by_glob.items()]
    return sorted(found, key=lambda c: order.index(c.name))


def _config(published: PublishedFiles, glob: str, names: Sequence[str]) -> ConfigFacts:
    name = glob.removesuffix("/*") if glob.endswith("/*") else glob.rsplit("/", 1)[-1]
    of_split = {split: own for split in SPLITS if (own := [n for n in names if split_of(n) == split])}
    schema = published.schema(names[0])
    return ConfigFacts(
        name=name,
        glob=glob,
        doc=_doc(name),
        rows={split: sum(published.files[n].rows for n in own) for split, own in of_split.items()},
        files=len(names),
        bytes=sum(published.files[n].bytes for n in names),
        memory={split: sum(published.footers[n].memory for n in own) for split, own in of_split.items()},
        features=features_of(schema),
        columns=_columns(name, schema),
        group=_group(name),
    )


def features_of(schema: pa.Schema) -> dict[str, object]:
    """The Hugging Face features in the metadata of a published file."""
    found: dict[str, object] = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
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
