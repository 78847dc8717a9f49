"""Paths and poses in three dimensions, drawn flat: from above, from the side, from the front, or through a camera."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from annotators.frames import Picture

from .lettering import FAINT, INK, PAPER, Colour, fit, font

Points = npt.NDArray[np.float64]
"""n × 3, metres, in the frame of reference of the trajectory."""

AXES: tuple[Colour, Colour, Colour] = ((213, 94, 0), (0, 158, 115), (0, 114, 178))
"""Colours of the axes x, y, z of a pose."""

VIEWS = (("from above", 0, 1), ("from the side", 0, 2), ("from the front", 1, 2))
_NAMES = "xyz"
_ARM = 0.05
"""Metres of a pose's axes as drawn."""


@dataclass(frozen=True, slots=True)
class Lens:
    """A camera: `intrinsics` fx fy cx cy in pixels, `extrinsics` 4 × 4 from the camera to the frame of reference.

    Camera axes are OpenCV's: x right, y down, z forward.
    """

    intrinsics: tuple[float, float, float, float]
    extrinsics: npt.NDArray[np.float64]

    def project(self, points: Points) -> npt.NDArray[np.float64]:
        """Pixels, n × 2; NaN for a point that is not in front of the camera."""
        rotation, origin = self.extrinsics[:3, :3], self.extrinsics[:3, 3]
        seen = (points - origin) @ rotation
        fx, fy, cx, cy = self.intrinsics
        depth = np.where(seen[:, 2] > 1e-6, seen[:, 2], np.nan)
        return np.stack([fx * seen[:, 0] / depth + cx, fy * seen[:, 1] / depth + cy], axis=1)


def shade(share: float) -> Colour:
    """The colour of a path at `share` of its length: from blue over yellow to red, also told apart by lightness."""
    stops = np.array([(0, 90, 181), (240, 200, 40), (200, 20, 20)], float)
    at = max(0.0, min(1.0, share)) * 2
    low = min(1, int(at))
    mixed = stops[low] + (stops[low + 1] - stops[low]) * (at - low)
    return int(mixed[0]), int(mixed[1]), int(mixed[2])


def arms(points: Points, rotations: npt.NDArray[np.float64] | None) -> list[Points]:
    """For each pose its origin and the ends of its three axes, 4 × 3; [] without rotations (n × 4, x y z w)."""
    if rotations is None:
        return []
    from scipy.spatial.transform import Rotation  # slow to import, and every command comes by here

    return [
        np.vstack([point, point + _ARM * Rotation.from_quat(quaternion).as_matrix().T])
        for point, quaternion in zip(points, rotations, strict=True)
        if np.isfinite(point).all() and np.linalg.norm(quaternion) > 0
    ]


def draw_path(
    draw: ImageDraw.ImageDraw, points: Sequence[Sequence[float] | None], known: Sequence[bool], width: int = 4
) -> None:
    """A path with colours from start to end, a square where it starts, a ring where it ends; unknown points are left out."""
    last = max(1, len(points) - 1)
    seen = [
        (i, float(point[0]), float(point[1]))
        for i, (point, ok) in enumerate(zip(points, known, strict=True))
        if ok and point is not None and np.isfinite(point[:2]).all()
    ]
    for grow, plain in ((4, (255, 255, 255)), (0, None)):
        for (i, x, y), (j, u, v) in pairwise(seen):
            if j == i + 1:
                draw.line((x, y, u, v), fill=plain or shade(i / last), width=width + grow)
    for i, x, y in seen:
        draw.ellipse((x - width, y - width, x + width, y + width), fill=shade(i / last), outline=(255, 255, 255))
    if len(seen) > 1:
        (i, x, y), (j, u, v) = seen[0], seen[-1]
        size = 2 * width
        draw.rectangle((x - size, y - size, x + size, y + size), fill=shade(i / last), outline=(255, 255, 255), width=2)
        draw.ellipse((u - size, v - size, u + size, v + size), outline=(255, 255, 255), width=6)
        draw.ellipse((u - size + 1, v - size + 1, u + size - 1, v + size - 1), outline=shade(j / last), width=4)


def draw_axes(draw: ImageDraw.ImageDraw, ends: Sequence[npt.NDArray[np.float64]], width: int = 4) -> None:
    """Axes of poses in the picture, named: for each the flat origin and ends of x, y, z (4 × 2 pixels)."""
    for origin, *tips in ends:
        if not np.isfinite([origin, *tips]).all():
            continue
        for grow, colours in ((4, ((255, 255, 255),) * 3), (0, AXES)):
            for tip, colour in zip(tips, colours, strict=True):
                draw.line((*map(float, origin), *map(float, tip)), fill=colour, width=width + grow)
        for name, tip, colour in zip(_NAMES, tips, AXES, strict=True):
            beyond = tip + (tip - origin) * (12 / max(12.0, float(np.linalg.norm(tip - origin))))
            draw.text((float(beyond[0]), float(beyond[1])), name, fill=colour, font=font(18, True), anchor="mm")


def three_views(
    points: Points, known: Sequence[bool], rotations: npt.NDArray[np.float64] | None, width: int = 1100, high: int = 360
) -> Picture:
    """The path and its poses from above, from the side and from the front, at one scale, with a bar that says how long it is."""
    image = Image.new("RGB", (width, high), PAPER)
    draw = ImageDraw.Draw(image)
    poses = arms(points, rotations if rotations is not None and len(points) <= 4 else None)
    every = np.vstack([points[np.asarray(known, bool)], *poses])
    if not len(every):
        draw.text((12, 12), "No point of the path is known.", fill=INK, font=font(20))
        return np.asarray(image)
    low, high_point = every.min(0), every.max(0)
    middle, reach = (low + high_point) / 2, max(float((high_point - low).max()), 2 * _ARM)
    wide = width // 3
    scale = min(wide - 60, high - 90) / reach
    for number, (title, across, up) in enumerate(VIEWS):
        left, centre = number * wide, (number * wide + wide / 2, 34 + (high - 60) / 2)
        flat = (points[:, [across, up]] - middle[[across, up]]) * scale * (1, -1) + centre
        draw.rectangle((left + 8, 30, left + wide - 8, high - 28), outline=(205, 205, 210))
        draw.text((left + 10, 5), title, fill=INK, font=font(17, True))
        names = f"{_NAMES[across]} to the right, {_NAMES[up]} up"
        draw.text((left + wide - 10, 7), names, fill=FAINT, font=font(14), anchor="ra")
        draw_path(draw, flat.tolist(), known)
        draw_axes(draw, [(pose[:, [across, up]] - middle[[across, up]]) * scale * (1, -1) + centre for pose in poses])
    bar = 10 ** np.floor(np.log10(reach / 2))
    draw.line((12, high - 12, 12 + bar * scale, high - 12), fill=INK, width=3)
    text = f"{bar:g} m" + ("; axes x orange, y green, z blue" if poses else "; from the blue square to the red ring")
    draw.text((22 + bar * scale, high - 22), fit(text, font(15), width - 200), fill=INK, font=font(15))
    return np.asarray(image)
