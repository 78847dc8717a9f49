"""Every project that can be declared becomes a config that Label Studio takes; a wrong declaration is refused."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from annotators.label_studio import project as projects
from annotators.label_studio.config import check_config, check_results, render
from annotators.label_studio.config.hotkeys import EDITOR_KEYS, key_faults, terms_of
from annotators.label_studio.config.parsed import controls_of
from annotators.label_studio.project import Project
from annotators.label_studio.views import VIEWS
from schemas.layers import Layer, Review, Term, layer, layers
from tests.annotators.label_studio.config.scenes import SCENES, Scene, project_of

LabelInterface: Any = pytest.importorskip("label_studio_sdk.label_interface.interface").LabelInterface


def combinations_of_layers() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each view with every one, every two, and all of its layers; in the verdict view any layer can stand."""
    for view in VIEWS:
        names = tuple(n for n, d in layers().items() if d.review and d.review.view == view and d.kind != "choices")
        every = [*((n,) for n in names), *combinations(names, 2), *combinations(reversed(names), 2), names]
        yield from ((view, chosen) for chosen in dict.fromkeys(every))
    yield from (("verdict", (name,)) for name in layers())


EVERY = list(dict.fromkeys(combinations_of_layers()))


@pytest.fixture(params=SCENES)
def scene(request: pytest.FixtureRequest) -> Scene:
    """A task of each view."""
    return SCENES[request.param]()


@pytest.mark.parametrize(("view", "names"), EVERY, ids=[f"{view}:{'+'.join(names)}" for view, names in EVERY])
def test_every_project_of_declared_layers_has_a_sound_config(view: str, names: tuple[str, ...]) -> None:
    project = Project("some", view, names)
    xml = render(project)
    assert check_config(project, xml) == []
    assert xml == render(project)
    controls = controls_of(xml)
    words = {word for control in controls.values() for word in control.words}
    if view != "verdict":
        linked = {element.get("value") for element in ElementTree.fromstring(xml).iter("Relation")}
        for declared in project.declared:
            assert {term.value for term in terms_of(declared)} <= (linked if declared.kind == "links" else words)
    for element in ElementTree.fromstring(xml).iter("TextArea"):
        assert element.get("maxSubmissions") == "1"


def test_every_layer_is_reviewed_in_a_view_of_its_domain() -> None:
    for declared in layers().values():
        if declared.review is not None:
            assert VIEWS[declared.review.view].domain in (None, declared.domain)


def test_a_blind_project_shows_no_proposals() -> None:
    assert "$proposed" in render(project_of("robot_language"))
    assert "$proposed" not in render(project_of("robot_language", blind=True))


def test_proposals_of_every_view_are_taken_by_label_studio_and_by_our_checks(scene: Scene) -> None:
    xml = render(scene.project)
    interface = LabelInterface(xml)
    assert interface.validate_prediction({"result": scene.results}, return_errors=True) == []
    interface.validate_task({"data": scene.data})
    assert check_results(xml, "uid", scene.surface, scene.results) == []


def test_every_region_of_a_timeline_is_drawn_by_the_first_control_of_the_video() -> None:
    """The editor draws with no other: regions of a second control could not be added."""
    for view, names in EVERY:
        if VIEWS[view].surface == "timeline":
            drawing = [c for c in controls_of(render(Project("some", view, names))).values() if c.tag == "TimelineLabels"]
            assert len(drawing) <= 1


def test_words_with_markup_stay_words(monkeypatch: pytest.MonkeyPatch) -> None:
    nasty = """<b onclick="x()">&amp;'</b>"""
    terms = (Term(nasty, f"meaning {nasty}", "1", "#0072b2"), Term("plain", "m", "2", "#e69f00"))
    declare(monkeypatch, contact={"vocabulary": terms, "doc": nasty})
    xml = render(Project("some", "robot_contact", ("contact",)))
    assert controls_of(xml)["contact"].words == (nasty, "plain")
    assert LabelInterface(xml).validate() is None


