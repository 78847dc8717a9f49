"""Review media of the verdict view: one rendered picture per row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from annotators.frames import Picture
from annotators.label_studio.pictures.arc import board, step_pictures
from annotators.label_studio.pictures.gui import canvas
from annotators.label_studio.pictures.lettering import font_file
from annotators.label_studio.pictures.rows import WIDTH, Scene, row_picture, wanted
from annotators.label_studio.pictures.space import Lens
from annotators.label_studio.project import Surface
from annotators.trajectory import TrajectoryView
from schemas.identity import digest
from schemas.layers import layer
from schemas.tables import ENVELOPE, KINDS

from .encode import MediaFault
from .footage import decoded, footage
from .media import VERSION, Media, key_frames, place_of, save
from .stories import screen, screenshot

Row = Mapping[str, Any]


def row_pictures(view: TrajectoryView, rows: Sequence[Row], folder: Path, task: Row | None = None) -> Media:
    """A PNG per row, in the order of `rows`; `task` is an ARC trace's row of `tasks`, None where unknown.

    A row that names no camera is shown on the first one. Raises MediaFault, with the place, where something that it is
    drawn on cannot be decoded, or its mask is none.
    """
    files = [place_of(folder, _name(view, row, task), ".png") for row in rows]
    absent = [(row, file) for row, file in zip(rows, files, strict=True) if not file.exists()]
    by_stream: dict[str | None, list[tuple[Row, Path]]] = defaultdict(list)
    for row, file in absent:
        by_stream[_stream(view, row)].append((row, file))
    for stream, group in by_stream.items():
        _draw(view, stream, group, folder, task)
    steps = tuple(row["start"] or 0 for row in rows)
    return Media(tuple(files), Surface(steps, steps, view.num_steps, WIDTH, WIDTH))


def _draw(view: TrajectoryView, stream: str | None, group: Sequence[tuple[Row, Path]], folder: Path, task: Row | None) -> None:
    """Draw the rows of one camera: the scene holds the pictures of one row at a time."""
    of_step = footage(view, stream).of_step if stream is not None else tuple(range(view.num_steps))
    keys = {id(row): wanted(layer(row["layer"]).kind, row, of_step) for row, _ in group}
    loaded = _Pictures(view, stream, sorted({key for own in keys.values() for key in own}), folder, task)
    for row, file in group:
        declared = layer(row["layer"])
        scene = Scene(
            {key: loaded.picture(key) for key in keys[id(row)]},
            of_step,
            loaded.size,
            loaded.grid,
            _lens(view, stream, row),
            tuple(view.header["state_names"] or ()),
        )
        try:
            save(row_picture(declared.kind, row, scene, declared.doc), file)
        except (ValueError, IndexError) as error:
            place = f"{view.trajectory_id}, {row['layer']} {row['annotation_id']}"
            raise MediaFault(f"{place}: the row cannot be drawn ({error})") from error


class _Pictures:
    """The pictures of one camera, screen or trace, by frame or step."""

    def __init__(self, view: TrajectoryView, stream: str | None, keys: Sequence[int], folder: Path, task: Row | None):
        self._view = view
        self._files: dict[int, Path] = {}
        self._steps: list[Row] = []
        self._drawn: dict[int, Picture] = {}
        self.grid: tuple[int, int, int, int, int] | None = None
        self.size = (1, 1)
        domain = view.header["domain"]
        if stream is not None:
            found = footage(view, stream)
            self.size = (found.width, found.height)
            if keys:
                self._files = dict(zip(keys, key_frames(view, stream, (), folder, frames=keys).files, strict=True))
        elif domain == "gui":
            self._steps = view.steps.select(["step", "screenshot", "frame_width", "frame_height"]).to_pylist()
            place = canvas(self._steps, unsaid=screen(view))
            self.size = (place.width, place.height)
        elif domain == "arc":
            steps = view.steps.to_pylist()
            place_of_grid = board(steps, task)
            self.grid, self.size = place_of_grid.grid, (place_of_grid.width, place_of_grid.height)
            self._drawn = {key: next(step_pictures(steps, task, key, key + 1)) for key in keys}

    def picture(self, key: int) -> Picture:
        """The picture of a frame or step; a screenshot that is missing is grey."""
        if key in self._files:
            return decoded(self._files[key].read_bytes(), str(self._files[key]))
        if key in self._drawn:
            return self._drawn[key]
        found = screenshot(self._view, self._steps[key]) if self._steps else None
        return np.full((self.size[1], self.size[0], 3), 188, np.uint8) if found is None else found


def _stream(view: TrajectoryView, row: Row) -> str | None:
    """The camera that a row is shown on; None for screens and traces, which have a picture per step."""
    if view.header["domain"] != "robot":
        return None
    streams = [entry["name"] for entry in view.header["streams"] or ()]
    if row["stream"] in streams:
        return str(row["stream"])
    return streams[0] if streams else None


def _lens(view: TrajectoryView, stream: str | None, row: Row) -> Lens | None:
    """The camera at the row's step, where the source said how it sees and where it stands."""
    entry = next((e for e in view.header["streams"] or () if e["name"] == stream), None)
    if entry is None or not entry["intrinsics"] or len(entry["intrinsics"]) != 4:
        return None
    pose = entry["extrinsics"]
    if not pose and row["start"] is not None and "camera_poses" in view.steps.column_names:
        number = [e["name"] for e in view.header["streams"]].index(stream)
        poses = view.steps["camera_poses"][row["start"]].as_py()
        pose = poses[number] if poses else None
    if not pose or len(pose) != 16:
        return None
    fx, fy, cx, cy = entry["intrinsics"]
    return Lens((fx, fy, cx, cy), np.array(pose, float).reshape(4, 4))


def _name(view: TrajectoryView, row: Row, task: Row | None) -> str:
    """By everything that may be drawn: the row's statement, what its layer means, and the media of the trajectory."""
    declared = layer(row["layer"])
    said = {column.name: row[column.name] for column in KINDS[declared.kind]}
    about = {column.name: row[column.name] for column in ENVELOPE if column.name in _ABOUT}
    streams = [entry["media_sha256"] for entry in view.header["streams"] or ()]
    facts = [view.trajectory_id, view.header["input_sha256"], streams, task]
    return digest([VERSION, "row", str(font_file()), declared.doc, about, said, facts])


_ABOUT = ("layer", "start", "end", "stream", "target")
