"""Random valid annotations of every layer that people review, from a seed: projects, tasks, rows as they are stored."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import pytest

from annotators.annotation import Producer
from annotators.label_studio.codec import carrier
from annotators.label_studio.codec.words import words_of
from annotators.label_studio.project import Project, ReviewTask, Row, Surface
from annotators.label_studio.views import VIEWS
from schemas.identity import annotation_table
from schemas.layers import Layer, layer, layers

TEXTS = ("put the cup on the plate", "ß – „größer“ als 3 < 4 & 5", "<b>no</b> 'markup'", "line one\nline two", "猫を置く")
TRAJECTORY = "s/t0"


@dataclass
class Generator:
    """Makes rows. `aligned`: boundaries lie on frames of the proxy, so that frames alone give the steps back."""

    random: random.Random
    surface: Surface
    aligned: bool = True

    def rows(self, project: Project, declared: Layer) -> list[dict[str, Any]]:
        """Payload and interval of rows of one layer; for links, `source` and `destination` are filled in later."""
        found = list(getattr(self, f"_{carrier(project, declared)}")(declared))
        return [{"start": None, "end": None, **row} for row in found]

    def _boundary(self) -> int:
        if self.aligned:
            return self.random.choice([*self.surface.steps, self.surface.end])
        return self.random.randint(self.surface.start, self.surface.end)

    def _word(self, declared: Layer) -> str:
        return self.random.choice(words_of(declared))

    def _items(self) -> list[int]:
        return sorted(
            self.random.sample(range(len(self.surface.steps)), self.random.randint(1, min(4, len(self.surface.steps))))
        )

    def _at(self, item: int) -> dict[str, Any]:
        return {"start": self.surface.steps[item], "end": self.surface.steps[item] + 1}

    def _frame(self) -> dict[str, Any]:
        return {"frame_width": self.surface.width, "frame_height": self.surface.height}

    def _box_values(self) -> list[float]:
        x = sorted(self.random.uniform(0, self.surface.width) for _ in range(2))
        y = sorted(self.random.uniform(0, self.surface.height) for _ in range(2))
        return [max(x[0] - 1, 0), max(y[0] - 1, 0), x[1], y[1]]

    def _points(self, number: int) -> list[float]:
        return [self.random.uniform(0, side) for _ in range(number) for side in (self.surface.width, self.surface.height)]

    def intervals(self, declared: Layer) -> list[tuple[int, int]]:
        """Intervals that lie as the layer's tiling allows."""
        if declared.level == "step":
            steps = self.surface.steps if self.aligned else range(self.surface.start, self.surface.end)
            return [(s, s + 1) for s in sorted(self.random.sample(list(steps), min(3, len(steps))))]
        cuts = sorted({self._boundary() for _ in range(6)})
        if declared.tiling is not None and not declared.tiling.gaps:
            cuts = sorted({self.surface.start, *cuts, self.surface.end})
        pairs = list(pairwise(cuts))
        if declared.tiling is not None and declared.tiling.gaps and len(pairs) > 1:
            del pairs[self.random.randrange(len(pairs))]
        return pairs or [(self.surface.start, self.surface.end)]

    def _segment(self, declared: Layer) -> Iterator[dict[str, Any]]:
        for start, end in self.intervals(declared):
            label = self._word(declared) if words_of(declared) else None
            text = self.random.choice(TEXTS) if declared.review and declared.review.text else None
            yield {"start": start, "end": end, "label": label, "text": text}

    def _text(self, declared: Layer) -> Iterator[dict[str, Any]]:
        if declared.level != "step":
            s = self.surface
            yield {"start": s.start, "end": s.end, "steps": [s.start], "texts": [self.random.choice(TEXTS)]}
            return
        items = self._items()
        steps = [self.surface.steps[item] for item in items]
        if len(items) > 1 and self.random.random() < 0.5:  # a series
            texts = [self.random.choice(TEXTS) for _ in items]
            yield {"start": self.surface.start, "end": self.surface.end, "steps": steps, "texts": texts}
            return
        for item, step in zip(items, steps, strict=True):
            yield {**self._at(item), "steps": [step], "texts": [self.random.choice(TEXTS)]}

    def _verdict(self, declared: Layer) -> Iterator[dict[str, Any]]:
        if declared.level != "step":
            yield {"start": self.surface.start, "end": self.surface.end, "value": self._word(declared)}
            return
        for item in self._items():
            yield {**self._at(item), "value": self._word(declared)}

    def _region(self, declared: Layer) -> Iterator[dict[str, Any]]:
        shape = declared.review.shape if declared.review else None
        for item in self._items():
            number = {"box": 0, "point": self.random.randint(1, 3), "polygon": self.random.randint(3, 9)}[str(shape)]
            values = {"boxes": [self._box_values()]} if shape == "box" else {"points": [self._points(number)]}
            frames = [self.surface.frames[item]]
            yield {**self._at(item), "shape": shape, "label": self._word(declared), "frames": frames, **values, **self._frame()}

    def _cells(self, declared: Layer) -> Iterator[dict[str, Any]]:
        for item in self._items():
            cells = {(self.random.randrange(5), self.random.randrange(7)) for _ in range(self.random.randint(1, 12))}
            frames = [self.surface.frames[item]]
            found = [list(cell) for cell in sorted(cells)]
            yield {**self._at(item), "shape": "cells", "label": self._word(declared), "frames": frames, "cells": found}

    def _track(self, declared: Layer) -> Iterator[dict[str, Any]]:
        for _ in range(self.random.randint(1, 2)):
            yield {"start": self.surface.start, "end": self.surface.end, **self._sequence(), "label": self._word(declared)}

    def _sequence(self) -> dict[str, Any]:
        """A track of one or two stretches, linear between its key frames, seen from the first to the last entry."""
        length = len(self.surface.frames)
        cuts = sorted(self.random.sample(range(length), min(4, length)))
        stretches = (
            [(cuts[0], cuts[1]), (cuts[2], cuts[3])] if len(cuts) == 4 and cuts[2] > cuts[1] + 1 else [(cuts[0], cuts[-1])]
        )
        boxes: dict[int, tuple[list[float] | None, bool]] = dict.fromkeys(
            range(stretches[0][0], stretches[-1][1] + 1), (None, True)
        )
        for first, last in stretches:
            keys = sorted({first, last, self.random.randint(first, last)})
            values = {key: self._box_values() for key in keys}
            for a, b in pairwise(keys):
                for i in range(a, b):
                    share = (i - a) / (b - a)
                    boxes[i] = ([u + (v - u) * share for u, v in zip(values[a], values[b], strict=True)], i != a)
            boxes[last] = (values[last], False)
        return {
            "shape": "box",
            "frames": [self.surface.frames[i] for i in boxes],
            "boxes": [box for box, _ in boxes.values()],
            "visible": [box is not None for box, _ in boxes.values()],
            "interpolated": [between for _, between in boxes.values()],
            **self._frame(),
        }

    def _trace(self, declared: Layer) -> Iterator[dict[str, Any]]:
        for item in self._items():
            number = self.random.randint(2, 10)
            first = self.surface.steps[item]
            points = [self._points(1) for _ in range(number)]
            steps = list(range(first, first + number))
            row = {"space": "pixel", "label": self._word(declared), "steps": steps, "points": points}
            yield {**self._at(item), **row, "valid": [True] * number, **self._frame()}

    def _check(self, declared: Layer) -> Iterator[dict[str, Any]]:
        for item in self._items():
            for _ in range(self.random.randint(1, 3)):
                function = self._word(declared)
                args = {"key": self.random.choice(TEXTS)} if self.random.random() < 0.7 else None
                expected = self.random.choice([*TEXTS, None])
                yield {**self._at(item), "name": function, "function": function, "args": args, "expected": expected}

    def _link(self, declared: Layer) -> Iterator[dict[str, Any]]:
        if len(self.surface.steps) > 1:
            a, b = sorted(self.random.sample(self.surface.steps, 2))
            row = {"source_step": a, "destination_step": b, "relation": self._word(declared)}
            yield {"start": a, "end": b + 1, **row}

    def _judgement(self, declared: Layer) -> Iterator[dict[str, Any]]:
        yield {**self._at(0), **({"label": "x"} if declared.kind in ("segments", "regions", "traces") else {})}

    def _ranking(self, _declared: Layer) -> Iterator[dict[str, Any]]:
        ids = [f"c{i}" for i in range(self.random.randint(2, 5))]
        self.random.shuffle(ids)
        yield {**self._at(0), "candidates": [{"id": name, "rank": i + 1} for i, name in enumerate(ids)]}


