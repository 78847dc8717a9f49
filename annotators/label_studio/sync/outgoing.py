"""What is sent: a project as it shall be, and tasks with their predictions and a version over all of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from ..ledger.texts import exact_text, task_text
from ..project import Encoded, ReviewTask

MODEL_VERSION = "cairn"
_ORDERS = {"uncertain": "Uncertainty sampling", "random": "Uniform sampling", "given": "Sequential sampling"}


@dataclass(frozen=True, slots=True)
class ProjectSpec:
    """A project of Label Studio as it shall be.

    `uid`: `<recipe>/<project>/<round>`, finds it again. `title`: 3 to 50 characters. `instruction`: HTML. `overlap`: how
    many people do each task. `order`: `uncertain` (least sure first; for correction), `random` (for acceptance, drift and
    comparisons) or `given`. `blind`: no predictions. `model_version`: whose prediction a task opens with; None = the last.
    `media`: folders of the server whose files its tasks show.
    """

    uid: str
    title: str
    instruction: str = ""
    overlap: int = 1
    order: Literal["uncertain", "random", "given"] = "uncertain"
    blind: bool = False
    model_version: str | None = MODEL_VERSION
    media: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raises ValueError for a title that Label Studio refuses."""
        if not 3 <= len(self.title) <= 50:
            raise ValueError(f"title {self.title!r} has {len(self.title)} characters; Label Studio takes 3 to 50")

    @property
    def settings(self) -> dict[str, Any]:
        """Its settings in the words of Label Studio, but for config and description."""
        settings: dict[str, Any] = {
            "expert_instruction": self.instruction,
            "show_instruction": bool(self.instruction),
            "sampling": _ORDERS[self.order],
            "maximum_annotations": self.overlap,
            "show_collab_predictions": not self.blind,
        }
        if self.model_version is not None and not self.blind:
            settings["model_version"] = self.model_version
        return settings


@dataclass(frozen=True, slots=True)
class Prediction:
    """One prediction of a task. `model_version`: tells several of one task apart (two people's opinions)."""

    results: tuple[Mapping[str, Any], ...]
    model_version: str = MODEL_VERSION


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A task with what it is shown with. `regions`: region id → the rows that it carries, as `Encoded.rows`."""

    task: ReviewTask
    predictions: tuple[Prediction, ...] = ()
    regions: Mapping[str, tuple[tuple[str, str, int | None], ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, task: ReviewTask, encoded: Encoded) -> Outgoing:
        """A task with its own proposals as the one prediction."""
        return cls(task, (Prediction(encoded.results),), encoded.rows)


@dataclass(frozen=True, slots=True)
class Rendered:
    """What Label Studio is given for a task, and what the ledger keeps. `version`: 16 hex digits over all of it."""

    uid: str
    version: str
    data: dict[str, Any]
    predictions: tuple[dict[str, Any], ...]
    task: str
    regions: str

    @property
    def body(self) -> dict[str, Any]:
        """A task of an import."""
        return {"data": self.data, "predictions": list(self.predictions)}

    @property
    def offered(self) -> dict[str, Any]:
        """Its entry in the ledger, written before it is sent."""
        return {"kind": "offered", "uid": self.uid, "version": self.version, "task": self.task, "regions": self.regions}


def rendered(outgoing: Outgoing, blind: bool) -> Rendered:
    """A task as it is sent. In a blind project predictions stay here.

    The score of a prediction is the task's priority: Label Studio asks for the lowest first.
    """
    task = outgoing.task
    predictions = tuple(
        {"model_version": prediction.model_version, "score": task.priority, "result": list(prediction.results)}
        for prediction in outgoing.predictions
        if not blind
    )
    text, regions = task_text(task), exact_text(outgoing.regions)
    whole = b"\n".join((text.encode(), regions.encode(), orjson.dumps(predictions)))
    version = hashlib.sha256(whole).hexdigest()[:16]
    return Rendered(task.uid, version, {**task.data, "uid": task.uid, "version": version}, predictions, text, regions)
