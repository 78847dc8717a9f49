"""What the editor of Label Studio 1.23.2 saved, one result per type of region, read and written again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from annotators.label_studio.codec import Decoded, Statement, decode, encode, same
from annotators.label_studio.codec.cells import Lattice, rectangles
from annotators.label_studio.codec.timeline import frame_range, step_range
from annotators.label_studio.codec.tracks import Key, expand
from annotators.label_studio.project import Project, ReviewTask, Row, Surface
from schemas.layers import layer

SHAPES = Path(__file__).parents[4].parent / "shared/prototypes/label_studio_templates/result_shapes.json"
VIDEO = Surface(tuple(range(300)), tuple(range(300)), 300, 640, 480, "front", 30.0, 1 / 30)
PICTURES = Surface((0, 1, 2), (0, 1, 2), 3, 640, 480, "front")
SCREENS = Surface((0, 1, 2), (0, 1, 2), 3, 1280, 720)

LANGUAGE = Project("p", "robot_language", ("primitive_skill", "subtask"))
TRACKS = Project("p", "robot_tracks", ("gripper_box",))
STORY = Project("p", "arc_story", ("rule", "strategy"))
KEYS = Project("p", "robot_key_frames", ("affordance_box", "contact_points", "trace", "object_outline"))
GUI = Project("p", "gui_steps", ("target", "key_node", "caption", "step_verdict", "dependency"))
RANK = Project("p", "verdict", ("preference",))

READ: dict[str, tuple[Project, Surface, str, dict[str, list[str]]]] = {
    # shape: project, surface, our control of that type, our word in place of the template's
    "videorectangle": (TRACKS, VIDEO, "track", {}),
    "timelinelabels": (LANGUAGE, VIDEO, "primitive_skill", {"timelinelabels": ["pick"]}),
    "textarea per region on a timeline segment": (LANGUAGE, VIDEO, "subtask_text", {}),
    "choices per task": (STORY, VIDEO, "strategy", {"choices": ["trial"]}),
    "textarea per task": (STORY, VIDEO, "rule", {}),
    "rectanglelabels": (KEYS, PICTURES, "affordance_box", {"rectanglelabels": ["grasp"]}),
    "rectanglelabels drawn by a person": (KEYS, PICTURES, "affordance_box", {"rectanglelabels": ["grasp"]}),
    "keypointlabels": (KEYS, PICTURES, "contact_points", {"keypointlabels": ["finger"]}),
    "vectorlabels": (KEYS, PICTURES, "trace", {"vectorlabels": ["gripper_path"]}),
    "polygonlabels": (KEYS, PICTURES, "object_outline", {"polygonlabels": ["outline"]}),
    "choices per item": (GUI, SCREENS, "step_verdict", {"choices": ["needed"]}),
    "textarea per item": (GUI, SCREENS, "caption", {}),
    "rectanglelabels with score": (GUI, SCREENS, "target", {"rectanglelabels": ["button"]}),
    "ranker": (RANK, replace(SCREENS, steps=(0,), frames=(0,), end=1), "preference", {}),
}
UNREAD = {
    "choices per region on a timeline segment": "no layer of ours has a second choice on a region",
    "rating": "no kind is a rating",
    "number": "no kind is a number that people type",
    "brushlabels": "masks are not painted: they are accepted or rejected on a picture",
    "hypertextlabels": "no view is a text",
    "taxonomy": "no layer has a tree of words",
    "paragraphlabels": "no view is a dialogue",
    "choices inside a Repeater (paged)": "no view repeats",
}
TOGETHER = {"relation within one item", "relation across items", "textarea per region on a box, item opened",
            "textarea per region on a box, item not opened (adds the label key and score of the region)"}  # fmt: skip
"""Shapes that need another result; the tests below read them."""


@pytest.fixture(scope="module")
def shapes() -> dict[str, dict[str, Any]]:
    if not SHAPES.is_file():
        pytest.skip("the saved shapes (../shared/prototypes) are not on this machine")
    return {name: shape["result"] for name, shape in json.loads(SHAPES.read_text())["shapes"].items()}


def task(project: Project, surface: Surface, rows: dict[str, tuple[Row, ...]] | None = None) -> ReviewTask:
    return ReviewTask("r/p/1/s/t", project.name, "s/t", surface, rows or {}, {})


def renamed(result: dict[str, Any], control: str, words: dict[str, list[str]], **value: Any) -> dict[str, Any]:
    to = "candidates" if result["type"] == "ranker" else "media"
    return result | {"from_name": control, "to_name": to, "value": result["value"] | words | value}


def rows_of(decoded: Decoded, store: Callable[..., list[Row]]) -> dict[str, tuple[Row, ...]]:
    """What was read as rows, with the regions' ids."""

    def row(statement: Statement) -> Row:
        payload = dict(statement.payload)
        if isinstance(payload.get("args"), str):
            payload["args"] = json.loads(payload["args"])
        (found,) = store(layer(statement.layer), [{**payload, "start": statement.start, "end": statement.end}])
        return {**found, "annotation_id": statement.region}

    return {name: tuple(row(statement) for statement in found) for name, found in decoded.rows.items()}


