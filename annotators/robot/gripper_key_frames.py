"""Where the gripper goes and where it takes hold, in the picture (layers `trace`, `affordance_box`, `contact_points`).

All of it follows from the tracked box of the gripper, which somebody gave on a few frames (`flow_track`, same parameters),
and from the steps of contact (`contacts`, same parameters); nothing is looked at twice. The rules, after RoboInter:

* a path is where the middle of the box is at the next `horizon` steps, the step itself first. Where the box was lost or
  lies outside the picture the point is not valid; nothing is repeated to fill a path up. One path begins where the other
  ends, so that the path from any step on can be read off two of them;
* the part that is taken hold of is the gripper's box in the frame of the contact;
* the fingers touch the object at the middle of its left and right side if its box is followed too, else a quarter of the
  gripper's box from its left and right side. That holds for fingers that close across the picture; people put it right.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ..annotation import Annotation
from ..flow import Box
from ..protocol import Requires
from ..streams import frame_of_steps
from ..trajectory import TrajectoryView
from .contacts import Event, contacts
from .flow_track import FlowTrack, Track
from .motion_segments import MotionSegments

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Path:
    """Where a point is at `steps`; `points` has None where that is not known or outside the picture."""

    steps: tuple[int, ...]
    points: tuple[Point | None, ...]


def paths(points: Sequence[Point | None], horizon: int, width: int, height: int) -> list[Path]:
    """Paths of `horizon` steps, one after another; `points`: pixels of each step. Those with fewer than two points are none.

    Raises ValueError for a horizon below 2.
    """
    if horizon < 2:
        raise ValueError(f"horizon is {horizon}: a path has two steps or more")
    seen = [p if p is not None and 0 <= p[0] < width and 0 <= p[1] < height else None for p in points]
    found = []
    for start in range(0, len(seen), horizon):
        end = min(start + horizon, len(seen))
        if sum(point is not None for point in seen[start:end]) >= 2:
            found.append(Path(tuple(range(start, end)), tuple(seen[start:end])))
    return found


def finger_points(gripper: Box, held: Box | None = None) -> list[float]:
    """Two points [x, y, x, y]: where fingers that close across the picture touch what they hold."""
    x_min, y_min, x_max, y_max = gripper if held is None else held
    inset = (x_max - x_min) / 4 if held is None else 0.0
    middle = round((y_min + y_max) / 2, 2)
    return [round(x_min + inset, 2), middle, round(x_max - inset, 2), middle]


@dataclass(frozen=True)
class GripperKeyFrames(MotionSegments, FlowTrack):
    """Proposes for every track of a gripper; the parameters are those of `FlowTrack` and `MotionSegments`, and

    * `horizon`: steps of a path.

    Confidence is the tracker's: its mean over a path, at the contact no more than that of the contact itself.
    """

    horizon: int = 10

    name: ClassVar[str] = "robot.gripper_key_frames"
    version: ClassVar[str] = "2"
    producer_type: ClassVar[str] = "signal"
    emits: ClassVar[tuple[str, ...]] = ("trace", "affordance_box", "contact_points")
    requires: ClassVar[Requires] = Requires("robot", columns=("state",), frames=True)
    deterministic: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Raises ValueError for a parameter that `FlowTrack` or `MotionSegments` refuses, or a horizon below 2."""
        FlowTrack.__post_init__(self)
        MotionSegments.__post_init__(self)
        paths((), self.horizon, 1, 1)

    def propose(self, trajectory: TrajectoryView) -> Iterable[Annotation]:
        """Rows of one step each; none for an episode that no gripper was given for. Raises as `FlowTrack` does."""
        tracks = list(self.tracks(trajectory))
        events = [event for event in contacts(self.segments(trajectory)[0]) if event.label == "contact"]
        for track in tracks:
            if track.label == "gripper":
                frames = frame_of_steps(trajectory, track.stream)
                held = next((t for t in tracks if (t.stream, t.label) == (track.stream, "object")), None)
                yield from self._paths(track, frames)
                for event in events:
                    yield from _contact(track, held, frames[event.step], event)

    def _paths(self, track: Track, frames: Sequence[int | None]) -> Iterator[Annotation]:
        points = [None if frame is None else track.filled.points[frame] for frame in frames]
        for path in paths(points, self.horizon, track.width, track.height):
            sure = [track.filled.confidence[frame] for frame in (frames[step] for step in path.steps) if frame is not None]
            payload = {
                "space": "pixel",
                "label": "gripper_path",
                "steps": list(path.steps),
                "points": [None if point is None else [round(at, 2) for at in point] for point in path.points],
                "valid": [point is not None for point in path.points],
                "horizon": self.horizon,
                "frame_width": track.width,
                "frame_height": track.height,
            }
            start = path.steps[0]
            yield Annotation("trace", payload, start, start + 1, stream=track.stream, confidence=sum(sure) / len(sure))


def _contact(track: Track, held: Track | None, frame: int | None, event: Event) -> Iterator[Annotation]:
    """What is taken hold of, and where the fingers touch it; nothing where the gripper is not seen in the frame."""
    box = None if frame is None else track.filled.boxes[frame]
    if frame is None or box is None:
        return
    common: dict[str, Any] = {
        "role": "gripper",
        "track": track.name,
        "frames": [frame],
        "visible": [True],
        "frame_width": track.width,
        "frame_height": track.height,
    }
    of_object = None if held is None else held.filled.boxes[frame]
    grasp = {"shape": "box", "label": "grasp", "boxes": [[round(side, 2) for side in box]], **common}
    fingers = {"shape": "point", "label": "finger", "points": [finger_points(box, of_object)], **common}
    sure = min(track.filled.confidence[frame], event.agreement)
    for layer, payload in (("affordance_box", grasp), ("contact_points", fingers)):
        yield Annotation(layer, payload, event.step, event.step + 1, stream=track.stream, confidence=sure)


ANNOTATOR = GripperKeyFrames()
