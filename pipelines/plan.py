"""The plan of ingest: which refs there are, and which travel together.

Shards are cut in source order by cost, or earlier where a hash of a ref says so. Then an insertion moves only the borders
near it: measured at 100,000 trajectories, 1 % appended rebuilds 1 % (hash buckets: 31 %), 1 % inserted at random 25 %
(greedy packing: 76 %).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pipelines.io.files import folders_passed_over
from pipelines.recipe import Recipe, Shards
from pipelines.shard import Ref, Reject, ShardKey
from pipelines.sources import Rejected, Source, reader
from schemas.identity import digest
from schemas.json_column import printable
from schemas.versions import SCHEMA_VERSION

T = TypeVar("T")

CODE_VERSION = 1
"""Raised by hand when the batch jobs write other bytes for the same inputs; part of every fingerprint."""

MIN_FILL = 0.25
"""A hash may close a shard only when it is this full: otherwise there would be many tiny ones."""
MEAN_FILL = 0.45
"""Costs between hash borders, on average, as a share of the bound."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a job has to build, in order, and what the plan itself had to reject."""

    keys: tuple[ShardKey, ...]
    rejects: tuple[Reject, ...] = ()


def cut(items: Iterable[T], cost: Callable[[T], float], identity: Callable[[T], str]) -> Iterator[tuple[T, ...]]:
    """Runs of items in their order, each of total cost up to 1, or of one item that costs more.

    An item may also open a run by the hash of its `identity`, so that borders find each other again after an insertion.
    """
    run: list[T] = []
    filled = 0.0
    for item in items:
        weight = cost(item)
        opens = _chance(identity(item)) < weight / MEAN_FILL
        if run and (filled + weight > 1 or (filled > MIN_FILL and opens)):
            yield tuple(run)
            run, filled = [], 0.0
        run.append(item)
        filled += weight
    if run:
        yield tuple(run)


def plan_ingest(recipe: Recipe) -> Plan:
    """Keys and rejects of all sources, in the order of the recipe. Reads listings and indexes, never recordings."""
    keys: list[ShardKey] = []
    rejects: list[Reject] = []
    for source in recipe.resolved_sources:
        refs, refused = plan_source(source)
        rejects += refused
        keys += [_key(source, run) for run in cut(refs, lambda ref: ref_cost(ref, recipe.shards), _identity)]
    return Plan(tuple(keys), tuple(rejects))


def plan_source(source: Source) -> tuple[list[Ref], list[Reject]]:
    """The refs and rejects of one source; a source that cannot be listed at all is one reject.

    A native id may occur once: ids of trajectories are made of it.
    """
    refs: dict[str, Ref] = {}
    rejects: list[Reject] = []
    place = source.uri.rstrip("/").rsplit("/", 1)[-1]
    try:
        for item in reader(source.reader).plan(source):
            if isinstance(item, Reject):
                rejects.append(item)
            elif (first := refs.setdefault(printable(item.native_id), item)) is not item:
                rejects.append(_clash(source, item, first))
        for name, rejected in folders_passed_over(source.uri):
            rejects.append(Reject("plan", source.name, name, None, rejected.code, rejected.message, rejected.detail))
    except Rejected as rejected:
        rejects.append(Reject("plan", source.name, place, None, rejected.code, rejected.message, rejected.detail))
    except Exception as error:  # noqa: BLE001 - whatever a foreign index makes a reader do, it costs this source alone
        message = (
            f"the reader stopped with {type(error).__name__}: {error}; the index of the source is not what its format says"
        )
        rejects.append(Reject("plan", source.name, place, None, "reader_failed", message))
    if not refs and not rejects:
        message = f"{place} holds no recording that {source.reader} reads; check `uri` and `reader`"
        rejects.append(Reject("plan", source.name, place, None, "source_empty", message))
    return list(refs.values()), rejects


def _clash(source: Source, ref: Ref, first: Ref) -> Reject:
    own, other = (r.files[0].name if r.files else r.native_id for r in (ref, first))
    message = f"{own}: {other} has the id {ref.native_id!r} already; rename one of the two, ids are made of names"
    return Reject("plan", source.name, own, ref.native_id, "native_id_clash", message)


def ref_cost(ref: Ref, bounds: Shards) -> float:
    """What a ref costs, as a share of a shard's bound."""
    return max(ref.size / bounds.bytes, ref.steps / bounds.steps, 1e-9)


def _key(source: Source, run: Sequence[Ref]) -> ShardKey:
    inputs = [[ref.identity, [[file.size, file.stamp] for file in ref.files], ref.selector] for ref in run]
    how = [
        source.name,
        source.reader,
        reader(source.reader).version,
        source.license,
        source.revision,
        source.options.model_dump(),
    ]
    return ShardKey(
        name=f"{source.name}-{digest([ref.identity for ref in run])[:12]}",
        fingerprint=digest([CODE_VERSION, SCHEMA_VERSION, how, inputs]),
        refs=tuple(run),
        spec={"source": source.name},
    )


def _identity(ref: Ref) -> str:
    return digest(ref.identity)


def _chance(identity: str) -> float:
    """A number in [0, 1) that depends on the identity alone."""
    return int(hashlib.sha256(identity.encode()).hexdigest()[:8], 16) / 2**32
