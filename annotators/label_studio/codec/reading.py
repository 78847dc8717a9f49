"""A submission while it is read: its results by control, and what is found wrong with them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from ..project import Finding, Project, ReviewTask, Surface
from .fields import region_of
from .statement import Result, Unreadable


@dataclass(slots=True)
class Reading:
    """The results of one submission. `controls`: control name → its results, in order; relations are under `relation`."""

    project: Project
    task: ReviewTask
    results: Sequence[Result]
    findings: list[Finding] = field(default_factory=list)
    known: set[str] = field(default_factory=set)

    @property
    def surface(self) -> Surface:
        """The surface of the task."""
        return self.task.surface

    def of(self, control: str) -> list[Result]:
        """The results of one control, in order."""
        self.known.add(control)
        return [result for result in self.results if name_of(result) == control]

    def by_region(self, *controls: str) -> dict[str, dict[str, Result]]:
        """Region → control → its result. Two results of a control on a region are a finding."""
        found: dict[str, dict[str, Result]] = defaultdict(dict)
        self.known.update(controls)
        for result in self.results:
            name = name_of(result)
            if name not in controls:
                continue
            with self.place(result.get("id")):
                region = region_of(result)
                if name in found[region]:
                    raise Unreadable("region_twice", f"{name} says two things about one region; keep one of them")
                found[region][name] = result
        return dict(found)

    @contextmanager
    def place(self, region: str | None) -> Iterator[None]:
        """What is unreadable inside becomes a finding about the region, and the task must be done again."""
        try:
            yield
        except Unreadable as error:
            self.note(error.code, str(error), region, redo=True)

    def note(self, code: str, message: str, region: str | None = None, redo: bool = False) -> None:
        """Write down what is wrong."""
        self.findings.append(Finding(code, message, self.task.uid, region, redo))


def name_of(result: Result) -> str:
    """The control that a result comes from; relations have none."""
    return "relation" if result.get("type") == "relation" else str(result.get("from_name"))


def texts_of(found: Mapping[str, Result], names: Iterable[str]) -> list[Result]:
    """The results of the named controls that are there."""
    return [found[name] for name in names if name in found]
