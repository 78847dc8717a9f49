"""The controls of the layers: one function per kind. A control has the name of its layer, so that the codec needs no table."""

from __future__ import annotations

from collections.abc import Iterable

from schemas.layers import Layer, Term

from ..project import Project
from .hotkeys import UNUSED_KEY, VERDICTS, terms_of
from .markup import group, heading, tag

SHAPES = {"box": "RectangleLabels", "cells": "RectangleLabels", "point": "KeyPointLabels", "polygon": "PolygonLabels"}
"""What people draw with, by `Review.shape`."""


def labels(terms: Iterable[Term]) -> list[str]:
    """The words of a drawing control."""
    return [tag("Label", value=t.value, hint=t.meaning, hotkey=t.hotkey, background=t.colour) for t in terms]


def drawing(element: str, name: str, terms: Iterable[Term]) -> str:
    """A control that draws on a picture. Boxes lie straight: columns of annotations have no angle."""
    turned = "false" if element == "RectangleLabels" else None
    return tag(element, *labels(terms), name=name, toName="media", canRotate=turned)


def choices(name: str, terms: Iterable[Term], **where: object) -> str:
    """One word of several."""
    words = [tag("Choice", value=t.value, hint=t.meaning, hotkey=t.hotkey) for t in terms]
    return tag("Choices", *words, name=name, toName="media", choice="single-radio", layout="inline", **where)


def text_area(name: str, placeholder: str, **where: object) -> str:
    """A text to mend with its pencil. More than one submission would be two texts.

    Not `transcription`: that takes the keyboard on every task and region, and the keys of the words are dead. A text of a
    region or of the task is kept when people go on; one of a picture goes on with them to the next picture unless it was
    added, so there the button stays (both seen in the editor, 1.23.2).
    """
    button = None if where.get("perItem") else "false"
    return tag(
        "TextArea", name=name, toName="media", editable="true", maxSubmissions=1, rows=2, showSubmitButton=button,
        placeholder=placeholder + ("; then Add" if button is None else ""), **where,
    )  # fmt: skip


def prompt(layer: Layer) -> str:
    """What stands in an empty text: what the layer means, without its full stop."""
    return layer.doc.removesuffix(".")


def timeline_words(project: Project) -> dict[str, tuple[Term, ...]]:
    """Region → the words of its labels: those of its first layer that has some, else the region's own name."""
    return {
        region: next(filter(None, map(terms_of, carried)), (Term(region, f"one {region}", UNUSED_KEY, "#0072b2"),))
        for region, carried in project.regions.items()
        if carried[0].kind == "segments"
    }


def labelling_layer(carried: tuple[Layer, ...]) -> Layer | None:
    """The layer whose words are the labels of the region; None where no layer of it has words."""
    return next((layer for layer in carried if terms_of(layer)), None)


def timeline_control(project: Project) -> str:
    """The name of the control that draws on the timeline: the labelling layer's or the region's; `timeline` for several.

    The editor draws only with the first `TimelineLabels` of a video: regions of a second one could be moved and deleted,
    but not added. So several kinds of region stand in one control, and the word tells them apart.
    """
    regions = {name: carried for name, carried in project.regions.items() if carried[0].kind == "segments"}
    if len(regions) > 1:
        return "timeline"
    ((name, carried),) = regions.items()
    layer = labelling_layer(carried)
    return name if layer is None else layer.name


def timeline(project: Project) -> list[str]:
    """All regions of the timeline and what they carry. Empty where no layer is one of segments."""
    words = timeline_words(project)
    if not words:
        return []
    name = timeline_control(project)
    inside = [part for region, terms in words.items() for part in (heading(region), *labels(terms))]
    carried = [_carried(name, words[region], layers) for region, layers in project.regions.items() if region in words]
    return [tag("TimelineLabels", *inside, name=name, toName="media"), *filter(None, carried)]


