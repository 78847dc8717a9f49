"""RLDS: two small files as TFDS writes them (generated: no small real one is public), and each fault."""

from __future__ import annotations

import io
import json
import sys

import numpy as np
import pytest
from PIL import Image

from tests.pipelines.sources.robot_samples import flipped, pictures, rlds

FIRST, SECOND = "toy-train.tfrecord-00000-of-00002", "toy-train.tfrecord-00001-of-00002"
ONLY = "toy-train.tfrecord-00000-of-00001"


def header(found, key):
    row = found.rows(key, "trajectories")[0]
    return row | {name: json.loads(row[name]) for name in ("completeness", "extras")}


def test_episodes_are_read_without_tensorflow(tmp_path, read_source):
    rlds(tmp_path / "toy")
    found = read_source("rlds", tmp_path / "toy", fps=5, last_action="dummy")
    assert found.rejects == []
    assert list(found.trajectories) == [f"s/{FIRST}/record_000000", f"s/{FIRST}/record_000001", f"s/{SECOND}/record_000000"]
    first, second = (header(found, key) for key in list(found.trajectories)[:2])
    assert (first["instruction"], second["instruction"]) == ("open the drawer", None)
    assert first["extras"]["instructions"] == ["pull it"]
    assert first["extras"]["attributes"]["episode_metadata/file_path"] == "a/b.h5"
    assert (first["fps"], first["duration"]) == (5.0, None)
    assert first["completeness"] == {"records_not_declared": "no dataset_info.json says how many records the file should hold"}
    steps = found.rows(f"s/{FIRST}/record_000001", "robot_steps")
    assert steps[1]["action"] == [float(1 + i) for i in range(7, 14)]
    assert (steps[3]["action"], steps[3]["action_kind"]) == (None, None)  # the dummy
    assert [s["is_terminal"] for s in steps] == [False, False, False, True]
    row = found.rows(f"s/{FIRST}/record_000000", "images")[2]
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(found.media.read(row["image"])))), pictures(4)[2])
    assert "tensorflow" not in sys.modules


def test_an_undeclared_last_action_is_kept_and_said(tmp_path, read_source):
    rlds(tmp_path / "toy", episodes=1)
    found = read_source("rlds", tmp_path / "toy")
    key = f"s/{ONLY}/record_000000"
    assert found.rows(key, "robot_steps")[3]["action"] is not None
    assert "last_action" in header(found, key)["completeness"]["not_declared"]
    assert "fps" in header(found, key)["completeness"]


def test_a_record_with_a_broken_checksum_costs_itself_and_a_broken_length_what_follows(tmp_path, read_source):
    rlds(tmp_path / "toy", episodes=2)
    path = tmp_path / "toy" / ONLY
    flipped(path, 300)
    found = read_source("rlds", tmp_path / "toy")
    assert [(r.native_id, r.code) for r in found.rejects] == [(f"{ONLY}/record_000000", "tfrecord_damaged")]
    assert list(found.trajectories) == [f"s/{ONLY}/record_000001"]
    flipped(path, 2)
    found = read_source("rlds", tmp_path / "toy")
    assert "the rest cannot be read" in found.rejects[0].message
    assert found.trajectories == {}
    path.write_bytes(path.read_bytes()[:-20])
    flipped(path, 2), flipped(path, 300)
    found = read_source("rlds", tmp_path / "toy")
    assert [r.code for r in found.rejects] == ["tfrecord_truncated"]
    assert len(found.trajectories) == 1


@pytest.mark.parametrize(
    ("change", "code", "told"),
    [
        ({"steps/action": [0.0] * 27}, "length_mismatch", "steps/action has 27 values"),
        ({"steps/is_first": [1, 0, 1, 0]}, "step_flags_unfit", "is_first is set at step 2"),
        ({"steps/is_last": [0, 0, 0, 0]}, "step_flags_unfit", "is_last is not set at step 3"),
    ],
)
def test_a_record_that_does_not_fit_its_features_is_rejected(tmp_path, read_source, monkeypatch, change, code, told):
    from pipelines.sources import rlds as module

    rlds(tmp_path / "toy", episodes=1)
    parse = module.parse_example
    monkeypatch.setattr(module, "parse_example", lambda data: {**parse(data), **{k: np.array(v) for k, v in change.items()}})
    (reject,) = read_source("rlds", tmp_path / "toy").rejects
    assert (reject.code, told in reject.message) == (code, True)


def test_files_without_their_features_and_a_missing_library(tmp_path, read_source, monkeypatch):
    (rlds(tmp_path / "toy") / "features.json").unlink()
    assert {r.code for r in read_source("rlds", tmp_path / "toy").rejects} == {"meta_missing"}
    (tmp_path / "toy/features.json").write_text("[]")
    assert {r.code for r in read_source("rlds", tmp_path / "toy").rejects} == {"meta_damaged"}
    monkeypatch.setitem(sys.modules, "google_crc32c", None)
    (reject,) = read_source("rlds", tmp_path / "toy").rejects
    assert (reject.code, reject.detail["extra"]) == ("extra_missing", "rlds")
