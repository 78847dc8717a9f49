"""RoboInter export: its columns as they were, there and back, and what it cannot hold said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import av
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.export import Wishes, export
from pipelines.formats.robointer.names import COLUMNS, FIELDS
from pipelines.sources import Source, reader
from tests.pipelines.export.layout import check_layout
from tests.pipelines.made_release import released
from tests.pipelines.sources.robointer_samples import CLIPS, CONTACT, FRAMES, dataset, frame_notes

NAMES = ["3072_exterior_image_1_left", "RH20T_cfg1_task_0001_user_0001_scene_0001_cfg_0001_035622060973"]
FIRST, SECOND = "s/episode_000000", "s/episode_000001"
GAP = range(CLIPS[0][1] + 1, CLIPS[1][0])
OF_CLIPS = {f"annotation.{name}" for name in ("substask", "primitive_skill", "contact_frame", "state_affordance", "affordance_box", "contact_points")}  # fmt: skip
KINDS = ("segments", "texts", "regions", "traces")
QUIET = Wishes(picture_statistics=False)
WRIST = "observation.images.wrist"


def hard_notes(frame: int) -> dict[str, Any]:
    """Boxes over the border and out of sight, two contacts in one clip, words that look like JSON."""
    said = frame_notes(frame, lost=None)
    second = frame >= CLIPS[1][0]
    contact = 16 if frame <= 16 else 20 if frame <= 20 else -1
    places = {16: [[1, 2], [3, 4]], 20: [[5, 6], [7, 9]], -1: []}
    return (
        said
        | {
            "instruction_add": '"quoted" [and] more',
            "substask": "put it" if second else "[grip] it",
            "primitive_skill": "juggle" if second else "hold-move",
            "object_box": [] if frame % 3 == 0 else [[-5, 3], [40, 333]],
            "contact_frame": contact if second else None,
            "state_affordance": ([] if contact == -1 else [float(contact), 0.1, 0.25, 3.14159, 0.0, 0.1]) if second else None,
            "affordance_box": (places[contact] and None) if second else None,
            "contact_points": places[contact] if second else None,
        }
        | ({"affordance_box": []} if second and contact == -1 else {})
    )


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    """An episode as RoboInter's converter makes it, and one of hard values, whose wrist camera is black."""
    notes = [[frame_notes(frame) for frame in range(FRAMES)], [hard_notes(frame) for frame in range(FRAMES)]]
    return dataset(tmp_path_factory.mktemp("robointer") / "both", notes, NAMES, black_wrist=1)


def exported(found: Any, source: Path, folder: Path, wishes: Wishes = QUIET) -> tuple[Path, Any]:
    robointer = reader("robointer")
    native = robointer.native_columns(Source("s", "robointer", str(source), "mit", None, robointer.options()))
    release = released(found, folder / "release", dict(native))
    return folder / "out", export(release, "robointer-v2.1", folder / "out", wishes)


@pytest.fixture
def there(read_source, source, tmp_path) -> tuple[Any, Path, Any]:
    found = read_source("robointer", source)
    return found, *exported(found, source, tmp_path)


def columns_of(folder: Path, episode: int) -> pa.Table:
    return pq.read_table(folder / f"data/chunk-000/episode_{episode:06d}.parquet")


def values(table: pa.Table, name: str) -> list[Any]:
    """A column's values; JSON where it is some."""
    texts = {field.column for field in FIELDS if field.text} | {name for name in COLUMNS if name.startswith("Q_")}
    return [text if name in texts or not text else json.loads(text) for text in table[name].to_pylist()]


def statements(found: Any, key: str) -> list[dict[str, Any]]:
    """What is said of a trajectory, but for what names the reader and the recording."""
    left = ("run", "submission", "producer_version", "annotation_id")
    rows = [row for kind in KINDS if kind in found.trajectories[key] for row in found.rows(key, kind)]
    return sorted(({k: v for k, v in row.items() if k not in left} for row in rows), key=str)


