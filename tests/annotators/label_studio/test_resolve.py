"""What a submission says: corrections, additions and rejections of each kind, neighbours that follow, and conflicts."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from annotators.annotation import Producer
from annotators.label_studio.codec import encode
from annotators.label_studio.merge import merge
from annotators.label_studio.project import Project, ReviewTask, Row, Submission, Surface
from annotators.label_studio.resolve import Decision, Resolved, resolve
from pipelines.release.current import current_rows
from schemas.identity import annotation_id, annotation_table
from schemas.invariants import check_annotations
from schemas.layers import layer
from schemas.stored_rows import state_tables

LANGUAGE = Project("language", "robot_language", ("primitive_skill", "subtask"))
STORY = Project("story", "arc_story", ("sub_goal", "detour", "rule", "strategy"))
STEPS = Project("steps", "gui_steps", ("target", "action_point", "key_node", "caption", "step_verdict", "dependency"))
CELLS = Project("cells", "arc_steps", ("marked", "intent"))
CONTACT = Project("contact", "robot_contact", ("contact",))
TRACKS = Project("tracks", "robot_tracks", ("gripper_box", "object_box"))
KEYS = Project("keys", "robot_key_frames", ("affordance_box", "contact_points", "trace"))
VERDICT = Project("judge", "verdict", ("segmentation", "grasp_pose"))

VIDEO = Surface(tuple(range(60)), tuple(range(60)), 60, 640, 480, "front", 10.0, 0.1)
SCREENS = Surface((0, 1, 2, 3), (0, 1, 2, 3), 4, 1280, 720)


def stored(name: str, *rows: Mapping[str, Any], by: Producer | None = None) -> tuple[Row, ...]:
    producer = by or Producer("model", "m", "1")
    declared = layer(name)
    envelope = {
        "trajectory_id": "s/t", "layer": name, "level": declared.level, "producer_type": producer.type,
        "producer": producer.name, "producer_version": "1", "run": producer.run, "status": "proposed", "quality": "secondary",
    }  # fmt: skip
    return tuple(annotation_table(declared.kind, [{**envelope, **row} for row in rows]).to_pylist())


def clips(*spans: tuple[int, int, str | None, str | None]) -> dict[str, tuple[Row, ...]]:
    return {
        "primitive_skill": stored("primitive_skill", *({"start": a, "end": b, "label": w} for a, b, w, _ in spans if w)),
        "subtask": stored("subtask", *({"start": a, "end": b, "text": t} for a, b, _, t in spans if t)),
    }


def task(project: Project, surface: Surface, rows: Mapping[str, tuple[Row, ...]], **more: Any) -> ReviewTask:
    data = {"grid": [20, 30, 24, 5, 7]}
    return ReviewTask(**{"uid": f"r/{project.name}/1/s/t", "project": project.name, "trajectory_id": "s/t", **more}, surface=surface, rows=rows, data=data)  # fmt: skip


def save(project: Project, of: ReviewTask, edit: Callable[[list[Any]], Any] = lambda _: None, **more: Any) -> Resolved:
    """What comes of a submission in which `edit` was done to what was pushed."""
    results = copy.deepcopy([dict(result) for result in encode(project, of).results])
    edit(results)
    given = {"annotator": "ann", "submission": "sub", "created_at": "2026-11-22T08:30:00.5+01:00", "seconds": 9.5, **more}
    return resolve(project, of, Submission(uid=of.uid, results=tuple(json.loads(json.dumps(results))), **given))


def move(results: list[Any], region: str, start: int | None = None, end: int | None = None) -> None:
    """Drag a boundary of a region on the timeline: all results of the region repeat its range."""
    for result in results:
        if result["id"] == region:
            span = result["value"]["ranges"][0]
            span.update({key: value for key, value in (("start", start), ("end", end)) if value is not None})


def find(results: list[Any], control: str, at: int = 0) -> Any:
    return [result for result in results if result.get("from_name") == control][at]


def outcomes(resolved: Resolved) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for decision in resolved.decisions:
        found.setdefault(decision.layer, []).append(decision.outcome)
    return found


def of(resolved: Resolved, name: str, outcome: str) -> Decision:
    (found,) = [d for d in resolved.decisions if (d.layer, d.outcome) == (name, outcome)]
    return found


def current(name: str, proposals: tuple[Row, ...], resolved: Resolved) -> list[Row]:
    """The current rows of a layer when the states of a submission are joined to the proposals."""
    kind = layer(name).kind
    table = state_tables([*proposals, *(row for row in resolved.states.get(kind, ()) if row["layer"] == name)])[kind]
    return sorted(current_rows(kind, table).to_pylist(), key=lambda row: row["start"])


THREE = clips((0, 20, "transfer", "go to the cup"), (20, 40, "pick", "take the cup"), (40, 60, "place", "put it down"))


# One region, two layers


def test_only_the_text_was_changed_so_only_the_subtask_is_corrected() -> None:
    of_task = task(LANGUAGE, VIDEO, THREE)
    resolved = save(LANGUAGE, of_task, lambda r: find(r, "subtask_text", 1)["value"].update(text=["lift the cup"]))
    assert sorted(outcomes(resolved)["subtask"]) == ["accepted", "accepted", "corrected"]
    assert outcomes(resolved)["primitive_skill"] == ["accepted"] * 3
    new = of(resolved, "subtask", "corrected").row
    original = THREE["subtask"][1]
    assert (new["text"], new["start"], new["end"]) == ("lift the cup", 20, 40)
    assert (new["status"], new["quality"], new["supersedes"]) == ("corrected", "primary", original["annotation_id"])
    assert (new["producer_type"], new["producer"], new["producer_version"]) == ("human", "review.language", "1")
    assert (new["annotator"], new["submission"], new["seconds"]) == ("ann", "sub", 9.5)
    assert new["created_at"] == datetime(2026, 11, 22, 7, 30, 0, 500000, tzinfo=UTC)
    assert new["run"] == Producer("human", "review.language", "1").run
    assert new["annotation_id"] == annotation_id("segments", new)


def test_a_boundary_concerns_both_layers_and_the_neighbour_does_not_follow_where_gaps_are_allowed() -> None:
    of_task = task(LANGUAGE, VIDEO, THREE)
    first = THREE["primitive_skill"][0]["annotation_id"]
    resolved = save(LANGUAGE, of_task, lambda r: move(r, first, end=18))
    for name in LANGUAGE.layers:
        assert [(d.row["start"], d.row["end"]) for d in resolved.decisions if (d.layer, d.outcome) == (name, "corrected")] == [
            (0, 18)
        ]


def test_the_neighbour_follows_where_an_overlap_is_forbidden() -> None:
    of_task = task(LANGUAGE, VIDEO, THREE)
    resolved = save(LANGUAGE, of_task, lambda r: move(r, THREE["primitive_skill"][0]["annotation_id"], end=25))
    for name in LANGUAGE.layers:
        rows = current(name, THREE[name], resolved)
        assert [(row["start"], row["end"]) for row in rows] == [(0, 25), (25, 40), (40, 60)]
        assert outcomes(resolved)[name].count("corrected") == 2


GOALS = {"sub_goal": stored("sub_goal", *({"start": a, "end": b, "label": w, "text": w} for a, b, w in ((0, 20, "explore"), (20, 40, "build"), (40, 60, "finish"))))}  # fmt: skip
GOAL = [row["annotation_id"] for row in GOALS["sub_goal"]]


@pytest.mark.parametrize(
    ("edit", "spans"),
    [
        (lambda r: move(r, GOAL[0], end=15), [(0, 15), (15, 40), (40, 60)]),  # gaps are forbidden: the next one begins earlier
        (lambda r: move(r, GOAL[1], start=26), [(0, 25), (25, 40), (40, 60)]),  # 26, 1-based, is step 25
        (lambda r: (move(r, GOAL[1], start=31), move(r, GOAL[0], end=30)), [(0, 30), (30, 40), (40, 60)]),  # both, to one place
    ],
)
def test_where_gaps_are_forbidden_the_neighbour_closes_them(edit: Callable[[Any], Any], spans: list[tuple[int, int]]) -> None:
    resolved = save(STORY, task(STORY, VIDEO, GOALS), edit)
    assert not resolved.findings
    rows = current("sub_goal", GOALS["sub_goal"], resolved)
    assert [(row["start"], row["end"]) for row in rows] == spans
    assert outcomes(resolved)["detour"] == ["empty"]


@pytest.mark.parametrize(
    ("edit", "where"),
    [
        (lambda r: (move(r, GOAL[0], end=25), move(r, GOAL[1], start=16)), "overlap"),
        (lambda r: (move(r, GOAL[0], end=15), move(r, GOAL[1], start=26)), "belong to no region"),
        (lambda r: r.__setitem__(slice(None), [x for x in r if x["id"] != GOAL[1]]), "20 to 40"),
        (lambda r: move(r, GOAL[0], start=5), "0 to 4"),
        (lambda r: move(r, GOAL[0], end=50), "overlap"),
    ],
)
def test_boundaries_that_conflict_mean_that_the_task_is_done_again(edit: Callable[[Any], Any], where: str) -> None:
    resolved = save(STORY, task(STORY, VIDEO, GOALS), edit)
    assert resolved.redo
    assert resolved.decisions == ()
    assert any(where in finding.message for finding in resolved.findings)


def test_a_region_drawn_over_a_gap_is_added_and_one_relabelled_is_corrected() -> None:
    rows = clips((0, 20, "transfer", "go"), (30, 60, "place", "put"))
    of_task = task(LANGUAGE, VIDEO, rows)

    def edit(results: list[Any]) -> None:
        find(results, "primitive_skill")["value"]["timelinelabels"] = ["push"]
        where = {"id": "Xy_1-aaaaa", "to_name": "media", "origin": "manual"}
        span = {"ranges": [{"start": 21, "end": 30}]}
        results.append(
            {**where, "from_name": "primitive_skill", "type": "timelinelabels", "value": {**span, "timelinelabels": ["pick"]}}
        )
        results.append({**where, "from_name": "subtask_text", "type": "textarea", "value": {**span, "text": ["take it"]}})

    resolved = save(LANGUAGE, of_task, edit)
    assert outcomes(resolved) == {
        "primitive_skill": ["corrected", "accepted", "added"],
        "subtask": ["accepted", "accepted", "added"],
    }
    added = of(resolved, "subtask", "added").row
    assert (added["start"], added["end"], added["text"], added["status"], added["supersedes"]) == (
        20,
        30,
        "take it",
        "accepted",
        None,
    )
    assert of(resolved, "primitive_skill", "corrected").row["label"] == "push"


def test_two_texts_are_a_finding_and_never_joined() -> None:
    resolved = save(
        LANGUAGE, task(LANGUAGE, VIDEO, THREE), lambda r: find(r, "subtask_text")["value"].update(text=["one", "two"])
    )
    assert [(f.code, f.redo) for f in resolved.findings] == [("texts_two", True)]
    assert resolved.decisions == ()


def test_boundaries_between_the_frames_of_a_slow_proxy_stay_where_nobody_moved_them() -> None:
    slow = Surface(tuple(range(0, 60, 3)), tuple(range(0, 60, 3)), 60, 640, 480, "front", 10.0, 0.3)
    rows = clips((1, 22, "pick", "a"), (22, 59, "place", "b"))
    first = rows["primitive_skill"][0]["annotation_id"]
    resolved = save(LANGUAGE, task(LANGUAGE, slow, rows), lambda r: move(r, first, end=6))  # frames 1 to 6 are steps 0 to 17
    spans = [(row["start"], row["end"]) for row in current("primitive_skill", rows["primitive_skill"], resolved)]
    assert spans == [(1, 18), (22, 59)]


# Events


def test_an_event_that_was_moved_states_its_resolution_and_an_untouched_one_keeps_its_step() -> None:
    surface = Surface(tuple(range(100, 160, 2)), tuple(range(100, 160, 2)), 160, 640, 480, "front", 15.0, 1 / 15)
    rows = {
        "contact": stored(
            "contact", {"start": 121, "end": 122, "label": "contact"}, {"start": 141, "end": 142, "label": "release"}
        )
    }
    of_task = task(CONTACT, surface, rows)
    untouched = save(CONTACT, of_task)
    assert outcomes(untouched) == {"contact": ["accepted", "accepted"]}
    moved = save(CONTACT, of_task, lambda r: move(r, rows["contact"][1]["annotation_id"], 10, 10))
    new = of(moved, "contact", "corrected").row
    assert (new["start"], new["end"], new["label"]) == (118, 119, "release")
    assert json.loads(new["attributes"]) == {"resolution": 1 / 15}


# Pictures


def boxes(*at: tuple[int, list[float]], **more: Any) -> tuple[Row, ...]:
    extra = {"element_path": "/html/a", "attributes": {"rule": "tree"}, "confidence": 0.5, "role": "target", **more}
    size = {"frame_width": 1280, "frame_height": 720, "shape": "box", "label": "textarea"}
    return stored("target", *({"start": s, "end": s + 1, "frames": [s], "boxes": [b], **size, **extra} for s, b in at))


def test_a_corrected_box_keeps_what_it_is_about_and_drops_what_only_the_producer_could_say() -> None:
    rows = {"target": boxes((1, [100.1, 50.2, 200.3, 80.4]))}
    of_task = task(STEPS, SCREENS, rows)
    resolved = save(STEPS, of_task, lambda r: find(r, "target")["value"].update(width=find(r, "target")["value"]["width"] + 5))
    new = of(resolved, "target", "corrected").row
    old = rows["target"][0]
    assert new["boxes"][0] == pytest.approx([*old["boxes"][0][:2], old["boxes"][0][2] + 64, old["boxes"][0][3]], abs=0.01)
    assert (new["role"], new["label"], new["frame_width"], new["frames"]) == ("target", "textarea", 1280, [1])
    assert (new["attributes"], new["element_path"], new["confidence"]) == (None, None, None)


def test_less_than_a_hundredth_of_a_pixel_is_no_change() -> None:
    rows = {"target": boxes((1, [100.1, 50.2, 200.3, 80.4]))}
    of_task = task(STEPS, SCREENS, rows)
    for shift, outcome in ((0.0005, "accepted"), (0.002, "corrected")):  # percent of 1280 pixels
        resolved = save(
            STEPS, of_task, lambda r, s=shift: find(r, "target")["value"].update(x=find(r, "target")["value"]["x"] + s)
        )
        assert outcomes(resolved)["target"] == [outcome]


def test_a_box_that_sticks_out_is_cut_and_said_so_and_a_turned_one_must_be_drawn_again() -> None:
    of_task = task(STEPS, SCREENS, {"target": boxes((1, [100.0, 50.0, 200.0, 80.0]))})
    cut = save(STEPS, of_task, lambda r: find(r, "target")["value"].update(x=95, width=20))
    assert [f.code for f in cut.findings] == ["box_cut"]
    row = of(cut, "target", "corrected").row
    assert row["boxes"][0][2] == 1280
    assert not check_annotations({"regions": state_tables([row])["regions"], "trajectories": HEADER})
    turned = save(STEPS, of_task, lambda r: find(r, "target")["value"].update(rotation=30))
    assert [(f.code, f.redo) for f in turned.findings] == [("box_turned", True)]


HEADER = pa.table({"trajectory_id": ["s/t"], "num_steps": [60]})


def test_a_check_that_was_edited_keeps_its_other_arguments() -> None:
    args = {"key": "#email", "page": "/login"}
    rows = {
        "key_node": stored(
            "key_node",
            {"start": 2, "end": 3, "name": "has mail", "function": "value", "args": args, "expected": "a@b", "required": True},
        )
    }
    of_task = task(STEPS, SCREENS, rows)

    def edit(results: list[Any]) -> None:
        find(results, "key_node_key")["value"]["text"] = ["#mail"]
        find(results, "key_node")["value"].update(x=70, y=70)  # where its region lies says nothing

    new = of(save(STEPS, of_task, edit), "key_node", "corrected").row
    assert json.loads(new["args"]) == {"key": "#mail", "page": "/login"}
    assert (new["name"], new["function"], new["expected"], new["required"]) == ("has mail", "value", "a@b", True)
    moved = save(STEPS, of_task, lambda r: find(r, "key_node")["value"].update(x=70, y=70))
    assert outcomes(moved)["key_node"] == ["accepted"]


def test_links_name_the_rows_as_they_are_after_the_submission() -> None:
    target = boxes((0, [1.0, 2.0, 30.0, 40.0]), (2, [5.0, 6.0, 70.0, 80.0]))
    a, b = (row["annotation_id"] for row in target)
    proposed = stored(
        "dependency",
        {"start": 0, "end": 3, "source": a, "destination": b, "source_step": 0, "destination_step": 2, "relation": "enables"},
    )
    of_task = task(STEPS, SCREENS, {"target": target, "dependency": proposed})
    assert outcomes(save(STEPS, of_task))["dependency"] == ["accepted"]

    def edit(results: list[Any]) -> None:
        find(results, "target")["value"]["x"] += 3  # the source is corrected, so it has another id
        (relation,) = [r for r in results if r["type"] == "relation"]
        relation["labels"] = ["causes"]
        results.append({"from_id": "marker.1", "to_id": b, "type": "relation", "direction": "left", "labels": ["enables"]})

    resolved = save(STEPS, of_task, edit)
    corrected, added = of(resolved, "dependency", "corrected").row, of(resolved, "dependency", "added").row
    assert corrected["source"] == of(resolved, "target", "corrected").row["annotation_id"] != a
    assert (corrected["destination"], corrected["relation"], corrected["supersedes"]) == (
        b,
        "causes",
        proposed[0]["annotation_id"],
    )
    assert (added["source"], added["source_step"]) == (b, 2)
    assert (added["destination"], added["destination_step"]) == (None, 1)
    assert added["annotation_id"] == annotation_id("links", added)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"labels": []}, "relation_unlabelled"),
        ({"labels": ["enables", "causes"]}, "words_two"),
        ({"to_id": "gone"}, "relation_end_missing"),
        ({"direction": "bi"}, "relation_both_ways"),
    ],
)
def test_a_relation_that_cannot_be_read_sends_the_task_back(change: dict[str, Any], code: str) -> None:
    relation = {"from_id": "marker.0", "to_id": "marker.2", "type": "relation", "direction": "right", "labels": ["enables"]}
    resolved = save(STEPS, task(STEPS, SCREENS, {}), lambda r: r.append(relation | change))
    assert [(f.code, f.redo) for f in resolved.findings] == [(code, True)]
    assert resolved.decisions == ()


def test_cells_are_compared_as_cells_not_as_rectangles() -> None:
    cells = [[1, 1], [1, 2], [2, 1]]
    rows = {
        "marked": stored("marked", {"start": 1, "end": 2, "shape": "cells", "label": "reason", "frames": [1], "cells": cells})
    }
    of_task = task(CELLS, SCREENS, rows)
    assert outcomes(save(CELLS, of_task, lambda r: find(r, "marked")["value"].update(x=find(r, "marked")["value"]["x"] + 0.3)))["marked"] == ["accepted"]  # fmt: skip

    def grow(results: list[Any]) -> None:
        find(results, "marked")["value"]["width"] += 24 / 1280 * 100  # one cell more to the right

    assert of(save(CELLS, of_task, grow), "marked", "corrected").row["cells"] == [[1, 1], [1, 2], [1, 3], [2, 1]]


# Series


def test_of_a_series_each_changed_step_is_a_row_and_the_rest_stays() -> None:
    surface = Surface((0, 1, 2, 3), (0, 1, 2, 3), 4, 1280, 720)
    series = stored("intent", {"start": 0, "end": 4, "channel": "c", "steps": [0, 1, 2, 3], "texts": ["a", "b", "c", "d"]})
    of_task = task(CELLS, surface, {"intent": series})
    assert outcomes(save(CELLS, of_task))["intent"] == ["accepted"]

    def edit(results: list[Any]) -> None:
        find(results, "intent", 1)["value"]["text"] = ["other"]
        results.remove(find(results, "intent", 3))

    resolved = save(CELLS, of_task, edit)
    assert sorted(outcomes(resolved)["intent"]) == ["corrected", "corrected", "partly"]
    state = of(resolved, "intent", "partly").row
    assert (state["annotation_id"], state["status"], state["quality"]) == (series[0]["annotation_id"], "corrected", "primary")
    rows = current("intent", series, resolved)
    assert [(row["steps"], row["texts"], row["channel"]) for row in rows] == [
        ([0, 2], ["a", "c"], "c"),
        ([1], ["other"], "c"),
        ([], [], "c"),
    ]
    assert outcomes(save(CELLS, of_task, lambda r: r.clear()))["intent"] == ["rejected", "empty"]


def test_a_text_typed_again_is_a_correction_though_its_id_is_new() -> None:
    rows = {"caption": stored("caption", {"start": 1, "end": 2, "channel": "label", "steps": [1], "texts": ["clicks"]})}
    of_task = task(STEPS, SCREENS, rows)
    resolved = save(STEPS, of_task, lambda r: find(r, "caption").update(id="Ab12345678", value={"text": ["opens the menu"]}))
    new = of(resolved, "caption", "corrected").row
    assert (new["texts"], new["channel"], new["supersedes"]) == (
        ["opens the menu"],
        "label",
        rows["caption"][0]["annotation_id"],
    )


# Tracks and paths


def track(**more: Any) -> Row:
    boxes = [[10.0 + i, 20.0, 60.0 + i, 80.0] for i in range(30)]
    lists = {"frames": list(range(30)), "boxes": boxes, "interpolated": [i % 10 != 0 and i != 29 for i in range(30)]}
    size = {"frame_width": 640, "frame_height": 480}
    row = {"start": 0, "end": 60, "shape": "box", "label": "gripper", "track": "left hand", "stream": "front", **lists, **size}
    return stored("gripper_box", {**row, **more})[0]


def test_a_box_put_right_on_one_frame_changes_the_track_up_to_the_key_frames_beside_it() -> None:
    row = track()
    of_task = task(TRACKS, VIDEO, {"gripper_box": (row,)})

    def edit(results: list[Any]) -> None:
        sequence = find(results, "track")["value"]["sequence"]
        sequence.append({**sequence[0], "frame": 6, "x": sequence[0]["x"] + 10, "enabled": True})  # frame 5, 64 px to the right

    resolved = save(TRACKS, of_task, edit)
    new = of(resolved, "gripper_box", "corrected").row
    assert new["boxes"][5][0] == pytest.approx(10 + 64, abs=0.01)
    assert new["boxes"][0] == row["boxes"][0]
    assert new["boxes"][10:] == row["boxes"][10:]  # to the bit
    assert new["interpolated"][4:7] == [True, False, True]
    assert new["boxes"][7][0] == pytest.approx(74 + (20 - 74) * 2 / 5, abs=0.01)
    assert (new["track"], new["stream"], new["start"], new["end"]) == ("left hand", "front", 0, 60)
    assert outcomes(resolved)["object_box"] == ["empty"]


def test_a_new_track_has_a_name_and_says_where_it_can_be_seen() -> None:
    def edit(results: list[Any]) -> None:
        box = {"x": 10, "y": 10, "width": 10, "height": 10, "rotation": 0}
        sequence = [
            {**box, "frame": 3, "enabled": True},
            {**box, "frame": 5, "enabled": False},
            {**box, "frame": 9, "enabled": False},
        ]
        for i in range(2):
            value = {"labels": ["object"], "sequence": copy.deepcopy(sequence), "framesCount": 60, "duration": 6}
            value["sequence"][0]["x"] += i
            results.append({"id": f"n{i}", "from_name": "track", "to_name": "media", "type": "videorectangle", "value": value})

    resolved = save(TRACKS, task(TRACKS, VIDEO, {}), edit)
    rows = [d.row for d in resolved.decisions if d.layer == "object_box"]
    assert [row["track"] for row in rows] == ["object", "object 2"]
    assert rows[0]["frames"] == [2, 3, 4, 5, 6, 7, 8]
    assert rows[0]["visible"] == [True, True, True, False, False, False, True]
    assert rows[0]["interpolated"][:3] == [False, True, False]


def path(**more: Any) -> Row:
    points = [[100.0 + 3.3 * i, 200.0] for i in range(5)]
    row = {"start": 10, "end": 11, "space": "pixel", "label": "gripper_path", "steps": [10, 12, 14, 16, 18], "points": points}
    size = {"frame_width": 640, "frame_height": 480, "horizon": 10, "stream": "front"}
    return stored("trace", {**row, "valid": [True] * 4 + [False], **size, **more})[0]


def test_a_point_of_a_path_is_moved_and_one_is_added_between_two() -> None:
    row = path()
    surface = Surface((5, 10), (5, 10), 11, 640, 480, "front")
    of_task = task(KEYS, surface, {"trace": (row,)})

    def edit(results: list[Any]) -> None:
        vertices = find(results, "trace")["value"]["vertices"]
        vertices[2]["x"] = 50
        vertices.append({"id": "Zz9", "x": 20, "y": 50, "prevPointId": "s10", "isBezier": False})
        vertices[1]["prevPointId"] = "Zz9"

    new = of(save(KEYS, of_task, edit), "trace", "corrected").row
    assert new["steps"] == [10, 11, 12, 14, 16, 18]
    assert new["points"][0] == row["points"][0]
    assert new["points"][1] == pytest.approx([128, 240], abs=0.01)
    assert new["points"][3] == pytest.approx([320, 200], abs=0.01)
    assert new["points"][5] == row["points"][4]
    assert new["valid"] == [True] * 5 + [False]
    assert (new["horizon"], new["stream"], new["space"]) == (10, "front", "pixel")


def test_a_point_between_two_steps_that_follow_each_other_sends_the_task_back() -> None:
    row = path(steps=[10, 11, 12, 13, 14])

    def edit(results: list[Any]) -> None:
        vertices = find(results, "trace")["value"]["vertices"]
        vertices.append({"id": "Zz9", "x": 20, "y": 50, "prevPointId": "s10", "isBezier": False})
        vertices[1]["prevPointId"] = "Zz9"

    resolved = save(KEYS, task(KEYS, Surface((5, 10), (5, 10), 11, 640, 480, "front"), {"trace": (row,)}), edit)
    assert [(f.code, f.redo) for f in resolved.findings] == [("path_crowded", True)]


# Verdicts


def test_only_right_and_wrong_say_something_about_a_row() -> None:
    masks = [{"height": 2, "width": 2, "counts": "04"}]
    rows = {
        "segmentation": stored("segmentation", *({"start": i, "end": i + 1, "shape": "mask", "label": "object_mask", "frames": [i], "masks": masks} for i in range(3))),
        "grasp_pose": stored("grasp_pose", {"start": 1, "end": 2, "space": "metric", "label": "grasp_pose", "points": [[0.1, 0.2, 0.3]], "steps": [1]}),
    }  # fmt: skip
    surface = Surface((0, 1, 1, 2), (0, 1, 1, 2), 3, 640, 480)

    def verdict(item: int, word: str) -> dict[str, Any]:
        return {
            "id": f"v{item}",
            "from_name": "verdict",
            "to_name": "media",
            "type": "choices",
            "item_index": item,
            "value": {"choices": [word]},
        }

    def edit(results: list[Any]) -> None:
        results += [verdict(0, "right"), verdict(2, "wrong"), verdict(3, "unclear")]
        results.append(
            {
                "id": "w",
                "from_name": "verdict_why",
                "to_name": "media",
                "type": "textarea",
                "item_index": 2,
                "value": {"text": ["<b>upside</b> down"]},
            }
        )

    resolved = save(VERDICT, task(VERDICT, surface, rows), edit)
    assert outcomes(resolved) == {"segmentation": ["accepted"], "grasp_pose": ["rejected"]}
    assert of(resolved, "segmentation", "accepted").original == rows["segmentation"][0]["annotation_id"]
    assert [(f.code, f.redo) for f in resolved.findings] == [("reason_given", False)]
    assert "<b>upside</b> down" in resolved.findings[0].message


# People and tasks


def test_two_people_who_confirm_a_row_are_two_states_of_it() -> None:
    of_task = task(LANGUAGE, VIDEO, THREE)
    one, two = (
        save(LANGUAGE, of_task),
        save(LANGUAGE, of_task, annotator="bob", submission="sub2", created_at="2026-11-23T00:00:00Z"),
    )
    table = state_tables([*one.states["segments"], *two.states["segments"]])["segments"]
    assert table.num_rows == 12
    assert len(set(table["annotation_id"].to_pylist())) == 6
    assert current_rows("segments", table).num_rows == 6


def test_a_person_who_saw_an_empty_layer_confirms_or_contradicts_the_row_that_says_so() -> None:
    empty = save(STORY, task(STORY, VIDEO, {}))
    said = of(empty, "detour", "empty").row
    again = task(STORY, VIDEO, {"detour": (said,)})
    assert of(save(STORY, again, submission="sub2"), "detour", "accepted").original == said["annotation_id"]

    def draw(results: list[Any]) -> None:
        value = {"ranges": [{"start": 3, "end": 9}], "timelinelabels": ["undone"]}
        results.append({"id": "new", "from_name": "timeline", "to_name": "media", "type": "timelinelabels", "value": value})

    assert sorted(outcomes(save(STORY, again, draw, submission="sub2"))["detour"]) == ["added", "rejected"]


def halves(left: Callable[[Any], Any], right: Callable[[Any], Any]) -> Resolved:
    """Two tasks of one episode that both show the clip [20, 40); it begins in the first one's steps."""
    first = Surface(tuple(range(45)), tuple(range(45)), 45, 640, 480, "front", 10.0, 0.1)
    second = Surface(tuple(range(25, 60)), tuple(range(25, 60)), 60, 640, 480, "front", 10.0, 0.1)

    def shown(a: int, b: int) -> dict[str, tuple[Row, ...]]:
        return {name: tuple(row for row in rows if row["start"] < b and row["end"] > a) for name, rows in THREE.items()}

    one = task(LANGUAGE, first, shown(0, 45), uid="r/language/1/s/t#0-45", owned=(0, 35))
    two = task(LANGUAGE, second, shown(25, 60), uid="r/language/1/s/t#25-60", owned=(35, 60))
    return merge([save(LANGUAGE, one, left), save(LANGUAGE, two, right, submission="sub2")])


