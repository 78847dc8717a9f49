"""One statement about a trajectory, before it becomes a row.

An `Annotation` holds what an annotator (or a source) says: layer, interval, payload. Who says it is a `Producer`; the
two together make rows of the annotation tables.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from schemas.identity import annotation_table, run_id
from schemas.layers import layer as layer_named
from schemas.tables import KINDS


@dataclass(frozen=True, slots=True)
class Producer:
    """Who makes annotations: `type` (signal, model, human, oracle, import), `name`, `version`, `parameters`, `inputs`.

    `inputs`: sha256 of the files it read besides the trajectory (weights, vocabularies).
    """

    type: str
    name: str
    version: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()

    @property
    def run(self) -> str:
        """The id of what re-running reproduces."""
        return run_id(self.name, self.version, self.parameters, self.inputs)

    @property
    def row(self) -> dict[str, Any]:
        """Its row of `runs`."""
        return {
            "run": self.run,
            "producer_type": self.type,
            "producer": self.name,
            "producer_version": self.version,
            "parameters": dict(self.parameters),
            "inputs": list(self.inputs),
        }


@dataclass(frozen=True, slots=True)
class Annotation:
    """A statement: `payload` (columns of the layer's kind) about steps `[start, end)` of a trajectory.

    `start` and `end` are None where the layer's level has no time. `stream`: camera or screen; `target`: annotation or
    candidate it is about. `quality`: for imports alone, the source's own rating (primary, secondary or None).
    `trajectory_id`: for annotators of task scope alone, which of the task's trajectories it is about; None = the task.
    """

    layer: str
    payload: Mapping[str, Any]
    start: int | None = None
    end: int | None = None
    stream: str | None = None
    target: str | None = None
    confidence: float | None = None
    quality: str | None = None
    trajectory_id: str | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """What an annotator was told and cannot take (a model's malformed answer, say): becomes a reject, and costs nothing else.

    `code` is stable; `message` is a sentence that says what is wrong and where.
    """

    code: str
    message: str


def annotation_tables(
    trajectory_id: str | None, producer: Producer, annotations: Iterable[Annotation], task_id: str | None = None
) -> dict[str, pa.Table]:
    """Annotations of one trajectory (or, with `task_id`, of one task) and one producer as stored tables, by kind.

    An oracle's rows are accepted and primary, an import's accepted with the source's own rating; what signals and
    models say is proposed and secondary. Raises KeyError for an unknown layer or a column that the payload does not have
    (the envelope is not the annotator's to fill).
    """
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for annotation in annotations:
        declared = layer_named(annotation.layer)
        unknown = sorted(annotation.payload.keys() - {column.name for column in KINDS[declared.kind]})
        if unknown:
            raise KeyError(f"layer {annotation.layer!r}: {unknown} are no payload columns of {declared.kind}")
        rows[declared.kind].append(
            {
                "trajectory_id": annotation.trajectory_id if trajectory_id is None else trajectory_id,
                "layer": annotation.layer,
                "task_id": task_id,
                "level": declared.level,
                "start": annotation.start,
                "end": annotation.end,
                "stream": annotation.stream,
                "target": annotation.target,
                "producer_type": producer.type,
                "producer": producer.name,
                "producer_version": producer.version,
                "run": producer.run,
                "status": "accepted" if producer.type in ("oracle", "import") else "proposed",
                "quality": {"oracle": "primary", "import": annotation.quality}.get(producer.type, "secondary"),
                "confidence": annotation.confidence,
                **annotation.payload,
            }
        )
    return {kind: annotation_table(kind, of_kind) for kind, of_kind in sorted(rows.items())}
