"""A project as a label config."""

from __future__ import annotations

from collections import Counter
from re import search

from schemas.layers import Layer

from ..project import Project
from . import controls
from .hotkeys import key_faults, terms_of
from .surfaces import layout


def render(project: Project) -> str:
    """The label config of a project. Raises ValueError with a sentence for each layer that its view cannot carry."""
    if faults := [*layer_faults(project), *key_faults(project), *word_faults(project)]:
        raise ValueError(f"project {project.name!r} ({project.view}): " + "; ".join(faults))
    fields = [
        controls.check_fields(layer) for layer in project.declared if layer.kind == "checks" and project.view != "verdict"
    ]
    return layout(project, fields, _controls(project))


def _controls(project: Project) -> list[str]:
    """The controls in the order of the layers; those that layers share come first."""
    if project.view == "verdict":
        ranked = [layer for layer in project.declared if layer.kind == "choices"]
        return [controls.ranking(layer) for layer in ranked] or [controls.judgement()]
    found = controls.timeline(project)
    if project.review_view.surface == "timeline":
        found += controls.tracks(project)
    found += [one_control(layer, project) for layer in project.declared]
    if linked := [layer for layer in project.declared if layer.kind == "links"]:
        found.append(controls.links(linked))
    if project.review_view.markers:
        found.append(controls.markers())
    return [control for control in found if control]


def one_control(layer: Layer, project: Project) -> str:
    """The control that a layer has for itself; empty where it shares one with others."""
    match layer.kind:
        case "texts":
            return controls.text(layer)
        case "verdicts":
            return controls.verdict(layer)
        case "traces":
            return controls.trace(layer)
        case "checks":
            return controls.checks(layer)
        case "regions" if project.review_view.surface == "list":
            return controls.regions(layer)
    return ""


def layer_faults(project: Project) -> list[str]:
    """A sentence for each layer that has no control on the view's surface."""
    if project.view == "verdict":
        ranked = [layer.name for layer in project.declared if layer.kind == "choices"]
        if ranked and len(project.layers) > 1:
            return [f"{ranked[0]}: candidates are ranked in a project of their own"]
        return []
    return [fault for layer in project.declared if (fault := _fault(layer, project))]


def _fault(layer: Layer, project: Project) -> str:
    """Why one layer cannot stand in the project's view; empty if it can."""
    timeline, shape = project.review_view.surface == "timeline", layer.review and layer.review.shape
    match layer.kind:
        case "segments" if not timeline:
            return f"{layer.name}: segments need a timeline, and this view is a list of pictures"
        case "texts" | "verdicts" if timeline and layer.level == "step":
            return f"{layer.name}: a value per step needs a list of pictures, and this view is a video"
        case "regions" if timeline and shape != "box":
            return f"{layer.name}: on a video people draw boxes, not {shape}"
        case "regions" if shape not in controls.SHAPES:
            return f"{layer.name}: nobody draws the shape {shape}; review it by a verdict"
        case "traces" | "links" | "checks" if timeline:
            return f"{layer.name}: {layer.kind} need a list of pictures, and this view is a video"
        case "links" if not project.review_view.markers:
            return f"{layer.name}: links need something to end at, and this view has no markers"
        case "segments" | "texts" | "verdicts" | "regions" | "traces" | "links" | "checks":
            return ""
    return f"{layer.name}: {layer.kind} have no control; review them by a verdict"


def word_faults(project: Project) -> list[str]:
    """A sentence for each word that the editor or the codec would misread."""
    found = [(layer, term.value) for layer in project.declared for term in terms_of(layer)]
    faults = [
        f"{layer.name}: word {word!r} is not read as it stands (comma, `$` or blanks at an end)"
        for layer, word in found
        if word != word.strip() or "," in word or search(r"\$[\w\[\].{}]", word)
    ]
    shared = [layer.kind for layer in project.declared if layer.kind in ("segments", "links")]
    if project.review_view.surface == "timeline":
        shared.append("regions")
    for kind in dict.fromkeys(shared):
        times = Counter(word for layer, word in found if layer.kind == kind)
        faults += [f"word {word!r} is in two layers that share a control" for word, n in times.items() if n > 1]
    return faults
