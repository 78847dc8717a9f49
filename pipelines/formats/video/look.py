"""A few frames of a video decoded: a file whose packets are all there may still hold what no decoder takes."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.formats.video.clips import undecodable
from pipelines.formats.video.timing import groups, timing
from pipelines.io.media import MediaWriter
from pipelines.io.video import Packet, StoredVideo, scan_video, store_packets
from pipelines.sources import Rejected

FRAMES = 3
"""Frames that are looked at where a reader has no option for it."""


def look(path: Path, name: str, packets: Sequence[Packet], count: int = FRAMES) -> None:
    """Decode the first and the last frame and some at random (the same ones each time), `count` in all.

    `packets`: of the frames, in decoding order. A file that does not begin with a key frame is not looked at: what lies
    before it cannot be shown, which `timing.groups` says. Raises Rejected (`video_undecodable`); `name` is the file's in it.
    """
    frames = len(packets)
    if not count or not packets[0].key:
        return
    chosen = {0, frames - 1} if count > 1 else {0}
    chosen |= set(random.Random(frames).sample(range(frames), min(frames, max(0, count - 2))))
    failed = undecodable(path, packets, chosen)
    if failed:
        raise Rejected(
            "video_undecodable",
            f"{name}: frame {failed[0]} of {frames} does not decode to a picture of its time ({len(failed)} of {len(chosen)} that "
            "were tried): the file is damaged, copy it again",
            {"frames": failed, "tried": sorted(chosen)},
        )


def store_looked_at(path: Path, name: str, stream: str, media: MediaWriter) -> tuple[StoredVideo, dict[str, Any]]:
    """A whole file staged by stream copy after a look, and figures of what is amiss with its times and groups of pictures.

    The times are held against the median interval, since nothing else states a rate. Raises Rejected as `scan_video` and `look`.
    """
    scan = scan_video(path)
    look(path, name, scan.packets)
    stored = store_packets(path, scan, scan.packets, stream, media)
    times = stored.frame_timestamps
    interval = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    return stored, (timing(times, 1 / interval) if interval > 0 else {}) | groups(scan.packets)
