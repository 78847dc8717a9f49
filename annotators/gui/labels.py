"""What a person called an element, held against what a tree calls it.

A person writes "Click on Action Centre", the tree says "Action Centre, No new notifications (Off)". Both are reduced to
words, and one has to contain the other. Where the node under the pointer has another name, the desktop's scaling may
have changed while the recorder went on: then the pointer is in physical pixels and the tree in logical ones, and the
node that bears the name holds the pointer after one scale factor (reference/gui-recordings, fact 3).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from .trees import Box, Node, Point, actionable, pick, under

SCALES: tuple[float, ...] = (1.0, 1.25, 1.5, 1.75, 2.0)
"""Display scalings that desktops offer."""

_VERB = re.compile(
    r"^\W*(?:(?:single|double|triple|left|right|middle|long|mouse)[\s-]+)*"
    r"(?:click(?:s|ed|ing)?|tap|press|select|choose|drag|hover|hit|type|open)\b"
    r"(?:\s+(?:left|right|middle|button|on|in|at|into|the|a|an)\b)*"
)
_TIMES = re.compile(r"(?<=\d)\s*[x×]\s*(?=\d)")


@dataclass(frozen=True, slots=True)
class Recovered:
    """The node that bears the labelled name, the `scale` after which it holds the pointer, its `box` times the scale."""

    node: Node
    scale: float
    box: Box


@dataclass(frozen=True, slots=True)
class Hit:
    """What a tree says of one pointer action.

    `node`: the pick (None where no node holds the pointer); `candidates`: how many nodes hold it; `acted_on`: whether
    the pick is actionable; `agrees`: whether its name fits the person's label, None without a label; `recovered`: the
    named node, where the pick disagrees and one was found.
    """

    node: Node | None
    candidates: int
    acted_on: bool
    agrees: bool | None
    recovered: Recovered | None


def look_up(found: Sequence[Node], point: Point, label: str | None, scales: Sequence[float], dragging: bool = False) -> Hit:
    """The node under the pointer by the rule of `trees`, cross-checked with the person's label.

    `point` is in frame pixels. Without an actionable node the smallest of any role is given, `acted_on` false.
    """
    candidates = under(found, point)
    chosen = pick(candidates, dragging)
    node = chosen or (candidates[0] if candidates else None)
    agrees = fits(label, node.name if node else "")
    recovered = recover(found, point, label, scales, dragging) if label is not None and agrees is False else None
    return Hit(node, len(candidates), chosen is not None, agrees, recovered)


def fits(label: str | None, name: str) -> bool | None:
    """Whether a node's name is what a person's label names; None where there is no label, or it names nothing.

    The label's words stand in the name in one run, or the name's words in the label and are at least half of it.
    """
    wanted = named(label or "")
    if not wanted:
        return None
    words = _words(name)
    return _within(wanted, words) or (2 * len(words) >= len(wanted) and _within(words, wanted))


def recover(
    found: Sequence[Node], point: Point, label: str, scales: Sequence[float], dragging: bool = False
) -> Recovered | None:
    """The actionable node whose name fits the label and whose box, times one of `scales`, holds the point.

    Of several, an equal name goes first, then the one whose centre lies nearest to the point, in halves of its size
    (people click on the middle, so a scale that puts the point on an edge is the less likely one).
    """
    wanted = named(label)
    ranked = [
        ((_words(node.name) != wanted, _off_centre(node.box, point, scale), node.order, scale), node, scale)
        for node in found
        if node.box is not None and actionable(node.role, dragging) and fits(label, node.name)
        for scale in scales
        if node.holds(point, scale)
    ]
    if not ranked:
        return None
    _, node, scale = min(ranked, key=lambda entry: entry[0])
    assert node.box is not None
    x_min, y_min, x_max, y_max = node.box
    return Recovered(node, scale, (x_min * scale, y_min * scale, x_max * scale, y_max * scale))


def named(label: str) -> tuple[str, ...]:
    """The words of a label without its verb: "Click on Power & sleep" gives (power, sleep)."""
    return _words(_VERB.sub("", _plain(label), count=1))


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _words(text: str) -> tuple[str, ...]:
    """Words in small letters; "1366 × 768" is the one word 1366x768."""
    return tuple(re.findall(r"\w+", _TIMES.sub("x", _plain(text))))


def _within(part: tuple[str, ...], whole: tuple[str, ...]) -> bool:
    """Whether `part`, not empty, stands in `whole` in one run."""
    size = len(part)
    return bool(part) and any(whole[i : i + size] == part for i in range(len(whole) - size + 1))


def _off_centre(box: Box, point: Point, scale: float) -> float:
    """0 at the centre of the box times `scale`, 1 on its edge."""
    x_min, y_min, x_max, y_max = (value * scale for value in box)
    return max(abs(2 * point[0] - x_min - x_max) / (x_max - x_min), abs(2 * point[1] - y_min - y_max) / (y_max - y_min))
