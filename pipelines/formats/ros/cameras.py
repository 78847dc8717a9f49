"""The cameras of a bag: their pictures or video packets as they come, then frames per step and figures."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.formats.arrays.pictures import Look, PictureWriter
from pipelines.formats.ros.calibration import Calibrations
from pipelines.formats.ros.clocks import Times, clock_times, gaps, offset_to_steps, taken
from pipelines.formats.ros.fields import CameraTopic, Topics
from pipelines.formats.ros.messages import Received, field_of, frame_of, raw_bytes, stamp_of
from pipelines.formats.ros.pictures import picture_of, video_format
from pipelines.formats.video.look import store_looked_at
from pipelines.io.media import MediaWriter
from pipelines.sources import Rejected

_KEY_UNITS = {"h264": {5}, "h265": {16, 17, 18, 19, 20, 21}, "hevc": {16, 17, 18, 19, 20, 21}}
"""Types of NAL units that make a packet a key frame."""


@dataclass
class Camera:
    """One stream: its entry of `trajectories.streams`, rows, the frame of each step, poses per step, figures."""

    stream: dict[str, Any]
    frames: list[int | None]
    images: list[dict[str, Any]] = field(default_factory=list)
    videos: list[dict[str, Any]] = field(default_factory=list)
    poses: list[list[float] | None] | None = None
    said: dict[str, Any] = field(default_factory=dict)
    clock: dict[str, Any] = field(default_factory=dict)


class CameraTrack:
    """Takes a camera's messages one by one, so that no more than one picture is held."""

    def __init__(self, camera: CameraTopic, media: MediaWriter, scratch: Path, number: int) -> None:
        self.camera, self._media = camera, media
        self.log: list[int] = []
        self.publish: list[int | None] = []
        self.stamps: list[int | None] = []
        self.frame: str | None = camera.frame
        self.left_out: str | None = None
        self._writer = PictureWriter(
            camera.stream, Look(camera.kind, camera.colours, camera.turn, camera.depth_unit), media
        )  # fmt: skip
        self._codec: str | None = None
        self._packets: list[int] = []
        self._early = 0
        self._raw = scratch / f"camera{number}.bits"

    def add(self, received: Received) -> None:
        """One message. Raises Rejected (`image_unreadable`) as `PictureWriter.add`."""
        message = received.message
        codec = video_format(message)
        try:
            if codec:
                if not self._add_packet(raw_bytes(field_of(message, "data")), codec):
                    return
            elif self.left_out is None:
                self._writer.add(picture_of(message), None)
        except ValueError as error:
            where = f"{self.camera.topic}: the message at {received.log_time} ns: {error}"
            if self.camera.kind != "depth":
                raise Rejected("image_unreadable", where) from error
            self.left_out = where
        except Rejected as rejected:
            if rejected.code != "depth_unfit":
                raise
            self.left_out = rejected.message
        self.log.append(received.log_time)
        self.publish.append(received.publish_time)
        self.stamps.append(stamp_of(message))
        self.frame = self.frame or frame_of(message)

    def finish(self, topics: Topics, steps: Times, calibrations: Calibrations) -> Camera | None:
        """The stream; None where its depth was left out (see `left_out`).

        Raises Rejected: `clock_missing`, and as `store_looked_at` and `Calibrations.apply`.
        """
        if self.left_out is not None:
            return None
        try:
            times, clock = clock_times(self.log, self.publish, self.stamps, topics.clocks.get(self.camera.topic))
        except ValueError as error:
            raise Rejected("clock_missing", f"{self.camera.topic}: {error}: choose another under `clocks`") from error
        order = np.argsort(times, kind="stable")
        times, start = times[order], int(steps[0])
        intervals = np.diff(times)
        fps = _rate(intervals)
        camera = self._video(times, start) if self._codec else self._images(times, start, order, fps)
        age = self.camera.max_age
        if age is None and len(intervals):
            age = round(float(np.median(intervals)) / 2e9, 9)
        found, sampled = taken(steps, times, self.camera.policy, age)
        camera.frames = [None if index < 0 else int(index) for index in found]
        camera.clock = clock
        camera.said |= {**gaps(times, start), "sampling": sampled, "after_nearest_step": offset_to_steps(times, steps)}
        if self._early:
            camera.said["before_key_frame"] = f"the first {self._early} packets precede a key frame and were left out"
        camera.poses = calibrations.apply(self.camera, self.frame, steps, camera.stream, camera.said)
        return camera

    def _add_packet(self, data: bytes, codec: str) -> bool:
        """Append one packet (Annex B); False for those before the first key frame, which nothing can show."""
        if not self._packets and not _has_key(data, codec):
            self._early += 1
            return False
        self._codec = self._codec or codec
        with self._raw.open("ab") as file:
            file.write(data)
        self._packets.append(len(data))
        return True

    def _images(self, times: Times, start: int, order: Any, fps: float | None) -> Camera:
        rows = [self._writer.rows[index] for index in order]
        for frame, (row, time) in enumerate(zip(rows, times, strict=True)):
            row["frame"], row["timestamp"] = frame, float(time - start) / 1e9
        self._writer.rows[:] = rows
        stored = self._writer.finish(fps)
        return Camera(stored.stream, [], images=stored.rows, said=dict(stored.amiss))

    def _video(self, times: Times, start: int) -> Camera:
        """The packets as a video whose frame times are the messages'; of the pictures a few are looked at."""
        target = self._raw.with_suffix(".mp4")
        _mux(self._raw, target, times, self._codec or "h264", self.camera.topic)
        stored, odd = store_looked_at(target, self.camera.topic, self.camera.stream, self._media)
        shift = float(times[0] - start) / 1e9
        for row in stored.rows:
            row["frame_timestamps"] = [time + shift for time in row["frame_timestamps"]]
            row["start_time"], row["end_time"] = row["start_time"] + shift, row["end_time"] + shift
        stored.stream["start_time"] = shift
        groups = ("open_groups", "longest_group")  # what is odd with times `gaps` says, from the messages
        kept = {name: figure for name, figure in odd.items() if name in groups}
        return Camera(stored.stream, [], videos=stored.rows, said=kept)


