"""Review media of cameras: every proxy frame shows the source frame that the map names, and files play as they must."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from annotators.trajectory import TrajectoryView
from pipelines.io.media import MediaReader, MediaWriter
from pipelines.io.video import store_video
from pipelines.review.encode import MediaFault, even_size, frame_exact, index_first, rational, write_video
from pipelines.review.footage import decoded, footage
from pipelines.review.media import Media, contact_clip, key_frames, robot_full_rate, robot_proxy

EXAMPLES = Path(__file__).resolve().parents[3] / "examples/data"
STREAM = "observation.images.agentview"
BITS = 8
MILLISECOND = Fraction(1, 1000)


def numbered(number: int, width: int = 161, height: int = 121) -> np.ndarray:
    """A picture that says its number: eight blocks, black or white."""
    picture = np.full((height, width, 3), 110, np.uint8)
    for bit in range(BITS):
        picture[40:80, bit * 20 + 1 : bit * 20 + 19] = 255 if number >> bit & 1 else 0
    return picture


def number_on(picture: np.ndarray) -> int:
    high, wide = picture.shape[:2]
    row, column = round(60 * high / 121), wide / 161
    return sum((int(picture[row, round((bit * 20 + 10) * column)].mean()) > 127) << bit for bit in range(BITS))


def uneven(path: Path, count: int = 90, size: tuple[int, int] = (161, 121), sound: bool = True) -> Path:
    """A variable-rate, odd-sized recording with B-frames, sound, and a start that is not 0."""
    times = np.cumsum([33, 40, 20, 95, 33] * (count // 5))
    with av.open(str(path), "w") as file:
        video = file.add_stream("libx264", rate=30, options={"bf": "3", "g": "25", "crf": "18"})
        video.width, video.height, video.pix_fmt = *size, "yuv444p"
        video.time_base = video.codec_context.time_base = MILLISECOND
        audio = file.add_stream("aac", rate=8000, layout="mono") if sound else None
        if audio is not None:
            silence = av.AudioFrame.from_ndarray(np.zeros((1, 64000), np.float32), format="fltp", layout="mono")
            silence.sample_rate = 8000
            file.mux(audio.encode(silence))
            file.mux(audio.encode(None))
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(numbered(number, *size), format="rgb24")
            frame.pts, frame.time_base = int(times[number]) + 500, MILLISECOND
            file.mux(video.encode(frame))
        file.mux(video.encode())
    return path


def view_of(
    path: Path, folder: Path, frames: Sequence[int | None], times: Sequence[float | None], max_part_bytes: int = 1 << 30
) -> TrajectoryView:
    """A trajectory with the recording as its one camera, stored as ingest stores it."""
    media = MediaWriter(folder, "media/test.pack")
    stored = store_video(path, "cam", media, max_part_bytes)
    reader = MediaReader(str(folder), media.added)
    steps = pa.table({"timestamp": pa.array(times, pa.float64()), "frames": [None if f is None else [f] for f in frames]})
    header = {"trajectory_id": "s/a", "domain": "robot", "num_steps": len(frames), "streams": [stored.stream], "fps": None}
    return TrajectoryView(header, {"robot_steps": steps, "videos": pa.Table.from_pylist(stored.rows)}, reader.read, reader.open)


def shown(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as file:
        return [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]


def checked(media: Media) -> list[int]:
    """The numbers on the frames of a video, after checking that Label Studio will count them as the surface does."""
    (path,) = media.files
    with av.open(str(path)) as file:
        (stream,) = file.streams
        assert stream.type == "video", "no sound"
        assert stream.start_time == 0
        assert stream.duration is not None
        assert stream.time_base is not None
        assert stream.width % 2 == stream.height % 2 == 0
        times = [packet.pts * stream.time_base for packet in file.demux(stream) if packet.size]
        seconds = float(stream.duration * stream.time_base)
        declared = stream.frames
    assert media.surface.fps is not None
    assert np.allclose([float(t) for t in times], np.arange(len(times)) / media.surface.fps, atol=1e-9)
    assert declared == len(times) == round(seconds * media.surface.fps) == len(media.surface.frames) == len(media.surface.steps)
    assert index_first(path)
    return [number_on(picture) for picture in shown(path)]


@pytest.mark.parametrize("parts", [1, 4])
def test_proxy_of_an_uneven_recording(tmp_path: Path, parts: int) -> None:
    """Case 17 of the Label Studio reference: odd size, variable rate, sound, a late start, here also in several parts."""
    path = uneven(tmp_path / "in.mp4")
    frames = list(range(0, 90, 2))
    size = path.stat().st_size // parts if parts > 1 else 1 << 30
    view = view_of(path, tmp_path / "ws", frames, [i / 30 for i in range(45)], size)
    assert (view.tables["videos"].num_rows > 1) == (parts > 1)
    media = robot_proxy(view, "cam", tmp_path / "out")
    assert checked(media) == list(media.surface.frames) == frames[::3]
    assert media.surface.steps == tuple(range(0, 45, 3))
    assert (media.surface.width, media.surface.height, media.surface.end) == (161, 121, 45)
    assert (media.surface.fps, media.surface.resolution) == (10.0, 0.1)


def test_every_frame_of_an_uneven_recording(tmp_path: Path) -> None:
    view = view_of(uneven(tmp_path / "in.mp4"), tmp_path / "ws", list(range(0, 90, 2)), [i / 30 for i in range(45)])
    media = robot_full_rate(view, "cam", tmp_path / "out")
    assert checked(media) == list(media.surface.frames) == list(range(90))
    assert media.surface.steps == tuple(i // 2 for i in range(90))
    part = robot_full_rate(view, "cam", tmp_path / "out", 10, 20)
    assert checked(part) == list(part.surface.frames) == list(range(20, 40))
    assert (part.surface.start, part.surface.end) == (10, 20)


def test_a_clip_around_a_contact(tmp_path: Path) -> None:
    """One second either side by the camera's own uneven clock, not by counting frames."""
    view = view_of(uneven(tmp_path / "in.mp4"), tmp_path / "ws", list(range(90)), [i / 22 for i in range(90)])
    media = contact_clip(view, "cam", 40, tmp_path / "out")
    times = np.array(footage(view, "cam").times)
    near = np.flatnonzero(np.abs(times - times[40]) <= 1.0)
    assert checked(media) == list(media.surface.frames) == near.tolist()
    assert media.surface.end == near[-1] + 1
    first = contact_clip(view, "cam", 0, tmp_path / "out")
    assert first.surface.frames[0] == 0
    last = contact_clip(view, "cam", 89, tmp_path / "out")
    assert (last.surface.frames[-1], last.surface.end) == (89, 90)


