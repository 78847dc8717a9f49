"""Review media of ARC traces and screen recordings: a video frame or a picture per step."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from annotators.frames import Picture
from annotators.label_studio.pictures.arc import board, step_pictures
from annotators.label_studio.pictures.gui import UNKNOWN, Canvas, action_picture, canvas, framed, missing
from annotators.label_studio.pictures.lettering import font_file
from annotators.label_studio.project import Surface
from annotators.trajectory import TrajectoryView
from schemas.identity import digest

from .encode import write_video
from .footage import decoded
from .media import VERSION, Media, place_of, save, stored_picture

Row = Mapping[str, Any]

STORY_FPS = 2.0
"""Steps a second when a story is played."""

_WHOLE = (1 << 14, 1 << 14)
_GUI_COLUMNS = (
    *("step", "action_kind", "action_name", "action_args", "screenshot", "screenshot_missing", "frame_width", "frame_height"),
    *("scale", "point", "end_point", "scroll", "text", "keys", "app", "window", "url"),
)
_ARC_COLUMNS = (
    *("step", "timestamp", "action_name", "action_args", "task_id", "test_index"),
    *("grid_before", "grid_after", "grids_between", "selection"),
)


def arc_story(view: TrajectoryView, task: Row | None, folder: Path, start: int = 0, end: int | None = None) -> Media:
    """A video with one frame per step of `[start, end)`; `task` is the trace's row of `tasks`, None where unknown."""
    end = view.num_steps if end is None else end
    steps = view.steps.select(_ARC_COLUMNS).to_pylist()
    place = board(steps, task)
    path = place_of(folder, _name("arc story", steps, task, start, end), ".mp4")
    if not path.exists():
        write_video(path, step_pictures(steps, task, start, end), STORY_FPS, _WHOLE, exact=True)
    shown = tuple(range(start, end))
    return Media((path,), Surface(shown, shown, end, place.width, place.height, fps=STORY_FPS), place.grid)


def arc_steps(view: TrajectoryView, task: Row | None, folder: Path, start: int = 0, end: int | None = None) -> Media:
    """A PNG per step of `[start, end)`; `task` is the trace's row of `tasks`, None where unknown."""
    end = view.num_steps if end is None else end
    steps = view.steps.select(_ARC_COLUMNS).to_pylist()
    place = board(steps, task)
    name = _name("arc step", steps, task)
    shown = tuple(range(start, end))
    files = tuple(place_of(folder, f"{name}.{step}", ".png") for step in shown)
    if not all(file.exists() for file in files):
        for picture, file in zip(step_pictures(steps, task, start, end), files, strict=True):
            save(picture, file)
    return Media(files, Surface(shown, shown, end, place.width, place.height), place.grid)


def gui_story(view: TrajectoryView, folder: Path, start: int = 0, end: int | None = None) -> Media:
    """A video with one frame per step of `[start, end)`: the screenshot with the action drawn on it, below a caption.

    Raises MediaFault, with trajectory and step, for a screenshot that is gone or no picture.
    """
    end = view.num_steps if end is None else end
    steps = view.steps.select(_GUI_COLUMNS).to_pylist()
    place = canvas(steps, unsaid=screen(view))
    path = place_of(folder, _name("gui story", steps, start, end), ".mp4")
    if not path.exists():
        pictures = (action_picture(place, row, screenshot(view, row), len(steps)) for row in steps[start:end])
        write_video(path, pictures, STORY_FPS, _WHOLE, exact=True)
    shown = tuple(range(start, end))
    return Media((path,), Surface(shown, shown, end, place.width, place.height, fps=STORY_FPS))


def gui_steps(view: TrajectoryView, folder: Path, start: int = 0, end: int | None = None) -> Media:
    """The screenshots of `[start, end)` as they are stored; a missing one is a grey picture that says why.

    Where the frames of the trajectory differ in size, all are drawn from the top left of one that holds them all, so that
    percents of a picture are percents of `surface.width` and `surface.height` in every one.
    """
    end = view.num_steps if end is None else end
    steps = view.steps.select(_GUI_COLUMNS).to_pylist()
    place = canvas(steps, _WHOLE, screen(view))
    sizes = {(row["frame_width"], row["frame_height"]) for row in steps if row["screenshot"] is not None}
    if len(sizes) <= 1:
        files = tuple(_as_stored(view, row, place, folder) for row in steps[start:end])
    else:
        scale = max((row["scale"] or 1.0 for row in steps), default=1.0)
        files = tuple(_padded(view, row, Canvas(place.width, place.height, scale), folder) for row in steps[start:end])
    shown = tuple(range(start, end))
    return Media(files, Surface(shown, shown, end, place.width, place.height))


def screen(view: TrajectoryView) -> tuple[int, int]:
    """Width and height of the first screen that the source described, where it did."""
    sizes = [(entry["width"], entry["height"]) for entry in view.header["streams"] or ()]
    return next((size for size in sizes if all(size)), UNKNOWN)


def screenshot(view: TrajectoryView, row: Row) -> Picture | None:
    """The screenshot of a step. Raises MediaFault for one that is gone or no picture."""
    if row["screenshot"] is None:
        return None
    return decoded(view.read_media(row["screenshot"]), _where(view, row))


def _as_stored(view: TrajectoryView, row: Row, place: Canvas, folder: Path) -> Path:
    if row["screenshot"] is not None:
        return stored_picture(view, row["screenshot"], folder, _where(view, row))
    file = place_of(folder, _name("missing", place.width, place.height, row["screenshot_missing"]), ".png")
    if not file.exists():
        save(missing((place.width, place.height), row["screenshot_missing"]), file)
    return file


def _padded(view: TrajectoryView, row: Row, place: Canvas, folder: Path) -> Path:
    key = [row[name] for name in ("screenshot", "screenshot_missing", "frame_width", "frame_height")]
    file = place_of(folder, _name("padded", key, place.width, place.height, place.scale), ".png")
    if not file.exists():
        save(framed(place, row, screenshot(view, row)), file)
    return file


def _where(view: TrajectoryView, row: Row) -> str:
    return f"{view.trajectory_id}, screenshot of step {row['step']}"


def _name(*what: Any) -> str:
    """The name of a drawn file: by what is drawn, with which letters."""
    return digest([VERSION, str(font_file()), *what])
