"""From a chosen trajectory to its preview: its stored tables, the layers over its steps, and the steps to show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from annotators.label_studio.pictures.gui import said
from annotators.trajectory import TrajectoryView
from pipelines.engine.job import read_table
from pipelines.engine.supervise import supervised
from pipelines.io.media import MediaEntry, MediaReader
from pipelines.release.current import current_rows
from pipelines.release.pictures.canvas import Span
from pipelines.release.pictures.chosen import LONG, Chosen
from pipelines.release.pictures.previews import Story, arc_preview, gui_preview, robot_picture, robot_preview
from pipelines.review.footage import footage, opened, read_images
from pipelines.stages.release import Release
from schemas.layers import layers
from schemas.tables import KINDS

Row = Mapping[str, Any]
Bands = list[tuple[str, Sequence[Span]]]

_SHOWN = {"robot": 5, "arc": 7}
"""Steps shown as pictures."""
_BANDS = 5
"""Layers below the pictures, at most."""


class NothingToShowError(Exception):
    """A domain, or a trajectory, that has no picture."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A preview: PNG bytes, and what it shows, in a sentence."""

    png: bytes
    caption: str


def drawn(release: Release, chosen: Chosen) -> Drawn:
    """The preview of a trajectory. Raises NothingToShowError, MediaFault, ChildDiedError, ChildHungError."""
    view, rows, task = _stored(release, chosen)
    remark = " · ".join(
        str(word)
        for word in (view.header["instruction"], view.header["embodiment"], f"{view.num_steps} steps")
        if word is not None
    )
    story = Story(view.trajectory_id, remark, view.num_steps, _bands(rows, view.num_steps), {}, ())
    if chosen.domain == "robot":
        return _robot(view, rows, story)
    if chosen.domain == "arc":
        return _arc(view, story, task)
    if chosen.domain == "gui":
        return _gui(view, rows, story)
    raise NothingToShowError(f"{chosen.domain} has no pictures")


def _robot(view: TrajectoryView, rows: Mapping[str, list[Row]], story: Story) -> Drawn:
    """Frames of the first camera that has any."""
    streams = [stream["name"] for stream in view.header["streams"] or ()]
    if not streams:
        raise NothingToShowError(f"{view.trajectory_id} has no camera")
    found = footage(view, streams[0])
    shown = _spread(min(view.num_steps, LONG), _SHOWN["robot"])
    frames = [found.of_step[step] for step in shown]
    own = {
        kind: [row for layer in of_layers for row in rows[layer] if row["stream"] in (None, found.name)]
        for kind, of_layers in _in_pictures(rows).items()
    }
    story = replace(story, shown=tuple(shown), rows=own)
    if found.counts is None:
        pictures = list(read_images(view, found, frames))
        png = supervised(robot_picture, story, pictures, frames, (found.width, found.height))
    else:
        needed = int(np.searchsorted(np.cumsum(found.counts), frames[-1], side="right")) + 1
        found = replace(found, sources=found.sources[:needed], counts=found.counts[:needed])
        with opened(view, found) as parts:
            png = supervised(robot_preview, story, parts, frames, (found.width, found.height))
    said_there = [*(name for name, _ in story.layers), *(layer for names in _in_pictures(rows).values() for layer in names)]
    steps = ", ".join(map(str, shown))
    return Drawn(png, f"{view.trajectory_id}, camera {found.name}, steps {steps}{_with(said_there)}.")


def _arc(view: TrajectoryView, story: Story, task: Row | None) -> Drawn:
    """Of the steps that find a grid, some from the first to the last."""
    steps = view.steps.to_pylist()
    seen = [row["step"] for row in steps if row["grid_before"] is not None]
    if not seen:
        raise NothingToShowError(f"{view.trajectory_id} has no grids")
    story = replace(story, shown=tuple(seen[i] for i in _spread(len(seen), _SHOWN["arc"])))
    png = supervised(arc_preview, story, steps, task)
    many = f"the grid before {len(story.shown)} of {len(steps)} steps, what was selected outlined, and the grid at the end"
    return Drawn(png, f"{view.trajectory_id}: {many}{_with([name for name, _ in story.layers])}.")


