"""What Label Studio lets through is found, each with a code of its own and a sentence."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from annotators.label_studio.config import check_config, check_results, render
from annotators.label_studio.project import Surface
from tests.annotators.label_studio.config.scenes import SCENES, Scene, project_of

LabelInterface: Any = pytest.importorskip("label_studio_sdk.label_interface.interface").LabelInterface
Results = list[dict[str, Any]]
Change = Callable[[Results], Any]


@pytest.fixture(scope="module")
def scenes() -> dict[str, Scene]:
    """A task of each view, made once."""
    return {name: make() for name, make in SCENES.items()}


def of(results: Results, name: str) -> dict[str, Any]:
    """The first result of a control."""
    return next(r for r in results if r.get("from_name") == name)


def value(results: Results, name: str) -> Any:
    """The value of the first result of a control."""
    return of(results, name)["value"]


def put(name: str, **changes: Any) -> Change:
    """Change the value of the first result of a control."""
    return lambda results: value(results, name).update(changes)


def again(name: str, **changes: Any) -> Change:
    """Add a copy of the first result of a control, changed."""
    return lambda results: results.append(copy.deepcopy(of(results, name)) | changes)


def ranges(start: Any, end: Any) -> dict[str, Any]:
    """The place of a region on the timeline."""
    return {"ranges": [{"start": start, "end": end}]}


def key_frames(*frames: int) -> Change:
    """Give the first track key frames at these frames."""

    def change(results: Results) -> None:
        first = value(results, "track")["sequence"][0]
        value(results, "track")["sequence"] = [first | {"frame": frame} for frame in frames]

    return change


CASES: list[tuple[str, Change, str]] = [
    ("robot_contact", put("contact", **ranges(31, 30)), "range_reversed"),
    ("robot_contact", put("contact", **ranges(0, 3)), "frame_outside"),
    ("robot_contact", put("contact", **ranges(60, 61)), "frame_outside"),
    ("robot_contact", put("contact", **ranges(1.5, 3)), "frame_unreadable"),
    ("robot_contact", put("contact", ranges=[]), "range_not_one"),
    ("robot_contact", lambda r: r[0].pop("id"), "id_missing"),
    ("robot_contact", put("contact", timelinelabels=["contact", "release"]), "word_twice"),
    ("robot_contact", put("contact", timelinelabels=["touch"]), "word_unknown"),
    ("robot_contact", lambda r: r[0].update(from_name="touch"), "control_unknown"),
    ("robot_contact", lambda r: r[0].update(value=None), "value_missing"),
    ("robot_contact", again("contact"), "id_twice"),
    ("robot_language", put("subtask_text", text=["take the cup", "put it down"]), "text_twice"),
    ("arc_story", put("strategy", choices=["trial", "copy-edit"]), "word_twice"),
    ("robot_tracks", key_frames(1, 61, 61), "key_frames_unordered"),
    ("robot_tracks", key_frames(61, 1), "key_frames_unordered"),
    ("robot_tracks", key_frames(1, 151), "frame_outside"),
    ("robot_tracks", key_frames(), "frame_unreadable"),
    ("robot_tracks", put("track", framesCount=120), "frames_differ"),
    ("gui_steps", lambda r: of(r, "target").update(item_index=5), "item_outside"),
    ("gui_steps", lambda r: of(r, "target").update(item_index=-1), "item_outside"),
    ("gui_steps", lambda r: of(r, "target").pop("item_index"), "item_outside"),
    ("gui_steps", lambda r: of(r, "caption").pop("item_index"), "item_outside"),
    ("gui_steps", lambda r: of(r, "key_node_key").update(item_index=1), "region_on_two_pictures"),
    ("gui_steps", again("target", from_name="key_node", value={}), "region_of_two_layers"),
    ("gui_steps", put("target", x=95), "place_outside"),
    ("gui_steps", put("target", width=0), "box_empty"),
    ("gui_steps", put("target", rotation=12), "box_turned"),
    ("gui_steps", put("action_point", x=float("nan")), "place_outside"),
    ("gui_steps", lambda r: r[-1].update(to_id="gone"), "relation_end_missing"),
    ("gui_steps", lambda r: r[-1].pop("labels"), "relation_unlabelled"),
    ("gui_steps", lambda r: r[-1].update(labels=[]), "relation_unlabelled"),
    ("robot_key_frames", put("object_outline", points=[[0, 0], [101, 0], [50, 50]]), "place_outside"),
    ("robot_key_frames", lambda r: value(r, "trace")["vertices"][3].update(id="s2"), "path_broken"),
    ("robot_key_frames", lambda r: value(r, "trace")["vertices"][3].update(prevPointId="s0"), "path_broken"),
    ("robot_key_frames", lambda r: value(r, "trace").update(vertices=value(r, "trace")["vertices"][:1]), "path_short"),
]


@pytest.mark.parametrize(
    ("view", "change", "code"), CASES, ids=[f"{n}-{view}-{code}" for n, (view, _, code) in enumerate(CASES)]
)
def test_what_label_studio_lets_through_is_found(scenes: dict[str, Scene], view: str, change: Change, code: str) -> None:
    scene = scenes[view]
    results = copy.deepcopy(scene.results)
    change(results)
    found = check_results(render(scene.project), "the task", scene.surface, results)
    assert [finding.code for finding in found] == [code]
    assert found[0].uid == "the task"
    assert found[0].redo
    assert len(found[0].message) > 20


def test_a_number_beyond_its_limits_is_found() -> None:
    xml = '<View><Number name="n" toName="media" min="0" max="20"/><Video name="media" value="$media"/></View>'
    surface = Surface((0, 1), (0, 1), 2, 64, 48, fps=1.0)
    numbers = {20: [], 21: ["number_outside"], -1: ["number_outside"]}
    for number, codes in numbers.items():
        result = {"id": "a", "from_name": "n", "to_name": "media", "type": "number", "value": {"number": number}}
        assert [finding.code for finding in check_results(xml, "uid", surface, [result])] == codes


def test_a_text_of_a_region_may_carry_what_the_editor_adds(scenes: dict[str, Scene]) -> None:
    """For pictures that were not opened the editor saves the label and a score with the text."""
    scene = scenes["gui_steps"]
    results = copy.deepcopy(scene.results)
    value(results, "key_node_key")["rectanglelabels"] = ["value"]
    of(results, "key_node_key")["score"] = 0.5
    assert check_results(render(scene.project), "uid", scene.surface, results) == []


EDITS = [
    ("<View>", "config is no XML", lambda xml: xml[:-3]),
    ("gone", "control 'subtask_text' is missing", lambda xml: xml.replace('name="subtask_text"', 'name="said"')),
    ("word", "control 'timeline' is not what the layers declare", lambda xml: xml.replace('value="pick"', 'value="grab"')),
    ("texts", "control 'subtask_text' is not what", lambda xml: xml.replace('maxSubmissions="1"', 'maxSubmissions="2"')),
    ("when", "whenTagName 'clips' is no control", lambda xml: xml.replace('whenTagName="timeline"', 'whenTagName="clips"')),
    (
        "waits",
        "whenLabelValue 'grab' is no word",
        lambda xml: xml.replace('whenLabelValue="transfer,', 'whenLabelValue="grab,'),
    ),
    ("no key", "word 'pick' has no hotkey", lambda xml: xml.replace(' hotkey="2"', "")),
    ("two keys", "hotkey '1' is given to 2 words", lambda xml: xml.replace('hotkey="2"', 'hotkey="1"')),
    ("editor", "hotkey 'r' of 'pick' belongs to the editor", lambda xml: xml.replace('hotkey="2"', 'hotkey="r"')),
    ("object", "Label Studio refuses", lambda xml: xml.replace('toName="media"', 'toName="video"')),
    ("twice", "two controls are called 'timeline'", lambda xml: xml.replace('name="subtask_text"', 'name="timeline"')),
]


@pytest.mark.parametrize(("sentence", "edit"), [(s, e) for _, s, e in EDITS], ids=[name for name, _, _ in EDITS])
def test_a_config_that_was_edited_by_hand_is_found(sentence: str, edit: Callable[[str], str]) -> None:
    project = project_of("robot_language")
    xml = render(project)
    assert edit(xml) != xml
    assert any(sentence in said for said in check_config(project, edit(xml)))


def test_looks_may_be_edited_by_hand() -> None:
    project = project_of("robot_language")
    assert check_config(project, render(project).replace("#0072b2", "#0072ff")) == []
