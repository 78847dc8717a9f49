"""Layers as data: one file here declares one layer, and the rest of Cairn reads the declaration.

From a declaration come the Label Studio config, the codec, the checks, the card and the columns of the wide views.
To add a layer, add `schemas/layers/<name>.py` with a module-level `LAYER` whose `name` is the file's.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from ..tables import KINDS, TABLES
from ..types import Column
from ..vocabularies import DOMAINS, LEVELS


@dataclass(frozen=True, slots=True)
class Term:
    """A word of a layer's vocabulary: its `value`, its `meaning` to a person, and how it looks in review."""

    value: str
    meaning: str
    hotkey: str | None = None
    colour: str | None = None


@dataclass(frozen=True, slots=True)
class Tiling:
    """How a layer's intervals lie in a trajectory: may they overlap, may they leave gaps."""

    overlap: bool
    gaps: bool


@dataclass(frozen=True, slots=True)
class Review:
    """How people review a layer.

    `view`: the review view; "verdict" is a judgement of each row on a rendered picture. `region`: the region that carries
    the layer: layers of one region share its intervals. `absent`: what an absent row means after a person submitted.
    `shape`: for regions, what people draw (box, point, polygon, cells). `text`: for segments, whether people also write
    `text`. `words`: what people choose from where the layer's own labels are open; the last word stands for all others.
    """

    view: str
    region: str | None = None
    absent: str = "rejected"
    shape: str | None = None
    text: bool = False
    words: tuple[Term, ...] = ()


@dataclass(frozen=True, slots=True)
class ViewColumn:
    """The column of a derived view that a layer becomes: `view`, and the column's name and type.

    `value` names the payload column that fills it; it is null where a step has no row.
    """

    view: str
    column: Column
    value: str


@dataclass(frozen=True, slots=True)
class Layer:
    """The declaration of one layer.

    `vocabulary` None means that labels are free; `open_because` then says why. `stream` is the kind of stream a person
    needs to see it (video, images) or None. `tiling` None means that the layer has no intervals. `review` None means
    that nobody reviews it; `unreviewed_because` then says why.
    """

    name: str
    domain: str
    kind: str
    level: str
    doc: str
    vocabulary: tuple[Term, ...] | None
    stream: str | None
    tiling: Tiling | None
    review: Review | None
    columns: tuple[ViewColumn, ...] = ()
    open_because: str = ""
    unreviewed_because: str = ""

    def __post_init__(self) -> None:
        """Refuse an incomplete declaration, with the field and the remedy. Raises ValueError."""
        for wrong, sentence in (
            (self.domain not in DOMAINS, f"domain {self.domain!r} is none of {DOMAINS}"),
            (self.kind not in KINDS, f"kind {self.kind!r} is none of {tuple(KINDS)}"),
            (self.level not in LEVELS, f"level {self.level!r} is none of {LEVELS}"),
            (
                self.name in (*KINDS, *TABLES, "annotation_history"),
                "the name is a table's or a kind's; configs need names of their own",
            ),
            (
                self.name == "data" or not re.fullmatch("[a-z][a-z0-9_]*", self.name),
                "name is not [a-z][a-z0-9_]*, or is `data`, which loaders keep for themselves",
            ),
            (not self.doc, "doc is empty: say what the layer means"),
            (self.vocabulary is None and not self.open_because, "no vocabulary: say why in open_because"),
            (self.review is None and not self.unreviewed_because, "no review: say why in unreviewed_because"),
            (any(not term.meaning for term in self.vocabulary or ()), "a word of the vocabulary has no meaning"),
        ):
            if wrong:
                raise ValueError(f"layer {self.name!r}: {sentence}")

    @property
    def words(self) -> frozenset[str] | None:
        """The values of the vocabulary; None where labels are free."""
        return None if self.vocabulary is None else frozenset(term.value for term in self.vocabulary)


@cache
def layers() -> Mapping[str, Layer]:
    """All declared layers by name, in order of name."""
    found = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda m: m.name):
        layer = importlib.import_module(f"{__name__}.{module.name}").LAYER
        if layer.name != module.name:
            raise ValueError(f"schemas/layers/{module.name}.py declares {layer.name!r}: file and layer share one name")
        found[layer.name] = layer
    return found


def layer(name: str) -> Layer:
    """The declaration of one layer. Raises KeyError with the known names."""
    if name not in layers():
        raise KeyError(f"no layer {name!r}; declared are {', '.join(layers())} (one file each in schemas/layers)")
    return layers()[name]
