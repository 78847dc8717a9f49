"""The tree of coordinate frames of a bag (tf): where one frame is in another at a time.

A transform holds until the next of its edge; a static one holds always. Nothing is interpolated.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.formats.arrays.rotations import quaternions
from pipelines.formats.ros.messages import field_of, nanoseconds, numbers

Pose = npt.NDArray[np.float64]

MAX_DEPTH = 64


class Transforms:
    """Edges child → parent as they come from TFMessage or Foxglove's FrameTransform."""

    def __init__(self) -> None:
        self._parents: dict[str, str] = {}
        self._edges: dict[str, list[tuple[int, Pose]]] = defaultdict(list)
        self._static: set[str] = set()

    def add(self, message: Any, log_time: int, static: bool) -> None:
        """The transforms of one message; one without a stamp has the time of its log. Raises ValueError for what is none."""
        several = field_of(message, "transforms")
        for one in several if several is not None else [message]:
            child = str(field_of(one, "child_frame_id") or "").lstrip("/")
            parent = str(field_of(one, "header.frame_id") or field_of(one, "parent_frame_id") or "").lstrip("/")
            inner = field_of(one, "transform") or one
            if not child or not parent:
                raise ValueError("a transform names no child or no parent frame")
            stamp = nanoseconds(field_of(one, "header.stamp") or field_of(one, "timestamp"))
            self._parents[child] = parent
            self._edges[child].append((log_time if stamp is None else stamp, _pose(inner)))
            if static:
                self._static.add(child)

    def finish(self) -> None:
        """Put the edges in order of time, once all messages are in."""
        for edge in self._edges.values():
            edge.sort(key=lambda entry: entry[0])

    def pose(self, frame: str, reference: str, time: int) -> Pose | None:
        """Where `frame` is in `reference` at `time` (ns), 4 x 4; None where the tree does not lead from one to the other then."""
        _, ancestors = self._to_root(frame.lstrip("/"), time)
        _, others = self._to_root(reference.lstrip("/"), time)
        shared = next((name for name in ancestors if name in others), None)
        if shared is None:
            return None
        found: Pose = np.linalg.inv(others[shared]) @ ancestors[shared]
        return found

    def names(self) -> list[str]:
        """All frames that are known."""
        return sorted({*self._parents, *self._parents.values()})

    def _to_root(self, frame: str, time: int) -> tuple[str, dict[str, Pose]]:
        """The last frame upwards, and the pose of `frame` in each frame on the way."""
        poses = {frame: np.eye(4)}
        pose = np.eye(4)
        while frame in self._parents and len(poses) <= MAX_DEPTH:
            edge = self._edges[frame]
            if frame in self._static:
                step = edge[-1][1]
            else:
                before = [matrix for at, matrix in edge if at <= time]
                if not before:
                    break
                step = before[-1]
            pose = step @ pose
            frame = self._parents[frame]
            if frame in poses:
                break
            poses[frame] = pose
        return frame, poses


def _pose(transform: Any) -> Pose:
    """4 x 4 of a translation and a rotation x y z w. Raises ValueError."""
    from scipy.spatial.transform import Rotation

    moved, turned = field_of(transform, "translation"), field_of(transform, "rotation")
    if moved is None or turned is None:
        raise ValueError("a transform has no translation or no rotation")
    pose = np.eye(4)
    pose[:3, 3] = numbers(moved)
    pose[:3, :3] = Rotation.from_quat(quaternions(np.array([numbers(turned)]), "xyzw")[0]).as_matrix()
    return pose
