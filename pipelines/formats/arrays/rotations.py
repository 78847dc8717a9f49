"""Rotations and poses from the ways in which sources write them, into ours: quaternions x y z w, 4 x 4 camera to reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

WIDTHS = {"xyzw": 4, "wxyz": 4, "rotation_vector": 3, "euler_xyz": 3, "matrix": 9}
"""Numbers per rotation, by form. Euler angles turn about the fixed axes x, then y, then z; a matrix is row-major."""

AXES: dict[str, Array] = {
    "opencv": np.eye(4),
    "opengl": np.diag([1.0, -1.0, -1.0, 1.0]),
    "body": np.array([[0.0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1]]),
}
"""Camera frames by name, each as what takes OpenCV's coordinates (x right, y down, z forward) into it: OpenGL looks along -z with
y up; `body` is x forward, y left, z up, as ROS has a camera's link beside its optical frame (REP 103)."""
_UNIT_TOLERANCE = 1e-2


def quaternions(values: npt.NDArray[Any], form: str) -> Array:
    """Unit quaternions float64 [T, 4], x y z w, of rotations [T, …] in `form` (see `WIDTHS`), radians.

    Raises ValueError for another number of dimensions, or for numbers that are no rotation: a quaternion whose length is
    not 1 within 1 %, a matrix that is not orthogonal. The sign of a quaternion is kept.
    """
    from scipy.spatial.transform import Rotation

    flat = np.asarray(values, np.float64).reshape(len(values), -1)
    if flat.shape[1] != WIDTHS[form]:
        raise ValueError(f"a rotation as {form} has {WIDTHS[form]} numbers, there are {flat.shape[1]}")
    if form in ("xyzw", "wxyz"):
        lengths = np.linalg.norm(flat, axis=1)
        wrong = np.flatnonzero(np.abs(lengths - 1) > _UNIT_TOLERANCE)
        if len(wrong):
            raise ValueError(f"the quaternion of step {wrong[0]} has length {lengths[wrong[0]]:.4g}, it should be 1")
        return flat if form == "xyzw" else np.roll(flat, -1, axis=1)
    if form == "matrix":
        matrices = flat.reshape(-1, 3, 3)
        off = np.abs(matrices @ matrices.transpose(0, 2, 1) - np.eye(3)).max(axis=(1, 2))
        wrong = np.flatnonzero((off > _UNIT_TOLERANCE) | (np.linalg.det(matrices) < 0))
        if len(wrong):
            raise ValueError(f"the matrix of step {wrong[0]} is no rotation")
        return np.asarray(Rotation.from_matrix(matrices).as_quat())
    turned = Rotation.from_rotvec(flat) if form == "rotation_vector" else Rotation.from_euler("xyz", flat)
    return np.asarray(turned.as_quat())


def camera_poses(values: npt.NDArray[Any], inverse: bool = False, axes: str = "opencv") -> Array:
    """Extrinsics float64 [T, 16], row-major, camera to reference, OpenCV axes, of poses [T, …].

    A pose is 4 x 4, or x y z and Euler angles about the fixed axes. `inverse`: the source goes from reference to camera.
    `axes`: the source's camera frame, see `AXES`. Raises ValueError for other shapes, and for a matrix that is no rigid motion.
    """
    from scipy.spatial.transform import Rotation

    found: Array = np.asarray(values, np.float64).reshape(len(values), -1)
    poses: Array
    if found.shape[1] == 6:
        poses = np.tile(np.eye(4), (len(found), 1, 1))
        poses[:, :3, :3] = Rotation.from_euler("xyz", found[:, 3:]).as_matrix()
        poses[:, :3, 3] = found[:, :3]
    elif found.shape[1] == 16:
        poses = found.reshape(-1, 4, 4)
        quaternions(poses[:, :3, :3], "matrix")
        if np.abs(poses[:, 3] - [0, 0, 0, 1]).max(initial=0) > 1e-6:
            raise ValueError("the last row of a pose is not 0 0 0 1: is it stored column by column?")
    else:
        raise ValueError(f"a pose has 16 numbers (4 x 4) or 6 (x y z and Euler angles), there are {found.shape[1]}")
    if inverse:
        poses = np.asarray(np.linalg.inv(poses), np.float64)
    return np.asarray(poses @ AXES[axes]).reshape(-1, 16)
