"""What a review project is, what a task of it is, and on what surface a person sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from schemas.layers import Layer, layer

from .views import VIEWS, ReviewView

Row = Mapping[str, Any]
"""One annotation as Arrow gives it back (`table.to_pylist()`): envelope and payload, `Json` columns as text."""


@dataclass(frozen=True, slots=True)
class Project:
    """A review view and the layers declared for it. Submitting a task of it asserts every layer of it.

    `name`: in the recipe. `view`: name in `VIEWS`. `layers`: names, in order: of those that share a region, the first
    gives the region its id. `blind`: tasks carry no predictions.
    """

    name: str
    view: str
    layers: tuple[str, ...]
    blind: bool = False

    def __post_init__(self) -> None:
        """Raises ValueError for an unknown view, an unknown layer, or a layer that is reviewed in another view."""
        if self.view not in VIEWS:
            raise ValueError(f"project {self.name!r}: no view {self.view!r}; there are {', '.join(VIEWS)}")
        if not self.layers:
            raise ValueError(f"project {self.name!r} names no layer")
        for name in self.layers:
            try:
                declared = layer(name)
            except KeyError as error:
                raise ValueError(f"project {self.name!r}: {error.args[0]}") from error
            if self.view != "verdict" and (declared.review is None or declared.review.view != self.view):
                where = declared.review.view if declared.review else f"nowhere ({declared.unreviewed_because})"
                raise ValueError(f"project {self.name!r}: layer {name!r} is reviewed in {where}, not in {self.view}")

    @property
    def review_view(self) -> ReviewView:
        """The declaration of its view."""
        return VIEWS[self.view]

    @property
    def declared(self) -> tuple[Layer, ...]:
        """The declarations of its layers, in order."""
        return tuple(layer(name) for name in self.layers)

    @property
    def regions(self) -> dict[str, tuple[Layer, ...]]:
        """Region name → the layers that it carries, both in order; a layer without a region is its own."""
        found: dict[str, tuple[Layer, ...]] = {}
        for declared in self.declared:
            name = (declared.review and declared.review.region) or declared.name
            found[name] = (*found.get(name, ()), declared)
        return found


@dataclass(frozen=True, slots=True)
class Surface:
    """How the pictures of a task lie in its trajectory.

    One entry per proxy frame (timeline) or picture (list), 0-based: `steps`, the step that it shows, ascending; `frames`,
    the frame of `stream` that it shows (for screenshots and grids the step again). `end`: the step after the last.
    `width`, `height`: of the frame that pixel coordinates refer to, whatever the size of the picture. `fps`: of the proxy,
    timeline only. `resolution`: seconds between two pictures, null where steps have no time.
    """

    steps: tuple[int, ...]
    frames: tuple[int, ...]
    end: int
    width: int
    height: int
    stream: str | None = None
    fps: float | None = None
    resolution: float | None = None

    @property
    def start(self) -> int:
        """The first step."""
        return self.steps[0]


@dataclass(frozen=True, slots=True)
class ReviewTask:
    """One task of a project: a stretch `[surface.start, surface.end)` of one trajectory.

    `uid` is stable: `<recipe>/<project>/<round>/<trajectory>[#start-end]`; it stands in `data.uid` and finds the task
    again. `rows`: layer → the proposals shown, as stored. `data`: what Label Studio is given (media URLs, fps, title,
    `uid`, ...). `priority`: 0 (asked first) to 1 (sure). `owned`: of a task that overlaps its neighbours, the steps
    `[a, b)` whose rows it decides; None = all.
    """

    uid: str
    project: str
    trajectory_id: str
    surface: Surface
    rows: Mapping[str, tuple[Row, ...]]
    data: Mapping[str, Any]
    task_id: str | None = None
    priority: float = 1.0
    owned: tuple[int, int] | None = None
    round: int = 1


@dataclass(frozen=True, slots=True)
class Submission:
    """What one person saved on one task, last state. `results` as Label Studio exports them.

    `annotator`, `submission`: pseudonyms. `created_at`: ISO 8601, UTC, when it was submitted. `seconds`: lead time,
    idle included, capped. `skipped`: asserts nothing.
    """

    uid: str
    annotator: str
    submission: str
    created_at: str
    seconds: float | None
    results: tuple[Mapping[str, Any], ...]
    skipped: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a submission that a person must settle: stable `code` and a sentence with place and remedy.

    `region`: the region's id, where there is one. `redo`: the task must be done again.
    """

    code: str
    message: str
    uid: str
    region: str | None = None
    redo: bool = False


@dataclass(frozen=True, slots=True)
class Encoded:
    """Rows of a task as Label Studio is given them.

    `results`: in the shapes that the editor saves. `rows`: region id → the `(layer, annotation_id, element)` that it
    carries; `element` is the position in a series, else None.
    """

    results: tuple[Mapping[str, Any], ...]
    rows: Mapping[str, tuple[tuple[str, str, int | None], ...]] = field(default_factory=dict)
