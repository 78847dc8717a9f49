"""From trajectories and proposals to the tasks of a project: which stretches, on which pictures, with which rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from annotators.label_studio.config import marker_words
from annotators.label_studio.project import Project, ReviewTask, Row
from pipelines.recipe import ReviewProject
from pipelines.review.footage import footage
from pipelines.review.media import Media, key_frames, robot_full_rate, robot_proxy
from pipelines.review.proposed import proposed_lines
from pipelines.review.stories import arc_steps, arc_story, gui_steps, gui_story
from pipelines.review.verdicts import row_pictures
from pipelines.review.windows import Span, Window, around, windows
from pipelines.review.workspace import Reviewable

CONTACT_SECONDS = 1.0
"""Shown either side of a proposed contact or release."""
VERDICT_ROWS = 40
"""Rows that one verdict task judges at most."""

Rows = Mapping[str, tuple[Row, ...]]


@dataclass(frozen=True, slots=True)
class Desk:
    """Where tasks are made: the recipe's name, the project's declaration, and the folder that Label Studio serves.

    Files go below `<media_root>/<recipe>/<project>/`; tasks name them relative to `media_root`.
    """

    recipe: str
    spec: ReviewProject
    media_root: Path

    @property
    def project(self) -> Project:
        """What is rendered."""
        return self.spec.project

    @property
    def folder(self) -> Path:
        """Where the project's pictures and videos are."""
        return self.media_root / self.recipe / self.spec.name

    def address(self, file: Path) -> str:
        """A file as Label Studio serves it."""
        return f"/data/local-files/?d={quote(file.relative_to(self.media_root).as_posix())}"


def tasks_of(desk: Desk, found: Reviewable, known: Mapping[str, tuple[Span, Span]] | None = None) -> list[ReviewTask]:
    """The tasks that ask about one trajectory; empty where its view has nothing to show.

    `known`: key → shown and owned steps of the tasks that were pushed before: people's work keeps its borders. Raises
    MediaFault, with the place, where a video or picture cannot be shown.
    """
    tasks = []
    for stream in _streams(desk, found):
        rows = _of_stream(found.rows, stream)
        for window in _windows(desk, found, rows, stream, known or {}):
            shown = _inside(desk.project, rows, window)
            for part, rows_of_part in enumerate(_parts(desk, shown)):
                key = _key(desk, found, window, stream, part)
                tasks.append(_task(desk, found, window, rows_of_part, stream, key))
    return tasks


def _task(desk: Desk, found: Reviewable, window: Window, rows: Rows, stream: str | None, key: str) -> ReviewTask:
    media = _MEDIA[desk.spec.view](desk, found, window.shown, rows, stream)
    header = found.view.header
    times = found.view.steps["timestamp"].to_pylist()
    data: dict[str, Any] = {
        "title": f"{found.view.trajectory_id}: {header['instruction'] or header['task_id'] or 'no instruction'}",
        "proposed": proposed_lines(desk.project, rows, times),
    }
    addresses = [desk.address(file) for file in media.files]
    if desk.project.review_view.surface == "timeline":
        data |= {"media": addresses[0], "fps": media.surface.fps}
    else:
        data |= {"images": addresses}
    if media.grid is not None:
        data["grid"] = list(media.grid)
    if desk.project.review_view.markers:
        data["markers"] = marker_words(media.surface.steps)
    data |= _candidates(desk.project, rows)
    sure = [row["confidence"] for of_layer in rows.values() for row in of_layer if row["confidence"] is not None]
    whole = window.owned == (0, found.view.num_steps)
    return ReviewTask(
        uid=f"{desk.recipe}/{desk.spec.name}/1/{key}",
        project=desk.spec.name,
        trajectory_id=found.view.trajectory_id,
        surface=media.surface,
        rows=rows,
        data=data,
        task_id=header["task_id"],
        priority=min(sure, default=0.5),
        owned=None if whole else window.owned,
    )


def _candidates(project: Project, rows: Rows) -> dict[str, Any]:
    """What a ranker needs: the candidates of the one row of choices."""
    ranked = [row for layer in project.declared if layer.kind == "choices" for row in rows.get(layer.name, ())]
    if not ranked:
        return {}
    items = [{"id": c["id"], "title": c["text"] or c["action"] or c["id"]} for c in ranked[0]["candidates"] or []]
    return {"candidates": items}


def _key(desk: Desk, found: Reviewable, window: Window, stream: str | None, part: int) -> str:
    """`<trajectory>[#start-end][@stream][~part]`."""
    start, end = window.owned
    stretch = "" if (start, end) == (0, found.view.num_steps) else f"#{start}-{end}"
    return f"{found.view.trajectory_id}{stretch}{f'@{stream}' if stream else ''}{f'~{part}' if part else ''}"


def _parts(desk: Desk, rows: Rows) -> Iterator[Rows]:
    """The rows of one task, or of several where a view judges them one by one."""
    if desk.spec.view != "verdict":
        yield rows
        return
    flat = [(name, row) for name, of_layer in rows.items() for row in of_layer]
    ranked = any(layer.kind == "choices" for layer in desk.project.declared)
    size = 1 if ranked else VERDICT_ROWS
    for begin in range(0, len(flat), size):
        part: dict[str, list[Row]] = {name: [] for name in rows}
        for name, row in flat[begin : begin + size]:
            part[name].append(row)
        yield {name: tuple(of_layer) for name, of_layer in part.items()}


