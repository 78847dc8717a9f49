"""Boxes that somebody gave on a few frames, followed through the episode (layers `gripper_box`, `object_box`).

Whoever gives the boxes (a person, a detector, a calibrated projection) gives them as parameters; the rest is optical flow
(`annotators.tracking`). After review the frames that a person set are given back the same way (`seeds_of`), and the track
is filled again between them.

A row is a whole track, an entry per frame. `visible` is False where the tracker withdrew its box: it lost it, or is less
sure than `withdraw`. `interpolated` is False on the frames that are enough to draw the rest between them on straight lines,
within `tolerance` pixels: these alone become key frames in review, so that people have few to mend. Which frames were
given is in `attributes.set`, and how sure each frame is in `attributes.confidence`, 0 to 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ..annotation import Annotation
from ..flow import Box
from ..protocol import Requires
from ..streams import greys_of
from ..tracking import Filled, fill_between, thinned
from ..trajectory import TrajectoryView

LAYERS = {"gripper": "gripper_box", "object": "object_box", "container": "object_box"}
"""Label → the layer that has it."""

_KEYS = {"stream", "frame", "box", "point", "label", "track"}


@dataclass(frozen=True, slots=True)
class Track:
    """One thing followed through the pictures of one camera of `width` x `height` pixels: what the tracker says of each."""

    stream: str
    label: str
    name: str
    width: int
    height: int
    filled: Filled


@dataclass(frozen=True)
class FlowTrack:
    """Proposes tracks.

    * `seeds`: native id of an episode, or `*` for those without one of their own → what was given: a list of
      `{stream, frame, label}` with `box` [x_min, y_min, x_max, y_max] or `point` [x, y], pixels; both null or absent =
      nothing is to be seen there. `label`: gripper, object, container. `track` tells two tracks of one label apart.
      A frame beyond the episode's end is left out.
    * `point_size`: width and height, pixels, of the box that is followed around a point.
    * `reach`: frames that a box is followed for from where it was given, at most.
    * `withdraw`: confidence below which a box is withdrawn.
    * `tolerance`: pixels by which the boxes drawn between key frames may differ from those that were followed.
    """

    seeds: Mapping[str, list[dict[str, Any]]] = field(default_factory=dict)
    point_size: float = 24.0
    reach: int = 600
    withdraw: float = 0.3
    tolerance: float = 2.0

    name: ClassVar[str] = "robot.flow_track"
    version: ClassVar[str] = "2"
    producer_type: ClassVar[str] = "signal"
    emits: ClassVar[tuple[str, ...]] = ("gripper_box", "object_box")
    requires: ClassVar[Requires] = Requires("robot", frames=True)
    deterministic: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Raises ValueError for a seed without stream, frame or label, with another key, or with box and point."""
        for native_id, seeds in self.seeds.items():
            for seed in seeds:
                if not {"stream", "frame", "label"} <= seed.keys() <= _KEYS:
                    raise ValueError(f"seed {seed} of {native_id!r}: it has stream, frame, label, and box or point, track")
                if seed["label"] not in LAYERS:
                    raise ValueError(f"seed {seed} of {native_id!r}: label is {', '.join(LAYERS)}")
                if seed.get("box") is not None and seed.get("point") is not None:
                    raise ValueError(f"seed {seed} of {native_id!r}: either box or point")

    def propose(self, trajectory: TrajectoryView) -> Iterable[Annotation]:
        """A row per track. Raises KeyError for a stream without pictures, ValueError for a box outside the picture."""
        for track in self.tracks(trajectory):
            payload = payload_of(track.filled, track.label, track.name, (track.width, track.height), self.tolerance)
            mean = sum(track.filled.confidence) / len(track.filled.confidence)
            yield Annotation(LAYERS[track.label], payload, 0, trajectory.num_steps, stream=track.stream, confidence=mean)

    def tracks(self, trajectory: TrajectoryView) -> Iterator[Track]:
        """What was given for the episode, followed through it, in order of stream, label and name. Raises as `propose`."""
        native_id = trajectory.header.get("native_id")
        own = self.seeds.get(str(native_id), self.seeds.get("*", []))
        given: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
        for seed in own:
            given.setdefault((seed["stream"], seed["label"], seed.get("track") or seed["label"]), []).append(seed)
        for (stream, label, name), seeds in sorted(given.items()):
            described = next((s for s in trajectory.header["streams"] or [] if s["name"] == stream), None)
            if described is None:
                raise KeyError(f"{trajectory.trajectory_id} has no stream {stream!r}")
            width, height, count = described["width"], described["height"], described["num_frames"]
            key_frames = {s["frame"]: self._box(s, width, height) for s in seeds if 0 <= s["frame"] < count}
            if key_frames:
                filled = fill_between(greys_of(trajectory, stream), key_frames, self.reach, self.withdraw)
                yield Track(stream, label, name, width, height, filled)

    def _box(self, seed: Mapping[str, Any], width: int, height: int) -> Box | None:
        if seed.get("point") is not None:
            x, y = seed["point"]
            half = self.point_size / 2
            return max(x - half, 0.0), max(y - half, 0.0), min(x + half, float(width)), min(y + half, float(height))
        if seed.get("box") is None:
            return None
        x_min, y_min, x_max, y_max = seed["box"]
        return float(x_min), float(y_min), float(x_max), float(y_max)


ANNOTATOR = FlowTrack()


def payload_of(filled: Filled, label: str, track: str, size: tuple[int, int], tolerance: float = 2.0) -> dict[str, Any]:
    """A track as the payload of a region: an entry per frame, null boxes where it was withdrawn. `size`: width, height."""
    given = [number for number, between in enumerate(filled.interpolated) if not between]
    keys = set(thinned(filled.boxes, given, tolerance))
    return {
        "shape": "box",
        "label": label,
        "role": label,
        "track": track,
        "frames": list(range(len(filled.boxes))),
        "boxes": [None if box is None else [round(side, 2) for side in box] for box in filled.boxes],
        "visible": [box is not None for box in filled.boxes],
        "interpolated": [number not in keys for number in range(len(filled.boxes))],
        "frame_width": size[0],
        "frame_height": size[1],
        "attributes": {
            "set": given,
            "confidence": [round(sure, 3) for sure in filled.confidence],
            "sources": list(filled.sources),
        },
    }


def seeds_of(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The frames of a reviewed track that somebody set, as seeds: so that the tracker fills between them again.

    `row`: a region as stored. Without `interpolated` every frame was set. A frame that is not visible is a seed without box.
    """
    between = row["interpolated"] or [False] * len(row["frames"])
    seen = row["visible"] or [True] * len(row["frames"])
    rows = zip(row["frames"], row["boxes"], between, seen, strict=True)
    return [
        {
            "stream": row["stream"],
            "frame": frame,
            "label": row["label"],
            "track": row["track"] or row["label"],
            "box": None if box is None or not visible else list(box),
        }
        for frame, box, is_between, visible in rows
        if not is_between
    ]
