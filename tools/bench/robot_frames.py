"""What annotators of pictures are measured by: one film as they see it, and the bare decoding that they are held against.

Two of them are made for this: they take every picture as an annotator does and do next to nothing with it, so that what is
measured is the way to a picture. The others are our own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pyarrow as pa
from av.video.reformatter import VideoReformatter

from annotators.frames import Grey
from annotators.protocol import annotator
from annotators.streams import greys_of, pictures_of
from annotators.trajectory import TrajectoryView
from pipelines.io.media import MediaWriter
from pipelines.io.video import store_video
from schemas.arrow import columns_of, stored_schema, table_from_columns, table_from_rows

STREAM = "front"
SEED_EVERY = 60
"""Frames after which a box is given anew: a box that is lost costs nothing, and a made picture is easily lost."""


def film_view(clip: Path, folder: Path, frames: int) -> TrajectoryView:
    """The first frames of a clip as a trajectory of one camera, a step per frame; its gripper closes and opens."""
    stored = store_video(clip, STREAM, MediaWriter(folder, "pack"))
    (row,) = stored.rows
    place = next((folder / "media").rglob(f"{row['video']}.*"))
    numbers = np.arange(frames)
    opening = np.clip(np.abs(numbers - frames / 2) / (frames / 4) - 0.5, 0, 1)
    reach = np.sin(numbers / frames * np.pi)
    steps = {
        "trajectory_id": ["s/0"] * frames,
        "step": numbers.tolist(),
        "timestamp": (numbers / 30).tolist(),
        "state": [[float(x), float(x) / 2, float(grip)] for x, grip in zip(reach, opening, strict=True)],
        "gripper": opening.tolist(),
        "frames": [[n] for n in numbers.tolist()],
    }
    header = {
        "trajectory_id": "s/0",
        "native_id": "0",
        "domain": "robot",
        "num_steps": frames,
        "fps": 30.0,
        "state_names": ["x", "y", "gripper"],
        "streams": [stored.stream | {"num_frames": frames}],
    }
    tables: dict[str, pa.Table] = {
        "robot_steps": table_from_columns(stored_schema("robot_steps", columns_of("robot_steps")), steps, frames),
        "videos": table_from_rows(stored_schema("videos", columns_of("videos")), [row | {"num_frames": frames}]),
    }
    return TrajectoryView(header, tables, lambda _: place.read_bytes(), lambda _: nullcontext(place))


def raw_of(clip: Path, form: str, frames: int) -> int:
    """The plain work: decode in one thread and give each picture the form; returns how many values."""
    reformatter = VideoReformatter()
    done = size = 0
    with av.open(str(clip)) as container:
        track = container.streams.video[0]
        track.codec_context.thread_count = 1
        for frame in container.decode(track):
            if form == "rgb24":
                picture = reformatter.reformat(frame, format="rgb24").to_ndarray()
            else:
                plane = frame.planes[0]
                picture = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[:, : frame.width]
            size += picture.size
            done += 1
            if done == frames:
                break
    return size


def changes(view: TrajectoryView) -> list[float]:
    """The mean difference of each picture's luma from the one before."""
    found = []
    before: Grey | None = None
    for grey in greys_of(view, STREAM):
        found.append(0.0 if before is None else float(cv2.norm(grey, before, cv2.NORM_L1)) / grey.size)
        before = grey
    return found


def colours(view: TrajectoryView) -> list[Sequence[float]]:
    """The mean colour of some pixels of each picture."""
    few = (16, 12)
    return [cv2.mean(cv2.resize(picture, few, interpolation=cv2.INTER_NEAREST))[:3] for picture in pictures_of(view, STREAM)]


def proposed(name: str) -> Callable[[TrajectoryView], int]:
    """How many annotations one of our annotators proposes, given boxes of the middle of the picture."""

    def propose(view: TrajectoryView) -> int:
        (stream,) = view.header["streams"]
        middle = stream["width"] / 2, stream["height"] / 2
        box = [middle[0] - 40, middle[1] - 40, middle[0] + 40, middle[1] + 40]
        seed: Mapping[str, Any] = {"stream": STREAM, "label": "gripper", "box": box}
        seeds = [{**seed, "frame": frame} for frame in range(0, view.num_steps, SEED_EVERY)]
        return len(list(annotator(name, {"seeds": {"*": seeds}}).propose(view)))

    return propose


FRAMES: tuple[tuple[str, str, Callable[[TrajectoryView], object]], ...] = (
    ("luma that differs (made for this)", "luma", changes),
    ("mean colour (made for this)", "rgb24", colours),
    ("robot.flow_track", "luma", proposed("robot.flow_track")),
    ("robot.gripper_key_frames", "luma", proposed("robot.gripper_key_frames")),
)
"""What is measured: its name, the form of picture it uses, and the work."""
