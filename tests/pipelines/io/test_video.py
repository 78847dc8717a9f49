"""Videos are copied, never encoded again: whatever is cut decodes on its own, and no frame is lost or moved."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from pipelines.io.media import MediaReader, MediaWriter
from pipelines.io.video import StoredVideo, count_frames, nearest_frames, scan_video, store_packets, store_video
from pipelines.sources import Rejected

FRAMES = 90
GROUP = 10


def film(path: Path, codec: str = "libx264", frames: int = FRAMES, audio: bool = False, rate: int = 15, **options: str) -> Path:
    """A film of `frames` frames that each look different, with a key frame every GROUP."""
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        container.metadata["title"] = "private title"
        track = container.add_stream(codec, rate=rate, options={"preset": "ultrafast"} | options)
        assert isinstance(track, av.VideoStream)
        track.width, track.height, track.pix_fmt, track.gop_size = 96, 64, "yuv420p", GROUP
        sound = container.add_stream("aac", rate=8000) if audio else None
        noise = np.random.default_rng(0)
        for i in range(frames):
            picture = noise.integers(0, 255, (64, 96, 3), np.uint8)
            picture[:, : i % 96] = 255 * (i % 2)
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts, frame.time_base = i, Fraction(1, rate)
            container.mux(track.encode(frame))
        container.mux(track.encode())
        if sound is not None:
            samples = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.float32), "fltp", "mono")
            samples.sample_rate = 8000
            container.mux(sound.encode(samples))
            container.mux(sound.encode())
    return path


def stored(path: Path, folder: Path, max_part_bytes: int = 100_000_000) -> tuple[StoredVideo, list[bytes]]:
    writer = MediaWriter(folder / "staged", "p.pack")
    video = store_video(path, "front", writer, max_part_bytes)
    reader = MediaReader(str(folder / "staged"), writer.added)
    return video, [reader.read(row["video"]) for row in video.rows]


def packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


def pictures(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24").tobytes() for frame in container.decode(video=0)]


def parts_on_disk(parts: list[bytes], folder: Path) -> list[Path]:
    paths = [folder / f"part{i}.mp4" for i in range(len(parts))]
    for path, part in zip(paths, parts, strict=True):
        path.write_bytes(part)
    return paths


@pytest.mark.parametrize(
    ("codec", "options"),
    [
        ("libx264", {"x264-params": "bframes=0"}),
        ("libx264", {"x264-params": "bframes=3"}),
        ("libx264", {"x264-params": "bframes=3:open-gop=1"}),
        ("libx265", {"x265-params": "bframes=3:open-gop=0:log-level=none"}),
        ("libx265", {"x265-params": "bframes=3:open-gop=1:log-level=none"}),
    ],
)
def test_each_part_decodes_and_together_they_are_the_film(tmp_path: Path, codec: str, options: dict[str, str]) -> None:
    path = film(tmp_path / "film.mp4", codec, **options)
    size = len(b"".join(packets(path)))
    video, parts = stored(path, tmp_path, max_part_bytes=size // 4)
    paths = parts_on_disk(parts, tmp_path)

    assert [packet for part in paths for packet in packets(part)] == packets(path)
    assert [picture for part in paths for picture in pictures(part)] == pictures(path)
    assert [len(pictures(part)) for part in paths] == [row["num_frames"] for row in video.rows]
    assert [count_frames(part) for part in parts] == [row["num_frames"] for row in video.rows]
    if "open-gop=1" not in str(options):
        assert len(parts) >= 4
        assert all(sum(map(len, packets(part))) <= size // 4 for part in paths)


def test_frame_times_run_on_over_the_parts(tmp_path: Path) -> None:
    path = film(tmp_path / "film.mp4")
    video, _ = stored(path, tmp_path, max_part_bytes=path.stat().st_size // 4)
    stamps = [time for row in video.rows for time in row["frame_timestamps"]]

    assert len(video.rows) >= 4
    assert stamps == pytest.approx([i / 15 for i in range(FRAMES)])
    assert video.frame_timestamps.tolist() == stamps
    assert [row["part"] for row in video.rows] == list(range(len(video.rows)))
    for row, after in zip(video.rows, video.rows[1:], strict=False):
        assert row["end_time"] == pytest.approx(after["start_time"])
    assert video.rows[-1]["end_time"] == pytest.approx(FRAMES / 15)
    assert (video.stream["num_frames"], video.stream["fps"], video.stream["width"], video.stream["height"]) == (90, 15, 96, 64)
    assert not any(row["reencoded"] for row in video.rows)


def test_a_group_of_pictures_above_the_bound_stays_whole(tmp_path: Path) -> None:
    video, _ = stored(film(tmp_path / "film.mp4"), tmp_path, max_part_bytes=1)
    assert [row["num_frames"] for row in video.rows] == [GROUP] * (FRAMES // GROUP)


def test_a_small_film_is_one_part_and_the_same_bytes_each_time(tmp_path: Path) -> None:
    path = film(tmp_path / "film.mp4")
    (first, again) = (stored(path, tmp_path / name) for name in ("a", "b"))
    assert len(first[1]) == 1
    assert first[1] == again[1]
    assert first[0].rows == again[0].rows
    assert first[0].rows[0]["sha256"] == first[0].rows[0]["video"]


@pytest.mark.parametrize("options", [{"x264-params": "bframes=0"}, {"x264-params": "bframes=3:open-gop=1"}])
def test_a_copy_that_is_made_while_it_is_demuxed_is_the_one_that_is_made_afterwards(
    tmp_path: Path, options: dict[str, str]
) -> None:
    path = film(tmp_path / "film.mp4", "libx264", FRAMES, True, 15, **options)
    writers = [MediaWriter(tmp_path / name, "p.pack") for name in ("meanwhile", "afterwards")]
    meanwhile = store_video(path, "front", writers[0])
    scan = scan_video(path)
    assert scan.copy is None
    afterwards = store_packets(path, scan, scan.packets, "front", writers[1])
    assert (meanwhile.stream, meanwhile.rows) == (afterwards.stream, afterwards.rows)
    assert len(writers[0].added) == 1


def test_the_digest_of_a_source_is_taken_where_it_is_known(tmp_path: Path) -> None:
    path = film(tmp_path / "film.mp4", frames=3)
    found = store_video(path, "front", MediaWriter(tmp_path / "staged", "p.pack"), media_sha256="known")
    assert found.stream["media_sha256"] == "known"


def test_sound_and_metadata_are_dropped(tmp_path: Path) -> None:
    path = film(tmp_path / "film.mp4", audio=True)
    with av.open(str(path)) as container:
        assert container.streams.audio
        assert container.metadata["title"] == "private title"
    _, parts = stored(path, tmp_path)
    (copy,) = parts_on_disk(parts, tmp_path)
    with av.open(str(copy)) as container:
        assert [stream.type for stream in container.streams] == ["video"]
        assert "title" not in container.metadata
    assert b"private title" not in parts[0]
    assert pictures(copy) == pictures(path)


def test_a_film_of_one_frame_has_a_length(tmp_path: Path) -> None:
    video, _ = stored(film(tmp_path / "film.mp4", frames=1), tmp_path)
    (row,) = video.rows
    assert (row["num_frames"], row["start_time"]) == (1, 0.0)
    assert row["end_time"] == pytest.approx(1 / 15)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_film_that_breaks_off_is_rejected_with_its_counts(tmp_path: Path, share: float) -> None:
    path = film(tmp_path / "film.mp4")
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(Rejected) as rejected:
        stored(path, tmp_path)
    assert rejected.value.code == "video_truncated"
    assert rejected.value.detail is not None
    assert rejected.value.detail["declared"] == FRAMES > rejected.value.detail["found"]
    assert "copy it again" in rejected.value.message


@pytest.mark.parametrize("data", [b"", b"no film at all" * 100, b"\x00\x00\x00\x20ftypisom" + b"\x00" * 500])
def test_what_is_no_film_is_rejected(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "film.mp4").write_bytes(data)
    with pytest.raises(Rejected) as rejected:
        stored(tmp_path / "film.mp4", tmp_path)
    assert rejected.value.code == "video_unreadable"
    with pytest.raises(ValueError, match=r"\S"):
        count_frames(data)


def test_sound_alone_is_no_film(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        sound = container.add_stream("aac", rate=8000)
        samples = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.float32), "fltp", "mono")
        samples.sample_rate = 8000
        container.mux(sound.encode(samples))
        container.mux(sound.encode())
    with pytest.raises(Rejected) as rejected:
        stored(path, tmp_path)
    assert (rejected.value.code, "no video track" in rejected.value.message) == ("video_unreadable", True)
    with pytest.raises(ValueError, match=r"\S"):
        count_frames(path.read_bytes())


def test_nothing_is_left_of_a_film_that_was_rejected(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(b"x")
    with pytest.raises(Rejected):
        stored(tmp_path / "film.mp4", tmp_path)
    assert not list((tmp_path).rglob("staged/*"))


TIMES = np.array([0.0, 0.1, 0.2, 0.4])


@pytest.mark.parametrize(
    ("wanted", "tolerance", "frames"),
    [
        ([0.0, 0.1, 0.2, 0.4], 0.0, [0, 1, 2, 3]),
        ([0.04, 0.06, 0.29, 0.31], 0.1, [0, 1, 2, 3]),
        ([0.05], 0.06, [0]),  # as near to both: the one before
        ([0.3], 0.1 + 1e-9, [2]),
        ([-0.05, 0.45], 0.06, [0, 3]),
        ([-1.0, 0.3, 9.0], 0.05, [None, None, None]),
        ([float("nan")], 1.0, [None]),
        ([], 1.0, []),
    ],
)
def test_the_nearest_frame_within_the_tolerance(wanted: list[float], tolerance: float, frames: list[int | None]) -> None:
    assert nearest_frames(wanted, TIMES, tolerance) == frames


def test_the_nearest_of_none_and_of_one() -> None:
    assert nearest_frames([0.0, 1.0], np.array([]), 9.0) == [None, None]
    assert nearest_frames([0.0, 1.0, 3.0], np.array([1.0]), 1.5) == [0, 0, None]


def test_a_real_recording_is_copied_whole(shared_data: Path, tmp_path: Path) -> None:
    path = next(iter(sorted(shared_data.glob("robot/g1_v21/videos/**/*.mp4"))))
    video, parts = stored(path, tmp_path, max_part_bytes=1_000_000)
    paths = parts_on_disk(parts, tmp_path)
    assert [packet for part in paths for packet in packets(part)] == packets(path)
    assert sum(len(pictures(part)) for part in paths) == len(packets(path)) == video.stream["num_frames"]
