"""RoboInter-Data: generated in the layout of the published info.json (its data may not be passed on), and each fault once."""

from __future__ import annotations

import json
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest

from annotators.label_studio.pictures.masks import decode_mask
from tests.pipelines.sources.robointer_samples import CONTACT, FRAMES, box_at, dataset, frame_notes, gripper_at, raw_item

DROID = ["3072_exterior_image_1_left", "3072_exterior_image_2_left"]
PRIMARY = "observation.images.primary"
FIRST, SECOND = "s/episode_000000", "s/episode_000001"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    notes = [frame_notes(frame) for frame in range(FRAMES)]
    return dataset(tmp_path_factory.mktemp("robointer") / "droid", [notes, notes], DROID, black_wrist=1)


@pytest.fixture
def one(tmp_path):
    """Make and read a dataset of one episode whose frames a function changed."""

    def make(change, name=DROID[0]) -> Path:
        notes = [frame_notes(frame) for frame in range(FRAMES)]
        for frame, said in enumerate(notes):
            change(frame, said)
        return dataset(tmp_path / "one", [notes], [name])

    return make


def layers(found, key=FIRST):
    rows = {}
    for kind in ("segments", "texts", "regions", "traces"):
        for row in found.rows(key, kind) if kind in found.trajectories[key] else ():
            rows.setdefault(row["layer"], []).append(row)
    return {layer: sorted(of, key=lambda r: (r["start"] is not None, r["start"])) for layer, of in rows.items()}


def header(found, key=FIRST):
    row = found.rows(key, "trajectories")[0]
    return row | {name: json.loads(row[name]) for name in ("completeness", "extras")}


def amiss(found, key=FIRST):
    return {code: said["first"] for code, said in header(found, key)["completeness"].get("annotations", {}).items()}


def test_columns_become_annotations_of_our_layers(folder, read_source):
    found = read_source("robointer", folder)
    assert found.rejects == []
    rows = layers(found)
    assert [(r["start"], r["end"], r["text"]) for r in rows["subtask"]] == [
        (0, 10, "pick up the red block"),
        (14, 24, "put it into the bowl"),
    ]
    assert [(r["start"], r["end"], r["label"]) for r in rows["primitive_skill"]] == [(0, 10, "pick"), (14, 24, "place")]
    assert [(r["start"], r["end"], r["label"]) for r in rows["contact"]] == [(CONTACT, CONTACT + 1, "contact")]
    assert rows["instruction_add"][0]["texts"] == ["put the red block into the bowl"]
    every = [row for of in rows.values() for row in of]
    assert {(r["producer_type"], r["producer"], r["status"]) for r in every} == {("import", "source.robointer", "accepted")}
    quality = {layer: {r["quality"] for r in of} for layer, of in rows.items()}
    assert quality["subtask"] == quality["gripper_box"] == quality["contact"] == {"primary"}
    assert (quality["trace"], quality["object_box"]) == ({"secondary"}, {None})
    assert "Primary" in json.loads(found.rows(FIRST, "runs")[0]["parameters"])["primary"]
    assert amiss(found)["words_in_gap"].startswith("4 frames from 10 on belong to no clip")


def test_pixels_are_those_of_the_stream_and_the_origin_is_kept(folder, read_source):
    found = read_source("robointer", folder)
    rows = layers(found)
    (gripper,) = rows["gripper_box"]
    half = [[n / 2 for point in box_at(frame) for n in point] for frame in range(FRAMES)]
    assert (gripper["boxes"], gripper["frame_width"], gripper["frame_height"]) == (half, 320, 180)
    assert json.loads(gripper["attributes"])["origin_shape"] == [640, 360]
    (thing,) = rows["object_box"]
    assert 3 not in thing["frames"]  # not annotated there
    assert len(thing["frames"]) == FRAMES - 1
    (grasp,), (fingers,), (placed,) = rows["affordance_box"], rows["contact_points"], rows["placement_proposal"]
    assert (grasp["start"], grasp["boxes"]) == (CONTACT, [half[CONTACT]])
    assert (fingers["start"], fingers["points"], fingers["shape"]) == (CONTACT, [[75.0, 37.0, 85.0, 37.0]], "point")
    assert (placed["start"], placed["boxes"], json.loads(placed["attributes"])["steps"]) == (23, [[250, 50, 280, 80]], [14, 24])
    (pose,) = rows["state_affordance"]
    assert (pose["start"], pose["reference"]) == (CONTACT, "undeclared")
    assert pose["points"][0] == pytest.approx([0.5, 0.1, 0.25, 3.14159, 0, 0.1])


def test_windows_of_a_path_become_the_path_and_follow_from_it_again(folder, read_source):
    found = read_source("robointer", folder)
    paths = layers(found)["trace"]
    assert [(p["steps"][0], p["steps"][-1], p["start"]) for p in paths] == [(0, 9, 0), (10, 16, 10), (18, 23, 18)]
    known = {step: point for p in paths for step, point in zip(p["steps"], p["points"], strict=True)}
    for frame in range(FRAMES):  # the source's rule: no window where any of its points is unknown; the last point repeated
        steps = range(frame, min(frame + 10, FRAMES))
        window = [[int(n * 2) for n in known[s]] for s in steps] if all(s in known for s in steps) else None
        assert (window and [*window, *[window[-1]] * (10 - len(window))]) == frame_notes(frame)["trace"]
    assert known[16] == [n / 2 for n in gripper_at(16)]


