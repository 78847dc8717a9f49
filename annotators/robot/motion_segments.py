"""Phases of an episode (layer `motion`) from how fast the arm and its gripper move.

What a step shows was there before its action, so the speed *of a step* is what happens from it to the next one, and a
phase begins with the step in which it is set off. Thresholds are relative: LeRobot and its kin do not declare units.
Arm dimensions are taken in the units of the source, so where a state mixes units the largest numbers count most.

Noise is told from motion by second differences: a smooth movement has almost none, however fast or slow it is. A
dimension whose whole range is within its noise does not count as motion.

A sensor that is read less often than steps are recorded repeats its value (the hands of a Unitree G1 do, four steps of
30 Hz each). Its way is spread over the repeats, or its motion would look like rest with spikes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from annotators.annotation import Annotation
from annotators.protocol import Requires
from annotators.trajectory import TrajectoryView

Vector = npt.NDArray[np.float64]

NOISE_RANGE = 10.0
"""A dimension moves where its range exceeds this many standard deviations of its noise (white noise alone spans 6 to 9)."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What counts as what. See `MotionSegments`, whose parameters these are."""

    min_seconds: float = 0.2
    moving: float = 0.1
    gripper_rate: float = 0.25
    gripper_travel: float = 0.2


@dataclass(frozen=True, slots=True)
class Segment:
    """Steps `[start, end)` of one label; `mean_speed` in units of the state per second.

    `gripper_change`: how much further open (+) or closed (-) the gripper is at the end, as a fraction of its range; None
    without a gripper. `agreement`: the share of its steps that have its label on their own, before short phases merged.
    """

    start: int
    end: int
    label: str
    mean_speed: float
    gripper_change: float | None
    agreement: float


def motion_segments(
    state: Vector, times: Vector, gripper: Vector | None = None, thresholds: Thresholds | None = None
) -> list[Segment]:
    """Segments that tile [0, n) without gap or overlap; neighbours differ in label.

    `state`: float64 [n, dimensions] of the arm; `times`: float64 [n] seconds, not going back; `gripper`: float64
    [n, grippers], each 0 closed to 1 open, or None. Labels: still, move, close, open. A gripper counts before the arm.
    """
    limits = thresholds or Thresholds()
    steps = len(times)
    if not steps:
        return []
    interval = _intervals(times)
    shortest = max(1, round(limits.min_seconds / float(np.median(interval))))
    state = spread_repeats(state, shortest)
    speed = _speed(state, interval)
    own = np.where(_moving(state, speed, interval, shortest, limits.moving), "move", "still").astype("<U5")
    labels = own.copy()
    events = _gripper_events(gripper, interval, shortest, limits) if gripper is not None else []
    for start, end, label in events:
        own[start:end] = labels[start:end] = label
    fixed = np.zeros(steps, bool)
    for start, end, _ in events:
        fixed[start:end] = True
    _merge_short(labels, fixed, shortest)
    return [
        Segment(
            start,
            end,
            str(labels[start]),
            float(np.average(speed[start:end], weights=interval[start:end])),
            _change(gripper, start, end) if gripper is not None else None,
            float(np.mean(own[start:end] == labels[start])),
        )
        for start, end in _runs(labels)
    ]


def spread_repeats(values: Vector, longest: int) -> Vector:
    """Values that repeat exactly for at most `longest` steps, made to lead straight to the next one; [n, dimensions].

    A longer repetition is a rest and stays one.
    """
    steps = np.arange(len(values))
    columns = []
    for dimension in values.T:
        runs = _runs(dimension)
        rests = [end - 1 for start, end in runs[:-1] if end - start > longest]
        known = np.unique([*(start for start, _ in runs), *rests, steps[-1]])
        columns.append(np.interp(steps, known, dimension[known]))
    return np.column_stack(columns) if columns else values


def still_below(state: Vector, speed: Vector, interval: Vector, moving: float) -> float:
    """The speed under which an arm is still: `moving` of the 95th percentile of its speed, and at least twice its noise."""
    noise = np.sqrt(2.0 * np.sum(_noise(state) ** 2)) / float(np.median(interval)) if len(state) > 2 else 0.0
    return max(moving * float(np.quantile(speed, 0.95)), 2.0 * float(noise))


def _intervals(times: Vector) -> Vector:
    """Seconds from each step to the next, [n]; equal stamps and the last step get the median interval."""
    found = np.diff(times)
    usual = float(np.median(found[found > 0])) if (found > 0).any() else 1.0
    return np.append(np.where(found > 0, found, usual), usual)


def _moves(values: Vector) -> npt.NDArray[np.bool_]:
    """Which dimensions do more than tremble."""
    span: Vector = np.ptp(values, axis=0)
    scale: Vector = np.abs(values).max(axis=0)
    return (span > NOISE_RANGE * _noise(values)) & (span > 1e-6 * scale)


