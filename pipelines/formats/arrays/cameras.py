"""The cameras of an episode of arrays: which keys they are, their pictures, and their calibration in our convention."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.formats.arrays.fields import Camera, parts_of
from pipelines.formats.arrays.pictures import Look, Picture, Stored, store_pictures, trimmed
from pipelines.formats.arrays.places import Arrays, looked_up
from pipelines.formats.arrays.rotations import camera_poses
from pipelines.io.media import MediaWriter
from pipelines.sources import Rejected

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class CameraKey:
    """One camera that is there: its entry of the map, its key, its stream's name, and what stands for the entry's `*`."""

    camera: Camera
    key: str
    stream: str
    wild: str


def camera_keys(arrays: Arrays, cameras: Sequence[Camera]) -> list[CameraKey]:
    """The cameras of the map that are there, in order of stream name; of two entries for one key the first counts."""
    found: dict[str, CameraKey] = {}
    keys = arrays.names()
    for camera in cameras:
        before, star, after = camera.key.partition("*")
        for key in keys if star else [key for key in keys if key == camera.key]:
            wild = key[len(before) : len(key) - len(after)] if star else key.rsplit("/", 1)[-1]
            fits = not star or (key.startswith(before) and key.endswith(after) and len(key) > len(before) + len(after))
            if fits and "/" not in wild:
                found.setdefault(key, CameraKey(camera, key, (camera.name or "{name}").replace("{name}", wild), wild))
    return sorted(found.values(), key=lambda one: one.stream)


def store_camera(
    arrays: Arrays, one: CameraKey, times: Array | None, fps: float | None, rows: int, media: MediaWriter
) -> Stored:
    """The pictures of one camera, a frame per step. `times` in seconds from the first step. Raises as `store_pictures`."""
    camera = one.camera
    look = Look(camera.kind, camera.colours, camera.turn, camera.depth_unit)
    return store_pictures(one.stream, _pictures(arrays, one.key, rows, times), look, fps, media)


def _pictures(arrays: Arrays, key: str, rows: int, times: Array | None) -> Iterator[tuple[Picture, float | None]]:
    for row in range(rows):
        picture = arrays.picture(key, row)
        if not isinstance(picture, bytes) and picture.ndim == 1 and picture.dtype.itemsize == 1:
            picture = picture.tobytes()  # encoded bytes, padded to one length
        yield trimmed(picture) if isinstance(picture, bytes) else picture, None if times is None else float(times[row])


def calibrate(arrays: Arrays, one: CameraKey, stream: dict[str, Any], rows: int, used: set[str]) -> Array | None:
    """Put intrinsics and fixed extrinsics into a stream's entry; give the poses [T, 16] of a camera that moves.

    Raises Rejected: `intrinsics_unfit`, `rotation_unfit`.
    """
    camera = one.camera
    if camera.intrinsics and (matrix := _placed(arrays, camera.intrinsics.replace("{name}", one.wild), used)) is not None:
        stream["intrinsics"] = intrinsics(matrix, arrays.native_id)
    places = (place.replace("{name}", one.wild) for place in camera.extrinsics)
    poses = next((found for place in places if (found := _placed(arrays, place, used)) is not None), None)
    if poses is None:
        return None
    per_step = poses.ndim > 1 and len(poses) == rows and poses[0].size in (6, 16)
    inverse = camera.extrinsics_are == "reference_to_camera"
    try:
        read = camera_poses(poses if per_step else poses[None], inverse, camera.camera_axes)
    except ValueError as error:
        raise Rejected("rotation_unfit", f"{arrays.native_id}: extrinsics of {one.stream}: {error}") from error
    if per_step and np.ptp(read, axis=0).max(initial=0) > 0:
        return read
    stream["extrinsics"] = read[0].tolist()
    return None


def poses_per_step(moving: Sequence[Array | None], rows: int) -> list[list[list[float] | None]] | None:
    """`robot_steps.camera_poses`: 16 numbers per stream that moves; None where no camera does."""
    if all(poses is None for poses in moving):
        return None
    return [[None if poses is None else poses[step].tolist() for poses in moving] for step in range(rows)]


def intrinsics(matrix: Any, where: str) -> list[float]:
    """Fx fy cx cy of a 3 x 3 matrix, of 9 numbers, or of those four. Raises Rejected (`intrinsics_unfit`)."""
    flat: Array = np.asarray(matrix, np.float64).reshape(-1)
    if flat.size == 9:
        flat = flat[[0, 4, 2, 5]]
    if flat.size != 4 or not np.isfinite(flat).all() or (flat[:2] <= 0).any():
        raise Rejected("intrinsics_unfit", f"{where}: {flat.tolist()} are no intrinsics (3 x 3, or fx fy cx cy, in pixels)")
    return [float(number) for number in flat]


def _placed(arrays: Arrays, place: str, used: set[str]) -> Array | None:
    """The numbers at a place, an attribute's too; None where there are none: calibrations have alternatives."""
    if place.startswith("@"):
        value = looked_up(arrays.attributes(), place)
        return None if value is None or isinstance(value, str) else np.asarray(value, np.float64)
    key = parts_of(place)[0]
    if key not in arrays.names():
        return None
    used.add(key)
    return arrays.array(key)
