"""A box followed through pictures by sparse optical flow, without weights.

Corners inside the box are followed from picture to picture (pyramidal Lucas–Kanade), forward and back again: where the
way back does not end where it began, the flow is wrong there (Kalal, Mikolajczyk and Matas, "Forward-Backward Error:
Automatic Detection of Tracking Failures", ICPR 2010). The box moves, turns and grows as the corners that agree with each
other do. So that errors do not add up, the picture that the box was set on, moved as found so far, is laid over the new
one and the rest is measured against it. Corners that are lost are replaced.

What is on the box that does not move with it (the table seen between two fingers) is left behind as soon as it disagrees.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from .frames import Grey

Points = npt.NDArray[np.float32]
Affine = npt.NDArray[np.float64]
Box = tuple[float, float, float, float]
"""x_min, y_min, x_max, y_max in pixels."""

CORNERS, FEW, FEWEST = 80, 20, 4
"""Corners that are followed at most, below which weaker ones are taken too, and below which a box is lost."""
WAY_BACK = 1.0
"""Pixels by which the way back may miss where it began."""
TOLERANCE, LEAST_TOLERANCE = 0.05, 2.0
"""By how much a corner may lie off the common movement: share of the box's size, and pixels at least. Fingers open."""
RENEW, RENEWED = 0.5, 0.85
"""The share of first corners below which a tracker starts again from where it is, and what that leaves of trust."""
GROWTH = 1.3
"""How much a box may grow or shrink from one picture to the next: more is a wrong fit."""
_FLOW: dict[str, Any] = {
    "winSize": (15, 15),
    "maxLevel": 3,
    "criteria": (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 30, 0.01),
    "minEigThreshold": 1e-4,
}


