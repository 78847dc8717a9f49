"""A check of the order of quaternions: a camera on the hand keeps its place there, whatever the hand does.

Nothing in four numbers says whether w comes first or last. Where a moving camera's extrinsics are known too, the hand read in the
right order and the camera turn together (on our simulation to 1e-6 degrees; read in the wrong order they part by 5 to 7).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

PARTED = 0.2
"""Degrees by which a camera on the hand must not turn against it."""
TOGETHER = 0.1
"""The part of those degrees that the other order may leave, to be called the right one."""


def order_doubt(hand: Array, form: str, cameras: Mapping[str, Array]) -> dict[str, Any]:
    """`{"rotation_order": sentence}` where the other order of the quaternions fits a camera on the hand, and the stated one does not.

    `hand`: quaternions [T, 4] x y z w as they were read; `form`: the stated form of the source's; `cameras`: name → extrinsics
    [T, 16] of cameras that move. Nothing is said of other forms, or where the hand hardly turns.
    """
    others = {"xyzw": "wxyz", "wxyz": "xyzw"}
    if form not in others:
        return {}
    other = np.roll(hand, -1 if form == "xyzw" else 1, axis=1)
    for name, poses in cameras.items():
        stated, changed = (_parted(quaternions, poses) for quaternions in (hand, other))
        if stated > PARTED and changed < TOGETHER * stated:
            sentence = (
                f"read as {form}, the end effector turns against the camera {name} by {stated:.2g} degrees; read as {others[form]} "
                f"they turn together (within {changed:.2g}): say `rotation: {others[form]}` if the camera is on the hand"
            )
            return {"rotation_order": sentence}
    return {}


def _parted(hand: Array, poses: Array) -> float:
    """The largest angle in degrees by which a camera's rotation in the hand's frame differs from that of the first step."""
    from scipy.spatial.transform import Rotation

    within = Rotation.from_quat(hand).inv() * Rotation.from_matrix(poses.reshape(-1, 4, 4)[:, :3, :3])
    return float(np.degrees((within[0].inv() * within).magnitude().max()))