def test_steps_without_a_frame(tmp_path: Path) -> None:
    """They show the nearest earlier frame, the first ones the first there is."""
    frames = [None, None, 4, 5, None, 7, 9, None]
    view = view_of(uneven(tmp_path / "in.mp4"), tmp_path / "ws", frames, [i / 10 for i in range(8)])
    media = robot_proxy(view, "cam", tmp_path / "out")
    assert checked(media) == list(media.surface.frames) == [4, 4, 4, 5, 5, 7, 9, 9]
    pictures = key_frames(view, "cam", [7, 0, 4, 4], tmp_path / "out")
    assert pictures.surface.steps == (0, 4, 7)
    assert [number_on(np.asarray(Image.open(file))) for file in pictures.files] == [4, 5, 9]
    by_frame = key_frames(view, "cam", (), tmp_path / "out", frames=[9, 6, 4])
    assert [number_on(np.asarray(Image.open(file))) for file in by_frame.files] == [4, 6, 9]
    assert by_frame.surface.steps == (0, 4, 6)


def test_steps_without_times(tmp_path: Path) -> None:
    view = view_of(uneven(tmp_path / "in.mp4"), tmp_path / "ws", list(range(90)), [None] * 90)
    media = robot_proxy(view, "cam", tmp_path / "out")
    assert checked(media) == list(media.surface.frames)
    assert media.surface.resolution is None


