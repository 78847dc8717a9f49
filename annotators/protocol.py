"""The contract of an automatic annotator, and how one is found by name.

    ANNOTATOR = MotionSegments()      # module level, in annotators/<domain>/<name>.py

An annotator sees one trajectory at a time, or (`scope="task"`) all trajectories of one task with the columns it declares.
"""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol, cast

from pydantic import TypeAdapter, ValidationError

from .annotation import Annotation, Producer, Refusal
from .trajectory import TaskView, TrajectoryView

PEOPLE = "label_studio"
"""The package of the human annotator: it holds no `ANNOTATOR`, and its modules need their extra."""


@dataclass(frozen=True, slots=True)
class Requires:
    """What a trajectory must have to be proposed for.

    `domain`; `columns`: columns of its step table that hold at least one value; `tables`: further tables that hold at
    least one row; `frames`: whether pixels are decoded, so that the work is done in a supervised child process.
    `scope`: what `propose` is given. Of a task's trajectories only the declared columns and tables are fetched, no media.
    `task`: whether it looks at `TrajectoryView.task` (or `TaskView.task`), which may still be None.
    """

    domain: str
    columns: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    frames: bool = False
    scope: Literal["trajectory", "task"] = "trajectory"
    task: bool = False

    def __post_init__(self) -> None:
        """Raises ValueError for frames over a whole task: pictures are not regrouped."""
        if self.frames and self.scope == "task":
            raise ValueError("an annotator of task scope reads ids and small rows, no frames")


class Annotator(Protocol):
    """Fills layers. Implementations are frozen dataclasses whose fields are their parameters.

    One that needs more than trajectories (an endpoint) has a method `lacks() -> str | None`, see `lacking`. One that is much
    faster on many trajectories than on one has also `propose_many(trajectories: Trajectories) -> Iterable[Statements |
    tuple[int, Annotation]] | None`: the same statements about all of a shard (with their places), None where it cannot.
    """

    name: ClassVar[str]
    version: ClassVar[str]
    producer_type: ClassVar[str]
    emits: ClassVar[tuple[str, ...]]
    requires: ClassVar[Requires]
    deterministic: ClassVar[bool]

    def propose(self, trajectory: TrajectoryView) -> Iterable[Annotation | Refusal]:
        """Annotations of the emitted layers, and what it was told and cannot take."""
        ...


class TaskAnnotator(Protocol):
    """As `Annotator`, with `requires.scope == "task"`; its `propose_many` is given a sequence of `TaskView`."""

    name: ClassVar[str]
    version: ClassVar[str]
    producer_type: ClassVar[str]
    emits: ClassVar[tuple[str, ...]]
    requires: ClassVar[Requires]
    deterministic: ClassVar[bool]

    def propose(self, task: TaskView) -> Iterable[Annotation]:
        """Annotations about the task, or (`Annotation.trajectory_id`) about one of its trajectories."""
        ...


class UnknownAnnotatorError(LookupError):
    """No annotator of that name, or no such parameter."""


def annotator(name: str, parameters: Mapping[str, Any] | None = None) -> Annotator:
    """The annotator of that name, with parameters replaced.

    Raises UnknownAnnotatorError, naming those that exist, for an unknown name or parameter, ValueError for a parameter of
    another type or outside its range.
    """
    if name not in annotator_names():
        raise UnknownAnnotatorError(f"no annotator {name!r}; there are {', '.join(annotator_names())}")
    found = importlib.import_module(f"{__package__}.{name}").ANNOTATOR
    fields = {field.name for field in dataclasses.fields(found)}
    unknown = sorted(set(parameters or {}) - fields)
    if unknown:
        raise UnknownAnnotatorError(f"{name} has no parameter {unknown[0]!r}; it has {', '.join(sorted(fields)) or 'none'}")
    if not parameters:
        return cast(Annotator, found)
    values = {field: getattr(found, field) for field in fields} | dict(parameters)
    try:
        return cast(Annotator, TypeAdapter(type(found)).validate_python(values))
    except ValidationError as error:
        first = error.errors()[0]
        place = f"parameter {'.'.join(map(str, first['loc']))} (found {first['input']!r}): " if first["loc"] else ""
        raise ValueError(f"{name}: {place}{first['msg'].removeprefix('Value error, ')}") from error


def annotator_names() -> tuple[str, ...]:
    """The names of all annotators: `<domain>.<module>`, for each module that has an `ANNOTATOR`."""
    package = importlib.import_module(__package__)
    names = []
    for domain in pkgutil.iter_modules(package.__path__):
        if domain.ispkg and domain.name != PEOPLE:
            inner = importlib.import_module(f"{__package__}.{domain.name}")
            names += [f"{domain.name}.{module.name}" for module in pkgutil.iter_modules(inner.__path__)]
    return tuple(sorted(name for name in names if hasattr(importlib.import_module(f"{__package__}.{name}"), "ANNOTATOR")))


def producer_of(annotator: Annotator | TaskAnnotator) -> Producer:
    """Who signs the rows of an annotator: its type, name, version and parameters."""
    parameters = {f.name: getattr(annotator, f.name) for f in dataclasses.fields(cast(Any, annotator))}
    return Producer(annotator.producer_type, annotator.name, annotator.version, parameters)


def lacking(annotator: Annotator | TaskAnnotator) -> str | None:
    """What an annotator needs besides trajectories and does not have here, in a sentence; None where it lacks nothing.

    What it lacks is asked before any trajectory is looked at: its layers are then not proposed, which is not the same as
    empty.
    """
    said = getattr(annotator, "lacks", None)
    return None if said is None else cast("str | None", said())


def meets(requires: Requires, trajectory: TrajectoryView) -> bool:
    """Whether a trajectory has what an annotator requires."""
    if trajectory.header["domain"] != requires.domain or not trajectory.num_steps:
        return False
    steps = trajectory.steps
    has_columns = all(c in steps.column_names and steps[c].null_count < len(steps) for c in requires.columns)
    return has_columns and all(t in trajectory.tables and trajectory.tables[t].num_rows for t in requires.tables)