def test_every_shape_is_read_or_said_not_to_be(shapes: dict[str, dict[str, Any]]) -> None:
    assert set(shapes) == {*READ, *UNREAD, *TOGETHER}


@pytest.mark.parametrize("name", READ)
def test_decode_encode_decode_gives_identical_records(
    name: str, shapes: dict[str, dict[str, Any]], store: Callable[..., list[Row]]
) -> None:
    project, surface, control, words = READ[name]
    extra = {"unheard": {"of": 1}}
    if name == "ranker":  # ours has no buckets: the control's own name is the only list
        extra = {"ranker": {"preference": ["c1", "c0", "c2"]}}
    saved = renamed(shapes[name], control, words, **extra)
    decoded = decode(project, task(project, surface), [saved])
    assert not decoded.findings
    again = encode(project, task(project, surface, rows_of(decoded, store)))
    (result,) = [found for found in again.results if found.get("from_name") == control]
    assert result["id"] == saved["id"]
    assert result["type"] == saved["type"]
    assert result.get("item_index") == saved.get("item_index")
    if name != "vectorlabels":  # vertices without a step are given names by position
        kept = {key: saved["value"][key] for key in result["value"] if key not in ("sequence", "width")}
        assert same({key: result["value"][key] for key in kept}, kept)
    twice = decode(project, task(project, surface, rows_of(decoded, store)), again.results)
    for layer_name, (statement,) in decoded.rows.items():
        (back,) = twice.rows[layer_name]
        assert same(dict(back.payload), dict(statement.payload))
        assert (back.start, back.end, back.region, back.slot) == (
            statement.start,
            statement.end,
            statement.region,
            statement.slot,
        )


@pytest.mark.parametrize("name", UNREAD)
def test_a_shape_that_no_control_of_ours_saves_is_a_finding(name: str, shapes: dict[str, dict[str, Any]]) -> None:
    decoded = decode(GUI, task(GUI, SCREENS), [shapes[name]])
    assert [(f.code, f.redo) for f in decoded.findings] == [("control_unknown", False)]
    assert not decoded.rows


@pytest.mark.parametrize(("interval", "frames"), [((0, 60), (1, 60)), ((220, 300), (221, 300))])
def test_half_open_steps_are_inclusive_frames_from_one(interval: tuple[int, int], frames: tuple[int, int]) -> None:
    assert frame_range(VIDEO, *interval) == frames
    assert step_range(VIDEO, *frames) == interval


def test_a_track_that_ends_at_a_key_frame_is_seen_up_to_and_with_it(shapes: dict[str, dict[str, Any]]) -> None:
    saved = renamed(shapes["videorectangle"], "track", {})
    (statement,) = decode(TRACKS, task(TRACKS, VIDEO), [saved]).rows["gripper_box"]
    assert statement.payload["frames"] == list(range(200))
    assert all(statement.payload["visible"])
    assert [i for i, between in enumerate(statement.payload["interpolated"]) if not between] == [0, 119, 199]


def test_a_box_between_two_key_frames_lies_on_the_line_between_them_and_stays_behind_the_last() -> None:
    keys = [
        Key(1, dict.fromkeys(("x", "y", "width", "height"), 0.0), True),
        Key(5, dict.fromkeys(("x", "y", "width", "height"), 8.0), True),
    ]
    found = expand(keys, 7)
    assert [(frame, box and box["x"], between) for frame, box, between in found] == [
        (0, 0.0, False), (1, 2.0, True), (2, 4.0, True), (3, 6.0, True), (4, 8.0, False), (5, 8.0, True), (6, 8.0, True),
    ]  # fmt: skip