def _gui(view: TrajectoryView, rows: Mapping[str, list[Row]], story: Story) -> Drawn:
    """The step that most layers speak about, of those with a screenshot and a point or a target."""
    steps = view.steps.to_pylist()
    targets = {row["start"]: row for row in rows.get("target", ()) if row["boxes"]}
    about = {step: sum(any(r["start"] == step for r in of_layer) for of_layer in rows.values()) for step in range(len(steps))}
    seen = [row["step"] for row in steps if row["screenshot"] is not None and (row["point"] or row["step"] in targets)]
    if not seen:
        raise NothingToShowError(f"{view.trajectory_id} has no screenshot of a step with a point")
    step = max(seen, key=lambda s: (s in targets, bool(steps[s]["point"]), about[s], -abs(s - len(steps) // 2)))
    regions = [targets[step]] if step in targets else []
    asked = [{"text": view.header["instruction"]}] if view.header["instruction"] else []
    story = replace(story, shown=(step,), rows={"regions": regions, "instruction": asked}, remark=f"{len(steps)} steps")
    png = supervised(gui_preview, story, steps, view.read_media(steps[step]["screenshot"]))
    action = f"{steps[step]['action_name'] or 'no action'} {said(steps[step])}".strip()
    layered = [*(name for name, _ in story.layers), *(["target"] if regions else [])]
    return Drawn(png, f"{view.trajectory_id}, step {step}: {action}{_with(layered)}.")


def _with(names: Sequence[str]) -> str:
    shown = list(dict.fromkeys(names))
    return f", with the layer{'s' if len(shown) > 1 else ''} {', '.join(shown)}" if shown else ""


def _stored(release: Release, chosen: Chosen) -> tuple[TrajectoryView, dict[str, list[Row]], Row | None]:
    """The trajectory, its current annotations by layer, and its task."""
    tables: dict[str, pa.Table] = {}
    for table, files in chosen.files.items():
        if table not in ("media", "tasks", "gui_trees"):
            found = [_own(read_table(release.store, file.record.path), chosen.trajectory_id) for file in files]
            tables[table] = pa.concat_tables(found, promote_options="permissive").combine_chunks()
    entries = {
        row["sha256"]: MediaEntry(**row)
        for file in chosen.files["media"]
        for row in read_table(release.store, file.record.path).to_pylist()
    }
    media = MediaReader(release.store.uri("ingest"), entries)
    header = tables["trajectories"].to_pylist()[0]
    view = TrajectoryView(header, tables, media.read, media.open)
    tasks = [row for f in chosen.files["tasks"] for row in read_table(release.store, f.record.path).to_pylist()]
    task = next((row for row in tasks if row["task_id"] == header["task_id"]), None)
    rows: dict[str, list[Row]] = {}
    for kind in KINDS:
        if kind in tables:
            for row in current_rows(kind, tables[kind]).to_pylist():
                rows.setdefault(row["layer"], []).append(row)
    for of_layer in rows.values():
        of_layer.sort(key=lambda row: (-1 if row["start"] is None else row["start"], row["annotation_id"]))
    return view, rows, task


def _own(table: pa.Table, trajectory_id: str) -> pa.Table:
    return table.filter(pc.equal(table["trajectory_id"], trajectory_id))


def _in_pictures(rows: Mapping[str, list[Row]]) -> dict[str, list[str]]:
    """Kind → its layers that lie in pictures."""
    return {kind: [layer for layer in rows if layers()[layer].kind == kind] for kind in ("regions", "traces")}


def _bands(rows: Mapping[str, list[Row]], count: int) -> Bands:
    """Layers over steps: segments first, then what was checked or said step by step."""
    order = {"segments": 0, "texts": 1, "checks": 2, "verdicts": 3}
    found: Bands = []
    for name in sorted(rows, key=lambda layer: (order.get(layers()[layer].kind, 9), layer)):
        kind = layers()[name].kind
        if kind in order:
            spans = [span for row in rows[name] for span in _spans(row, count)]
            if spans:
                found.append((name, spans))
    return found[:_BANDS]


def _spans(row: Row, count: int) -> list[Span]:
    """The spans of a row: a run of equal words of a series is one."""
    words = row.get("outcomes") or row.get("texts")
    if row.get("steps") and words:
        runs = groupby(zip(row["steps"], words, strict=True), key=lambda entry: entry[1])
        return [(of[0][0], of[-1][0] + 1, str(word)) for word, run in runs if (of := list(run)) and word is not None]
    if row["start"] is None:
        return []
    word = row.get("label") or row.get("text") or row.get("value") or row.get("name") or row["layer"]
    return [(row["start"], min(count, row["end"] or row["start"] + 1), str(word))]


def _spread(count: int, most: int) -> list[int]:
    """Up to `most` of `count` steps, evenly, first and last among them."""
    return sorted({round(float(i)) for i in np.linspace(0, count - 1, min(count, most))})
