"""Videos of one camera, joined into files as LeRobot v3.0 has them, or one file per episode as v2.1.

Packets are copied as they are: an episode's times are moved by one offset, to behind the episode before it, and nothing
else of them changes. LeRobot asks for the frame at `from_timestamp + frame_index / fps` within 0.1 ms; where the
container's own frame times give every step its frame there, the packets are copied whole, also where more frames stand
before, between or after. Else (dropped or doubled frames, an uneven clock) that clip alone is encoded again at even times.

A file holds one kind of packets: another codec, size, time base or header begins a new file, as does the size limit.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from pipelines.export.report import CannotHold
from pipelines.formats.video.clips import lossless_suffix, reencode
from pipelines.formats.video.timing import TOLERANCE
from pipelines.io.video import open_copy, scan_video


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a stored video: its bytes, and the container time of its first frame in seconds."""

    data: bytes
    start: float


@dataclass(frozen=True, slots=True)
class Place:
    """Where an episode's clip lies: chunk, file, and its seconds `[start, end)`; `why` it was encoded again, if it was."""

    chunk: int
    file: int
    start: float
    end: float
    why: str | None


@dataclass
class VideoWriter:
    """Writes the clips of one camera in order of episode. `template` has the fields of LeRobot's `video_path`.

    `joined`: many episodes in a file (v3.0), or one (v2.1; then `from_timestamp` is 0 and a clip that begins later than its
    video is encoded again).
    """

    folder: Path
    key: str
    template: str
    fps: float
    joined: bool
    max_bytes: int
    chunks_size: int
    lossless: bool = False
    info: dict[str, Any] = field(default_factory=dict)
    _output: av.container.OutputContainer | None = None
    _track: av.VideoStream | None = None
    _kind: tuple[Any, ...] = ()
    _end: int = 0
    _last_dts: int | None = None
    _size: int = 0
    _number: int = -1

    def add(self, episode: int, parts: Sequence[Part], frames: Sequence[int | None], stamps: Sequence[float]) -> Place:
        """Append an episode: `frames` of its steps, and the container's time of every frame of the stream (seconds).

        Raises CannotHold (`frame_missing`, `video_unfit`).
        """
        missing = [step for step, frame in enumerate(frames) if frame is None]
        if missing:
            raise CannotHold(
                "frame_missing",
                f"{self.key} has no frame for {len(missing)} of {len(frames)} steps (the first is {missing[0]}); LeRobot needs "
                "one for every row: leave the camera or the steps out in the source",
            )
        shown = np.asarray(stamps, np.float64)[np.asarray(frames, np.int64)]
        late = float(shown[0] - stamps[0])
        why = self._uneven(shown, late)
        try:
            if why is not None:
                with tempfile.TemporaryDirectory() as scratch:
                    data = self._encoded(parts, [int(frame) for frame in frames if frame is not None], Path(scratch))
                parts, late = [Part(data, 0.0)], 0.0
            where = self._copy(episode, parts, sum(len(part.data) for part in parts))
        except CannotHold:
            self.close()  # what was begun stays behind the last whole clip, and the next one begins a new file
            raise
        start = float(where * self._base) + late
        return Place(*self._place(episode), start, start + len(frames) / self.fps, why)

    def close(self) -> None:
        """Finish the file that is open."""
        if self._output is not None:
            self._output.close()
        self._output = self._track = None

    def _uneven(self, shown: np.ndarray[Any, np.dtype[np.float64]], late: float) -> str | None:
        """Why the frames do not stand where LeRobot looks for them; None where they do."""
        if not self.joined and late > TOLERANCE / 2:
            return f"the first step's frame is {late:.6g} s after the video's first"
        off = np.abs(shown - shown[0] - np.arange(len(shown)) / self.fps)
        if float(off.max()) <= TOLERANCE / 2:
            return None
        worst = int(off.argmax())
        count = int((off > TOLERANCE / 2).sum())
        return f"{count} of {len(shown)} frames are not at step / {self.fps:g} s, step {worst} is {off[worst]:.6g} s off"

    def _copy(self, episode: int, parts: Sequence[Part], size: int) -> int:
        """Append packets; the tick at which the clip begins in its file."""
        begin: int | None = None
        for part in parts:
            with av.open(io.BytesIO(part.data), "r") as source:
                track = source.streams.video[0]
                if begin is None:
                    self._file_for(episode, track, size)
                    begin = self._end
                    base = Fraction(track.time_base or 0)
                elif _kind(track) != self._kind:
                    raise CannotHold(
                        "video_unfit", f"{self.key}: the parts of one video are not of one kind; read the source again"
                    )
                shift = begin + round((part.start - parts[0].start) / base)
                self._mux(source, track, shift)
        assert begin is not None
        return begin

    def _mux(self, source: av.container.InputContainer, track: av.VideoStream, shift: int) -> None:
        assert self._output is not None
        assert self._track is not None
        last, ticks = self._end, round(1 / (Fraction(self.fps).limit_denominator(1001) * self._base))
        for packet in source.demux(track):
            if not packet.size:
                continue
            pts = packet.pts if packet.pts is not None else packet.dts or 0
            dts = packet.dts if packet.dts is not None else pts
            packet.pts, packet.dts = pts + shift, dts + shift
            if (
                self._last_dts is not None and packet.dts <= self._last_dts
            ):  # a decoding order that reaches back: only it is moved
                packet.dts = self._last_dts + 1
            if packet.dts > packet.pts:
                raise CannotHold(
                    "video_unfit", f"{self.key}: decoding and showing order cross; encode the source with fewer B-frames"
                )
            self._last_dts = packet.dts
            last = max(last, packet.pts + max(ticks, 1))
            self._size += packet.size
            packet.stream = self._track
            self._output.mux(packet)
        self._end = last

    def _file_for(self, episode: int, track: av.VideoStream, size: int) -> None:
        """Have a file open that takes this kind of packets."""
        kind = _kind(track)
        full = self._size + size > self.max_bytes
        if self._output is None or not self.joined or full or kind != self._kind:
            self.close()
            self._number += 1
            self._kind, self._end, self._size, self._last_dts = kind, 0, 0, None
            path = self.folder / self._name(episode)
            path.parent.mkdir(parents=True, exist_ok=True)
            self._output, self._track = open_copy(path, track)
        if not self.info:
            self.info = _info(track, self.fps)

    def _encoded(self, parts: Sequence[Part], frames: Sequence[int], scratch: Path) -> bytes:
        """The chosen frames, one per step, at even times. Parts are first joined by copy, so that frames number on."""
        whole = VideoWriter(scratch, "whole", "whole.mp4", self.fps, False, 1 << 62, 1)
        whole._copy(0, parts, 0)
        whole.close()
        path = scratch / "whole.mp4"
        scan = scan_video(path)
        shown = sorted(packet.pts for packet in scan.packets)
        with av.open(str(path)) as container:
            pix_fmt = str(container.streams.video[0].pix_fmt)
        if self.lossless and lossless_suffix(pix_fmt) != ".mp4":
            raise CannotHold("depth_unfit", f"{self.key}: depth of {pix_fmt} cannot be encoded again without loss in an mp4")
        even = scratch / "even.mp4"
        reencode(
            path, scan, [shown[frame] for frame in frames], even, self.lossless, Fraction(self.fps).limit_denominator(1001)
        )
        return even.read_bytes()

    @property
    def _base(self) -> Fraction:
        return Fraction(self._kind[-1])

    def _place(self, episode: int) -> tuple[int, int]:
        number = self._number if self.joined else episode
        return number // self.chunks_size, number % self.chunks_size

    def _name(self, episode: int) -> str:
        chunk, file = self._place(episode)
        values = {"video_key": self.key, "chunk_index": chunk, "file_index": file}
        return self.template.format(**values, episode_chunk=chunk, episode_index=episode)


def _kind(track: av.VideoStream) -> tuple[Any, ...]:
    """What packets of one file share; the time base stands last."""
    context = track.codec_context
    return context.name, bytes(context.extradata or b""), context.width, context.height, context.pix_fmt, track.time_base


def _info(track: av.VideoStream, fps: float) -> dict[str, Any]:
    """The info block of a video feature, as lerobot writes it."""
    context = track.codec_context
    grey = str(context.pix_fmt).startswith("gray")
    return {
        "video.height": context.height,
        "video.width": context.width,
        "video.codec": context.codec.canonical_name,
        "video.pix_fmt": context.pix_fmt,
        "video.is_depth_map": False,
        "video.fps": int(fps) if float(fps).is_integer() else fps,
        "video.channels": 1 if grey else 3,
        "has_audio": False,
    }
