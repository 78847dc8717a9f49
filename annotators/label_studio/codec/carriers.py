"""Which control carries a layer: read from its declaration, never from its name."""

from __future__ import annotations

from typing import Literal

from schemas.layers import Layer

from ..project import Project

Carrier = Literal["segment", "text", "region", "cells", "track", "trace", "check", "link", "verdict", "ranking", "judgement"]


def carrier(project: Project, layer: Layer) -> Carrier:
    """The control of a layer in a project. Raises ValueError where its view has none for it."""
    timeline, shape = project.review_view.surface == "timeline", layer.review and layer.review.shape
    if project.view == "verdict":
        return "ranking" if layer.kind == "choices" else "judgement"
    match layer.kind:
        case "segments" if timeline:
            return "segment"
        case "texts" if not timeline or layer.level != "step":
            return "text"
        case "verdicts" if not timeline or layer.level != "step":
            return "verdict"
        case "regions" if timeline and shape == "box":
            return "track"
        case "regions" if not timeline and shape == "cells":
            return "cells"
        case "regions" if not timeline and shape in ("box", "point", "polygon"):
            return "region"
        case "traces" if not timeline:
            return "trace"
        case "checks" if not timeline:
            return "check"
        case "links" if not timeline:
            return "link"
    raise ValueError(f"layer {layer.name!r} ({layer.kind}) has no control in {project.view}; review it by a verdict")


def carried(project: Project) -> dict[Carrier, list[Layer]]:
    """Control → its layers, in the order of the project."""
    found: dict[Carrier, list[Layer]] = {}
    for layer in project.declared:
        found.setdefault(carrier(project, layer), []).append(layer)
    return found
