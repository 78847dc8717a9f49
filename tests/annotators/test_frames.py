"""Frames by number: presentation order, also where packets are stored in another one, and errors that name the file."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from annotators.frames import FrameError, Picture, frames, greys

LEVELS = [10 * i + 20 for i in range(20)]


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20 frames of one grey level each, with B-frames, so that decoding order is not presentation order."""
    path = tmp_path_factory.mktemp("video") / "levels.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"x264-params": "bframes=3:b-adapt=0:scenecut=0:keyint=10"})
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
        for level in LEVELS:
            picture = av.VideoFrame.from_ndarray(np.full((32, 48, 3), level, np.uint8), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return path


def levels(pictures: Iterator[Picture]) -> list[int]:
    return [round(float(picture.mean()) / 10) * 10 for picture in pictures]


def test_video_has_b_frames(video: Path) -> None:
    with av.open(str(video)) as container:
        pts = [packet.pts for packet in container.demux(video=0) if packet.size]
    assert pts != sorted(pts)


def test_all_frames_in_presentation_order(video: Path) -> None:
    assert levels(frames(video, range(20))) == LEVELS


def test_chosen_frames_and_repeats(video: Path) -> None:
    assert levels(frames(video, [0, 3, 3, 17, 19])) == [20, 50, 50, 190, 210]


def test_pictures_are_rgb(video: Path) -> None:
    (picture,) = frames(video, [4])
    assert picture.shape == (32, 48, 3)
    assert picture.dtype == np.uint8


def test_without_colour_they_are_the_videos_own_luma(video: Path) -> None:
    found = list(greys(video, [0, 3, 3, 19]))
    assert {(grey.shape, grey.dtype) for grey in found} == {((32, 48), np.dtype(np.uint8))}
    limited = [round(16 + level * 219 / 255) for level in (20, 50, 50, 210)]
    assert [round(float(grey.mean())) for grey in found] == pytest.approx(limited, abs=1)


def test_a_video_without_a_plane_of_luma_is_converted(tmp_path: Path) -> None:
    path = tmp_path / "rgb.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=10)
        stream.width, stream.height, stream.pix_fmt = 50, 32, "bgr0"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((32, 50, 3), 90, np.uint8), format="rgb24")))
        container.mux(stream.encode())
    (grey,) = greys(path, [0])
    (picture,) = frames(path, [0])
    assert (grey.shape, picture.shape) == ((32, 50), (32, 50, 3))
    assert grey.mean() == pytest.approx(90, abs=15)
    assert (picture == 90).all()


def test_a_width_that_lines_are_padded_behind(tmp_path: Path) -> None:
    path = tmp_path / "odd.mp4"
    ramp = np.tile(np.arange(50, dtype=np.uint8)[None, :, None] * 4, (34, 1, 3))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"crf": "1"})
        stream.width, stream.height, stream.pix_fmt = 50, 34, "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(ramp, format="rgb24")))
        container.mux(stream.encode())
    (picture,), (grey,) = frames(path, [0]), greys(path, [0])
    assert np.abs(picture.astype(int) - ramp).max() < 12
    assert np.abs(grey - (16 + ramp[:, :, 0] * (219 / 255))).max() < 12


def test_numbers_may_be_endless(video: Path) -> None:
    assert levels(itertools.islice(frames(video, itertools.count(0, 5)), 3)) == [20, 70, 120]


def test_no_numbers_no_pictures(video: Path) -> None:
    assert list(frames(video, [])) == []


def test_frame_beyond_the_end(video: Path) -> None:
    with pytest.raises(FrameError, match=r"levels\.mp4 has no frame 20: it ends after 20 frames"):
        list(frames(video, [1, 20]))


@pytest.mark.parametrize("numbers", [[-1], [5, 4]])
def test_numbers_must_ascend_from_zero(video: Path, numbers: list[int]) -> None:
    with pytest.raises(ValueError, match="frame"):
        list(frames(video, numbers))


def test_truncated_video(video: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(video.read_bytes()[:1000])
    with pytest.raises(FrameError, match=r"cut\.mp4 cannot be decoded"):
        list(frames(cut, [0]))


def test_numbers_are_those_of_the_container(shared_data: Path) -> None:
    """A frame by number is the frame at number / 30 s of a real 30 Hz recording."""
    path = shared_data / "gui/agentnet_raw/ep0/video.mp4"
    (picture,) = frames(path, [187])
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            if frame.time is not None and frame.time > 186.5 / 30:
                assert np.array_equal(frame.to_ndarray(format="rgb24"), picture)
                break
