"""What Label Studio lets through: configs that would lose work, and results that say nothing or two things."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..project import Finding, Project, Surface
from .geometry import geometry_faults
from .hotkeys import EDITOR_KEYS
from .parsed import LABELLING, Control, controls_of, parse
from .render import render

Result = Mapping[str, Any]
Fault = tuple[str, str]
"""Stable code and sentence."""


def check_config(project: Project, xml: str) -> list[str]:
    """A sentence for each thing wrong with a config of the project, also one that was edited by hand. Empty = sound."""
    from label_studio_sdk.label_interface.interface import LabelInterface

    try:
        controls = controls_of(xml)
        interface: Any = LabelInterface(xml)
        interface.validate()
    except Exception as error:  # noqa: BLE001 - the SDK raises bare Exception, KeyError and its own, all about the config
        return [f"Label Studio refuses the config: {error}"]
    wanted = controls_of(render(project))
    return [
        *(f"control {name!r} is missing" for name in wanted.keys() - controls.keys()),
        *(
            f"control {name!r} is not what the layers declare; render the config again"
            for name in wanted.keys() & controls.keys()
            if wanted[name].meaning != controls[name].meaning
        ),
        *_conditions(xml, controls),
        *_keys(xml),
    ]


def _conditions(xml: str, controls: Mapping[str, Control]) -> Iterator[str]:
    """Parts that never show, because they wait for a control or a word that is not there."""
    for element in parse(xml).iter():
        name = element.get("whenTagName")
        if name is not None and name not in controls:
            yield f"whenTagName {name!r} is no control; what waits for it never shows"
        elif name is not None:
            for word in filter(None, (element.get("whenLabelValue") or "").split(",")):
                if word not in controls[name].words:
                    yield f"whenLabelValue {word!r} is no word of {name!r}; what waits for it never shows"


def _keys(xml: str) -> Iterator[str]:
    """Words without a key (the editor deals them one by position), keys given twice, keys that the editor keeps."""
    keys = [(e.get("value"), e.get("hotkey")) for e in parse(xml).iter() if e.tag in ("Label", "Choice")]
    yield from (f"word {word!r} has no hotkey" for word, key in keys if not key)
    yield from (f"hotkey {key!r} of {word!r} belongs to the editor" for word, key in keys if key in EDITOR_KEYS)
    shown = Counter(key for word, key in keys if key and word not in _hidden(xml))
    yield from (f"hotkey {key!r} is given to {n} words" for key, n in shown.items() if n > 1)


def _hidden(xml: str) -> set[str | None]:
    """Words that nobody is shown."""
    views = [view for view in parse(xml).iter("View") if "display:none" in (view.get("style") or "")]
    return {label.get("value") for view in views for label in view.iter("Label")}


def check_results(xml: str, uid: str, surface: Surface, results: Sequence[Result]) -> list[Finding]:
    """What is wrong with results for a task on this surface; each is a thing that Label Studio stores without a word.

    Every finding asks for the task to be done again, for what it is about cannot be read as one statement.
    """
    controls = controls_of(xml)
    faults = [
        *((code, text, result.get("id")) for result in results for code, text in _result_faults(controls, surface, result)),
        *((code, text, region) for code, text, region in _region_faults(results)),
    ]
    return [Finding(code, text, uid, region, redo=True) for code, text, region in faults]


def _result_faults(controls: Mapping[str, Control], surface: Surface, result: Result) -> Iterator[Fault]:
    if result.get("type") == "relation":
        if not result.get("labels"):
            yield "relation_unlabelled", "an arrow between two steps has no word; choose one under Relations, or delete it"
        return
    if not result.get("id"):
        yield "id_missing", f"a value of {result.get('from_name')} has no id; enter it again"
    control = controls.get(str(result.get("from_name")))
    if control is None:
        yield "control_unknown", f"{result.get('from_name')!r} is no control of the project; its config was changed"
        return
    value = result.get("value")
    if not isinstance(value, Mapping):
        yield "value_missing", f"{control.name} has no value; enter it again"
        return
    yield from _value_faults(control, value)
    yield from geometry_faults(control, surface, result, value)


def _value_faults(control: Control, value: Mapping[str, Any]) -> Iterator[Fault]:
    words = value.get(control.result_type)
    if control.tag in LABELLING or control.tag == "Choices":
        given = words if isinstance(words, list) else []
        if len(given) > 1 and control.attributes.get("choice") != "multiple":
            yield "word_twice", f"{control.name} says {', '.join(map(repr, given))}; choose one"
        for word in given:
            if word not in control.words and "value" not in control.attributes:  # else the task brings the words
                yield "word_unknown", f"{word!r} is no word of {control.name}; choose another"
    if control.tag == "TextArea":
        texts = value.get("text")
        if isinstance(texts, list) and len(texts) > int(control.attributes.get("maxsubmissions", len(texts))):
            yield "text_twice", f"{control.name} holds {len(texts)} texts; keep the right one and delete the others"
    if control.tag == "Number":
        number = value.get("number")
        low, high = (float(control.attributes.get(name, fallback)) for name, fallback in (("min", "-inf"), ("max", "inf")))
        if isinstance(number, int | float) and not low <= number <= high:
            yield "number_outside", f"{control.name} is {number}, outside {low:g} to {high:g}"


def _region_faults(results: Sequence[Result]) -> Iterator[tuple[str, str, str | None]]:
    """What only shows between results: ids used twice, two labels on a region, arrows to nothing."""
    places = [r for r in results if r.get("type") != "relation" and r.get("id")]
    for (region, name), times in Counter((str(r["id"]), str(r.get("from_name"))) for r in places).items():
        if times > 1:
            yield "id_twice", f"{times} values of {name} have one id; delete all but one and draw it again", region
    labels: dict[str, set[str]] = {}
    items: dict[str, set[Any]] = {}
    for result in places:
        items.setdefault(str(result["id"]), set()).add(result.get("item_index"))
        if str(result.get("type")).endswith("labels"):
            labels.setdefault(str(result["id"]), set()).add(str(result.get("from_name")))
    for region, names in labels.items():
        if len(names) > 1:
            yield (
                "region_of_two_layers",
                f"one region is labelled as {' and as '.join(sorted(names))}; it can be one only",
                region,
            )
    for region, found in items.items():
        if len(found) > 1:
            yield "region_on_two_pictures", "one region lies on two pictures; delete it and draw it again", region
    for result in results:
        if result.get("type") == "relation":
            for end in ("from_id", "to_id"):
                if result.get(end) not in items:
                    yield (
                        "relation_end_missing",
                        "an arrow leads to a region that is not there; delete it under Relations",
                        None,
                    )
