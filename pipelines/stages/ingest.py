"""Ingest: from sources to stored trajectories. One shard is a run of refs of one source."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from annotators.arc.grid_ids import state_rows
from pipelines.engine.collector import collector_paused, give_memory_back
from pipelines.engine.job import put_outcome, put_table, read_table, say_alive, take_out_annotations
from pipelines.engine.supervise import ChildDiedError, ChildHungError, supervised
from pipelines.errors import DataError
from pipelines.io.files import total_size
from pipelines.io.media import MediaEntry
from pipelines.io.store import Store
from pipelines.plan import Plan, plan_ingest
from pipelines.recipe import Recipe
from pipelines.shard import FileRecord, Outcome, Ref, Reject, Shard, ShardKey
from pipelines.sources import Reader, Rejected, Source, reader
from pipelines.stages.reading import ReadResult, Tables, join_tables, read_ref, read_together, reject_of
from schemas.arrow import columns_of, stored_schema, table_from_rows
from schemas.invariants import Violation, check_trajectories
from schemas.vocabularies import DOMAINS

TOGETHER, TOGETHER_BYTES = 32, 4_000_000
"""How many refs, and how many bytes of their files, are read by one call of the decode child."""


@dataclass(frozen=True)
class Ingest:
    """The ingest job of a recipe."""

    recipe: Recipe
    store: Store
    name: ClassVar[str] = "ingest"
    folder: ClassVar[str] = "ingest"

    def plan(self) -> Plan:
        """See `plan_ingest`."""
        return plan_ingest(self.recipe)

    def read(self, key: ShardKey) -> Shard:
        """Read all refs of a key; media are put at once, tables wait in the shard."""
        give_memory_back()
        source = next(s for s in self.recipe.resolved_sources if s.name == key.spec["source"])
        found = reader(source.reader)
        pack = f"media/{key.name}.pack"
        trajectories: list[Tables] = []
        tasks: list[pa.Table] = []
        rejects: list[Reject] = []
        media: dict[str, MediaEntry] = {}
        hung = count(1)

        def alive() -> None:
            say_alive(self.store, self.name, key.name, next(hung))

        with self.store.scratch() as folder:
            for result in _read_all(found, source, key.refs, folder, pack, media, alive):
                trajectories += result.trajectories
                tasks += result.tasks
                rejects += result.rejects
                media |= result.media
            self._put_media(folder, media)
        tables = join_tables(trajectories, tasks)
        tables["media"] = media_table(media)
        return Shard(key, tables, tuple(rejects), {"tasks": sum(map(len, tasks))} if tasks else {})

    def work(self, shard: Shard) -> Shard:
        """What was read, and the grids of ARC steps as ids (`annotators.arc.grid_ids`), so that regrouping moves no grid."""
        steps = shard.tables.get("arc_steps")
        return shard if steps is None else replace(shard, tables={**shard.tables, "arc_states": state_rows(steps)})

    def check(self, shard: Shard) -> Shard:
        """Take out trajectories that break an invariant, and what a source's own annotators said against one, as rejects."""
        return take_out_annotations(take_out_broken(shard), "check")

    def write(self, shard: Shard) -> Outcome:
        """Put the shard's tables below `ingest/`, then its outcome, which names what has changed since it was there before."""
        changed = changed_since(self.store, f"ingest/trajectories/{shard.key.name}.parquet", shard.tables["trajectories"])
        files = {
            name: put_table(self.store, f"ingest/{name}/{shard.key.name}.parquet", table)
            for name, table in sorted(shard.tables.items())
            if table.num_rows
        }
        counts = {"trajectories": shard.tables["trajectories"].num_rows, "steps": steps_in(shard.tables)}
        counts |= shard.counts
        for file in sorted(set(shard.tables["media"]["file"].to_pylist())):
            files[file] = self._media_record(file)
        facts = {"source": shard.key.spec["source"]} | ({"changed": "\n".join(changed)} if changed else {})
        outcome = Outcome(shard.key.name, shard.key.fingerprint, files, shard.rejects, counts, facts)
        return put_outcome(self.store, self.name, outcome)

    def _put_media(self, folder: Path, media: dict[str, MediaEntry]) -> None:
        ends: dict[str, int] = defaultdict(int)
        for entry in media.values():
            ends[entry.file] = max(ends[entry.file], entry.offset + entry.length)
        for file, end in sorted(ends.items()):
            if not self.store.exists(f"ingest/{file}", size=end) or file.endswith(".pack"):
                os.truncate(folder / file, end)  # a child that died may have left half a piece behind the last whole one
                self.store.put_file(f"ingest/{file}", folder / file)

    def _media_record(self, file: str) -> FileRecord:
        """A media file that lies in the workspace already; its bytes are vouched for by the sha256 of each piece."""
        size = self.store.size(f"ingest/{file}")
        return FileRecord(f"ingest/{file}", 0, size, 0, "")