def test_the_time_of_a_key_frame_is_never_used(shapes: dict[str, dict[str, Any]]) -> None:
    saved = renamed(shapes["videorectangle"], "track", {}, framesCount=7, duration=0.1)
    wrong = json.loads(json.dumps(saved))
    for key in wrong["value"]["sequence"]:
        key["time"] = 99.0
    one, other = (decode(TRACKS, task(TRACKS, VIDEO), [r]).rows["gripper_box"][0] for r in (saved, wrong))
    assert one == other


def test_a_box_over_an_arc_grid_is_the_cells_whose_centre_it_holds() -> None:
    grid = Lattice(0, 0, 50, 8, 8)  # 400 x 400 px
    box = [12.5 * 4, 12.5 * 4, 37.5 * 4, 37.5 * 4]
    assert grid.inside(box) == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert grid.inside([60, 60, 90, 90]) == [(1, 1)]
    assert grid.inside([80, 80, 120, 120]) == []
    assert grid.inside([-30, -30, 500, 500]) == [(row, column) for row in range(8) for column in range(8)]


def test_cells_are_cut_into_rectangles_that_hold_each_cell_once() -> None:
    cells = [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2), (4, 4)]
    found = rectangles(cells)
    assert found == [(0, 0, 2, 2), (1, 2, 2, 3), (4, 4, 5, 5)]
    assert sorted((r, c) for a, b, d, e in found for r in range(a, d) for c in range(b, e)) == sorted(cells)


def test_a_grid_of_its_own_per_picture() -> None:
    project = Project("p", "arc_steps", ("marked",))
    box = {"x": 0.0, "y": 0.0, "width": 10.0, "height": 10.0, "rotation": 0, "rectanglelabels": ["reason"]}
    where = {"from_name": "marked", "to_name": "media", "type": "rectanglelabels", "value": box}
    grids = [[0, 0, 32, 9, 9], [0, 0, 64, 9, 9], [0, 0, 64, 9, 9]]
    of_task = replace(task(project, replace(PICTURES, height=640)), data={"grid": grids})
    decoded = decode(project, of_task, [{**where, "id": f"n{i}", "item_index": i} for i in range(2)])
    assert [statement.payload["cells"] for statement in decoded.rows["marked"]] == [[[0, 0], [0, 1], [1, 0], [1, 1]], [[0, 0]]]


def per_region(shapes: dict[str, dict[str, Any]], names: Iterable[str]) -> list[dict[str, Any]]:
    return [renamed(shapes[name], "key_node_key", {}) for name in names]


def test_a_text_of_a_region_that_repeats_its_label_and_score_is_the_text_of_that_region(
    shapes: dict[str, dict[str, Any]],
) -> None:
    texts = per_region(shapes, sorted(name for name in TOGETHER if name.startswith("textarea")))
    boxes = [
        {**{k: v for k, v in text.items() if k != "score"}, "from_name": "key_node", "type": "rectanglelabels",
         "value": {**{k: v for k, v in text["value"].items() if k != "text"}, "rectanglelabels": ["url"]}}
        for text in texts
    ]  # fmt: skip
    decoded = decode(GUI, task(GUI, SCREENS), [*boxes, *texts])
    assert not decoded.findings
    assert [(s.region, s.start, json.loads(s.payload["args"])) for s in decoded.rows["key_node"]] == [
        ("e1", 1, {"key": "button: Search"}),
        ("e0", 0, {"key": "button: Search"}),
    ]
    assert "target" not in decoded.rows


def test_relations_join_regions_of_one_picture_or_of_two(shapes: dict[str, dict[str, Any]]) -> None:
    box = renamed(shapes["rectanglelabels with score"], "target", {"rectanglelabels": ["button"]})
    regions = [{**box, "id": name, "item_index": item} for name, item in (("g0", 0), ("p0", 0), ("a0", 0), ("e1", 1))]
    within = shapes["relation within one item"] | {"labels": ["causes"]}
    decoded = decode(GUI, task(GUI, SCREENS), [within, shapes["relation across items"], *regions])
    assert not decoded.findings
    assert [(s.payload["source"], s.payload["destination"], s.payload["destination_step"], s.payload["relation"]) for s in decoded.rows["dependency"]] == [
        ("g0", "p0", 0, "causes"),
        ("a0", "e1", 1, "enables"),
    ]  # fmt: skip