def stored(declared: Layer, rows: list[dict[str, Any]], producer: Producer | None = None) -> list[Row]:
    """Rows as a shard gives them back: ids filled in, floats rounded to float32, `Json` as text."""
    by = producer or Producer("model", "tests.generator", "1")
    envelope = {
        "trajectory_id": TRAJECTORY,
        "layer": declared.name,
        "level": declared.level,
        "producer_type": by.type,
        "producer": by.name,
        "producer_version": by.version,
        "run": by.run,
        "status": "proposed",
        "quality": "secondary",
    }
    unique = annotation_table(declared.kind, [{**envelope, **row} for row in rows]).to_pylist()
    return list({row["annotation_id"]: row for row in unique}.values())


def random_surface(rng: random.Random, view: str, *, stride: int = 1, number: int | None = None) -> Surface:
    """A surface of a view: a proxy with one frame per `stride` steps, or a list of pictures at some steps."""
    start, length = rng.randint(0, 40), rng.randint(8, 40)
    steps = tuple(range(start, start + length, stride))
    resolution = 0.1
    if VIEWS[view].surface == "list":
        steps = tuple(sorted(rng.sample(steps, min(len(steps), number or rng.randint(2, 8)))))
    offset = 0 if VIEWS[view].domain != "robot" else rng.randint(0, 90)
    frames = tuple(step + offset for step in steps)
    width, height = rng.choice([(640, 480), (1280, 720), (333, 517)])
    fps = 10.0 if VIEWS[view].surface == "timeline" else None
    end = start + length if VIEWS[view].surface == "timeline" else steps[-1] + 1
    return Surface(steps, frames, end, width, height, "cam" if VIEWS[view].domain == "robot" else None, fps, resolution)


