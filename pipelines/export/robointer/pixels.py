"""From pixels of the stream's own frame back to whole pixels of `origin_shape`, the reverse of `pipelines.formats.robointer.pixels`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipelines.export.report import Report
from pipelines.formats.robointer.pixels import HORIZON

Row = Mapping[str, Any]
_WHOLE = 1e-3
"""Pixels that float32 may be off a whole number."""


@dataclass(slots=True)
class Origin:
    """The camera that is annotated: `stream`, the frame of each step, and the size [width, height] that pixels refer to."""

    stream: str
    frames: Sequence[int | None]
    size: tuple[int, int]
    rounded: int = field(default=0)

    def point(self, x: float, y: float, row: Row) -> list[int]:
        """A point of a row, in whole pixels; those that were none are counted."""
        width, height = row["frame_width"] or self.size[0], row["frame_height"] or self.size[1]
        exact = x * self.size[0] / width, y * self.size[1] / height
        whole = [round(exact[0]), round(exact[1])]
        self.rounded += any(abs(a - b) > _WHOLE for a, b in zip(exact, whole, strict=True))
        return whole

    def box(self, box: Sequence[float], row: Row, step: int) -> list[list[int]]:
        """A box of a row as two corners: the source's own where it was cut at the border."""
        beyond: list[list[int]] | None = (row["attributes"] or {}).get("beyond", {}).get(str(step))
        return beyond or [self.point(box[0], box[1], row), self.point(box[2], box[3], row)]

    def shown(self, rows: Iterable[Row], name: str, report: Report) -> list[Row]:
        """The rows about this camera; others are reported."""
        every = list(rows)
        found = [row for row in every if row["stream"] in (self.stream, None)]
        report.lose(f"{name} on other cameras", len(every) - len(found), "RoboInter annotates one camera")
        return found


def tracked(rows: Sequence[Row], name: str, label: str, origin: Origin, report: Report) -> list[Any]:
    """A box per step: `[]` where the thing is not seen, None where nobody said. The first track of the label counts."""
    values: list[Any] = [None] * len(origin.frames)
    boxes = [row for row in rows if row["label"] == label and row["shape"] == "box"]
    report.lose(f"tracks of {name}", len(rows) - len(boxes[:1]), f"RoboInter has one, of boxes around the {label}")
    for row in boxes[:1]:
        said = {
            frame: box if seen and box is not None else None
            for frame, box, seen in zip(row["frames"], row["boxes"], row["visible"] or [True] * len(row["frames"]), strict=True)
        }
        for step, frame in enumerate(origin.frames):
            if frame in said:
                box = said[frame]
                values[step] = [] if box is None else origin.box(box, row, step)
    return values


def windows(rows: Sequence[Row], frames: int, origin: Origin, report: Report) -> list[Any]:
    """The gripper's path as RoboInter repeats it: from each step on `HORIZON` points, the last one repeated at the end; None
    where one of them is not known.
    """
    known: dict[int, list[int]] = {}
    unknown = 0
    for row in rows:
        valid = row["valid"] or [True] * len(row["steps"])
        for step, point, seen in zip(row["steps"], row["points"], valid, strict=True):
            if seen and point is not None:
                known.setdefault(step, origin.point(point[0], point[1], row))
            unknown += not seen
    report.lose("points of trace that are not known", unknown, "RoboInter leaves the whole path out")
    found: list[Any] = []
    for start in range(frames):
        steps = range(start, min(start + HORIZON, frames))
        window = [known[step] for step in steps] if all(step in known for step in steps) else None
        found.append(None if window is None else [*window, *[window[-1]] * (HORIZON - len(window))])
    told = {step for start, window in enumerate(found) if window is not None for step in range(start, start + HORIZON)}
    report.lose("points of trace in no whole path", len(known.keys() - told), f"RoboInter has paths of {HORIZON} known points")
    return found
