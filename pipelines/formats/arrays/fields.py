"""The field map: which of a source's arrays is what, as data. Presets are values of it; a recipe adds or replaces entries.

A *place* is the text that names an array of an episode, or a part of one: `obs/joints`, `obs/pose[0:3]` (dimensions 0 to 2),
`obs/pose[6]`. `@name` is an attribute of the episode or of what it lies in, `@name.key.deeper` a value inside one that holds
JSON. A camera's key may hold one `*`; then each array that fits is a camera, called what the `*` stands for.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, field_validator, model_validator

from schemas.tables import TABLES
from schemas.types import Column

Place = Annotated[str, StringConstraints(pattern=r"^(@[^\[\]]+|[^@\[\]]+(\[\d+(:\d+)?\])?)$")]
Turn = Literal["none", "half_turn", "flip_vertical", "flip_horizontal"]
Direction = Literal["camera_to_reference", "reference_to_camera"]
CameraAxes = Literal["opencv", "opengl", "body"]
CalibrationOf = Literal["stored", "upright"]
RotationForm = Literal["xyzw", "wxyz", "rotation_vector", "euler_xyz", "matrix"]

UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
"""Seconds per unit of a clock."""

_PLACE = re.compile(r"(?P<key>[^\[\]]+)(?:\[(?P<start>\d+)(?P<rest>:(?P<stop>\d+))?\])?")
_STEP_COLUMNS = frozenset(column.name for column in TABLES["robot_steps"]) | {"trajectory_id"}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _several(value: Any) -> Any:
    """One place is a list of one."""
    return (value,) if isinstance(value, str) else value


Places = Annotated[tuple[Place, ...], BeforeValidator(_several)]


class Gripper(_Strict):
    """Where the gripper stands, and the source's numbers for shut and open. Between them `gripper` is linear; nothing is clamped."""

    key: Place
    closed: float
    open: float

    @model_validator(mode="after")
    def _apart(self) -> Gripper:
        if self.closed == self.open:
            raise ValueError("closed and open are the same number: no opening can be told from it")
        return self


class Camera(_Strict):
    """One camera, or several where `key` holds `*`.

    The pictures are uint8 [T, height, width, 3 or 1] (or channels first), or encoded PNG or JPEG per step; depth is
    [T, height, width] or [T, height, width, 1]. `colours` is the order in which the source has them, `turn` what makes
    its pictures upright. `depth_unit`: metres per count.

    `intrinsics`: 3 x 3, or fx fy cx cy. `extrinsics`: 4 x 4, or x y z and Euler angles, one or one per step; the first place
    that is there is taken. `extrinsics_are` says which way they go, `camera_axes` where the camera looks (opencv: along z, y
    down; opengl: against z, y up; body: along x, z up), `calibration_of` whether both are of the picture as it is stored or as
    `turn` puts it upright (a simulator's are: it draws upside down). In places beside a `*`, `{name}` is what it stands for.
    """

    key: Place
    name: str | None = None
    kind: Literal["images", "depth"] = "images"
    colours: Literal["rgb", "bgr"] = "rgb"
    turn: Turn = "none"
    depth_unit: float | None = None
    intrinsics: str | None = None
    extrinsics: Annotated[tuple[str, ...], BeforeValidator(_several)] = ()
    extrinsics_are: Direction = "camera_to_reference"
    camera_axes: CameraAxes = "opencv"
    calibration_of: CalibrationOf = "stored"

    @model_validator(mode="after")
    def _whole(self) -> Camera:
        if self.key.count("*") > 1:
            raise ValueError(f"{self.key!r} holds more than one `*`")
        check_turn(self.turn, self.calibration_of, bool(self.intrinsics or self.extrinsics))
        return self


class NativeColumn(_Strict):
    """A further column of `robot_steps`: its place and its spelled type (a number per step, or a list of them)."""

    key: Place
    type: str = "list<float32>"

    @field_validator("type")
    @classmethod
    def _spelled(cls, value: str) -> str:
        _ = Column("x", value).arrow  # raises ValueError, naming the types there are
        return value


def _native(value: Any) -> Any:
    return {"key": value} if isinstance(value, str) else value


class Fields(_Strict):
    """The field map of a source: places by what they are. What is empty is not recorded, and null.

    `state`, `action`: joined in order. `timestamp` in `timestamp_unit`. `fps` and `embodiment`: a place (`@…`) or the value.
    `instruction`, `success`: the first place that is there. `columns`: name → place of a further column; the keys of a
    `timestamp` and the like may be named here too. `left_out`: patterns of keys that are left out on purpose.
    """

    state: Places = ()
    state_names: tuple[str, ...] | None = None
    action: Places = ()
    action_names: tuple[str, ...] | None = None
    action_space: str | None = None
    reference_frame: str | None = None
    eef_position: Place | None = None
    eef_rotation: Place | None = None
    rotation: RotationForm = "xyzw"
    gripper: Gripper | None = None
    cameras: tuple[Camera, ...] = ()
    reward: Place | None = None
    terminal: Place | None = None
    timestamp: Place | None = None
    timestamp_unit: Literal["s", "ms", "us", "ns"] = "s"
    fps: Places | float | None = None
    instruction: Places = ()
    success: Places = ()
    embodiment: str | None = None
    columns: dict[str, Annotated[NativeColumn, BeforeValidator(_native)]] = Field(default_factory=dict)
    left_out: tuple[str, ...] = ()

    @field_validator("columns")
    @classmethod
    def _own_names(cls, value: dict[str, NativeColumn]) -> dict[str, NativeColumn]:
        for name in value:
            if name in _STEP_COLUMNS:
                raise ValueError(f"{name!r} is a column of robot_steps already; call it 'source.{name}'")
        return value

    @property
    def native(self) -> dict[str, str]:
        """Further columns, name → spelled type."""
        return {name: column.type for name, column in self.columns.items()}


def replaced(preset: Fields, changes: dict[str, Any]) -> Fields:
    """The preset with the entries of a recipe in place of its own; `columns` are added. Raises pydantic's ValidationError."""
    own = preset.model_dump(exclude_unset=True)
    columns = {**own.get("columns", {}), **changes.get("columns", {})}
    return Fields.model_validate({**own, **changes, **({"columns": columns} if columns else {})})


def check_turn(turn: Turn, calibration_of: CalibrationOf, calibrated: bool) -> None:
    """Raises ValueError where a calibration would be put beside pictures that it is not of."""
    if calibrated and turn != "none" and calibration_of == "stored":
        raise ValueError(
            "a picture that is turned has another calibration than the stored one: say `calibration_of: upright` where the "
            "source's numbers are of the picture put upright (a simulator's are), else leave them out"
        )


def parts_of(place: str) -> tuple[str, slice | None]:
    """The key of a place, and which dimensions of it: `a[3]` is slice(3, 4), `a` None."""
    match = _PLACE.fullmatch(place)
    if match is None:
        return place, None
    if match["start"] is None:
        return match["key"], None
    start = int(match["start"])
    return match["key"], slice(start, int(match["stop"]) if match["rest"] else start + 1)
