"""A dataset card from facts: the YAML that loaders read, and the page that people read.

Every number on the page comes from the release itself; nothing is typed by hand.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
import yaml

from .facts import CardFacts, ChangeFacts, ConfigFacts, LayerFacts, ReviewFacts, SourceFacts
from .features import yaml_features

__all__ = ["CardFacts", "ConfigFacts", "LayerFacts", "ReviewFacts", "SourceFacts", "front_matter", "render_card"]

TEMPLATE = "dataset_card.md.jinja"
CHANGES = "card_changes.md.jinja"
"""The last section, which stands alone as well."""
_CHANGES = "\n## Changes\n"

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"), (10_000_000, "1M<n<10M"))
_TASK_CATEGORIES = {"robot": ["robotics"], "arc": ["reinforcement-learning"], "gui": ["image-text-to-text"], "agent": []}
_TAGS = {
    "robot": ["imitation-learning"],
    "arc": ["arc-agi", "human-behaviour"],
    "gui": ["computer-use", "gui-agents"],
    "agent": [],
}
_CREATORS = {
    "signal": "machine-generated",
    "model": "machine-generated",
    "oracle": "machine-generated",
    "import": "found",
    "human": "expert-generated",
}
"""Producer type → the Hub's word. It has none for people who were neither a crowd nor experts: reviewers who follow written
instructions come nearest to the latter."""
_ORDER = ("robot", "gui", "arc", "agent")
"""Domains as they stand on the page."""
_HUB = "https://huggingface.co/datasets/"


def render_card(facts: CardFacts) -> str:
    """The card: YAML front matter and Markdown."""
    page = (
        _environment()
        .get_template(TEMPLATE)
        .render(
            facts=facts,
            domains=[domain for domain in _ORDER if domain in facts.domains],
            details=sorted(facts.details, key=lambda one: _ORDER.index(one.name)),
            joined=_joined(facts),
            scripted=any("script" in one.agents for one in facts.details),
        )
    )
    header = yaml.safe_dump(front_matter(facts), sort_keys=False, allow_unicode=True, width=1000)
    return f"---\n{header}---\n{page}"


def has_changes(card: str) -> bool:
    """Whether a card has the section that tells what changed."""
    return _CHANGES in card


def with_changes(card: str, version: str, changes: Sequence[ChangeFacts]) -> str:
    """A card with other changes in its last section; it must have one."""
    before = card.rpartition(_CHANGES)[0]
    section = _environment().get_template(CHANGES).render(facts={"version": version, "changes": changes})
    return f"{before}\n{section}"


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined,
        autoescape=False, keep_trailing_newline=True,
    )  # fmt: skip
    environment.filters |= {
        "cell": cell,
        "share": share,
        "span": span,
        "count": count,
        "size": size,
        "parameters": parameters,
        "counts": counts,
    }
    return environment


def _joined(facts: CardFacts) -> dict[str, str] | None:
    """The layer of intervals whose join with steps the page shows; None where there is none."""
    for layer in facts.layers:
        steps = f"{layer.domain}_steps"
        if layer.kind == "segments" and facts.has(layer.name) and facts.has(steps):
            both = [split for split in facts.config(layer.name).rows if split in facts.config(steps).rows]
            if both:
                return {"layer": layer.name, "steps": steps, "split": both[0]}
    return None


def front_matter(facts: CardFacts) -> dict[str, Any]:
    """The YAML of the card. A config lists only the splits it has."""
    rows = sum(facts.splits.values())
    languages = {"language": list(facts.languages)} if facts.languages else {}
    infos = [dataset_info(config) for config in facts.configs if config.features is not None]
    return {
        "license": facts.license,
        "pretty_name": facts.name,
        **languages,
        "task_categories": sorted({c for domain in facts.domains for c in _TASK_CATEGORIES[domain]}),
        "tags": ["cairn", "trajectories", *sorted(facts.domains), *(tag for d in sorted(facts.domains) for tag in _TAGS[d])],
        "size_categories": [next((name for bound, name in _SIZES if rows < bound), "10M<n<100M")],
        "annotations_creators": annotations_creators(facts),
        "source_datasets": source_datasets(facts),
        "configs": [
            {
                "config_name": config.name,
                **({"default": True} if config.name == "trajectories" else {}),
                "data_files": [{"split": split, "path": f"{config.glob}/{split}-*.parquet"} for split in config.rows],
            }
            for config in facts.configs
        ],
        **({"dataset_info": infos} if infos else {}),
    }


def dataset_info(config: ConfigFacts) -> dict[str, Any]:
    """Features and counts of a config. `num_bytes`: of its pages before compression; `download_size`: of its files."""
    return {
        "config_name": config.name,
        "features": yaml_features(config.features or {}),
        "splits": [
            {"name": split, "num_bytes": config.memory.get(split, 0), "num_examples": rows}
            for split, rows in config.rows.items()
        ],
        "download_size": config.bytes,
        "dataset_size": sum(config.memory.values()),
    }


def annotations_creators(facts: CardFacts) -> list[str]:
    """Who made the annotations, in the Hub's words, from the types of their producers and the rows of people."""
    found = {_CREATORS[type_] for type_ in facts.producer_types}
    if facts.by_people:
        found.add(_CREATORS["human"])
    return sorted(found) or ["no-annotation"]


def source_datasets(facts: CardFacts) -> list[str]:
    """The datasets of the Hub that this one is made from, else `original`."""
    names = {
        source.address.removeprefix(_HUB).split("/tree/")[0]
        if source.address and source.address.startswith(_HUB)
        else "original"
        for source in facts.sources
    }
    return sorted(names) or ["original"]


def cell(value: object) -> str:
    """A text as one cell of a table: no markup of its own, no line ends."""
    text = str(value).replace("\\", "\\\\").replace("\r", " ").replace("\n", " ").replace("|", "\\|")
    return text.replace("<", "&lt;").replace("`", "&#96;")


def share(part: float, whole: float) -> str:
    """A share in percent; a dash where there is nothing to have a share of. A small one is never rounded to nothing."""
    if not whole:
        return "–"
    percent = 100 * part / whole
    return f"{percent:.1g} %" if 0 < percent < 0.05 else f"{percent:.1f} %".replace(".0 %", " %")


def span(seconds: float) -> str:
    """A time as a person says it."""
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def count(number: float) -> str:
    """A number with thin gaps between thousands; halves stay."""
    return f"{number:,.0f}".replace(",", " ") if number == int(number) else f"{number:,.1f}".replace(",", " ")


def size(number: int) -> str:
    """Bytes in the unit that keeps the number short, with a space that does not break."""
    if number < 1_000:
        return f"{number}\N{NO-BREAK SPACE}bytes"
    unit, name = next((unit, name) for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")) if number >= unit)
    return f"{number / unit:.2f}\N{NO-BREAK SPACE}{name}"


def parameters(text: str) -> str:
    """The parameters of a run (JSON) as name and value; a dash where there are none."""
    return ", ".join(f"{name} {json.dumps(value, ensure_ascii=False)}" for name, value in json.loads(text).items()) or "–"


def counts(of: dict[str, int]) -> str:
    """Word and number of each, in order, without zeros; lines break between them only."""
    return ", ".join(f"{cell(word)}\N{NO-BREAK SPACE}{count(n)}" for word, n in of.items() if n) or "–"