def test_steps_and_what_a_converter_filled_in(folder, read_source):
    found = read_source("robointer", folder)
    steps = found.rows(FIRST, "robot_steps")
    assert not [name for name in steps[0] if name.startswith(("annotation.", "Q_annotation.", "episode_name"))]
    assert steps[2]["state"] == [2, 3, 4, 5, 6, 7, 8]
    assert (steps[0]["eef_pose"], steps[0]["gripper"]) == (None, None)  # no convention is declared
    assert steps[0]["other_information.action_tcp_pose"] is None
    assert steps[0]["other_information.action_gripper_velocity"] == 0.0
    one, two = header(found), header(found, SECOND)
    assert one["completeness"]["zero_filled"] == ["other_information.action_tcp_pose"]
    assert one["group"] == two["group"] == "3072"
    assert (one["extras"]["episode_name"], one["instruction"]) == (DROID[0], "put the block in the bowl")
    assert [s["name"] for s in one["streams"]] == [PRIMARY, "observation.images.wrist"]
    assert [s["name"] for s in two["streams"]] == [PRIMARY]
    assert two["completeness"]["stream observation.images.wrist"] == {"left_out": "all its frames are black"}
    assert {row["stream"] for row in found.rows(SECOND, "videos")} == {PRIMARY}
    assert [len(s["frames"]) for s in found.rows(SECOND, "robot_steps")] == [1] * FRAMES


def test_lmdb_and_raw_pickle_say_the_same_as_the_columns(folder, read_source, tmp_path):
    lmdb = pytest.importorskip("lmdb")
    with lmdb.open(str(tmp_path / "annotations"), map_size=1 << 24) as made, made.begin(write=True) as transaction:
        transaction.put(DROID[0].encode(), pickle.dumps({frame: frame_notes(frame) for frame in range(FRAMES)}))
    (tmp_path / "droid_annotation.pkl").write_bytes(pickle.dumps({DROID[0]: raw_item()}))
    read = {
        name: read_source("robointer", folder, annotations=str(tmp_path / name))
        for name in ("annotations", "droid_annotation.pkl")
    }

    def essence(found):
        payload = ("start", "end", "label", "text", "texts", "boxes", "points", "frames", "steps", "visible")
        return {layer: [{k: r.get(k) for k in payload} for r in of] for layer, of in layers(found).items()}

    columns = essence(read_source("robointer", folder))
    assert essence(read["annotations"]) == columns
    raw = essence(read["droid_annotation.pkl"])
    assert {layer for layer in columns if raw.get(layer) != columns[layer]} == {
        "trace",  # known in frame 17 too
        "placement_proposal",  # derived from object boxes
        "state_affordance",  # from another file
    }
    assert "words_in_gap" not in amiss(read["droid_annotation.pkl"])
    assert amiss(read["annotations"], SECOND)["not_in_annotations"].startswith(f"{DROID[1]} is not in annotations")


def test_sidecars(folder, read_source, tmp_path):
    sheet = {DROID[0]: {"Q_object_box": "Primary", "Q_annotation.trace": "Primary", "Q_segmentation": "Great"}}
    (tmp_path / "Qsheet.json").write_text(json.dumps(sheet))
    (tmp_path / "range.json").write_text(json.dumps({DROID[0]: [2, 21, 20], DROID[1]: [2, 21, 19]}))
    masks = np.zeros((1, FRAMES, 1, 360, 640), bool)
    masks[0, 4:7, 0, 10:20, 30:50] = True
    (tmp_path / "m").mkdir()
    np.savez_compressed(tmp_path / "m/a.npz", masks=masks)
    np.savez_compressed(tmp_path / "m/b.npz", masks=masks[:, :-1])
    (tmp_path / "m/VideoID_2_SegmentationNPZ.json").write_text(json.dumps({DROID[0]: "a.npz", DROID[1]: "b.npz"}))
    beside = {"qsheet": str(tmp_path / "Qsheet.json"), "range_nop": str(tmp_path / "range.json"), "masks": str(tmp_path / "m")}
    found = read_source("robointer", folder, **beside)
    rows = layers(found)
    assert {rows["object_box"][0]["quality"], rows["trace"][0]["quality"]} == {"primary"}
    assert amiss(found)["quality_differs"] == "trace is Secondary in the columns and Primary in the Qsheet"
    assert "Great" in amiss(found)["rating_unknown"]
    assert header(found)["extras"]["range_nop"] == [2, 22]
    assert "[2, 21, 19] is not [start, last, number of frames]; 21 - 2 + 1 = 20" in amiss(found, SECOND)["range_unfit"]
    assert amiss(found, SECOND)["not_in_qsheet"] == f"{DROID[1]} is not in the Qsheet"
    (mask,) = rows["segmentation"]
    assert (mask["frames"], mask["frame_width"]) == ([4, 5, 6], 640)
    assert np.array_equal(decode_mask(360, 640, mask["masks"][1]["counts"]), masks[0, 5, 0])
    assert "segmentation" not in layers(found, SECOND)
    assert "masks of 23 frames of 640 x 360, the episode has 24 of 640 x 360" in amiss(found, SECOND)["masks_unfit"]