def _rate(intervals: Times) -> float | None:
    """Frames per second where the intervals are steady (single gaps apart); None where not."""
    if not len(intervals):
        return None
    median = statistics.median(intervals.tolist())
    steady = median > 0 and (np.abs(intervals - median) <= 0.1 * median).mean() >= 0.9
    return round(1e9 / median, 6) if steady else None


def _has_key(data: bytes, codec: str) -> bool:
    """Whether a packet in Annex B holds a unit that makes it a key frame."""
    at = data.find(b"\0\0\1")
    while 0 <= at < len(data) - 3:
        head = data[at + 3]
        if (head & 31 if codec == "h264" else head >> 1 & 63) in _KEY_UNITS[codec]:
            return True
        at = data.find(b"\0\0\1", at + 3)
    return False


def _mux(raw: Path, target: Path, times: Times, codec: str, topic: str) -> None:
    """Packets of an Annex B stream into mp4 with the messages' times (µs). Raises Rejected (`video_unreadable`)."""
    import av

    try:
        with av.open(str(raw), format="h264" if codec == "h264" else "hevc") as source:
            track = source.streams.video[0]
            packets = [packet for packet in source.demux(track) if packet.size]
            if len(packets) != len(times):
                message = f"{topic}: {len(times)} messages hold {len(packets)} frames; a CompressedVideo message is one frame"
                raise Rejected("video_unreadable", message, {"messages": len(times), "frames": len(packets)})
            with av.open(str(target), "w", options={"fflags": "+bitexact", "movflags": "+faststart"}) as output:
                copy = output.add_stream_from_template(track, opaque=True)
                for packet, time in zip(packets, times, strict=True):
                    packet.time_base = Fraction(1, 1_000_000)
                    packet.pts = packet.dts = int(time - times[0]) // 1000
                    packet.stream = copy
                    output.mux(packet)
    except (av.FFmpegError, IndexError, ValueError) as error:
        raise Rejected("video_unreadable", f"{topic}: its packets are no {codec} stream ({error})") from error