PICK = THREE["primitive_skill"][1]["annotation_id"]


def test_untouched_tasks_that_overlap_merge_back_to_each_row_once() -> None:
    merged = halves(lambda _: None, lambda _: None)
    assert not merged.findings
    assert sorted(d.original or "" for d in merged.decisions) == sorted(
        row["annotation_id"] for rows in THREE.values() for row in rows
    )
    assert {d.outcome for d in merged.decisions} == {"accepted"}


def test_a_change_counts_where_the_owner_left_the_row_untouched() -> None:
    merged = halves(lambda _: None, lambda r: move(r, PICK, end=13))  # steps 25 to 38
    rows = current("primitive_skill", THREE["primitive_skill"], merged)
    assert [(row["start"], row["end"]) for row in rows] == [(0, 20), (20, 38), (40, 60)]
    assert of(merged, "primitive_skill", "corrected").row["submission"] == "sub2"


def test_the_owner_wins_where_both_changed_a_row_and_the_other_change_is_said() -> None:
    merged = halves(
        lambda r: find(r, "primitive_skill", 1)["value"].update(timelinelabels=["push"]), lambda r: move(r, PICK, end=13)
    )
    assert of(merged, "primitive_skill", "corrected").row["label"] == "push"
    assert ("context_ignored", False) in [(f.code, f.redo) for f in merged.findings]


