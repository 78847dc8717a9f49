"""Video without decoding: the container's own frame times, and stream copies in parts.

Packets are the source's own, byte for byte; the copy drops audio, other tracks and metadata (they hold private things),
and is cut into parts at key frames so that one part fits in a Parquet cell.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
import numpy.typing as npt

from pipelines.io.media import MAX_PART_BYTES, MediaWriter, sha256_of
from pipelines.sources import Rejected

_IN_MP4 = ("h264", "hevc", "av1", "vp9", "mpeg4", "mpeg2video", "mjpeg")


class Packet(NamedTuple):
    """One packet of a video track: times in units of the track's time base, `size` in bytes, `key` for a key frame."""

    pts: int
    dts: int
    size: int
    key: bool


@dataclass(frozen=True, slots=True)
class Scan:
    """What demuxing tells of a video file: `packets` of its first track in decoding order, and the container's words.

    `fps`: the container's average; `time_base` in seconds; `copy`: a copy of all packets as one part, where one was made
    meanwhile.
    """

    packets: tuple[Packet, ...]
    time_base: Fraction
    codec: str
    fps: float | None
    width: int
    height: int
    copy: Path | None = field(default=None, compare=False, repr=False)

    @property
    def times(self) -> npt.NDArray[np.float64]:
        """Seconds of each frame in the container's clock, ascending."""
        return self.seconds(self.packets)

    def seconds(self, packets: Sequence[Packet], origin: int = 0) -> npt.NDArray[np.float64]:
        """Seconds of some packets in the order in which they are shown, from `origin` (in time base units)."""
        ticks = np.sort(np.array([p.pts - origin for p in packets], np.int64)).astype(np.float64)
        return np.asarray(ticks * float(self.time_base), np.float64)


@dataclass(frozen=True, slots=True)
class StoredVideo:
    """A video that was staged.

    `stream`: its entry of `trajectories.streams`; `rows`: its rows of `videos` (without trajectory_id);
    `frame_timestamps`: float64 seconds of each frame in the container's clock, ascending.
    """

    stream: dict[str, Any]
    rows: list[dict[str, Any]]
    frame_timestamps: npt.NDArray[np.float64]


def store_video(
    path: Path, stream: str, media: MediaWriter, max_part_bytes: int = MAX_PART_BYTES, media_sha256: str | None = None
) -> StoredVideo:
    """Stream-copy the first video track of `path` into parts and stage them.

    A group of pictures above `max_part_bytes` stays whole. `media_sha256`: of the file, where it is known already. Raises
    Rejected: `video_unreadable`, `video_truncated`, `video_empty`.
    """
    with media.scratch() as folder:
        one_part = path.exists() and path.stat().st_size <= max_part_bytes
        scan = scan_video(path, folder if one_part else None)
        return store_packets(path, scan, scan.packets, stream, media, media_sha256=media_sha256, max_part_bytes=max_part_bytes)


def store_packets(
    path: Path,
    scan: Scan,
    packets: Sequence[Packet],
    stream: str,
    media: MediaWriter,
    *,
    origin: int = 0,
    reencoded: bool = False,
    media_sha256: str | None = None,
    max_part_bytes: int = MAX_PART_BYTES,
) -> StoredVideo:
    """Stage a run of a file's packets (in decoding order, from a key frame on) as parts, stream-copied.

    Times are those of the container from `origin` (in time base units) on. `reencoded`: whether `path` is a copy of ours
    that was encoded again. `media_sha256`: of the source's file, where it is known already.
    """
    times = scan.seconds(packets, origin)
    whole = sum(packet.size for packet in packets) <= max_part_bytes
    parts = [packets] if whole else list(_cut(packets, max_part_bytes))
    last = float(np.median(np.diff(times))) if len(times) > 1 else 1 / float(scan.fps or 1)
    said = {"codec": scan.codec, "fps": scan.fps, "width": scan.width, "height": scan.height}
    rows = []
    made = scan.copy if packets is scan.packets and whole and scan.copy is not None and scan.copy.exists() else None
    with ExitStack() as closing:
        if made is not None:
            copies = [made]
        else:
            folder = closing.enter_context(media.scratch())
            copies = _copy(path, packets, [part[0].dts for part in parts[1:]], folder)
        for number, (part, copy) in enumerate(zip(parts, copies, strict=True)):
            stamps = times if whole else scan.seconds(part, origin)
            rows.append(
                {
                    "stream": stream,
                    "part": number,
                    "start_time": float(stamps[0]),
                    "end_time": float(stamps[-1] + last),
                    "video": media.add_file(copy, copy.suffix),
                    "frame_timestamps": stamps.tolist(),
                    **said,
                    "num_frames": len(part),
                    "reencoded": reencoded,
                }
            )
            rows[-1]["sha256"] = rows[-1]["video"]
    entry = {
        "name": stream,
        "kind": "video",
        "media_sha256": media_sha256 or sha256_of(path),
        **said,
        "num_frames": len(times),
        "start_time": float(times[0]),
    }
    return StoredVideo(entry, rows, times)


