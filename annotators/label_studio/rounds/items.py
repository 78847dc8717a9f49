"""What the rounds are about: items, the tasks that ask about them, and what people said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from schemas.layers import layer as layer_named

from ..corrections import is_empty
from ..project import Finding, Project, ReviewTask, Row, Surface

Purpose = Literal["first", "second", "adjudication", "acceptance"]
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)


@dataclass(frozen=True, slots=True)
class Extent:
    """The stretch that two people are compared on: steps `[start, end)`, the time of a step, the size of the frame.

    `seconds_per_step`: None where steps have no time. `steps_per_picture`: nobody can place a boundary finer than this.
    """

    start: int
    end: int
    seconds_per_step: float | None = None
    steps_per_picture: float = 1.0
    width: int = 0
    height: int = 0

    @classmethod
    def of(cls, surface: Surface) -> Extent:
        """The extent of a surface."""
        steps = surface.end - surface.start
        seconds = surface.resolution * len(surface.steps) / steps if surface.resolution and steps else None
        per_picture = max(steps / len(surface.steps), 1.0)
        return cls(surface.start, surface.end, seconds, per_picture, surface.width, surface.height)

    @property
    def diagonal(self) -> float:
        """Of the frame, pixels; 0 where its size is not known."""
        return float((self.width**2 + self.height**2) ** 0.5)


@dataclass(frozen=True, slots=True)
class Item:
    """What the rounds decide about: one stretch of one trajectory in one project.

    `key`: `<trajectory>[#start-end]`, the same in every round and project. `batch`: what is accepted or sent back together;
    whoever makes the items names it, and it never changes. `priority`: 0 (asked first) to 1 (sure). `rows`: layer → the
    proposals. `owned`: where stretches overlap, the steps `[a, b)` whose rows this one decides; None = all.
    """

    key: str
    extent: Extent
    batch: str = ""
    priority: float = 1.0
    rows: Mapping[str, tuple[Row, ...]] = field(default_factory=dict)
    trajectory_id: str = ""
    owned: tuple[int, int] | None = None

    @classmethod
    def of(cls, task: ReviewTask, batch: str = "") -> Item:
        """The item of a task of the first round. Its uid is `<recipe>/<project>/<round>/<key>`."""
        return cls(
            task.uid.split("/", 3)[3], Extent.of(task.surface), batch, task.priority, task.rows, task.trajectory_id, task.owned
        )

    def decides(self, row: Row) -> bool:
        """Whether a row begins where this item decides."""
        return self.owned is None or self.owned[0] <= (row["start"] or 0) < self.owned[1]


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one person said about one item, resolved into rows.

    `rows`: layer → rows of every status (accepted, corrected, rejected); a row that the person left out does not occur
    otherwise. `seconds`: of the submission. `findings`: what is wrong with it; one with `redo` makes the opinion void.
    """

    uid: str
    annotator: str
    submission: str
    created_at: str
    rows: Mapping[str, tuple[Row, ...]] = field(default_factory=dict)
    seconds: float | None = None
    skipped: bool = False
    findings: tuple[Finding, ...] = ()

    @property
    def place(self) -> Place:
        """Which task it answers."""
        return place_of(self.uid)

    @property
    def redo(self) -> bool:
        """Whether a finding asks for the task to be done again."""
        return any(finding.redo for finding in self.findings)

    def standing(self, layer: str) -> tuple[Row, ...]:
        """The rows of a layer that the person holds to be true, but for the one that says that nothing is there."""
        declared = layer_named(layer)
        return tuple(
            row
            for row in self.rows.get(layer, ())
            if row["status"] != "rejected" and (row["supersedes"] or not is_empty(declared, row))
        )


@dataclass(frozen=True, slots=True)
class Place:
    """Where a task belongs: the inverse of `task_uid`."""

    recipe: str
    project: str
    purpose: Purpose
    round: int
    key: str


def project_name(project: str, purpose: Purpose) -> str:
    """The project that asks for a purpose: `language`, `language.second`, `language.adjudication`, `language.acceptance`."""
    return project if purpose == "first" else f"{project}.{purpose}"


def project_for(project: Project, purpose: Purpose, *, blind: bool = False) -> Project:
    """The project of a purpose: the same view and layers. `blind` is for the second opinion alone."""
    only_second = blind and purpose == "second"
    return Project(project_name(project.name, purpose), project.view, project.layers, project.blind or only_second)


def task_uid(recipe: str, project: str, purpose: Purpose, round_: int, key: str) -> str:
    """The uid of the task that asks about an item: `<recipe>/<project>/<round>/<key>`."""
    return f"{recipe}/{project_name(project, purpose)}/{round_}/{key}"


def place_of(uid: str) -> Place:
    """Where a task belongs. Raises ValueError for a uid that `task_uid` cannot have made."""
    parts = uid.split("/", 3)
    if len(parts) != 4 or not parts[2].isdecimal():
        raise ValueError(f"{uid!r} is no uid of a task; it should be <recipe>/<project>/<round>/<trajectory>")
    recipe, name, round_, key = parts
    project, _, purpose = name.rpartition(".")
    for known in PURPOSES[1:]:
        if purpose == known and project:
            return Place(recipe, project, known, int(round_), key)
    return Place(recipe, name, "first", int(round_), key)
