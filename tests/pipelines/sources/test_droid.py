"""Raw DROID: a folder made as its recorder leaves one, and what may be wrong with it."""

from __future__ import annotations

import json
from fractions import Fraction

import av
import numpy as np
import pytest

from tests.pipelines.sources.robot_samples import droid, pictures

ID = "LAB+1234+2023-07-22-04h-13m"


def test_an_episode(tmp_path, read_source):
    droid(tmp_path / "LAB/success/2023-07-22/a")
    found = read_source("droid", tmp_path)
    assert found.rejects == []
    key = f"s/{ID}"
    said = found.rows(key, "trajectories")[0]
    assert (said["instruction"], said["success"], said["success_by"], said["agent"]) == (
        "Put the pen in the cup",
        True,
        "source",
        "ab12",
    )
    assert (said["num_steps"], said["reference_frame"], said["scene"]) == (6, "base", "42")
    assert said["fps"] == pytest.approx(1 / 0.066)
    assert said["started_at"].isoformat() == "2023-07-22T04:26:40+00:00"
    text = json.dumps(said, default=str)
    assert "A Person" not in text
    assert "/home/person" not in text
    steps = found.rows(key, "robot_steps")
    assert steps[1]["timestamp"] == pytest.approx(0.066)
    assert [steps[0]["gripper"], steps[5]["gripper"]] == [1.0, 0.0]  # the source counts the other way
    assert steps[0]["eef_pose"] == pytest.approx([0.4, 0, 0.3, 1, 0, 0, 0], abs=1e-6)
    ext1, wrist = said["streams"]
    assert (ext1["name"], wrist["name"]) == ("ext1", "wrist")
    assert ext1["extrinsics"][3::4] == pytest.approx([0.1, 0.2, 0.3, 1])
    assert wrist["extrinsics"] is None
    assert [s["camera_poses"][1][3] for s in steps] == pytest.approx(0.1 + np.arange(6))
    assert [s["frames"] for s in steps] == [[i + 1, i] for i in range(6)]  # ext1 by its times: a frame before the first step
    completeness = json.loads(said["completeness"])
    assert completeness["stream ext1"] == {"frames": 7, "rows": 6}
    assert completeness["videos_absent"] == ["ext2"]
    assert {row["stream"] for row in found.rows(key, "videos")} == {"ext1", "wrist"}


def test_a_video_shorter_than_its_rows_leaves_steps_without_a_frame(tmp_path, read_source):
    droid(tmp_path / "a", frames=4)
    found = read_source("droid", tmp_path)
    assert [s["frames"][1] for s in found.rows(f"s/{ID}", "robot_steps")] == [0, 1, 2, 3, None, None]
    said = json.loads(found.rows(f"s/{ID}", "trajectories")[0]["completeness"])
    assert said["stream wrist"] == {"frames": 4, "rows": 6}


def test_a_video_whose_frames_do_not_decode_or_come_late_is_found(tmp_path, read_source):
    path = droid(tmp_path / "a") / "recordings/MP4/111.mp4"
    with av.open(str(path)) as container:
        last = [packet for packet in container.demux(video=0) if packet.size][-1]
        place, size = last.pos, last.size
    data = bytearray(path.read_bytes())
    data[place + 5 : place + size] = bytes(size - 5)
    path.write_bytes(data)
    (reject,) = read_source("droid", tmp_path).rejects
    assert reject.code == "video_undecodable"
    assert "recordings/MP4/111.mp4: frame 5 of 6 does not decode" in reject.message

    with av.open(str(path), "w") as output:
        track = output.add_stream("libx264", rate=15, options={"threads": "1", "bf": "0"})
        track.height, track.width, track.pix_fmt = 24, 32, "yuv420p"
        for number, picture in enumerate(pictures(6)):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.time_base, frame.pts = Fraction(1, 15), number + (number > 3)  # one was dropped
            output.mux(track.encode(frame))
        output.mux(track.encode(None))
    found = read_source("droid", tmp_path)
    assert found.rejects == []
    odd = json.loads(found.rows(f"s/{ID}", "trajectories")[0]["completeness"])["stream wrist"]
    assert (odd["dropped"], odd["drift"]) == (1, pytest.approx(1 / 15, abs=1e-4))
    assert odd["variable_rate"] == pytest.approx([1 / 15, 2 / 15], abs=1e-4)


def test_what_was_not_completed_or_does_not_fit_is_rejected(tmp_path, read_source):
    (droid(tmp_path / "a") / f"metadata_{ID}.json").unlink()
    path = droid(tmp_path / "b") / f"metadata_{ID}.json"
    said = json.loads(path.read_text())
    path.write_text(json.dumps(said | {"trajectory_length": 7}))
    (droid(tmp_path / "c") / f"metadata_{ID}.json").rename(tmp_path / "c/metadata_other.json")
    (tmp_path / "c/metadata_other.json").write_text("{")
    found = read_source("droid", tmp_path)
    assert {(r.native_id, r.code) for r in found.rejects} == {
        ("a", "metadata_missing"), (ID, "length_mismatch"), ("other", "metadata_damaged"),
    }  # fmt: skip
    assert found.trajectories == {}
