"""The contact sheet of a trajectory: some of its steps as pictures, side by side, as PNG."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from annotators.frames import Picture
from annotators.label_studio.pictures.arc import arrow, as_grid, outline, paint
from annotators.label_studio.pictures.gui import action_picture, canvas
from annotators.label_studio.pictures.lettering import FAINT, PAPER
from annotators.label_studio.pictures.sheet import contact_sheet
from annotators.streams import camera_names, frame_of_steps
from pipelines.engine.supervise import supervised
from pipelines.errors import ConfigurationError
from pipelines.release.pictures.canvas import letters
from pipelines.release.pictures.previews import overlaid
from pipelines.review.footage import decoded, footage, opened, read_frames, read_images

from .pictures import spread
from .stored import Row, Stored

STEPS = 16
"""Pictures of a sheet."""
_WIDTH = {"robot": 1280, "arc": 1920, "gui": 1920}
"""Pixels of a sheet, by domain."""
_SIDES = ("grid_before", "grid_after")
_CELL, _HEAD = 477, 44
"""Pixels of one ARC step of a sheet, and of the room for its label."""


def sheet(stored: Stored, most: int = STEPS) -> bytes:
    """The sheet as PNG. Raises ConfigurationError where there is no picture, MediaFault, ChildDiedError, ChildHungError."""
    made = {"robot": _robot, "arc": _arc, "gui": _gui}[stored.domain](stored, most)
    pictures, labels = made
    drawn = contact_sheet(pictures, labels, 4, _WIDTH[stored.domain])
    sink = io.BytesIO()
    Image.fromarray(drawn).save(sink, "PNG")
    return sink.getvalue()


def _arc(stored: Stored, most: int) -> tuple[list[Picture], list[str]]:
    steps = stored.view.steps.to_pylist()
    shown = spread([row["step"] for row in steps if row["grid_before"] is not None or row["grid_after"] is not None], most)
    if not shown:
        raise _nothing(stored)
    grids = [grid for row in steps for name in _SIDES if (grid := as_grid(row[name])) is not None]
    size = (max(len(grid) for grid in grids), max(grid.shape[1] for grid in grids))
    return [_step(steps[step], size) for step in shown], _labels(steps, shown)


def _step(row: Row, size: tuple[int, int]) -> Picture:
    """The grid before with what was selected, and the grid after. `size`: rows and columns of the largest grid of the trace."""
    rows, columns = size
    cell = max(4, min(48, (_CELL - 60) // (2 * columns)))
    image = Image.new("RGB", (_CELL, _HEAD + rows * cell + 12), PAPER)
    draw = ImageDraw.Draw(image)
    middle = _HEAD + rows * cell // 2
    places = (12, 12 + columns * cell + 36)
    arrow(draw, (places[1] - 30, middle), (places[1] - 8, middle))
    for name, left in zip(_SIDES, places, strict=True):
        grid = as_grid(row[name])
        if grid is None:
            draw.text((left, _HEAD), "not recorded", fill=FAINT, font=letters(16))
            continue
        paint(draw, (left, _HEAD), cell, grid)
        if name == "grid_before" and row["selection"]:
            inside = {(r, c) for r, c in row["selection"] if 0 <= r < grid.shape[0] and 0 <= c < grid.shape[1]}
            outline(draw, (left, _HEAD), cell, inside)
    return np.asarray(image)


def _gui(stored: Stored, most: int) -> tuple[list[Picture], list[str]]:
    steps = stored.view.steps.to_pylist()
    shown = spread([row["step"] for row in steps if row["screenshot"] is not None], most)
    if not shown:
        raise _nothing(stored)
    place = canvas(steps)
    drawn = []
    for step in shown:
        seen = supervised(decoded, stored.view.read_media(steps[step]["screenshot"]), f"step {step}")
        drawn.append(
            action_picture(place, steps[step], seen, len(steps))[-place.size[1] :]
        )  # the label says what its caption does
    return drawn, _labels(steps, shown)


def _robot(stored: Stored, most: int) -> tuple[list[Picture], list[str]]:
    """Steps of the first camera that has pictures, with regions and paths on them."""
    view = stored.view
    names = camera_names(view)
    if not names:
        raise _nothing(stored)
    of_step = frame_of_steps(view, names[0])
    shown = spread([step for step, frame in enumerate(of_step) if frame is not None], most)
    frames = [frame for step in shown if (frame := of_step[step]) is not None]
    found = footage(view, names[0])
    if found.counts is None:
        pictures = list(read_images(view, found, frames))
    else:
        with opened(view, found) as parts:
            pictures = supervised(_frames, parts, frames)
    rows: dict[str, list[Row]] = {
        kind: [e.row for e in stored.of_kind(kind) if e.row["stream"] in (None, names[0])] for kind in ("regions", "traces")
    }
    size = (found.width, found.height)
    drawn = [
        np.asarray(overlaid(picture, rows, frame, step, size), np.uint8)
        for picture, frame, step in zip(pictures, frames, shown, strict=True)
    ]
    return drawn, _labels(view.steps.to_pylist(), shown)


def _frames(parts: Sequence[tuple[object, int]], numbers: Sequence[int]) -> list[Picture]:
    """Runs in the decoding child."""
    return list(read_frames(parts, numbers))  # type: ignore[arg-type]


def _labels(steps: Sequence[Row], shown: Sequence[int]) -> list[str]:
    return [f"{step}  {(steps[step]['action_name'] or '').replace('_', ' ')}".strip() for step in shown]


def _nothing(stored: Stored) -> ConfigurationError:
    return ConfigurationError(f"{stored.view.trajectory_id} has no pictures in this release, so there is no sheet to draw")