def test_tasks_whose_corrections_overlap_at_the_border_send_one_back() -> None:
    merged = halves(lambda r: move(r, PICK, end=43), lambda r: find(r, "subtask_text", 1)["value"].update(text=["x"]))
    assert ("tasks_disagree", "r/language/1/s/t#25-60") in [(f.code, f.uid) for f in merged.findings if f.redo]
    assert merged.decisions == ()


def draw(*spans: tuple[int, int], word: str) -> Callable[[list[Any]], None]:
    """Draw regions on the timeline of the ARC story."""

    def edit(results: list[Any]) -> None:
        for a, b in spans:
            value = {"ranges": [{"start": a, "end": b}], "timelinelabels": [word]}
            results.append(
                {"id": f"n{a}", "from_name": "timeline", "to_name": "media", "type": "timelinelabels", "value": value}
            )

    return edit


def test_what_one_task_added_outside_its_own_steps_stands_against_an_empty_layer_of_the_other() -> None:
    first, second = (replace(VIDEO, steps=s, frames=s, end=s[-1] + 1) for s in (tuple(range(45)), tuple(range(25, 60))))
    one = task(STORY, first, {}, uid="r/story/1/s/t#0-45", owned=(0, 35))
    two = task(STORY, second, {}, uid="r/story/1/s/t#25-60", owned=(35, 60))
    merged = merge([save(STORY, one, draw((38, 41), word="undone")), save(STORY, two)])
    detours = sorted((d.outcome, d.row["start"], d.row["end"]) for d in merged.decisions if d.layer == "detour")
    assert detours == [("added", 37, 41), ("empty", 0, 35)]
    goals = sorted((d.outcome, d.row["start"], d.row["end"]) for d in merged.decisions if d.layer == "sub_goal")
    assert goals == [("empty", 0, 35), ("empty", 35, 60)]
    assert [(d.row["start"], d.row["end"]) for d in merged.decisions if d.layer == "rule"] == [(0, 35)]


def test_regions_drawn_over_nothing_must_tile_as_the_layer_says() -> None:
    assert not save(STORY, task(STORY, VIDEO, {}), draw((1, 20), (21, 60), word="build")).findings
    for spans, where in (
        (((1, 20), (26, 60)), "20 to 25"),
        (((1, 20), (21, 50)), "50 to 60"),
        (((1, 30), (21, 60)), "overlap"),
    ):
        resolved = save(STORY, task(STORY, VIDEO, {}), draw(*spans, word="build"))
        assert resolved.redo
        assert where in resolved.findings[0].message


def test_a_submission_of_another_task_is_refused() -> None:
    of_task = task(LANGUAGE, VIDEO, THREE)
    with pytest.raises(ValueError, match="not of"):
        resolve(LANGUAGE, of_task, Submission("r/other", "a", "s", "2026-11-22T00:00:00Z", None, ()))
    assert replace(of_task, rows={}).rows == {}
