"""Paths in a picture: the vertices are in order, and a vertex says by its id at which step it is passed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from schemas.layers import Layer

from ..project import Project, ReviewTask, Row
from .fields import item_of, number, one_word, region_of, value_of
from .geometry import image_keys, percent_point, pixel_point
from .reading import Reading
from .statement import Piece, Statement, Unreadable
from .timeline import item_of_step
from .words import shown_word, words_of


def encode(_project: Project, task: ReviewTask, layers: Sequence[Layer]) -> Iterator[Piece]:
    """A vector per row in the picture of its first step. Points that are not valid are not drawn; other spaces neither."""
    for layer in layers:
        for row in task.rows.get(layer.name, ()):
            item, label, vertices = (
                item_of_step(task.surface, row["start"]),
                shown_word(layer, row["label"]),
                _vertices(task, row),
            )
            if row["space"] != "pixel" or item is None or label is None or not vertices:
                continue
            region = str(row["annotation_id"])
            where = {"id": region, "from_name": layer.name, "to_name": "media", "type": "vectorlabels"}
            value = {"vertices": vertices, "closed": False, "vectorlabels": [label]}
            result = {**image_keys(task.surface, item), **where, "value": value}
            yield Piece(region, (result,), ((layer.name, region, None),))


def decode(reading: Reading, layers: Sequence[Layer]) -> Iterator[Statement]:
    """A statement per vector. `steps` is None for a path that a person drew: its order is known, its times are not."""
    surface = reading.surface
    for layer in layers:
        seen: set[str] = set()
        for result in reading.of(layer.name):
            with reading.place(result.get("id")):
                region, item = region_of(result), item_of(result, len(surface.steps))
                if region in seen:
                    raise Unreadable("region_twice", "two paths have one id; draw one of them again")
                seen.add(region)
                label = one_word(result, "vectorlabels", words_of(layer))
                vertices = ordered(value_of(result).get("vertices"))
                points = [list(pixel_point(number(v, "x"), number(v, "y"), surface)) for v in vertices]
                payload = {
                    "space": "pixel",
                    "label": label,
                    "steps": steps_of_vertices([v.get("id") for v in vertices]),
                    "points": points,
                    "valid": [True] * len(points),
                    "frame_width": surface.width,
                    "frame_height": surface.height,
                }
                step = surface.steps[item]
                yield Statement(layer.name, region, ("region", region), payload, step, step + 1, surface.stream, (region,))


def ordered(vertices: Any) -> list[Mapping[str, Any]]:
    """Vertices from the first to the last along `prevPointId`. Raises Unreadable for fewer than two, or a branch."""
    if not isinstance(vertices, Sequence) or not vertices:
        raise Unreadable("path_empty", "a path has no points; delete it or draw it again")
    after: dict[Any, Mapping[str, Any]] = {}
    for vertex in vertices:
        before = vertex.get("prevPointId")
        if before in after:
            raise Unreadable("path_branched", "a path branches, or has two first points; draw it again in one line")
        after[before] = vertex
    found: list[Mapping[str, Any]] = []
    at = None
    while at in after and len(found) < len(vertices):
        found.append(after[at])
        at = after[at].get("id")
    if len(found) < len(vertices):
        raise Unreadable("path_broken", "a path is closed or in two pieces; draw it again in one line")
    return found


def steps_of_vertices(ids: Sequence[Any]) -> list[int] | None:
    """The step of each vertex: `s<step>` says it, a new one lies between its neighbours. None where no vertex says one.

    Raises Unreadable where there is no step left between two neighbours, or steps do not ascend.
    """
    known = {i: int(found[1]) for i, name in enumerate(ids) if (found := re.fullmatch(r"s(\d+)", str(name)))}
    if not known:
        return None
    steps: list[int] = []
    marks = sorted(known)
    for i in range(len(ids)):
        before = max((m for m in marks if m <= i), default=None)
        behind = min((m for m in marks if m >= i), default=None)
        if before is None:
            assert behind is not None
            steps.append(known[behind] - (behind - i))
        elif behind is None:
            steps.append(known[before] + (i - before))
        else:
            span = max(behind - before, 1)
            steps.append(known[before] + (known[behind] - known[before]) * (i - before) // span)
    if steps[0] < 0 or any(b <= a for a, b in pairwise(steps)):
        raise Unreadable(
            "path_crowded", "a new point of a path has no step between its neighbours; move the points that are there"
        )
    return steps


def _vertices(task: ReviewTask, row: Row) -> list[dict[str, Any]]:
    points = row["points"] or ()
    valid = row["valid"] if row["valid"] is not None else [True] * len(points)
    steps = row["steps"]
    found: list[dict[str, Any]] = []
    for i, (point, known) in enumerate(zip(points, valid, strict=True)):
        if point is None or not known:
            continue
        x, y = percent_point(point[0], point[1], task.surface)
        before = found[-1]["id"] if found else None
        name = f"p{i}" if steps is None else f"s{steps[i]}"
        found.append({"id": name, "x": x, "y": y, "prevPointId": before, "isBezier": False})
    return found
