"""The thin skin of Beam around the jobs: four transforms, and the coder that keeps shards from being pickled.

    p | Create(keys) | ReadShards(job) | Work(job) | Check(job) | WriteShards(job)

Beam fuses the chain, so a shard never leaves its worker. Yet Beam encodes the first elements of every edge to estimate
their size, also inside a fused stage: hence a coder whose estimate takes constant time, and declared types, so that it is
chosen. The work is in the job's methods, which anyone can call and test without Beam.
"""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import apache_beam as beam
import pyarrow as pa

from pipelines.engine.job import Job
from pipelines.shard import Outcome, Shard, ShardKey


class ShardCoder(beam.coders.Coder):  # type: ignore[misc]
    """Arrow IPC for the tables, pickle for the rest. In a fused chain it is never asked to encode."""

    def encode(self, value: Shard) -> bytes:
        """The shard as bytes."""
        tables = {}
        for name, table in value.tables.items():
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, table.schema) as writer:
                writer.write_table(table)
            tables[name] = sink.getvalue().to_pybytes()
        return pickle.dumps(replace(value, tables=tables))

    def decode(self, encoded: bytes) -> Shard:
        """The shard again."""
        shard: Shard = pickle.loads(encoded)
        return replace(shard, tables={name: pa.ipc.open_stream(data).read_all() for name, data in shard.tables.items()})

    def estimate_size(self, value: Shard) -> int:
        """Bytes of the tables; looks at no row."""
        return sum(table.nbytes for table in value.tables.values())

    def is_deterministic(self) -> bool:
        """Shards are never keys."""
        return False

    def to_type_hint(self) -> type[Shard]:
        """What it codes."""
        return Shard


beam.coders.registry.register_coder(Shard, ShardCoder)


class ReadShards(beam.PTransform):  # type: ignore[misc]
    """PCollection of ShardKey → PCollection of Shard."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        self.job = job

    def expand(self, keys: Any) -> Any:
        """`job.read` on each key."""
        return keys | "read" >> beam.Map(self.job.read).with_input_types(ShardKey).with_output_types(Shard)


class Work(beam.PTransform):  # type: ignore[misc]
    """PCollection of Shard → PCollection of Shard: what the job adds (propose, derive)."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        self.job = job

    def expand(self, shards: Any) -> Any:
        """`job.work` on each shard."""
        return shards | "work" >> beam.Map(self.job.work).with_input_types(Shard).with_output_types(Shard)


class Check(beam.PTransform):  # type: ignore[misc]
    """PCollection of Shard → PCollection of Shard without what breaks a rule."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        self.job = job

    def expand(self, shards: Any) -> Any:
        """`job.check` on each shard."""
        return shards | "check" >> beam.Map(self.job.check).with_input_types(Shard).with_output_types(Shard)


class WriteShards(beam.PTransform):  # type: ignore[misc]
    """PCollection of Shard → PCollection of Outcome; the files are in place when an outcome is."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        self.job = job

    def expand(self, shards: Any) -> Any:
        """`job.write` on each shard."""
        return shards | "write" >> beam.Map(self.job.write).with_input_types(Shard).with_output_types(Outcome)


def chain(pipeline: Any, job: Job, keys: list[ShardKey]) -> Any:
    """The whole job as one fused chain; returns the PCollection of outcomes."""
    label = job.name.capitalize()
    return (
        pipeline
        | f"{label}Keys" >> beam.Create(keys)
        | f"{label}ReadShards" >> ReadShards(job)
        | f"{label}Work" >> Work(job)
        | f"{label}Check" >> Check(job)
        | f"{label}WriteShards" >> WriteShards(job)
    )
