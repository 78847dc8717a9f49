"""What an action changed on the screen: this step's screenshot against the next one's, pixel by pixel.

A pixel has changed where any channel differs by more than `threshold` of 255. The share counts such pixels. The box goes
around them; in frames of a video only around patches at least `speck` pixels wide and high, since a codec leaves single
pixels on a still screen (measured: without it the box around a menu covered 80 % of the screen). A clock in a corner is a
change and widens the box. Steps without a value: the last, those where one of the two screenshots is missing
or cannot be decoded, those whose screenshots differ in size. A screenshot that does not show exactly the frame (a whole
page, say) gives a share but no box, since its pixels cannot be placed in the frame.

Two pictures are held at a time, whatever the length of the trajectory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import cv2
import numpy as np
import numpy.typing as npt

from ..annotation import Annotation
from ..protocol import Requires
from ..trajectory import TrajectoryView

Box = tuple[float, float, float, float]
Image = npt.NDArray[np.uint8]

SAME_SCALE = 0.02
"""How far the scale of an axis may lie from the recorded one: a screen of odd size is rounded when it is made a video."""


@dataclass(frozen=True)
class StateChange:
    """`threshold`: 0 to 255; a pixel has changed where a channel differs by more. `speck`: pixels, for frames of a video."""

    name: ClassVar[str] = "gui.state_change"
    version: ClassVar[str] = "1"
    producer_type: ClassVar[str] = "signal"
    emits: ClassVar[tuple[str, ...]] = ("change", "changed_region")
    requires: ClassVar[Requires] = Requires("gui", columns=("screenshot",), frames=True)
    deterministic: ClassVar[bool] = True

    threshold: int = 24
    speck: int = 3

    def propose(self, trajectory: TrajectoryView) -> Iterator[Annotation]:
        """One series of shares over the trajectory, and a box per step after which something changed."""
        steps: list[int] = []
        shares: list[float] = []
        columns = ["step", "screenshot", "screenshot_taken", "frame_width", "frame_height", "scale"]
        rows = trajectory.steps.select(columns).to_pylist()
        before: Image | None = None
        for row, following in pairwise(rows):
            first, second = row["screenshot"], following["screenshot"]
            if first is not None and first == second:
                steps.append(row["step"])
                shares.append(0.0)
                continue
            before = _decode(trajectory, first) if before is None else before
            after = _decode(trajectory, second)
            if before is not None and after is not None and before.shape == after.shape:
                speck = self.speck if "video" in (row["screenshot_taken"], following["screenshot_taken"]) else 1
                share, box = difference(before, after, self.threshold, speck)
                steps.append(row["step"])
                shares.append(share)
                placed = in_frame(box, before.shape[1], before.shape[0], row) if box else None
                if placed is not None:
                    yield _region(row, placed)
            before = after
        if steps:
            yield Annotation(
                "change",
                {
                    "steps": steps,
                    "values": shares,
                    "unit": "share of pixels",
                    "estimator": f"any channel differs by more than {self.threshold}",
                },
                0,
                trajectory.num_steps,
            )


def difference(before: Image, after: Image, threshold: int, speck: int = 1) -> tuple[float, Box | None]:
    """(share of changed pixels, smallest box around them or None) of two height × width × 3 images of one size.

    The box leaves out patches smaller than `speck` pixels in width or height; it is in image pixels, maxima exclusive.
    """
    changed = (cv2.absdiff(before, after).max(axis=2) > threshold).astype(np.uint8)
    count = int(cv2.countNonZero(changed))
    patches = cv2.morphologyEx(changed, cv2.MORPH_OPEN, np.ones((speck, speck), np.uint8)) if speck > 1 else changed
    if not cv2.countNonZero(patches):
        return count / changed.size, None
    x, y, width, height = cv2.boundingRect(patches)
    return count / changed.size, (float(x), float(y), float(x + width), float(y + height))


def in_frame(box: Box, width: int, height: int, row: Mapping[str, Any]) -> Box | None:
    """A box of a screenshot of `width` × `height` pixels in frame pixels; None where the two cannot be matched.

    Each axis has its own factor: 1366 × 768 became 1276 × 718 in a video, which is 0.9341 and 0.9349.
    """
    frame_width, frame_height, scale = row["frame_width"], row["frame_height"], row["scale"]
    if not frame_width or not frame_height:
        return None
    x, y = width / frame_width, height / frame_height
    if any(abs(axis / (scale or x) - 1) > SAME_SCALE for axis in (x, y)):
        return None
    return box[0] / x, box[1] / y, box[2] / x, box[3] / y


def _decode(trajectory: TrajectoryView, sha256: str | None) -> Image | None:
    """Pixels as height × width × 3; None for no screenshot or bytes that are no image."""
    if sha256 is None:
        return None
    image = cv2.imdecode(np.frombuffer(trajectory.read_media(sha256), np.uint8), cv2.IMREAD_COLOR)
    return None if image is None else np.asarray(image, np.uint8)


def _region(row: Mapping[str, Any], box: Box) -> Annotation:
    step = row["step"]
    payload = {
        "shape": "box",
        "label": "changed",
        "frames": [step],
        "boxes": [list(box)],
        "frame_width": row["frame_width"],
        "frame_height": row["frame_height"],
    }
    return Annotation("changed_region", payload, step, step + 1)


ANNOTATOR = StateChange()