def nearest_frames(
    times: Sequence[float] | npt.NDArray[np.float64], frame_times: npt.NDArray[np.float64], tolerance: float
) -> list[int | None]:
    """The frame nearest to each time, or None where none lies within `tolerance`; all in seconds of one clock."""
    wanted = np.asarray(times, np.float64)
    if not len(frame_times):
        return [None] * len(wanted)
    right = np.clip(np.searchsorted(frame_times, wanted), 1, max(1, len(frame_times) - 1))
    left = right - 1
    right = np.minimum(right, len(frame_times) - 1)
    nearest = np.where(np.abs(frame_times[left] - wanted) <= np.abs(frame_times[right] - wanted), left, right)
    near = np.abs(frame_times[nearest] - wanted) <= tolerance
    return [int(frame) if ok else None for frame, ok in zip(nearest, near, strict=True)]


def scan_video(path: Path, copy_to: Path | None = None) -> Scan:
    """All packets of the first video track in decoding order, and what the container says of it.

    `copy_to`: a folder to which they are copied at the same time, as one part: a file is then demuxed once, not twice. Raises
    Rejected: `video_unreadable`, `video_truncated`, `video_empty`.
    """
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise Rejected("video_unreadable", f"{path.name} has no video track")
            track = container.streams.video[0]
            if track.codec_context is None:  # a codec that FFmpeg does not know, or a fault in its four letters
                raise Rejected("video_unreadable", f"{path.name} is of a codec that is not known: copy it again")
            parts = None if copy_to is None else _Parts(copy_to, track)
            packets = []
            for packet in container.demux(track):
                if packet.size:
                    pts, dts = packet.pts, packet.dts
                    shown, decoded = pts if pts is not None else dts or 0, dts if dts is not None else pts or 0
                    packets.append(Packet(shown, decoded, packet.size, packet.is_keyframe))
                    if parts is not None and not parts.took(packet):
                        parts = None  # whoever copies it later says what is wrong
            if parts is not None and not parts.took(None):
                parts = None
            scan = Scan(
                tuple(packets),
                track.time_base or Fraction(1, 1000),
                track.codec_context.codec.canonical_name,
                float(track.average_rate) if track.average_rate else None,
                track.codec_context.width,
                track.codec_context.height,
                parts.paths[0] if parts is not None and parts.paths else None,
            )
            declared = track.frames
    except (av.FFmpegError, OSError, UnicodeDecodeError) as error:
        raise Rejected("video_unreadable", f"{path.name} cannot be opened as a video ({error}): copy it again") from error
    if not packets:
        raise Rejected("video_empty", f"{path.name} holds no frame")
    if declared > len(packets):
        raise Rejected(
            "video_truncated",
            f"{path.name} lists {declared} frames and holds {len(packets)}: the copy broke off, copy it again",
            {"declared": declared, "found": len(packets)},
        )
    return scan


