"""Boxes, points and paths in the picture: from whole pixels of `origin_shape` to pixels of the stream's own frame.

RoboInter annotates RH20T at 640 x 360 and stores its videos at 320 x 180, so everything is scaled by the stream's size over
`origin_shape`, which is kept (`attributes.origin_shape`; the scaled numbers times its share are the source's again). A box that
touches the border is kept; what reaches over it is cut at it, the source's numbers kept in `attributes.beyond`; one that lies
wholly outside, or has no area, is left out and said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotators.annotation import Annotation
from pipelines.formats.robointer.clips import Span, runs
from pipelines.formats.robointer.notes import Findings, Notes, is_past

HORIZON = 10
"""Frames of a path in RoboInter, its first one included."""

TRACKS: Mapping[str, str] = {"object_box": "object", "gripper_box": "gripper"}
"""Layers that hold a box per frame, and the word for what is boxed."""


@dataclass(frozen=True, slots=True)
class Screen:
    """The stream that is annotated: its size, the size that coordinates refer to, and the frame of each step (None: none)."""

    stream: str
    width: int
    height: int
    origin: tuple[int, int]
    frames: Sequence[int | None]

    @property
    def common(self) -> dict[str, int]:
        """Columns of every row in pixels."""
        return {"frame_width": self.width, "frame_height": self.height}

    @property
    def attributes(self) -> dict[str, Any]:
        """What is said of the source's own coordinates."""
        return {"origin_shape": list(self.origin)}

    def scaled(self, x: float, y: float) -> tuple[float, float]:
        """A point of the source in the stream's pixels."""
        return x * self.width / self.origin[0], y * self.height / self.origin[1]

    def box(self, value: Any, where: str, findings: Findings) -> tuple[list[float], bool] | None:
        """(x_min, y_min, x_max, y_max, and whether it was cut at the border); None (a finding) for what is no box inside."""
        if not _corners(value):
            findings.add("box_unfit", f"{where}: {value} is not [[x1, y1], [x2, y2]]")
            return None
        whole = [*self.scaled(*value[0]), *self.scaled(*value[1])]
        cut = [min(max(number, 0.0), float(limit)) for number, limit in zip(whole, (self.width, self.height) * 2, strict=True)]
        if cut[0] >= cut[2] or cut[1] >= cut[3]:
            findings.add("box_outside", f"{where}: {value} has no area inside {self.origin[0]} x {self.origin[1]}")
            return None
        return cut, cut != whole


def tracks(notes: Notes, frames: int, screen: Screen, findings: Findings) -> Iterator[Annotation]:
    """A row per layer of `TRACKS` that has boxes; `[]` is a frame in which the thing is not seen."""
    for name, label in TRACKS.items():
        seen: list[tuple[int, list[float] | None]] = []
        beyond = {}
        for step, value in enumerate(notes.of(name, frames)):
            frame = screen.frames[step]
            if value is None or frame is None:
                continue
            if is_past(value):
                seen.append((frame, None))
            elif (found := screen.box(value, f"{name}: frame {step}", findings)) is not None:
                seen.append((frame, found[0]))
                if found[1]:
                    beyond[str(step)] = value
        if seen:
            payload = {
                "shape": "box",
                "label": label,
                "track": label,
                "frames": [frame for frame, _ in seen],
                "boxes": [box for _, box in seen],
                "visible": [box is not None for _, box in seen],
                "attributes": screen.attributes | ({"beyond": beyond} if beyond else {}),
                **screen.common,
            }
            yield Annotation(name, payload, 0, frames, stream=screen.stream, quality=notes.quality(name))


def placements(notes: Notes, frames: int, clips: Sequence[Span], screen: Screen, findings: Findings) -> Iterator[Annotation]:
    """Where the object belongs at the end of a clip, at the clip's last step; `attributes.steps`: for which it was said."""
    values = notes.of("placement_proposal", frames)
    for start, end in clips or [(0, frames)]:
        for first, last, value in runs(values, start, end):
            yield from one_box(notes, "placement_proposal", "placement", last - 1, value, screen, findings, (first, last))


def one_box(
    notes: Notes, name: str, label: str, step: int, value: Any, screen: Screen, findings: Findings, said_for: Span | None = None
) -> Iterator[Annotation]:
    """A box at one step; none where it is unfit or the step has no frame."""
    found, frame = screen.box(value, f"{name}: frame {step}", findings), screen.frames[step]
    if found is None or frame is None:
        return
    box, cut = found
    attributes = screen.attributes | ({"beyond": {str(step): value}} if cut else {})
    attributes |= {"steps": list(said_for)} if said_for else {}
    payload = {"shape": "box", "label": label, "frames": [frame], "boxes": [box], "visible": [True], "attributes": attributes}
    yield Annotation(name, payload | screen.common, step, step + 1, stream=screen.stream, quality=notes.quality(name))


def finger_points(notes: Notes, step: int, value: Any, screen: Screen, findings: Findings) -> Iterator[Annotation]:
    """Two points, one per finger, at a contact."""
    frame = screen.frames[step]
    if not _corners(value):
        shape = [len(value)] if isinstance(value, list) and not any(isinstance(v, list) for v in value) else "another"
        findings.add("points_unfit", f"contact_points has shape {shape}; expected 2 x 2 (RoboInter's README is wrong)")
    elif frame is not None:
        points = [*screen.scaled(*value[0]), *screen.scaled(*value[1])]
        payload: dict[str, Any] = {
            "shape": "point",
            "label": "finger",
            "frames": [frame],
            "points": [points],
            "visible": [True],
        }
        payload |= {"attributes": screen.attributes, **screen.common}
        quality = notes.quality("contact_points")
        yield Annotation("contact_points", payload, step, step + 1, stream=screen.stream, quality=quality)


def gripper_path(notes: Notes, frames: int, screen: Screen, findings: Findings) -> Iterator[Annotation]:
    """The gripper's path as rows of `HORIZON` steps, one after another.

    The source repeats it as a window per frame, padded at the end with the last point, and leaves a window out where any point
    of it is unknown. So the windows are put together again: a point is known where any window has it, and from the rows every
    window follows. Windows that contradict one another are a finding, and the earliest counts.
    """
    known: dict[int, tuple[float, float]] = {}
    for start, window in enumerate(notes.of("trace", frames)):
        if window is None or is_past(window):
            continue
        if not isinstance(window, list) or not all(_point(point) for point in window):
            findings.add("trace_unfit", f"trace: frame {start}: {str(window)[:60]} is no list of [x, y]")
            continue
        for step, point in zip(range(start, frames), window, strict=False):
            at = screen.scaled(*point)
            if known.setdefault(step, at) != at:
                findings.add("trace_differs", f"trace: the windows of frames {start} and before disagree on frame {step}")
    quality = notes.quality("trace")
    for first, last, _ in runs([True if step in known else None for step in range(frames)], 0, frames):
        for start in range(first, last, HORIZON):
            steps = list(range(start, min(start + HORIZON, last)))
            payload = {
                "space": "pixel",
                "label": "gripper_path",
                "steps": steps,
                "points": [list(known[step]) for step in steps],
                "valid": [True] * len(steps),
                "horizon": HORIZON,
                **screen.common,
            }
            yield Annotation("trace", payload, start, start + 1, stream=screen.stream, quality=quality)


def _corners(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(_point(point) for point in value)


def _point(value: Any) -> bool:
    numbers = isinstance(value, list) and len(value) == 2
    return numbers and all(isinstance(n, int | float) and not isinstance(n, bool) and abs(n) < 1e6 for n in value)
