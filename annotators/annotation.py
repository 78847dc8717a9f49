"""One statement about a trajectory, before it becomes a row.

An `Annotation` holds what an annotator (or a source) says: layer, interval, payload. Who says it is a `Producer`; the
two together make rows of the annotation tables.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.arrow import columns_of, stored_schema, table_from_columns
from schemas.identity import annotation_ids, run_id
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


@dataclass(frozen=True, slots=True, eq=False)
class Statements:
    """Annotations of one layer about many trajectories, as columns: what `Annotation` says of one, in lists or Arrow arrays.

    `owners`: per row the place of its trajectory among those that were asked about; `payload`: column → values.
    """

    layer: str
    owners: Sequence[int] | npt.NDArray[np.integer[Any]]
    payload: Mapping[str, Any]
    start: Any = None
    end: Any = None


def annotation_tables(
    trajectory_id: str | None, producer: Producer, annotations: Iterable[Annotation], task_id: str | None = None
) -> dict[str, pa.Table]:
    """Annotations of one trajectory (or, with `task_id`, of one task) and one producer as stored tables, by kind.

    An oracle's rows are accepted and primary, an import's accepted with the source's own rating; what signals and
    models say is proposed and secondary. Raises KeyError for an unknown layer or a column that the payload does not have
    (the envelope is not the annotator's to fill).
    """
    return tables_about([trajectory_id], producer, [(0, one) for one in annotations], [task_id])


def tables_about(
    trajectory_ids: Sequence[str | None],
    producer: Producer,
    said: Iterable[tuple[int, Annotation] | Statements],
    task_ids: Sequence[str | None] | None = None,
) -> dict[str, pa.Table]:
    """`annotation_tables` of many trajectories (or tasks) at once: their rows stand in the order of those.

    `said`: annotations with the place of what they are about, or columns of them. Once for a shard this costs a twentieth
    of what it costs once for each trajectory (measured).
    """
    alone: dict[str, list[tuple[int, Annotation]]] = defaultdict(list)
    parts: dict[str, list[pa.Table]] = defaultdict(list)
    for one in said:
        if isinstance(one, Statements):
            parts[layer_named(one.layer).kind].append(_table(one, {}, trajectory_ids, producer, task_ids))
        else:
            alone[one[1].layer].append(one)
    for layer, own in alone.items():
        parts[layer_named(layer).kind].append(_table(*_columns(layer, own), trajectory_ids, producer, task_ids))
    return {kind: _in_order(kind, pa.concat_tables(tables)) for kind, tables in sorted(parts.items())}


_OWNER = "owner"
"""A column that is there only until rows are in order: the place of what they are about."""

_OF_SOME = ("stream", "target", "confidence", "quality", "trajectory_id")


def _columns(layer: str, said: Sequence[tuple[int, Annotation]]) -> tuple[Statements, dict[str, Any]]:
    """Annotations of one layer as columns, and those of the envelope that only some annotators fill."""
    rows = [annotation for _, annotation in said]
    names = dict.fromkeys(name for row in rows for name in row.payload)
    payload = {name: [row.payload.get(name) for row in rows] for name in names}
    some = {name: [getattr(row, name) for row in rows] for name in _OF_SOME}
    envelope = {name: values for name, values in some.items() if any(value is not None for value in values)}
    start, end = [row.start for row in rows], [row.end for row in rows]
    return Statements(layer, [owner for owner, _ in said], payload, start, end), envelope


def _table(
    said: Statements,
    envelope: Mapping[str, Any],
    trajectory_ids: Sequence[str | None],
    producer: Producer,
    task_ids: Sequence[str | None] | None,
) -> pa.Table:
    """The rows of one layer, in the order in which they were said, with their owners."""
    declared = layer_named(said.layer)
    unknown = sorted(said.payload.keys() - {column.name for column in KINDS[declared.kind]})
    if unknown:
        raise KeyError(f"layer {said.layer!r}: {unknown} are no payload columns of {declared.kind}")
    owners = pa.array(said.owners, pa.int32())
    ids = pa.array(trajectory_ids, pa.string()).take(owners)
    if "trajectory_id" in envelope:
        ids = pc.coalesce(ids, pa.array(envelope["trajectory_id"], pa.string()))
    every = {
        "layer": said.layer,
        "level": declared.level,
        "producer_type": producer.type,
        "producer": producer.name,
        "producer_version": producer.version,
        "run": producer.run,
        "status": "accepted" if producer.type in ("oracle", "import") else "proposed",
        "quality": {"oracle": "primary", "import": None}.get(producer.type, "secondary"),
    }
    values: dict[str, Any] = {name: _repeated(value, len(owners)) for name, value in every.items()}
    values |= {name: envelope[name] for name in ("stream", "target", "confidence") if name in envelope}
    if producer.type == "import":
        values["quality"] = envelope.get("quality")
    values |= {"trajectory_id": ids, "start": said.start, "end": said.end, **said.payload}
    values["task_id"] = None if task_ids is None else pa.array(task_ids, pa.string()).take(owners)
    table = table_from_columns(stored_schema(declared.kind, columns_of(declared.kind)), values, len(owners))
    return table.append_column(_OWNER, owners)


def _repeated(value: str | None, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(value, pa.string()), count)


def _in_order(kind: str, table: pa.Table) -> pa.Table:
    """The rows with their ids, by owner, and for each as `annotation_table` sorts them."""
    owners = table[_OWNER]
    table = table.drop_columns([_OWNER])
    table = table.set_column(0, table.schema.field(0), annotation_ids(kind, table))
    keys = {name: table[name] for name in ("trajectory_id", "start", "annotation_id")}
    order = pc.sort_indices(pa.table({_OWNER: owners, **keys}), [(name, "ascending") for name in (_OWNER, *keys)])
    if not pc.all(pc.equal(order, pa.array(np.arange(len(order)), pa.uint64()))).as_py():
        table = table.take(order)
    return table.combine_chunks()