def _streams(desk: Desk, found: Reviewable) -> list[str | None]:
    """The cameras to show, one task each: the recipe's, or those that proposals are about, else the first video."""
    if found.view.header["domain"] != "robot":
        return [None]
    videos = [stream["name"] for stream in found.view.header["streams"] or [] if stream["kind"] in ("video", "images")]
    if desk.spec.stream is not None:
        return [desk.spec.stream] if desk.spec.stream in videos else []
    named = {row["stream"] for rows in found.rows.values() for row in rows} - {None}
    return [name for name in videos if name in named] or list(videos[:1])


def _of_stream(rows: Rows, stream: str | None) -> Rows:
    return {
        name: tuple(row for row in of_layer if row["stream"] in (None, stream) or stream is None)
        for name, of_layer in rows.items()
    }


def _windows(
    desk: Desk, found: Reviewable, rows: Rows, stream: str | None, known: Mapping[str, tuple[Span, Span]]
) -> list[Window]:
    """The stretches that are asked about: those of before where there were any."""
    view, steps = desk.project.review_view, found.view.num_steps
    own = [Window(*spans) for key, spans in known.items() if _is_key_of(key, found.view.trajectory_id, stream)]
    if own:
        return sorted(set(own), key=lambda window: window.owned)
    proposed = [row for of_layer in rows.values() for row in of_layer]
    if desk.spec.view in ("verdict", "robot_key_frames", "robot_contact") and not proposed:
        return []
    if desk.spec.view == "robot_contact":
        times = found.view.steps["timestamp"].to_pylist()
        return around([row["start"] for row in proposed], times, CONTACT_SECONDS, steps)
    spans = [(row["start"], row["end"]) for row in proposed if row["start"] is not None]
    return windows(spans if view.surface == "timeline" else [], steps, view.max_regions)


def _is_key_of(key: str, trajectory_id: str, stream: str | None) -> bool:
    """Whether `_key` made it for this trajectory and camera."""
    found = re.fullmatch(rf"{re.escape(trajectory_id)}(?:#\d+-\d+)?(?:@(.+?))?(?:~\d+)?", key)
    return found is not None and found[1] == stream


def _inside(project: Project, rows: Rows, window: Window) -> Rows:
    """The rows that lie inside a window; what has no time is asked about in the first one."""
    start, end = window.shown

    def belongs(row: Row) -> bool:
        if row["start"] is None or row["level"] == "trajectory":
            return window.owned[0] == 0
        return bool(start <= row["start"] and row["end"] <= end)

    return {layer.name: tuple(row for row in rows.get(layer.name, ()) if belongs(row)) for layer in project.declared}


def _language(desk: Desk, found: Reviewable, shown: Span, rows: Rows, stream: str | None) -> Media:
    assert stream is not None
    return robot_proxy(found.view, stream, desk.folder, start=shown[0], end=shown[1])


def _full_rate(desk: Desk, found: Reviewable, shown: Span, rows: Rows, stream: str | None) -> Media:
    assert stream is not None
    return robot_full_rate(found.view, stream, desk.folder, start=shown[0], end=shown[1])


def _key_frames(desk: Desk, found: Reviewable, shown: Span, rows: Rows, stream: str | None) -> Media:
    """The frames that regions name, and those of the steps at which paths begin."""
    assert stream is not None
    of_step = footage(found.view, stream).of_step
    flat = [row for of_layer in rows.values() for row in of_layer]
    wanted = {frame for row in flat for frame in row.get("frames") or ()}
    wanted |= {of_step[row["start"]] for row in flat if not row.get("frames") and row["start"] is not None}
    return key_frames(found.view, stream, (), desk.folder, frames=sorted(wanted))


def _arc_story(desk: Desk, found: Reviewable, shown: Span, rows: Rows, stream: str | None) -> Media:
    return arc_story(found.view, found.tasks.get(found.view.header["task_id"]), desk.folder, *shown)


def _arc_steps(desk: Desk, found: Reviewable, shown: Span, rows: Rows, stream: str | None) -> Media:
    return arc_steps(found.view, found.tasks.get(found.view.header["task_id"]), desk.folder, *shown)


def _gui_story(desk: Desk, found: Reviewable, shown: Span, rows: Rows, stream: str | None) -> Media:
    return gui_story(found.view, desk.folder, *shown)


def _gui_steps(desk: Desk, found: Reviewable, shown: Span, rows: Rows, stream: str | None) -> Media:
    return gui_steps(found.view, desk.folder, *shown)


def _verdict(desk: Desk, found: Reviewable, shown: Span, rows: Rows, stream: str | None) -> Media:
    flat = [row for layer in desk.project.layers for row in rows.get(layer, ())]
    return row_pictures(found.view, flat, desk.folder, found.tasks.get(found.view.header["task_id"]))


_MEDIA: Mapping[str, Callable[[Desk, Reviewable, Span, Rows, str | None], Media]] = {
    "robot_language": _language,
    "robot_contact": _full_rate,
    "robot_tracks": _full_rate,
    "robot_key_frames": _key_frames,
    "arc_story": _arc_story,
    "arc_steps": _arc_steps,
    "gui_story": _gui_story,
    "gui_steps": _gui_steps,
    "verdict": _verdict,
}
"""View → what makes its pictures."""


def spans_of(task: ReviewTask, num_steps: int) -> tuple[Span, Span]:
    """Shown and owned steps of a task, as `tasks_of` takes them back."""
    shown = (task.surface.start, task.surface.end)
    return shown, task.owned or (0, num_steps)


def asked_about(tasks: Sequence[ReviewTask]) -> int:
    """How many proposals the tasks show."""
    return sum(len(rows) for task in tasks for rows in task.rows.values())