def _cut(packets: Sequence[Packet], max_bytes: int) -> Iterator[list[Packet]]:
    """Runs of packets that begin at a key frame and hold at most `max_bytes`, where a group of pictures allows it.

    An open group, which has pictures shown before its key frame, stays with the one before: those cannot be decoded alone.
    """
    groups: list[list[Packet]] = []
    shown = np.minimum.accumulate([packet.pts for packet in reversed(packets)])[::-1]  # the first that is shown from here on
    for packet, first in zip(packets, shown, strict=True):
        if not groups or (packet.key and packet.pts <= first):
            groups.append([])
        groups[-1].append(packet)
    run: list[Packet] = []
    size = 0
    for group in groups:
        weight = sum(packet.size for packet in group)
        if run and size + weight > max_bytes:
            yield run
            run, size = [], 0
        run += group
        size += weight
    yield run


def _copy(path: Path, packets: Sequence[Packet], borders: Sequence[int], folder: Path) -> list[Path]:
    """Copy a run of packets into a file per part; a part begins at the packet whose dts is the next border."""
    with av.open(str(path)) as source:
        track = source.streams.video[0]
        parts = _Parts(folder, track)
        waiting = list(borders)
        for packet in demux_run(source, track, packets):
            if waiting and (packet.dts if packet.dts is not None else packet.pts or 0) == waiting[0]:
                parts.close()
                waiting.pop(0)
            parts.add(packet)
        parts.close()
    return parts.paths


class _Parts:
    """Copies of a track's packets in files, one after another; the times of each begin at 0."""

    def __init__(self, folder: Path, track: av.VideoStream) -> None:
        self.paths: list[Path] = []
        self._folder, self._track = folder, track
        self._suffix = ".mp4" if track.codec_context.codec.canonical_name in _IN_MP4 else ".mkv"
        self._output: av.container.OutputContainer | None = None
        self._origin = 0

    def add(self, packet: av.Packet[av.VideoStream]) -> None:
        """Append a packet, which is changed by it; the first one after `close` begins a file."""
        pts, dts = packet.pts, packet.dts
        if dts is None:
            dts = pts or 0
        if self._output is None:
            self.paths.append(self._folder / f"part{len(self.paths)}{self._suffix}")
            self._output, self._stream = open_copy(self.paths[-1], self._track)
            self._origin = pts if pts is not None else dts
        packet.pts, packet.dts = None if pts is None else pts - self._origin, dts - self._origin
        packet.stream = self._stream
        self._output.mux(packet)

    def took(self, packet: av.Packet[av.VideoStream] | None) -> bool:
        """Append a packet, or (None) end the file; False, and nothing is left open, where that cannot be."""
        try:
            if packet is None:
                self.close()
            else:
                self.add(packet)
        except (av.FFmpegError, ValueError, OverflowError):
            with suppress(av.FFmpegError, ValueError):
                self.close()
            return False
        return True

    def close(self) -> None:
        """End the file that is open."""
        output, self._output = self._output, None
        if output is not None:
            output.close()


def demux_run(
    source: av.container.InputContainer, track: av.VideoStream, packets: Sequence[Packet]
) -> Iterator[av.Packet[av.VideoStream]]:
    """The packets of a run that begins at a key frame, in decoding order; what lies before it is jumped over."""
    first = packets[0]
    if first.key and first.pts > 0:
        source.seek(first.pts, stream=track)  # to that key frame, or one before
    left = len(packets)
    started = False
    for packet in source.demux(track):
        if not packet.size:
            continue
        dts = packet.dts if packet.dts is not None else packet.pts or 0
        started = started or dts == first.dts
        if started:
            yield packet
            left -= 1
        if not left:
            return


def open_copy(path: Path, track: av.VideoStream) -> tuple[av.container.OutputContainer, av.VideoStream]:
    """An output whose bytes depend on the packets alone."""
    output = av.open(str(path), "w", options={"fflags": "+bitexact", "movflags": "+faststart"})
    copy = output.add_stream_from_template(track, opaque=True)
    copy.metadata.clear()
    copy.time_base = track.time_base
    return output, copy


def count_frames(data: bytes) -> int:
    """Frames (packets with content) of the first video track. Raises ValueError where it is no video."""
    try:
        with av.open(io.BytesIO(data), "r") as container:
            return sum(packet.size > 0 for packet in container.demux(video=0))
    except (av.FFmpegError, IndexError) as error:
        raise ValueError(str(error)) from error
