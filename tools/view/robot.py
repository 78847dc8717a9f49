"""What the panel of a robot episode shows: pictures of its cameras, what was drawn on them, and its numbers over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from annotators.frames import FrameError
from annotators.streams import frame_of_steps
from pipelines.engine.supervise import ChildDiedError, ChildHungError, supervised
from pipelines.review.encode import MediaFault
from pipelines.review.footage import Footage, footage, opened

from .overlays import overlays
from .pictures import PAGE_BYTES, Limits, encoded_frames, encoded_images, spread, thinned, uri, within
from .said import Json
from .stored import Stored

NOT_SHOWN = (MediaFault, FrameError, ChildDiedError, ChildHungError, KeyError)
"""What a camera may raise that cannot be shown; the others are shown."""
_ROWS = 4000
"""Steps of a plot at most; of more, some are left out."""
_AT_ONCE = 64
"""Images that are sent to the decoding child together."""


def panel(stored: Stored, limits: Limits) -> tuple[Json, list[str]]:
    """What the panel shows, and sentences about what is not shown."""
    header = stored.view.header
    names = [stream["name"] for stream in header["streams"] or ()]
    notes: list[str] = []
    cameras = []
    for name in names:
        try:
            camera, left = _camera(stored, name, limits, len(names))
        except NOT_SHOWN as error:
            notes.append(f"{name} is not shown: {error}")
            continue
        cameras.append(camera)
        notes += left
    plots, every = _plots(stored)
    if every > 1:
        notes.append(f"The plots show every {every}th of {stored.view.num_steps} steps.")
    return {"domain": "robot", "cameras": cameras, "overlays": overlays(stored), "plots": plots}, notes


def _camera(stored: Stored, name: str, limits: Limits, among: int) -> tuple[Json, list[str]]:
    """The pictures of one camera, an equal share of what a page holds."""
    found = camera_pictures(stored, name, limits, among)
    camera = {
        "name": name, "size": list(found.size), "ofStep": found.of_step,
        "frames": sorted(found.kept), "pictures": [uri(found.kept[number]) for number in sorted(found.kept)],
    }  # fmt: skip
    return camera, found.notes


@dataclass(frozen=True, slots=True)
class CameraPictures:
    """Pictures of one camera: `size` of its frames, the frame `of_step`, and of some frames (`kept`) the JPEG bytes."""

    size: tuple[int, int]
    of_step: Sequence[int | None]
    kept: Mapping[int, bytes]
    notes: list[str]


def camera_pictures(stored: Stored, name: str, limits: Limits, among: int) -> CameraPictures:
    """The frames that steps show, within the limits; `among`: how many cameras share them.

    Raises MediaFault, FrameError, ChildDiedError, ChildHungError, KeyError.
    """
    found = footage(stored.view, name)
    of_step = frame_of_steps(stored.view, name)
    shown = sorted({frame for frame in of_step if frame is not None})
    wanted = spread(shown, max(1, limits.pictures // among))
    encoded = dict(zip(wanted, _encoded(stored, found, wanted, limits.of_camera()), strict=True))
    kept = within(encoded, PAGE_BYTES // among)
    notes = [thinned(name, len(kept), len(shown))] if len(kept) < len(shown) else []
    return CameraPictures((found.width, found.height), of_step, kept, notes)


def _encoded(stored: Stored, found: Footage, wanted: list[int], width: int) -> list[bytes]:
    view = stored.view
    if found.counts is None:
        made: list[bytes] = []
        for start in range(0, len(wanted), _AT_ONCE):
            some = wanted[start : start + _AT_ONCE]
            images = [(view.read_media(found.sources[n]), f"{found.place}, frame {n}") for n in some]
            made += supervised(encoded_images, images, width)
        return made
    with opened(view, found) as parts:
        return supervised(encoded_frames, parts, wanted, width)


def _plots(stored: Stored) -> tuple[list[Json], int]:
    """The numbers of the steps by what they are; and of how many steps one is kept."""
    header, steps = stored.view.header, stored.view.steps
    every = -(-steps.num_rows // _ROWS)
    thin = steps.take(pa.array(range(0, steps.num_rows, every)))
    found = [
        _lines("state", thin["state"].to_pylist(), header["state_names"]),
        _lines("action", thin["action"].to_pylist(), header["action_names"]),
        _lines("gripper", [None if g is None else [g] for g in thin["gripper"].to_pylist()], ["0 closed, 1 open"]),
        _lines("position of the end effector, m", [p and p[:3] for p in thin["eef_pose"].to_pylist()], ["x", "y", "z"]),
        _lines("reward", [None if r is None else [r] for r in thin["reward"].to_pylist()], ["reward"]),
    ]
    shown = [plot for plot in found if plot is not None]
    for plot in shown:
        plot["every"] = every
    return shown, every


def _lines(title: str, rows: list[Any], names: list[str] | None) -> Json | None:
    """A plot with a line per dimension; None where nothing was recorded."""
    deep = max((len(row) for row in rows if row is not None), default=0)
    if not deep:
        return None
    table: npt.NDArray[np.float64] = np.full((len(rows), deep), np.nan)
    for i, row in enumerate(rows):
        if row is not None:
            table[i, : len(row)] = [np.nan if v is None else v for v in row]
    named = [*(names or ())[:deep], *(f"{title} {i}" for i in range(len(names or ()), deep))]
    lines = [[None if not np.isfinite(v) else float(f"{v:.5g}") for v in column] for column in table.T]
    return {"title": title, "names": named, "lines": lines}