def header(found: Any, key: str) -> dict[str, Any]:
    row = found.rows(key, "trajectories")[0]
    return row | {name: json.loads(row[name]) for name in ("completeness", "extras")}


def test_every_column_is_what_it_was_and_between_clips_empty(there, source):
    _, folder, report = there
    assert (report.left_out, report.trajectories, report.videos_copied) == ([], 2, 4)
    check_layout(folder)
    for episode in (0, 1):
        before, after = columns_of(source, episode), columns_of(folder, episode)
        assert set(before.column_names) - set(after.column_names) == {"other_information.action_tcp_pose"}  # zeros in both
        for name in COLUMNS:
            old, new = values(before, name), values(after, name)
            if name.replace("Q_", "") in OF_CLIPS:  # RoboInter's converter repeats the first clip there
                assert {new[frame] for frame in GAP} == {""}, name
                old, new = ([v for frame, v in enumerate(of) if frame not in GAP] for of in (old, new))
            if name in (
                "annotation.substask",
                "annotation.instruction_add",
            ):  # text that may be taken for JSON is written as JSON
                old = [json.dumps(text) if text[:1] in ('"', "[") else text for text in old]
            assert new == old, (episode, name)
        for name in ("state", "action", "episode_name", "camera_view", "other_information.observation_joint_position"):
            assert before[name].to_pylist() == after[name].to_pylist(), name


def test_reading_it_again_gives_the_same_trajectories(there, read_source):
    found, folder, _ = there
    again = read_source("robointer", folder)
    assert again.rejects == []
    for key in (FIRST, SECOND):
        assert statements(again, key) == statements(found, key)
        old, new = header(found, key), header(again, key)
        assert [s["name"] for s in new["streams"]] == [s["name"] for s in old["streams"]]
        for name in ("instruction", "group", "num_steps", "duration", "fps", "state_names", "action_space", "embodiment"):
            assert new[name] == old[name], name
        for name in ("episode_name", "camera_view", "origin_shape"):
            assert new["extras"][name] == old["extras"][name]
        gone = {"other_information.action_tcp_pose"}  # it was null in every row
        steps = found.trajectories[key]["robot_steps"].drop_columns(list(gone))
        assert again.trajectories[key]["robot_steps"].select(steps.column_names).equals(steps)
    assert header(again, SECOND)["completeness"][f"stream {WRIST}"] == {"left_out": "all its frames are black"}


def test_after_a_contact_it_is_past_and_who_said_it_is_reported(there):
    _, folder, report = there
    table = columns_of(folder, 0)
    assert table["annotation.contact_frame"].to_pylist()[CONTACT - 1 : CONTACT + 2] == ["6", "6", "-1"]
    for name in ("affordance_box", "contact_points", "state_affordance"):
        texts = table[f"annotation.{name}"].to_pylist()
        assert texts[CONTACT] not in ("", "[]")
        assert texts[CONTACT + 1] == "[]"
    assert set(table["Q_annotation.trace"].to_pylist()) == {"Secondary", ""}
    assert report.not_held["provenance of gripper_box"][0] == 2
    assert report.not_held["missing wrist cameras"][0] == 1
    with av.open(str(folder / f"videos/chunk-000/{WRIST}/episode_000001.mp4")) as container:
        brightest = [int(frame.to_ndarray(format="gray").max()) for frame in container.decode(video=0)]
    assert len(brightest) == FRAMES
    assert max(brightest) <= 16


