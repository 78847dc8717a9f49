"""Words of one control look different, also to people who do not see all colours."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from annotators.label_studio.config.hotkeys import VERDICTS, terms_of
from schemas.layers import layers

Array = npt.NDArray[np.float64]

SIGHT = {
    "all colours": np.eye(3),
    "no red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "no green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "no blue": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
"""Linear RGB as it is seen, severity 1: Machado, Oliveira, Fernandes 2009, table 1."""
OKABE_ITO = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7", "#000000")
"""Colours made to be told apart by everybody: Okabe and Ito 2008. Their closest two are the bar."""


def linear(colour: str) -> Array:
    """sRGB hex as linear RGB."""
    value = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def oklab(rgb: Array) -> Array:
    """Linear RGB in a space where distances are those that people see (Ottosson 2020)."""
    to_cones = [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
    to_lab = [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
    return np.asarray(np.cbrt(np.clip(rgb, 0, 1) @ np.transpose(to_cones)) @ np.transpose(to_lab))


def closest(colours: list[str]) -> float:
    """The smallest distance between two colours, over all kinds of sight."""
    rgb = np.array([linear(colour) for colour in colours])
    pairs = np.triu_indices(len(colours), 1)
    seen = (oklab(rgb @ np.transpose(sight)) for sight in SIGHT.values())
    return min(float(np.linalg.norm(lab[pairs[0]] - lab[pairs[1]], axis=-1).min()) for lab in seen)


BAR = closest(list(OKABE_ITO))


def words_together() -> dict[str, list[str]]:
    """Colours of words that stand in one control: a layer's, or those of all segments or tracks of a view."""
    found: dict[str, list[str]] = {"verdict": [str(term.colour) for term in VERDICTS]}
    for name, declared in layers().items():
        colours = [str(term.colour) for term in terms_of(declared) if declared.kind != "links"]
        if declared.review is None or declared.review.view == "verdict":
            continue
        found[name] = colours
        if declared.kind == "segments" or declared.review.view == "robot_tracks":
            found.setdefault(declared.review.view, []).extend(colours)
    return {name: colours for name, colours in found.items() if len(colours) > 1}


@pytest.mark.parametrize("name", words_together())
def test_no_two_words_are_closer_than_the_closest_colours_of_okabe_and_ito(name: str) -> None:
    colours = words_together()[name]
    assert closest(colours) >= BAR - 1e-9


def test_the_measure_knows_colours_that_are_mistaken() -> None:
    assert closest(["#c80000", "#4b7000"]) < BAR < closest(["#0072b2", "#e69f00"])
