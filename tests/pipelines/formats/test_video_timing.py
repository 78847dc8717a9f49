"""What frame times and key frames say, in figures, each fault planted once; clips cut by copy, or encoded again."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from pipelines.formats.video.clips import reencode, run_between, undecodable
from pipelines.formats.video.timing import binding, groups, timing
from pipelines.io.video import Packet, scan_video
from tests.pipelines.lerobot_v30 import film

EVEN = np.arange(30) / 10


@pytest.mark.parametrize(
    ("times", "said"),
    [
        (EVEN, {}),
        (EVEN[:1], {}),
        (EVEN[:0], {}),
        (EVEN + 0.25, {"first_frame_at": 0.25}),
        (np.delete(EVEN, [7, 8]), {"drift": 0.2, "dropped": 2, "variable_rate": [0.1, 0.3]}),
        (np.sort([*EVEN[:-1], 0.42]), {"drift": -0.1, "doubled": 1, "variable_rate": [0.02, 0.1]}),
        (EVEN * 1.02, {"drift": 0.058}),
        (EVEN + np.where(np.arange(30) % 2, 0.012, 0), {"variable_rate": [0.088, 0.112]}),
        (EVEN + 1e-5 * np.sin(np.arange(30)), {}),
    ],
)
def test_times(times, said):
    assert timing(np.asarray(times), 10.0) == said


def packets(text: str, order: list[int] | None = None) -> list[Packet]:
    """`K` and `P` in decoding order, shown in that order or in `order`."""
    shown = order or list(range(len(text)))
    return [Packet(pts, dts, 1, kind == "K") for dts, (kind, pts) in enumerate(zip(text, shown, strict=True))]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (packets("KPPKPP"), {}),
        (packets("PPKP"), {"first_is_key": False}),
        (packets("KPPKPP", [0, 1, 2, 4, 3, 5]), {"open_groups": 1}),
        (packets("K" + "P" * 299), {"longest_group": 300}),
    ],
)
def test_groups(found, said):
    assert groups(found) == said


@pytest.mark.parametrize(
    ("frames", "found", "said"),
    [
        ([0, 1, 2], 3, {}),
        ([0, 1, None], 2, {"rows": 3, "frames": 2, "steps_without_frame": 1, "first_step_without_frame": 2}),
        ([0, 0, 1], 3, {"rows": 3, "frames": 3, "steps_without_frame": 0, "frames_twice": 1, "frames_unused": 1}),
        ([2, 3, 4], 5, {"rows": 3, "frames": 5, "steps_without_frame": 0, "frames_unused": 2}),
    ],
)
def test_binding(frames, found, said):
    assert binding(frames, found) == said


def test_a_run_is_copied_only_where_it_can_be_decoded_alone():
    found = packets("KPPKPP")
    assert run_between(found, 3, 5) == tuple(found[3:])
    assert run_between(found, 0, 1) == tuple(found[:2])
    assert run_between(found, 1, 4) is None
    assert run_between(found, 9, 12) is None
    crossing = packets("KPPKPP", [0, 1, 2, 4, 3, 5])  # the picture at 3 is decoded after the key frame at 4
    assert run_between(crossing, 4, 5) is None
    assert run_between(crossing, 3, 5) is None


def test_frames_encoded_again_stand_where_they_stood_or_evenly(tmp_path: Path) -> None:
    film(tmp_path / "film.mp4", 20, 8)
    scan = scan_video(tmp_path / "film.mp4")
    shown = sorted(packet.pts for packet in scan.packets)
    reencode(tmp_path / "film.mp4", scan, [shown[i] for i in (3, 4, 6)], tmp_path / "a.mp4")
    assert scan_video(tmp_path / "a.mp4").times == pytest.approx([0, 0.1, 0.3])
    reencode(tmp_path / "film.mp4", scan, [shown[i] for i in (3, 3, 6)], tmp_path / "b.mp4", rate=Fraction(10))
    assert scan_video(tmp_path / "b.mp4").times == pytest.approx([0, 0.1, 0.2])
    with av.open(str(tmp_path / "b.mp4")) as container:
        grey = [round(frame.to_ndarray(format="rgb24")[32:].mean() / 5) for frame in container.decode(video=0)]
    assert grey == [3, 3, 6]
    assert undecodable(tmp_path / "film.mp4", scan.packets, range(20)) == []
