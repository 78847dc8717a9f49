"""How far the rows of two people agree, layer by layer, and whether that is far enough."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from schemas.layers import Layer

from ..project import Project, Row
from .items import Extent, Opinion
from .measures import KIND_MEASURES, MEASURES
from .quality import Quality
from .row_measures import ROW_MEASURES, Found, verdicts


@dataclass(frozen=True, slots=True)
class Agreement:
    """One measure of one layer between two sets of rows.

    `n`: how many things were compared (boundaries, steps, rows); 0 = neither says anything. `tolerance`: in words, where
    the measure has one. `pixels`: a distance in pixels, `value` being relative to the diagonal. `pairs`: what each called
    each thing, for a kappa over many items.
    """

    layer: str
    measure: str
    value: float
    n: int
    threshold: float
    tolerance: str | None = None
    pixels: float | None = None
    pairs: tuple[tuple[Hashable, Hashable], ...] = ()

    @property
    def agreed(self) -> bool:
        """Whether the threshold is met."""
        return agree(self.measure, self.value, self.threshold)


def agree(measure: str, value: float, threshold: float) -> bool:
    """Whether a value meets a threshold; a distance must not exceed it."""
    return value >= threshold if MEASURES[measure].higher else value <= threshold


def opinions_agree(
    project: Project, quality: Quality, extent: Extent, first: Opinion, second: Opinion
) -> tuple[Agreement, ...]:
    """All measures of all layers of a project between two people's opinions of one item."""
    found: list[Agreement] = []
    first_names, second_names = _names(first), _names(second)
    for layer in project.declared:
        if project.view == "verdict" and layer.kind != "choices":
            one = verdicts(first.rows.get(layer.name, ()), second.rows.get(layer.name, ()))
            found.append(_agreement(layer, quality, "verdict_kappa", one))
        else:
            sides = [
                _named(opinion.standing(layer.name), names) for opinion, names in ((first, first_names), (second, second_names))
            ]
            found += layer_agreement(layer, quality, extent, sides[0], sides[1])
    return tuple(found)


def layer_agreement(
    layer: Layer, quality: Quality, extent: Extent, first: Sequence[Row], second: Sequence[Row]
) -> tuple[Agreement, ...]:
    """The measures of a layer that say something about two sets of its rows; none of them is rejected.

    Two empty sets agree: each said that there is nothing.
    """
    applicable = {
        name: found
        for name in KIND_MEASURES[layer.kind]
        if (found := ROW_MEASURES[name](first, second, extent, quality)) is not None
    }
    if not applicable:
        name = KIND_MEASURES[layer.kind][0]
        applicable = {name: Found(float(MEASURES[name].higher), 0)}
    return tuple(_agreement(layer, quality, name, found) for name, found in applicable.items())


def _agreement(layer: Layer, quality: Quality, measure: str, found: Found) -> Agreement:
    threshold = quality.threshold(layer.kind, measure)
    return Agreement(layer.name, measure, found.value, found.n, threshold, found.tolerance, found.pixels, found.pairs)


def _names(opinion: Opinion) -> dict[str, str]:
    """Row → what it is called whoever made it: what it corrects, or of an added one where it lies. Ids differ by person."""
    names = {}
    for layer, rows in opinion.rows.items():
        for row in rows:
            if row["supersedes"]:
                names[row["annotation_id"]] = row["supersedes"]
            elif row["producer_type"] == "human":
                names[row["annotation_id"]] = f"{layer}@{row['start']}"
    return names


def _named(rows: Sequence[Row], names: Mapping[str, str]) -> tuple[Row, ...]:
    """Links whose ends are called by those names; other rows as they are."""
    if not rows or "relation" not in rows[0]:
        return tuple(rows)
    return tuple({**row, **{end: names.get(row[end], row[end]) for end in ("source", "destination")}} for row in rows)
