"""Calibration of a bag's cameras: intrinsics of a message, extrinsics of messages or of tf, fixed or step by step."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.formats.arrays.cameras import intrinsics
from pipelines.formats.arrays.rotations import camera_poses, quaternions
from pipelines.formats.ros.clocks import Times, clock_times, taken
from pipelines.formats.ros.fields import CameraTopic, Topics, place_parts
from pipelines.formats.ros.messages import Received, field_of, numbers, stamp_of
from pipelines.formats.ros.transforms import Transforms
from pipelines.sources import Rejected

Poses = list[list[float] | None]
"""Extrinsics per step, 16 numbers each; None for a step that has none."""


@dataclass
class Announced:
    """What one topic sent: its first message whole, and of all messages the times and the numbers of some fields."""

    first: Any = None
    log: list[int] = field(default_factory=list)
    publish: list[int | None] = field(default_factory=list)
    stamps: list[int | None] = field(default_factory=list)
    values: dict[str, list[list[float]]] = field(default_factory=lambda: defaultdict(list))

    def add(self, received: Received, fields: Iterable[str]) -> None:
        """Keep one message. Raises TypeError for a field that holds no numbers."""
        self.first = received.message if self.first is None else self.first
        for name in fields:
            self.values[name].append(numbers(field_of(received.message, name)))
        self.log.append(received.log_time)
        self.publish.append(received.publish_time)
        self.stamps.append(stamp_of(received.message))


class Calibrations:
    """Takes the messages that calibrate cameras as they come; then gives each camera its own."""

    def __init__(self, topics: Topics, bag: str) -> None:
        self._topics, self._bag = topics, bag
        self._fields: dict[str, set[str]] = defaultdict(set)
        for camera in topics.cameras:
            for place in (camera.intrinsics, camera.extrinsics):
                if place and place != "tf":
                    topic, name, _ = place_parts(place)
                    self._fields[topic].add(name)
        self._tf = frozenset(topics.tf) if any(camera.extrinsics == "tf" for camera in topics.cameras) else frozenset()
        self._announced: dict[str, Announced] = {}
        self._transforms = Transforms()

    def add(self, received: Received) -> None:
        """One message of any topic. Raises Rejected: `message_unreadable`, `calibration_unfit`."""
        topic = received.topic
        if topic in self._fields:
            try:
                self._announced.setdefault(topic, Announced()).add(received, self._fields[topic])
            except TypeError as error:
                named = ", ".join(sorted(self._fields[topic]))
                raise Rejected(
                    "calibration_unfit", f"{self._bag}: {topic}: {named} of a message holds no numbers ({error})"
                ) from error
        if topic in self._tf:
            try:
                self._transforms.add(received.message, received.log_time, topic.endswith("static"))
            except (TypeError, ValueError) as error:
                raise Rejected("message_unreadable", f"{self._bag}: {topic} at {received.log_time} ns: {error}") from error

    def finish(self) -> None:
        """All messages are in."""
        self._transforms.finish()

    def apply(
        self, camera: CameraTopic, frame: str | None, steps: Times, stream: dict[str, Any], said: dict[str, Any]
    ) -> Poses | None:
        """Put intrinsics and fixed extrinsics into a stream's entry; the poses per step of a camera that moves, else None.

        `said` gets what is missing or was changed. Raises Rejected: `intrinsics_unfit`, `rotation_unfit`, `clock_missing`.
        """
        if camera.intrinsics:
            self._intrinsics(camera, camera.intrinsics, stream, said)
        if camera.extrinsics is None:
            return None
        if camera.extrinsics == "tf":
            found = self._of_tf(camera, camera.frame or frame, steps, said)
        else:
            found = self._of_messages(camera, camera.extrinsics, steps, said)
        there = [pose for pose in found if pose is not None]
        if len(there) == len(found) and all(pose == there[0] for pose in there):
            stream["extrinsics"] = there[0] if there else None
            return None
        return found if there else None

    def _intrinsics(self, camera: CameraTopic, place: str, stream: dict[str, Any], said: dict[str, Any]) -> None:
        """Those of the first message, for the size of the pictures: a message's are for the size that it states."""
        topic, name, _ = place_parts(place)
        announced = self._announced.get(topic)
        if announced is None:
            said["intrinsics"] = f"{topic} has no message"
            return
        values = announced.values[name]
        fx, fy, cx, cy = intrinsics(values[0], camera.topic)
        others = sum(value != values[0] for value in values)
        if others:
            said["intrinsics_change"] = f"{others} of {len(values)} messages have others than the first, which are kept"
        width, height = field_of(announced.first, "width"), field_of(announced.first, "height")
        if width and height and stream["width"]:
            x, y = stream["width"] / int(width), stream["height"] / int(height)
            if (x, y) != (1.0, 1.0):
                said["intrinsics_scaled"] = [x, y]
                fx, fy, cx, cy = fx * x, fy * y, (cx + 0.5) * x - 0.5, (cy + 0.5) * y - 0.5
        stream["intrinsics"] = [fx, fy, cx, cy]

    def _of_messages(self, camera: CameraTopic, place: str, steps: Times, said: dict[str, Any]) -> Poses:
        """A step has the pose of the last message at or before it; a topic with one pose has it always."""
        topic, name, _ = place_parts(place)
        announced = self._announced.get(topic)
        if announced is None:
            said["extrinsics"] = f"{topic} has no message"
            return []
        try:
            inverse = camera.extrinsics_are == "reference_to_camera"
            poses = camera_poses(_matrices(announced.values[name]), inverse, camera.camera_axes)
        except ValueError as error:
            raise Rejected("rotation_unfit", f"{place}: {error}") from error
        if (poses == poses[0]).all():
            return [poses[0].tolist()] * len(steps)
        try:
            times, _ = clock_times(announced.log, announced.publish, announced.stamps, self._topics.clocks.get(topic))
        except ValueError as error:
            raise Rejected("clock_missing", f"{topic}: {error}: choose another under `clocks`") from error
        order = np.argsort(times, kind="stable")
        found, sampled = taken(steps, times[order], "hold", None)
        said["extrinsics_sampling"] = sampled
        return [None if index < 0 else poses[order[index]].tolist() for index in found]

    def _of_tf(self, camera: CameraTopic, frame: str | None, steps: Times, said: dict[str, Any]) -> Poses:
        """The tree of frames at each step."""
        axes, reference = camera.camera_axes, str(self._topics.reference_frame)
        poses = [self._transforms.pose(frame or "", reference, int(time)) for time in steps]
        found = [None if pose is None else camera_poses(pose[None], axes=axes)[0].tolist() for pose in poses]
        lost = sum(pose is None for pose in found)
        if lost == len(found):
            none = "none; /tf_static stands at the start of a bag and is lost when it is split"
            known = ", ".join(self._transforms.names()) or none
            said["extrinsics"] = f"no transform leads from {frame!r} to {reference!r}; the bag has {known}"
        elif lost:
            said["extrinsics"] = f"{lost} steps have no transform from {frame!r} to {reference!r}"
        return found


def _matrices(values: list[list[float]]) -> npt.NDArray[np.float64]:
    """Poses [N, 16] of 16 numbers each, or of 7: x y z and a quaternion x y z w. Raises ValueError."""
    widths = {len(value) for value in values}
    if len(widths) > 1 or not widths <= {7, 16}:
        raise ValueError(f"a pose has 16 numbers (4 x 4) or 7 (x y z and a quaternion), there are {sorted(widths)}")
    read = np.asarray(values, np.float64)
    if read.shape[1] == 16:
        return read
    from scipy.spatial.transform import Rotation

    poses = np.tile(np.eye(4), (len(read), 1, 1))
    poses[:, :3, :3] = Rotation.from_quat(quaternions(read[:, 3:], "xyzw")).as_matrix()
    poses[:, :3, 3] = read[:, :3]
    return poses.reshape(-1, 16)