def test_an_exact_source_is_shown_itself(read_source: Callable[..., Any], tmp_path: Path) -> None:
    view = read_source("lerobot", EXAMPLES / "lift").view("s/episode_000000")
    media = robot_full_rate(view, STREAM, tmp_path)
    row = next(r for r in view.tables["videos"].to_pylist() if r["stream"] == STREAM)
    assert media.files[0].read_bytes() == view.read_media(row["video"])
    assert media.files[0].stem == row["video"]
    assert media.surface.frames == tuple(range(70))
    assert media.surface.fps == 20.0
    slow = robot_proxy(view, STREAM, tmp_path)
    assert slow.files[0] != media.files[0]
    assert slow.surface.frames == tuple(range(0, 70, 2))
    originals = shown(media.files[0])
    for frame, picture in zip(slow.surface.frames, shown(slow.files[0]), strict=True):
        assert np.abs(picture.astype(int) - originals[frame]).mean() < 4
    nearer = [np.abs(shown(slow.files[0])[9].astype(int) - picture).mean() for picture in originals]
    assert int(np.argmin(nearer)) == 18


@pytest.mark.slow
def test_real_av1(read_source: Callable[..., Any], shared_data: Path, tmp_path: Path) -> None:
    """A camera of a real robot, AV1 at 30 Hz: shown itself at full rate, thinned for the proxy."""
    found = read_source("lerobot", shared_data / "robot/g1_v21")
    view = found.view(sorted(found.trajectories)[0])
    stream = view.header["streams"][0]["name"]
    media = robot_proxy(view, stream, tmp_path, start=0, end=60)
    assert len(media.surface.frames) == 20
    originals = shown(robot_full_rate(view, stream, tmp_path, 0, 60).files[0])
    for index in (0, 7, 19):
        errors = [np.abs(shown(media.files[0])[index].astype(int) - picture).mean() for picture in originals]
        assert errors[media.surface.frames[index]] < min(errors) + 0.2


def test_same_input_same_bytes(tmp_path: Path) -> None:
    view = view_of(uneven(tmp_path / "in.mp4"), tmp_path / "ws", list(range(90)), [i / 30 for i in range(90)])
    for name in ("a", "b"):
        robot_proxy(view, "cam", tmp_path / name)
        robot_full_rate(view, "cam", tmp_path / name)
        key_frames(view, "cam", [3, 60], tmp_path / name)
    a, b = ({p.name: p.read_bytes() for p in (tmp_path / name).rglob("*") if p.is_file()} for name in ("a", "b"))
    assert a == b
    assert len(a) == 4


def test_what_is_there_is_not_made_again(tmp_path: Path) -> None:
    path = uneven(tmp_path / "in.mp4")
    view = view_of(path, tmp_path / "ws", list(range(90)), [i / 30 for i in range(90)])
    media = robot_proxy(view, "cam", tmp_path / "out")
    os.utime(media.files[0], (1, 1))
    assert robot_proxy(view, "cam", tmp_path / "out") == media
    assert media.files[0].stat().st_mtime == 1
    assert robot_proxy(view, "cam", tmp_path / "out", end=87).files != media.files


def test_a_camera_of_images(tmp_path: Path) -> None:
    """Images become a video in which every picture stands for itself; as a list they are the stored bytes."""
    pictures = [numbered(i, 160, 120) for i in range(12)]
    writer = MediaWriter(tmp_path / "ws", "media/test.pack")
    rows = []
    for frame, picture in enumerate(pictures):
        data = io.BytesIO()
        Image.fromarray(picture).save(data, "PNG")
        sha = writer.add(data.getvalue(), ".png")
        rows.append({"stream": "cam", "frame": frame, "timestamp": frame / 10, "image": sha, "width": 160, "height": 120})
    reader = MediaReader(str(tmp_path / "ws"), writer.added)
    stream = {"name": "cam", "kind": "images", "fps": 10.0, "width": 160, "height": 120}
    steps = pa.table({"timestamp": [i / 10 for i in range(12)], "frames": [[i] for i in range(12)]})
    header = {"trajectory_id": "s/a", "domain": "robot", "num_steps": 12, "streams": [stream], "fps": 10.0}
    view = TrajectoryView(header, {"robot_steps": steps, "images": pa.Table.from_pylist(rows)}, reader.read, reader.open)
    media = robot_full_rate(view, "cam", tmp_path / "out")
    assert checked(media) == list(range(12))
    for picture, original in zip(shown(media.files[0]), pictures, strict=True):
        assert np.abs(picture[60, 10::20].astype(int) - original[60, 10::20]).max() <= 6
    listed = key_frames(view, "cam", [2, 5], tmp_path / "out")
    assert [file.read_bytes() for file in listed.files] == [view.read_media(rows[i]["image"]) for i in (2, 5)]
    with pytest.raises(MediaFault, match=r"s/a, camera cam: there is no frame 40"):
        key_frames(view, "cam", (), tmp_path / "out", frames=[40])


