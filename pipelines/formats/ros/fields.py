"""The topic map: which field of which topic is what, and how a topic that has its own rate becomes a value per step.

A place is `topic:field`, `topic:field.deeper[0:3]`; a field that is itself a message (a position, a quaternion) stands for the
numbers in it, in the order of its definition. `@record.key` is a metadata record of the file.

A step takes of a topic the last message at or before its own time (`hold`), the `nearest`, or the first at or after it
(`next`); one that lies further away than `max_age` seconds is none, and the value is null.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, field_validator, model_validator

from pipelines.formats.arrays.fields import CalibrationOf, CameraAxes, Direction, RotationForm, Turn, check_turn
from schemas.tables import TABLES
from schemas.types import Column

Place = Annotated[str, StringConstraints(pattern=r"^[^:@\[\]]+:[^:\[\]]+(\[\d+(:\d+)?\])?$")]
Policy = Literal["hold", "nearest", "next"]
Clock = Literal["stamp", "log", "publish"]

_PLACE = re.compile(r"(?P<topic>[^:]+):(?P<field>[^\[]+)(?:\[(?P<start>\d+)(?P<rest>:(?P<stop>\d+))?\])?")
_STEP_COLUMNS = frozenset(column.name for column in TABLES["robot_steps"]) | {"trajectory_id"}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Sampled(_Strict):
    """A place, and how it is brought to the steps."""

    at: Place
    policy: Policy = "hold"
    max_age: float | None = Field(default=None, ge=0)

    @property
    def parts(self) -> tuple[str, str, slice | None]:
        """(topic, field, which numbers of it)."""
        return place_parts(self.at)


class GripperTopic(Sampled):
    """Where the gripper stands, and the source's numbers for shut and open; linear between them, nothing is clamped."""

    closed: float
    open: float


class ColumnTopic(Sampled):
    """A further column of `robot_steps`, of the spelled type."""

    type: str = "list<float32>"

    @field_validator("type")
    @classmethod
    def _spelled(cls, value: str) -> str:
        _ = Column("x", value).arrow
        return value


class CameraTopic(_Strict):
    """A camera: Image, RawImage, CompressedImage or CompressedVideo messages, and where its calibration stands.

    `max_age`: half the interval between its frames where it is not given. `intrinsics`: 9 or 4 numbers, of the size that
    its message states. `extrinsics`: 16 numbers (4 x 4), or 7 (x y z and a quaternion x y z w), and a step has those of the
    last message at or before it; or `tf`: the transforms of the bag, from `frame` (that of the pictures' own header where it
    is not given) to the map's `reference_frame`. `extrinsics_are`, `camera_axes` and `calibration_of` as in
    `pipelines.formats.arrays.fields.Camera`; a frame of tf that is a camera's link, not its optical frame, is a `body`.
    """

    topic: str
    name: str | None = None
    kind: Literal["images", "depth"] = "images"
    colours: Literal["rgb", "bgr"] = "rgb"
    turn: Turn = "none"
    depth_unit: float | None = 0.001
    policy: Policy = "nearest"
    max_age: float | None = Field(default=None, ge=0)
    intrinsics: Place | None = None
    extrinsics: Place | Literal["tf"] | None = None
    extrinsics_are: Direction = "camera_to_reference"
    camera_axes: CameraAxes = "opencv"
    calibration_of: CalibrationOf = "stored"
    frame: str | None = None

    @model_validator(mode="after")
    def _calibration(self) -> CameraTopic:
        check_turn(self.turn, self.calibration_of, bool(self.intrinsics or self.extrinsics))
        if self.extrinsics == "tf" and self.extrinsics_are == "reference_to_camera":
            raise ValueError("tf says itself which frame is in which: leave `extrinsics_are` out")
        return self

    @property
    def stream(self) -> str:
        """The stream's name."""
        return self.name or self.topic.strip("/").replace("/", ".")


def _sampled(value: Any) -> Any:
    return {"at": value} if isinstance(value, str) else value


def _several(value: Any) -> Any:
    return (value,) if isinstance(value, str | dict) else value


One = Annotated[Sampled, BeforeValidator(_sampled)]
Many = Annotated[tuple[One, ...], BeforeValidator(_several)]


class Topics(_Strict):
    """The topic map of a source. Exactly one of `steps` (each message of this topic is a step) and `rate` (steps per second).

    `clocks`: topic → the clock to use, where not the message's own stamp (else log time). `tf`: topics of transforms.
    """

    steps: str | None = None
    rate: float | None = Field(default=None, gt=0)
    state: Many = ()
    state_names: tuple[str, ...] | None = None
    action: Many = ()
    action_names: tuple[str, ...] | None = None
    action_space: str | None = None
    reference_frame: str | None = None
    eef_position: One | None = None
    eef_rotation: One | None = None
    rotation: RotationForm = "xyzw"
    gripper: GripperTopic | None = None
    cameras: tuple[CameraTopic, ...] = ()
    columns: dict[str, Annotated[ColumnTopic, BeforeValidator(_sampled)]] = Field(default_factory=dict)
    instruction: str | None = None
    success: str | None = None
    embodiment: str | None = None
    tf: tuple[str, ...] = ("/tf", "/tf_static")
    clocks: dict[str, Clock] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _whole(self) -> Topics:
        if (self.steps is None) == (self.rate is None):
            raise ValueError("say what a step is: `steps: <topic>` (each of its messages) or `rate: <steps per second>`")
        taken = [name for name in self.columns if name in _STEP_COLUMNS]
        if taken:
            raise ValueError(f"{taken[0]!r} is a column of robot_steps already; call it 'source.{taken[0]}'")
        if any(camera.extrinsics == "tf" for camera in self.cameras) and self.reference_frame is None:
            raise ValueError("extrinsics from tf need `reference_frame`, the frame that they lead to")
        return self

    @property
    def values(self) -> tuple[Sampled, ...]:
        """All places of numbers and texts."""
        single = (self.eef_position, self.eef_rotation, self.gripper)
        return (*self.state, *self.action, *(one for one in single if one), *self.columns.values())

    @property
    def topics(self) -> frozenset[str]:
        """All topics whose messages are looked into."""
        found = {one.parts[0] for one in self.values} | {camera.topic for camera in self.cameras}
        found |= {self.steps} if self.steps else set()
        places = [place for camera in self.cameras for place in (camera.intrinsics, camera.extrinsics) if place]
        found |= {place_parts(place)[0] for place in places if place != "tf"}
        return frozenset(found | (set(self.tf) if "tf" in places else set()))

    @property
    def native(self) -> dict[str, str]:
        """Further columns, name → spelled type."""
        return {name: column.type for name, column in self.columns.items()}


def place_parts(place: str) -> tuple[str, str, slice | None]:
    """(topic, field, which of its numbers): `/joints:position[3]` has slice(3, 4), one without brackets None."""
    match = _PLACE.fullmatch(place)
    if match is None:
        raise ValueError(f"{place!r} is no place in a bag: write topic:field")
    if match["start"] is None:
        return match["topic"], match["field"], None
    start = int(match["start"])
    return match["topic"], match["field"], slice(start, int(match["stop"]) if match["rest"] else start + 1)