def _carried(control: str, terms: tuple[Term, ...], carried: tuple[Layer, ...]) -> str:
    """The texts and further words of one kind of region, shown while a region of it is selected."""
    inside = []
    for layer in carried:
        if terms_of(layer) and layer is not labelling_layer(carried):
            inside += [heading(layer.name), choices(layer.name, terms_of(layer), perRegion="true")]
        if layer.review and layer.review.text:
            inside += [heading(layer.name), text_area(f"{layer.name}_text", prompt(layer), perRegion="true")]
    return tag("View", *inside, **while_selected(control, terms)) if inside else ""


def while_selected(control: str, terms: Iterable[Term]) -> dict[str, str]:
    """Attributes of a view that shows only while a region with one of these words is selected."""
    return {
        "visibleWhen": "region-selected",
        "whenTagName": control,
        "whenLabelValue": ",".join(term.value for term in terms),
    }


def tracks(project: Project) -> list[str]:
    """Boxes on a video: the editor has one tool for all of them, so their words stand in one control."""
    boxes = [layer for layer in project.declared if layer.kind == "regions"]
    if not boxes:
        return []
    inside = [part for layer in boxes for part in (heading(layer.name), *labels(terms_of(layer)))]
    return [tag("Labels", *inside, name="track_label", toName="media"), tag("VideoRectangle", name="track", toName="media")]


def text(layer: Layer) -> str:
    """A text of the picture (level step) or of the whole trajectory."""
    return group(layer.name, text_area(layer.name, prompt(layer), perItem="true" if layer.level == "step" else None))


def regions(layer: Layer) -> str:
    """Boxes, cells, points or polygons on a picture."""
    assert layer.review is not None
    assert layer.review.shape is not None
    return group(layer.name, drawing(SHAPES[layer.review.shape], layer.name, terms_of(layer)))


def trace(layer: Layer) -> str:
    """A path on a picture, with its points in order."""
    return group(layer.name, drawing("VectorLabels", layer.name, terms_of(layer)))


def verdict(layer: Layer) -> str:
    """One word about the picture (level step) or about the whole trajectory."""
    item = "true" if layer.level == "step" else None
    return group(layer.name, choices(layer.name, terms_of(layer), perItem=item))


def checks(layer: Layer) -> str:
    """A condition on the page: its function is the word of a small region; its `check_fields` are typed."""
    return group(layer.name, drawing("RectangleLabels", layer.name, terms_of(layer)))


def check_fields(layer: Layer) -> str:
    """Key and value of a condition, shown while its region is selected."""
    fields = [
        heading(f"{layer.name}: key"),
        text_area(f"{layer.name}_key", "which address, field or element", perRegion="true"),
        heading(f"{layer.name}: value"),
        text_area(f"{layer.name}_value", "what it has to be", perRegion="true"),
    ]
    return tag("View", *fields, **while_selected(layer.name, terms_of(layer)))


def links(layers: Iterable[Layer]) -> str:
    """The words of all relations: a config holds one list of them. One word each: by default the editor lets people tick several."""
    words = (tag("Relation", value=term.value) for layer in layers for term in terms_of(layer))
    return tag("Relations", *words, choice="single")


def markers() -> str:
    """A region per picture, for relations to end at. Nobody draws one, so its labels are not shown.

    Each has a word of its own (`marker_words`), which the task brings: a list of relations from `step` to `step` says nothing.
    """
    return tag("View", tag("RectangleLabels", name="marker", toName="media", value="$markers"), style="display:none")


def marker_word(step: int) -> str:
    """What the region of a picture is called."""
    return f"step {step}"


def marker_words(steps: Iterable[int]) -> list[dict[str, str]]:
    """What a task with markers brings in `data.markers`."""
    return [{"value": marker_word(step), "hotkey": UNUSED_KEY, "background": "#777777"} for step in steps]


def judgement() -> str:
    """Right or wrong, and why: the control of what can only be shown."""
    reason = text_area("verdict_why", "what is wrong, if it is not plain to see", perItem="true")
    return group("verdict", choices("verdict", VERDICTS, perItem="true")) + group("why", reason)


def ranking(layer: Layer) -> str:
    """Candidates in the order of preference, the best on top."""
    return group(
        layer.name,
        tag("List", name="candidates", value="$candidates", title="best on top"),
        tag("Ranker", name=layer.name, toName="candidates"),
    )