def test_what_it_cannot_hold_is_said(read_source, source, tmp_path):
    found = read_source("robointer", source)
    tables = found.trajectories[FIRST]
    contact = next(i for i, row in enumerate(tables["segments"].to_pylist()) if row["layer"] == "contact")
    skill = next(i for i, row in enumerate(tables["segments"].to_pylist()) if row["layer"] == "primitive_skill")
    rows = tables["segments"].to_pylist()
    rows.append(rows[contact] | {"annotation_id": "r", "label": "release", "start": 8, "end": 9})
    rows.append(rows[contact] | {"annotation_id": "b", "start": 11, "end": 12})  # between the clips
    rows[skill] |= {"status": "proposed", "quality": "secondary"}
    rows.append(rows[skill] | {"annotation_id": "z", "layer": "motion", "label": "move", "text": None, "attributes": None})
    tables["segments"] = pa.Table.from_pylist(rows, schema=tables["segments"].schema)
    regions = tables["regions"].to_pylist()
    box = next(row for row in regions if row["layer"] == "gripper_box")
    box["boxes"][0] = [1.1, 2.2, 30.3, 40.4]
    grasp = next(row for row in regions if row["layer"] == "affordance_box")
    regions.append(grasp | {"annotation_id": "w", "stream": WRIST})
    tables["regions"] = pa.Table.from_pylist(regions, schema=tables["regions"].schema)
    folder, report = exported(found, source, tmp_path)
    lost = {what: count for what, (count, _) in report.not_held.items()}
    assert lost["releases of contact"] == lost["contacts between clips"] == lost["layer motion"] == 1
    assert lost["proposals of primitive_skill"] == lost["affordance_box on other cameras"] == 1
    assert lost["places between whole pixels"] == 2
    table = columns_of(folder, 0)
    assert table["annotation.primitive_skill"][0].as_py() == ""
    assert json.loads(table["annotation.gripper_box"][0].as_py()) == [[2, 4], [61, 81]]
    said = json.loads((folder / "cairn_export.json").read_text())
    assert (said["format"], said["not_held"]["releases of contact"]["count"]) == ("robointer-v2.1", 1)
    card = (folder / "README.md").read_text()
    assert [what for what in said["not_held"] if f"- {what}: {said['not_held'][what]['count']} (" not in card] == []
    taken = export(tmp_path / "release", "robointer-v2.1", tmp_path / "all", Wishes(proposals=True, picture_statistics=False))
    assert "proposals of primitive_skill" not in taken.not_held
    assert taken.not_held["ratings of primitive_skill"][0] == 1
    assert columns_of(tmp_path / "all", 0)["Q_annotation.primitive_skill"][0].as_py() == ""  # one is not rated: none is


def test_the_camera_that_is_annotated_becomes_the_primary_one(there, source, tmp_path):
    found, folder, _ = there
    for tables in found.trajectories.values():
        for name in ("trajectories", "videos", "regions", "traces"):
            rows = tables[name].to_pylist()
            for stream in [stream for row in rows for stream in row.get("streams") or ()]:
                stream["name"] = stream["name"].replace("primary", "exterior")
            for row in rows:
                row |= {"stream": row["stream"].replace("primary", "exterior")} if row.get("stream") else {}
            tables[name] = pa.Table.from_pylist(rows, schema=tables[name].schema)
    other, report = exported(found, source, tmp_path / "other")
    assert report.notes[0].startswith("observation.images.exterior is called observation.images.primary")
    for episode in (0, 1):
        assert columns_of(other, episode).equals(columns_of(folder, episode))
        name = f"videos/chunk-000/observation.images.primary/episode_{episode:06d}.mp4"
        assert (other / name).read_bytes() == (folder / name).read_bytes()


def test_a_release_of_another_recorder_can_be_written_too(read_source, tmp_path):
    from tests.pipelines.export.test_lerobot import LIFT, natives

    found = read_source("lerobot", LIFT)
    release = released(found, tmp_path / "release", natives(LIFT))
    report = export(release, "robointer-v2.1", tmp_path / "out", QUIET)
    check_layout(tmp_path / "out")
    assert report.trajectories == 2
    assert report.notes[0].startswith("no camera is called observation.images.primary: several are as likely")
    again = read_source("robointer", tmp_path / "out")
    assert again.rejects == []
    steps = found.trajectories[FIRST]["robot_steps"]
    assert again.trajectories[FIRST]["robot_steps"].select(steps.column_names).equals(steps)
