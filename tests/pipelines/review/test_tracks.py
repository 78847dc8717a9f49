"""People set a few boxes; the tracker fills in between, and says which were set."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from annotators.annotation import Annotation, Producer, annotation_tables
from annotators.trajectory import TrajectoryView
from pipelines.io.store import Store
from pipelines.recipe import load_recipe
from pipelines.review.outcome import put_resolved
from pipelines.review.rows import reviewed_outcomes
from pipelines.review.tracks import track_filled, with_tracks_filled
from pipelines.review.workspace import reviewable

EXAMPLES = Path(__file__).resolve().parents[3] / "examples/data"
SET = {0: [150.0, 60.0, 190.0, 100.0], 30: [150.0, 120.0, 190.0, 160.0], 69: [150.0, 80.0, 190.0, 120.0]}


def track(view: TrajectoryView, status: str = "corrected") -> dict[str, Any]:
    """A person's track on the first camera: three boxes set, straight lines between them."""
    frames = list(range(view.num_steps))
    boxes, between = [], []
    for frame in frames:
        before = max(f for f in SET if f <= frame)
        after = min(f for f in SET if f >= frame)
        share = 0 if before == after else (frame - before) / (after - before)
        boxes.append([a + share * (b - a) for a, b in zip(SET[before], SET[after], strict=True)])
        between.append(frame not in SET)
    payload = {
        "shape": "box", "label": "gripper", "role": "gripper", "track": "gripper", "frames": frames, "boxes": boxes,
        "visible": [True] * len(frames), "interpolated": between, "frame_width": 320, "frame_height": 240,
    }  # fmt: skip
    stream = view.header["streams"][0]["name"]
    said = [Annotation("gripper_box", payload, 0, view.num_steps, stream=stream)]
    tables = annotation_tables(view.trajectory_id, Producer("human", "review.tracks", "1"), said)
    (row,) = tables["regions"].to_pylist()
    return row | {"status": status, "quality": "primary", "annotator": "a-1", "submission": "s-1"}


def test_what_was_set_stays_and_the_rest_follows_the_pictures(read_source: Callable[..., Any]) -> None:
    view = read_source("lerobot", EXAMPLES / "lift").view("s/episode_000000")
    row = track(view)
    filled = track_filled(view, row)
    assert {frame: filled["boxes"][frame] for frame in SET} == SET
    assert filled["interpolated"] == row["interpolated"]
    moved = [i for i, (a, b) in enumerate(zip(row["boxes"], filled["boxes"], strict=True)) if b is None or a != b]
    assert moved
    assert not set(moved) & set(SET)
    assert [box is not None for box in filled["boxes"]] == filled["visible"]
    assert filled["annotation_id"] != row["annotation_id"]
    assert track_filled(view, row) == filled
    assert json.loads(filled["attributes"]) == {"set": sorted(SET)}
    changed = ("annotation_id", "boxes", "visible", "attributes")
    assert {k: v for k, v in filled.items() if k not in changed} == {k: v for k, v in row.items() if k not in changed}


def test_what_lies_beyond_the_next_key_frames_stays_as_it_was(read_source: Callable[..., Any]) -> None:
    view = read_source("lerobot", EXAMPLES / "lift").view("s/episode_000000")
    original = track(view) | {"producer_type": "signal"}
    row = {**track(view), "boxes": [list(box) for box in original["boxes"]], "supersedes": original["annotation_id"]}
    row["boxes"][69] = [152.0, 82.0, 192.0, 122.0]
    filled = track_filled(view, row, original)
    assert json.loads(filled["attributes"]) == {"set": [69]}
    assert filled["boxes"][:31] == original["boxes"][:31]
    assert filled["boxes"][31:69] != original["boxes"][31:69]
    assert filled["boxes"][69] == row["boxes"][69]


def test_rows_that_name_a_filled_track_follow_it(quickstart: Path) -> None:
    recipe = load_recipe(quickstart.parents[1] / "quickstart.yaml")
    store = Store(recipe.workspace_uri)
    (view,) = [one.view for one in reviewable(recipe, store, "robot", ()) if one.view.header["native_id"] == "episode_000000"]
    row = track(view)
    again = row | {"submission": "s-2", "annotator": "a-2", "status": "accepted"}
    link = row | {"annotation_id": "other", "supersedes": row["annotation_id"], "interpolated": None}
    rejected = row | {"annotation_id": "wrong", "status": "rejected"}
    rows, notes = with_tracks_filled(recipe, store, [row, again, link, rejected])
    assert notes == []
    assert rows[0]["annotation_id"] == rows[1]["annotation_id"] == rows[2]["supersedes"] != row["annotation_id"]
    assert rows[0]["boxes"] == rows[1]["boxes"] != row["boxes"]
    assert rows[3] == rejected


def test_rows_that_break_a_rule_are_held_back_with_a_sentence(quickstart: Path, tmp_path: Path) -> None:
    shutil.copytree(quickstart, tmp_path / "out" / "quickstart")
    shutil.copytree(quickstart.parents[1] / "data", tmp_path / "data", symlinks=True)
    shutil.copy(quickstart.parents[1] / "quickstart.yaml", tmp_path)
    recipe = load_recipe(tmp_path / "quickstart.yaml")
    store = Store(recipe.workspace_uri)
    views = {one.view.header["native_id"]: one.view for one in reviewable(recipe, store, "robot", ())}
    sound, broken = track(views["episode_000000"]), track(views["episode_000001"])
    broken["boxes"][3] = [10.0, 10.0, 5.0, 5.0]
    findings = put_resolved(recipe, store, [sound, broken])
    assert [finding.code for finding in findings] == ["box_outside"]
    assert "lift/episode_000001" in findings[0].message
    assert "kept in the ledger" in findings[0].message
    (outcome,) = reviewed_outcomes(store)
    assert {name: record.rows for name, record in outcome.files.items()} == {"regions": 1, "runs": 1}