def _read_all(
    found: Reader,
    source: Source,
    refs: Sequence[Ref],
    folder: Path,
    pack: str,
    media: Mapping[str, MediaEntry],
    alive: Callable[[], None],
) -> Iterator[ReadResult]:
    """What refs give, in their order; `media` grows meanwhile by what they gave. `alive` is called when the child has hung.

    A reader with native decoders works in the decode child, on small refs several at a time: a call of it takes longer than a
    small file. Where the child dies or hangs they are read again one by one, so that each is judged alone.
    """
    if not found.native:
        for ref in refs:
            with collector_paused():
                result = read_ref(found, source, ref, folder, pack, media)
            yield result
        return
    for group in _small_together(refs):
        try:
            if len(group) > 1:
                result = supervised(read_together, found, source, group, folder, pack, media)
                yield result
                continue
        except ChildDiedError:
            pass  # said below of the one that it was
        except ChildHungError:
            alive()
        for ref in group:
            result = _read_apart(found, source, ref, folder, pack, media)
            if any(reject.code == "decode_hung" for reject in result.rejects):
                alive()
            yield result


def _small_together(refs: Sequence[Ref]) -> Iterator[list[Ref]]:
    """Refs in their order, in groups of at most `TOGETHER_BYTES` and `TOGETHER`; what is larger is alone."""
    group: list[Ref] = []
    size = 0
    for ref in refs:
        own = total_size(ref.files)
        if group and (size + own > TOGETHER_BYTES or len(group) == TOGETHER):
            yield group
            group, size = [], 0
        group.append(ref)
        size += own
    if group:
        yield group


def _read_apart(
    found: Reader, source: Source, ref: Ref, folder: Path, pack: str, media: Mapping[str, MediaEntry]
) -> ReadResult:
    """Read one ref in the decode child. A dead or hanging child is a reject."""
    try:
        return supervised(read_together, found, source, [ref], folder, pack, media)
    except ChildDiedError as error:
        rejected = Rejected("decode_died", f"{ref.native_id}: {error}; the recording is damaged, or its decoder has a fault")
    except ChildHungError as error:
        rejected = Rejected("decode_hung", f"{ref.native_id}: {error}; the recording is damaged, or patience is too short")
    return ReadResult(rejects=[reject_of(source, ref, rejected)])


def changed_since(store: Store, path: str, trajectories: pa.Table) -> list[str]:
    """Ids of trajectories whose source had another sha256 when the table at `path` was made; none where there is no such table."""
    columns = ["trajectory_id", "input_sha256"]
    if not store.exists(path):
        return []
    try:
        before = dict(zip(*read_table(store, path, columns).to_pydict().values(), strict=True))
    except DataError:
        return []  # it is torn, and about to be replaced
    now = zip(*trajectories.select(columns).to_pydict().values(), strict=True)
    return [identifier for identifier, digest in now if before.get(identifier, digest) != digest]


def media_table(media: dict[str, MediaEntry]) -> pa.Table:
    """The media index of a shard, in order of sha256."""
    rows = [
        {"sha256": e.sha256, "file": e.file, "offset": e.offset, "length": e.length, "suffix": e.suffix}
        for _, e in sorted(media.items())
    ]
    return table_from_rows(stored_schema("media", columns_of("media")), rows)


def take_out_broken(shard: Shard) -> Shard:
    """The shard without the trajectories that break an invariant, which become rejects at stage `check`."""
    violations = check_trajectories(shard.tables)
    if not violations:
        return shard
    headers = {row["trajectory_id"]: row for row in shard.tables["trajectories"].to_pylist()}
    broken_rules: dict[str, list[Violation]] = defaultdict(list)
    for violation in violations:
        if violation.trajectory_id is not None:
            broken_rules[violation.trajectory_id].append(violation)
    rejects = []
    for trajectory_id, own in sorted(broken_rules.items()):
        header = headers[trajectory_id]
        more = f" (and {len(own) - 1} more)" if len(own) > 1 else ""
        rejects.append(
            Reject(
                "check", header["source_name"], header["source_uri"], header["native_id"], own[0].code, own[0].message + more
            )
        )
    broken = pa.array(sorted(broken_rules), pa.string())
    return replace(shard, tables=without(shard.tables, broken), rejects=shard.rejects + tuple(rejects))


def without(tables: Mapping[str, pa.Table], trajectory_ids: pa.Array) -> dict[str, pa.Table]:
    """The tables without the rows of some trajectories."""
    kept = {}
    for name, table in tables.items():
        if "trajectory_id" in table.column_names:
            table = table.filter(pc.invert(pc.is_in(table["trajectory_id"], value_set=trajectory_ids)))
        kept[name] = table
    return kept


def steps_in(tables: Mapping[str, pa.Table]) -> int:
    """Steps of all domains."""
    return sum(tables[f"{domain}_steps"].num_rows for domain in DOMAINS if f"{domain}_steps" in tables)