def random_task(seed: int, project: Project, *, stride: int = 1, aligned: bool = True) -> ReviewTask:
    """A task of a project with random rows of all its layers."""
    rng = random.Random(f"{project.name} {seed} {stride} {aligned}")
    judged = project.view == "verdict"
    surface = random_surface(rng, project.view, stride=1 if judged else stride, number=len(project.layers) if judged else None)
    generator = Generator(rng, surface, aligned)
    rows: dict[str, tuple[Row, ...]] = {}
    shared: dict[str, list[tuple[int, int]]] = {}
    for declared in sorted(project.declared, key=lambda d: d.kind == "links"):
        found = generator.rows(project, declared)
        region = declared.review.region if declared.review else None
        if region and declared.kind == "segments":  # the layers of one region lie on the same intervals, some without a value
            spans = shared.setdefault(region, [(row["start"], row["end"]) for row in found])
            found = [row for row in generator.rows(project, declared) for _ in [0]][: len(spans)]
            found = [{**row, "start": a, "end": b} for row, (a, b) in zip(found, spans, strict=False)]
        if declared.kind == "links":
            ends = [row for of_layer in rows.values() for row in of_layer if "boxes" in row and row["start"] is not None]
            for link in found:
                if ends and rng.random() < 0.7:
                    end = rng.choice(ends)
                    link.update(source=end["annotation_id"], source_step=end["start"])
                    link.update(start=min(end["start"], link["destination_step"]))
                    link.update(end=max(end["start"], link["destination_step"]) + 1)
        rows[declared.name] = tuple(stored(declared, found)) if found else ()
    data: dict[str, Any] = {"uid": f"r/{project.name}/1/{TRAJECTORY}", "grid": [20, 30, 24, 5, 7]}
    return ReviewTask(data["uid"], project.name, TRAJECTORY, surface, rows, data)


def projects() -> list[Project]:
    """A project per view with all layers that are reviewed in it; the candidates of the verdict view apart."""
    found = []
    for name in VIEWS:
        of_view = [declared.name for declared in layers().values() if declared.review and declared.review.view == name]
        of_view.sort(key=lambda n: (layer(n).kind == "links", not words_of(layer(n)), n))
        ranked = [n for n in of_view if layer(n).kind == "choices"]
        for part in ([n for n in of_view if n not in ranked], ranked):
            if part:
                found.append(Project(f"p_{name}_{len(part)}" if part is ranked else f"p_{name}", name, tuple(part)))
    return found


@pytest.fixture(params=projects(), ids=lambda project: project.name)
def review_project(request: pytest.FixtureRequest) -> Project:
    """Each view's project in turn."""
    found: Project = request.param
    return found


@pytest.fixture(scope="session")
def make_task() -> Callable[..., ReviewTask]:
    """`make_task(seed, project, stride=1, aligned=True)`."""
    return random_task


@pytest.fixture(scope="session")
def store() -> Callable[..., list[Row]]:
    """`store(layer, rows, producer=None)`: rows as a shard gives them back."""
    return stored


@pytest.fixture
def with_rows() -> Callable[..., ReviewTask]:
    """`with_rows(task, layer=[rows])`: the same task with other rows."""

    def change(task: ReviewTask, **rows: list[Row]) -> ReviewTask:
        return replace(task, rows={name: tuple(found) for name, found in rows.items()})

    return change
