"""Which feature of a LeRobot dataset is what: a field map as data, and presets for well-known datasets.

LeRobot fixes the names `observation.state` and `action` and little else: units, the gripper's direction and where the
end-effector's pose stands are each dataset's own. A recipe names a preset (`options: {preset: droid}`) or spells the map
(`options: {fields: {gripper: {key: "observation.state[5]", closed: 0, open: 100}}}`); what neither says stays null.

The words, and how a place is spelled, are those of all field maps (`pipelines.formats.arrays.fields`); a key is a feature's
name. Cameras are the features of dtype video and image; language columns are known by their dtype.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from pipelines.formats.arrays.fields import Gripper, Place, Places, RotationForm, parts_of
from pipelines.formats.arrays.rotations import WIDTHS, quaternions
from pipelines.sources import Rejected

Matrix = npt.NDArray[np.float64]
Take = Callable[[str], Matrix]

CAIRN = "cairn."
"""Features of this prefix are those that `cairn export` writes for columns that LeRobot has no name for."""
GRIPPER, EEF_POSE, TIMES, POSES = f"{CAIRN}gripper", f"{CAIRN}eef_pose", f"{CAIRN}timestamp", f"{CAIRN}camera_pose."


class FieldMap(BaseModel):
    """Places of a dataset by what they are. Several places of state or action are joined in that order.

    `instruction`: features of words; the first row's are the episode's, where the table of tasks has none.
    `eef_position` in metres, `eef_rotation` in the form `rotation`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: Places = ("observation.state",)
    action: Places = ("action",)
    reward: Place | None = "next.reward"
    terminal: Place | None = "next.done"
    success: Place | None = "next.success"
    gripper: Gripper | None = None
    eef_position: Place | None = None
    eef_rotation: Place | None = None
    rotation: RotationForm = "xyzw"
    instruction: Places = ()
    action_space: str | None = None
    reference_frame: str | None = None


PRESETS: Mapping[str, FieldMap] = {
    # lerobot/droid, cadene/droid_1.0.1: joints and gripper also stand in observation.state; 1 = closed
    "droid": FieldMap(
        gripper=Gripper(key="observation.state.gripper_position", closed=1, open=0),
        eef_position="observation.state.cartesian_position[0:3]",
        eef_rotation="observation.state.cartesian_position[3:6]",
        rotation="euler_xyz",
        instruction=("language_instruction", "language_instruction_2", "language_instruction_3"),
        reference_frame="base",
    ),
    # physical-intelligence/libero (openpi's converter): x y z, rotation vector, two mirrored fingers in metres
    "libero_openpi": FieldMap(
        state=("state",),
        action=("actions",),
        gripper=Gripper(key="state[6]", closed=0, open=0.04),
        eef_position="state[0:3]",
        eef_rotation="state[3:6]",
        rotation="rotation_vector",
        action_space="delta end-effector pose (position, rotation vector) and gripper command",
    ),
    # recorded with an SO-100 or SO-101 arm by lerobot >= 0.3: the gripper is normalised to 0..100, 100 = open
    "so101": FieldMap(gripper=Gripper(key="observation.state[5]", closed=0, open=100), action_space="absolute joint positions"),
    # examples/data/lift: our own simulated Panda; the opening is the distance of the fingers in metres
    "panda_lift": FieldMap(
        gripper=Gripper(key="observation.state[7]", closed=0, open=0.08),
        eef_position="observation.eef_pos",
        eef_rotation="observation.eef_quat",
        action_space="delta end-effector pose and gripper command",
        reference_frame="world",
    ),
}


def opening(gripper: Gripper, take: Take) -> Matrix:
    """The gripper from 0 (closed) to 1 (open) [rows]; a value outside says that the map is wrong, and is kept."""
    values = take(gripper.key)
    if values.shape[1] != 1:
        raise Rejected(
            "field_map_wrong",
            f"gripper: {gripper.key} has {values.shape[1]} entries, it should be one: add [index] to the place",
        )
    return (values[:, 0] - gripper.closed) / (gripper.open - gripper.closed)


def poses(fields: FieldMap, take: Take) -> Matrix | None:
    """The pose as x y z qx qy qz qw [rows, 7], metres; None where the map does not say both. Raises Rejected (`field_map_wrong`, `pose_wrong`)."""
    if fields.eef_position is None or fields.eef_rotation is None:
        return None
    position, rotation = take(fields.eef_position), take(fields.eef_rotation)
    for place, found, wanted in (
        (fields.eef_position, position, 3),
        (fields.eef_rotation, rotation, WIDTHS[fields.rotation]),
    ):
        if found.shape[1] != wanted:
            raise Rejected("field_map_wrong", f"eef_pose: {place} has {found.shape[1]} entries, it should have {wanted}")
    try:
        return np.hstack([position, quaternions(rotation, fields.rotation)])
    except ValueError as error:
        raise Rejected(
            "pose_wrong", f"eef_pose: {fields.eef_rotation}: {error}: it is no {fields.rotation}, or other entries are meant"
        ) from error


def field_map(preset: str | None, fields: Mapping[str, Any] | None) -> FieldMap:
    """A preset with what the recipe spells put over it. Raises ValueError for an unknown preset."""
    if preset is not None and preset not in PRESETS:
        raise ValueError(f"there is no preset {preset!r}; there are {', '.join(PRESETS)}")
    base = PRESETS[preset] if preset is not None else FieldMap()
    return FieldMap.model_validate({**base.model_dump(exclude_unset=True), **(fields or {})})


@lru_cache(maxsize=1024)
def feature_of(place: str) -> str:
    """The feature's name in a place."""
    return parts_of(place)[0]


@lru_cache(maxsize=1024)
def entries_of(place: str) -> slice | None:
    """The entries that a place names; None for all."""
    return parts_of(place)[1]