def test_what_is_amiss_costs_itself_and_is_said(one, read_source):
    def change(frame, said):
        said["time_clip"] = [[0, 9], [8, 5], [14, 30], [14, 23]]
        said["contact_points"] = [1, 2] if frame <= CONTACT else said["contact_points"]
        said["gripper_box"] = {0: [[0, 0], [40, 20]], 1: [[630, 340], [700, 400]], 2: [[700, 10], [720, 20]]}.get(
            frame, said["gripper_box"]
        )
        said["affordance_box"] = [[10, 10], [20, 20]] if frame <= CONTACT else said["affordance_box"]
        said["primitive_skill"] = "juggle" if frame >= 14 else "hold-move"

    folder = one(change, "RH20T_cfg1_task_0001_user_0001_scene_0001_cfg_0001_035622060973")
    found = read_source("robointer", folder)
    said, rows = amiss(found), layers(found)
    assert said["clip_unfit"] == "clip 1 [8, 5]: end before start"
    assert header(found)["completeness"]["annotations"]["clip_unfit"]["count"] == 2
    assert said["points_unfit"] == "contact_points has shape [2]; expected 2 x 2 (RoboInter's README is wrong)"
    assert "contact_points" not in rows
    assert said["affordance_differs"].startswith("frame 6: affordance_box is [[10, 10], [20, 20]], gripper_box")
    assert [rows["gripper_box"][0]["boxes"][i] for i in (0, 1)] == [[0, 0, 20, 10], [315, 170, 320, 180]]  # the border is kept
    assert json.loads(rows["gripper_box"][0]["attributes"])["beyond"] == {"1": [[630, 340], [700, 400]]}
    assert said["box_outside"].startswith("gripper_box: frame 2: [[700, 10], [720, 20]] has no area inside")
    assert [(r["label"], json.loads(r["attributes"])["source_label"]) for r in rows["primitive_skill"]] == [
        ("transfer", "hold-move"),
        ("other", "juggle"),
    ]
    assert header(found)["group"] == "RH20T_cfg1_task_0001_user_0001_scene_0001_cfg_0001"


def test_without_origin_shape_pixels_are_refused_and_the_rest_is_kept(one, read_source):
    found = read_source("robointer", one(lambda _, said: said.update(origin_shape=None)))
    assert amiss(found)["origin_shape_missing"].startswith("origin_shape missing; pixel coordinates cannot be scaled")
    assert set(layers(found)) == {"subtask", "primitive_skill", "contact", "instruction_add", "state_affordance"}


def test_states_that_contradict_one_another_are_found(one, read_source):
    def change(frame, said):
        said["contact_frame"] = {8: 6, 20: -1}.get(frame, said["contact_frame"])
        said["affordance_box"] = box_at(1) if frame in (2, 9) else said["affordance_box"]

    found = read_source("robointer", one(change))
    said = amiss(found)
    assert said["contact_not_past"] == "frame 8 has contact_frame 6, it should be -1"
    assert said["past_without_contact"] == "clip [14, 24) has contact_frame -1 and no contact"
    assert said["value_after_contact"] == f"frame 9 has contact_frame -1 and affordance_box {box_at(1)}, it should be []"
    assert "affordance_box is not the same until the contact in frame 6" in said["value_differs"]


def test_stores_that_cannot_be_read_cost_their_episodes(folder, read_source, tmp_path, monkeypatch):
    lmdb = pytest.importorskip("lmdb")
    with lmdb.open(str(tmp_path / "bad"), map_size=1 << 20) as made, made.begin(write=True) as transaction:
        transaction.put(DROID[0].encode(), pickle.dumps({0: {"trace": _Touches(tmp_path / "ran")}}))
        transaction.put(DROID[1].encode(), pickle.dumps([1, 2])[:-2])
    rejects = read_source("robointer", folder, annotations=str(tmp_path / "bad")).rejects
    assert {r.native_id: r.code for r in rejects} == {"episode_000000": "pickle_refused", "episode_000001": "pickle_damaged"}
    assert not (tmp_path / "ran").exists()
    (missing,) = read_source("robointer", folder, annotations=str(tmp_path / "nowhere")).rejects
    assert (missing.stage, missing.code) == ("plan", "source_missing")
    monkeypatch.setitem(sys.modules, "lmdb", None)
    rejects = read_source("robointer", folder, annotations=str(tmp_path / "bad")).rejects
    assert {(r.code, r.detail["extra"]) for r in rejects} == {("extra_missing", "lmdb")}


class _Touches:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)