def test_a_broken_video_is_a_fault_with_its_place(tmp_path: Path) -> None:
    path = uneven(tmp_path / "in.mp4")
    view = view_of(path, tmp_path / "ws", list(range(90)), [i / 30 for i in range(90)])
    (stored,) = (tmp_path / "ws").rglob("*.mp4")
    data = bytearray(stored.read_bytes())
    stored.write_bytes(data[:2000])
    with pytest.raises(MediaFault, match="s/a, camera cam"):
        robot_proxy(view, "cam", tmp_path / "out")
    stored.unlink()
    with pytest.raises(MediaFault, match="s/a, camera cam"):
        robot_full_rate(view, "cam", tmp_path / "out")
    assert [p for p in (tmp_path / "out").rglob("*") if p.is_file()] == [], "nothing half written stays"


def test_cameras_that_cannot_be_shown(tmp_path: Path) -> None:
    view = view_of(uneven(tmp_path / "in.mp4"), tmp_path / "ws", [None, None], [0.0, 0.1])
    with pytest.raises(MediaFault, match="no step has a frame"):
        robot_proxy(view, "cam", tmp_path / "out")
    with pytest.raises(MediaFault, match="there is no such camera; there are cam"):
        robot_proxy(view, "other", tmp_path / "out")


def test_what_is_frame_exact(tmp_path: Path) -> None:
    even = tmp_path / "even.mp4"
    write_video(even, (numbered(i) for i in range(10)), 30000 / 1001, (1000, 1000), exact=False)
    assert frame_exact(even) == (10, pytest.approx(30000 / 1001))
    assert frame_exact(uneven(tmp_path / "uneven.mp4")) is None
    late = tmp_path / "late.mp4"
    with av.open(str(even)) as source, av.open(str(late), "w") as target:
        copy = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = copy
                target.mux(packet)
    assert frame_exact(late) is None, "its index comes last"
    (tmp_path / "no.mp4").write_bytes(b"no video at all")
    with pytest.raises(MediaFault, match=r"no\.mp4 cannot be opened"):
        frame_exact(tmp_path / "no.mp4")


def test_no_picture_no_video(tmp_path: Path) -> None:
    with pytest.raises(MediaFault, match="there is no picture"):
        write_video(tmp_path / "x.mp4", (), 10, (100, 100), exact=True)
    assert list(tmp_path.iterdir()) == []


def test_sizes_and_rates() -> None:
    assert even_size(1921, 1081, (1280, 960)) == (1280, 720)
    assert even_size(161, 121, (1280, 960)) == (160, 120)
    assert even_size(1, 1, (10, 10)) == (2, 2)
    assert rational(29.97002997) == rational(30000 / 1001)
    with pytest.raises(ValueError, match="above 0"):
        rational(0.0)


def test_depth_and_transparency_become_pictures() -> None:
    depth = np.array([[0, 500], [1000, 2000]], np.uint16)
    picture = decoded(cv2.imencode(".png", depth)[1].tobytes(), "here")
    assert picture.dtype == np.uint8
    assert picture[0, 0, 0] == 0 < picture[0, 1, 0] < picture[1, 0, 0] < picture[1, 1, 0]
    clear = np.zeros((2, 2, 4), np.uint8)
    assert decoded(cv2.imencode(".png", clear)[1].tobytes(), "here").min() == 255
    with pytest.raises(MediaFault, match="here: the 4 bytes are no picture"):
        decoded(b"nope", "here")