def declare(monkeypatch: pytest.MonkeyPatch, **changes: dict[str, Any]) -> None:
    """Let layers of these names be declared otherwise."""
    changed = {name: replace(layer(name), **change) for name, change in changes.items()}

    def declared(name: str) -> Layer:
        return changed.get(name) or layer(name)

    monkeypatch.setattr(projects, "layer", declared)


def keyed(*keys: str | None) -> tuple[Term, ...]:
    """Words with these keys."""
    return tuple(Term(f"word{n}", "means it", key, "#0072b2") for n, key in enumerate(keys))


FAULTS: list[tuple[str, dict[str, dict[str, Any]], str]] = [
    ("arc_steps", {"sub_goal": {"review": Review("arc_steps")}}, "sub_goal: segments need a timeline"),
    ("arc_story", {"intent": {"review": Review("arc_story")}}, "intent: a value per step needs a list of pictures"),
    (
        "arc_story",
        {"marked": {"review": Review("arc_story", shape="cells")}},
        "marked: on a video people draw boxes, not cells",
    ),
    ("robot_tracks", {"trace": {"review": Review("robot_tracks")}}, "trace: traces need a list of pictures"),
    ("robot_key_frames", {"segmentation": {"review": Review("robot_key_frames", shape="mask")}}, "nobody draws the shape mask"),
    ("robot_key_frames", {"trace": {"kind": "links"}}, "trace: links need something to end at"),
    ("gui_steps", {"change": {"review": Review("gui_steps"), "unreviewed_because": ""}}, "change: scalars have no control"),
    ("robot_contact", {"contact": {"vocabulary": keyed("1", "1")}}, "hotkey '1' of 'word0' is another word's, too"),
    ("robot_contact", {"contact": {"vocabulary": keyed("1", None)}}, "contact: word 'word1' has no hotkey"),
    ("robot_contact", {"contact": {"vocabulary": keyed("1", "h")}}, "hotkey 'h' of 'word1' belongs to the editor"),
    (
        "robot_tracks",
        {"gripper_box": {"vocabulary": (Term("object", "?", "7", "#0072b2"),)}, "object_box": {}},
        "word 'object' is in two layers that share a control",
    ),
    ("robot_contact", {"contact": {"vocabulary": (Term("a,b", "?", "1"),)}}, "word 'a,b' is not read as it stands"),
    ("robot_contact", {"contact": {"vocabulary": (Term("$fps", "?", "1"),)}}, "word '$fps' is not read as it stands"),
    ("robot_contact", {"contact": {"vocabulary": (Term(" a", "?", "1"),)}}, "word ' a' is not read as it stands"),
    ("verdict", {"preference": {}, "changed_region": {}}, "preference: candidates are ranked in a project of their own"),
]


@pytest.mark.parametrize(("view", "changes", "sentence"), FAULTS, ids=[sentence for _, _, sentence in FAULTS])
def test_a_declaration_that_the_view_cannot_carry_is_refused(
    monkeypatch: pytest.MonkeyPatch, view: str, changes: dict[str, dict[str, Any]], sentence: str
) -> None:
    declare(monkeypatch, **changes)
    project = Project("some", view, tuple(changes))
    with pytest.raises(ValueError, match=f"project 'some' .*{re.escape(sentence)}"):
        render(project)


def test_the_keys_of_a_view_are_free_and_unlike() -> None:
    for view in VIEWS:
        assert key_faults(project_of(view)) == []


def test_the_keys_that_the_editor_keeps_are_those_of_its_key_map() -> None:
    """Single keys of the installed editor; the arrows and the keys of time series are no letters or digits."""
    files = importlib.metadata.files("label-studio") or []
    scripts = [Path(str(f.locate())) for f in files if f.match("web/dist/apps/labelstudio/*.js")]
    maps = [found for script in scripts if (text := script.read_text()) and '"tool:rect":{"key"' in text for found in [text]]
    assert len(maps) == 1
    keys = re.findall(r'"[a-z]+:[a-z0-9-]+":\{"key":"([^"]+)"', maps[0])
    assert len(keys) > 50
    assert {key.lower() for key in keys if len(key) == 1} == EDITOR_KEYS