def _noise(values: Vector) -> Vector:
    """Standard deviation of white noise per dimension, from the median size of second differences."""
    if len(values) < 3:
        return np.zeros(values.shape[1])
    found: Vector = 1.4826 * np.median(np.abs(np.diff(values, 2, axis=0)), axis=0) / np.sqrt(6.0)
    return found


def _speed(state: Vector, interval: Vector) -> Vector:
    """Length of the arm's way from each step to the next, per second, [n]; the last step keeps the speed before it."""
    moved = state[:, _moves(state)] if len(state) else state
    if len(moved) < 2 or not moved.shape[1]:
        return np.zeros(len(state))
    way = np.linalg.norm(np.diff(moved, axis=0), axis=1)
    speed: Vector = np.append(way, way[-1]) / np.append(interval[:-1], interval[-2])
    return speed


def _moving(state: Vector, speed: Vector, interval: Vector, shortest: int, moving: float) -> npt.NDArray[np.bool_]:
    """Which steps move: above the threshold after a median filter, which keeps edges where they are."""
    from scipy.ndimage import median_filter  # slow to import, and a recipe that only names this annotator needs none of it

    smooth: Vector = median_filter(speed, size=shortest // 2 * 2 + 1, mode="nearest")
    found: npt.NDArray[np.bool_] = smooth > still_below(state[:, _moves(state)], speed, interval, moving)
    return found


def _gripper_events(gripper: Vector, interval: Vector, shortest: int, limits: Thresholds) -> list[tuple[int, int, str]]:
    """(start, end, close or open) of every travel of the gripper, apart from each other, in order.

    With several grippers the one that moves fastest in a step decides. A pause shorter than `shortest` does not end it.
    """
    if len(gripper) < 2 or not gripper.shape[1]:
        return []
    change = np.where(_moves(gripper), np.diff(gripper, axis=0), 0.0)
    rates = change / interval[:-1, None]
    fastest = np.argmax(np.abs(rates), axis=1)
    rate = rates[np.arange(len(rates)), fastest]
    sign = np.sign(rate) * (np.abs(rate) > limits.gripper_rate)
    events: list[tuple[int, int, str]] = []
    for way, label in ((-1.0, "close"), (1.0, "open")):
        for start, end in _bridged(sign == way, sign == -way, shortest):
            travel = way * change[start:end].sum(axis=0)
            if travel.max() >= limits.gripper_travel:
                events.append((start, end, label))
    return sorted(events)


def _bridged(active: npt.NDArray[np.bool_], against: npt.NDArray[np.bool_], gap: int) -> Iterator[tuple[int, int]]:
    """Runs of `active`, joined over gaps of fewer than `gap` steps in which nothing is `against`."""
    current: tuple[int, int] | None = None
    for start, end in _runs(active):
        if not active[start]:
            continue
        if current and start - current[1] < gap and not against[current[1] : start].any():
            current = (current[0], end)
            continue
        if current:
            yield current
        current = (start, end)
    if current:
        yield current


def _merge_short(labels: npt.NDArray[np.str_], fixed: npt.NDArray[np.bool_], shortest: int) -> None:
    """Give runs shorter than `shortest` to their longer neighbour, shortest first, in place. `fixed` steps stay as they are."""
    while True:
        runs = _runs(labels)
        short = [(end - start, start, end) for start, end in runs if end - start < shortest and not fixed[start:end].any()]
        if not short or len(runs) == 1:
            return
        _, start, end = min(short)
        index = runs.index((start, end))
        neighbours = [runs[i] for i in (index - 1, index + 1) if 0 <= i < len(runs)]
        first, _ = max(neighbours, key=lambda run: run[1] - run[0])
        labels[start:end] = labels[first]


def _runs(values: npt.NDArray[Any]) -> list[tuple[int, int]]:
    """[start, end) of every run of equal values."""
    borders = [0, *(np.flatnonzero(values[1:] != values[:-1]) + 1).tolist(), len(values)]
    return list(pairwise(borders))


def _change(gripper: Vector, start: int, end: int) -> float:
    """The largest change of a gripper over [start, end), from its first observation to the one after its last step."""
    change = gripper[min(end, len(gripper) - 1)] - gripper[start]
    return float(change[np.argmax(np.abs(change))]) if len(change) else 0.0


@dataclass(frozen=True)
class MotionSegments:
    """Proposes `motion`.

    * `min_seconds`: a shorter rest or movement joins its neighbour; a gripper's travel may be as short as it is.
    * `moving`: an arm moves above this fraction of the episode's 95th percentile of speed.
    * `gripper_rate`: a gripper travels above this fraction of its range per second, …
    * `gripper_travel`: … and over at least this fraction of its range.
    * `gripper_words`: without a `gripper` column, dimensions of state (else of action) with one of these in their name
      are the grippers. They are measured by the widest range among them in the episode, and do not count as arm.
    * `larger_is`: open or close: what a larger value of such a dimension means. The column needs no such word.
    * `assumed_fps`: steps per second where the source has neither times nor fps; it only sets what `min_seconds` and
      `gripper_rate` are in steps.

    A robot with hands needs `gripper_words: [hand]`, or whatever its source calls them; no word is guessed.

    Confidence is the share of a segment's steps that have its label on their own.
    """

    min_seconds: float = 0.2
    moving: float = 0.1
    gripper_rate: float = 0.25
    gripper_travel: float = 0.2
    gripper_words: tuple[str, ...] = ("gripper",)
    larger_is: str = "open"
    assumed_fps: float = 10.0

    name: ClassVar[str] = "robot.motion_segments"
    version: ClassVar[str] = "1"
    producer_type: ClassVar[str] = "signal"
    emits: ClassVar[tuple[str, ...]] = ("motion",)
    requires: ClassVar[Requires] = Requires("robot", columns=("state",))
    deterministic: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Raises ValueError for a `larger_is` that is no word of it."""
        if self.larger_is not in ("open", "close"):
            raise ValueError(f"larger_is is {self.larger_is!r}; it is open or close")

    def propose(self, trajectory: TrajectoryView) -> Iterable[Annotation]:
        """Segments over all steps."""
        found, said_by = self.segments(trajectory)
        for segment in found:
            attributes: dict[str, Any] = {"mean_speed": _short(segment.mean_speed)}
            if segment.gripper_change is not None:
                attributes |= {"gripper_change": _short(segment.gripper_change), "gripper_from": said_by}
            payload = {"label": segment.label, "attributes": attributes}
            yield Annotation("motion", payload, segment.start, segment.end, confidence=segment.agreement)

    def segments(self, trajectory: TrajectoryView) -> tuple[list[Segment], str | None]:
        """The segments of an episode, and the column that its gripper was taken from; None without a gripper."""
        state = _vectors(trajectory.steps["state"].to_pylist())
        names = trajectory.header["state_names"] or []
        arm = [i for i in range(state.shape[1]) if i >= len(names) or not self._is_gripper(names[i])]
        gripper, said_by = self._gripper(trajectory, state)
        limits = Thresholds(self.min_seconds, self.moving, self.gripper_rate, self.gripper_travel)
        return motion_segments(state[:, arm], self._times(trajectory), gripper, limits), said_by

    def _gripper(self, trajectory: TrajectoryView, state: Vector) -> tuple[Vector | None, str | None]:
        """Grippers [n, grippers] as 0 closed to 1 open, and the column they were taken from."""
        column = trajectory.steps["gripper"]
        if column.null_count < len(column):
            return _vectors([None if value is None else [value] for value in column.to_pylist()]), "gripper"
        for name in ("state", "action"):
            names = trajectory.header[f"{name}_names"] or []
            found = [i for i, dimension in enumerate(names) if self._is_gripper(dimension)]
            if found and trajectory.steps[name].null_count < trajectory.num_steps:
                values = state if name == "state" else _vectors(trajectory.steps[name].to_pylist())
                return self._relative(values[:, found]), name
        return None, None

    def _relative(self, values: Vector) -> Vector:
        """Each dimension from its lowest value, over the largest range among them: one that hardly moves stays small.

        A finger that is never above zero mirrors its partner.
        """
        size = np.where(values.max(axis=0) <= 0, -values, values)
        low, widest = size.min(axis=0), float(np.ptp(size, axis=0).max())
        share: Vector = (size - low) / (widest or 1.0)
        return share if self.larger_is == "open" else 1.0 - share

    def _is_gripper(self, dimension: str) -> bool:
        return any(word.lower() in dimension.lower() for word in self.gripper_words)

    def _times(self, trajectory: TrajectoryView) -> Vector:
        """Seconds per step: as recorded, else by fps, else by `assumed_fps`."""
        times = trajectory.steps["timestamp"].to_pylist()
        if all(time is not None for time in times):
            return np.array(times, np.float64)
        return np.arange(len(times)) / float(trajectory.header["fps"] or self.assumed_fps)


ANNOTATOR = MotionSegments()


def _vectors(rows: Sequence[Sequence[float] | None]) -> Vector:
    """Rows as float64 [n, dimensions]; a step without one stands where its neighbours in time are, on a straight line."""
    known = [step for step, row in enumerate(rows) if row is not None]
    values = np.array([rows[step] for step in known], np.float64)
    if len(known) == len(rows):
        return values
    return np.column_stack([np.interp(np.arange(len(rows)), known, dimension) for dimension in values.T])


def _short(value: float) -> float:
    """Six digits, so that platforms whose sums differ in the last bit say the same."""
    return float(f"{value:.6g}")