SEGMENT = {"id": "x", "from_name": "primitive_skill", "to_name": "media", "type": "timelinelabels"}
BOX = {"x": 1, "y": 1, "width": 9, "height": 9, "rotation": 0}
TARGET = {"id": "x", "from_name": "target", "to_name": "media", "type": "rectanglelabels", "item_index": 0, "value": {**BOX, "rectanglelabels": ["link"]}}  # fmt: skip
CHOICE = {"id": "x", "from_name": "step_verdict", "to_name": "media", "type": "choices", "item_index": 0}
TRACK = {"id": "x", "from_name": "track", "to_name": "media", "type": "videorectangle"}


def span(start: Any, end: Any, *words: str) -> dict[str, Any]:
    return {**SEGMENT, "value": {"ranges": [{"start": start, "end": end}], "timelinelabels": list(words or ("pick",))}}


def keyed(*frames: int, **value: Any) -> dict[str, Any]:
    return {
        **TRACK,
        "value": {"labels": ["gripper"], "sequence": [{**BOX, "frame": f, "enabled": True} for f in frames], **value},
    }


@pytest.mark.parametrize(
    ("project", "results", "code"),
    [
        (LANGUAGE, [span(60, 59)], "range_invalid"),
        (LANGUAGE, [span(0, 59)], "range_invalid"),
        (LANGUAGE, [span(1, 301)], "range_invalid"),
        (LANGUAGE, [span(1.5, 30)], "number_invalid"),
        (LANGUAGE, [span(1, None)], "number_invalid"),
        (LANGUAGE, [{**SEGMENT, "value": {"timelinelabels": ["pick"]}}], "range_invalid"),
        (LANGUAGE, [span(1, 9), span(20, 30)], "region_twice"),
        (LANGUAGE, [span(1, 9, "pick", "place")], "words_two"),
        (LANGUAGE, [span(1, 9, "renamed")], "word_unknown"),
        (LANGUAGE, [span(1, 9) | {"id": None}], "id_missing"),
        (LANGUAGE, [{**SEGMENT}], "value_missing"),
        (GUI, [TARGET | {"item_index": 3}], "item_unknown"),
        (GUI, [TARGET | {"item_index": -1}], "item_unknown"),
        (GUI, [TARGET | {"item_index": None}], "item_unknown"),
        (GUI, [TARGET, TARGET], "region_twice"),
        (GUI, [TARGET | {"value": BOX}], "word_missing"),
        (GUI, [TARGET | {"value": {**BOX, "width": 0, "rectanglelabels": ["link"]}}], "box_empty"),
        (GUI, [TARGET | {"value": {**BOX, "x": float("nan"), "rectanglelabels": ["link"]}}], "number_invalid"),
        (GUI, [CHOICE | {"value": {"choices": ["needed", "wrong"]}}], "words_two"),
        (
            GUI,
            [CHOICE | {"value": {"choices": ["needed"]}}, CHOICE | {"id": "y", "value": {"choices": ["wrong"]}}],
            "words_two",
        ),
        (TRACKS, [keyed(0, 5)], "frame_outside"),
        (TRACKS, [keyed(5, 301)], "frame_outside"),
        (TRACKS, [keyed(5, 5)], "key_frame_twice"),
        (TRACKS, [keyed()], "track_empty"),
        (TRACKS, [keyed(5, labels=[])], "word_missing"),
        (TRACKS, [keyed(5), keyed(7)], "region_twice"),
    ],
)
def test_what_cannot_be_read_is_a_sentence_and_the_task_is_done_again(project: Project, results: list[Any], code: str) -> None:
    surface = SCREENS if project is GUI else VIDEO
    decoded = decode(project, task(project, surface), results)
    assert [(f.code, f.redo) for f in decoded.findings] == [(code, True)]
    assert all(finding.message and finding.uid == "r/p/1/s/t" for finding in decoded.findings)
