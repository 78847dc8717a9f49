"""How far the flow tracker (`annotators.tracking`) is off on simulated episodes, where the truth is known.

    python -m tools.bench.flow_tracker ../shared/data/robot/lift_sim/lift_robomimic_layout.hdf5

The truth is the point between the fingers (and the cube's middle), projected by the simulator's own camera matrices. A box
around it is set on some frames; on all others the box's middle is held against the truth. What the table does not say:
the boxes were set exactly, which people do not do.

The wrist camera moves with the gripper: there the projected point stands still and everything else moves.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from annotators.tracking import fill_between

Array = npt.NDArray[np.float64]

CAMERAS = ("agentview", "robot0_eye_in_hand")
SET_ON: tuple[tuple[int, ...], ...] = ((0,), (35,), (0, 69), (0, 35, 69), (0, 10, 20, 35, 69))
"""The frames that a box is set on, of 70."""
_HALF = {("gripper", "agentview"): (24.0, 28.0), ("gripper", "robot0_eye_in_hand"): (75.0, 39.0)}
"""Half width and height, pixels, of a box that holds the fingers."""
_CUBE = 0.026
"""Half the cube's side and a little, metres."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One track: what was followed, from how many frames, and how far it was off.

    `errors`: pixels between the box's middle and the truth, NaN where the box was withdrawn, without the frames it was set
    on; `confidence` beside it.
    """

    episode: str
    camera: str
    what: str
    set_on: tuple[int, ...]
    errors: Array
    confidence: Array

    @property
    def withdrawn(self) -> float:
        """The share of frames that the tracker gave up."""
        return float(np.isnan(self.errors).mean())


def measure(recording: Path, set_on: Sequence[tuple[int, ...]] = SET_ON) -> Iterator[Measure]:
    """All tracks of a recording in robomimic's layout with camera matrices."""
    with h5py.File(recording, "r") as file:
        for name, demo in file["data"].items():
            for camera in CAMERAS:
                pictures = demo[f"obs/{camera}_image"][:]
                for what, column in (("gripper", "robot0_eef_pos"), ("cube", "cube_pos")):
                    truth, depth = projected(demo, camera, demo[f"obs/{column}"][:])
                    focal = float(demo.attrs[f"K_{camera}"][0][0])
                    for frames in set_on:
                        sizes = {n: _HALF.get((what, camera), (_CUBE * focal / depth[n],) * 2) for n in frames}
                        boxes = {n: _box(truth[n], sizes[n], pictures.shape[2], pictures.shape[1]) for n in frames}
                        filled = fill_between(pictures, boxes)
                        found = np.array([point or (np.nan, np.nan) for point in filled.points])
                        others = [n for n in range(len(pictures)) if n not in frames]
                        errors = np.linalg.norm(found - truth, axis=1)[others]
                        yield Measure(name, camera, what, frames, errors, np.array(filled.confidence)[others])


def projected(demo: Any, camera: str, points: Array) -> tuple[Array, Array]:
    """Pixels [n, 2] and depth [n] in metres of points in the world, one per frame, as the camera sees them then."""
    if camera == "agentview":
        poses = np.repeat(np.asarray(demo.attrs["cam2world_agentview"])[None], len(points), axis=0)
    else:
        poses = demo[f"obs/{camera}_cam2world"][:].astype(np.float64)
    homogeneous = np.column_stack([points, np.ones(len(points))])
    seen = np.einsum("nij,nj->ni", np.linalg.inv(poses), homogeneous)[:, :3]
    pixels = seen @ np.asarray(demo.attrs[f"K_{camera}"]).T
    return pixels[:, :2] / pixels[:, 2:], seen[:, 2]


def _box(middle: Array, half: tuple[float, float], width: int, height: int) -> tuple[float, float, float, float]:
    """A box around a point, made smaller until it lies in the picture, so that the point stays its middle."""
    x, y = (float(value) for value in middle)
    across, down = min(half[0], x, width - x), min(half[1], y, height - y)
    return x - across, y - down, x + across, y + down


def table(measures: Sequence[Measure]) -> str:
    """A line per camera, thing and set of frames, both episodes together."""
    lines = ["what     camera              set on               median  p95   withdrawn   median of the sure (>= 0.7)"]
    groups: dict[tuple[str, str, tuple[int, ...]], list[Measure]] = {}
    for one in measures:
        groups.setdefault((one.what, one.camera, one.set_on), []).append(one)
    for (what, camera, frames), ones in groups.items():
        errors = np.concatenate([one.errors for one in ones])
        sure = np.concatenate([one.confidence for one in ones]) >= 0.7
        there = errors[~np.isnan(errors)]
        middle, high = (np.median(there), np.percentile(there, 95)) if len(there) else (np.nan, np.nan)
        of_sure = float(np.median(errors[sure])) if sure.any() else np.nan
        gone = float(np.isnan(errors).mean())
        said = ", ".join(map(str, frames))
        lines.append(f"{what:8} {camera:19} {said:20} {middle:5.2f} {high:5.2f} px  {gone:6.1%}   {of_sure:5.2f} px")
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """`HDF5`: 0, or 2 where the arguments are others."""
    if len(arguments) != 1:
        print("usage: python -m tools.bench.flow_tracker HDF5", file=sys.stderr)
        return 2
    print(table(list(measure(Path(arguments[0])))))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