class Follower:
    """A box on its way from the picture that it was set on.

    `model` leads from that picture to the last one seen; corners are remembered where they lay on that picture.
    """

    def __init__(self, grey: Grey, box: Box) -> None:
        self.box = box
        self._set_on = grey
        self._last = grey
        self._model: Affine = np.eye(2, 3)
        self._tolerance = max(LEAST_TOLERANCE, TOLERANCE * (box[2] - box[0] + box[3] - box[1]) / 2)
        self._set_with = _corners(grey, box)
        self._origin = self._set_with.copy()
        self._now = self._origin.copy()
        self._trust = 1.0
        self._lost = False

    def advance(self, grey: Grey) -> tuple[Box | None, float]:
        """The box on the next picture and the confidence in it; (None, 0) from where it is lost."""
        if self._lost:
            return None, 0.0
        moved, sure = _flow(self._last, grey, self._now)
        fit = _fit(self._origin[sure], moved[sure], self._model, self._tolerance)
        if fit is None:
            self._lost = True
            return None, 0.0
        model, agree = fit
        share = float(agree.sum()) / max(len(self._now), 1)
        kept = np.flatnonzero(sure)[agree]
        self._origin, self._now, self._model, self._last = self._origin[kept], moved[kept], model, grey
        found, likeness = self._correct(grey)
        # Trust does not come back by itself: what was followed over a gap may be something else.
        self._trust = min(self._trust, 0.7 * self._trust + 0.3 * min(1.0, 1.5 * share))
        confidence = self._trust * float(np.sqrt(found * np.clip(likeness, 0.0, 1.0)))
        self._refill(grey)
        box = _moved(self.box, self._model)
        if found < RENEW:
            self._renew(grey, box)
        return box, confidence

    def _correct(self, grey: Grey) -> tuple[float, float]:
        """Take out what has added up since the box was set.

        What share of the corners it was set with is found where they should be, 0 to 1, and how alike the two pictures
        are there, -1 to 1.
        """
        height, width = grey.shape
        warped = cv2.warpAffine(
            self._set_on, self._model, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        placed = _through(self._model, self._set_with)
        moved, sure = _flow(warped, grey, placed)
        near = sure & (np.linalg.norm(moved - placed, axis=1) < 2 * self._tolerance)
        agreeing = float(near.sum())
        fit = _fit(self._set_with[near], moved[near], self._model, self._tolerance)
        if fit is not None:
            agreeing = float(fit[1].sum())
            if agreeing >= 0.5 * len(self._set_with):
                self._model = fit[0]
        return agreeing / max(len(self._set_with), 1), _likeness(warped, grey, _moved(self.box, self._model))

    def _renew(self, grey: Grey, box: Box) -> None:
        """Go on from this picture as if the box had been set on it, with less trust: it looks too different by now."""
        inside_now = _corners(grey, box)
        if len(inside_now) < FEWEST:
            return
        self._trust *= RENEWED
        self.box, self._model, self._set_on = box, np.eye(2, 3), grey
        self._set_with, self._origin = inside_now, self._now.copy()

    def _refill(self, grey: Grey) -> None:
        """New corners for those that were lost, where the box is now."""
        if len(self._now) > CORNERS // 2:
            return
        found = _corners(grey, _moved(self.box, self._model))
        if len(found) and len(self._now):
            distance = np.linalg.norm(found[:, None] - self._now[None], axis=2).min(axis=1)
            found = found[distance > 3.0]
        if len(found):
            back = cv2.invertAffineTransform(self._model)
            self._now = np.concatenate([self._now, found])
            self._origin = np.concatenate([self._origin, _through(back, found)])


def _corners(grey: Grey, box: Box) -> Points:
    """Corners inside a box, [n, 2] x, y; the strongest first."""
    height, width = grey.shape
    left, top = max(int(box[0]), 0), max(int(box[1]), 0)
    right, bottom = min(int(np.ceil(box[2])), width), min(int(np.ceil(box[3])), height)
    if right - left < 3 or bottom - top < 3:
        return np.zeros((0, 2), np.float32)
    mask = np.zeros(grey.shape, np.uint8)
    mask[top:bottom, left:right] = 255
    found = cv2.goodFeaturesToTrack(grey, CORNERS, qualityLevel=0.01, minDistance=3, mask=mask, blockSize=5)
    if found is None or len(found) < FEW:
        found = cv2.goodFeaturesToTrack(grey, FEW, qualityLevel=0.002, minDistance=2, mask=mask, blockSize=3)
    return np.zeros((0, 2), np.float32) if found is None else found.reshape(-1, 2).astype(np.float32)


def _flow(before: Grey, after: Grey, points: Points) -> tuple[Points, npt.NDArray[np.bool_]]:
    """Where points lead, and which of them lead back to where they began."""
    if not len(points):
        return points, np.zeros(0, bool)
    start = points.reshape(-1, 1, 2)
    moved, found, _ = cv2.calcOpticalFlowPyrLK(before, after, start, None, **_FLOW)
    back, found_back, _ = cv2.calcOpticalFlowPyrLK(after, before, moved, None, **_FLOW)
    missed = np.linalg.norm((back - start).reshape(-1, 2), axis=1)
    height, width = after.shape
    place = moved.reshape(-1, 2)
    seen = (place >= 0).all(axis=1) & (place[:, 0] < width) & (place[:, 1] < height)
    sure = (found.ravel() == 1) & (found_back.ravel() == 1) & (missed < WAY_BACK) & seen
    return place.astype(np.float32), sure


def _fit(origin: Points, now: Points, before: Affine, tolerance: float) -> tuple[Affine, npt.NDArray[np.bool_]] | None:
    """Shift, turn and growth that most corners agree with, and which do; None where too few do or it jumps in size."""
    if len(origin) < FEWEST:
        return None
    cv2.setRNGSeed(0)
    model, agree = cv2.estimateAffinePartial2D(
        origin, now, method=cv2.RANSAC, ransacReprojThreshold=tolerance, maxIters=500, confidence=0.99
    )
    if model is None:
        return None
    chosen = agree.ravel() == 1
    ratio = _scale(model) / _scale(before)
    if chosen.sum() < FEWEST or not 1 / GROWTH < ratio < GROWTH:
        return None
    return np.asarray(model, np.float64), chosen


def _scale(model: Affine) -> float:
    return float(np.hypot(model[0, 0], model[1, 0]))


def _through(model: Affine, points: Points) -> Points:
    return (points @ model[:, :2].T + model[:, 2]).astype(np.float32)


def _moved(box: Box, model: Affine) -> Box:
    """A box moved and grown, upright as before."""
    centre = np.array([[(box[0] + box[2]) / 2, (box[1] + box[3]) / 2]], np.float32)
    x, y = _through(model, centre)[0].tolist()
    half_width, half_height = (box[2] - box[0]) / 2 * _scale(model), (box[3] - box[1]) / 2 * _scale(model)
    return x - half_width, y - half_height, x + half_width, y + half_height


def _likeness(one: Grey, other: Grey, box: Box) -> float:
    """Normalised correlation of two pictures inside a box, -1 to 1; 0 where there is nothing to compare."""
    height, width = one.shape
    left, top = max(round(box[0]), 0), max(round(box[1]), 0)
    right, bottom = min(round(box[2]), width), min(round(box[3]), height)
    if right - left < 3 or bottom - top < 3:
        return 0.0
    a = one[top:bottom, left:right].astype(np.float64).ravel()
    b = other[top:bottom, left:right].astype(np.float64).ravel()
    a, b = a - a.mean(), b - b.mean()
    size = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / size if size > 0 else 0.0
