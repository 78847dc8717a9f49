"""A label config read back: its controls by name, with what the checks ask about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree import ElementTree

LABELLING = frozenset(
    ("TimelineLabels", "RectangleLabels", "KeyPointLabels", "PolygonLabels", "VectorLabels", "BrushLabels", "Labels")
)


@dataclass(frozen=True, slots=True)
class Control:
    """One control: its tag, the words it offers, and its attributes as written (names in small letters)."""

    name: str
    tag: str
    to_name: str
    words: tuple[str, ...]
    attributes: Mapping[str, str]

    @property
    def result_type(self) -> str:
        """The `type` of its results."""
        return self.tag.lower()

    @property
    def meaning(self) -> tuple[object, ...]:
        """What results depend on: looks, hints and keys are left out."""
        said = ("perItem", "perRegion", "maxSubmissions", "choice")
        return (self.tag, self.to_name, frozenset(self.words), *(self.attributes.get(name.lower()) for name in said))


def controls_of(xml: str) -> dict[str, Control]:
    """Name → control. Raises ValueError for text that is no XML, and for a name that stands twice."""
    found: dict[str, Control] = {}
    for element in parse(xml).iter():
        attributes = {name.lower(): value for name, value in element.attrib.items()}
        if "toname" in attributes:
            name = attributes.get("name", "")
            if name in found:
                raise ValueError(f"two controls are called {name!r}")
            words = tuple(inner.get("value", "") for inner in element.iter() if inner.tag in ("Label", "Choice"))
            found[name] = Control(name, element.tag, attributes["toname"], words, attributes)
    return found


def parse(xml: str) -> ElementTree.Element:
    """The root of a config. Raises ValueError for text that is no XML."""
    try:
        return ElementTree.fromstring(xml)
    except ElementTree.ParseError as error:
        raise ValueError(f"the config is no XML: {error}") from error
