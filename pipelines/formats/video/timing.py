"""What the frame times of a video say against a stated rate, in figures: nothing where they agree.

Frame times are the container's own, never `number / fps`. A camera that dropped a frame leaves a gap of a whole interval
in them, one that doubled a frame leaves an interval near zero, and a clock that runs fast or slow shows as drift.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.io.video import Packet

TOLERANCE = 1e-4
"""Seconds by which times may differ from what they should be: LeRobot's own `tolerance_s`."""
LONGEST_GROUP = 250
"""Frames from key frame to key frame above which a random frame is slow to reach (the default of x264)."""


def timing(times: npt.NDArray[np.float64], fps: float) -> dict[str, Any]:
    """Figures of what is amiss; `times` in seconds, ascending, `fps` what they should follow.

    `first_frame_at`: seconds of a first frame that is not at 0. `drift`: seconds that the last frame is off its place,
    where that is half an interval or more. `dropped`: frames that the gaps have room for. `doubled`: frames less than half
    an interval after the one before. `variable_rate`: shortest and longest interval in seconds, where they differ by more
    than the tolerance and the interval's own tenth.
    """
    said: dict[str, Any] = {}
    if not len(times):
        return said
    if abs(times[0]) > TOLERANCE:
        said["first_frame_at"] = round(float(times[0]), 6)
    if len(times) < 2:
        return said
    interval = 1 / fps
    steps = np.diff(times)
    drift = float(times[-1] - times[0] - (len(times) - 1) * interval)
    if abs(drift) >= interval / 2:
        said["drift"] = round(drift, 6)
    dropped = int(np.maximum(np.rint(steps / interval) - 1, 0).sum())
    if dropped:
        said["dropped"] = dropped
    doubled = int((steps < interval / 2).sum())
    if doubled:
        said["doubled"] = doubled
    if float(steps.max() - steps.min()) > max(TOLERANCE, interval / 10):
        said["variable_rate"] = [round(float(steps.min()), 6), round(float(steps.max()), 6)]
    return said


def groups(packets: Sequence[Packet]) -> dict[str, Any]:
    """Figures of groups of pictures that hinder cutting and seeking; `packets` in decoding order.

    `first_is_key` false: nothing before the first key frame can be decoded. `open_groups`: groups with pictures shown before
    their key frame, at which nothing can be cut by copy. `longest_group` in frames, above `LONGEST_GROUP`.
    """
    keys = [number for number, packet in enumerate(packets) if packet.key]
    said: dict[str, Any] = {}
    if not packets:
        return said
    if not packets[0].key:
        said["first_is_key"] = False
    shown = np.minimum.accumulate([packet.pts for packet in reversed(packets)])[::-1]
    opened = sum(bool(packets[number].pts > shown[number]) for number in keys[1:])
    if opened:
        said["open_groups"] = opened
    longest = int(np.diff([*keys, len(packets)]).max()) if keys else len(packets)
    if longest > LONGEST_GROUP:
        said["longest_group"] = longest
    return said


def binding(frames: Sequence[int | None], found: int) -> dict[str, Any]:
    """Figures of a step → frame map that is not one to one; `found` frames are in the stream.

    `steps_without_frame` and the first of them; `frames_twice`: steps that show the frame of the step before;
    `frames_unused`: frames that no step shows.
    """
    without = [step for step, frame in enumerate(frames) if frame is None]
    shown = [frame for frame in frames if frame is not None]
    if found == len(frames) and not without and len(set(shown)) == len(shown):
        return {}
    said: dict[str, Any] = {"rows": len(frames), "frames": found, "steps_without_frame": len(without)}
    if without:
        said["first_step_without_frame"] = without[0]
    if twice := len(shown) - len(set(shown)):
        said["frames_twice"] = twice
    if shown and (unused := found - len(set(shown))):
        said["frames_unused"] = unused
    return said
