"""A dataset card from facts: the YAML that loaders read, and the page that people read.

Every number on the page comes from the release itself; nothing is typed by hand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2
import yaml

TEMPLATE = "dataset_card.md.jinja"

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"), (10_000_000, "1M<n<10M"))
_TASK_CATEGORIES = {"robot": ["robotics"], "arc": ["reinforcement-learning"], "gui": ["image-text-to-text"], "agent": []}


@dataclass(frozen=True, slots=True)
class ConfigFacts:
    """One config of the release: `glob` of its folder, what its rows are, and rows per split."""

    name: str
    glob: str
    doc: str
    rows: Mapping[str, int]
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class LayerFacts:
    """One layer: what it means, how many rows about how many trajectories, who made them, how many are confirmed.

    `primary`: rows that a person or an oracle confirmed. `by_people`: rows that a person confirmed or made.
    """

    name: str
    kind: str
    doc: str
    rows: int
    trajectories: int
    producers: Sequence[str]
    primary: int
    by_people: int = 0


@dataclass(frozen=True, slots=True)
class ReviewFacts:
    """One review project: its layers, its items by state, and how it was run, in sentences."""

    name: str
    layers: Sequence[str]
    states: Mapping[str, int]
    sentences: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """One source: licence, trajectories taken, and rejects by code."""

    name: str
    reader: str
    license: str
    trajectories: int
    rejects: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class CardFacts:
    """Everything that a card says. `place` is what stands in the load lines: a repository or a folder."""

    name: str
    license: str
    version: str
    place: str
    domains: Mapping[str, int]
    steps: int
    configs: Sequence[ConfigFacts]
    absent: Sequence[str]
    layers: Sequence[LayerFacts]
    sources: Sequence[SourceFacts]
    splits: Mapping[str, int]
    dealt_by: str
    leaks: Sequence[str] = ()
    lacking: Mapping[str, int] = field(default_factory=dict)
    review: Sequence[ReviewFacts] = ()

    @property
    def by_people(self) -> int:
        """Rows that people confirmed or made."""
        return sum(layer.by_people for layer in self.layers)

    @property
    def rows(self) -> int:
        """Current rows of all layers."""
        return sum(layer.rows for layer in self.layers)


def render_card(facts: CardFacts) -> str:
    """The card: YAML front matter and Markdown."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined,
        autoescape=False, keep_trailing_newline=True,
    )  # fmt: skip
    environment.filters["cell"] = lambda value: str(value).replace("|", "\\|").replace("\n", " ")
    page = environment.get_template(TEMPLATE).render(facts=facts)
    header = yaml.safe_dump(front_matter(facts), sort_keys=False, allow_unicode=True, width=1000)
    return f"---\n{header}---\n{page}"


def front_matter(facts: CardFacts) -> dict[str, Any]:
    """The YAML of the card. A config lists only the splits it has."""
    rows = sum(facts.splits.values())
    return {
        "license": facts.license,
        "pretty_name": facts.name,
        "task_categories": sorted({c for domain in facts.domains for c in _TASK_CATEGORIES[domain]}),
        "tags": ["cairn", "trajectories", *sorted(facts.domains)],
        "size_categories": [next((name for bound, name in _SIZES if rows < bound), "10M<n<100M")],
        "configs": [
            {
                "config_name": config.name,
                **({"default": True} if config.name == "trajectories" else {}),
                "data_files": [{"split": split, "path": f"{config.glob}/{split}-*.parquet"} for split in config.rows],
            }
            for config in facts.configs
        ],
    }
