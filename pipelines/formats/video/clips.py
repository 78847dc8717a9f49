"""A clip out of a longer video: by copy where it begins at a key frame, else that clip alone is encoded again.

A copy holds the source's packets byte for byte. What has to be encoded again is x264 at a rate factor at which a person
sees no difference, or lossless for depth, and its rows say so (`videos.reencoded`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av

from pipelines.io.video import Packet, Scan
from pipelines.sources import Rejected

_RATE_FACTOR = "12"
_LOSSLESS_HEVC = ("gray", "gray10le", "gray12le")


def run_between(packets: Sequence[Packet], first: int, last: int) -> tuple[Packet, ...] | None:
    """The packets of the frames shown from `first` to `last` (pts, both included) where they can be copied, else None.

    They can where they stand together in decoding order, begin at a key frame, and none of them is shown before it.
    """
    wanted = [number for number, packet in enumerate(packets) if first <= packet.pts <= last]
    if not wanted:
        return None
    run = tuple(packets[wanted[0] : wanted[-1] + 1])
    whole = len(run) == len(wanted)
    return run if whole and run[0].key and run[0].pts == min(packet.pts for packet in run) else None


def reencode(
    path: Path, scan: Scan, stamps: Sequence[int], target: Path, lossless: bool = False, rate: Fraction | None = None
) -> None:
    """Write the frames shown at `stamps` (pts, ascending; one may occur twice) to `target`, at the same distances from 0.

    With `rate` (frames per second) they stand at even times instead.

    One thread, so that the same frames give the same bytes. Raises Rejected (`video_undecodable`) where a frame is not there.
    """
    with av.open(str(target), "w", options={"fflags": "+bitexact", "movflags": "+faststart"}) as output:
        track: av.VideoStream | None = None
        base = scan.time_base if rate is None else 1 / rate
        for number, frame in _decoded(path, scan, stamps):
            if track is None:
                track = _encoder(
                    output, frame, lossless, Fraction(scan.fps or 30).limit_denominator(1001) if rate is None else rate, base
                )
            if not lossless and track.pix_fmt != frame.format.name:
                frame = frame.reformat(format=track.pix_fmt)
            frame.pts, frame.time_base = stamps[number] - stamps[0] if rate is None else number, base
            frame.pict_type = av.video.frame.PictureType.NONE
            output.mux(track.encode(frame))
        if track is not None:
            output.mux(track.encode())


def lossless_suffix(pix_fmt: str) -> str:
    """The container that a lossless copy of such pictures needs: mp4 where HEVC holds them, else Matroska with FFV1."""
    return ".mp4" if pix_fmt in _LOSSLESS_HEVC else ".mkv"


def pixel_format(path: Path) -> str:
    """The pixel format that the first video track declares."""
    with av.open(str(path)) as container:
        return str(container.streams.video[0].pix_fmt)


def undecodable(path: Path, packets: Sequence[Packet], numbers: Collection[int]) -> list[int]:
    """Those of the frames `numbers` (in the order in which frames are shown) that do not decode to a picture."""
    stamps = sorted(packet.pts for packet in packets)
    failed = []
    with av.open(str(path)) as container:
        track = container.streams.video[0]
        track.codec_context.thread_count = 1  # more threads decode further ahead than one frame needs
        for number in sorted(numbers):
            if not _decodes(container, track, stamps[number]):
                failed.append(number)
    return failed


def _decodes(container: av.container.InputContainer, track: av.VideoStream, stamp: int) -> bool:
    """Whether a seek to a frame, and decoding from its key frame on, gives a picture of that very time."""
    try:
        container.seek(stamp, stream=track)
        for frame in container.decode(track):
            if frame.pts is not None and frame.pts >= stamp:
                return bool(frame.pts == stamp) and not frame.is_corrupt
    except av.FFmpegError:
        pass  # that it cannot be decoded is the answer
    return False


def _decoded(path: Path, scan: Scan, stamps: Sequence[int]) -> Iterator[tuple[int, av.VideoFrame]]:
    """(position in `stamps`, picture) in order; a picture that is wanted twice is given twice."""
    waiting = 0
    with av.open(str(path)) as container:
        track = container.streams.video[0]
        track.thread_type = "AUTO"
        if stamps[0] > min(packet.pts for packet in scan.packets):
            container.seek(stamps[0], stream=track)
        try:
            for frame in container.decode(track):
                stamp = frame.pts  # whoever is given the frame may move it
                while waiting < len(stamps) and stamp == stamps[waiting]:
                    yield waiting, frame
                    waiting += 1
                if waiting == len(stamps):
                    return
        except av.FFmpegError as error:
            raise Rejected("video_undecodable", f"{path.name}: frames cannot be decoded ({error}): copy it again") from error
    raise Rejected(
        "video_undecodable",
        f"{path.name}: the frame at {float(stamps[waiting] * scan.time_base):.6g} s is listed and does not decode: copy it again",
        {"frame_at": float(stamps[waiting] * scan.time_base)},
    )


def _encoder(
    output: av.container.OutputContainer, frame: av.VideoFrame, lossless: bool, rate: Fraction, base: Fraction
) -> av.VideoStream:
    name = frame.format.name
    if lossless and name in _LOSSLESS_HEVC:
        codec, options = "libx265", {"x265-params": "lossless=1:bframes=0:pools=none:frame-threads=1:log-level=none"}
    elif lossless:
        codec, options = "ffv1", {"level": "3"}
    else:
        codec, options = "libx264", {"crf": _RATE_FACTOR, "preset": "fast", "bf": "0"}
        name = name if name in ("yuv420p", "yuv422p", "yuv444p") else "yuv420p"
    track = output.add_stream(codec, rate=rate, options=options)
    assert isinstance(track, av.VideoStream)
    track.width, track.height, track.pix_fmt = frame.width, frame.height, name
    track.time_base = track.codec_context.time_base = base
    track.codec_context.thread_count = 1
    track.codec_context.gop_size = 12
    return track
